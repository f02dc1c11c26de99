/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/program-private.h: what a program is made of, for the op files and the
 * backends. */
#pragma once

#include "core/program.h"

G_BEGIN_DECLS

#define TESS_MAX_SRC 9
#define TESS_MAX_WEIGHTS 2

typedef struct _TessOp TessOp;
typedef struct _TessOpClass TessOpClass;

struct _TessValue
{
  TessShape shape;
  TessType type;
  gint index;         /* in program->values */
  TessBuffer *buffer; /* NULL: a temporary, or a view */
  TessValue *base;    /* a view's: never a view itself; NULL: no view */
  gsize first;        /* element of base where a view begins */
};

/* What the plain answer computes with: all in f32 whatever the storage
 * (i32 sources as they are), rows contiguous. */
typedef struct
{
  gfloat *dst;
  const void *src[TESS_MAX_SRC];
  const gfloat *weights[TESS_MAX_WEIGHTS];
} TessPlainRun;

struct _TessOpClass
{
  const gchar *name;
  gsize size; /* of the op's own struct, which begins with a TessOp */
  void (*plain) (const TessOp *op, const TessPlainRun *run);
  gboolean turn_weight; /* weight 0 is handed to plain as [kh*kw][ic][oc] */
};

struct _TessOp
{
  const TessOpClass *klass;
  TessValue *dst;
  TessValue *src[TESS_MAX_SRC]; /* slots as the op's file numbers them */
  const TessWeight *weights[TESS_MAX_WEIGHTS];
  gdouble n_flops; /* in program->n_flops; 0: only moves or norms */
};

struct _TessProgram
{
  gint ref_count;
  gchar *name;
  TessType storage;
  GPtrArray *values; /* of TessValue, owned */
  GPtrArray *ops;    /* of TessOp, owned, in order of running */
  gdouble n_flops;
  GError *error; /* the first fault */
};

/* A new temporary of the program's storage; whatever the shape. */
TessValue *tess_value_new (TessProgram *program, const TessShape *shape);
TessValue *tess_value_new_typed (TessProgram *program,
                                 TessType type,
                                 const TessShape *shape);

/* Appends an op of klass->size bytes, zero beyond its class and dst; NULL
 * when the program has a fault already. */
gpointer
tess_op_new (TessProgram *program, const TessOpClass *klass, TessValue *dst);

/* Tells what the op costs, see tess_program_n_flops. */
void tess_op_set_flops (TessProgram *program, TessOp *op, gdouble n_flops);

/* The first fault stays: TESS_ERROR_SHAPE with "program, op: message". */
void tess_program_fail_shape (TessProgram *program,
                              const TessOpClass *klass,
                              const gchar *format,
                              ...) G_GNUC_PRINTF (3, 4);

/* "[1, 64, 64, 320]" into a caller's space; returns it. */
#define TESS_SHAPE_CHARS 64
const gchar *tess_shape_string (const TessShape *shape, gchar *text);

static inline gboolean
tess_shape_equal (const TessShape *a, const TessShape *b)
{
  return a->n == b->n && a->h == b->h && a->w == b->w && a->c == b->c;
}

static inline gboolean
tess_type_is_real (TessType type)
{
  return type == TESS_F32 || type == TESS_BF16 || type == TESS_F16;
}

static inline TessValue *
tess_value_root (TessValue *value)
{
  return value->base != NULL ? value->base : value;
}

G_END_DECLS
