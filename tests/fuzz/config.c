/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/fuzz/config.c: any text as the configuration of each part; what is
 * accepted must give a list of weights. */
#include "core/model-config.h"
#include "tests/fuzz/fuzz.h"

/* Each name and size is sound, and there are not too many. */
static void
check_layout (GArray *layout)
{
  g_assert (layout->len > 0 && layout->len < 1 << 20);
  for (guint i = 0; i < layout->len; i++)
    {
      const TessLayoutEntry *entry
          = &g_array_index (layout, TessLayoutEntry, i);

      for (gint d = 0; d < entry->n_dims; d++)
        g_assert (entry->dims[d] > 0 && entry->dims[d] <= 1 << 22);
    }
  g_array_unref (layout);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) root
      = tess_json_parse ((const gchar *) data, size, "fuzz", &error);
  TessModelConfig config;
  JsonObject *json;

  tess_fuzz_check (root, error);
  if (root == NULL)
    return 0;
  json = json_node_get_object (root);
  if (tess_config_read_unet (json, "fuzz", &config.unet, &error))
    check_layout (tess_layout_unet (&config.unet));
  g_clear_error (&error);
  if (tess_config_read_vae (json, "fuzz", &config.vae, &error))
    check_layout (tess_layout_vae (&config.vae));
  g_clear_error (&error);
  if (tess_config_read_text (json, "fuzz", &config.text, &error))
    check_layout (tess_layout_text (&config.text));
  g_clear_error (&error);
  if (!tess_config_read_scheduler (json, "fuzz", &config.diffusion, &error))
    g_assert (error != NULL);
  return 0;
}
