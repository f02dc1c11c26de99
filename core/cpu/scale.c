/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/cpu/scale.c: products with a map, a row or a number, and the scaling of
 * lowest frequencies: vector loops over the channels of a cell. */
#include "core/cpu/cpu-private.h"

/* Channels at a time: what is summed stays in the first level cache. */
#define CHANNELS 64

static void
load (gconstpointer src, TessType type, gsize first, gsize n, gfloat *dst)
{
  if (type == TESS_F32)
    memcpy (dst, (const gfloat *) src + first, n * sizeof *dst);
  else
    tess_bf16_to_f32 ((const guint16 *) src + first, dst, n);
}

static void
store (const gfloat *src, gpointer dst, TessType type, gsize first, gsize n)
{
  if (type == TESS_F32)
    memcpy ((gfloat *) dst + first, src, n * sizeof *src);
  else
    tess_f32_to_bf16 (src, (guint16 *) dst + first, n);
}

/* x = x * factor + residual */
TESS_SIMD static void
multiply (gfloat *restrict x,
          const gfloat *restrict factor,
          const gfloat *restrict residual,
          gsize n)
{
  for (gsize i = 0; i < n; i++)
    x[i] = x[i] * factor[i] + residual[i];
}

#define PIECE 1024

static void
run_scale (TessKernel *kernel, const TessHostRun *run)
{
  const TessOp *op = kernel->op;
  const TessValue *residual = op->src[TESS_SLOT_RESIDUAL];
  const TessValue *factor = op->src[TESS_SLOT_FACTOR];
  gsize c = op->dst->shape.c;
  gsize n_rows = tess_shape_n_elements (&op->dst->shape) / c;
  gsize n_factor = tess_shape_n_elements (&factor->shape);
  gboolean single = n_factor == 1;
  gconstpointer src = tess_host_data (run, op->src[TESS_SLOT_SRC]);
  gconstpointer added = residual ? tess_host_data (run, residual) : NULL;
  gconstpointer factors = tess_host_data (run, factor);
  gpointer dst = tess_host_data (run, op->dst);
  gfloat one = 0.0f;

  if (single)
    load (factors, factor->type, 0, 1, &one);
#pragma omp parallel for
  for (gsize row = 0; row < n_rows; row++)
    for (gsize i = 0; i < c; i += PIECE)
      {
        gfloat x[PIECE], f[PIECE], r[PIECE] = { 0 };
        gsize n = MIN (c - i, PIECE), first = row * c + i;

        load (src, op->src[TESS_SLOT_SRC]->type, first, n, x);
        if (added != NULL)
          load (added, residual->type, first, n, r);
        if (single)
          for (gsize k = 0; k < n; k++)
            f[k] = one;
        else
          load (factors, factor->type, first % n_factor, n, f);
        multiply (x, f, r, n);
        store (x, dst, op->dst->type, first, n);
      }
}

TessKernel *
tess_cpu_scale_new (TessHostBackend *host, const TessOp *op)
{
  TessKernel *kernel = g_new0 (TessKernel, 1);

  kernel->variant = "vector loops";
  kernel->run = run_scale;
  return kernel;
}

/* The seven waves of a cell. */
static void
waves_at (const gfloat *y_waves,
          const gfloat *x_waves,
          gint h,
          gint w,
          gint y,
          gint x,
          gfloat waves[7])
{
  gfloat cy = y_waves[y], sy = y_waves[h + y];
  gfloat cx = x_waves[x], sx = x_waves[w + x];

  waves[0] = 1.0f;
  waves[1] = cy;
  waves[2] = sy;
  waves[3] = cx;
  waves[4] = sx;
  waves[5] = cy * cx - sy * sx;
  waves[6] = sy * cx + cy * sx;
}

TESS_SIMD static void
add_waves (gfloat sums[7][CHANNELS], const gfloat *p, const gfloat waves[7])
{
  for (gint i = 0; i < 7; i++)
    for (gint c = 0; c < CHANNELS; c++)
      sums[i][c] += waves[i] * p[c];
}

TESS_SIMD static void
apply_waves (const gfloat sums[7][CHANNELS], gfloat *p, const gfloat waves[7])
{
  for (gint i = 0; i < 7; i++)
    for (gint c = 0; c < CHANNELS; c++)
      p[c] += waves[i] * sums[i][c];
}

/* Some channels of a sample. Rows are summed by themselves first: sums of a
 * few thousand numbers keep their digits. */
static void
scale_channels (const TessOp *op,
                gconstpointer src,
                gpointer dst,
                const gfloat *y_waves,
                const gfloat *x_waves,
                gfloat scale,
                gsize first,
                gint n_channels)
{
  gint h = op->dst->shape.h, w = op->dst->shape.w, c = op->dst->shape.c;
  TessType type = op->src[TESS_SLOT_SRC]->type;
  gfloat sums[7][CHANNELS] = { 0 };
  gfloat factor = (scale - 1.0f) / ((gfloat) h * w);
  gfloat p[CHANNELS] = { 0 }, waves[7];

  for (gint y = 0; y < h; y++)
    {
      gfloat row[7][CHANNELS] = { 0 };

      for (gint x = 0; x < w; x++)
        {
          load (src, type, first + ((gsize) y * w + x) * c, n_channels, p);
          waves_at (y_waves, x_waves, h, w, y, x, waves);
          add_waves (row, p, waves);
        }
      for (gint i = 0; i < 7; i++)
        for (gint k = 0; k < CHANNELS; k++)
          sums[i][k] += row[i][k];
    }
  for (gint i = 0; i < 7; i++)
    for (gint k = 0; k < CHANNELS; k++)
      sums[i][k] *= factor;
  for (gint y = 0; y < h; y++)
    for (gint x = 0; x < w; x++)
      {
        gsize at = first + ((gsize) y * w + x) * c;

        load (src, type, at, n_channels, p);
        waves_at (y_waves, x_waves, h, w, y, x, waves);
        apply_waves (sums, p, waves);
        store (p, dst, op->dst->type, at, n_channels);
      }
}

static void
run_scale_low (TessKernel *kernel, const TessHostRun *run)
{
  const TessOp *op = kernel->op;
  const TessShape *shape = &op->dst->shape;
  const TessValue *factor = op->src[TESS_SLOT_FACTOR];
  gconstpointer src = tess_host_data (run, op->src[TESS_SLOT_SRC]);
  gpointer dst = tess_host_data (run, op->dst);
  gfloat *y_waves = (gfloat *) run->scratch;
  gfloat *x_waves = y_waves + 2 * shape->h;
  gfloat scale;

  load (tess_host_data (run, factor), factor->type, 0, 1, &scale);
  tess_scale_low_waves (shape->h, y_waves, y_waves + shape->h);
  tess_scale_low_waves (shape->w, x_waves, x_waves + shape->w);
#pragma omp parallel for collapse(2)
  for (gint n = 0; n < shape->n; n++)
    for (gint c = 0; c < shape->c; c += CHANNELS)
      scale_channels (op, src, dst, y_waves, x_waves, scale,
                      (gsize) n * shape->h * shape->w * shape->c + c,
                      MIN (CHANNELS, shape->c - c));
}

TessKernel *
tess_cpu_scale_low_new (TessHostBackend *host, const TessOp *op)
{
  TessKernel *kernel = g_new0 (TessKernel, 1);

  kernel->variant = "vector loops";
  kernel->run = run_scale_low;
  kernel->n_scratch = tess_align64 (2 * (op->dst->shape.h + op->dst->shape.w)
                                    * sizeof (gfloat));
  return kernel;
}
