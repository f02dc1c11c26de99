/* SPDX-License-Identifier: GPL-3.0-or-later
 * plugins/arguments.c: the settings of the painting procedures. */
#include "plugins/arguments.h"

#include <string.h>
#include <glib/gi18n-lib.h>
#include "core/error.h"
#include "core/instances-json.h"
#include "core/quality.h"
#include "plugins/common.h"
#include "ui/choices.h"
#include "ui/models.h"
#include "ui/upscalers.h"

#define RW G_PARAM_READWRITE

/* Numbers and switches have GIMP check their range: a value outside ends the
 * calling script with an error. Words are checked in tess_arguments_read. */
static const struct
{
  const gchar *name, *label, *blurb, *standard;
  guint sets;     /* of all of which it is; 0: of every procedure */
  gboolean aside; /* concerns the image only: none of the request's */
} words[] = {
  { "sampler", N_ ("Sampler"),
    N_ ("How noise becomes a picture; DPM++ 2M is good in 20 steps"),
    "dpmpp-2m" },
  { "init", N_ ("Start from"),
    N_ ("Repaint what is there instead of starting from noise"), "none",
    TESS_ARGUMENTS_IMAGE | TESS_ARGUMENTS_PAINT, TRUE },
  { "source", N_ ("What to enlarge"),
    N_ ("Of which only the selection is taken, where there is one"), "visible",
    TESS_ARGUMENTS_ENLARGE, TRUE },
  { "quality", N_ ("Quality"),
    N_ ("Steps and tiles: reference is 200 steps as published, good 50, quick "
        "20; fast has 20 and tiles that shift"),
    "good", TESS_ARGUMENTS_ENLARGE, TRUE },
  { "colours", N_ ("Colors"),
    N_ ("How they are brought back to those of the picture"), "wavelet",
    TESS_ARGUMENTS_ENLARGE },
  { "output", N_ ("Result"), N_ ("Where the picture goes"), "layer",
    TESS_ARGUMENTS_IMAGE, TRUE },
  { "method", N_ ("Method"), N_ ("How tiles work together"), "multidiffusion",
    TESS_ARGUMENTS_METHOD },
  { "wrap", N_ ("Edges that meet"),
    N_ ("Horizontal: a panorama; both: a texture"), "auto",
    TESS_ARGUMENTS_WRAP },
  { "refine", N_ ("Tiles of the large picture"),
    N_ ("How they lie; shifted is fast, multidiffusion smoother"), "shifted",
    TESS_ARGUMENTS_REFINE },
  { "second", N_ ("How the large picture is made"),
    N_ ("Of the small one: painted anew, or upscaled where the model has the "
        "weights"),
    "auto", TESS_ARGUMENTS_REFINE },
  { "grid", N_ ("Grid"), N_ ("Where tiles lie"), "even", TESS_ARGUMENTS_PAINT },
  { "weight", N_ ("Tile weight"),
    N_ ("How much the middle of a tile counts where tiles overlap"), "auto" },
  { "vae", N_ ("Decoder"),
    N_ ("How pixels are made from the model's cells, tile by tile"), "auto" },
  { "device", N_ ("Device"), N_ ("What computes"), "auto" },
  { "storage", N_ ("Precision"), N_ ("How exactly it computes"), "auto" },
  { "spacing", N_ ("Spacing"), N_ ("Where the steps lie on the schedule"),
    "model", TESS_ARGUMENTS_PAINT },
  { "instance-prompts", N_ ("Instances' own prompts"),
    N_ ("Whether the text of each is also the prompt of its place: plainer "
        "things, which take longer"),
    "model", TESS_ARGUMENTS_PAINT },
  { "zero-snr", N_ ("Zero terminal SNR"),
    N_ ("Start from pure noise, for models trained so"), "model",
    TESS_ARGUMENTS_PAINT },
  { "prediction", N_ ("Prediction"),
    N_ ("What the network predicts, where the file does not say"), "model" },
};

/* The procedure's own default, or the usual one. */
static const gchar *
standard_of (gsize i, const TessStandard *standards)
{
  for (const TessStandard *s = standards; s && s->name; s++)
    if (strcmp (s->name, words[i].name) == 0)
      return s->word;
  return words[i].standard;
}

static void
declare_words (GimpProcedure *procedure,
               guint sets,
               const TessStandard *standards)
{
  for (gsize i = 0; i < G_N_ELEMENTS (words); i++)
    {
      if ((words[i].sets & sets) != words[i].sets)
        continue;
      tess_arguments_declare_word (procedure, words[i].name, _ (words[i].label),
                                   _ (words[i].blurb),
                                   standard_of (i, standards));
    }
}

static void
declare_image (GimpProcedure *procedure)
{
  gimp_procedure_add_image_argument (
      procedure, "image", _ ("Image"),
      _ ("Gets the new layer; none: a new image is made"), TRUE,
      RW | GIMP_PARAM_DONT_SERIALIZE);
}

static void
declare_regions (GimpProcedure *procedure)
{
  gimp_procedure_add_double_argument (
      procedure, "strength", _ ("Strength"),
      _ ("How much of what is there is painted anew, with “init”"), 0.01, 1.0,
      0.75, RW);
  gimp_procedure_add_layer_argument (
      procedure, "regions", _ ("Regions"),
      _ ("Layer group whose layers are regions: name or parasite "
         "“tessera-object” is the text, mask or alpha is the place"),
      TRUE, RW | GIMP_PARAM_DONT_SERIALIZE);
  gimp_procedure_add_layer_argument (
      procedure, "instance-layers", _ ("Instance layers"),
      _ ("Layer group whose layers are instances: the name is the text; a path "
         "of that name is a scribble or a point, else the layer is a mask, or "
         "a box where it is full"),
      TRUE, RW | GIMP_PARAM_DONT_SERIALIZE);
  gimp_procedure_add_string_argument (
      procedure, "selection-prompt", _ ("Prompt for the selection"),
      _ ("What to paint inside the selection; the prompt is for the rest"), "",
      RW | GIMP_PARAM_DONT_SERIALIZE);
  gimp_procedure_add_double_argument (
      procedure, "bootstrap", _ ("Bootstrap"),
      _ ("Part of the steps in which regions are kept apart; more binds a "
         "region tighter to its place"),
      0.0, 1.0, 0.2, RW);
}

static void
declare_instances (GimpProcedure *procedure)
{
  gimp_procedure_add_string_argument (
      procedure, "instances", _ ("Instances"),
      _ ("Named things and where they are: a JSON list of text with box, "
         "point, "
         "scribble or mask, or the name of a file with one"),
      "", RW);
  gimp_procedure_add_string_argument (
      procedure, "instance-model", _ ("Instance model"),
      _ ("InstanceDiffusion's weights, a file or a folder, for models without "
         "their own"),
      "", RW);
  gimp_procedure_add_double_argument (
      procedure, "instance-strength", _ ("Instance strength"),
      _ ("Part of the steps in which instances are put in their places"), 0.0,
      1.0, 0.75, RW);
  gimp_procedure_add_double_argument (procedure, "instance-apart",
                                      _ ("Instances apart"),
                                      _ ("Part of the steps in which each is "
                                         "painted by itself; more keeps them "
                                         "from mixing and takes longer; not "
                                         "where they have their own prompts"),
                                      0.0, 1.0, 0.36, RW);
}

/* What belongs to a picture painted larger. */
static void
declare_enlarge (GimpProcedure *procedure)
{
  gimp_procedure_add_double_argument (
      procedure, "scale", _ ("Scale"),
      _ ("How many times larger, where neither width nor height is given"),
      0.01, 100.0, 4.0, RW);
  gimp_procedure_add_double_argument (
      procedure, "fidelity", _ ("Fidelity"),
      _ ("How much the decoder keeps to the picture: 0 invents most, 1 least"),
      0.0, 1.0, 0.5, RW);
  gimp_procedure_add_string_argument (
      procedure, "upscale-model", _ ("Weights for enlarging"),
      _ ("StableSR's module, a file, for models without their own"), "", RW);
  gimp_procedure_add_string_argument (
      procedure, "upscale-decoder", _ ("Decoder for enlarging"),
      _ ("StableSR's decoder (vqgan_cfw), a file, for models without their "
         "own"),
      "", RW);
}

static void
declare_text (GimpProcedure *procedure, guint sets)
{
  gimp_procedure_add_string_argument (
      procedure, "prompt", _ ("Prompt"),
      _ ("What to paint; (word:1.3) weighs a word"), "", RW);
  gimp_procedure_add_string_argument (procedure, "negative", _ ("Negative"),
                                      _ ("What to keep away from"), "", RW);
  gimp_procedure_add_string_argument (
      procedure, "model", _ ("Model"),
      _ ("Name of a model found, or a path; empty: Horizon or the first found"),
      "", RW);
  if (sets & TESS_ARGUMENTS_PAINT)
    declare_instances (procedure);
  gimp_procedure_add_string_argument (
      procedure, "loras", _ ("LoRAs"),
      _ ("Files that change the model, one a line: file or file:weight"), "",
      RW);
}

static void
declare_numbers (GimpProcedure *procedure, guint sets)
{
  gboolean enlarge = (sets & TESS_ARGUMENTS_ENLARGE) != 0;
  const gchar *side
      = enlarge ? _ ("In pixels; 0: as the other side says, or the scale")
                : _ ("In pixels; 0: as the selection or the image");

  gimp_procedure_add_int_argument (procedure, "width", _ ("Width"), side, 0,
                                   GIMP_MAX_IMAGE_SIZE, 0, RW);
  gimp_procedure_add_int_argument (procedure, "height", _ ("Height"), side, 0,
                                   GIMP_MAX_IMAGE_SIZE, 0, RW);
  gimp_procedure_add_int_argument (
      procedure, "steps", _ ("Steps"),
      enlarge
          ? _ ("0: as the quality says")
          : _ ("More steps take longer and bring finer detail, up to a point"),
      enlarge ? 0 : 1, 1000, enlarge ? 0 : 25, RW);
  gimp_procedure_add_double_argument (
      procedure, "guidance", _ ("Guidance"),
      _ ("How strictly the prompt is followed; 1: no guidance, twice as fast"),
      1.0, 100.0, enlarge ? 1.0 : 7.5, RW);
  gimp_procedure_add_double_argument (
      procedure, "guidance-rescale", _ ("Guidance rescale"),
      _ ("Against burnt colors at high guidance; 0: none"), 0.0, 1.0, 0.0, RW);
  gimp_procedure_add_int_argument (
      procedure, "seed", _ ("Seed"),
      _ ("The same seed gives the same picture; -1: a new one"), -1, G_MAXINT,
      -1, RW);
  gimp_procedure_add_double_argument (procedure, "eta", _ ("Eta"),
                                      _ ("Fresh noise at each step, for DDIM"),
                                      0.0, 1.0, 0.0, RW);
  gimp_procedure_add_int_argument (
      procedure, "clip-skip", _ ("Clip skip"),
      _ ("Last layers of the text encoder to leave out; 0: as the model says"),
      0, 12, 0, RW);
  gimp_procedure_add_int_argument (
      procedure, "tile", _ ("Tile"),
      _ ("Side of a tile in cells of 8 pixels; 0: the model's own size"), 0,
      1024, 0, RW);
  gimp_procedure_add_int_argument (
      procedure, "overlap", _ ("Overlap"),
      _ ("What neighboring tiles share, in cells; more hides seams and takes "
         "longer; -1: half a tile"),
      -1, 1023, -1, RW);
  gimp_procedure_add_int_argument (
      procedure, "batch", _ ("Tiles at once"),
      _ ("0: what memory allows; the picture is the same"), 0, 64, 0, RW);
  gimp_procedure_add_string_argument (
      procedure, "card", _ ("Card"),
      _ ("Part of the graphics card's name, where there are several; empty: "
         "the best one"),
      "", RW);
  gimp_procedure_add_int_argument (
      procedure, "memory", _ ("Memory"),
      _ ("What the job may take, in MiB; 0: what is free"), 0, G_MAXINT, 0, RW);
}

void
tess_arguments_declare_run (GimpProcedure *procedure, guint sets)
{
  tess_common_declare_run (procedure);
  if (sets & TESS_ARGUMENTS_IMAGE)
    declare_image (procedure);
}

void
tess_arguments_declare_recipe (GimpProcedure *procedure)
{
  gimp_procedure_add_boolean_argument (
      procedure, "keep-recipe", _ ("Keep the settings with the picture"),
      _ ("As a parasite “tessera-run” of layer and image, prompt included"),
      TRUE, RW);
}

void
tess_arguments_declare_word (GimpProcedure *procedure,
                             const gchar *name,
                             const gchar *label,
                             const gchar *blurb,
                             const gchar *standard)
{
  g_autofree gchar *nicks = tess_choice_words (name);
  g_autofree gchar *text = g_strdup_printf ("%s: %s", blurb, nicks);

  gimp_procedure_add_string_argument (procedure, name, label, text, standard,
                                      RW);
}

void
tess_arguments_declare (GimpProcedure *procedure,
                        guint sets,
                        const TessStandard *standards)
{
  tess_arguments_declare_run (procedure, sets);
  declare_text (procedure, sets);
  declare_numbers (procedure, sets);
  if (sets & TESS_ARGUMENTS_ENLARGE)
    declare_enlarge (procedure);
  if (sets & TESS_ARGUMENTS_REFINE)
    gimp_procedure_add_double_argument (
        procedure, "detail", _ ("Detail"),
        _ ("How much of the enlarged picture is painted anew"), 0.01, 1.0, 0.4,
        RW);
  declare_words (procedure, sets, standards);
  if (sets & TESS_ARGUMENTS_IMAGE && sets & TESS_ARGUMENTS_PAINT)
    declare_regions (procedure);
  tess_arguments_declare_recipe (procedure);
}

gboolean
tess_arguments_has (GObject *config, const gchar *name)
{
  return g_object_class_find_property (G_OBJECT_GET_CLASS (config), name)
         != NULL;
}

gboolean
tess_arguments_read_word (GObject *config,
                          const gchar *name,
                          gint *value,
                          GError **error)
{
  g_autofree gchar *nick = NULL;

  g_object_get (config, name, &nick, NULL);
  return tess_choice_parse (name, nick, value, error);
}

gboolean
tess_arguments_read_loras (TessRequest *request,
                           const gchar *lines,
                           GError **error)
{
  g_auto (GStrv) list = g_strsplit (lines ? lines : "", "\n", -1);

  for (gint i = 0; list[i]; i++)
    {
      gdouble strength;
      g_autofree gchar *path = tess_request_parse_lora (list[i], &strength);

      if (!path)
        continue;
      if (!g_file_test (path, G_FILE_TEST_EXISTS))
        {
          g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
                       _ ("There is no LoRA file “%s”: write its whole path."),
                       path);
          return FALSE;
        }
      tess_request_add_lora (request, path, strength);
    }
  return TRUE;
}

static gboolean
read_words (GObject *config, TessRequest *request, GError **error)
{
  for (gsize i = 0; i < G_N_ELEMENTS (words); i++)
    {
      g_autofree gchar *nick = NULL;
      gint value;

      if (words[i].aside || !tess_arguments_has (config, words[i].name))
        continue;
      g_object_get (config, words[i].name, &nick, NULL);
      if (!tess_choice_parse (words[i].name, nick, &value, error)
          || !tess_request_set (request, words[i].name, nick, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
read_instances (GObject *config, TessRequest *request, GError **error)
{
  g_autofree gchar *instances = NULL;

  if (!tess_arguments_has (config, "instances"))
    return TRUE;
  g_object_get (config, "instances", &instances, "instance-model",
                &request->instance_model, "instance-strength",
                &request->instance_strength, "instance-apart",
                &request->instance_apart, NULL);
  return instances == NULL
         || tess_instances_parse (instances, request->instances, error);
}

/* Steps are those of the quality, unless they are given. */
static gboolean
read_enlarge (GObject *config, TessRequest *request, GError **error)
{
  gint steps = request->steps, quality;

  if (!tess_arguments_has (config, "quality"))
    return TRUE;
  if (!tess_arguments_read_word (config, "quality", &quality, error))
    return FALSE;
  g_object_get (config, "fidelity", &request->fidelity, "upscale-model",
                &request->upscale_model, "upscale-decoder",
                &request->upscale_decoder, NULL);
  request->method = TESS_TILING_UPSCALE;
  tess_quality_apply (quality, request);
  if (steps > 0)
    request->steps = steps;
  return tess_upscalers_locate (&request->upscale_model, error)
         && tess_upscalers_locate (&request->upscale_decoder, error);
}

static gchar *
read_model (GObject *config, const TessRequest *request, GError **error)
{
  g_autofree gchar *model = NULL;

  g_object_get (config, "model", &model, NULL);
  if (request->method == TESS_TILING_UPSCALE && request->upscale_model == NULL
      && (model == NULL || *model == '\0'))
    return tess_upscalers_first (error);
  return tess_models_resolve (model, error);
}

TessRequest *
tess_arguments_read (GObject *config, GError **error)
{
  g_autoptr (TessRequest) request = tess_request_new ();
  g_autofree gchar *loras = NULL;
  gint seed, memory;

  g_clear_pointer (&request->prompt, g_free);
  g_clear_pointer (&request->negative, g_free);
  g_object_get (config, "prompt", &request->prompt, "negative",
                &request->negative, "loras", &loras, "width", &request->width,
                "height", &request->height, "steps", &request->steps,
                "guidance", &request->guidance, "guidance-rescale",
                &request->guidance_rescale, "seed", &seed, "eta", &request->eta,
                "clip-skip", &request->clip_skip, "tile", &request->tile,
                "overlap", &request->overlap, "batch", &request->batch, "card",
                &request->card, "memory", &memory, NULL);
  /* A new one is of as many bits as the setting, so that it can be shown. */
  request->seed = seed >= 0 ? seed : g_random_int_range (0, G_MAXINT);
  if (tess_arguments_has (config, "detail"))
    g_object_get (config, "detail", &request->detail, NULL);
  request->memory = (gsize) memory << 20;
  request->n_threads = gimp_get_num_processors ();
  if (!request->prompt)
    request->prompt = g_strdup ("");

  if (!read_words (config, request, error)
      || !tess_arguments_read_loras (request, loras, error)
      || !read_instances (config, request, error)
      || !read_enlarge (config, request, error))
    return NULL;
  g_free (request->model);
  request->model = read_model (config, request, error);
  if (!request->model)
    return NULL;
  return g_steal_pointer (&request);
}
