/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/samplers/unipc.c: UniPC-2, Zhao 2023, algorithms 1 and 2 with
 * B(h) = exp (h) - 1 and x0 predictions: each step first corrects where the
 * last one led to, now that the network has seen it, then predicts. */
#include "core/samplers/method.h"

#include <string.h>

/* What a stretch from sigma @from to @to makes of x and of the x0 predicted
 * at @from; h is in -log (sigma). */
typedef struct
{
  gdouble of_x, of_x0, h;
} Stretch;

static Stretch
stretch (gdouble from, gdouble to)
{
  return (Stretch) {
    .of_x = tess_sigma_noise (to) / tess_sigma_noise (from),
    .of_x0 = tess_sigma_signal (to) * (1.0 - to / from),
    .h = log (from / to),
  };
}

/* x becomes what it should have been, by the prediction x0[0] made from it:
 * the last step again, from the canvas that it started from. */
static void
correct (const TessPath *path, gint i, gfloat *x, gsize n, TessHistory *history)
{
  Stretch s = stretch (path->sigmas[i - 1], path->sigmas[i]);
  gdouble of_now = 0.5, of_before = 0.0, ratio = 0.0;

  if (history->last_order == 2)
    {
      gdouble phi = -expm1 (-s.h) / s.h - 1.0; /* exp (hh) - 1 over hh, - 1 */
      gdouble b0 = phi / expm1 (-s.h);
      gdouble b1 = (-phi / s.h - 0.5) * 2.0 / expm1 (-s.h);

      ratio = log (path->sigmas[i - 1] / path->sigmas[i - 2]) / s.h;
      of_before = (b0 - b1) / (1.0 - ratio) / ratio;
      of_now = b0 - of_before * ratio;
    }
  tess_terms_sum (x, n,
                  (const TessTerm[]) {
                      { s.of_x, history->before },
                      { s.of_x0 * of_now, history->x0[0] },
                      { s.of_x0 * (1.0 - of_now - of_before), history->x0[1] },
                      { s.of_x0 * of_before, history->x0[2] } },
                  history->last_order == 2 ? 4 : 3);
}

static void
predict (const TessPath *path, gint i, gfloat *x, gsize n, TessHistory *history)
{
  Stretch s = stretch (path->sigmas[i], path->sigmas[i + 1]);
  gdouble of_slope = 0.0;

  history->last_order = 1;
  if (history->n_x0 > 1 && i < path->n - 1 && s.h > 0.0)
    {
      gdouble ratio = log (path->sigmas[i] / path->sigmas[i - 1]) / s.h;

      if (ratio < 0.0)
        {
          of_slope = 0.5 * s.of_x0 / ratio;
          history->last_order = 2;
        }
    }
  tess_terms_sum (x, n,
                  (const TessTerm[]) { { s.of_x, x },
                                       { s.of_x0 - of_slope, history->x0[0] },
                                       { of_slope, history->x0[1] } },
                  history->n_x0 > 1 ? 3 : 2);
}

static void
step (const TessPath *path,
      gint i,
      const gfloat *output,
      const gfloat *noise,
      gfloat *x,
      gsize n,
      TessHistory *history)
{
  if (history->n_x0 > 1)
    correct (path, i, x, n, history);
  memcpy (history->before, x, n * sizeof *x);
  predict (path, i, x, n, history);
}

const TessMethod tess_method_unipc = {
  .nick = "unipc",
  .grid = TESS_GRID_BETWEEN,
  .n_x0 = 3,
  .needs_before = TRUE,
  .step = step,
};
