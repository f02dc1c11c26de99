/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/ops/depthwise.c: convolution of each channel by itself: checks,
 * recording, plain answer. */
#include "core/ops/ops-private.h"

TessValue *
tess_depthwise (TessProgram *program, const TessDepthwise *args)
{
  const TessOpClass *klass = &tess_depthwise_class;
  const TessTensor *weight = args->weight ? args->weight->tensor : NULL;
  const TessShape *shape = &args->src->shape;
  TessValue *dst = tess_value_new (program, shape);
  gchar text[TESS_SHAPE_CHARS];
  TessDepthwiseOp *op;

  if (weight == NULL || weight->n_dims != 4 || weight->dims[0] != shape->c
      || weight->dims[1] != 1 || weight->dims[2] != weight->dims[3]
      || weight->dims[2] % 2 == 0)
    {
      tess_program_fail_shape (
          program, klass, "weight %s is not one odd square for each of %s",
          weight != NULL ? args->weight->name : "(missing)",
          tess_shape_string (shape, text));
      return dst;
    }
  if (args->bias != NULL
      && !tess_check_vector (program, klass, "bias", args->bias, shape->c))
    return dst;
  op = tess_op_new (program, klass, dst);
  if (op == NULL)
    return dst;
  op->op.src[TESS_SLOT_SRC] = args->src;
  op->op.weights[TESS_SLOT_WEIGHT] = args->weight;
  op->op.weights[TESS_SLOT_BIAS] = args->bias;
  op->k = (gint) weight->dims[2];
  tess_op_set_flops (program, &op->op,
                     2.0 * tess_shape_n_elements (shape) * op->k * op->k);
  return dst;
}

static void
plain (const TessOp *base, const TessPlainRun *run)
{
  const TessShape *s = &base->dst->shape;
  const gfloat *src = run->src[TESS_SLOT_SRC];
  const gfloat *weight = run->weights[TESS_SLOT_WEIGHT];
  const gfloat *bias = run->weights[TESS_SLOT_BIAS];
  gint k = ((const TessDepthwiseOp *) base)->k;

#pragma omp parallel for collapse(2)
  for (gint n = 0; n < s->n; n++)
    for (gint y = 0; y < s->h; y++)
      for (gint x = 0; x < s->w; x++)
        for (gint c = 0; c < s->c; c++)
          {
            gdouble sum = bias != NULL ? bias[c] : 0.0;

            for (gint i = 0; i < k * k; i++)
              {
                gint sy = y + i / k - k / 2, sx = x + i % k - k / 2;

                if (sy >= 0 && sy < s->h && sx >= 0 && sx < s->w)
                  sum += src[(((gsize) n * s->h + sy) * s->w + sx) * s->c + c]
                         * weight[(gsize) c * k * k + i];
              }
            run->dst[(((gsize) n * s->h + y) * s->w + x) * s->c + c]
                = (gfloat) sum;
          }
}

const TessOpClass tess_depthwise_class = {
  .name = "depthwise",
  .size = sizeof (TessDepthwiseOp),
  .plain = plain,
};
