/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/ops/conv2d.c: convolution: checks, recording, plain answer. */
#include "core/ops/ops-private.h"

#include <string.h>

/* Cells along an axis of the result; 0 where the kernel does not fit. */
static gint
dst_side (const TessConv2d *args, gint src, gint kernel)
{
  gint padded = src * MAX (args->upsample, 1) + args->pad_begin + args->pad_end;

  return padded < kernel ? 0 : (padded - kernel) / MAX (args->stride, 1) + 1;
}

static gboolean
check (TessProgram *program, const TessConv2d *args, const TessShape *shape)
{
  const TessOpClass *klass = &tess_conv2d_class;
  const TessWeight *weight = args->weight;
  gchar text[2][TESS_SHAPE_CHARS];

  if (weight == NULL
      || (weight->tensor->n_dims != 4 && weight->tensor->n_dims != 2))
    tess_program_fail_shape (program, klass, "weight %s is not one of 4 sizes",
                             weight != NULL ? weight->name : "(missing)");
  else if (weight->tensor->dims[1] != args->src->shape.c)
    tess_program_fail_shape (program, klass,
                             "weight %s takes %d channels, the source is %s",
                             weight->name, (gint) weight->tensor->dims[1],
                             tess_shape_string (&args->src->shape, text[0]));
  else if (shape->h < 1 || shape->w < 1)
    tess_program_fail_shape (
        program, klass, "%s is smaller than the kernel of %s",
        tess_shape_string (&args->src->shape, text[0]), weight->name);
  else if (args->row != NULL
           && tess_shape_n_elements (&args->row->shape) != (gsize) shape->c)
    tess_program_fail_shape (program, klass, "the row %s is not %d channels",
                             tess_shape_string (&args->row->shape, text[0]),
                             shape->c);
  else if (args->residual != NULL
           && !tess_shape_equal (&args->residual->shape, shape))
    tess_program_fail_shape (
        program, klass, "the residual %s is not %s",
        tess_shape_string (&args->residual->shape, text[0]),
        tess_shape_string (shape, text[1]));
  else if (args->act != TESS_ACT_NONE && args->act != TESS_ACT_SILU
           && args->act != TESS_ACT_RELU && args->act != TESS_ACT_LEAKY_RELU)
    tess_program_fail_shape (program, klass, "an activation it does not have");
  else
    return args->bias == NULL
           || tess_check_vector (program, klass, "bias", args->bias, shape->c);
  return FALSE;
}

TessValue *
tess_conv2d (TessProgram *program, const TessConv2d *args)
{
  const TessTensor *weight = args->weight ? args->weight->tensor : NULL;
  gint kh = weight != NULL && weight->n_dims == 4 ? (gint) weight->dims[2] : 1;
  gint kw = weight != NULL && weight->n_dims == 4 ? (gint) weight->dims[3] : 1;
  TessShape shape = {
    .n = args->src->shape.n,
    .h = dst_side (args, args->src->shape.h, kh),
    .w = dst_side (args, args->src->shape.w, kw),
    .c = weight != NULL && weight->n_dims > 0 ? (gint) weight->dims[0]
                                              : args->src->shape.c,
  };
  TessValue *dst = tess_value_new (program, &shape);
  TessConv2dOp *op;

  if (!check (program, args, &shape))
    return dst;
  op = tess_op_new (program, &tess_conv2d_class, dst);
  if (op == NULL)
    return dst;
  op->op.src[TESS_SLOT_SRC] = args->src;
  op->op.src[TESS_SLOT_RESIDUAL] = args->residual;
  op->op.src[TESS_SLOT_ROW] = args->row;
  op->op.weights[TESS_SLOT_WEIGHT] = args->weight;
  op->op.weights[TESS_SLOT_BIAS] = args->bias;
  op->args = *args;
  op->args.stride = MAX (args->stride, 1);
  op->args.upsample = MAX (args->upsample, 1);
  op->kh = kh;
  op->kw = kw;
  op->ic = args->src->shape.c;
  op->oc = shape.c;
  tess_op_set_flops (program, &op->op,
                     2.0 * tess_shape_n_elements (&shape) * op->ic * op->kh
                         * op->kw);
  return dst;
}

/* The sum at one cell of the result, into dst[oc], which holds zeros. */
static void
sum_cell (const TessConv2dOp *op,
          const gfloat *src,
          const gfloat *weight,
          gint y,
          gint x,
          gfloat *dst)
{
  const TessShape *shape = &op->op.src[TESS_SLOT_SRC]->shape;
  gint up = op->args.upsample;

  for (gint ky = 0; ky < op->kh; ky++)
    for (gint kx = 0; kx < op->kw; kx++)
      {
        gint sy = y * op->args.stride - op->args.pad_begin + ky;
        gint sx = x * op->args.stride - op->args.pad_begin + kx;

        if (sy < 0 || sy >= shape->h * up || sx < 0 || sx >= shape->w * up)
          continue;
        tess_plain_row (
            dst, src + ((gsize) (sy / up) * shape->w + sx / up) * op->ic,
            op->ic, weight + (gsize) (ky * op->kw + kx) * op->ic * op->oc,
            op->oc);
      }
}

static void
plain (const TessOp *base, const TessPlainRun *run)
{
  const TessConv2dOp *op = (const TessConv2dOp *) base;
  const TessShape *src = &base->src[TESS_SLOT_SRC]->shape;
  const TessShape *dst = &base->dst->shape;
  const gfloat *row = run->src[TESS_SLOT_ROW];
  const gfloat *residual = run->src[TESS_SLOT_RESIDUAL];
  const gfloat *bias = run->weights[TESS_SLOT_BIAS];
  gsize sample = (gsize) src->h * src->w * src->c;

#pragma omp parallel for collapse(2)
  for (gint n = 0; n < dst->n; n++)
    for (gint y = 0; y < dst->h; y++)
      for (gint x = 0; x < dst->w; x++)
        {
          gsize at = (((gsize) n * dst->h + y) * dst->w + x) * dst->c;
          gfloat *cell = run->dst + at;

          memset (cell, 0, dst->c * sizeof *cell);
          sum_cell (op, (const gfloat *) run->src[0] + n * sample,
                    run->weights[TESS_SLOT_WEIGHT], y, x, cell);
          for (gint o = 0; o < dst->c; o++)
            {
              gfloat sum = cell[o] + (bias != NULL ? bias[o] : 0.0f)
                           + (row != NULL ? row[o] : 0.0f);

              cell[o] = tess_plain_activate (op->args.act, sum)
                        + (residual != NULL ? residual[at + o] : 0.0f);
            }
        }
}

const TessOpClass tess_conv2d_class = {
  .name = "conv2d",
  .size = sizeof (TessConv2dOp),
  .plain = plain,
  .turn_weight = TRUE,
};
