/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/told.c: models.ini. */
#include "core/told.h"

#include <glib/gstdio.h>

#define GROUP "prediction"

static gchar *
file_path (void)
{
  return g_build_filename (g_get_user_config_dir (), "tessera", "models.ini",
                           NULL);
}

static gchar *
key_of (const gchar *path)
{
  g_autofree gchar *name = g_path_get_basename (path);
  g_autofree gchar *escaped = g_uri_escape_string (name, NULL, TRUE);
  GStatBuf st = { 0 };

  g_stat (path, &st);
  return g_strdup_printf ("%s-%" G_GINT64_FORMAT, escaped, (gint64) st.st_size);
}

/* A missing or broken file is an empty one. */
static GKeyFile *
load (void)
{
  GKeyFile *file = g_key_file_new ();
  g_autofree gchar *path = file_path ();

  g_key_file_load_from_file (file, path, G_KEY_FILE_KEEP_COMMENTS, NULL);
  return file;
}

gint
tess_told_prediction (const gchar *path)
{
  g_autoptr (GKeyFile) file = load ();
  g_autofree gchar *key = key_of (path);
  gint told = g_key_file_get_integer (file, GROUP, key, NULL);

  return told >= 1 && told <= 3 ? told : 0;
}

void
tess_tell_prediction (const gchar *path, gint prediction)
{
  g_autoptr (GKeyFile) file = load ();
  g_autofree gchar *key = key_of (path);
  g_autofree gchar *where = file_path ();
  g_autofree gchar *folder = g_path_get_dirname (where);
  g_autoptr (GError) error = NULL;

  if (g_key_file_get_integer (file, GROUP, key, NULL) == prediction)
    return;
  g_key_file_set_integer (file, GROUP, key, prediction);
  if (g_mkdir_with_parents (folder, 0700) != 0
      || !g_key_file_save_to_file (file, where, &error))
    g_debug ("%s could not be written: %s", where,
             error ? error->message : "its folder is not there");
}
