/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/ops/copies.c: ops that only move numbers. */
#include "gpu/kernel.h"

#include "gpu/shaders/concat.h"
#include "gpu/shaders/crop.h"
#include "gpu/shaders/embed.h"

TESS_GPU_SHADER (concat);
TESS_GPU_SHADER (crop);
TESS_GPU_SHADER (embed);

static void
make_concat (const TessGpuVariant *variant, TessGpuKernel *kernel)
{
  const TessOp *op = kernel->op;
  const TessGpuBinding src[] = {
    tess_gpu_source (kernel, op->src[TESS_SLOT_SRC]),
    tess_gpu_source (kernel, op->src[TESS_SLOT_B]),
  };
  TessGpuDispatch *dispatch
      = tess_gpu_dispatch_bound (kernel, concat_shader, src, 2);
  TessConcatPush push = {
    .n = (guint32) tess_shape_n_elements (&op->dst->shape),
    .c_a = op->src[TESS_SLOT_SRC]->shape.c,
    .c_b = op->src[TESS_SLOT_B]->shape.c,
  };

  tess_gpu_push (dispatch, push);
  tess_gpu_groups_1d (dispatch, push.n, 256);
}

static void
make_crop (const TessGpuVariant *variant, TessGpuKernel *kernel)
{
  const TessCropOp *op = (const TessCropOp *) kernel->op;
  const TessShape *src_shape = &op->op.src[TESS_SLOT_SRC]->shape;
  const TessShape *shape = &op->op.dst->shape;
  TessGpuBinding src = tess_gpu_source (kernel, op->op.src[TESS_SLOT_SRC]);
  TessGpuDispatch *dispatch
      = tess_gpu_dispatch_bound (kernel, crop_shader, &src, 1);
  TessCropPush push = {
    .n = shape->n,
    .h = shape->h,
    .w = shape->w,
    .c = shape->c,
    .src_h = src_shape->h,
    .src_w = src_shape->w,
    .y0 = op->y0,
    .x0 = op->x0,
  };

  tess_gpu_push (dispatch, push);
  tess_gpu_groups_1d (dispatch, tess_shape_n_elements (shape), 256);
}

/* Rows by number; without numbers the whole weight. */
static void
make_embed (const TessGpuVariant *variant, TessGpuKernel *kernel)
{
  const TessOp *op = kernel->op;
  const TessWeight *weight = op->weights[TESS_SLOT_WEIGHT];
  const TessValue *ids = op->src[TESS_SLOT_SRC];
  TessGpuBinding numbers = tess_gpu_source_typed (kernel, ids, TESS_I32);
  gint table = tess_gpu_pack_rows (kernel, weight);
  TessGpuDispatch *dispatch = tess_gpu_dispatch_new (kernel, embed_shader);
  TessEmbedPush push = {
    .n = (guint32) tess_shape_n_elements (&op->dst->shape),
    .c = op->dst->shape.c,
    .n_rows = (guint32) (tess_weight_n_elements (weight) / op->dst->shape.c),
    .has_ids = ids != NULL,
  };

  tess_gpu_bind_dst (dispatch, op->dst);
  tess_gpu_bind (dispatch, numbers);
  tess_gpu_bind_pack (dispatch, kernel, table);
  tess_gpu_push (dispatch, push);
  tess_gpu_groups_1d (dispatch, push.n, 256);
}

static void
make_store (const TessGpuVariant *variant, TessGpuKernel *kernel)
{
  const TessOp *op = kernel->op;

  tess_gpu_convert (kernel, op->src[TESS_SLOT_SRC],
                    tess_gpu_source_typed (kernel, op->dst, op->dst->type),
                    op->dst->type);
}

static const TessGpuVariant concat_variants[] = {
  { .name = "plain", .make = make_concat },
  { NULL },
};

static const TessGpuVariant crop_variants[] = {
  { .name = "plain", .make = make_crop },
  { NULL },
};

static const TessGpuVariant embed_variants[] = {
  { .name = "plain", .make = make_embed },
  { NULL },
};

static const TessGpuVariant store_variants[] = {
  { .name = "plain", .make = make_store },
  { NULL },
};

const TessGpuOp tess_gpu_concat = { &tess_concat_class, concat_variants };
const TessGpuOp tess_gpu_crop = { &tess_crop_class, crop_variants };
const TessGpuOp tess_gpu_embed = { &tess_embed_class, embed_variants };
const TessGpuOp tess_gpu_constant = { &tess_constant_class, embed_variants };
const TessGpuOp tess_gpu_store = { &tess_store_class, store_variants };
