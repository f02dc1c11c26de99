/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/model-holds.c: what a file holds, by the names in it. */
#include "core/model-config.h"
#include "core/model-private.h"

#include <string.h>

static guint
folder_holds (const gchar *path)
{
  static const struct
  {
    const gchar *name;
    guint holds;
  } parts[] = {
    { "model_index.json", TESS_HOLDS_MODEL },
    { "upscaling", TESS_HOLDS_STRUCTURE },
  };
  guint holds = 0;

  for (gsize i = 0; i < G_N_ELEMENTS (parts); i++)
    {
      g_autofree gchar *part = g_build_filename (path, parts[i].name, NULL);

      if (g_file_test (part, G_FILE_TEST_EXISTS))
        holds |= parts[i].holds;
    }
  return holds;
}

guint
tess_model_holds (const gchar *path)
{
  g_autoptr (GPtrArray) files = NULL;
  g_autoptr (GError) error = NULL;
  TessTensorFile *file;
  guint holds = 0;

  if (g_file_test (path, G_FILE_TEST_IS_DIR))
    return folder_holds (path);
  file = tess_tensor_file_open (path, &error);
  if (file == NULL)
    {
      g_debug ("%s", error->message);
      return 0;
    }
  files
      = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_tensor_file_free);
  g_ptr_array_add (files, file);
  if (tess_tensor_file_get (file, TESS_ORIGINAL_UNET "input_blocks.0.0.weight"))
    holds |= TESS_HOLDS_MODEL;
  if (tess_config_has_structure (files))
    holds |= TESS_HOLDS_STRUCTURE;
  if (tess_config_has_fusion (files))
    holds |= TESS_HOLDS_FUSION;
  return holds;
}
