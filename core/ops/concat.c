/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/ops/concat.c: channels of two values joined: checks, recording, plain
 * answer. */
#include "core/ops/ops-private.h"

#include <string.h>

TessValue *
tess_concat (TessProgram *program, TessValue *a, TessValue *b)
{
  TessShape shape = a->shape;
  TessValue *dst;
  TessOp *op;

  shape.c += b->shape.c;
  dst = tess_value_new (program, &shape);
  if (a->shape.n != b->shape.n || a->shape.h != b->shape.h
      || a->shape.w != b->shape.w)
    {
      gchar text[2][TESS_SHAPE_CHARS];

      tess_program_fail_shape (program, &tess_concat_class,
                               "%s and %s are not the same cells",
                               tess_shape_string (&a->shape, text[0]),
                               tess_shape_string (&b->shape, text[1]));
      return dst;
    }
  op = tess_op_new (program, &tess_concat_class, dst);
  if (op == NULL)
    return dst;
  op->src[TESS_SLOT_SRC] = a;
  op->src[TESS_SLOT_B] = b;
  return dst;
}

static void
plain (const TessOp *op, const TessPlainRun *run)
{
  const gfloat *a = run->src[TESS_SLOT_SRC], *b = run->src[TESS_SLOT_B];
  gsize n_a = op->src[TESS_SLOT_SRC]->shape.c;
  gsize n_b = op->src[TESS_SLOT_B]->shape.c;
  gsize n_rows = tess_shape_n_elements (&op->dst->shape) / (n_a + n_b);

#pragma omp parallel for
  for (gsize row = 0; row < n_rows; row++)
    {
      gfloat *dst = run->dst + row * (n_a + n_b);

      memcpy (dst, a + row * n_a, n_a * sizeof *dst);
      memcpy (dst + n_a, b + row * n_b, n_b * sizeof *dst);
    }
}

const TessOpClass tess_concat_class = {
  .name = "concat",
  .size = sizeof (TessOp),
  .plain = plain,
};
