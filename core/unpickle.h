/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/unpickle.h: Python's pickle, read as data.
 *
 * A pickle is a program for a small stack machine that may call any function
 * of Python. This machine builds plain values and never calls: calls of a few
 * known names are kept as they are written, for the reader of PyTorch's
 * tensors to look at; anything else ends the reading.
 * Source: the opcodes of Python's pickletools, protocols 2 to 5. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  TESS_PY_NONE,
  TESS_PY_BOOL,       /* number */
  TESS_PY_INT,        /* number */
  TESS_PY_FLOAT,      /* real */
  TESS_PY_STRING,     /* text, length */
  TESS_PY_BYTES,      /* text, length */
  TESS_PY_TUPLE,      /* items */
  TESS_PY_LIST,       /* items */
  TESS_PY_DICT,       /* items: key, value, key, value ... */
  TESS_PY_GLOBAL,     /* text, length: "module name" */
  TESS_PY_PERSISTENT, /* items: what stands for it */
  TESS_PY_CALL,       /* text, length: of what; items: arguments */
  TESS_PY_OPAQUE,     /* something harmless that nobody asks for */
} TessPyKind;

typedef struct
{
  TessPyKind kind;
  gsize length;
  union
  {
    gint64 number;
    gdouble real;
    const gchar *text; /* in the pickle, not terminated */
  };
  GPtrArray *items; /* of TessPyValue; a value may be in several */
} TessPyValue;

typedef struct
{
  TessPyValue *root;
  GPtrArray *values; /* all */
  GPtrArray *texts;  /* names that are not in the pickle as such */
} TessPickle;

/**
 * tess_unpickle:
 * @bytes must outlive the result. @path is named in errors.
 * Errors: TESS_ERROR_MODEL: damaged, too large, or with code in it.
 */
TessPickle *tess_unpickle (GBytes *bytes, const gchar *path, GError **error);
void tess_pickle_free (TessPickle *pickle); /* may be NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessPickle, tess_pickle_free)

/* Is it this text (of a string, a global, or what a call calls)? */
gboolean tess_py_is (const TessPyValue *value, const gchar *text);

/* The value of a text key of a dict, NULL where there is none. */
const TessPyValue *tess_py_get (const TessPyValue *dict, const gchar *key);

G_END_DECLS
