/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/ops/mix.c: a weighted sum of maps: checks, recording, plain answer. */
#include "core/ops/ops-private.h"

TessValue *
tess_mix (TessProgram *program, const TessMix *args)
{
  const TessOpClass *klass = &tess_mix_class;
  const TessShape *shape = &args->src[0]->shape;
  TessValue *dst = tess_value_new (program, shape);
  gchar text[2][TESS_SHAPE_CHARS];
  TessOp *op;

  g_return_val_if_fail (args->n_src > 0 && args->n_src <= TESS_MIX_MAX, dst);

  for (gint i = 1; i < args->n_src; i++)
    if (!tess_shape_equal (&args->src[i]->shape, shape))
      {
        tess_program_fail_shape (
            program, klass, "%s is not %s",
            tess_shape_string (&args->src[i]->shape, text[0]),
            tess_shape_string (shape, text[1]));
        return dst;
      }
  if (args->weights->type != TESS_F32
      || tess_shape_n_elements (&args->weights->shape) < (gsize) args->n_src)
    {
      tess_program_fail_shape (
          program, klass, "%s are no weights of %d maps",
          tess_shape_string (&args->weights->shape, text[0]), args->n_src);
      return dst;
    }
  op = tess_op_new (program, klass, dst);
  if (op == NULL)
    return dst;
  for (gint i = 0; i < args->n_src; i++)
    op->src[i] = args->src[i];
  op->src[TESS_SLOT_WEIGHTS] = args->weights;
  return dst;
}

static void
plain (const TessOp *op, const TessPlainRun *run)
{
  const gfloat *weights = run->src[TESS_SLOT_WEIGHTS];
  gsize n = tess_shape_n_elements (&op->dst->shape);

#pragma omp parallel for
  for (gsize i = 0; i < n; i++)
    {
      gfloat sum = 0.0f;

      for (gint k = 0; k < TESS_MIX_MAX && op->src[k] != NULL; k++)
        if (weights[k] != 0.0f)
          sum += weights[k] * ((const gfloat *) run->src[k])[i];
      run->dst[i] = sum;
    }
}

const TessOpClass tess_mix_class = {
  .name = "mix",
  .size = sizeof (TessOp),
  .plain = plain,
};
