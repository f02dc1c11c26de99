/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/ops/layer-norm.c: layer norm on the device. */
#include "gpu/kernel.h"

#include "gpu/shaders/layer-norm.h"

TESS_GPU_SHADER (layer_norm);

static void
make (const TessGpuVariant *variant, TessGpuKernel *kernel)
{
  const TessLayerNormOp *op = (const TessLayerNormOp *) kernel->op;
  const TessShape *shape = &op->op.dst->shape;
  TessGpuBinding src = tess_gpu_source (kernel, op->op.src[TESS_SLOT_SRC]);
  gint scale = tess_gpu_pack_vector (kernel, op->op.weights[TESS_SLOT_WEIGHT]);
  gint shift = tess_gpu_pack_vector (kernel, op->op.weights[TESS_SLOT_BIAS]);
  TessGpuDispatch *dispatch = tess_gpu_dispatch_new (kernel, layer_norm_shader);
  TessLayerNormPush push = {
    .n_rows = (guint32) (tess_shape_n_elements (shape) / shape->c),
    .c = shape->c,
    .has_shift = shift >= 0,
    .eps = op->eps,
  };

  tess_gpu_bind_dst (dispatch, op->op.dst);
  tess_gpu_bind (dispatch, src);
  tess_gpu_bind_pack (dispatch, kernel, scale);
  tess_gpu_bind_pack (dispatch, kernel, shift);
  tess_gpu_push (dispatch, push);
  tess_gpu_groups_1d (dispatch, push.n_rows, 1);
}

static const TessGpuVariant variants[] = {
  { .name = "plain", .make = make },
  { NULL },
};

const TessGpuOp tess_gpu_layer_norm = { &tess_layer_norm_class, variants };
