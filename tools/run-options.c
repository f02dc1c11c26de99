/* SPDX-License-Identifier: GPL-3.0-or-later
 * tools/run-options.c: the command line of tessera-run, and what it asks for.
 */
#include "tools/run-options.h"

#include "core/error.h"
#include "core/instances-json.h"
#include "core/model.h"
#include "core/png-file.h"
#include "core/quality.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
run_options_init (RunOptions *options)
{
  *options = (RunOptions) {
    .scale = 4.0,
    .names = g_ptr_array_new_with_free_func (g_free),
    .values = g_ptr_array_new_with_free_func (g_free),
    .loras = g_ptr_array_new_with_free_func (g_free),
    .regions = g_ptr_array_new_with_free_func (g_free),
  };
}

static gboolean
take_setting (const gchar *name,
              const gchar *value,
              gpointer data,
              GError **error)
{
  RunOptions *options = data;

  g_ptr_array_add (options->names, g_strdup (name + strlen ("--")));
  g_ptr_array_add (options->values, g_strdup (value));
  return TRUE;
}

static gboolean
take_list (const gchar *name, const gchar *value, gpointer data, GError **error)
{
  RunOptions *options = data;

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
  RunOptions *options = data;

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
add_setting_options (GOptionContext *context, RunOptions *options)
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

gboolean
run_options_parse (RunOptions *options,
                   gint *argc,
                   gchar ***argv,
                   GError **error)
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
upscale_defaults (const RunOptions *options,
                  TessRequest *request,
                  GError **error)
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
is_given (const RunOptions *options, const gchar *name)
{
  for (guint i = 0; i < options->names->len; i++)
    if (g_str_equal (options->names->pdata[i], name))
      return TRUE;
  return FALSE;
}

/* The picture, and how large it becomes: a side that is not given follows the
 * other. */
static gboolean
read_upscaled (const RunOptions *options, TessRequest *request, GError **error)
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

TessRequest *
run_options_request (const RunOptions *options, GError **error)
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

const gchar *
run_options_fault (const RunOptions *options)
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

void
run_options_finish (RunOptions *options)
{
  g_free (options->output);
  g_free (options->quality);
  g_free (options->job);
  g_free (options->preview);
  g_free (options->instances);
  g_free (options->folder);
  g_strfreev (options->words);
  g_ptr_array_unref (options->names);
  g_ptr_array_unref (options->values);
  g_ptr_array_unref (options->loras);
  g_ptr_array_unref (options->regions);
}
