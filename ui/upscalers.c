/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/upscalers.c: models and files that can paint pictures larger. */
#include "ui/upscalers.h"

#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include "core/error.h"
#include "ui/models.h"

/* @path as it is now -> what it holds. Main thread only. */
static guint
holds_of (const gchar *path)
{
  static GHashTable *known;
  g_autofree gchar *key = NULL;
  gpointer holds;
  GStatBuf st = { 0 };

  if (known == NULL)
    known = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_stat (path, &st);
  key = g_strdup_printf ("%s %" G_GINT64_FORMAT " %" G_GINT64_FORMAT, path,
                         (gint64) st.st_mtime, (gint64) st.st_size);
  if (!g_hash_table_lookup_extended (known, key, NULL, &holds))
    {
      holds = GUINT_TO_POINTER (tess_model_holds (path));
      g_hash_table_insert (known, g_steal_pointer (&key), holds);
    }
  return GPOINTER_TO_UINT (holds);
}

GPtrArray *
tess_upscalers_list (guint holds, guint lacks)
{
  GPtrArray *models = tess_models_list ();

  for (guint i = models->len; i-- > 0;)
    {
      guint has = holds_of (((TessModelEntry *) models->pdata[i])->path);

      if ((has & holds) != holds || (has & lacks))
        g_ptr_array_remove_index (models, i);
    }
  return models;
}

gboolean
tess_upscalers_can (const gchar *path)
{
  return (holds_of (path) & TESS_HOLDS_STRUCTURE) != 0;
}

gchar *
tess_upscalers_missing (void)
{
  g_autofree gchar *folder = tess_models_user_folder ();

  return g_strdup_printf (
      _ ("No weights for enlarging were found: put StableSR's "
         "stablesr_000117.ckpt into %s, or add the folder where you keep it."),
      folder);
}

gchar *
tess_upscalers_first (GError **error)
{
  g_autoptr (GPtrArray) models
      = tess_upscalers_list (TESS_HOLDS_MODEL | TESS_HOLDS_STRUCTURE, 0);
  g_autofree gchar *message = NULL;

  if (models->len > 0)
    return g_strdup (((TessModelEntry *) models->pdata[0])->path);
  message = tess_upscalers_missing ();
  g_set_error_literal (error, TESS_ERROR, TESS_ERROR_MODEL, message);
  return NULL;
}

gboolean
tess_upscalers_locate (gchar **path, GError **error)
{
  gchar *found;

  if (*path == NULL || **path == '\0')
    {
      g_clear_pointer (path, g_free);
      return TRUE;
    }
  found = tess_models_resolve (*path, error);
  g_free (*path);
  *path = found;
  return found != NULL;
}
