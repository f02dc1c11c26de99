/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/samplers/ddpm.c: Ho 2020, eq. 6 and 7, over any visited timesteps. */
#include "core/samplers/method.h"

static gboolean
noisy (const TessPath *path, gint i)
{
  return i < path->n - 1;
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
  gdouble now = path->abar[i], next = path->abar_next[i];
  gdouble alpha = now < next ? now / next : 1.0, beta = 1.0 - alpha;
  gdouble of_x0 = sqrt (next) * beta / (1.0 - now);
  gdouble of_x = sqrt (alpha) * (1.0 - next) / (1.0 - now);
  gdouble variance = (1.0 - next) / (1.0 - now) * beta;
  TessWeights x0
      = tess_x0_weights (path->prediction, sqrt (now), sqrt (1.0 - now));
  TessTerm terms[] = {
    { of_x0 * x0.x + of_x, x },
    { of_x0 * x0.output, output },
    { sqrt (MAX (variance, 0.0)), noise },
  };

  tess_terms_sum (x, n, terms, noise ? 3 : 2);
}

const TessMethod tess_method_ddpm = {
  .nick = "ddpm",
  .grid = TESS_GRID_EACH,
  .chain = TRUE,
  .noisy = noisy,
  .step = step,
};
