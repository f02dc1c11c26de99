/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/samplers/dpmpp.c: DPM-Solver++(2M), Lu 2022 (2211.01095), algorithm 2,
 * midpoint; first order at both ends. lambda is -log (sigma), so exp (-h) is
 * the ratio of two sigmas. */
#include "core/samplers/method.h"

static void
step (const TessPath *path,
      gint i,
      const gfloat *output,
      const gfloat *noise,
      gfloat *x,
      gsize n,
      TessHistory *history)
{
  gdouble now = path->sigmas[i], next = path->sigmas[i + 1];
  gdouble left = next / now; /* exp (-h) */
  gdouble of_x0 = tess_sigma_signal (next) * (1.0 - left);
  gdouble of_slope = 0.0;

  if (history->n_x0 > 1 && i < path->n - 1)
    {
      gdouble before = log (path->sigmas[i - 1] / now);

      /* Equal sigmas in a row have no slope. */
      if (before > 0.0)
        of_slope = 0.5 * of_x0 * log (now / next) / before;
    }
  tess_terms_sum (x, n,
                  (const TessTerm[]) {
                      { tess_sigma_noise (next) / tess_sigma_noise (now), x },
                      { of_x0 + of_slope, history->x0[0] },
                      { -of_slope, history->x0[1] } },
                  history->n_x0 > 1 ? 3 : 2);
}

const TessMethod tess_method_dpmpp_2m = {
  .nick = "dpmpp-2m",
  .grid = TESS_GRID_BETWEEN,
  .n_x0 = 2,
  .step = step,
};

const TessMethod tess_method_dpmpp_2m_karras = {
  .nick = "dpmpp-2m-karras",
  .grid = TESS_GRID_BETWEEN,
  .karras = TRUE,
  .n_x0 = 2,
  .step = step,
};
