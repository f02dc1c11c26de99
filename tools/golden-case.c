/* SPDX-License-Identifier: GPL-3.0-or-later
 * tools/golden-case.c: reading a case, comparing with it. */
#include "tools/golden-case.h"

#include "core/error.h"
#include "core/model-synthetic.h"

#include <math.h>
#include <string.h>

static JsonObject *
input_object (const GoldenCase *c, const gchar *name)
{
  return golden_has_input (c, name)
             ? json_object_get_object_member (c->inputs, name)
             : NULL;
}

TessBackend *
golden_card (const GoldenCase *c)
{
  const Golden *golden = c->set->golden;

  return golden->is_card ? golden->backend : NULL;
}

gboolean
golden_has_input (const GoldenCase *c, const gchar *name)
{
  return json_object_has_member (c->inputs, name);
}

gboolean
golden_has_output (const GoldenCase *c, const gchar *name)
{
  return json_object_has_member (c->outputs, name);
}

JsonNode *
golden_setting (const GoldenCase *c, const gchar *name)
{
  JsonObject *input = input_object (c, name);

  return input != NULL ? json_object_get_member (input, "value") : NULL;
}

gdouble
golden_number (const GoldenCase *c, const gchar *name, gdouble fallback)
{
  JsonNode *node = golden_setting (c, name);

  return node != NULL && JSON_NODE_HOLDS_VALUE (node)
             ? json_node_get_double (node)
             : fallback;
}

const gchar *
golden_text (const GoldenCase *c, const gchar *name)
{
  JsonNode *node = golden_setting (c, name);

  return node != NULL && JSON_NODE_HOLDS_VALUE (node)
             ? json_node_get_string (node)
             : NULL;
}

gsize
golden_shape (JsonObject *object,
              const gchar *member,
              gint *n_dims,
              gint64 *dims)
{
  JsonArray *shape = json_object_get_array_member (object, member);
  gsize n = 1;

  *n_dims = MIN ((gint) json_array_get_length (shape), TESS_MAX_DIMS);
  for (gint i = 0; i < *n_dims; i++)
    {
      dims[i] = json_array_get_int_element (shape, i);
      n *= (gsize) dims[i];
    }
  return n;
}

/* Only the listed rows of dimension 1 hold generated numbers. */
static void
keep_rows (JsonObject *input, TessTensor *tensor)
{
  JsonArray *rows;
  gsize n = 1;

  if (!json_object_has_member (input, "rows") || tensor->n_dims < 2)
    return;
  rows = json_object_get_array_member (input, "rows");
  for (gint d = 2; d < tensor->n_dims; d++)
    n *= (gsize) tensor->dims[d];
  for (gint64 row = 0; row < tensor->dims[0] * tensor->dims[1]; row++)
    {
      gboolean kept = FALSE;

      for (guint i = 0; i < json_array_get_length (rows); i++)
        kept |= json_array_get_int_element (rows, i) == row % tensor->dims[1];
      if (!kept)
        memset (tess_tensor_f32 (tensor) + row * n, 0, n * sizeof (gfloat));
    }
}

TessTensor *
golden_input (const GoldenCase *c, const gchar *name, GError **error)
{
  static const struct
  {
    const gchar *name;
    gdouble offset, amplitude;
  } kinds[] = {
    { "unit", 0.0, 1.7320508075688772 },
    { "pm1", 0.0, 1.0 },
    { "u01", 0.5, 0.5 },
  };
  JsonObject *input = input_object (c, name);
  const gchar *kind;
  gint64 dims[TESS_MAX_DIMS];
  gint n_dims;
  gsize n;
  TessTensor *tensor;

  if (input == NULL)
    {
      g_set_error (error, TESS_ERROR, TESS_ERROR_UNSUPPORTED,
                   "the case has no %s", name);
      return NULL;
    }
  kind = json_object_get_string_member (input, "kind");
  n = golden_shape (input, "shape", &n_dims, dims);
  tensor = tess_tensor_new (TESS_F32, n_dims, dims, error);
  if (tensor == NULL)
    return NULL;
  for (gint i = 0; i < 3; i++)
    if (g_strcmp0 (kind, kinds[i].name) == 0)
      {
        tess_formula_values (json_object_get_string_member (input, "hashed"),
                             kinds[i].offset, kinds[i].amplitude, 0, n,
                             tess_tensor_f32 (tensor));
        keep_rows (input, tensor);
        return tensor;
      }
  if (g_strcmp0 (kind, "stored") == 0)
    {
      const TessTensor *stored = tess_tensor_file_get (
          c->set->file, json_object_get_string_member (input, "tensor"));

      if (stored != NULL && tess_tensor_n_elements (stored) == n)
        {
          tess_tensor_read_f32 (stored, 0, n, tess_tensor_f32 (tensor));
          return tensor;
        }
    }
  g_set_error (error, TESS_ERROR, TESS_ERROR_UNSUPPORTED,
               "the input %s is of kind %s", name, kind);
  tess_tensor_unref (tensor);
  return NULL;
}

gchar *
golden_title (const GoldenCase *c, const gchar *part)
{
  return g_strdup_printf ("%s %s %s", c->set->label, c->name, part);
}

/* Where element @i of what is stored lies in the whole; FALSE: beyond it. */
static gboolean
place (gsize i,
       gint n_dims,
       const gint64 *dims,
       const gint64 *whole,
       const gint64 *start,
       const gint64 *step,
       gsize *at)
{
  gint64 index[TESS_MAX_DIMS];

  for (gint d = n_dims - 1; d >= 0; d--)
    {
      index[d] = start[d] + (gint64) (i % dims[d]) * step[d];
      i /= (gsize) dims[d];
    }
  *at = 0;
  for (gint d = 0; d < n_dims; d++)
    {
      if (index[d] >= whole[d])
        return FALSE;
      *at = *at * (gsize) whole[d] + (gsize) index[d];
    }
  return TRUE;
}

static void
compare (const GoldenCase *c,
         const gchar *name,
         const gfloat *x,
         gint n_whole,
         const gint64 *whole)
{
  JsonObject *output = json_object_get_object_member (c->outputs, name);
  g_autofree gchar *full = golden_title (c, name);
  gint64 dims[TESS_MAX_DIMS], start[TESS_MAX_DIMS], step[TESS_MAX_DIMS];
  gint n_dims, n_steps;
  gsize n = golden_shape (output, "shape", &n_dims, dims), n_stored = 0;
  g_autofree gfloat *expected = golden_read (
      c->set->file, json_object_get_string_member (output, "tensor"),
      &n_stored);
  g_autofree gfloat *values = NULL;
  gdouble tolerance = json_object_get_double_member (output, "tolerance");

  g_hash_table_add (c->set->seen, (gpointer) name);
  if (n != n_stored || n_dims != n_whole)
    {
      golden_skip (c->set->golden, full, "stored in a form not known here");
      return;
    }
  for (gint d = 0; d < n_dims; d++)
    start[d] = 0, step[d] = 1;
  if (json_object_has_member (output, "step"))
    {
      golden_shape (output, "start", &n_steps, start);
      golden_shape (output, "step", &n_steps, step);
    }
  values = g_new (gfloat, n);
  for (gsize i = 0; i < n; i++)
    {
      gsize at;

      if (!place (i, n_dims, dims, whole, start, step, &at))
        {
          golden_skip (c->set->golden, full, "sizes differ");
          return;
        }
      values[i] = x[at];
    }
  if (json_object_has_member (output, "relative_tolerance"))
    golden_result (
        c->set->golden, full, golden_elementwise (values, expected, n),
        json_object_get_double_member (output, "relative_tolerance"));
  else if (golden_is_half (c->set->golden)
           && golden_setting (c, "denoiser") == NULL)
    golden_result (c->set->golden, full, golden_relative (values, expected, n),
                   golden_sampler (c->set->golden));
  else
    golden_result (c->set->golden, full, golden_absolute (values, expected, n),
                   tolerance);
}

void
golden_compare (const GoldenCase *c, const gchar *name, const TessTensor *x)
{
  compare (c, name, x->data, x->n_dims, x->dims);
}

void
golden_compare_numbers (const GoldenCase *c, const gchar *name, const gfloat *x)
{
  JsonObject *output = json_object_get_object_member (c->outputs, name);
  gint64 dims[TESS_MAX_DIMS];
  gint n_dims;

  golden_shape (output,
                json_object_has_member (output, "full_shape") ? "full_shape"
                                                              : "shape",
                &n_dims, dims);
  compare (c, name, x, n_dims, dims);
}

void
golden_case_fail (const GoldenCase *c, const gchar *part, GError *error)
{
  g_autofree gchar *full = golden_title (c, part);

  if (!g_error_matches (error, TESS_ERROR, TESS_ERROR_UNSUPPORTED))
    {
      golden_fail (c->set->golden, full, error);
      return;
    }
  golden_skip (c->set->golden, full, error->message);
  g_error_free (error);
}
