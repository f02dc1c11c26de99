/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/tensor-file.c: the table of named tensors, and which reader fills it. */
#include "core/tensor-file.h"
#include "core/error.h"
#include "core/mapping.h"
#include "core/pickle.h"
#include "core/safetensors.h"

#include <string.h>

TessTensorFile *
tess_tensor_file_new (const gchar *path)
{
  TessTensorFile *file = g_new0 (TessTensorFile, 1);

  file->path = g_strdup (path);
  file->names = g_ptr_array_new ();
  file->tensors = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                         (GDestroyNotify) tess_tensor_unref);
  file->refused
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  file->metadata
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return file;
}

void
tess_tensor_file_free (TessTensorFile *file)
{
  if (file == NULL)
    return;
  g_ptr_array_unref (file->names);
  g_hash_table_unref (file->tensors);
  g_hash_table_unref (file->refused);
  g_hash_table_unref (file->metadata);
  g_free (file->path);
  g_free (file);
}

gboolean
tess_tensor_file_add (TessTensorFile *file,
                      const gchar *name,
                      TessTensor *tensor)
{
  gchar *key;

  if (g_hash_table_contains (file->tensors, name))
    return FALSE;
  key = g_strdup (name);
  g_hash_table_insert (file->tensors, key, tess_tensor_ref (tensor));
  g_ptr_array_add (file->names, key);
  return TRUE;
}

TessTensor *
tess_tensor_file_get (const TessTensorFile *file, const gchar *name)
{
  return g_hash_table_lookup (file->tensors, name);
}

TessTensor *
tess_file_bytes_tensor (const TessFileBytes *src,
                        gsize offset,
                        TessType type,
                        gint n_dims,
                        const gint64 *dims)
{
  const guint8 *data = g_bytes_get_data (src->bytes, NULL);
  TessTensor *tensor = tess_tensor_new_wrapped (
      type, n_dims, dims, data + offset, g_bytes_ref (src->bytes),
      (GDestroyNotify) g_bytes_unref);

  g_assert (offset + tensor->n_bytes <= g_bytes_get_size (src->bytes));
  tensor->mapped = src->mapped;
  return tensor;
}

TessTensorFile *
tess_tensor_file_parse (const TessFileBytes *src, GError **error)
{
  if (tess_pickle_is (src->bytes))
    return tess_pickle_parse (src, error);
  return tess_safetensors_parse (src, error);
}

TessTensorFile *
tess_tensor_file_open (const gchar *path, GError **error)
{
  g_autoptr (GBytes) bytes = tess_mapping_new (path, error);
  g_autoptr (TessTensorFile) file = NULL;

  if (bytes == NULL)
    return NULL;
  file = tess_tensor_file_parse (
      &(TessFileBytes) { .bytes = bytes, .mapped = TRUE, .path = path }, error);
  if (file != NULL
      && !tess_mapping_check (g_bytes_get_data (bytes, NULL), error))
    return NULL;
  return g_steal_pointer (&file);
}
