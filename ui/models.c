/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/models.c: finding models by name. */
#include "ui/models.h"

#include <glib/gi18n-lib.h>
#include "core/error.h"
#include "ui/settings.h"

gchar *
tess_models_user_folder (void)
{
  return g_build_filename (g_get_user_data_dir (), "tessera", "models", NULL);
}

GPtrArray *
tess_models_list (void)
{
  g_auto (GStrv) folders = tess_settings_get_folders ();

  return tess_models_find ((const gchar *const *) folders);
}

static gint
find_name (GPtrArray *models, const gchar *name)
{
  g_autofree gchar *wanted = g_utf8_casefold (name, -1);

  for (guint i = 0; i < models->len; i++)
    {
      const TessModelEntry *entry = models->pdata[i];
      g_autofree gchar *found = g_utf8_casefold (entry->name, -1);

      if (g_str_equal (wanted, found))
        return (gint) i;
    }
  return -1;
}

static void
set_none_error (GError **error)
{
  g_autofree gchar *folder = tess_models_user_folder ();

  g_set_error (error, TESS_ERROR, TESS_ERROR_MODEL,
               _ ("No model was found: put one into %s, or add the folder "
                  "where you keep yours."),
               folder);
}

static void
set_unknown_error (GPtrArray *models, const gchar *name, GError **error)
{
  g_autoptr (GString) names = g_string_new (NULL);

  for (guint i = 0; i < models->len; i++)
    g_string_append_printf (names, "%s“%s”", i > 0 ? ", " : "",
                            ((TessModelEntry *) models->pdata[i])->name);
  g_set_error (error, TESS_ERROR, TESS_ERROR_MODEL,
               _ ("There is no model “%s”; found here: %s."), name,
               models->len > 0 ? names->str : _ ("none"));
}

gchar *
tess_models_resolve (const gchar *name, GError **error)
{
  g_autoptr (GPtrArray) models = NULL;
  gint found;

  if (name && g_path_is_absolute (name)
      && g_file_test (name, G_FILE_TEST_EXISTS))
    return g_strdup (name);

  models = tess_models_list ();
  if (name && *name)
    {
      found = find_name (models, name);
      if (found < 0)
        {
          set_unknown_error (models, name, error);
          return NULL;
        }
    }
  else
    {
      if (models->len == 0)
        {
          set_none_error (error);
          return NULL;
        }
      found = MAX (find_name (models, "horizon"), 0);
    }
  return g_strdup (((TessModelEntry *) models->pdata[found])->path);
}
