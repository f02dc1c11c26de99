/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/samplers/euler.c: Karras 2022, algorithm 1 without its second order;
 * and the ancestral kind, which goes further down and adds noise again. */
#include "core/samplers/method.h"

/* Along the line from x to x0, from sigma @from to @to, then noise. */
static void
go (const TessPath *path,
    gdouble from,
    gdouble to,
    gdouble spread,
    const gfloat *output,
    const gfloat *noise,
    gfloat *x,
    gsize n)
{
  gdouble left = to / from, signal = tess_sigma_signal (from);
  /* The weights are for a canvas that keeps its variance. */
  TessWeights x0
      = tess_x0_weights (path->prediction, signal, tess_sigma_noise (from));
  TessTerm terms[] = {
    { left + (1.0 - left) * x0.x * signal, x },
    { (1.0 - left) * x0.output, output },
    { spread, noise },
  };

  tess_terms_sum (x, n, terms, noise ? 3 : 2);
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
  go (path, path->sigmas[i], path->sigmas[i + 1], 0.0, output, NULL, x, n);
}

static gboolean
noisy (const TessPath *path, gint i)
{
  return i < path->n - 1;
}

static void
step_ancestral (const TessPath *path,
                gint i,
                const gfloat *output,
                const gfloat *noise,
                gfloat *x,
                gsize n,
                TessHistory *history)
{
  gdouble from = path->sigmas[i], to = path->sigmas[i + 1];
  gdouble up = to / from * sqrt (MAX (from * from - to * to, 0.0));
  gdouble down = to * to / from; /* squares of both add up to to^2 */

  go (path, from, down, up, output, noise, x, n);
}

const TessMethod tess_method_euler = {
  .nick = "euler",
  .grid = TESS_GRID_EACH_F,
  .unscaled = TRUE,
  .step = step,
};

const TessMethod tess_method_euler_ancestral = {
  .nick = "euler-a",
  .grid = TESS_GRID_EACH_F,
  .unscaled = TRUE,
  .noisy = noisy,
  .step = step_ancestral,
};
