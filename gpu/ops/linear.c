/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/ops/linear.c: product with a weight on the device. */
#include "gpu/kernel.h"

#include "gpu/ops/activation.h"
#include "gpu/ops/product.h"
#include "gpu/shaders/linear.h"

TESS_GPU_SHADER (linear);

static void
make_plain (const TessGpuVariant *variant, TessGpuKernel *kernel)
{
  const TessLinearOp *op = (const TessLinearOp *) kernel->op;
  gsize n = tess_shape_n_elements (&op->op.dst->shape);
  TessGpuBinding src = tess_gpu_source (kernel, op->op.src[TESS_SLOT_SRC]);
  TessGpuBinding residual
      = tess_gpu_source (kernel, op->op.src[TESS_SLOT_RESIDUAL]);
  gint weight = tess_gpu_pack_turned (kernel, op->op.weights[TESS_SLOT_WEIGHT]);
  gint bias = tess_gpu_pack_vector (kernel, op->op.weights[TESS_SLOT_BIAS]);
  TessGpuDispatch *dispatch = tess_gpu_dispatch_new (kernel, linear_shader);
  TessLinearPush push = {
    .n_rows = (guint32) (n / op->op.dst->shape.c),
    .ic = op->ic,
    .oc = op->op.dst->shape.c,
    .act = tess_gpu_activation (op->args.act),
    .has_bias = bias >= 0,
    .has_residual = op->op.src[TESS_SLOT_RESIDUAL] != NULL,
  };

  tess_gpu_bind_dst (dispatch, op->op.dst);
  tess_gpu_bind (dispatch, src);
  tess_gpu_bind_pack (dispatch, kernel, weight);
  tess_gpu_bind_pack (dispatch, kernel, bias);
  tess_gpu_bind (dispatch, residual);
  tess_gpu_push (dispatch, push);
  tess_gpu_groups_1d (dispatch, n, 64);
}

static const TessGpuVariant variants[] = {
  TESS_GPU_PRODUCT_VARIANTS,
  { .name = "plain", .make = make_plain },
  { NULL },
};

const TessGpuOp tess_gpu_linear = { &tess_linear_class, variants };
