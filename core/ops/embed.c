/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/ops/embed.c: rows of a table, and a whole weight, as values: checks,
 * recording, plain answers. */
#include "core/ops/ops-private.h"

#include <string.h>

/* Rows and columns of a weight seen as a table; FALSE for none. */
static gboolean
table_size (const TessWeight *table, gint *n_rows, gint *c)
{
  gint64 rows;

  if (table == NULL || tess_weight_n_elements (table) == 0)
    return FALSE;
  rows = table->tensor->n_dims > 1 ? table->tensor->dims[0] : 1;
  *n_rows = (gint) rows;
  *c = (gint) (tess_weight_n_elements (table) / rows);
  return TRUE;
}

TessValue *
tess_embed (TessProgram *program, const TessWeight *table, TessValue *ids)
{
  gint n_rows = 1, c = 1;
  gboolean ok = table_size (table, &n_rows, &c);
  TessShape shape = { 1, 1, (gint) tess_shape_n_elements (&ids->shape), c };
  TessValue *dst = tess_value_new (program, &shape);
  TessOp *op;

  if (!ok || ids->type != TESS_I32)
    {
      tess_program_fail_shape (program, &tess_embed_class,
                               "it needs a table and whole numbers");
      return dst;
    }
  op = tess_op_new (program, &tess_embed_class, dst);
  if (op == NULL)
    return dst;
  op->src[TESS_SLOT_SRC] = ids;
  op->weights[TESS_SLOT_WEIGHT] = table;
  return dst;
}

/* A number outside the table reads its nearest row. */
static void
plain_embed (const TessOp *op, const TessPlainRun *run)
{
  const gint32 *ids = run->src[TESS_SLOT_SRC];
  gint n_rows = 1, c = 1;

  table_size (op->weights[TESS_SLOT_WEIGHT], &n_rows, &c);
  for (gint i = 0; i < op->dst->shape.w; i++)
    memcpy (run->dst + (gsize) i * c,
            run->weights[TESS_SLOT_WEIGHT]
                + (gsize) CLAMP (ids[i], 0, n_rows - 1) * c,
            c * sizeof (gfloat));
}

TessValue *
tess_constant (TessProgram *program, const TessWeight *weight)
{
  gint n_rows = 1, c = 1;
  gboolean ok = table_size (weight, &n_rows, &c);
  TessShape shape = { 1, 1, n_rows, c };
  TessValue *dst = tess_value_new (program, &shape);
  TessOp *op;

  if (!ok)
    {
      tess_program_fail_shape (program, &tess_constant_class,
                               "the weight is missing");
      return dst;
    }
  op = tess_op_new (program, &tess_constant_class, dst);
  if (op != NULL)
    op->weights[TESS_SLOT_WEIGHT] = weight;
  return dst;
}

static void
plain_constant (const TessOp *op, const TessPlainRun *run)
{
  memcpy (run->dst, run->weights[TESS_SLOT_WEIGHT],
          tess_shape_n_elements (&op->dst->shape) * sizeof (gfloat));
}

const TessOpClass tess_embed_class = {
  .name = "embed",
  .size = sizeof (TessOp),
  .plain = plain_embed,
};

const TessOpClass tess_constant_class = {
  .name = "constant",
  .size = sizeof (TessOp),
  .plain = plain_constant,
};
