/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/ops/gather.c: tiles of a canvas: checks, recording, plain answer. */
#include "core/ops/ops-private.h"

TessValue *
tess_gather (TessProgram *program, const TessGather *args)
{
  const TessOpClass *klass = &tess_gather_class;
  const TessShape *canvas = &args->canvas->shape;
  const TessShape *places = &args->places->shape;
  TessShape shape = { places->w, args->h, args->w, canvas->c };
  TessValue *dst = tess_value_new (program, &shape);
  gchar text[2][TESS_SHAPE_CHARS];
  TessOp *op;

  if (canvas->n != 1 || args->h < 1 || args->w < 1 || args->h > canvas->h
      || args->w > canvas->w)
    tess_program_fail_shape (program, klass, "%s has no tiles of %d x %d",
                             tess_shape_string (canvas, text[0]), args->w,
                             args->h);
  else if (places->n != 1 || places->h != 1 || places->c != 2
           || args->places->type != TESS_I32
           || tess_shape_n_elements (&args->factor->shape) != 1
           || args->factor->type != TESS_F32)
    tess_program_fail_shape (program, klass,
                             "places %s or the factor %s are none",
                             tess_shape_string (places, text[0]),
                             tess_shape_string (&args->factor->shape, text[1]));
  else if ((op = tess_op_new (program, klass, dst)) != NULL)
    {
      op->src[TESS_SLOT_SRC] = args->canvas;
      op->src[TESS_SLOT_PLACES] = args->places;
      op->src[TESS_SLOT_FACTOR] = args->factor;
    }
  return dst;
}

static void
plain (const TessOp *op, const TessPlainRun *run)
{
  const TessShape *canvas = &op->src[TESS_SLOT_SRC]->shape;
  const TessShape *shape = &op->dst->shape;
  const gfloat *src = run->src[TESS_SLOT_SRC];
  const gint32 *places = run->src[TESS_SLOT_PLACES];
  gfloat factor = *(const gfloat *) run->src[TESS_SLOT_FACTOR];

#pragma omp parallel for collapse(2)
  for (gint n = 0; n < shape->n; n++)
    for (gint y = 0; y < shape->h; y++)
      for (gint x = 0; x < shape->w; x++)
        {
          gsize from_x = (gsize) (places[2 * n] + x) % canvas->w;
          gsize from_y = (gsize) (places[2 * n + 1] + y) % canvas->h;
          gsize to = ((gsize) n * shape->h + y) * shape->w + x;

          for (gint c = 0; c < shape->c; c++)
            run->dst[to * shape->c + c]
                = factor * src[(from_y * canvas->w + from_x) * shape->c + c];
        }
}

const TessOpClass tess_gather_class = {
  .name = "gather",
  .size = sizeof (TessOp),
  .plain = plain,
};
