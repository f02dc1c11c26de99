/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/ops/scale.c: product with a map, a row or a number: checks,
 * recording, plain answer. */
#include "core/ops/ops-private.h"

TessValue *
tess_scale (TessProgram *program, const TessScale *args)
{
  const TessOpClass *klass = &tess_scale_class;
  const TessShape *shape = &args->src->shape;
  gsize n = tess_shape_n_elements (&args->factor->shape);
  TessValue *dst = tess_value_new (program, shape);
  gchar text[2][TESS_SHAPE_CHARS];
  TessOp *op;

  if ((n != 1 && n != (gsize) shape->c
       && !tess_shape_equal (&args->factor->shape, shape))
      || args->factor->type == TESS_I32)
    tess_program_fail_shape (program, klass, "the factor %s does not fit %s",
                             tess_shape_string (&args->factor->shape, text[0]),
                             tess_shape_string (shape, text[1]));
  else if (args->residual != NULL
           && !tess_shape_equal (&args->residual->shape, shape))
    tess_program_fail_shape (
        program, klass, "the residual %s is not %s",
        tess_shape_string (&args->residual->shape, text[0]),
        tess_shape_string (shape, text[1]));
  else if ((op = tess_op_new (program, klass, dst)) != NULL)
    {
      op->src[TESS_SLOT_SRC] = args->src;
      op->src[TESS_SLOT_RESIDUAL] = args->residual;
      op->src[TESS_SLOT_FACTOR] = args->factor;
    }
  return dst;
}

static void
plain (const TessOp *op, const TessPlainRun *run)
{
  const gfloat *src = run->src[TESS_SLOT_SRC];
  const gfloat *residual = run->src[TESS_SLOT_RESIDUAL];
  const gfloat *factor = run->src[TESS_SLOT_FACTOR];
  gsize n_factor = tess_shape_n_elements (&op->src[TESS_SLOT_FACTOR]->shape);
  gsize n = tess_shape_n_elements (&op->dst->shape);

#pragma omp parallel for
  for (gsize i = 0; i < n; i++)
    run->dst[i] = src[i] * factor[i % n_factor]
                  + (residual != NULL ? residual[i] : 0.0f);
}

const TessOpClass tess_scale_class = {
  .name = "scale",
  .size = sizeof (TessOp),
  .plain = plain,
};
