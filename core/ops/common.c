/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/ops/common.c: what several ops share. */
#include "core/ops/ops-private.h"
#include "core/simd.h"

#include <math.h>

gsize
tess_weight_n_elements (const TessWeight *weight)
{
  return weight != NULL ? tess_tensor_n_elements (weight->tensor) : 0;
}

gboolean
tess_check_vector (TessProgram *program,
                   const TessOpClass *klass,
                   const gchar *what,
                   const TessWeight *weight,
                   gint n)
{
  if (tess_weight_n_elements (weight) == (gsize) n)
    return TRUE;
  tess_program_fail_shape (program, klass,
                           "%s %s has %" G_GSIZE_FORMAT " numbers, not %d",
                           what, weight != NULL ? weight->name : "(missing)",
                           tess_weight_n_elements (weight), n);
  return FALSE;
}

#define BLOCK 64

TESS_SIMD void
tess_plain_row (gfloat *dst,
                const gfloat *src,
                gsize n_src,
                const gfloat *weight,
                gsize n_dst)
{
  gsize first = 0;

  for (; first + BLOCK <= n_dst; first += BLOCK)
    {
      gfloat sums[BLOCK];

      for (gint o = 0; o < BLOCK; o++)
        sums[o] = dst[first + o];
      for (gsize i = 0; i < n_src; i++)
        for (gint o = 0; o < BLOCK; o++)
          sums[o] += src[i] * weight[i * n_dst + first + o];
      for (gint o = 0; o < BLOCK; o++)
        dst[first + o] = sums[o];
    }
  for (gsize i = 0; i < n_src && first < n_dst; i++)
    for (gsize o = first; o < n_dst; o++)
      dst[o] += src[i] * weight[i * n_dst + o];
}

gfloat
tess_plain_activate (TessActivation act, gfloat x)
{
  switch (act)
    {
    case TESS_ACT_SILU:
      return x / (1.0f + expf (-x));
    case TESS_ACT_GELU:
      return 0.5f * x * (1.0f + erff (x * (gfloat) G_SQRT2 * 0.5f));
    case TESS_ACT_QUICK_GELU:
      return x / (1.0f + expf (-1.702f * x));
    case TESS_ACT_RELU:
      return x > 0.0f ? x : 0.0f;
    case TESS_ACT_LEAKY_RELU:
      return x > 0.0f ? x : 0.2f * x;
    case TESS_ACT_NONE:
    case TESS_ACT_GEGLU:
      break;
    }
  return x;
}
