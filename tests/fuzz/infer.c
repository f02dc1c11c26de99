/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/fuzz/infer.c: single files with tensors missing, doubled in size or of
 * other shapes: the configuration that is inferred must be within bounds. */
#include "core/error.h"
#include "core/model-config.h"
#include "core/model-names.h"
#include "core/model-synthetic.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

/* The names of a tiny model, with a shape each and no bytes. */
static GPtrArray *
original_names (TessModelConfig *config, GArray **entries)
{
  GPtrArray *names = g_ptr_array_new ();

  *entries = g_array_new (FALSE, FALSE, sizeof (TessLayoutEntry));
  for (TessPart part = 0; part < TESS_N_PARTS; part++)
    {
      g_autoptr (GArray) layout = tess_layout_part (config, part);

      for (guint i = 0; i < layout->len; i++)
        {
          TessLayoutEntry *entry = &g_array_index (layout, TessLayoutEntry, i);
          gint third;

          g_ptr_array_add (names, tess_names_original (
                                      config, part, entry->name,
                                      part == TESS_PART_TEXT
                                          && config->text.act == TESS_ACT_GELU,
                                      &third));
          g_array_append_vals (*entries, entry, 1);
        }
    }
  return names;
}

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  static GPtrArray *names[2];
  static GArray *entries[2];
  static const gchar bytes[8];
  g_autoptr (TessTensorFile) file = tess_tensor_file_new ("fuzz");
  g_autoptr (GError) error = NULL;
  TessModelConfig config;
  gint kind;
  gboolean ok;

  if (names[0] == NULL)
    for (gint i = 0; i < 2; i++)
      {
        tess_synthetic_config (i ? "tiny21" : "tiny15", &config, NULL);
        names[i] = original_names (&config, &entries[i]);
      }
  if (size < 1)
    return 0;
  kind = data[0] & 1;
  for (guint i = 0; i < names[kind]->len; i++)
    {
      TessLayoutEntry entry = g_array_index (entries[kind], TessLayoutEntry, i);
      TessTensor tensor = { .ref_count = 1, .type = TESS_F16 };
      gboolean dropped = FALSE;

      /* Each three bytes change one tensor: which, how, and to what. */
      for (size_t at = 1; at + 4 <= size; at += 4)
        if ((data[at] | data[at + 1] << 8) % names[kind]->len == i)
          {
            gint d = data[at + 2] % 4;

            dropped = data[at + 2] & 0x80;
            if (data[at + 2] & 0x40)
              entry.n_dims = d;
            else
              entry.dims[d] = (gint64) (data[at + 3] & 127)
                              << (data[at + 2] & 0x38);
          }
      if (dropped)
        continue;
      tensor.n_dims = entry.n_dims;
      memcpy (tensor.dims, entry.dims, sizeof entry.dims);
      tensor.data = (gpointer) bytes;
      g_hash_table_insert (file->tensors,
                           g_strdup (g_ptr_array_index (names[kind], i)),
                           g_memdup2 (&tensor, sizeof tensor));
    }
  ok = tess_config_infer (file, &config, &error);
  tess_fuzz_check (ok ? file : NULL, error);
  if (ok)
    for (TessPart part = 0; part < TESS_N_PARTS; part++)
      g_array_unref (tess_layout_part (&config, part));
  return 0;
}
