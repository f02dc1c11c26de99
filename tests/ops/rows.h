/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/ops/rows.h: the rows of ops that every backend is tested with. */
#pragma once

#include "core/backend.h"
#include "tests/harness.h"

typedef struct _TessOpsBackend TessOpsBackend;
struct _TessOpsBackend
{
  const gchar *name;
  TessBackend *(*open) (const TessOpsBackend *entry, GError **error);
  TessType storage;
  gdouble bound; /* largest squared error over squared answer */
  gint choice;   /* its own */
};

/* Told by the test program; ends with name NULL. */
const TessOpsBackend *tess_ops_backends (void);

/* Told by the test program: called after each row. */
void tess_ops_check (void);

void tess_ops_add_rows (Suite *suite);

/* Only @rows of the case @name; they end with -1. */
TCase *tess_ops_add_some (Suite *suite, const gchar *name, const gint *rows);

/* One convolution: [2, 5, 5, 64] -> 96 channels, and where its answer is
 * stored. */
TessProgram *tess_ops_program (TessBackend *backend,
                               GPtrArray *weights,
                               TessBuffer **dst, /* may be NULL */
                               GError **error);
