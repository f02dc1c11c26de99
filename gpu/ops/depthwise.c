/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/ops/depthwise.c: convolution of each channel by itself on the device. */
#include "gpu/kernel.h"

#include "gpu/shaders/depthwise.h"

TESS_GPU_SHADER (depthwise);

static void
make (const TessGpuVariant *variant, TessGpuKernel *kernel)
{
  const TessDepthwiseOp *op = (const TessDepthwiseOp *) kernel->op;
  const TessShape *shape = &op->op.dst->shape;
  TessGpuBinding src = tess_gpu_source (kernel, op->op.src[TESS_SLOT_SRC]);
  gint weight = tess_gpu_pack_turned (kernel, op->op.weights[TESS_SLOT_WEIGHT]);
  gint bias = tess_gpu_pack_vector (kernel, op->op.weights[TESS_SLOT_BIAS]);
  TessGpuDispatch *dispatch = tess_gpu_dispatch_new (kernel, depthwise_shader);
  TessDepthwisePush push = {
    .n = shape->n,
    .h = shape->h,
    .w = shape->w,
    .c = shape->c,
    .k = op->k,
    .has_bias = bias >= 0,
  };

  tess_gpu_bind_dst (dispatch, op->op.dst);
  tess_gpu_bind (dispatch, src);
  tess_gpu_bind_pack (dispatch, kernel, weight);
  tess_gpu_bind_pack (dispatch, kernel, bias);
  tess_gpu_push (dispatch, push);
  tess_gpu_groups_1d (dispatch, tess_shape_n_elements (shape), 64);
}

static const TessGpuVariant variants[] = {
  { .name = "plain", .make = make },
  { NULL },
};

const TessGpuOp tess_gpu_depthwise = { &tess_depthwise_class, variants };
