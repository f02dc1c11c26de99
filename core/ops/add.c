/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/ops/add.c: sum of two values: checks, recording, plain answer. */
#include "core/ops/ops-private.h"

/* b repeats along a's leading sizes: [1, h, w, c], [1, 1, w, c] or [1, 1, 1,
 * c]. */
static gboolean
fits (const TessShape *a, const TessShape *b)
{
  gsize n = tess_shape_n_elements (b);

  if (b->c != a->c)
    return FALSE;
  return n == (gsize) a->c
         || (b->h == a->h && b->w == a->w && (b->n == a->n || b->n == 1))
         || (b->n == 1 && b->h == 1 && b->w == a->w);
}

TessValue *
tess_add (TessProgram *program, TessValue *a, TessValue *b)
{
  TessValue *dst = tess_value_new (program, &a->shape);
  TessOp *op;

  if (!fits (&a->shape, &b->shape))
    {
      gchar text[2][TESS_SHAPE_CHARS];

      tess_program_fail_shape (program, &tess_add_class,
                               "%s cannot be added to %s",
                               tess_shape_string (&b->shape, text[0]),
                               tess_shape_string (&a->shape, text[1]));
      return dst;
    }
  op = tess_op_new (program, &tess_add_class, dst);
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
  gsize n = tess_shape_n_elements (&op->dst->shape);
  gsize n_b = tess_shape_n_elements (&op->src[TESS_SLOT_B]->shape);

#pragma omp parallel for
  for (gsize first = 0; first < n; first += n_b)
    for (gsize i = 0; i < n_b; i++)
      run->dst[first + i] = a[first + i] + b[i];
}

const TessOpClass tess_add_class = {
  .name = "add",
  .size = sizeof (TessOp),
  .plain = plain,
};
