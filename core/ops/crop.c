/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/ops/crop.c: a rectangle of a map: checks, recording, plain answer. */
#include "core/ops/ops-private.h"

#include <string.h>

TessValue *
tess_crop (
    TessProgram *program, TessValue *src, gint y0, gint x0, gint h, gint w)
{
  TessShape shape = { src->shape.n, h, w, src->shape.c };
  TessValue *dst = tess_value_new (program, &shape);
  TessCropOp *op;

  if (y0 < 0 || x0 < 0 || h < 1 || w < 1 || y0 > src->shape.h - h
      || x0 > src->shape.w - w)
    {
      gchar text[TESS_SHAPE_CHARS];

      tess_program_fail_shape (program, &tess_crop_class,
                               "%d x %d cells at %d, %d do not lie in %s", h, w,
                               y0, x0, tess_shape_string (&src->shape, text));
      return dst;
    }
  op = tess_op_new (program, &tess_crop_class, dst);
  if (op == NULL)
    return dst;
  op->op.src[TESS_SLOT_SRC] = src;
  op->y0 = y0;
  op->x0 = x0;
  return dst;
}

static void
plain (const TessOp *base, const TessPlainRun *run)
{
  const TessCropOp *op = (const TessCropOp *) base;
  const TessShape *src = &base->src[TESS_SLOT_SRC]->shape;
  const TessShape *dst = &base->dst->shape;
  gsize row = (gsize) dst->w * dst->c;

#pragma omp parallel for collapse(2)
  for (gint n = 0; n < dst->n; n++)
    for (gint y = 0; y < dst->h; y++)
      memcpy (run->dst + ((gsize) n * dst->h + y) * row,
              (const gfloat *) run->src[TESS_SLOT_SRC]
                  + (((gsize) n * src->h + op->y0 + y) * src->w + op->x0)
                        * src->c,
              row * sizeof (gfloat));
}

const TessOpClass tess_crop_class = {
  .name = "crop",
  .size = sizeof (TessCropOp),
  .plain = plain,
};
