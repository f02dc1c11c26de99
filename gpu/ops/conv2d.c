/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/ops/conv2d.c: convolution on the device. */
#include "gpu/kernel.h"

#include "gpu/ops/activation.h"
#include "gpu/ops/product.h"
#include "gpu/shaders/conv2d.h"

TESS_GPU_SHADER (conv2d);

static void
make_plain (const TessGpuVariant *variant, TessGpuKernel *kernel)
{
  const TessConv2dOp *op = (const TessConv2dOp *) kernel->op;
  const TessShape *src_shape = &op->op.src[TESS_SLOT_SRC]->shape;
  const TessShape *shape = &op->op.dst->shape;
  TessGpuBinding src = tess_gpu_source (kernel, op->op.src[TESS_SLOT_SRC]);
  TessGpuBinding row = tess_gpu_source (kernel, op->op.src[TESS_SLOT_ROW]);
  TessGpuBinding residual
      = tess_gpu_source (kernel, op->op.src[TESS_SLOT_RESIDUAL]);
  gint weight = tess_gpu_pack_turned (kernel, op->op.weights[TESS_SLOT_WEIGHT]);
  gint bias = tess_gpu_pack_vector (kernel, op->op.weights[TESS_SLOT_BIAS]);
  TessGpuDispatch *dispatch = tess_gpu_dispatch_new (kernel, conv2d_shader);
  TessConv2dPush push = {
    .n = shape->n,
    .h = shape->h,
    .w = shape->w,
    .oc = op->oc,
    .src_h = src_shape->h,
    .src_w = src_shape->w,
    .ic = op->ic,
    .kh = op->kh,
    .kw = op->kw,
    .stride = op->args.stride,
    .pad = op->args.pad_begin,
    .upsample = op->args.upsample,
    .act = tess_gpu_activation (op->args.act),
    .has_bias = bias >= 0,
    .has_row = op->op.src[TESS_SLOT_ROW] != NULL,
    .has_residual = op->op.src[TESS_SLOT_RESIDUAL] != NULL,
  };

  tess_gpu_bind_dst (dispatch, op->op.dst);
  tess_gpu_bind (dispatch, src);
  tess_gpu_bind_pack (dispatch, kernel, weight);
  tess_gpu_bind_pack (dispatch, kernel, bias);
  tess_gpu_bind (dispatch, row);
  tess_gpu_bind (dispatch, residual);
  tess_gpu_push (dispatch, push);
  tess_gpu_groups_1d (dispatch, tess_shape_n_elements (shape), 64);
}

static const TessGpuVariant variants[] = {
  TESS_GPU_PRODUCT_VARIANTS,
  { .name = "plain", .make = make_plain },
  { NULL },
};

const TessGpuOp tess_gpu_conv2d = { &tess_conv2d_class, variants };
