/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/bench/memory.c: what a picture of 1, 4, 16 and 64 megapixels takes.
 *
 * Each size is a job of its own in a process of its own, on a small model of
 * random weights, with one step: memory does not depend on more. The peaks
 * must fit a line of at most 24 bytes per pixel. */
#include "core/generate.h"
#include "core/model-synthetic.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_BYTES_PER_PIXEL 24.0

static gboolean
write_model (const gchar *folder, GError **error)
{
  g_autofree gchar *model_path
      = g_build_filename (folder, "small.safetensors", NULL);
  g_autofree gchar *merges = g_build_filename (folder, "merges.txt", NULL);
  g_autoptr (TessModel) model = NULL;
  TessModelConfig config;

  if (!tess_synthetic_config ("tiny15", &config, error))
    return FALSE;
  /* As thin as the networks go: the canvas is what is measured. */
  for (gint i = 0; i < 4; i++)
    config.unet.channels[i] = config.vae.channels[i] = 16;
  config.unet.norm_groups = config.vae.norm_groups = 8;
  config.unet.layers_per_block = config.vae.layers_per_block = 1;
  config.vae.mid_attention = FALSE;
  config.text.n_tokens = 49408; /* CLIP's, so that any merges will do */
  config.text.bos_id = 49406;
  config.text.eos_id = config.text.pad_id = 49407;
  model = tess_model_new_random (&config, "small", error);
  return model && tess_model_write_single (model, model_path, FALSE, error)
         && g_file_set_contents (merges, "#version: 0.2\nt h\n", -1, error);
}

/* The child: one job. */
static int
paint (const gchar *folder, gint width, gint height)
{
  g_autoptr (TessStudio) studio = tess_studio_new ();
  g_autoptr (TessRequest) request = tess_request_new ();
  g_autoptr (GeglBuffer) picture = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *status = NULL;
  TessJobPlan plan;
  gint64 began = g_get_monotonic_time ();

  gegl_init (NULL, NULL);
  request->model = g_build_filename (folder, "small.safetensors", NULL);
  request->prompt = g_strdup ("a lake");
  request->width = width;
  request->height = height;
  request->overlap = 0;
  request->steps = 1;
  request->guidance = 1.0;
  request->seed = 1;
  request->storage = 1 + TESS_F32;
  if (!tess_studio_plan (studio, request, &plan, &error)
      || (picture = tess_studio_run (studio, request, NULL, NULL, &error))
             == NULL)
    {
      g_printerr ("%s\n", error->message);
      return EXIT_FAILURE;
    }
  g_file_get_contents ("/proc/self/status", &status, NULL, NULL);
  printf ("%.0f %.0f %.1f\n",
          g_ascii_strtod (strstr (status, "VmHWM:") + strlen ("VmHWM:"), NULL)
              * 1024.0,
          (gdouble) plan.n_bytes, (g_get_monotonic_time () - began) * 1e-6);
  g_clear_object (&picture);
  tess_job_plan_clear (&plan);
  gegl_exit ();
  return EXIT_SUCCESS;
}

static gboolean
measure (const gchar *self,
         const gchar *folder,
         gint width,
         gint height,
         gdouble *n_bytes,
         gboolean *told)
{
  g_autofree gchar *w = g_strdup_printf ("%d", width);
  g_autofree gchar *h = g_strdup_printf ("%d", height);
  const gchar *argv[] = { self, folder, w, h, NULL };
  g_autofree gchar *text = NULL;
  g_autoptr (GError) error = NULL;
  gdouble planned, seconds;
  gint status;

  if (!g_spawn_sync (NULL, (gchar **) argv, NULL, G_SPAWN_CHILD_INHERITS_STDIN,
                     NULL, NULL, &text, NULL, &status, &error)
      || !g_spawn_check_wait_status (status, &error))
    {
      printf ("%d x %d: %s\n", width, height, error->message);
      return FALSE;
    }
  if (sscanf (text, "%lf %lf %lf", n_bytes, &planned, &seconds) != 3)
    return FALSE;
  if (*n_bytes > planned || *n_bytes < planned * 0.8)
    {
      *told = FALSE;
      printf ("told wrong: ");
    }
  printf ("%5.0f megapixels: peak %7.1f MiB, planned %7.1f MiB, %.1f s\n",
          (gdouble) width * height / 0x1p20, *n_bytes / 0x1p20,
          planned / 0x1p20, seconds);
  fflush (stdout);
  return TRUE;
}

/* Of the least-squares line through the peaks, in bytes per pixel. */
static gdouble
fit_slope (const gint *sides, const gdouble *n_bytes, gint n)
{
  gdouble mean_x = 0.0, mean_y = 0.0, xy = 0.0, xx = 0.0;

  for (gint i = 0; i < n; i++)
    {
      mean_x += (gdouble) sides[i] * sides[i] / n;
      mean_y += n_bytes[i] / n;
    }
  for (gint i = 0; i < n; i++)
    {
      gdouble x = (gdouble) sides[i] * sides[i] - mean_x;

      xy += x * (n_bytes[i] - mean_y);
      xx += x * x;
    }
  return xy / xx;
}

int
main (int argc, char **argv)
{
  static const gint sides[] = { 1024, 2048, 4096, 8192 };
  gdouble n_bytes[G_N_ELEMENTS (sides)] = { 0 }, slope;
  g_autofree gchar *folder = NULL;
  g_autofree gchar *self = g_file_read_link ("/proc/self/exe", NULL);
  g_autoptr (GError) error = NULL;
  gboolean good = TRUE, told = TRUE;

  if (argc == 4)
    return paint (argv[1], atoi (argv[2]), atoi (argv[3]));
  folder = g_dir_make_tmp ("tess-memory-XXXXXX", &error);
  if (folder == NULL || !write_model (folder, &error))
    {
      g_printerr ("%s\n", error->message);
      return EXIT_FAILURE;
    }
  g_setenv ("TESSERA_MODELS", folder, TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (sides) && good; i++)
    good = measure (self, folder, sides[i], sides[i], &n_bytes[i], &told);
  slope = fit_slope (sides, n_bytes, G_N_ELEMENTS (sides));
  if (good)
    printf ("memory: %.1f bytes per pixel (limit %.0f)\n", slope,
            MAX_BYTES_PER_PIXEL);
  for (guint i = 0; i < 2; i++)
    {
      g_autofree gchar *path = g_build_filename (
          folder, i == 0 ? "small.safetensors" : "merges.txt", NULL);

      g_remove (path);
    }
  g_rmdir (folder);
  return good && told && slope <= MAX_BYTES_PER_PIXEL ? EXIT_SUCCESS
                                                      : EXIT_FAILURE;
}
