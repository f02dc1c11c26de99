/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/cpu/layer-norm.c: layer norm, one row at a time in the cache. */
#include "core/cpu/cpu-private.h"

typedef struct
{
  TessKernel kernel;
  gfloat eps;
} Norm;

/* Sixteen sums side by side: vectors, and less rounding than one sum. */
#define WAYS 16

TESS_SIMD static gfloat
mean_of (const gfloat *src, gint n)
{
  gfloat sums[WAYS] = { 0 }, sum = 0.0f;
  gint i = 0;

  for (; i + WAYS <= n; i += WAYS)
    for (gint j = 0; j < WAYS; j++)
      sums[j] += src[i + j];
  for (; i < n; i++)
    sum += src[i];
  for (gint j = 0; j < WAYS; j++)
    sum += sums[j];
  return sum / n;
}

TESS_SIMD static gfloat
variance_of (const gfloat *src, gfloat mean, gint n)
{
  gfloat sums[WAYS] = { 0 }, sum = 0.0f;
  gint i = 0;

  for (; i + WAYS <= n; i += WAYS)
    for (gint j = 0; j < WAYS; j++)
      sums[j] += (src[i + j] - mean) * (src[i + j] - mean);
  for (; i < n; i++)
    sum += (src[i] - mean) * (src[i] - mean);
  for (gint j = 0; j < WAYS; j++)
    sum += sums[j];
  return sum / n;
}

TESS_SIMD static void
apply (const gfloat *restrict src,
       gfloat mean,
       gfloat factor,
       const gfloat *restrict scale,
       const gfloat *restrict shift,
       gfloat *restrict dst,
       gint n)
{
  if (shift == NULL)
    for (gint i = 0; i < n; i++)
      dst[i] = (src[i] - mean) * factor * scale[i];
  else
    for (gint i = 0; i < n; i++)
      dst[i] = (src[i] - mean) * factor * scale[i] + shift[i];
}

#define MAX_ROW 8192

static void
run (TessKernel *kernel, const TessHostRun *run)
{
  const Norm *self = (Norm *) kernel;
  const TessValue *value = kernel->op->src[TESS_SLOT_SRC];
  gboolean half = value->type == TESS_BF16;
  gboolean half_dst = kernel->op->dst->type == TESS_BF16;
  const guint8 *src = tess_host_data (run, value);
  guint8 *dst = tess_host_data (run, kernel->op->dst);
  const gfloat *scale = tess_kernel_pack (kernel, 0);
  const gfloat *shift = tess_kernel_pack (kernel, 1);
  gsize c = value->shape.c, n = tess_shape_n_elements (&value->shape) / c;

#pragma omp parallel for
  for (gsize row = 0; row < n; row++)
    {
      gfloat piece[MAX_ROW], result[MAX_ROW];
      const gfloat *from = (const gfloat *) src + row * c;
      gfloat mean, factor;

      if (half)
        {
          tess_bf16_to_f32 ((const guint16 *) src + row * c, piece, c);
          from = piece;
        }
      mean = mean_of (from, (gint) c);
      factor = 1.0f / sqrtf (variance_of (from, mean, (gint) c) + self->eps);
      apply (from, mean, factor, scale, shift,
             half_dst ? result : (gfloat *) dst + row * c, (gint) c);
      if (half_dst)
        tess_f32_to_bf16 (result, (guint16 *) dst + row * c, c);
    }
}

TessKernel *
tess_cpu_layer_norm_new (TessHostBackend *host, const TessOp *op)
{
  Norm *self;

  if (op->dst->shape.c > MAX_ROW)
    return NULL;
  self = g_new0 (Norm, 1);
  self->eps = ((const TessLayerNormOp *) op)->eps;
  tess_pack_spec_plain (&self->kernel.specs[0], op->weights[TESS_SLOT_WEIGHT]);
  if (op->weights[TESS_SLOT_BIAS] != NULL)
    tess_pack_spec_plain (&self->kernel.specs[1], op->weights[TESS_SLOT_BIAS]);
  self->kernel.variant = "vector loops";
  self->kernel.run = run;
  return &self->kernel;
}
