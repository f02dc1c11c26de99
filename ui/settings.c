/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/settings.c: tessera/settings.ini. */
#include "ui/settings.h"

#include <errno.h>
#include <string.h>
#include <gio/gio.h>
#include <glib/gstdio.h>

#define GROUP_MODELS "models"
#define GROUP_LAST "last"

gchar *
tess_settings_path (void)
{
  return g_build_filename (g_get_user_config_dir (), "tessera", "settings.ini",
                           NULL);
}

/* A missing or broken file is an empty one. */
static GKeyFile *
load (void)
{
  GKeyFile *file = g_key_file_new ();
  g_autofree gchar *path = tess_settings_path ();
  g_autoptr (GError) error = NULL;

  if (!g_key_file_load_from_file (file, path, G_KEY_FILE_KEEP_COMMENTS, &error)
      && !g_error_matches (error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
    g_debug ("%s: %s", path, error->message);
  return file;
}

static gboolean
save (GKeyFile *file, GError **error)
{
  g_autofree gchar *path = tess_settings_path ();
  g_autofree gchar *folder = g_path_get_dirname (path);

  if (g_mkdir_with_parents (folder, 0700) != 0)
    {
      g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno),
                   "%s: %s", folder, g_strerror (errno));
      return FALSE;
    }
  return g_key_file_save_to_file (file, path, error);
}

static void
save_quietly (GKeyFile *file)
{
  g_autoptr (GError) error = NULL;

  if (!save (file, &error))
    g_debug ("settings not kept: %s", error->message);
}

static gchar *
get_string (const gchar *group, const gchar *key)
{
  g_autoptr (GKeyFile) file = load ();

  return g_key_file_get_string (file, group, key, NULL);
}

GStrv
tess_settings_get_folders (void)
{
  g_autoptr (GKeyFile) file = load ();
  GStrv folders
      = g_key_file_get_string_list (file, GROUP_MODELS, "folders", NULL, NULL);

  return folders ? folders : g_new0 (gchar *, 1);
}

static gboolean
set_folders (GPtrArray *folders, GError **error)
{
  g_autoptr (GKeyFile) file = load ();

  g_key_file_set_string_list (file, GROUP_MODELS, "folders",
                              (const gchar *const *) folders->pdata,
                              folders->len);
  return save (file, error);
}

gboolean
tess_settings_add_folder (const gchar *folder, GError **error)
{
  g_auto (GStrv) old = tess_settings_get_folders ();
  g_autoptr (GPtrArray) folders = g_ptr_array_new ();

  if (g_strv_contains ((const gchar *const *) old, folder))
    return TRUE;
  for (gint i = 0; old[i]; i++)
    g_ptr_array_add (folders, old[i]);
  g_ptr_array_add (folders, (gpointer) folder);
  return set_folders (folders, error);
}

gboolean
tess_settings_remove_folder (const gchar *folder, GError **error)
{
  g_auto (GStrv) old = tess_settings_get_folders ();
  g_autoptr (GPtrArray) folders = g_ptr_array_new ();

  for (gint i = 0; old[i]; i++)
    if (strcmp (old[i], folder) != 0)
      g_ptr_array_add (folders, old[i]);
  return set_folders (folders, error);
}

gchar *
tess_settings_get_prompt (void)
{
  gchar *text = get_string (GROUP_LAST, "prompt");

  return text ? text : g_strdup ("");
}

gchar *
tess_settings_get_negative (void)
{
  gchar *text = get_string (GROUP_LAST, "negative");

  return text ? text : g_strdup ("");
}

void
tess_settings_set_prompts (const gchar *prompt, const gchar *negative)
{
  g_autoptr (GKeyFile) file = load ();

  g_key_file_set_string (file, GROUP_LAST, "prompt", prompt ? prompt : "");
  g_key_file_set_string (file, GROUP_LAST, "negative",
                         negative ? negative : "");
  save_quietly (file);
}

gchar *
tess_settings_get_last_error (void)
{
  return get_string (GROUP_LAST, "error");
}

void
tess_settings_set_last_error (const gchar *procedure, const gchar *message)
{
  g_autoptr (GKeyFile) file = load ();
  g_autoptr (GDateTime) now = g_date_time_new_now_local ();
  g_autofree gchar *when = g_date_time_format (now, "%Y-%m-%d %H:%M:%S");
  g_autofree gchar *line
      = g_strdup_printf ("%s %s: %s", when, procedure, message);

  g_key_file_set_string (file, GROUP_LAST, "error", line);
  save_quietly (file);
}
