/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/ops/group-norm.c: statistics of groups of channels, and group norm, on
 * the device: parts of each group, the parts joined, then every number. */
#include "gpu/kernel.h"

#include "gpu/ops/activation.h"
#include "gpu/shaders/group-norm.h"
#include "gpu/shaders/group-stats.h"

TESS_GPU_SHADER (group_stats);
TESS_GPU_SHADER (group_norm);
extern const TessGpuShader tess_shader_group_join_f32;
static const TessGpuShader *const group_join_shader[2]
    = { &tess_shader_group_join_f32, &tess_shader_group_join_f32 };

/* Numbers that one part has about: a few dozen for each thread. */
#define PART 16384

/* Records what gives the statistics of @cells in @dst: vec2 [n, groups]. */
static void
measure (TessGpuKernel *kernel,
         TessGpuBinding src,
         TessGroupStatsPush push,
         TessGpuBinding dst)
{
  gsize n_cells = (gsize) (push.y1 - push.y0) * (push.x1 - push.x0);
  gsize n_numbers = n_cells * (push.c / push.n_groups);
  gsize n_groups = (gsize) push.n * push.n_groups;
  TessGpuDispatch *dispatch;
  guint parts;

  push.n_parts = (guint32) MIN (tess_gpu_divide_up (n_numbers, PART), n_cells);
  parts = tess_gpu_scratch (kernel, n_groups * push.n_parts * 8);
  dispatch = tess_gpu_dispatch_new (kernel, group_stats_shader);
  tess_gpu_bind_scratch (dispatch, kernel, parts, TRUE);
  tess_gpu_bind (dispatch, src);
  tess_gpu_push (dispatch, push);
  tess_gpu_groups_1d (dispatch, n_groups * push.n_parts, 1);

  dispatch = tess_gpu_dispatch_new (kernel, group_join_shader);
  dst.written = TRUE;
  tess_gpu_bind (dispatch, dst);
  tess_gpu_bind_scratch (dispatch, kernel, parts, FALSE);
  tess_gpu_push (dispatch, push);
  tess_gpu_groups_1d (dispatch, n_groups, 64);
}

static TessGroupStatsPush
stats_push (const TessShape *shape, gint n_groups)
{
  return (TessGroupStatsPush) {
    .n = shape->n,
    .h = shape->h,
    .w = shape->w,
    .c = shape->c,
    .n_groups = n_groups,
    .y1 = shape->h,
    .x1 = shape->w,
  };
}

static void
make_stats (const TessGpuVariant *variant, TessGpuKernel *kernel)
{
  const TessGroupStatsOp *op = (const TessGroupStatsOp *) kernel->op;
  const TessValue *value = op->op.src[TESS_SLOT_SRC];
  TessGroupStatsPush push = stats_push (&value->shape, op->n_groups);

  push.y0 = op->y0;
  push.y1 = op->y1;
  push.x0 = op->x0;
  push.x1 = op->x1;
  measure (kernel, tess_gpu_source (kernel, value), push,
           tess_gpu_source_typed (kernel, op->op.dst, TESS_F32));
}

static void
make_norm (const TessGpuVariant *variant, TessGpuKernel *kernel)
{
  const TessGroupNormOp *op = (const TessGroupNormOp *) kernel->op;
  const TessValue *value = op->op.src[TESS_SLOT_SRC];
  const TessValue *known = op->op.src[TESS_SLOT_STATS];
  const TessShape *shape = &value->shape;
  TessGpuBinding src = tess_gpu_source (kernel, value), stats;
  gint scale = tess_gpu_pack_vector (kernel, op->op.weights[TESS_SLOT_WEIGHT]);
  gint shift = tess_gpu_pack_vector (kernel, op->op.weights[TESS_SLOT_BIAS]);
  TessGpuDispatch *dispatch;
  TessGroupNormPush push = {
    .n = shape->n,
    .n_cells = shape->h * shape->w,
    .c = shape->c,
    .n_groups = op->n_groups,
    .act = tess_gpu_activation (op->act),
    .eps = op->eps,
  };

  if (known != NULL)
    stats = tess_gpu_source_typed (kernel, known, TESS_F32);
  else
    {
      stats = tess_gpu_scratch_binding (
          kernel,
          tess_gpu_scratch (kernel, (gsize) shape->n * op->n_groups * 8));
      measure (kernel, src, stats_push (shape, op->n_groups), stats);
    }
  dispatch = tess_gpu_dispatch_new (kernel, group_norm_shader);
  tess_gpu_bind_dst (dispatch, op->op.dst);
  tess_gpu_bind (dispatch, src);
  tess_gpu_bind (dispatch, stats);
  tess_gpu_bind_pack (dispatch, kernel, scale);
  tess_gpu_bind_pack (dispatch, kernel, shift);
  tess_gpu_push (dispatch, push);
  tess_gpu_groups_1d (dispatch, tess_shape_n_elements (shape), 256);
}

static const TessGpuVariant stats_variants[] = {
  { .name = "plain", .make = make_stats },
  { NULL },
};

static const TessGpuVariant norm_variants[] = {
  { .name = "plain", .make = make_norm },
  { NULL },
};

const TessGpuOp tess_gpu_group_stats
    = { &tess_group_stats_class, stats_variants };
const TessGpuOp tess_gpu_group_norm = { &tess_group_norm_class, norm_variants };
