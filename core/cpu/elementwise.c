/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/cpu/elementwise.c: add and activations, piece by piece through the
 * first level cache. */
#include "core/cpu/cpu-private.h"

#define PIECE 1024

static const gfloat *
load (gconstpointer src, TessType type, gsize first, gsize n, gfloat *piece)
{
  if (type == TESS_F32)
    return (const gfloat *) src + first;
  tess_bf16_to_f32 ((const guint16 *) src + first, piece, n);
  return piece;
}

static void
store (const gfloat *src, gpointer dst, TessType type, gsize first, gsize n)
{
  if (type == TESS_F32)
    memcpy ((gfloat *) dst + first, src, n * sizeof *src);
  else
    tess_f32_to_bf16 (src, (guint16 *) dst + first, n);
}

TESS_SIMD static void
add (const gfloat *restrict a, const gfloat *b, gfloat *dst, gsize n)
{
  for (gsize i = 0; i < n; i++)
    dst[i] = a[i] + b[i];
}

static void
run_add (TessKernel *kernel, const TessHostRun *run)
{
  const TessOp *op = kernel->op;
  const TessValue *a = op->src[TESS_SLOT_SRC], *b = op->src[TESS_SLOT_B];
  gconstpointer a_data = tess_host_data (run, a);
  gconstpointer b_data = tess_host_data (run, b);
  gpointer dst = tess_host_data (run, op->dst);
  gsize n = tess_shape_n_elements (&op->dst->shape);
  gsize n_b = tess_shape_n_elements (&b->shape);
  gsize step = MIN (n_b, PIECE);
  gsize per_b = (n_b + step - 1) / step;

#pragma omp parallel for
  for (gsize piece = 0; piece < n / n_b * per_b; piece++)
    {
      gfloat pa[PIECE], pb[PIECE], sums[PIECE];
      gsize in_b = piece % per_b * step, m = MIN (n_b - in_b, step);
      gsize first = piece / per_b * n_b + in_b;

      add (load (a_data, a->type, first, m, pa),
           load (b_data, b->type, in_b, m, pb), sums, m);
      store (sums, dst, op->dst->type, first, m);
    }
}

TessKernel *
tess_cpu_add_new (TessHostBackend *host, const TessOp *op)
{
  TessKernel *kernel = g_new0 (TessKernel, 1);

  kernel->variant = "vector loops";
  kernel->run = run_add;
  return kernel;
}

TESS_SIMD static void
swish (const gfloat *restrict src, gfloat factor, gfloat *restrict dst, gsize n)
{
  for (gsize i = 0; i < n; i++)
    dst[i] = src[i] / (1.0f + tess_exp (-factor * src[i]));
}

TESS_SIMD static void
rectify (const gfloat *restrict src,
         gfloat below,
         gfloat *restrict dst,
         gsize n)
{
  for (gsize i = 0; i < n; i++)
    dst[i] = src[i] > 0.0f ? src[i] : below * src[i];
}

static void
activate (TessActivation act, const gfloat *src, gfloat *dst, gsize n)
{
  if (act == TESS_ACT_SILU || act == TESS_ACT_QUICK_GELU)
    swish (src, act == TESS_ACT_SILU ? 1.0f : 1.702f, dst, n);
  else if (act == TESS_ACT_RELU || act == TESS_ACT_LEAKY_RELU)
    rectify (src, act == TESS_ACT_RELU ? 0.0f : 0.2f, dst, n);
  else
    for (gsize i = 0; i < n; i++)
      dst[i] = tess_plain_activate (act, src[i]);
}

static void
run_activate (TessKernel *kernel, const TessHostRun *run)
{
  const TessOp *op = kernel->op;
  const TessValue *value = op->src[TESS_SLOT_SRC];
  gconstpointer src = tess_host_data (run, value);
  gpointer dst = tess_host_data (run, op->dst);
  gsize n = tess_shape_n_elements (&op->dst->shape);
  TessActivation act = ((const TessActivateOp *) op)->act;

#pragma omp parallel for
  for (gsize first = 0; first < n; first += PIECE)
    {
      gfloat piece[PIECE], result[PIECE];
      gsize m = MIN (n - first, PIECE);

      activate (act, load (src, value->type, first, m, piece), result, m);
      store (result, dst, op->dst->type, first, m);
    }
}

TessKernel *
tess_cpu_activate_new (TessHostBackend *host, const TessOp *op)
{
  TessKernel *kernel = g_new0 (TessKernel, 1);

  kernel->variant = "vector loops";
  kernel->run = run_activate;
  return kernel;
}
