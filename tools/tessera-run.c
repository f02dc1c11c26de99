/* SPDX-License-Identifier: GPL-3.0-or-later
 * tools/tessera-run.c: the job without GIMP: settings in, PNG out. */
#include "core/devices.h"
#include "core/error.h"
#include "core/generate.h"
#include "core/job-folder.h"
#include "core/model.h"
#include "core/png-file.h"
#include "core/threads.h"
#include "gpu/backend.h"
#include "tools/run-options.h"

#include <glib/gstdio.h>
#include <glib-unix.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXIT_USAGE 2
#define EXIT_CANCELLED 130
#define METADATA_KEY "Tessera"

static void
list_models (void)
{
  g_autoptr (GPtrArray) models = tess_models_find (NULL);

  for (guint i = 0; i < models->len; i++)
    {
      const TessModelEntry *entry = models->pdata[i];

      printf ("%s\t%s\n", entry->name, entry->path);
    }
}

static void
list_devices (void)
{
  g_autofree gchar *lines = tess_devices_list (0, TRUE);

  fputs (lines, stdout);
}

static gchar *
duration (gdouble seconds)
{
  gint s = (gint) (seconds + 0.5);

  if (s < 60)
    return g_strdup_printf ("%d s", s);
  if (s < 3600)
    return g_strdup_printf ("%d:%02d min", s / 60, s % 60);
  return g_strdup_printf ("%d:%02d h", s / 3600, s / 60 % 60);
}

static void
print_plan (const TessJobPlan *plan)
{
  g_autofree gchar *time = plan->seconds > 0.0
                               ? duration (plan->seconds)
                               : g_strdup ("not known yet on this machine");

  printf ("model     %s\n", plan->model);
  printf ("device    %s\n", plan->device);
  if (plan->prediction_guessed)
    printf (
        "guessed   whether it predicts eps or v: the file does not say; say "
        "it once with --prediction, it is remembered\n");
  if (plan->names)
    printf ("instances %s\n", plan->names);
  printf ("canvas    %d x %d pixels, %d x %d cells\n", plan->width,
          plan->height, plan->cells_w, plan->cells_h);
  printf ("tiles     %d of %d x %d cells, %d samples at once\n", plan->n_tiles,
          plan->tile_w, plan->tile_h, plan->batch);
  printf ("steps     %d, %d samples of the network in all\n", plan->n_steps,
          plan->n_calls);
  printf ("cells     %.3f samples of each at each step, guidance apart\n",
          plan->samples_per_cell);
  printf ("work      %.4g TFLOP\n", plan->n_flops * 1e-12);
  printf ("memory    %.2f GiB, %.2f of them weights; %.2f GiB are free\n",
          plan->n_bytes / 0x1p30, plan->n_bytes_weights / 0x1p30,
          plan->n_bytes_free / 0x1p30);
  printf ("time      %s\n", time);
}

typedef struct
{
  const RunOptions *options;
  gboolean tty, wrote;
  gint64 last; /* us */
} Show;

static void
show_progress (const TessProgress *progress, gpointer data)
{
  Show *show = data;
  gint64 now = g_get_monotonic_time ();
  g_autofree gchar *left = NULL;
  g_autofree gchar *stage = NULL;

  if (show->options->quiet
      || (now - show->last < (show->tty ? 100000 : 5000000)
          && progress->fraction < 1.0))
    return;
  show->last = now;
  left = progress->seconds_left >= 0.0 ? duration (progress->seconds_left)
                                       : g_strdup ("?");
  switch (progress->stage)
    {
    case TESS_STAGE_LOAD:
      stage = g_strdup ("loading");
      break;
    case TESS_STAGE_ENCODE:
      stage = g_strdup ("encoding");
      break;
    case TESS_STAGE_SAMPLE:
      stage = g_strdup_printf ("step %d of %d, tile %d of %d",
                               progress->step + 1, progress->n_steps,
                               progress->tile, progress->n_tiles);
      break;
    case TESS_STAGE_DECODE:
      stage = g_strdup ("decoding");
      break;
    }
  fprintf (stderr, "%s%3.0f %%  %s, %s left%s", show->tty ? "\r\033[K" : "",
           progress->fraction * 100.0, stage, left, show->tty ? "" : "\n");
  show->wrote = show->tty;
}

static void
show_preview (const guint8 *rgb, gint width, gint height, gpointer data)
{
  Show *show = data;
  const TessPngSettings settings = { 0 };
  g_autoptr (GError) error = NULL;
  g_autoptr (GeglBuffer) buffer = gegl_buffer_new (
      GEGL_RECTANGLE (0, 0, width, height), babl_format ("R'G'B' u8"));

  gegl_buffer_set (buffer, NULL, 0, NULL, rgb, GEGL_AUTO_ROWSTRIDE);
  if (!tess_png_save (buffer, show->options->preview, &settings, NULL, &error))
    g_printerr ("%s\n", error->message);
}

/* Signals are taken by a thread of their own, for a handler may do nothing. */
static gpointer
wait_for_signals (gpointer data)
{
  GCancellable *cancellable = data;
  sigset_t set;
  int number;

  sigemptyset (&set);
  sigaddset (&set, SIGINT);
  sigaddset (&set, SIGTERM);
  sigwait (&set, &number);
  g_cancellable_cancel (cancellable);
  sigwait (&set, &number); /* asked twice */
  _exit (EXIT_CANCELLED);
}

static GCancellable *
cancel_on_signals (void)
{
  GCancellable *cancellable = g_cancellable_new ();
  sigset_t set;

  sigemptyset (&set);
  sigaddset (&set, SIGINT);
  sigaddset (&set, SIGTERM);
  pthread_sigmask (SIG_BLOCK, &set, NULL);
  g_thread_unref (g_thread_new ("signals", wait_for_signals, cancellable));
  return cancellable;
}

static gsize
peak_memory (void)
{
  g_autofree gchar *text = NULL;
  const gchar *line;

  if (!g_file_get_contents ("/proc/self/status", &text, NULL, NULL)
      || (line = strstr (text, "VmHWM:")) == NULL)
    return 0;
  return (gsize) g_ascii_strtoull (line + strlen ("VmHWM:"), NULL, 10) * 1024;
}

/* Better now than after an hour of work. */
static gboolean
check_output (const gchar *path, GError **error)
{
  g_autofree gchar *folder = g_path_get_dirname (path);

  if (g_file_test (path, G_FILE_TEST_IS_DIR))
    g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_ISDIR,
                 "%s is a folder; give the name of a file in it", path);
  else if (g_access (folder, W_OK | X_OK) != 0)
    g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_ACCES,
                 "nothing can be written into %s; choose another place",
                 folder);
  else
    return TRUE;
  return FALSE;
}

static void
show_warning (const gchar *text, gpointer data)
{
  Show *show = data;

  g_printerr ("%s%s\n", show->wrote ? "\n" : "", text);
}

/* As asked for; a picture that is enlarged keeps its own. */
static gint
depth_of (const RunOptions *options, const TessRequest *request)
{
  const Babl *deep = babl_format ("R'G'B'A u16");

  if (options->depth != 0)
    return options->depth;
  return options->upscale && gegl_buffer_get_format (request->init) == deep ? 16
                                                                            : 8;
}

/* Where the new job is kept. Only a folder that was asked for must do. */
static gboolean
begin_job (const RunOptions *options,
           TessRequest *request,
           TessJobFolder **folder,
           GError **error)
{
  const gchar *depth = options->depth == 16 ? "16" : "8";
  g_autofree gchar *path = NULL;
  g_autofree gchar *output = NULL;
  g_autoptr (GError) local = NULL;

  if (options->no_resume)
    return TRUE;
  path
      = options->folder ? g_strdup (options->folder) : tess_job_folder_fresh ();
  output = g_canonicalize_filename (options->output, NULL);
  *folder = tess_job_folder_new (path, request, &local);
  if (*folder && tess_job_folder_note (*folder, "output", output, &local)
      && tess_job_folder_note (*folder, "depth", depth, &local))
    return TRUE;
  g_clear_pointer (folder, tess_job_folder_close);
  if (options->folder)
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  g_printerr ("%s; going on without\n", local->message);
  return TRUE;
}

/* The job that was stopped, and where its picture was to go. */
static gboolean
resume_job (RunOptions *options,
            TessRequest **request,
            TessJobFolder **folder,
            GError **error)
{
  g_autofree gchar *path
      = options->folder ? g_strdup (options->folder) : tess_job_folder_last ();
  g_autofree gchar *depth = NULL;

  if (path == NULL)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                   "there is no job that could go on");
      return FALSE;
    }
  *folder = tess_job_folder_open (path, request, error);
  if (*folder == NULL)
    return FALSE;
  if (options->output == NULL)
    options->output = tess_job_folder_read_note (*folder, "output");
  depth = tess_job_folder_read_note (*folder, "depth");
  if (options->depth == 0)
    options->depth = g_strcmp0 (depth, "16") == 0 ? 16 : 8;
  if (options->output)
    return TRUE;
  g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
               "the job in %s does not say where its picture goes; give "
               "--output FILE",
               path);
  return FALSE;
}

static gboolean
paint (const RunOptions *options,
       TessStudio *studio,
       TessRequest *request,
       TessJobFolder **folder,
       GCancellable *cancellable,
       GError **error)
{
  Show show = { .options = options, .tty = isatty (STDERR_FILENO) };
  const TessJobHooks hooks = {
    .progress = show_progress,
    .preview = options->preview ? show_preview : NULL,
    .preview_every = MAX (options->preview_every, 1),
    .warning = show_warning,
    .data = &show,
    .folder = *folder,
  };
  gint64 began = g_get_monotonic_time ();
  g_autoptr (GeglBuffer) picture = NULL;
  g_autofree gchar *json = NULL;
  TessPngSettings png = { .depth = options->depth, .key = METADATA_KEY };

  picture = tess_studio_run (studio, request, &hooks, cancellable, error);
  if (show.wrote)
    fputc ('\n', stderr);
  if (picture == NULL)
    return FALSE;
  json = tess_request_to_json (request);
  png.text = options->no_metadata ? NULL : json;
  if (!tess_png_save (picture, options->output, &png, cancellable, error))
    return FALSE;
  if (!options->keep_job)
    tess_job_folder_remove (g_steal_pointer (folder));
  if (options->stats)
    printf ("seed %" G_GINT64_FORMAT ", %.1f s, peak memory %.1f MiB\n",
            request->seed, (g_get_monotonic_time () - began) * 1e-6,
            peak_memory () / 0x1p20);
  return TRUE;
}

static gboolean
print_only (const RunOptions *options,
            const TessRequest *request,
            GError **error)
{
  g_autoptr (TessStudio) studio = NULL;
  TessJobPlan plan;
  gboolean good;

  if (options->print_job)
    {
      g_autofree gchar *json = tess_request_to_json (request);

      printf ("%s\n", json);
      return TRUE;
    }
  studio = tess_studio_new ();
  good = tess_studio_plan (studio, request, &plan, error);
  if (good)
    print_plan (&plan);
  tess_job_plan_clear (&plan);
  return good;
}

static gboolean
work (RunOptions *options,
      TessStudio *studio,
      GCancellable *cancellable,
      GError **error)
{
  g_autoptr (TessRequest) request = NULL;
  g_autoptr (TessJobFolder) folder = NULL;
  gint asked = options->depth;
  gboolean good;

  if (options->resume)
    {
      if (!resume_job (options, &request, &folder, error)
          || !check_output (options->output, error))
        return FALSE;
    }
  else
    {
      request = run_options_request (options, error);
      if (request == NULL)
        return FALSE;
      if (options->print_job || options->plan)
        return print_only (options, request, error);
      options->depth = depth_of (options, request);
      if (!check_output (options->output, error)
          || !begin_job (options, request, &folder, error))
        {
          options->depth = asked;
          return FALSE;
        }
    }
  good = paint (options, studio, request, &folder, cancellable, error);
  options->depth = asked;
  if (good)
    return TRUE;
  if (folder && !tess_job_folder_is_begun (folder))
    tess_job_folder_remove (g_steal_pointer (&folder));
  if (folder)
    g_printerr ("the job is kept; tessera-run --resume=%s goes on\n",
                tess_job_folder_path (folder));
  return FALSE;
}

/* Every PNG of one folder into another, under its name; what is there already
 * is left as it is, so that a run that was stopped goes on. One that cannot be
 * done does not stop the others. */
static gboolean
work_folder (RunOptions *options,
             TessStudio *studio,
             GCancellable *cancellable,
             GError **error)
{
  g_autofree gchar *from = g_strdup (options->words[0]);
  g_autofree gchar *to = g_steal_pointer (&options->output);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GDir) dir = g_dir_open (from, 0, error);
  const gchar *name;
  guint n_failed = 0;

  if (dir == NULL)
    return FALSE;
  if (g_mkdir_with_parents (to, 0777) != 0)
    {
      g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_FAILED,
                   "the folder %s cannot be made; choose another place", to);
      return FALSE;
    }
  while ((name = g_dir_read_name (dir)) != NULL)
    if (g_str_has_suffix (name, ".png") || g_str_has_suffix (name, ".PNG"))
      g_ptr_array_add (names, g_strdup (name));
  g_ptr_array_sort_values (names, (GCompareFunc) strcmp);
  for (guint i = 0; i < names->len; i++)
    {
      g_autoptr (GError) local = NULL;

      g_clear_pointer (&options->output, g_free);
      g_free (options->words[0]);
      options->words[0] = g_build_filename (from, names->pdata[i], NULL);
      options->output = g_build_filename (to, names->pdata[i], NULL);
      if (g_file_test (options->output, G_FILE_TEST_EXISTS))
        continue;
      if (!options->quiet)
        g_printerr ("%s\n", options->output);
      if (work (options, studio, cancellable, &local))
        continue;
      if (g_cancellable_is_cancelled (cancellable))
        {
          g_propagate_error (error, g_steal_pointer (&local));
          return FALSE;
        }
      g_printerr ("%s: %s\n", options->words[0], local->message);
      n_failed++;
    }
  if (n_failed == 0)
    return TRUE;
  g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
               "%u of %u pictures could not be enlarged", n_failed, names->len);
  return FALSE;
}

static gint
run (RunOptions *options, GCancellable *cancellable, gint argc, gchar **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TessStudio) studio = NULL;
  const gchar *fault;

  if (argc > 1 && g_str_equal (argv[1], "upscale"))
    {
      options->upscale = TRUE;
      argv[1] = argv[0];
      argc--, argv++;
    }
  if (!run_options_parse (options, &argc, &argv, &error))
    {
      g_printerr ("%s; --help lists the options\n", error->message);
      return EXIT_USAGE;
    }
  if (options->version)
    printf ("tessera-run %s\n", TESS_VERSION);
  if (options->models)
    list_models ();
  if (options->devices)
    list_devices ();
  if (options->version || options->models || options->devices)
    return EXIT_SUCCESS;
  fault = run_options_fault (options);
  if (fault)
    {
      g_printerr ("%s; --help lists the options\n", fault);
      return EXIT_USAGE;
    }
  studio = tess_studio_new ();
  if (options->upscale)
    options->output = g_strdup (options->words[1]);
  if (options->upscale && g_file_test (options->words[0], G_FILE_TEST_IS_DIR)
          ? work_folder (options, studio, cancellable, &error)
          : work (options, studio, cancellable, &error))
    return EXIT_SUCCESS;
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return EXIT_CANCELLED;
  g_printerr ("%s\n", error->message);
  return EXIT_FAILURE;
}

int
main (int argc, char **argv)
{
  g_autoptr (GCancellable) cancellable = NULL;
  RunOptions options;
  gint status;

  run_options_init (&options);
  tess_threads_init (argv);
  setlocale (LC_ALL, "");
  cancellable = cancel_on_signals ();
  gegl_init (NULL, NULL);
  tess_gpu_register ();
  g_object_set (gegl_config (), "use-opencl", FALSE, NULL);
  status = run (&options, cancellable, argc, argv);
  run_options_finish (&options);
  gegl_exit (); /* takes its swap files with it */
  return status;
}
