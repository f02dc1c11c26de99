/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/speed.c: a key file; group: device, key: network and model. */
#include "core/speed.h"

#include <math.h>

static gchar *
speed_path (void)
{
  return g_build_filename (g_get_user_cache_dir (), "tessera", "speed.ini",
                           NULL);
}

static GKeyFile *
speed_load (void)
{
  GKeyFile *file = g_key_file_new ();
  g_autofree gchar *path = speed_path ();

  g_key_file_load_from_file (file, path, G_KEY_FILE_NONE, NULL);
  return file;
}

/* Key names may hold anything but '=', '[', ']' and a newline. */
static gchar *
speed_key (const gchar *network, const gchar *model)
{
  gchar *key = g_strdup_printf ("%s of %s", network, model ? model : "any");

  return g_strdelimit (key, "=[]\n\r\t", '_');
}

static gdouble
known_speed (GKeyFile *file, const gchar *device, const gchar *key)
{
  gdouble speed = g_key_file_get_double (file, device, key, NULL);

  return isfinite (speed) && speed > 0.0 ? speed : 0.0;
}

gdouble
tess_speed_get (const gchar *device, const gchar *network, const gchar *model)
{
  g_autoptr (GKeyFile) file = speed_load ();
  g_autofree gchar *key = speed_key (network, model);
  g_autofree gchar *any = speed_key (network, NULL);
  gdouble speed = known_speed (file, device, key);

  return speed > 0.0 ? speed : known_speed (file, device, any);
}

void
tess_speed_put (const gchar *device,
                const gchar *network,
                const gchar *model,
                gdouble n_flops,
                gdouble seconds)
{
  g_autoptr (GKeyFile) file = speed_load ();
  g_autofree gchar *path = speed_path ();
  g_autofree gchar *folder = g_path_get_dirname (path);
  const gchar *models[] = { model, NULL };
  gdouble speed = n_flops / seconds;

  if (!isfinite (speed) || speed <= 0.0)
    return;
  for (guint i = 0; i < G_N_ELEMENTS (models); i++)
    {
      g_autofree gchar *key = speed_key (network, models[i]);
      gdouble before = known_speed (file, device, key);

      /* The machine may have been busy: earlier runs count as much. */
      g_key_file_set_double (file, device, key,
                             before > 0.0 ? 0.5 * (before + speed) : speed);
    }
  g_mkdir_with_parents (folder, 0700);
  if (!g_key_file_save_to_file (file, path, NULL))
    g_debug ("speed: %s was not written", path);
}
