/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/ops/row.h: one row of an op: the numbers that it is fed, drawn in the
 * order of calls, and a backend's answer against the plain one.
 *
 * A row is run on whole numbers, where every order of adding gives the same
 * bits if the op is linear, and on reals, where the normalised squared error
 * is bounded; in each storage that the backend has (numbers are then chosen
 * among those that the storage has). It is run twice for the same bits,
 * looked through for NaN, and run once with one number changed: it must then
 * differ. */
#pragma once

#include "core/backend.h"
#include "core/ops/ops.h"
#include "tests/ops/rows.h"

typedef struct
{
  TessBackend *backend;
  TessProgram *program;
  guint32 state;
  gboolean whole;     /* whole numbers, else reals */
  TessType type;      /* numbers that it has */
  gboolean perturbed; /* the first number made differs */
  GPtrArray *weights;
} TessOpsMaker;

gfloat tess_ops_next (TessOpsMaker *maker);

/* The maker's; of that shape. */
const TessWeight *tess_ops_weight (
    TessOpsMaker *maker, gint n_dims, gint a, gint b, gint c, gint d);

/* An input of the program, [n, h, w, c]; in the backend's storage. */
TessValue *
tess_ops_source (TessOpsMaker *maker, gint n, gint h, gint w, gint c);
TessValue *tess_ops_source_typed (
    TessOpsMaker *maker, TessType type, gint n, gint h, gint w, gint c);

/* Records the op of @row; its answer. */
typedef TessValue *(*TessOpsRecord) (TessOpsMaker *maker, gconstpointer row);

/* On every backend of the test program; @exact: whole numbers must agree to
 * the bit. */
void tess_ops_check_row (TessOpsRecord record,
                         gconstpointer row,
                         gint number,
                         gboolean exact);
