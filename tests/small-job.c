/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/small-job.c: a small model of random weights and a job for it. */
#include "tests/small-job.h"

#include "core/model-synthetic.h"
#include "tests/harness.h"

#include <glib/gstdio.h>

static gchar *folder;
gchar *tess_test_model;

/* Written once; what tests do with it they do in processes of their own. */
static void
make_model (gboolean upscaler)
{
  g_autofree gchar *merges = tess_test_data ("tokenizer/merges.txt");
  g_autofree gchar *copy = NULL;
  g_autoptr (TessModel) model = NULL;
  TessModelConfig config;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *text = NULL;

  gegl_init (NULL, NULL);
  folder = g_dir_make_tmp ("tess-generate-XXXXXX", NULL);
  tess_test_model = g_build_filename (folder, "small.safetensors", NULL);
  copy = g_build_filename (folder, "merges.txt", NULL);
  g_setenv ("TESSERA_MODELS", folder, TRUE);
  g_setenv ("XDG_CACHE_HOME", folder, TRUE);
  /* CLIP's number of words, so that any merges will do. */
  ck_assert (tess_synthetic_config ("tiny15", &config, &error));
  config.text.n_tokens = 49408;
  config.text.bos_id = 49406;
  config.text.eos_id = config.text.pad_id = 49407;
  if (upscaler)
    tess_synthetic_add_upscaling (&config);
  model = tess_model_new_random (&config, "small", &error);
  ck_no_error (error);
  ck_assert (tess_model_write_single (model, tess_test_model, FALSE, &error));
  ck_assert (g_file_get_contents (merges, &text, NULL, NULL));
  ck_assert (g_file_set_contents (copy, text, -1, NULL));
}

void
tess_test_make_model (void)
{
  make_model (FALSE);
}

void
tess_test_make_upscaler (void)
{
  make_model (TRUE);
}

void
tess_test_remove (const gchar *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const gchar *name;

  while (dir && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree gchar *child = g_build_filename (path, name, NULL);

      tess_test_remove (child);
    }
  g_remove (path);
}

void
tess_test_drop_model (void)
{
  tess_test_remove (folder);
  g_clear_pointer (&folder, g_free);
  g_clear_pointer (&tess_test_model, g_free);
}

TessRequest *
tess_test_request (void)
{
  TessRequest *request = tess_request_new ();

  request->model = g_strdup (tess_test_model);
  request->prompt = g_strdup ("a lake");
  request->width = 150;
  request->height = 75;
  request->tile = 8;
  request->overlap = 4;
  request->steps = 3;
  request->seed = 5;
  request->n_threads = 1;
  request->storage = 1 + TESS_F32;
  return request;
}

gfloat *
tess_test_pixels (GeglBuffer *buffer)
{
  gsize n = (gsize) gegl_buffer_get_width (buffer)
            * gegl_buffer_get_height (buffer) * 3;
  gfloat *pixels = g_new (gfloat, n);

  gegl_buffer_get (buffer, NULL, 1.0, babl_format ("R'G'B' float"), pixels,
                   GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
  return pixels;
}
