/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/model-instance-split.c: InstanceDiffusion's weights in three files, as
 * ComfyUI's users have them: position_net.ckpt without its prefix, fusers.ckpt
 * by blocks in the order in which they are run, scaleu.ckpt by numbers.
 * Source: logtd/ComfyUI-InstanceDiffusion, model_helpers/. */
#include "core/error.h"
#include "core/model-config.h"
#include "core/model-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define STATE ".state."

static const gchar *const names[]
    = { "position_net.ckpt", "fusers.ckpt", "scaleu.ckpt" };

gchar *
tess_model_instance_split (const gchar *path)
{
  g_autofree gchar *first = NULL;
  g_autofree gchar *base = NULL;

  if (g_file_test (path, G_FILE_TEST_IS_DIR))
    {
      first = g_build_filename (path, names[0], NULL);
      return g_file_test (first, G_FILE_TEST_EXISTS) ? g_strdup (path) : NULL;
    }
  base = g_path_get_basename (path);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (strcmp (base, names[i]) == 0)
      return g_path_get_dirname (path);
  return NULL;
}

G_GNUC_PRINTF (4, 5)
static gboolean
add (TessTensorFile *dst,
     const TessTensorFile *src,
     const gchar *from,
     const gchar *format,
     ...)
{
  g_autofree gchar *name = NULL;
  va_list args;

  va_start (args, format);
  name = g_strdup_vprintf (format, args);
  va_end (args);
  return tess_tensor_file_add (dst, name, tess_tensor_file_get (src, from));
}

/* Those that run on the way down, then the middle's, then on the way up. */
static GPtrArray *
list_fusers (const TessUnetConfig *unet)
{
  static const gchar *const ways[] = { "down_", "mid_", "up_" };
  g_autoptr (GArray) layout = tess_layout_unet (unet);
  GPtrArray *blocks = g_ptr_array_new_with_free_func (g_free);

  for (guint way = 0; way < G_N_ELEMENTS (ways); way++)
    for (guint i = 0; i < layout->len; i++)
      {
        const gchar *name = g_array_index (layout, TessLayoutEntry, i).name;

        if (g_str_has_prefix (name, ways[way])
            && g_str_has_suffix (name, TESS_TRANSFORMER_MARK))
          g_ptr_array_add (
              blocks,
              g_strndup (name, strlen (name) - strlen (TESS_TRANSFORMER_MARK)));
      }
  return blocks;
}

/* What keys are called inside is not relied on, only their order. */
static gboolean
add_fusers (TessTensorFile *dst,
            const TessTensorFile *src,
            const TessUnetConfig *unet,
            GError **error)
{
  g_autoptr (GPtrArray) blocks = list_fusers (unet);
  g_autofree gchar *last = NULL;
  guint n = 0;

  for (guint i = 0; i < src->names->len; i++)
    {
      const gchar *name = src->names->pdata[i];
      const gchar *state = strstr (name, STATE);
      g_autofree gchar *block = state ? g_strndup (name, state - name) : NULL;

      if (block == NULL)
        continue;
      if (g_strcmp0 (block, last) != 0)
        {
          g_free (last);
          last = g_strdup (block);
          n++;
        }
      if (n <= blocks->len)
        add (dst, src, name, "%s.fuser.%s",
             (const gchar *) blocks->pdata[n - 1], state + strlen (STATE));
    }
  if (n == blocks->len)
    return TRUE;
  g_set_error (
      error, TESS_ERROR, TESS_ERROR_MODEL,
      _ ("%s holds %u fusers and the UNet has places for %u; choose the "
         "files that belong to the model."),
      src->path, n, blocks->len);
  return FALSE;
}

static void
add_scales (TessTensorFile *dst, const TessTensorFile *src)
{
  for (guint i = 0; i < src->names->len; i++)
    {
      const gchar *name = src->names->pdata[i];
      gchar *end;
      guint64 number = g_ascii_strtoull (name, &end, 10);

      if (end != name && *end == '.' && number < 1000)
        add (dst, src, name, "%s_%d", end + 1, (gint) number);
    }
}

gboolean
tess_model_open_split (const TessModel *model,
                       const gchar *folder,
                       GPtrArray *files,
                       GError **error)
{
  TessTensorFile *whole = tess_tensor_file_new (folder);

  g_ptr_array_add (files, whole);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree gchar *path = g_build_filename (folder, names[i], NULL);
      TessTensorFile *file = tess_tensor_file_open (path, error);

      if (file == NULL)
        return FALSE;
      g_ptr_array_add (files, file);
      for (guint k = 0; i == 0 && k < file->names->len; k++)
        add (whole, file, file->names->pdata[k], "position_net.%s",
             (const gchar *) file->names->pdata[k]);
      if (i == 1 && !add_fusers (whole, file, &model->config.unet, error))
        return FALSE;
      if (i == 2)
        add_scales (whole, file);
    }
  return TRUE;
}
