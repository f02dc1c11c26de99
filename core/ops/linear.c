/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/ops/linear.c: product with a weight: checks, recording, plain answer. */
#include "core/ops/ops-private.h"

#include <string.h>

static gboolean
check (TessProgram *program, const TessLinear *args, const TessShape *shape)
{
  const TessOpClass *klass = &tess_linear_class;
  const TessWeight *weight = args->weight;
  gchar text[2][TESS_SHAPE_CHARS];

  if (weight == NULL || weight->tensor->n_dims < 2
      || tess_weight_n_elements (weight)
             != (gsize) (weight->tensor->dims[0] * weight->tensor->dims[1]))
    tess_program_fail_shape (program, klass, "weight %s is not one of 2 sizes",
                             weight != NULL ? weight->name : "(missing)");
  else if (weight->tensor->dims[1] != args->src->shape.c)
    tess_program_fail_shape (program, klass,
                             "weight %s takes %d channels, the source is %s",
                             weight->name, (gint) weight->tensor->dims[1],
                             tess_shape_string (&args->src->shape, text[0]));
  else if (args->act == TESS_ACT_GEGLU && weight->tensor->dims[0] % 2 != 0)
    tess_program_fail_shape (program, klass, "weight %s has no two halves",
                             weight->name);
  else if (args->residual != NULL
           && !tess_shape_equal (&args->residual->shape, shape))
    tess_program_fail_shape (
        program, klass, "the residual %s is not %s",
        tess_shape_string (&args->residual->shape, text[0]),
        tess_shape_string (shape, text[1]));
  else
    return args->bias == NULL
           || tess_check_vector (program, klass, "bias", args->bias,
                                 (gint) weight->tensor->dims[0]);
  return FALSE;
}

TessValue *
tess_linear (TessProgram *program, const TessLinear *args)
{
  const TessTensor *weight = args->weight ? args->weight->tensor : NULL;
  TessShape shape = args->src->shape;
  TessValue *dst;
  TessLinearOp *op;

  if (weight != NULL && weight->n_dims > 0)
    shape.c = (gint) weight->dims[0] / (args->act == TESS_ACT_GEGLU ? 2 : 1);
  dst = tess_value_new (program, &shape);
  if (!check (program, args, &shape))
    return dst;
  op = tess_op_new (program, &tess_linear_class, dst);
  if (op == NULL)
    return dst;
  op->op.src[TESS_SLOT_SRC] = args->src;
  op->op.src[TESS_SLOT_RESIDUAL] = args->residual;
  op->op.weights[TESS_SLOT_WEIGHT] = args->weight;
  op->op.weights[TESS_SLOT_BIAS] = args->bias;
  op->args = *args;
  op->ic = args->src->shape.c;
  op->oc = (gint) weight->dims[0];
  tess_op_set_flops (program, &op->op,
                     2.0 * tess_shape_n_elements (&args->src->shape) * op->oc);
  return dst;
}

/* GEGLU keeps its sums, twice as many as dst has room for, in pieces of
 * this many. */
#define PIECE 256

/* dst[first .. first + n) of one row. */
static void
plain_piece (const TessLinearOp *op,
             const TessPlainRun *run,
             gsize row,
             gint first,
             gint n)
{
  const gfloat *src = (const gfloat *) run->src[TESS_SLOT_SRC] + row * op->ic;
  const gfloat *weight = run->weights[TESS_SLOT_WEIGHT];
  const gfloat *bias = run->weights[TESS_SLOT_BIAS];
  gint c = op->op.dst->shape.c;
  gfloat gate[PIECE] = { 0 }, *dst = run->dst + row * c + first;

  for (gint i = 0; i < op->ic; i++)
    for (gint o = 0; o < n; o++)
      {
        dst[o] += src[i] * weight[(gsize) i * op->oc + first + o];
        gate[o] += src[i] * weight[(gsize) i * op->oc + c + first + o];
      }
  for (gint o = 0; o < n; o++)
    {
      gfloat sum = dst[o] + (bias != NULL ? bias[first + o] : 0.0f);
      gfloat g = gate[o] + (bias != NULL ? bias[c + first + o] : 0.0f);

      dst[o] = sum * tess_plain_activate (TESS_ACT_GELU, g);
    }
}

static void
plain (const TessOp *base, const TessPlainRun *run)
{
  const TessLinearOp *op = (const TessLinearOp *) base;
  gsize c = base->dst->shape.c;
  gsize n_rows = tess_shape_n_elements (&base->dst->shape) / c;
  const gfloat *bias = run->weights[TESS_SLOT_BIAS];
  const gfloat *residual = run->src[TESS_SLOT_RESIDUAL];

#pragma omp parallel for
  for (gsize row = 0; row < n_rows; row++)
    {
      gfloat *dst = run->dst + row * c;

      memset (dst, 0, c * sizeof *dst);
      if (op->args.act == TESS_ACT_GEGLU)
        for (gsize first = 0; first < c; first += PIECE)
          plain_piece (op, run, row, (gint) first,
                       (gint) MIN (c - first, PIECE));
      else
        tess_plain_row (dst,
                        (const gfloat *) run->src[TESS_SLOT_SRC] + row * op->ic,
                        op->ic, run->weights[TESS_SLOT_WEIGHT], c);
      for (gsize o = 0; o < c; o++)
        {
          if (op->args.act != TESS_ACT_GEGLU)
            dst[o] = tess_plain_activate (
                op->args.act, dst[o] + (bias != NULL ? bias[o] : 0.0f));
          if (residual != NULL)
            dst[o] += residual[row * c + o];
        }
    }
}

const TessOpClass tess_linear_class = {
  .name = "linear",
  .size = sizeof (TessLinearOp),
  .plain = plain,
  .turn_weight = TRUE,
};
