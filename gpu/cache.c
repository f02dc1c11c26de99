/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/cache.c: files in the user's cache folder. */
#include "gpu/cache.h"

#include <glib/gstdio.h>

static gboolean
is_off (void)
{
  return g_strcmp0 (g_getenv ("TESSERA_GPU_CACHE"), "0") == 0;
}

static gchar *
cache_path (const TessGpuInfo *info, const gchar *what)
{
  g_autoptr (GString) name = g_string_new (NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (info->uuid); i++)
    g_string_append_printf (name, "%02x", info->uuid[i]);
  g_string_append_printf (name, "-%x-%s.%s", info->driver_version, TESS_VERSION,
                          what);
  return g_build_filename (g_get_user_cache_dir (), "tessera", "gpu", name->str,
                           NULL);
}

gchar *
tess_gpu_cache_read (const TessGpuInfo *info, const gchar *what, gsize *n_bytes)
{
  g_autofree gchar *path = cache_path (info, what);
  gchar *data = NULL;

  *n_bytes = 0;
  if (is_off () || !g_file_get_contents (path, &data, n_bytes, NULL))
    return NULL;
  return data;
}

void
tess_gpu_cache_write (const TessGpuInfo *info,
                      const gchar *what,
                      const gchar *data,
                      gsize n_bytes)
{
  g_autofree gchar *path = cache_path (info, what);
  g_autofree gchar *folder = g_path_get_dirname (path);
  g_autoptr (GError) error = NULL;

  if (is_off () || g_mkdir_with_parents (folder, 0700) != 0)
    return;
  if (!g_file_set_contents (path, data, n_bytes, &error))
    g_debug ("%s", error->message);
}
