/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/cpu/copies.c: ops that only move bytes: concat, crop, store. Taken
 * where source and result have one type. */
#include "core/cpu/cpu-private.h"

static TessKernel *
copy_new (void (*run) (TessKernel *, const TessHostRun *))
{
  TessKernel *kernel = g_new0 (TessKernel, 1);

  kernel->variant = "copy";
  kernel->run = run;
  return kernel;
}

static void
run_concat (TessKernel *kernel, const TessHostRun *run)
{
  const TessOp *op = kernel->op;
  gsize size = tess_type_size (op->dst->type);
  gsize n_a = op->src[TESS_SLOT_SRC]->shape.c * size;
  gsize n_b = op->src[TESS_SLOT_B]->shape.c * size;
  gsize n_rows = tess_shape_n_elements (&op->dst->shape) / op->dst->shape.c;
  const guint8 *a = tess_host_data (run, op->src[TESS_SLOT_SRC]);
  const guint8 *b = tess_host_data (run, op->src[TESS_SLOT_B]);
  guint8 *dst = tess_host_data (run, op->dst);

#pragma omp parallel for
  for (gsize row = 0; row < n_rows; row++)
    {
      memcpy (dst + row * (n_a + n_b), a + row * n_a, n_a);
      memcpy (dst + row * (n_a + n_b) + n_a, b + row * n_b, n_b);
    }
}

TessKernel *
tess_cpu_concat_new (TessHostBackend *host, const TessOp *op)
{
  if (op->src[TESS_SLOT_SRC]->type != op->dst->type
      || op->src[TESS_SLOT_B]->type != op->dst->type)
    return NULL;
  return copy_new (run_concat);
}

static void
run_crop (TessKernel *kernel, const TessHostRun *run)
{
  const TessCropOp *op = (const TessCropOp *) kernel->op;
  const TessShape *from = &op->op.src[TESS_SLOT_SRC]->shape;
  const TessShape *to = &op->op.dst->shape;
  gsize cell = to->c * tess_type_size (op->op.dst->type);
  const guint8 *src = tess_host_data (run, op->op.src[TESS_SLOT_SRC]);
  guint8 *dst = tess_host_data (run, op->op.dst);

#pragma omp parallel for collapse(2)
  for (gint n = 0; n < to->n; n++)
    for (gint y = 0; y < to->h; y++)
      memcpy (
          dst + ((gsize) n * to->h + y) * to->w * cell,
          src + (((gsize) n * from->h + op->y0 + y) * from->w + op->x0) * cell,
          to->w * cell);
}

TessKernel *
tess_cpu_crop_new (TessHostBackend *host, const TessOp *op)
{
  if (op->src[TESS_SLOT_SRC]->type != op->dst->type)
    return NULL;
  return copy_new (run_crop);
}

static void
run_store (TessKernel *kernel, const TessHostRun *run)
{
  const TessOp *op = kernel->op;

  memcpy (tess_host_data (run, op->dst),
          tess_host_data (run, op->src[TESS_SLOT_SRC]),
          tess_shape_n_elements (&op->dst->shape)
              * tess_type_size (op->dst->type));
}

TessKernel *
tess_cpu_store_new (TessHostBackend *host, const TessOp *op)
{
  if (op->src[TESS_SLOT_SRC]->type != op->dst->type)
    return NULL;
  return copy_new (run_store);
}
