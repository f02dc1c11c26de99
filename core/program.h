/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/program.h: what a network does, as data.
 *
 * Model code calls the ops of core/ops; each appends one entry to a program.
 * A program is recorded once per shape and run for every step and tile: a
 * backend plans memory from it (a value's bytes are free again after its last
 * reader), compiles it and replays it. Ops are pure: a new value each, no
 * hidden state.
 *
 * A value has four sizes [n, h, w, c] and is stored channels last on every
 * backend, so a map of h x w cells and h*w tokens of c channels are the same
 * bytes. Storage is the program's type (f32, bf16, f16) unless stated; sums
 * are kept in f32.
 *
 * Errors stick: after the first fault ops return values of the right shape
 * that nobody runs, and the fault comes out of tess_backend_compile. Model
 * code thus has no checks of its own. */
#pragma once

#include "core/weight.h"

G_BEGIN_DECLS

typedef struct _TessProgram TessProgram;
typedef struct _TessValue TessValue;
typedef struct _TessBuffer TessBuffer; /* core/backend.h */

typedef struct
{
  gint n, h, w, c;
} TessShape;

static inline gsize
tess_shape_n_elements (const TessShape *s)
{
  return (gsize) s->n * s->h * s->w * s->c;
}

/* @name is for logs and errors. @storage: what temporaries are kept in; take
 * tess_backend_storage(), or f32, which every backend runs. */
TessProgram *tess_program_new (const gchar *name, TessType storage);
TessProgram *tess_program_ref (TessProgram *program);
void tess_program_unref (TessProgram *program); /* may be NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessProgram, tess_program_unref)

TessType tess_program_storage (const TessProgram *program);
const TessShape *tess_value_shape (const TessValue *value);
TessType tess_value_type (const TessValue *value);

/* The floating-point operations of one run (a multiply-add is two), of
 * convolutions, products and attention alone. */
gdouble tess_program_n_flops (const TessProgram *program);

/* A buffer as a value: read by ops, or written by tess_store. The program
 * holds a reference. */
TessValue *tess_input (TessProgram *program, TessBuffer *buffer);

/* The value's elements from @first on, seen with another shape: no copy. For
 * maps as tokens and back, and for parts of a long row. */
TessValue *tess_view (TessProgram *program,
                      TessValue *value,
                      gsize first,
                      const TessShape *shape);

/* Value -> buffer (converted to the buffer's type). Same number of elements. */
void tess_store (TessProgram *program, TessValue *value, TessBuffer *buffer);

/* Faults of the model code's own caller (a size that does not fit). */
void tess_program_fail (TessProgram *program, GError *error); /* takes error */

G_END_DECLS
