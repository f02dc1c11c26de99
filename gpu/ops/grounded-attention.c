/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/ops/grounded-attention.c: attention with tokens from elsewhere on the
 * device. */
#include "gpu/kernel.h"

#include "gpu/shaders/grounded-attention.h"

TESS_GPU_SHADER (grounded_attention);

static void
make (const TessGpuVariant *variant, TessGpuKernel *kernel)
{
  const TessAttentionOp *op = (const TessAttentionOp *) kernel->op;
  TessValue *const *src = op->op.src;
  gsize n = op->op.dst->shape.n;
  TessGpuBinding bindings[] = {
    tess_gpu_source (kernel, src[TESS_SLOT_SRC]),
    tess_gpu_source (kernel, src[TESS_SLOT_K]),
    tess_gpu_source (kernel, src[TESS_SLOT_V]),
    tess_gpu_source (kernel, src[TESS_SLOT_GROUND_K]),
    tess_gpu_source (kernel, src[TESS_SLOT_GROUND_V]),
    tess_gpu_source_typed (kernel, src[TESS_SLOT_GROUND_BIAS], TESS_F32),
    tess_gpu_source_typed (kernel, src[TESS_SLOT_ROWS], TESS_I32),
    tess_gpu_source_typed (kernel, src[TESS_SLOT_CELLS], TESS_I32),
    tess_gpu_source_typed (kernel, src[TESS_SLOT_TOKENS], TESS_I32),
  };
  TessGpuDispatch *dispatch
      = tess_gpu_dispatch_new (kernel, grounded_attention_shader);
  TessGroundedAttentionPush push = {
    .n = (guint32) n,
    .m = src[TESS_SLOT_GROUND_K]->shape.n,
    .tq = op->tq,
    .n_ground = op->n_ground,
    .n_heads = op->n_heads,
    .d = op->d,
    .has_regions = src[TESS_SLOT_CELLS] != NULL,
    .scale = op->scale,
  };

  tess_gpu_bind_dst (dispatch, op->op.dst);
  for (guint i = 0; i < G_N_ELEMENTS (bindings); i++)
    tess_gpu_bind (dispatch, bindings[i]);
  tess_gpu_push (dispatch, push);
  tess_gpu_groups_1d (dispatch, n * op->tq * op->n_heads, 1);
}

G_STATIC_ASSERT (TESS_GROUNDED_ALL == TESS_ALL_REGIONS);

static const TessGpuVariant variants[] = {
  { .name = "plain", .make = make },
  { NULL },
};

const TessGpuOp tess_gpu_grounded_attention
    = { &tess_grounded_attention_class, variants };
