/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/ops/scale.c: numbers, or the lowest frequencies of maps, scaled. */
#include "gpu/kernel.h"

#include "gpu/shaders/low.h"
#include "gpu/shaders/scale.h"

TESS_GPU_SHADER (scale);
TESS_GPU_SHADER (low_sums);
TESS_GPU_SHADER (low_apply);

static void
make_scale (const TessGpuVariant *variant, TessGpuKernel *kernel)
{
  const TessOp *op = kernel->op;
  const TessValue *factor = op->src[TESS_SLOT_FACTOR];
  const TessGpuBinding src[] = {
    tess_gpu_source (kernel, op->src[TESS_SLOT_SRC]),
    tess_gpu_source_typed (kernel, factor, TESS_F32),
    tess_gpu_source (kernel, op->src[TESS_SLOT_RESIDUAL]),
  };
  TessGpuDispatch *dispatch
      = tess_gpu_dispatch_bound (kernel, scale_shader, src, 3);
  TessScalePush push = {
    .n = (guint32) tess_shape_n_elements (&op->dst->shape),
    .n_factor = (guint32) tess_shape_n_elements (&factor->shape),
    .has_residual = op->src[TESS_SLOT_RESIDUAL] != NULL,
  };

  tess_gpu_push (dispatch, push);
  tess_gpu_groups_1d (dispatch, push.n, 256);
}

static void
make_low (const TessGpuVariant *variant, TessGpuKernel *kernel)
{
  const TessOp *op = kernel->op;
  const TessShape *shape = &op->dst->shape;
  gsize n_maps = (gsize) shape->n * shape->c;
  TessGpuBinding src = tess_gpu_source (kernel, op->src[TESS_SLOT_SRC]);
  TessGpuBinding factor
      = tess_gpu_source_typed (kernel, op->src[TESS_SLOT_FACTOR], TESS_F32);
  guint sums = tess_gpu_scratch (kernel, n_maps * TESS_LOW_WAVES * 4);
  TessGpuDispatch *dispatch = tess_gpu_dispatch_new (kernel, low_sums_shader);
  TessLowPush push
      = { .n = shape->n, .h = shape->h, .w = shape->w, .c = shape->c };

  tess_gpu_bind_scratch (dispatch, kernel, sums, TRUE);
  tess_gpu_bind (dispatch, src);
  tess_gpu_push (dispatch, push);
  tess_gpu_groups_1d (dispatch, n_maps, 64);

  dispatch = tess_gpu_dispatch_new (kernel, low_apply_shader);
  tess_gpu_bind_dst (dispatch, op->dst);
  tess_gpu_bind (dispatch, src);
  tess_gpu_bind_scratch (dispatch, kernel, sums, FALSE);
  tess_gpu_bind (dispatch, factor);
  tess_gpu_push (dispatch, push);
  tess_gpu_groups_1d (dispatch, tess_shape_n_elements (shape), 64);
}

static const TessGpuVariant scale_variants[] = {
  { .name = "plain", .make = make_scale },
  { NULL },
};

static const TessGpuVariant low_variants[] = {
  { .name = "plain", .make = make_low },
  { NULL },
};

const TessGpuOp tess_gpu_scale = { &tess_scale_class, scale_variants };
const TessGpuOp tess_gpu_scale_low = { &tess_scale_low_class, low_variants };
