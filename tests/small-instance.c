/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/small-instance.c: weights for instances from their names. */
#include "tests/small-instance.h"

#include "core/model-synthetic.h"
#include "core/safetensors.h"

#include <string.h>

const TessInstanceConfig tess_test_instance = {
  .n_slots = 30,
  .text_width = 128,
  .token_width = 128,
  .mlp_width = 256,
  .n_scribble = 20,
  .n_polygon = 64,
  .mask_side = 256,
  .n_stages = 4,
  .trunk_channels = { 24, 48, 96, 192 },
  .trunk_depths = { 1, 1, 2, 1 },
};

static void
fill (gint i, gpointer dst, gsize n_bytes, gpointer data)
{
  const TessLayoutEntry *entry
      = &g_array_index ((GArray *) data, TessLayoutEntry, i);
  g_autoptr (TessTensor) tensor
      = tess_formula_tensor (entry->name, entry->n_dims, entry->dims, NULL);

  memcpy (dst, tensor->data, n_bytes);
}

gboolean
tess_test_write_instance (const gchar *folder,
                          const TessUnetConfig *unet,
                          const TessInstanceConfig *config,
                          guint n_missing,
                          const gchar *formats,
                          GError **error)
{
  g_autofree gchar *path
      = g_build_filename (folder, "diffusion_pytorch_model.safetensors", NULL);
  g_autofree gchar *json_path = g_build_filename (folder, "config.json", NULL);
  g_autofree gchar *json
      = g_strdup_printf ("{\"formats\": %s, \"masked\": %s, "
                         "\"prompts\": %s, \"names\": [\"tree\", \"house\"]}",
                         formats, config->masked ? "true" : "false",
                         config->prompts ? "true" : "false");
  g_autoptr (GArray) layout = tess_layout_instance (unet, config);
  gsize n = layout->len - n_missing;
  g_autofree TessSafetensorsEntry *entries = g_new0 (TessSafetensorsEntry, n);

  for (gsize i = 0; i < n; i++)
    {
      const TessLayoutEntry *entry
          = &g_array_index (layout, TessLayoutEntry, i);

      entries[i].name = entry->name;
      entries[i].type = TESS_F32;
      entries[i].n_dims = entry->n_dims;
      memcpy (entries[i].dims, entry->dims, sizeof entry->dims);
    }
  return tess_safetensors_write (path, entries, n, NULL, fill, layout, error)
         && g_file_set_contents (json_path, json, -1, error);
}
