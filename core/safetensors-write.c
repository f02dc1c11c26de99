/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/safetensors-write.c: safetensors, written. */
#include "core/safetensors.h"
#include "core/error.h"

#include <gio/gio.h>
#include <json-glib/json-glib.h>
#include <string.h>

static const gchar *const type_names[TESS_N_TYPES] = {
  [TESS_F32] = "F32", [TESS_F16] = "F16", [TESS_BF16] = "BF16",
  [TESS_F64] = "F64", [TESS_I32] = "I32", [TESS_I64] = "I64",
  [TESS_U8] = "U8",
};

static gsize
entry_n_bytes (const TessSafetensorsEntry *entry)
{
  gsize n = tess_type_size (entry->type);

  for (gint i = 0; i < entry->n_dims; i++)
    n *= entry->dims[i];
  return n;
}

static void
append_entry (JsonBuilder *json, const TessSafetensorsEntry *entry, gsize begin)
{
  json_builder_set_member_name (json, entry->name);
  json_builder_begin_object (json);
  json_builder_set_member_name (json, "dtype");
  json_builder_add_string_value (json, type_names[entry->type]);
  json_builder_set_member_name (json, "shape");
  json_builder_begin_array (json);
  for (gint i = 0; i < entry->n_dims; i++)
    json_builder_add_int_value (json, entry->dims[i]);
  json_builder_end_array (json);
  json_builder_set_member_name (json, "data_offsets");
  json_builder_begin_array (json);
  json_builder_add_int_value (json, begin);
  json_builder_add_int_value (json, begin + entry_n_bytes (entry));
  json_builder_end_array (json);
  json_builder_end_object (json);
}

static void
append_metadata (JsonBuilder *json, GHashTable *metadata)
{
  GHashTableIter iter;
  gpointer key, value;

  json_builder_set_member_name (json, "__metadata__");
  json_builder_begin_object (json);
  g_hash_table_iter_init (&iter, metadata);
  while (g_hash_table_iter_next (&iter, &key, &value))
    {
      json_builder_set_member_name (json, key);
      json_builder_add_string_value (json, value);
    }
  json_builder_end_object (json);
}

/* With its length in front, padded with spaces to a multiple of 8. */
static GString *
make_header (const TessSafetensorsEntry *entries,
             gint n_entries,
             GHashTable *metadata)
{
  g_autoptr (JsonBuilder) json = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;
  g_autofree gchar *text = NULL;
  GString *header = g_string_new ("12345678");
  guint64 length;
  gsize at = 0;

  json_builder_begin_object (json);
  if (metadata != NULL)
    append_metadata (json, metadata);
  for (gint i = 0; i < n_entries; i++)
    {
      append_entry (json, entries + i, at);
      at += entry_n_bytes (entries + i);
    }
  json_builder_end_object (json);
  root = json_builder_get_root (json);
  text = json_to_string (root, FALSE);
  g_string_append (header, text);
  while (header->len % 8 != 0)
    g_string_append_c (header, ' ');
  length = GUINT64_TO_LE (header->len - 8);
  memcpy (header->str, &length, sizeof length);
  return header;
}

static gboolean
write_all (GOutputStream *stream,
           const GString *header,
           const TessSafetensorsEntry *entries,
           gint n_entries,
           TessSafetensorsFill fill,
           gpointer data,
           GError **error)
{
  if (!g_output_stream_write_all (stream, header->str, header->len, NULL, NULL,
                                  error))
    return FALSE;
  for (gint i = 0; i < n_entries; i++)
    {
      gsize n_bytes = entry_n_bytes (entries + i);
      g_autofree gchar *bytes = g_malloc (MAX (n_bytes, 1));

      fill (i, bytes, n_bytes, data);
      if (!g_output_stream_write_all (stream, bytes, n_bytes, NULL, NULL,
                                      error))
        return FALSE;
    }
  return TRUE;
}

gboolean
tess_safetensors_write (const gchar *path,
                        const TessSafetensorsEntry *entries,
                        gint n_entries,
                        GHashTable *metadata,
                        TessSafetensorsFill fill,
                        gpointer data,
                        GError **error)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GFileOutputStream) stream = NULL;
  g_autoptr (GString) header = make_header (entries, n_entries, metadata);
  g_autoptr (GCancellable) drop = g_cancellable_new ();
  gboolean is_new = !g_file_query_exists (file, NULL);

  stream = g_file_replace (file, NULL, FALSE, G_FILE_CREATE_NONE, NULL, error);
  if (stream == NULL)
    return FALSE;
  if (write_all (G_OUTPUT_STREAM (stream), header, entries, n_entries, fill,
                 data, error))
    return g_output_stream_close (G_OUTPUT_STREAM (stream), NULL, error);

  /* Closing would put what there is in the file's place; being stopped while
   * closing deletes it. A file that was not there is written in its place. */
  g_cancellable_cancel (drop);
  g_output_stream_close (G_OUTPUT_STREAM (stream), drop, NULL);
  if (is_new)
    g_file_delete (file, NULL, NULL);
  return FALSE;
}
