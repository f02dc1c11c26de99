/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/ops/activate.c: activation of every element: checks, recording, plain
 * answer. */
#include "core/ops/ops-private.h"

TessValue *
tess_activate (TessProgram *program, TessValue *src, TessActivation act)
{
  TessValue *dst = tess_value_new (program, &src->shape);
  TessActivateOp *op;

  if (act == TESS_ACT_GEGLU)
    {
      tess_program_fail_shape (program, &tess_activate_class,
                               "GEGLU belongs to a linear op");
      return dst;
    }
  op = tess_op_new (program, &tess_activate_class, dst);
  if (op == NULL)
    return dst;
  op->op.src[TESS_SLOT_SRC] = src;
  op->act = act;
  return dst;
}

static void
plain (const TessOp *base, const TessPlainRun *run)
{
  const TessActivateOp *op = (const TessActivateOp *) base;
  const gfloat *src = run->src[TESS_SLOT_SRC];
  gsize n = tess_shape_n_elements (&base->dst->shape);

#pragma omp parallel for
  for (gsize i = 0; i < n; i++)
    run->dst[i] = tess_plain_activate (op->act, src[i]);
}

const TessOpClass tess_activate_class = {
  .name = "activate",
  .size = sizeof (TessActivateOp),
  .plain = plain,
};
