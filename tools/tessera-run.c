/* SPDX-License-Identifier: GPL-3.0-or-later
 * tools/tessera-run.c: the job without GIMP: settings in, PNG out. */
#include "core/devices.h"
#include "core/error.h"
#include "core/generate.h"
#include "core/instances-json.h"
#include "core/job-folder.h"
#include "core/model.h"
#include "core/png-file.h"
#include "core/quality.h"
#include "core/threads.h"
#include "gpu/backend.h"

#include <glib/gstdio.h>
#include <glib-unix.h>
#include <locale.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXIT_USAGE 2
#define EXIT_CANCELLED 130
#define METADATA_KEY "Tessera"

typedef struct
{
  gchar *output, *job, *preview, *instances;
  gchar *folder; /* of the job's steps */
  gchar **words; /* the prompt; of upscale: what is read and written */
  gboolean upscale;
  gdouble scale;
  gchar *quality;
  gboolean plan, devices, models, version, quiet, stats, print_job, no_metadata;
  gboolean resume, no_resume, keep_job;
  gint depth, preview_every;
  GPtrArray *names, *values; /* of settings, in order */
  GPtrArray *loras, *regions;
} Options;

static gboolean
take_setting (const gchar *name,
              const gchar *value,
              gpointer data,
              GError **error)
{
  Options *options = data;

  g_ptr_array_add (options->names, g_strdup (name + strlen ("--")));
  g_ptr_array_add (options->values, g_strdup (value));
  return TRUE;
}

static gboolean
take_list (const gchar *name, const gchar *value, gpointer data, GError **error)
{
  Options *options = data;

  g_ptr_array_add (g_str_equal (name, "--lora") ? options->loras
                                                : options->regions,
                   g_strdup (value));
  return TRUE;
}

static gboolean
take_resume (const gchar *name,
             const gchar *value,
             gpointer data,
             GError **error)
{
  Options *options = data;

  options->resume = TRUE;
  if (value)
    {
      g_free (options->folder);
      options->folder = g_strdup (value);
    }
  return TRUE;
}

static gchar *
choices_string (const TessChoice *choices)
{
  GString *list = g_string_new (NULL);

  for (; choices->nick; choices++)
    g_string_append_printf (list, "%s%s", list->len ? "|" : "", choices->nick);
  return g_string_free (list, FALSE);
}

/* "what it does (default)" */
static gchar *
field_help (const TessRequestField *field, const TessRequest *defaults)
{
  gconstpointer at = G_STRUCT_MEMBER_P (defaults, field->offset);

  switch (field->kind)
    {
    case TESS_FIELD_INT:
      return g_strdup_printf ("%s (%d)", field->help, *(const gint *) at);
    case TESS_FIELD_REAL:
      return g_strdup_printf ("%s (%g)", field->help, *(const gdouble *) at);
    case TESS_FIELD_CHOICE:
      for (const TessChoice *c = field->choices; c->nick; c++)
        if (c->value == *(const gint *) at)
          return g_strdup_printf ("%s (%s)", field->help, c->nick);
      break;
    default:
      break;
    }
  return g_strdup (field->help);
}

static const gchar *
field_argument (const TessRequestField *field)
{
  switch (field->kind)
    {
    case TESS_FIELD_TEXT:
      return "TEXT";
    case TESS_FIELD_PATH:
      return "PATH";
    case TESS_FIELD_SIZE:
      return "BYTES";
    case TESS_FIELD_REAL:
      return "X";
    default:
      return "N";
    }
}

/* One option per setting of a request. The strings live as long as the
 * process, as GOption wants them. */
static void
add_setting_options (GOptionContext *context, Options *options)
{
  g_autoptr (TessRequest) defaults = tess_request_new ();
  guint n;
  const TessRequestField *fields = tess_request_fields (&n);
  g_autofree GOptionEntry *entries = g_new0 (GOptionEntry, n + 1);
  GOptionGroup *group = g_option_group_new (
      "settings", "Settings of the picture:", "Settings of the picture",
      options, NULL);

  for (guint i = 0; i < n; i++)
    entries[i] = (GOptionEntry) {
      .long_name = fields[i].name,
      .arg = G_OPTION_ARG_CALLBACK,
      .arg_data = take_setting,
      .description = field_help (&fields[i], defaults),
      .arg_description = fields[i].choices ? choices_string (fields[i].choices)
                                           : field_argument (&fields[i]),
    };
  g_option_group_add_entries (group, entries);
  g_option_group_add_entries (
      group,
      (GOptionEntry[]) {
          { "lora", 0, 0, G_OPTION_ARG_CALLBACK, take_list,
            "a LoRA file; strength 1 where none is given; may be repeated",
            "FILE[*STRENGTH]" },
          { "region", 0, 0, G_OPTION_ARG_CALLBACK, take_list,
            "what to paint where MASK.png is white; may be repeated",
            "MASK.png=PROMPT" },
          { "resume", 0, G_OPTION_FLAG_OPTIONAL_ARG, G_OPTION_ARG_CALLBACK,
            take_resume,
            "go on with the job in DIR, or the last one that was stopped, "
            "instead of beginning one; other settings are not read",
            "DIR" },
          { NULL } });
  g_option_context_add_group (context, group);
}

static gboolean
parse_options (Options *options, gint *argc, gchar ***argv, GError **error)
{
  const GOptionEntry entries[] = {
    { "output", 'o', 0, G_OPTION_ARG_FILENAME, &options->output,
      "PNG file to write; nothing is left of it if the job stops", "FILE" },
    { "job", 'j', 0, G_OPTION_ARG_FILENAME, &options->job,
      "JSON file with settings, named as the options; those given here count "
      "more; its paths are relative to it",
      "FILE" },
    { "instances", 0, 0, G_OPTION_ARG_FILENAME, &options->instances,
      "JSON file with a list of named things and where they are: "
      "{\"text\": \"a barn\", \"box\": [x, y, width, height]}, or "
      "\"point\", \"scribble\", \"mask\" (a PNG)",
      "FILE" },
    { "depth", 0, 0, G_OPTION_ARG_INT, &options->depth,
      "bits per channel of the PNG (8; upscale: as the picture has)", "8|16" },
    { "no-metadata", 0, 0, G_OPTION_ARG_NONE, &options->no_metadata,
      "do not store the settings in the PNG", NULL },
    { "preview", 0, 0, G_OPTION_ARG_FILENAME, &options->preview,
      "PNG file that shows the picture while it is made", "FILE" },
    { "preview-every", 0, 0, G_OPTION_ARG_INT, &options->preview_every,
      "steps between two previews (1)", "N" },
    { "job-folder", 0, 0, G_OPTION_ARG_FILENAME, &options->folder,
      "new folder for what is kept of each step until the picture is done "
      "(one below ~/.local/state/tessera/jobs)",
      "DIR" },
    { "no-resume", 0, 0, G_OPTION_ARG_NONE, &options->no_resume,
      "keep nothing of the steps", NULL },
    { "keep-job", 0, 0, G_OPTION_ARG_NONE, &options->keep_job,
      "leave the job's folder when the picture is done; --resume decodes it "
      "again",
      NULL },
    { "scale", 0, 0, G_OPTION_ARG_DOUBLE, &options->scale,
      "with upscale: how many times larger, where neither width nor height is "
      "given (4)",
      "X" },
    { "quality", 0, 0, G_OPTION_ARG_STRING, &options->quality,
      "with upscale: steps and tiles; reference has 200 steps, good 50, quick "
      "20, fast 20 with tiles that shift (good)",
      "WORD" },
    { "plan", 0, 0, G_OPTION_ARG_NONE, &options->plan,
      "print tiles, memory and time, and paint nothing", NULL },
    { "print-job", 0, 0, G_OPTION_ARG_NONE, &options->print_job,
      "print the settings as a job file, and paint nothing", NULL },
    { "models", 0, 0, G_OPTION_ARG_NONE, &options->models,
      "list the models that are found", NULL },
    { "devices", 0, 0, G_OPTION_ARG_NONE, &options->devices,
      "list what can compute here", NULL },
    { "stats", 0, 0, G_OPTION_ARG_NONE, &options->stats,
      "print seconds and peak memory at the end", NULL },
    { "quiet", 'q', 0, G_OPTION_ARG_NONE, &options->quiet,
      "no progress on stderr", NULL },
    { "version", 0, 0, G_OPTION_ARG_NONE, &options->version,
      "print the version", NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &options->words,
      NULL, "[PROMPT]" },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autofree gchar *help = NULL;

  g_option_context_set_summary (
      context, "Paints a picture of any size from words with a diffusion "
               "model, tile by tile.");
  g_option_context_set_description (
      context, "Exit status: 0 done, 1 it could not be done, 2 wrong usage, "
               "130 stopped by a signal.\n"
               "Examples: tessera-run -o lake.png --width 2048 --height 512 "
               "\"a mountain lake at dawn\"\n"
               "tessera-run upscale small.png large.png --scale 4");
  g_option_context_add_main_entries (context, entries, NULL);
  add_setting_options (context, options);
  g_option_context_set_help_enabled (context, FALSE);
  for (gint i = 1; i < *argc; i++)
    if (g_str_equal ((*argv)[i], "--help") || g_str_equal ((*argv)[i], "-h"))
      {
        help = g_option_context_get_help (context, FALSE, NULL);
        fputs (help, stdout);
        exit (EXIT_SUCCESS);
      }
    else if (g_str_equal ((*argv)[i], "--"))
      break;
  return g_option_context_parse (context, argc, argv, error);
}

static gboolean
add_lora (TessRequest *request, const gchar *text, GError **error)
{
  const gchar *star = strrchr (text, '*');
  g_autofree gchar *path
      = star ? g_strndup (text, star - text) : g_strdup (text);
  gdouble strength = 1.0;
  gchar *end = NULL;

  if (star)
    {
      strength = g_ascii_strtod (star + 1, &end);
      if (end == star + 1 || *end)
        {
          g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
                       "\"%s\" is no strength of a LoRA; give a number", star);
          return FALSE;
        }
    }
  tess_request_add_lora (request, path, strength);
  return TRUE;
}

static gboolean
add_region (TessRequest *request, const gchar *text, GError **error)
{
  const gchar *equals = strstr (text, "=");
  g_autofree gchar *path = NULL;

  if (equals == NULL)
    {
      g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
                   "\"%s\" is no region; write MASK.png=PROMPT", text);
      return FALSE;
    }
  path = g_strndup (text, equals - text);
  tess_request_add_region (request, equals + 1, NULL, NULL, path);
  return TRUE;
}

/* No words, no guidance, the sampler of the paper. */
static gboolean
upscale_defaults (const Options *options, TessRequest *request, GError **error)
{
  const gchar *wanted = options->quality ? options->quality : "good";
  const TessChoice *word = tess_qualities ();

  request->method = TESS_TILING_UPSCALE;
  request->sampler = TESS_SAMPLER_DDPM;
  request->guidance = 1.0;
  while (word->nick && !g_str_equal (word->nick, wanted))
    word++;
  if (word->nick)
    tess_quality_apply (word->value, request);
  else
    g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
                 "there is no quality \"%s\"; take reference, good, quick or "
                 "fast",
                 wanted);
  return word->nick != NULL;
}

/* The first model found that can, where none is named. */
static void
choose_upscaler (TessRequest *request)
{
  const guint holds = TESS_HOLDS_MODEL | TESS_HOLDS_STRUCTURE;
  g_autoptr (GPtrArray) models = NULL;

  if (request->model || request->upscale_model)
    return;
  models = tess_models_find (NULL);
  for (guint i = 0; i < models->len && request->model == NULL; i++)
    {
      const TessModelEntry *entry = models->pdata[i];

      if ((tess_model_holds (entry->path) & holds) == holds)
        request->model = g_strdup (entry->path);
    }
}

static gboolean
is_given (const Options *options, const gchar *name)
{
  for (guint i = 0; i < options->names->len; i++)
    if (g_str_equal (options->names->pdata[i], name))
      return TRUE;
  return FALSE;
}

/* The picture, and how large it becomes: a side that is not given follows the
 * other. */
static gboolean
read_upscaled (const Options *options, TessRequest *request, GError **error)
{
  gboolean width = is_given (options, "width");
  gboolean height = is_given (options, "height");
  gdouble w, h, scale = options->scale;

  if (!tess_request_set (request, "init", options->words[0], error))
    return FALSE;
  request->init = tess_png_load (options->words[0], TESS_PNG_PICTURE, error);
  if (request->init == NULL)
    return FALSE;
  w = gegl_buffer_get_width (request->init);
  h = gegl_buffer_get_height (request->init);
  if (width)
    scale = request->width / w;
  else if (height)
    scale = request->height / h;
  if (!width)
    request->width = (gint) CLAMP (floor (w * scale), 0, G_MAXINT);
  if (!height)
    request->height = (gint) CLAMP (floor (h * scale), 0, G_MAXINT);
  return TRUE;
}

static TessRequest *
make_request (const Options *options, GError **error)
{
  g_autoptr (TessRequest) request = NULL;

  if (options->job)
    {
      g_autofree gchar *json = NULL;
      g_autofree gchar *path = g_canonicalize_filename (options->job, NULL);
      g_autofree gchar *folder = g_path_get_dirname (path);

      if (!g_file_get_contents (options->job, &json, NULL, error))
        return NULL;
      request = tess_request_from_json (json, folder, error);
    }
  else
    request = tess_request_new ();
  if (request == NULL)
    return NULL;
  if (options->upscale && !upscale_defaults (options, request, error))
    return NULL;
  for (guint i = 0; i < options->names->len; i++)
    if (!tess_request_set (request, options->names->pdata[i],
                           options->values->pdata[i], error))
      return NULL;
  if (options->upscale)
    {
      if (!read_upscaled (options, request, error))
        return NULL;
      choose_upscaler (request);
    }
  else if (options->words
           && !tess_request_set (request, "prompt", options->words[0], error))
    return NULL;
  for (guint i = 0; i < options->loras->len; i++)
    if (!add_lora (request, options->loras->pdata[i], error))
      return NULL;
  for (guint i = 0; i < options->regions->len; i++)
    if (!add_region (request, options->regions->pdata[i], error))
      return NULL;
  if (options->instances
      && !tess_instances_parse (options->instances, request->instances, error))
    return NULL;
  if (!tess_request_check (request, error))
    return NULL;
  return g_steal_pointer (&request);
}

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
  const Options *options;
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
depth_of (const Options *options, const TessRequest *request)
{
  const Babl *deep = babl_format ("R'G'B'A u16");

  if (options->depth != 0)
    return options->depth;
  return options->upscale && gegl_buffer_get_format (request->init) == deep ? 16
                                                                            : 8;
}

/* Where the new job is kept. Only a folder that was asked for must do. */
static gboolean
begin_job (const Options *options,
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
resume_job (Options *options,
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
paint (const Options *options,
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
print_only (const Options *options, const TessRequest *request, GError **error)
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
work (Options *options,
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
      request = make_request (options, error);
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
work_folder (Options *options,
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

static const gchar *
usage_fault (const Options *options)
{
  if (options->upscale
      && (options->words == NULL || options->words[0] == NULL
          || options->words[1] == NULL || options->words[2] != NULL
          || options->output != NULL || options->resume))
    return "upscale takes a picture and where the larger one goes";
  if (options->upscale && !(options->scale > 0.0))
    return "the scale is above 0";
  if (!options->upscale && options->words && options->words[1])
    return "more than one prompt; put it in quotes";
  if (options->depth != 0 && options->depth != 8 && options->depth != 16)
    return "the depth is 8 or 16 bits";
  if (!options->output && !options->upscale && !options->plan
      && !options->print_job && !options->resume)
    return "no file to write; give --output FILE";
  return NULL;
}

static void
options_finish (Options *options)
{
  g_free (options->output);
  g_free (options->quality);
  g_free (options->job);
  g_free (options->preview);
  g_free (options->folder);
  g_strfreev (options->words);
  g_ptr_array_unref (options->names);
  g_ptr_array_unref (options->values);
  g_ptr_array_unref (options->loras);
  g_ptr_array_unref (options->regions);
}

static gint
run (Options *options, GCancellable *cancellable, gint argc, gchar **argv)
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
  if (!parse_options (options, &argc, &argv, &error))
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
  fault = usage_fault (options);
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
  Options options = {
    .scale = 4.0,
    .names = g_ptr_array_new_with_free_func (g_free),
    .values = g_ptr_array_new_with_free_func (g_free),
    .loras = g_ptr_array_new_with_free_func (g_free),
    .regions = g_ptr_array_new_with_free_func (g_free),
  };
  gint status;

  tess_threads_init (argv);
  setlocale (LC_ALL, "");
  cancellable = cancel_on_signals ();
  gegl_init (NULL, NULL);
  tess_gpu_register ();
  g_object_set (gegl_config (), "use-opencl", FALSE, NULL);
  status = run (&options, cancellable, argc, argv);
  options_finish (&options);
  gegl_exit (); /* takes its swap files with it */
  return status;
}
