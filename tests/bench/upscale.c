/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/bench/upscale.c: what a megapixel of an enlarged picture takes, by
 * preset, and whether its memory was told.
 *
 * Each row is a job of its own in a process of its own, on a small model of
 * random weights with StableSR's additions; 256 x 256 become 1024 x 1024, and
 * with alpha; and larger ones. A few steps are taken, since steps are alike:
 * the time told is that of all of the preset's, memory depends on none. The
 * peak must be within what was planned and a tenth above. */
#include "core/generate.h"
#include "core/model-synthetic.h"
#include "core/quality.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ABOVE 1.1

typedef struct
{
  const gchar *quality;
  gint side, scale;
  gint steps; /* that are taken */
  gboolean alpha;
} Row;

static const Row rows[] = {
  { "reference", 1024, 4, 4, FALSE }, { "good", 1024, 4, 4, FALSE },
  { "quick", 1024, 4, 4, FALSE },     { "fast", 1024, 4, 4, FALSE },
  { "fast", 1024, 4, 2, TRUE },       { "quick", 2048, 4, 2, FALSE },
  { "fast", 4096, 8, 2, FALSE },      { "fast", 2048, 1, 2, FALSE },
};

/* When, in microseconds; 0: not yet. */
typedef struct
{
  gint64 sampling, decoding;
} Times;

static gboolean
write_model (const gchar *folder, GError **error)
{
  g_autofree gchar *path = g_build_filename (folder, "small.safetensors", NULL);
  g_autofree gchar *merges = g_build_filename (folder, "merges.txt", NULL);
  g_autoptr (TessModel) model = NULL;
  TessModelConfig config;

  if (!tess_synthetic_config ("tiny15", &config, error))
    return FALSE;
  config.text.n_tokens = 49408; /* CLIP's, so that any merges will do */
  config.text.bos_id = 49406;
  config.text.eos_id = config.text.pad_id = 49407;
  tess_synthetic_add_upscaling (&config);
  model = tess_model_new_random (&config, "small", error);
  return model && tess_model_write_single (model, path, FALSE, error)
         && g_file_set_contents (merges, "#version: 0.2\nt h\n", -1, error);
}

static void
on_progress (const TessProgress *progress, gpointer data)
{
  Times *times = data;

  if (progress->stage == TESS_STAGE_SAMPLE && times->sampling == 0)
    times->sampling = g_get_monotonic_time ();
  if (progress->stage == TESS_STAGE_DECODE && times->decoding == 0)
    times->decoding = g_get_monotonic_time ();
}

/* The child: one job. */
static int
paint (const gchar *folder, const Row *row)
{
  g_autoptr (TessStudio) studio = tess_studio_new ();
  g_autoptr (TessRequest) request = tess_request_new ();
  g_autoptr (GeglBuffer) picture = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *status = NULL;
  const TessChoice *word = tess_qualities ();
  gint from = row->side / row->scale;
  Times times = { 0 };
  TessJobHooks hooks = { .progress = on_progress, .data = &times };
  TessJobPlan plan;
  gdouble seconds;
  gint64 began;
  gint steps;

  while (!g_str_equal (word->nick, row->quality))
    word++;
  tess_quality_apply (word->value, request);
  steps = request->steps;
  request->steps = row->steps;
  request->method = TESS_TILING_UPSCALE;
  request->sampler = TESS_SAMPLER_DDPM;
  request->guidance = 1.0;
  request->model = g_build_filename (folder, "small.safetensors", NULL);
  request->prompt = g_strdup ("");
  request->width = request->height = row->side;
  request->init
      = gegl_buffer_new (GEGL_RECTANGLE (0, 0, from, from),
                         babl_format (row->alpha ? "R'G'B'A u8" : "R'G'B' u8"));
  request->seed = 1;
  request->storage = 1 + TESS_F32;
  began = g_get_monotonic_time ();
  if (!tess_studio_plan (studio, request, &plan, &error)
      || (picture = tess_studio_run (studio, request, &hooks, NULL, &error))
             == NULL)
    {
      g_printerr ("%s\n", error->message);
      return EXIT_FAILURE;
    }
  seconds = (gdouble) (g_get_monotonic_time () - began)
            + (gdouble) (times.decoding - times.sampling) / row->steps
                  * (steps - row->steps);
  g_file_get_contents ("/proc/self/status", &status, NULL, NULL);
  printf ("%.0f %.0f %.2f %d\n",
          g_ascii_strtod (strstr (status, "VmHWM:") + strlen ("VmHWM:"), NULL)
              * 1024.0,
          (gdouble) plan.n_bytes, seconds * 1e-6, steps);
  tess_job_plan_clear (&plan);
  return EXIT_SUCCESS;
}

static gboolean
measure (const gchar *self, const gchar *folder, guint i)
{
  const Row *row = &rows[i];
  g_autofree gchar *number = g_strdup_printf ("%u", i);
  const gchar *argv[] = { self, folder, number, NULL };
  g_autofree gchar *text = NULL;
  g_autoptr (GError) error = NULL;
  gdouble peak, planned, seconds, size = (gdouble) row->side * row->side / 1e6;
  gint status, steps;
  gboolean told;

  if (!g_spawn_sync (NULL, (gchar **) argv, NULL, G_SPAWN_CHILD_INHERITS_STDIN,
                     NULL, NULL, &text, NULL, &status, &error)
      || !g_spawn_check_wait_status (status, &error)
      || sscanf (text, "%lf %lf %lf %d", &peak, &planned, &seconds, &steps)
             != 4)
    {
      printf ("%s, %d: %s\n", row->quality, row->side,
              error ? error->message : "no answer");
      return FALSE;
    }
  told = peak <= planned * MAX_ABOVE;
  printf ("%s%-9s %4d x %4d, %dx, %3d steps%s: %6.1f s a megapixel, peak "
          "%6.1f MiB, planned %6.1f MiB\n",
          told ? "" : "told wrong: ", row->quality, row->side, row->side,
          row->scale, steps, row->alpha ? ", alpha" : "", seconds / size,
          peak / 0x1p20, planned / 0x1p20);
  fflush (stdout);
  return told;
}

int
main (int argc, char **argv)
{
  g_autofree gchar *folder = NULL;
  g_autofree gchar *self = g_file_read_link ("/proc/self/exe", NULL);
  g_autoptr (GError) error = NULL;
  gboolean good = TRUE;

  if (argc == 3)
    {
      int status;

      gegl_init (NULL, NULL);
      status = paint (
          argv[1],
          &rows[CLAMP (atoi (argv[2]), 0, (gint) G_N_ELEMENTS (rows) - 1)]);
      gegl_exit ();
      return status;
    }
  folder = g_dir_make_tmp ("tess-upscale-XXXXXX", &error);
  if (folder == NULL || !write_model (folder, &error))
    {
      g_printerr ("%s\n", error->message);
      return EXIT_FAILURE;
    }
  g_setenv ("TESSERA_MODELS", folder, TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    good &= measure (self, folder, i);
  for (guint i = 0; i < 2; i++)
    {
      g_autofree gchar *path = g_build_filename (
          folder, i == 0 ? "small.safetensors" : "merges.txt", NULL);

      g_remove (path);
    }
  g_rmdir (folder);
  return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
