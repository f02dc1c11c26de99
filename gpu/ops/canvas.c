/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/ops/canvas.c: the loop's own ops: tiles of a canvas, their sum on it,
 * sums of canvases, and one brought to the spread of another. */
#include "gpu/kernel.h"

#include "gpu/shaders/fuse.h"
#include "gpu/shaders/gather.h"
#include "gpu/shaders/mix.h"
#include "gpu/shaders/rescale.h"

TESS_GPU_SHADER (fuse);
TESS_GPU_SHADER (gather);
TESS_GPU_SHADER (mix);
TESS_GPU_SHADER (rescale);

static void
make_gather (const TessGpuVariant *variant, TessGpuKernel *kernel)
{
  TessValue *const *from = kernel->op->src;
  const TessShape *canvas = &from[TESS_SLOT_SRC]->shape;
  const TessShape *shape = &kernel->op->dst->shape;
  const TessGpuBinding src[] = {
    tess_gpu_source (kernel, from[TESS_SLOT_SRC]),
    tess_gpu_source_typed (kernel, from[TESS_SLOT_PLACES], TESS_I32),
    tess_gpu_source_typed (kernel, from[TESS_SLOT_FACTOR], TESS_F32),
  };
  TessGpuDispatch *dispatch = tess_gpu_dispatch_bound (kernel, gather_shader,
                                                       src, G_N_ELEMENTS (src));
  const TessGatherPush push = {
    .n = shape->n,
    .h = shape->h,
    .w = shape->w,
    .c = shape->c,
    .height = canvas->h,
    .width = canvas->w,
  };

  tess_gpu_push (dispatch, push);
  tess_gpu_groups_1d (dispatch, tess_shape_n_elements (shape), 256);
}

static void
make_fuse (const TessGpuVariant *variant, TessGpuKernel *kernel)
{
  TessValue *const *from = kernel->op->src;
  const TessShape *tiles = &from[TESS_SLOT_SRC]->shape;
  const TessShape *shape = &kernel->op->dst->shape;
  const TessGpuBinding src[] = {
    tess_gpu_source (kernel, from[TESS_SLOT_SRC]),
    tess_gpu_source_typed (kernel, from[TESS_SLOT_PLACES], TESS_I32),
    tess_gpu_source_typed (kernel, from[TESS_SLOT_WEIGHTS_X], TESS_F32),
    tess_gpu_source_typed (kernel, from[TESS_SLOT_WEIGHTS_Y], TESS_F32),
    tess_gpu_source_typed (kernel, from[TESS_SLOT_SHARES], TESS_F32),
  };
  TessGpuDispatch *dispatch
      = tess_gpu_dispatch_bound (kernel, fuse_shader, src, G_N_ELEMENTS (src));
  const TessFusePush push = {
    .n = tiles->n,
    .h = tiles->h,
    .w = tiles->w,
    .c = tiles->c,
    .height = shape->h,
    .width = shape->w,
    .has_shares = from[TESS_SLOT_SHARES] != NULL,
  };

  tess_gpu_push (dispatch, push);
  tess_gpu_groups_1d (dispatch, tess_shape_n_elements (shape), 64);
}

static void
make_mix (const TessGpuVariant *variant, TessGpuKernel *kernel)
{
  const TessOp *op = kernel->op;
  TessGpuBinding src[1 + TESS_MIX_MAX];
  TessMixPush push = { .n = (guint32) tess_shape_n_elements (&op->dst->shape) };
  TessGpuDispatch *dispatch;

  src[0] = tess_gpu_source_typed (kernel, op->src[TESS_SLOT_WEIGHTS], TESS_F32);
  for (gint i = 0; i < TESS_MIX_MAX; i++)
    {
      src[1 + i] = tess_gpu_source (kernel, op->src[i]);
      push.n_src += op->src[i] != NULL;
    }
  dispatch
      = tess_gpu_dispatch_bound (kernel, mix_shader, src, G_N_ELEMENTS (src));
  tess_gpu_push (dispatch, push);
  tess_gpu_groups_1d (dispatch, push.n, 256);
}

static void
make_rescale (const TessGpuVariant *variant, TessGpuKernel *kernel)
{
  const TessRescaleOp *op = (const TessRescaleOp *) kernel->op;
  TessValue *const *from = op->op.src;
  const TessGpuBinding src[] = {
    tess_gpu_source (kernel, from[TESS_SLOT_SRC]),
    tess_gpu_source_typed (kernel, from[TESS_SLOT_STATS], TESS_F32),
    tess_gpu_source_typed (kernel, from[TESS_SLOT_LIKE], TESS_F32),
  };
  TessGpuDispatch *dispatch = tess_gpu_dispatch_bound (kernel, rescale_shader,
                                                       src, G_N_ELEMENTS (src));
  const TessRescalePush push = {
    .n = (guint32) tess_shape_n_elements (&op->op.dst->shape),
    .amount = op->amount,
  };

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

static const TessGpuVariant rescale_variants[] = {
  { .name = "plain", .make = make_rescale },
  { NULL },
};

const TessGpuOp tess_gpu_gather = { &tess_gather_class, gather_variants };
const TessGpuOp tess_gpu_fuse = { &tess_fuse_class, fuse_variants };
const TessGpuOp tess_gpu_mix = { &tess_mix_class, mix_variants };
const TessGpuOp tess_gpu_rescale = { &tess_rescale_class, rescale_variants };
