/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/ops/layer-norm.c: layer norm: checks, recording, plain answer. */
#include "core/ops/ops-private.h"

#include <math.h>

TessValue *
tess_layer_norm (TessProgram *program, const TessLayerNorm *args)
{
  const TessOpClass *klass = &tess_layer_norm_class;
  TessValue *dst = tess_value_new (program, &args->src->shape);
  gint c = args->src->shape.c;
  TessLayerNormOp *op;

  if (!tess_check_vector (program, klass, "scale", args->scale, c)
      || (args->shift != NULL
          && !tess_check_vector (program, klass, "shift", args->shift, c)))
    return dst;
  op = tess_op_new (program, klass, dst);
  if (op == NULL)
    return dst;
  op->op.src[TESS_SLOT_SRC] = args->src;
  op->op.weights[TESS_SLOT_WEIGHT] = args->scale;
  op->op.weights[TESS_SLOT_BIAS] = args->shift;
  op->eps = args->eps;
  return dst;
}

static void
plain (const TessOp *base, const TessPlainRun *run)
{
  const TessLayerNormOp *op = (const TessLayerNormOp *) base;
  gsize c = base->dst->shape.c;
  gsize n_rows = tess_shape_n_elements (&base->dst->shape) / c;
  const gfloat *scale = run->weights[TESS_SLOT_WEIGHT];
  const gfloat *shift = run->weights[TESS_SLOT_BIAS];

#pragma omp parallel for
  for (gsize row = 0; row < n_rows; row++)
    {
      const gfloat *src = (const gfloat *) run->src[TESS_SLOT_SRC] + row * c;
      gfloat *dst = run->dst + row * c, factor;
      gdouble sum = 0.0, squares = 0.0;

      for (gsize i = 0; i < c; i++)
        sum += src[i];
      for (gsize i = 0; i < c; i++)
        squares += (src[i] - sum / c) * (src[i] - sum / c);
      factor = 1.0f / sqrtf ((gfloat) (squares / c) + op->eps);
      for (gsize i = 0; i < c; i++)
        dst[i] = (src[i] - (gfloat) (sum / c)) * factor * scale[i]
                 + (shift != NULL ? shift[i] : 0.0f);
    }
}

const TessOpClass tess_layer_norm_class = {
  .name = "layer-norm",
  .size = sizeof (TessLayerNormOp),
  .plain = plain,
};
