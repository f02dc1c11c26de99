/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/ops/store.c: value -> buffer: checks, recording, plain answer. The
 * conversion is the one that every plain answer gets. */
#include "core/backend-private.h"
#include "core/ops/ops-private.h"

#include <string.h>

void
tess_store (TessProgram *program, TessValue *value, TessBuffer *buffer)
{
  TessValue *dst = tess_input (program, buffer);
  TessOp *op;

  if (tess_shape_n_elements (&value->shape)
          != tess_shape_n_elements (&buffer->shape)
      || !tess_type_is_real (value->type) || !tess_type_is_real (buffer->type))
    {
      gchar text[2][TESS_SHAPE_CHARS];

      tess_program_fail_shape (program, &tess_store_class,
                               "%s does not fit a buffer of %s",
                               tess_shape_string (&value->shape, text[0]),
                               tess_shape_string (&buffer->shape, text[1]));
      return;
    }
  op = tess_op_new (program, &tess_store_class, dst);
  if (op != NULL)
    op->src[TESS_SLOT_SRC] = value;
}

static void
plain (const TessOp *op, const TessPlainRun *run)
{
  memcpy (run->dst, run->src[TESS_SLOT_SRC],
          tess_shape_n_elements (&op->dst->shape) * sizeof (gfloat));
}

const TessOpClass tess_store_class = {
  .name = "store",
  .size = sizeof (TessOp),
  .plain = plain,
};
