/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/ops/rescale.c: brought to another's spread: checks, recording, plain
 * answer. */
#include "core/ops/ops-private.h"

#include <math.h>

static gboolean
are_stats (const TessValue *value)
{
  return value->type == TESS_F32 && tess_shape_n_elements (&value->shape) == 2;
}

TessValue *
tess_rescale (TessProgram *program, const TessRescale *args)
{
  const TessOpClass *klass = &tess_rescale_class;
  TessValue *dst = tess_value_new (program, &args->src->shape);
  gchar text[2][TESS_SHAPE_CHARS];
  TessRescaleOp *op;

  if (args->src->shape.n != 1 || !are_stats (args->stats)
      || !are_stats (args->like))
    tess_program_fail_shape (program, klass,
                             "%s, %s are no statistics of one sample",
                             tess_shape_string (&args->stats->shape, text[0]),
                             tess_shape_string (&args->like->shape, text[1]));
  else if ((op = tess_op_new (program, klass, dst)) != NULL)
    {
      op->op.src[TESS_SLOT_SRC] = args->src;
      op->op.src[TESS_SLOT_STATS] = args->stats;
      op->op.src[TESS_SLOT_LIKE] = args->like;
      op->amount = args->amount;
    }
  return dst;
}

static void
plain (const TessOp *base, const TessPlainRun *run)
{
  const TessRescaleOp *op = (const TessRescaleOp *) base;
  const gfloat *src = run->src[TESS_SLOT_SRC];
  gfloat variance = ((const gfloat *) run->src[TESS_SLOT_STATS])[1];
  gfloat like = ((const gfloat *) run->src[TESS_SLOT_LIKE])[1];
  gsize n = tess_shape_n_elements (&base->dst->shape);
  gfloat factor = 1.0f;

  if (variance > 0.0f)
    factor = op->amount * (sqrtf (like) / sqrtf (variance)) + 1.0f - op->amount;
#pragma omp parallel for
  for (gsize i = 0; i < n; i++)
    run->dst[i] = src[i] * factor;
}

const TessOpClass tess_rescale_class = {
  .name = "rescale",
  .size = sizeof (TessRescaleOp),
  .plain = plain,
};
