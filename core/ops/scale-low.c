/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/ops/scale-low.c: lowest frequencies scaled: checks, recording, plain
 * answer. */
#include "core/ops/ops-private.h"

#include <math.h>

TessValue *
tess_scale_low (TessProgram *program, TessValue *src, TessValue *scale)
{
  TessValue *dst = tess_value_new (program, &src->shape);
  TessOp *op;

  if (tess_shape_n_elements (&scale->shape) != 1 || scale->type == TESS_I32)
    {
      gchar text[TESS_SHAPE_CHARS];

      tess_program_fail_shape (program, &tess_scale_low_class,
                               "the scale %s is not one number",
                               tess_shape_string (&scale->shape, text));
      return dst;
    }
  op = tess_op_new (program, &tess_scale_low_class, dst);
  if (op == NULL)
    return dst;
  op->src[TESS_SLOT_SRC] = src;
  op->src[TESS_SLOT_FACTOR] = scale;
  return dst;
}

void
tess_scale_low_waves (gint n, gfloat *cosines, gfloat *sines)
{
  for (gint i = 0; i < n; i++)
    {
      gdouble angle = 2.0 * G_PI * i / n;

      cosines[i] = n > 1 ? (gfloat) cos (angle) : 0.0f;
      sines[i] = n > 1 ? (gfloat) sin (angle) : 0.0f;
    }
}

/* One channel of one sample; the terms of an axis of one cell are left out. */
static void
plain_channel (const TessShape *shape,
               const gfloat *src,
               gfloat scale,
               gfloat *dst)
{
  gint h = shape->h, w = shape->w, c = shape->c;
  gdouble sums[7] = { 0.0 }, factor = (scale - 1.0) / ((gdouble) h * w);

  for (gint pass = 0; pass < 2; pass++)
    for (gint y = 0; y < h; y++)
      for (gint x = 0; x < w; x++)
        {
          gsize at = ((gsize) y * w + x) * c;
          gdouble ty = 2.0 * G_PI * y / h, tx = 2.0 * G_PI * x / w;
          gdouble waves[7] = { 1.0,      cos (ty),      sin (ty),     cos (tx),
                               sin (tx), cos (ty + tx), sin (ty + tx) };
          gdouble low = 0.0;

          for (gint i = 0; i < 7; i++)
            {
              if ((i == 1 || i == 2 || i > 4) && h == 1)
                continue;
              if (i > 2 && w == 1)
                continue;
              if (pass == 0)
                sums[i] += src[at] * waves[i];
              low += sums[i] * waves[i];
            }
          if (pass == 1)
            dst[at] = (gfloat) (src[at] + factor * low);
        }
}

static void
plain (const TessOp *op, const TessPlainRun *run)
{
  const TessShape *shape = &op->dst->shape;
  gfloat scale = *(const gfloat *) run->src[TESS_SLOT_FACTOR];

#pragma omp parallel for collapse(2)
  for (gint n = 0; n < shape->n; n++)
    for (gint c = 0; c < shape->c; c++)
      {
        gsize first = (gsize) n * shape->h * shape->w * shape->c + c;

        plain_channel (shape, (const gfloat *) run->src[TESS_SLOT_SRC] + first,
                       scale, run->dst + first);
      }
}

const TessOpClass tess_scale_low_class = {
  .name = "scale-low",
  .size = sizeof (TessOp),
  .plain = plain,
};
