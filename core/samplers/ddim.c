/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/samplers/ddim.c: Song 2020, eq. 12 and 16. */
#include "core/samplers/method.h"

static gboolean
noisy (const TessPath *path, gint i)
{
  return path->eta > 0.0;
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
  gdouble variance = (1.0 - next) / (1.0 - now) * (1.0 - now / next);
  gdouble spread = path->eta * sqrt (MAX (variance, 0.0));
  gdouble direction = sqrt (MAX (1.0 - next - spread * spread, 0.0));
  gdouble signal = sqrt (now), level = sqrt (1.0 - now);
  TessWeights x0 = tess_x0_weights (path->prediction, signal, level);
  TessWeights eps = tess_eps_weights (path->prediction, signal, level);
  TessTerm terms[] = {
    { sqrt (next) * x0.x + direction * eps.x, x },
    { sqrt (next) * x0.output + direction * eps.output, output },
    { spread, noise },
  };

  tess_terms_sum (x, n, terms, noise ? 3 : 2);
}

const TessMethod tess_method_ddim = {
  .nick = "ddim",
  .grid = TESS_GRID_EACH,
  .noisy = noisy,
  .step = step,
};
