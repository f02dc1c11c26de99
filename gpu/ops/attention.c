/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/ops/attention.c: attention on the device. */
#include "gpu/kernel.h"

#include "gpu/shaders/attention.h"

TESS_GPU_SHADER (attention);

G_STATIC_ASSERT (TESS_ATTENTION_LARGEST == TESS_MAX_HEAD);

static void
make_plain (const TessGpuVariant *variant, TessGpuKernel *kernel)
{
  const TessAttentionOp *op = (const TessAttentionOp *) kernel->op;
  const TessValue *rows = op->op.src[TESS_SLOT_ROWS];
  gsize n = op->op.dst->shape.n;
  TessGpuBinding q = tess_gpu_source (kernel, op->op.src[TESS_SLOT_SRC]);
  TessGpuBinding k = tess_gpu_source (kernel, op->op.src[TESS_SLOT_K]);
  TessGpuBinding v = tess_gpu_source (kernel, op->op.src[TESS_SLOT_V]);
  TessGpuBinding numbers = tess_gpu_source_typed (kernel, rows, TESS_I32);
  TessGpuDispatch *dispatch = tess_gpu_dispatch_new (kernel, attention_shader);
  TessAttentionPush push = {
    .n = (guint32) n,
    .m = op->op.src[TESS_SLOT_K]->shape.n,
    .tq = op->tq,
    .tk = op->tk,
    .n_heads = op->n_heads,
    .d = op->d,
    .causal = op->causal,
    .has_rows = rows != NULL,
    .scale = op->scale,
  };

  tess_gpu_bind_dst (dispatch, op->op.dst);
  tess_gpu_bind (dispatch, q);
  tess_gpu_bind (dispatch, k);
  tess_gpu_bind (dispatch, v);
  tess_gpu_bind (dispatch, numbers);
  tess_gpu_push (dispatch, push);
  tess_gpu_groups_1d (dispatch, n * op->tq * op->n_heads, 1);
}

static const TessGpuVariant variants[] = {
  { .name = "plain", .make = make_plain },
  { NULL },
};

const TessGpuOp tess_gpu_attention = { &tess_attention_class, variants };
