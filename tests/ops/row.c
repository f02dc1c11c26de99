/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/ops/row.c: makes a row's numbers, and compares what comes of them. */
#include "tests/ops/row.h"
#include "core/memory.h"

#include <math.h>

static void
round_to (TessType type, gfloat *numbers, gsize n)
{
  g_autofree guint16 *half = g_new (guint16, n);

  if (type == TESS_BF16)
    {
      tess_f32_to_bf16 (numbers, half, n);
      tess_bf16_to_f32 (half, numbers, n);
    }
  else if (type == TESS_F16)
    {
      tess_f32_to_f16 (numbers, half, n);
      tess_f16_to_f32 (half, numbers, n);
    }
}

gfloat
tess_ops_next (TessOpsMaker *maker)
{
  gfloat number;

  maker->state = maker->state * 1664525u + 1013904223u;
  number = maker->whole ? (gfloat) (gint) ((maker->state >> 16) % 5) - 2.0f
                        : (maker->state >> 8) / 8388608.0f - 1.0f;
  round_to (maker->type, &number, 1);
  if (maker->perturbed)
    number += 1.0f;
  maker->perturbed = FALSE;
  return number;
}

const TessWeight *
tess_ops_weight (
    TessOpsMaker *maker, gint n_dims, gint a, gint b, gint c, gint d)
{
  g_autoptr (TessTensor) tensor
      = tess_tensor_new (TESS_F32, n_dims, (gint64[]) { a, b, c, d }, NULL);
  gsize n = tess_tensor_n_elements (tensor);
  gfloat scale = maker->whole ? 1.0f : 1.0f / sqrtf ((gfloat) n / a);

  if (maker->type != TESS_F32)
    scale = 1.0f;
  for (gsize i = 0; i < n; i++)
    tess_tensor_f32 (tensor)[i] = tess_ops_next (maker) * scale;
  g_ptr_array_add (maker->weights, tess_weight_new ("row", tensor));
  return maker->weights->pdata[maker->weights->len - 1];
}

TessValue *
tess_ops_source_typed (
    TessOpsMaker *maker, TessType type, gint n, gint h, gint w, gint c)
{
  TessShape shape = { n, h, w, c };
  g_autoptr (TessBuffer) buffer
      = tess_buffer_new (maker->backend, type, &shape, NULL);
  gsize size = tess_shape_n_elements (&shape);
  g_autofree gfloat *numbers = g_new (gfloat, size);

  for (gsize i = 0; i < size; i++)
    numbers[i] = tess_ops_next (maker);
  tess_buffer_write (buffer, 0, n, numbers);
  return tess_input (maker->program, buffer);
}

TessValue *
tess_ops_source (TessOpsMaker *maker, gint n, gint h, gint w, gint c)
{
  return tess_ops_source_typed (maker, tess_backend_storage (maker->backend), n,
                                h, w, c);
}

/* The op's answer, the same each time it is run; (transfer full). */
static gfloat *
answer (TessBackend *backend,
        TessOpsRecord record,
        gconstpointer row,
        gboolean whole,
        TessType type,
        gboolean perturbed,
        gsize *n)
{
  TessOpsMaker maker = {
    .backend = backend,
    .program = tess_program_new ("row", tess_backend_storage (backend)),
    .state = 7,
    .whole = whole,
    .type = type,
    .perturbed = perturbed,
    .weights
    = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_weight_free),
  };
  TessValue *value = record (&maker, row);
  const TessShape *shape = tess_value_shape (value);
  g_autoptr (TessBuffer) buffer
      = tess_buffer_new (backend, TESS_F32, shape, NULL);
  g_autoptr (TessExec) exec = NULL;
  GError *error = NULL;
  gfloat *first, *second;

  *n = tess_shape_n_elements (shape);
  first = g_new (gfloat, *n);
  second = g_new (gfloat, *n);
  tess_store (maker.program, value, buffer);
  exec = tess_backend_compile (backend, maker.program, &error);
  ck_no_error (error);
  ck_assert (tess_exec_run (exec, NULL, NULL));
  tess_buffer_read (buffer, 0, shape->n, first);
  ck_assert (tess_exec_run (exec, NULL, NULL));
  tess_buffer_read (buffer, 0, shape->n, second);
  ck_assert_mem_eq (first, second, *n * sizeof *first);
  g_free (second);
  g_clear_pointer (&exec, tess_exec_free);
  tess_program_unref (maker.program);
  tess_backend_trim (backend);
  g_ptr_array_unref (maker.weights);
  return first;
}

static gdouble
squared_error (const gfloat *a, const gfloat *b, gsize n)
{
  gdouble error = 0.0, norm = 1e-30;

  for (gsize i = 0; i < n; i++)
    {
      if (!isfinite (a[i]))
        return INFINITY;
      error += ((gdouble) a[i] - b[i]) * ((gdouble) a[i] - b[i]);
      norm += (gdouble) b[i] * b[i];
    }
  return error / norm;
}

/* The plain answer depends on the type alone and is slow under the
 * sanitizers: once for each type. */
void
tess_ops_check_row (TessOpsRecord record,
                    gconstpointer row,
                    gint number,
                    gboolean exact)
{
  g_autoptr (TessBackend) plain = tess_backend_plain_new ();
  gfloat *expected[TESS_N_TYPES][2] = { { NULL } };

  for (const TessOpsBackend *entry = tess_ops_backends (); entry->name != NULL;
       entry++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (TessBackend) backend = entry->open (entry, &error);
      TessType type = entry->storage;

      ck_no_error (error);
      for (gint whole = 0; whole < 2; whole++)
        {
          gdouble difference, changed;
          gsize n;
          gfloat *b = expected[type][whole];
          g_autofree gfloat *a
              = answer (backend, record, row, whole, type, FALSE, &n);
          g_autofree gfloat *c
              = answer (backend, record, row, whole, type, TRUE, &n);

          if (b == NULL)
            {
              b = answer (plain, record, row, whole, type, FALSE, &n);
              if (whole && exact)
                round_to (type, b, n);
              expected[type][whole] = b;
            }
          difference = squared_error (a, b, n);
          changed = squared_error (c, b, n);
          ck_assert_msg (whole && exact ? difference == 0.0
                                        : difference <= entry->bound,
                         "row %d, %s, %s numbers: error %g", number,
                         entry->name, whole ? "whole" : "real", difference);
          ck_assert_msg (changed > (whole && exact ? 0.0 : difference),
                         "row %d, %s: one number changed is not seen", number,
                         entry->name);
        }
    }
  for (gint type = 0; type < TESS_N_TYPES; type++)
    for (gint whole = 0; whole < 2; whole++)
      g_free (expected[type][whole]);
  tess_ops_check ();
}
