/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/program.c: recording. */
#include "core/program-private.h"
#include "core/backend-private.h"
#include "core/error.h"
#include "core/ops/ops-private.h"

#include <glib/gi18n-lib.h>
#include <stdio.h>

static void
value_free (gpointer data)
{
  TessValue *value = data;

  tess_buffer_unref (value->buffer);
  g_free (value);
}

TessProgram *
tess_program_new (const gchar *name, TessType storage)
{
  TessProgram *program = g_new0 (TessProgram, 1);

  program->ref_count = 1;
  program->name = g_strdup (name);
  program->storage = storage;
  program->values = g_ptr_array_new_with_free_func (value_free);
  program->ops = g_ptr_array_new_with_free_func (g_free);
  return program;
}

TessProgram *
tess_program_ref (TessProgram *program)
{
  g_atomic_int_inc (&program->ref_count);
  return program;
}

void
tess_program_unref (TessProgram *program)
{
  if (program == NULL || !g_atomic_int_dec_and_test (&program->ref_count))
    return;
  g_ptr_array_unref (program->ops);
  g_ptr_array_unref (program->values);
  g_clear_error (&program->error);
  g_free (program->name);
  g_free (program);
}

TessType
tess_program_storage (const TessProgram *program)
{
  return program->storage;
}

const TessShape *
tess_value_shape (const TessValue *value)
{
  return &value->shape;
}

TessType
tess_value_type (const TessValue *value)
{
  return value->type;
}

gdouble
tess_program_n_flops (const TessProgram *program)
{
  return program->n_flops;
}

TessValue *
tess_value_new_typed (TessProgram *program,
                      TessType type,
                      const TessShape *shape)
{
  TessValue *value = g_new0 (TessValue, 1);

  value->shape = *shape;
  value->type = type;
  value->index = (gint) program->values->len;
  g_ptr_array_add (program->values, value);
  return value;
}

TessValue *
tess_value_new (TessProgram *program, const TessShape *shape)
{
  return tess_value_new_typed (program, program->storage, shape);
}

gpointer
tess_op_new (TessProgram *program, const TessOpClass *klass, TessValue *dst)
{
  TessOp *op;

  if (program->error != NULL)
    return NULL;
  op = g_malloc0 (klass->size);
  op->klass = klass;
  op->dst = dst;
  g_ptr_array_add (program->ops, op);
  return op;
}

void
tess_op_set_flops (TessProgram *program, TessOp *op, gdouble n_flops)
{
  op->n_flops = n_flops;
  program->n_flops += n_flops;
}

void
tess_program_fail (TessProgram *program, GError *error)
{
  if (program->error == NULL)
    program->error = error;
  else
    g_clear_error (&error);
}

void
tess_program_fail_shape (TessProgram *program,
                         const TessOpClass *klass,
                         const gchar *format,
                         ...)
{
  g_autofree gchar *message = NULL;
  va_list args;

  if (program->error != NULL)
    return;
  va_start (args, format);
  message = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (&program->error, TESS_ERROR, TESS_ERROR_SHAPE,
               _ ("%s, %s: %s; choose another model or another size."),
               program->name, klass->name, message);
}

const gchar *
tess_shape_string (const TessShape *shape, gchar *text)
{
  snprintf (text, TESS_SHAPE_CHARS, "[%d, %d, %d, %d]", shape->n, shape->h,
            shape->w, shape->c);
  return text;
}

TessValue *
tess_input (TessProgram *program, TessBuffer *buffer)
{
  TessValue *value
      = tess_value_new_typed (program, buffer->type, &buffer->shape);

  value->buffer = tess_buffer_ref (buffer);
  return value;
}

TessValue *
tess_view (TessProgram *program,
           TessValue *value,
           gsize first,
           const TessShape *shape)
{
  static const TessOpClass view_class = { .name = "view" };
  TessValue *view = tess_value_new_typed (program, value->type, shape);
  gsize n = tess_shape_n_elements (&value->shape);
  gsize n_view = tess_shape_n_elements (shape);

  view->base = tess_value_root (value);
  view->first = value->first + first;
  if (first > n || n_view > n - first)
    {
      gchar text[2][TESS_SHAPE_CHARS];

      tess_program_fail_shape (program, &view_class,
                               "%s from element %" G_GSIZE_FORMAT
                               " on does not lie within %s",
                               tess_shape_string (shape, text[0]), first,
                               tess_shape_string (&value->shape, text[1]));
    }
  return view;
}
