/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/tensor.c: numbers in host memory. */
#include "core/tensor.h"
#include "core/error.h"
#include "core/simd.h"

#include <glib/gi18n-lib.h>
#include <string.h>

static const struct
{
  const gchar *name;
  gsize size;
} types[TESS_N_TYPES] = {
  [TESS_F32] = { "f32", 4 },   [TESS_F16] = { "f16", 2 },
  [TESS_BF16] = { "bf16", 2 }, [TESS_F64] = { "f64", 8 },
  [TESS_I32] = { "i32", 4 },   [TESS_I64] = { "i64", 8 },
  [TESS_U8] = { "u8", 1 },
};

gsize
tess_type_size (TessType type)
{
  g_return_val_if_fail (type < TESS_N_TYPES, 0);
  return types[type].size;
}

const gchar *
tess_type_name (TessType type)
{
  g_return_val_if_fail (type < TESS_N_TYPES, NULL);
  return types[type].name;
}

gboolean
tess_count_bytes (TessType type,
                  gint n_dims,
                  const gint64 *dims,
                  gsize *n_bytes)
{
  gsize n = tess_type_size (type);

  for (gint i = 0; i < n_dims; i++)
    if (dims[i] < 0 || !g_size_checked_mul (&n, n, (gsize) dims[i]))
      return FALSE;
  *n_bytes = n;
  return TRUE;
}

TessTensor *
tess_tensor_new_wrapped (TessType type,
                         gint n_dims,
                         const gint64 *dims,
                         gconstpointer data,
                         gpointer owner,
                         GDestroyNotify release)
{
  TessTensor *tensor;
  gsize n_bytes = 0;

  g_return_val_if_fail (n_dims >= 0 && n_dims <= TESS_MAX_DIMS, NULL);
  g_return_val_if_fail (tess_count_bytes (type, n_dims, dims, &n_bytes), NULL);

  tensor = g_new0 (TessTensor, 1);
  tensor->ref_count = 1;
  tensor->type = type;
  tensor->n_dims = n_dims;
  if (n_dims > 0)
    memcpy (tensor->dims, dims, n_dims * sizeof *dims);
  tensor->data = (gpointer) data;
  tensor->n_bytes = n_bytes;
  tensor->owner = owner;
  tensor->release = release;
  return tensor;
}

TessTensor *
tess_tensor_new (TessType type, gint n_dims, const gint64 *dims, GError **error)
{
  gsize n_bytes = 0;
  gpointer data = NULL;

  g_return_val_if_fail (n_dims >= 0 && n_dims <= TESS_MAX_DIMS, NULL);

  if (tess_count_bytes (type, n_dims, dims, &n_bytes))
    data = g_try_malloc0 (MAX (n_bytes, 1));
  if (data == NULL)
    {
      g_set_error (
          error, TESS_ERROR, TESS_ERROR_MEMORY,
          _ ("No memory for %.1f MiB; choose a smaller canvas or tile."),
          n_bytes / 1048576.0);
      return NULL;
    }
  return tess_tensor_new_wrapped (type, n_dims, dims, data, data, g_free);
}

TessTensor *
tess_tensor_new_nchw (gint64 n, gint64 c, gint64 h, gint64 w, GError **error)
{
  return tess_tensor_new (TESS_F32, 4, (gint64[]) { n, c, h, w }, error);
}

TessTensor *
tess_tensor_ref (TessTensor *tensor)
{
  g_atomic_int_inc (&tensor->ref_count);
  return tensor;
}

void
tess_tensor_unref (TessTensor *tensor)
{
  if (tensor == NULL || !g_atomic_int_dec_and_test (&tensor->ref_count))
    return;
  if (tensor->release != NULL)
    tensor->release (tensor->owner);
  g_free (tensor);
}

static void
release_whole (gpointer owner)
{
  tess_tensor_unref (owner);
}

TessTensor *
tess_tensor_view (TessTensor *whole,
                  gsize offset,
                  gint n_dims,
                  const gint64 *dims)
{
  TessTensor *view = tess_tensor_new_wrapped (
      whole->type, n_dims, dims, (const guint8 *) whole->data + offset,
      tess_tensor_ref (whole), release_whole);

  g_assert (offset <= whole->n_bytes
            && view->n_bytes <= whole->n_bytes - offset);
  view->mapped = whole->mapped;
  return view;
}

gsize
tess_tensor_n_elements (const TessTensor *tensor)
{
  return tensor->n_bytes / tess_type_size (tensor->type);
}

gboolean
tess_tensor_same_shape (const TessTensor *a, const TessTensor *b)
{
  return a->n_dims == b->n_dims
         && memcmp (a->dims, b->dims, a->n_dims * sizeof *a->dims) == 0;
}

gchar *
tess_tensor_shape_string (const TessTensor *tensor)
{
  GString *text = g_string_new ("[");

  for (gint i = 0; i < tensor->n_dims; i++)
    g_string_append_printf (text, "%s%" G_GINT64_FORMAT, i > 0 ? ", " : "",
                            tensor->dims[i]);
  return g_string_free (g_string_append_c (text, ']'), FALSE);
}

TESS_SIMD void
tess_f16_to_f32 (const guint16 *src, gfloat *dst, gsize n)
{
  for (gsize i = 0; i < n; i++)
    {
      _Float16 half;

      memcpy (&half, src + i, sizeof half);
      dst[i] = half;
    }
}

TESS_SIMD void
tess_f32_to_f16 (const gfloat *src, guint16 *dst, gsize n)
{
  for (gsize i = 0; i < n; i++)
    {
      _Float16 half = (_Float16) src[i];

      memcpy (dst + i, &half, sizeof half);
    }
}

TESS_SIMD void
tess_bf16_to_f32 (const guint16 *src, gfloat *dst, gsize n)
{
  for (gsize i = 0; i < n; i++)
    {
      guint32 bits = (guint32) src[i] << 16;

      memcpy (dst + i, &bits, sizeof bits);
    }
}

TESS_SIMD void
tess_f32_to_bf16 (const gfloat *src, guint16 *dst, gsize n)
{
  for (gsize i = 0; i < n; i++)
    {
      guint32 bits;

      memcpy (&bits, src + i, sizeof bits);
      if ((bits & 0x7fffffff) > 0x7f800000)
        dst[i] = (guint16) ((bits >> 16) | 0x40); /* stays a NaN */
      else
        dst[i] = (guint16) ((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
    }
}

static void
read_aligned (TessType type, const guint8 *src, gsize n, gfloat *dst)
{
  switch (type)
    {
    case TESS_F32:
      memcpy (dst, src, n * sizeof *dst);
      break;
    case TESS_F16:
      tess_f16_to_f32 ((const guint16 *) src, dst, n);
      break;
    case TESS_BF16:
      tess_bf16_to_f32 ((const guint16 *) src, dst, n);
      break;
    case TESS_F64:
      for (gsize i = 0; i < n; i++)
        dst[i] = (gfloat) ((const gdouble *) src)[i];
      break;
    case TESS_I32:
      for (gsize i = 0; i < n; i++)
        dst[i] = (gfloat) ((const gint32 *) src)[i];
      break;
    case TESS_I64:
      for (gsize i = 0; i < n; i++)
        dst[i] = (gfloat) ((const gint64 *) src)[i];
      break;
    case TESS_U8:
      for (gsize i = 0; i < n; i++)
        dst[i] = src[i];
      break;
    case TESS_N_TYPES:
      g_assert_not_reached ();
    }
}

void
tess_tensor_read_f32 (const TessTensor *tensor,
                      gsize first,
                      gsize n,
                      gfloat *dst)
{
  gsize size = tess_type_size (tensor->type);
  const guint8 *src = (const guint8 *) tensor->data + first * size;
  guint64 aligned[1024]; /* a part of what a file has at an odd address */

  g_return_if_fail (first + n <= tess_tensor_n_elements (tensor));

  if ((guintptr) src % size == 0)
    {
      read_aligned (tensor->type, src, n, dst);
      return;
    }
  for (gsize at = 0; at < n; at += G_N_ELEMENTS (aligned))
    {
      gsize count = MIN (n - at, G_N_ELEMENTS (aligned));

      memcpy (aligned, src + at * size, count * size);
      read_aligned (tensor->type, (const guint8 *) aligned, count, dst + at);
    }
}
