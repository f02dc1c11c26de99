/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/guidance.c: two network answers become one. */
#include "core/guidance.h"

#include <math.h>

static gdouble
std_dev (const gfloat *x, gsize n)
{
  gdouble mean = 0.0, squares = 0.0;

  for (gsize i = 0; i < n; i++)
    mean += x[i];
  mean /= n;
  for (gsize i = 0; i < n; i++)
    squares += (x[i] - mean) * (x[i] - mean);
  return sqrt (squares / n);
}

void
tess_guide (gfloat *output,
            const gfloat *negative,
            gsize n,
            gdouble guidance,
            gdouble rescale)
{
  gfloat scale = (gfloat) guidance;
  gdouble before = 0.0, after, factor;

  if (rescale > 0.0)
    before = std_dev (output, n);
  for (gsize i = 0; i < n; i++)
    output[i] = negative[i] + scale * (output[i] - negative[i]);
  if (rescale <= 0.0)
    return;
  after = std_dev (output, n);
  if (after <= 0.0)
    return;
  factor = rescale * before / after + 1.0 - rescale;
  for (gsize i = 0; i < n; i++)
    output[i] *= (gfloat) factor;
}
