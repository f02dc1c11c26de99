/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/ops/fuse.c: the weighted sum of tiles on a canvas: checks, recording,
 * plain answer. */
#include "core/ops/ops-private.h"

static gboolean
is_table (const TessValue *value, TessType type, gint n, gint length)
{
  const TessShape shape = { 1, 1, n, length };

  return value->type == type && tess_shape_equal (&value->shape, &shape);
}

static gboolean
are_shares (const TessValue *value, const TessShape *tiles)
{
  const TessShape shape = { tiles->n, tiles->h, tiles->w, 1 };

  return value->type == TESS_F32 && tess_shape_equal (&value->shape, &shape);
}

TessValue *
tess_fuse (TessProgram *program, const TessFuse *args)
{
  const TessOpClass *klass = &tess_fuse_class;
  const TessShape *tiles = &args->tiles->shape;
  TessShape shape = { 1, args->height, args->width, tiles->c };
  TessValue *dst = tess_value_new (program, &shape);
  gchar text[5][TESS_SHAPE_CHARS];
  TessOp *op;

  if (tiles->h > args->height || tiles->w > args->width)
    tess_program_fail_shape (
        program, klass, "tiles %s do not lie on %d x %d cells",
        tess_shape_string (tiles, text[0]), args->width, args->height);
  else if (!is_table (args->places, TESS_I32, tiles->n, 4)
           || !is_table (args->weights_x, TESS_F32, tiles->n, tiles->w)
           || !is_table (args->weights_y, TESS_F32, tiles->n, tiles->h)
           || (args->shares != NULL && !are_shares (args->shares, tiles)))
    tess_program_fail_shape (
        program, klass, "places %s, weights %s, %s, %s are not of tiles %s",
        tess_shape_string (&args->places->shape, text[0]),
        tess_shape_string (&args->weights_x->shape, text[1]),
        tess_shape_string (&args->weights_y->shape, text[2]),
        args->shares ? tess_shape_string (&args->shares->shape, text[4]) : "1",
        tess_shape_string (tiles, text[3]));
  else if ((op = tess_op_new (program, klass, dst)) != NULL)
    {
      op->src[TESS_SLOT_SRC] = args->tiles;
      op->src[TESS_SLOT_PLACES] = args->places;
      op->src[TESS_SLOT_WEIGHTS_X] = args->weights_x;
      op->src[TESS_SLOT_WEIGHTS_Y] = args->weights_y;
      op->src[TESS_SLOT_SHARES] = args->shares;
    }
  return dst;
}

/* The row or column of a tile that begins at @place which lies at @at of
 * @length; what is not below the tile's side is none. */
static gint
inside (gint at, gint place, gint length)
{
  return at >= place ? at - place : at - place + length;
}

static void
plain (const TessOp *op, const TessPlainRun *run)
{
  const TessShape *tiles = &op->src[TESS_SLOT_SRC]->shape;
  const TessShape *shape = &op->dst->shape;
  const gfloat *src = run->src[TESS_SLOT_SRC];
  const gint32 *places = run->src[TESS_SLOT_PLACES];
  const gfloat *weights_x = run->src[TESS_SLOT_WEIGHTS_X];
  const gfloat *weights_y = run->src[TESS_SLOT_WEIGHTS_Y];
  const gfloat *shares = run->src[TESS_SLOT_SHARES];

#pragma omp parallel for
  for (gint y = 0; y < shape->h; y++)
    for (gint x = 0; x < shape->w; x++)
      for (gint c = 0; c < shape->c; c++)
        {
          gfloat sum = 0.0f;

          for (gint n = 0; n < tiles->n; n++)
            {
              const gint32 *place = places + 4 * n;
              gint i = inside (x, place[0], shape->w);
              gint j = inside (y, place[1], shape->h);
              gfloat weight;
              gsize cell;

              if (i >= place[2] || j >= place[3])
                continue;
              cell = (gsize) n * tiles->h * tiles->w + j * place[2] + i;
              weight
                  = weights_y[n * tiles->h + j] * weights_x[n * tiles->w + i];
              if (shares != NULL)
                weight *= shares[cell];
              if (weight != 0.0f)
                sum += weight * src[cell * tiles->c + c];
            }
          run->dst[((gsize) y * shape->w + x) * shape->c + c] = sum;
        }
}

const TessOpClass tess_fuse_class = {
  .name = "fuse",
  .size = sizeof (TessOp),
  .plain = plain,
};
