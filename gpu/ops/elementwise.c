/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/ops/elementwise.c: sums and activations, number by number. */
#include "gpu/kernel.h"

#include "gpu/ops/activation.h"
#include "gpu/shaders/activate.h"
#include "gpu/shaders/add.h"
#include "gpu/shaders/lib/activation.h"

TESS_GPU_SHADER (activate);
TESS_GPU_SHADER (add);

guint32
tess_gpu_activation (TessActivation act)
{
  G_STATIC_ASSERT (TESS_ACT_NONE == TESS_GPU_ACT_NONE);
  G_STATIC_ASSERT (TESS_ACT_SILU == TESS_GPU_ACT_SILU);
  G_STATIC_ASSERT (TESS_ACT_GELU == TESS_GPU_ACT_GELU);
  G_STATIC_ASSERT (TESS_ACT_QUICK_GELU == TESS_GPU_ACT_QUICK_GELU);
  G_STATIC_ASSERT (TESS_ACT_GEGLU == TESS_GPU_ACT_GEGLU);
  G_STATIC_ASSERT (TESS_ACT_RELU == TESS_GPU_ACT_RELU);
  G_STATIC_ASSERT (TESS_ACT_LEAKY_RELU == TESS_GPU_ACT_LEAKY_RELU);
  return act;
}

static void
make_add (const TessGpuVariant *variant, TessGpuKernel *kernel)
{
  const TessOp *op = kernel->op;
  const TessGpuBinding src[] = {
    tess_gpu_source (kernel, op->src[TESS_SLOT_SRC]),
    tess_gpu_source (kernel, op->src[TESS_SLOT_B]),
  };
  TessGpuDispatch *dispatch
      = tess_gpu_dispatch_bound (kernel, add_shader, src, 2);
  TessAddPush push = {
    .n = (guint32) tess_shape_n_elements (&op->dst->shape),
    .n_b = (guint32) tess_shape_n_elements (&op->src[TESS_SLOT_B]->shape),
  };

  tess_gpu_push (dispatch, push);
  tess_gpu_groups_1d (dispatch, push.n, 256);
}

static void
make_activate (const TessGpuVariant *variant, TessGpuKernel *kernel)
{
  const TessActivateOp *op = (const TessActivateOp *) kernel->op;
  TessGpuBinding src = tess_gpu_source (kernel, op->op.src[TESS_SLOT_SRC]);
  TessGpuDispatch *dispatch
      = tess_gpu_dispatch_bound (kernel, activate_shader, &src, 1);
  TessActivatePush push = {
    .n = (guint32) tess_shape_n_elements (&op->op.dst->shape),
    .act = tess_gpu_activation (op->act),
  };

  tess_gpu_push (dispatch, push);
  tess_gpu_groups_1d (dispatch, push.n, 256);
}

static const TessGpuVariant add_variants[] = {
  { .name = "plain", .make = make_add },
  { NULL },
};

static const TessGpuVariant activate_variants[] = {
  { .name = "plain", .make = make_activate },
  { NULL },
};

const TessGpuOp tess_gpu_add = { &tess_add_class, add_variants };
const TessGpuOp tess_gpu_activate = { &tess_activate_class, activate_variants };
