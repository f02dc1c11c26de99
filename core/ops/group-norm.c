/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/ops/group-norm.c: group norm and its statistics: checks, recording,
 * plain answers. */
#include "core/ops/ops-private.h"

#include <math.h>

static gboolean
check_groups (TessProgram *program,
              const TessOpClass *klass,
              const TessValue *src,
              gint n_groups)
{
  if (n_groups > 0 && src->shape.c % n_groups == 0)
    return TRUE;
  tess_program_fail_shape (program, klass, "%d channels are not %d groups",
                           src->shape.c, n_groups);
  return FALSE;
}

static gboolean
check_stats (TessProgram *program, const TessGroupNorm *args)
{
  const TessValue *stats = args->stats;
  gchar text[TESS_SHAPE_CHARS];

  if (stats == NULL
      || (stats->type == TESS_F32
          && tess_shape_n_elements (&stats->shape)
                 == (gsize) args->src->shape.n * args->n_groups * 2))
    return TRUE;
  tess_program_fail_shape (program, &tess_group_norm_class,
                           "statistics %s of type %s are not f32 [%d, 1, %d, "
                           "2]",
                           tess_shape_string (&stats->shape, text),
                           tess_type_name (stats->type), args->src->shape.n,
                           args->n_groups);
  return FALSE;
}

TessValue *
tess_group_norm (TessProgram *program, const TessGroupNorm *args)
{
  const TessOpClass *klass = &tess_group_norm_class;
  TessValue *dst = tess_value_new (program, &args->src->shape);
  TessGroupNormOp *op;

  if (!check_groups (program, klass, args->src, args->n_groups)
      || !tess_check_vector (program, klass, "scale", args->scale,
                             args->src->shape.c)
      || !tess_check_vector (program, klass, "shift", args->shift,
                             args->src->shape.c)
      || !check_stats (program, args))
    return dst;
  op = tess_op_new (program, klass, dst);
  if (op == NULL)
    return dst;
  op->op.src[TESS_SLOT_SRC] = args->src;
  op->op.src[TESS_SLOT_STATS] = args->stats;
  op->op.weights[TESS_SLOT_WEIGHT] = args->scale;
  op->op.weights[TESS_SLOT_BIAS] = args->shift;
  op->n_groups = args->n_groups;
  op->eps = args->eps;
  op->act = args->act;
  return dst;
}

TessValue *
tess_group_stats (TessProgram *program, const TessGroupStats *args)
{
  const TessOpClass *klass = &tess_group_stats_class;
  const TessShape *src = &args->src->shape;
  TessShape shape = { src->n, 1, args->n_groups, 2 };
  TessValue *dst = tess_value_new_typed (program, TESS_F32, &shape);
  gboolean all
      = args->y0 == 0 && args->y1 == 0 && args->x0 == 0 && args->x1 == 0;
  TessGroupStatsOp *op;
  gchar text[TESS_SHAPE_CHARS];

  if (!check_groups (program, klass, args->src, args->n_groups))
    return dst;
  if (!all
      && (args->y0 < 0 || args->y1 <= args->y0 || args->y1 > src->h
          || args->x0 < 0 || args->x1 <= args->x0 || args->x1 > src->w))
    {
      tess_program_fail_shape (program, klass,
                               "rows %d-%d, columns %d-%d do not lie in %s",
                               args->y0, args->y1, args->x0, args->x1,
                               tess_shape_string (src, text));
      return dst;
    }
  op = tess_op_new (program, klass, dst);
  if (op == NULL)
    return dst;
  op->op.src[TESS_SLOT_SRC] = args->src;
  op->n_groups = args->n_groups;
  op->y0 = args->y0;
  op->x0 = args->x0;
  op->y1 = all ? src->h : args->y1;
  op->x1 = all ? src->w : args->x1;
  return dst;
}

/* Mean and population variance of one group over some cells of a sample. */
static void
measure (const gfloat *src,
         const TessShape *shape,
         const TessGroupStatsOp *part,
         gint group,
         gfloat *stats)
{
  gint size = shape->c / part->n_groups;
  gdouble sum = 0.0, squares = 0.0, mean;
  gdouble count
      = (gdouble) (part->y1 - part->y0) * (part->x1 - part->x0) * size;

  for (gint pass = 0; pass < 2; pass++)
    {
      mean = sum / count;
      for (gint y = part->y0; y < part->y1; y++)
        for (gint x = part->x0; x < part->x1; x++)
          for (gint j = 0; j < size; j++)
            {
              gdouble number = src[((gsize) y * shape->w + x) * shape->c
                                   + group * size + j];

              if (pass == 0)
                sum += number;
              else
                squares += (number - mean) * (number - mean);
            }
    }
  stats[0] = (gfloat) (sum / count);
  stats[1] = (gfloat) (squares / count);
}

static void
plain_stats (const TessOp *base, const TessPlainRun *run)
{
  const TessGroupStatsOp *op = (const TessGroupStatsOp *) base;
  const TessShape *shape = &base->src[TESS_SLOT_SRC]->shape;
  gsize sample = (gsize) shape->h * shape->w * shape->c;

#pragma omp parallel for collapse(2)
  for (gint n = 0; n < shape->n; n++)
    for (gint group = 0; group < op->n_groups; group++)
      measure ((const gfloat *) run->src[TESS_SLOT_SRC] + n * sample, shape, op,
               group, run->dst + ((gsize) n * op->n_groups + group) * 2);
}

static void
plain_norm (const TessOp *base, const TessPlainRun *run)
{
  const TessGroupNormOp *op = (const TessGroupNormOp *) base;
  const TessShape *shape = &base->dst->shape;
  const gfloat *known = run->src[TESS_SLOT_STATS];
  const gfloat *scale = run->weights[TESS_SLOT_WEIGHT];
  const gfloat *shift = run->weights[TESS_SLOT_BIAS];
  gsize n_cells = (gsize) shape->h * shape->w, sample = n_cells * shape->c;
  gint size = shape->c / op->n_groups;
  TessGroupStatsOp all = {
    .n_groups = op->n_groups,
    .y1 = shape->h,
    .x1 = shape->w,
  };

#pragma omp parallel for collapse(2)
  for (gint n = 0; n < shape->n; n++)
    for (gint group = 0; group < op->n_groups; group++)
      {
        const gfloat *src
            = (const gfloat *) run->src[TESS_SLOT_SRC] + n * sample;
        gfloat *dst = run->dst + n * sample, stats[2], factor;

        if (known != NULL)
          {
            stats[0] = known[((gsize) n * op->n_groups + group) * 2];
            stats[1] = known[((gsize) n * op->n_groups + group) * 2 + 1];
          }
        else
          measure (src, shape, &all, group, stats);
        factor = 1.0f / sqrtf (stats[1] + op->eps);
        for (gsize cell = 0; cell < n_cells; cell++)
          for (gint c = group * size; c < (group + 1) * size; c++)
            dst[cell * shape->c + c] = tess_plain_activate (
                op->act,
                (src[cell * shape->c + c] - stats[0]) * factor * scale[c]
                    + shift[c]);
      }
}

const TessOpClass tess_group_norm_class = {
  .name = "group-norm",
  .size = sizeof (TessGroupNormOp),
  .plain = plain_norm,
};

const TessOpClass tess_group_stats_class = {
  .name = "group-stats",
  .size = sizeof (TessGroupStatsOp),
  .plain = plain_stats,
};
