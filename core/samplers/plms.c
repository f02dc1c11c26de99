/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/samplers/plms.c: Liu 2022 (2202.09778), pseudo linear multistep: the
 * direction of a DDIM step is that of the last four evaluations; the first
 * step is tried, evaluated at its end, and taken anew with the mean of both. */
#include "core/samplers/method.h"

#include <string.h>

/* From abar @now to @next along @eps, a sum of @n_terms. */
static void
go (gdouble now,
    gdouble next,
    const TessTerm *eps,
    gint n_terms,
    gfloat *x,
    gsize n)
{
  TessTerm terms[1 + TESS_MAX_HISTORY] = { { sqrt (next / now), x } };
  gdouble along = sqrt (1.0 - next) - sqrt (next / now) * sqrt (1.0 - now);

  for (gint i = 0; i < n_terms; i++)
    terms[1 + i] = (TessTerm) { along * eps[i].weight, eps[i].src };
  tess_terms_sum (x, n, terms, 1 + n_terms);
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
  static const gdouble weights[4][4] = {
    { 1.0 },
    { 3.0 / 2.0, -1.0 / 2.0 },
    { 23.0 / 12.0, -16.0 / 12.0, 5.0 / 12.0 },
    { 55.0 / 24.0, -59.0 / 24.0, 37.0 / 24.0, -9.0 / 24.0 },
  };
  TessTerm eps[4];
  gint n_eps = CLAMP (history->n_x0, 1, 4);

  if (i == 0)
    memcpy (history->before, x, n * sizeof *x);
  if (i == 1 && history->n_x0 > 1)
    {
      gfloat *second = history->x0[0];

      memcpy (x, history->before, n * sizeof *x);
      go (path->abar[0], path->abar_next[0],
          (const TessTerm[]) { { 0.5, second }, { 0.5, history->x0[1] } }, 2, x,
          n);
      /* The evaluation at the trial's end is not part of the history. */
      history->x0[0] = history->x0[1];
      history->x0[1] = second;
      history->n_x0 = 1;
      return;
    }
  for (gint k = 0; k < n_eps; k++)
    eps[k] = (TessTerm) { weights[n_eps - 1][k], history->x0[k] };
  go (path->abar[i], path->abar_next[i], eps, n_eps, x, n);
}

const TessMethod tess_method_plms = {
  .nick = "plms",
  .grid = TESS_GRID_EACH,
  .n_x0 = 4,
  .keeps_eps = TRUE,
  .twice = TRUE,
  .needs_before = TRUE,
  .step = step,
};
