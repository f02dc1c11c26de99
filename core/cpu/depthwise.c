/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/cpu/depthwise.c: convolution of each channel by itself: some channels
 * of a cell at a time, which stay in registers. */
#include "core/cpu/cpu-private.h"

#define CHANNELS 64

/* sum += src * weight */
TESS_SIMD static void
add_tap (gfloat *restrict sum,
         const gfloat *restrict src,
         const gfloat *restrict weight,
         gint n)
{
  if (n == CHANNELS)
    for (gint i = 0; i < CHANNELS; i++)
      sum[i] += src[i] * weight[i];
  else
    for (gint i = 0; i < n; i++)
      sum[i] += src[i] * weight[i];
}

/* @n channels of one cell; @weight is [k * k][c]. */
static void
sum_cell (const TessDepthwiseOp *op,
          const gfloat *src,
          const gfloat *weight,
          gint y,
          gint x,
          gint n,
          gfloat *sum)
{
  const TessShape *s = &op->op.dst->shape;
  gint half = op->k / 2;

  for (gint ky = MAX (0, half - y); ky < MIN (op->k, s->h + half - y); ky++)
    for (gint kx = MAX (0, half - x); kx < MIN (op->k, s->w + half - x); kx++)
      add_tap (sum,
               src + ((gsize) (y + ky - half) * s->w + (x + kx - half)) * s->c,
               weight + (gsize) (ky * op->k + kx) * s->c, n);
}

static void
run_cell (const TessDepthwiseOp *op,
          const gfloat *src,
          const gfloat *weight,
          const gfloat *bias,
          gint y,
          gint x,
          gfloat *dst)
{
  gint c = op->op.dst->shape.c;

  for (gint first = 0; first < c; first += CHANNELS)
    {
      gint n = MIN (CHANNELS, c - first);
      gfloat sum[CHANNELS] = { 0 };

      if (bias != NULL)
        memcpy (sum, bias + first, n * sizeof *sum);
      sum_cell (op, src + first, weight + first, y, x, n, sum);
      memcpy (dst + first, sum, n * sizeof *sum);
    }
}

static void
run (TessKernel *kernel, const TessHostRun *run)
{
  const TessDepthwiseOp *op = (const TessDepthwiseOp *) kernel->op;
  const TessShape *s = &op->op.dst->shape;
  const gfloat *src = tess_host_data (run, op->op.src[TESS_SLOT_SRC]);
  const gfloat *weight = tess_kernel_pack (kernel, TESS_SLOT_WEIGHT);
  const gfloat *bias = tess_kernel_pack (kernel, TESS_SLOT_BIAS);
  gfloat *dst = tess_host_data (run, op->op.dst);
  gsize n_sample = (gsize) s->h * s->w * s->c;

#pragma omp parallel for collapse(2)
  for (gint n = 0; n < s->n; n++)
    for (gint y = 0; y < s->h; y++)
      for (gint x = 0; x < s->w; x++)
        run_cell (op, src + n * n_sample, weight, bias, y, x,
                  dst + n * n_sample + ((gsize) y * s->w + x) * s->c);
}

/* [c][1][k][k] -> [k * k][c] */
static gboolean
fill (const TessPackSpec *spec, gpointer data, GError **error)
{
  const TessWeight *weight = spec->weights[0];
  gsize c = tess_weight_n_rows (weight), row = tess_weight_row_length (weight);
  g_autofree gfloat *values = g_new (gfloat, c * row);
  gfloat *dst = data;

  tess_weight_read (weight, 0, c, values);
  for (gsize i = 0; i < row; i++)
    for (gsize o = 0; o < c; o++)
      dst[i * c + o] = values[o * row + i];
  return TRUE;
}

/* Float32 alone: it is run once for each set of masks. */
TessKernel *
tess_cpu_depthwise_new (TessHostBackend *host, const TessOp *op)
{
  TessKernel *kernel;

  if (op->src[TESS_SLOT_SRC]->type != TESS_F32 || op->dst->type != TESS_F32)
    return NULL;
  kernel = g_new0 (TessKernel, 1);
  kernel->variant = "vector loops";
  kernel->run = run;
  tess_pack_spec_plain (&kernel->specs[TESS_SLOT_WEIGHT],
                        op->weights[TESS_SLOT_WEIGHT]);
  g_free (kernel->specs[TESS_SLOT_WEIGHT].layout);
  kernel->specs[TESS_SLOT_WEIGHT].layout = g_strdup ("depthwise");
  kernel->specs[TESS_SLOT_WEIGHT].fill = fill;
  if (op->weights[TESS_SLOT_BIAS] != NULL)
    tess_pack_spec_plain (&kernel->specs[TESS_SLOT_BIAS],
                          op->weights[TESS_SLOT_BIAS]);
  return kernel;
}
