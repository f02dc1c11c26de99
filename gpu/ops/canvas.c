/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/ops/canvas.c: the loop's own ops: tiles of a canvas, their sum on it,
 * and sums of canvases. */
#include "gpu/kernel.h"

#include "gpu/shaders/fuse.h"
#include "gpu/shaders/gather.h"
#include "gpu/shaders/mix.h"

TESS_GPU_SHADER (fuse);
TESS_GPU_SHADER (gather);
TESS_GPU_SHADER (mix);

static void
make_gather (const TessGpuVariant *variant, TessGpuKernel *kernel)
{
  const TessOp *op = kernel->op;
  const TessShape *canvas = &op->src[TESS_SLOT_SRC]->shape;
  const TessShape *shape = &op->dst->shape;
  TessGpuBinding src = tess_gpu_source (kernel, op->src[TESS_SLOT_SRC]);
  TessGpuBinding places
      = tess_gpu_source_typed (kernel, op->src[TESS_SLOT_PLACES], TESS_I32);
  TessGpuBinding factor
      = tess_gpu_source_typed (kernel, op->src[TESS_SLOT_FACTOR], TESS_F32);
  TessGpuDispatch *dispatch = tess_gpu_dispatch_new (kernel, gather_shader);
  TessGatherPush push = {
    .n = shape->n,
    .h = shape->h,
    .w = shape->w,
    .c = shape->c,
    .height = canvas->h,
    .width = canvas->w,
  };

  tess_gpu_bind_dst (dispatch, op->dst);
  tess_gpu_bind (dispatch, src);
  tess_gpu_bind (dispatch, places);
  tess_gpu_bind (dispatch, factor);
  tess_gpu_push (dispatch, push);
  tess_gpu_groups_1d (dispatch, tess_shape_n_elements (shape), 256);
}

static void
make_fuse (const TessGpuVariant *variant, TessGpuKernel *kernel)
{
  const TessOp *op = kernel->op;
  const TessShape *tiles = &op->src[TESS_SLOT_SRC]->shape;
  const TessShape *shape = &op->dst->shape;
  TessGpuBinding src = tess_gpu_source (kernel, op->src[TESS_SLOT_SRC]);
  TessGpuBinding places
      = tess_gpu_source_typed (kernel, op->src[TESS_SLOT_PLACES], TESS_I32);
  TessGpuBinding weights_x
      = tess_gpu_source_typed (kernel, op->src[TESS_SLOT_WEIGHTS_X], TESS_F32);
  TessGpuBinding weights_y
      = tess_gpu_source_typed (kernel, op->src[TESS_SLOT_WEIGHTS_Y], TESS_F32);
  TessGpuDispatch *dispatch = tess_gpu_dispatch_new (kernel, fuse_shader);
  TessFusePush push = {
    .n = tiles->n,
    .h = tiles->h,
    .w = tiles->w,
    .c = tiles->c,
    .height = shape->h,
    .width = shape->w,
  };

  tess_gpu_bind_dst (dispatch, op->dst);
  tess_gpu_bind (dispatch, src);
  tess_gpu_bind (dispatch, places);
  tess_gpu_bind (dispatch, weights_x);
  tess_gpu_bind (dispatch, weights_y);
  tess_gpu_push (dispatch, push);
  tess_gpu_groups_1d (dispatch, tess_shape_n_elements (shape), 64);
}

static void
make_mix (const TessGpuVariant *variant, TessGpuKernel *kernel)
{
  const TessOp *op = kernel->op;
  TessGpuBinding src[TESS_MIX_MAX];
  TessGpuBinding weights
      = tess_gpu_source_typed (kernel, op->src[TESS_SLOT_WEIGHTS], TESS_F32);
  TessMixPush push = { .n = (guint32) tess_shape_n_elements (&op->dst->shape) };
  TessGpuDispatch *dispatch;

  for (gint i = 0; i < TESS_MIX_MAX; i++)
    {
      src[i] = tess_gpu_source (kernel, op->src[i]);
      push.n_src += op->src[i] != NULL;
    }
  dispatch = tess_gpu_dispatch_new (kernel, mix_shader);
  tess_gpu_bind_dst (dispatch, op->dst);
  tess_gpu_bind (dispatch, weights);
  for (gint i = 0; i < TESS_MIX_MAX; i++)
    tess_gpu_bind (dispatch, src[i]);
  tess_gpu_push (dispatch, push);
  tess_gpu_groups_1d (dispatch, push.n, 256);
}

static const TessGpuVariant gather_variants[] = {
  { .name = "plain", .make = make_gather },
  { NULL },
};

static const TessGpuVariant fuse_variants[] = {
  { .name = "plain", .make = make_fuse },
  { NULL },
};

static const TessGpuVariant mix_variants[] = {
  { .name = "plain", .make = make_mix },
  { NULL },
};

const TessGpuOp tess_gpu_gather = { &tess_gather_class, gather_variants };
const TessGpuOp tess_gpu_fuse = { &tess_fuse_class, fuse_variants };
const TessGpuOp tess_gpu_mix = { &tess_mix_class, mix_variants };
