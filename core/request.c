/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/request.c: the table of settings, and what is done with it: defaults,
 * copies, checks. Job files are in core/request-json.c. */
#include "core/request.h"

#include "core/error.h"
#include "core/instances.h"

#include <glib/gi18n-lib.h>
#include <errno.h>
#include <math.h>

static const TessChoice samplers[] = {
  { "ddim", TESS_SAMPLER_DDIM },
  { "euler", TESS_SAMPLER_EULER },
  { "euler-a", TESS_SAMPLER_EULER_ANCESTRAL },
  { "dpmpp-2m", TESS_SAMPLER_DPMPP_2M },
  { "dpmpp-2m-karras", TESS_SAMPLER_DPMPP_2M_KARRAS },
  { "unipc", TESS_SAMPLER_UNIPC },
  { "ddpm", TESS_SAMPLER_DDPM },
  { "plms", TESS_SAMPLER_PLMS },
  { NULL },
};

static const TessChoice spacings[] = {
  { "model", 0 },
  { "leading", 1 + TESS_SPACING_LEADING },
  { "trailing", 1 + TESS_SPACING_TRAILING },
  { "linspace", 1 + TESS_SPACING_LINSPACE },
  { NULL },
};

static const TessChoice yes_no[]
    = { { "model", 0 }, { "yes", 1 }, { "no", -1 }, { NULL } };

static const TessChoice predictions[] = {
  { "model", 0 },
  { "eps", 1 + TESS_PREDICTION_EPS },
  { "v", 1 + TESS_PREDICTION_V },
  { "x0", 1 + TESS_PREDICTION_X0 },
  { NULL },
};

static const TessChoice methods[] = {
  { "multidiffusion", TESS_TILING_MULTIDIFFUSION },
  { "ring", TESS_TILING_RING },
  { "ring-1", TESS_TILING_RING_1 },
  { "stitch", TESS_TILING_STITCH },
  { "shifted", TESS_TILING_SHIFTED },
  { "spot", TESS_TILING_SPOT },
  { "fstd", TESS_TILING_FSTD },
  { "any-size", TESS_TILING_ANY_SIZE },
  { "upscale", TESS_TILING_UPSCALE },
  { "demofusion", TESS_TILING_DEMOFUSION },
  { NULL },
};

static const TessChoice colour_fixes[] = {
  { "wavelet", TESS_COLOUR_WAVELET },
  { "adain", TESS_COLOUR_ADAIN },
  { "keep", TESS_COLOUR_KEEP },
  { NULL },
};

static const TessChoice refines[] = {
  { "auto", TESS_REFINE_AUTO },
  { "shifted", TESS_REFINE_SHIFTED },
  { "multidiffusion", TESS_REFINE_MULTIDIFFUSION },
  { "spot", TESS_REFINE_SPOT },
  { "fstd", TESS_REFINE_FSTD },
  { "demofusion", TESS_REFINE_DEMOFUSION },
  { NULL },
};

static const TessChoice seconds[] = {
  { "auto", TESS_SECOND_AUTO },
  { "repaint", TESS_SECOND_REPAINT },
  { "upscale", TESS_SECOND_UPSCALE },
  { NULL },
};

static const TessChoice wraps[] = {
  { "auto", TESS_WRAP_AUTO },
  { "none", TESS_WRAP_NONE },
  { "horizontal", TESS_WRAP_HORIZONTAL },
  { "vertical", TESS_WRAP_VERTICAL },
  { "both", TESS_WRAP_BOTH },
  { NULL },
};

static const TessChoice grids[] = {
  { "even", TESS_GRID_EVEN },
  { "anchored", TESS_GRID_ANCHORED },
  { NULL },
};

static const TessChoice weights[] = {
  { "auto", 0 },
  { "gaussian", 1 + TESS_WEIGHT_GAUSSIAN },
  { "uniform", 1 + TESS_WEIGHT_UNIFORM },
  { "quartic", 1 + TESS_WEIGHT_QUARTIC },
  { NULL },
};

static const TessChoice vae_modes[] = {
  { "auto", TESS_VAE_AUTO },
  { "exact", TESS_VAE_EXACT },
  { "estimate", TESS_VAE_ESTIMATE },
  { NULL },
};

static const TessChoice devices[] = {
  { "auto", TESS_DEVICE_AUTO },
  { "gpu", TESS_DEVICE_GPU },
  { "cpu", TESS_DEVICE_CPU },
  { "plain", TESS_DEVICE_PLAIN },
  { NULL },
};

static const TessChoice storages[] = {
  { "auto", 0 },
  { "float32", 1 + TESS_F32 },
  { "float16", 1 + TESS_F16 },
  { "bfloat16", 1 + TESS_BF16 },
  { NULL },
};

/* Of a picture that is not an enlarged one, in pixels. */
#define MIN_SIDE 16

#define AT(member) G_STRUCT_OFFSET (TessRequest, member)
#define TEXT(name, member, help)                                               \
  { name, TESS_FIELD_TEXT, AT (member), 0, 0, NULL, help }
#define PATH(name, member, help)                                               \
  { name, TESS_FIELD_PATH, AT (member), 0, 0, NULL, help }
#define INT(name, member, min, max, help)                                      \
  { name, TESS_FIELD_INT, AT (member), min, max, NULL, help }
#define REAL(name, member, min, max, help)                                     \
  { name, TESS_FIELD_REAL, AT (member), min, max, NULL, help }
#define CHOICE(name, member, choices, help)                                    \
  { name, TESS_FIELD_CHOICE, AT (member), 0, 0, choices, help }

static const TessRequestField fields[] = {
  PATH ("model",
        model,
        "model folder or file, or the name of one that --models lists; "
        "default: Horizon, else the first found"),
  TEXT ("prompt", prompt, "what to paint"),
  TEXT ("negative", negative, "what to keep out"),
  INT ("width", width, 1, 131072, "in pixels"),
  INT ("height", height, 1, 131072, "in pixels"),
  INT ("steps",
       steps,
       1,
       1000,
       "of the sampler; more are slower and, up to about 30, better"),
  REAL ("guidance",
        guidance,
        1.0,
        100.0,
        "how closely to follow the prompt; 1: no guidance, twice as fast"),
  REAL ("guidance-rescale",
        guidance_rescale,
        0.0,
        1.0,
        "takes back the contrast that much guidance adds; 0: none"),
  CHOICE ("sampler", sampler, samplers, "the way from noise to picture"),
  REAL ("eta", eta, 0.0, 1.0, "ddim: fresh noise in each step; 0: none"),
  CHOICE ("spacing",
          spacing,
          spacings,
          "how steps are laid over the model's schedule"),
  CHOICE ("zero-snr",
          zero_snr,
          yes_no,
          "schedule that ends in pure noise; for models trained so"),
  CHOICE ("prediction",
          prediction,
          predictions,
          "what the model predicts; for single files that do not say"),
  INT ("clip-skip",
       clip_skip,
       0,
       12,
       "text layer, counted from the end; 0: the model's"),
  { "seed", TESS_FIELD_INT64, AT (seed), -1, (gdouble) G_MAXINT64, NULL,
    "the same number gives the same picture; -1: a new one" },
  CHOICE ("method",
          method,
          methods,
          "how tiles work together; ring, ring-1 (fast) and stitch (as "
          "published) close a panorama; any-size composes small and "
          "paints that large; shifted is its fast second part, spot and fstd "
          "are others' ways to it; upscale paints init larger with StableSR, "
          "demofusion with the model alone"),
  CHOICE ("wrap",
          wrap,
          wraps,
          "which edges meet; horizontal: panoramas, both: textures; auto: as "
          "the method does"),
  CHOICE ("grid", grid, grids, "how tiles lie along edges that do not meet"),
  CHOICE ("weight",
          weight,
          weights,
          "how tiles are averaged; auto: what suits the method"),
  INT ("tile",
       tile,
       0,
       1024,
       "side in latent cells (8 pixels each); 0: the model's window"),
  INT ("overlap",
       overlap,
       -1,
       1023,
       "of tiles, in latent cells; less is faster, more hides seams; "
       "-1: half the tile"),
  INT ("batch", batch, 0, 64, "tiles at once; 0: what memory allows"),
  REAL ("bootstrap",
        bootstrap,
        0.0,
        1.0,
        "part of the steps in which each region is painted alone, which "
        "keeps things inside their masks"),
  PATH ("instance-model",
        instance_model,
        "InstanceDiffusion's weights, for models without their own"),
  REAL ("instance-strength",
        instance_strength,
        0.0,
        1.0,
        "part of the steps in which instances are put in their places; less "
        "lets the prompt blend them in"),
  REAL ("instance-apart",
        instance_apart,
        0.0,
        1.0,
        "part of the steps in which each instance is painted by itself; more "
        "keeps them from mixing and takes longer; 0: none"),
  PATH ("init", init_path, "PNG picture to start from, scaled to the canvas"),
  REAL ("strength",
        strength,
        0.0,
        1.0,
        "with init: how much is painted anew, above 0; 1: everything"),
  PATH ("upscale-model",
        upscale_model,
        "upscale: StableSR's weights, for models without their own"),
  PATH ("upscale-decoder",
        upscale_decoder,
        "upscale: the weights of StableSR's decoder (vqgan_cfw), for models "
        "without their own"),
  REAL ("fidelity",
        fidelity,
        0.0,
        1.0,
        "upscale: how much the decoder keeps to init; less invents more"),
  CHOICE ("colours",
          colours,
          colour_fixes,
          "upscale: how colours are brought back to those of init; wavelet: "
          "whatever is coarse; adain: mean and spread; keep: not at all"),
  CHOICE ("second",
          second,
          seconds,
          "any-size: how the large picture is made of the small one: repaint "
          "as far as detail says, or upscale with StableSR's weights; auto: "
          "the latter where the model has them"),
  CHOICE ("refine",
          refine,
          refines,
          "any-size and upscale: how tiles of the large picture lie; auto: "
          "shifted for any-size, overlapping by half for upscale; "
          "multidiffusion is slower and smoother, shifted fast, demofusion "
          "paints larger and larger, which takes longest and keeps things from "
          "appearing twice"),
  REAL ("detail",
        detail,
        0.0,
        1.0,
        "any-size, demofusion: how much of the enlarged picture is painted "
        "anew, above 0"),
  INT ("close",
       close,
       0,
       131072,
       "with init: paints only a band of so many pixels about the seam, so "
       "that left and right edge (or those that wrap says) meet; 0: all"),
  REAL ("poles",
        poles,
        0.0,
        1.0,
        "full panoramas, twice as wide as high: how much of zenith and nadir "
        "is painted anew, seen straight; 0: none"),
  CHOICE ("vae",
          vae_mode,
          vae_modes,
          "exact: as if decoded in one piece; estimate: less memory"),
  CHOICE ("device",
          device,
          devices,
          "what computes; gpu: the graphics card; plain is for checking"),
  TEXT ("card",
        card,
        "part of the graphics card's name, or its place in the list of "
        "--devices, from 0; "
        "default: the one that TESSERA_DEVICE names, else the best"),
  CHOICE ("storage",
          storage,
          storages,
          "of numbers on the device; auto: the faster"),
  INT ("threads", n_threads, 0, 4096, "0: all cores"),
  { "memory", TESS_FIELD_SIZE, AT (memory), 0, 0x1p62, NULL,
    "bytes that the job may take (6G, 800M); 0: what is free" },
};

const TessRequestField *
tess_request_fields (guint *n)
{
  *n = G_N_ELEMENTS (fields);
  return fields;
}

static void
region_free (gpointer data)
{
  TessRegion *region = data;

  g_free (region->prompt);
  g_free (region->negative);
  g_free (region->mask_path);
  g_clear_object (&region->mask);
  g_free (region);
}

static void
lora_free (gpointer data)
{
  TessLora *lora = data;

  g_free (lora->path);
  g_free (lora);
}

TessRequest *
tess_request_new (void)
{
  TessRequest *request = g_new0 (TessRequest, 1);

  request->loras = g_ptr_array_new_with_free_func (lora_free);
  request->regions = g_ptr_array_new_with_free_func (region_free);
  request->instances
      = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_instance_free);
  request->instance_strength = 0.75;
  request->instance_apart = 0.36;
  request->width = 512;
  request->height = 512;
  request->steps = 25;
  request->guidance = 7.5;
  request->sampler = TESS_SAMPLER_DPMPP_2M;
  request->seed = -1;
  request->overlap = -1;
  request->bootstrap = 0.2;
  request->strength = 0.75;
  request->detail = 0.4;
  request->fidelity = 0.5;
  return request;
}

gchar *
tess_request_parse_lora (const gchar *line, gdouble *strength)
{
  gchar *path = g_strstrip (g_strdup (line)), *colon = strrchr (path, ':');

  *strength = 1.0;
  if (colon && colon[1])
    {
      gchar *end;
      gdouble number = g_ascii_strtod (colon + 1, &end);

      if (*end == '\0' && isfinite (number))
        {
          *strength = number;
          *colon = '\0';
        }
    }
  if (*path == '\0')
    g_clear_pointer (&path, g_free);
  return path;
}

void
tess_request_add_lora (TessRequest *request,
                       const gchar *path,
                       gdouble strength)
{
  TessLora *lora = g_new (TessLora, 1);

  lora->path = g_strdup (path);
  lora->strength = strength;
  g_ptr_array_add (request->loras, lora);
}

void
tess_request_add_region (TessRequest *request,
                         const gchar *prompt,
                         const gchar *negative,
                         GeglBuffer *mask,
                         const gchar *mask_path)
{
  TessRegion *region = g_new0 (TessRegion, 1);

  region->prompt = g_strdup (prompt);
  region->negative = g_strdup (negative);
  region->mask = mask ? g_object_ref (mask) : NULL;
  region->mask_path = g_strdup (mask_path);
  g_ptr_array_add (request->regions, region);
}

TessRequest *
tess_request_dup (const TessRequest *request)
{
  TessRequest *dup = g_new (TessRequest, 1);

  *dup = *request;
  dup->loras = g_ptr_array_new_with_free_func (lora_free);
  dup->regions = g_ptr_array_new_with_free_func (region_free);
  dup->model = g_strdup (request->model);
  dup->prompt = g_strdup (request->prompt);
  dup->negative = g_strdup (request->negative);
  dup->init_path = g_strdup (request->init_path);
  dup->instance_model = g_strdup (request->instance_model);
  dup->upscale_model = g_strdup (request->upscale_model);
  dup->upscale_decoder = g_strdup (request->upscale_decoder);
  dup->card = g_strdup (request->card);
  dup->instances
      = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_instance_free);
  for (guint i = 0; i < request->instances->len; i++)
    g_ptr_array_add (dup->instances,
                     tess_instance_dup (request->instances->pdata[i]));
  if (dup->init)
    g_object_ref (dup->init);
  for (guint i = 0; i < request->loras->len; i++)
    {
      const TessLora *lora = request->loras->pdata[i];

      tess_request_add_lora (dup, lora->path, lora->strength);
    }
  for (guint i = 0; i < request->regions->len; i++)
    {
      const TessRegion *region = request->regions->pdata[i];

      tess_request_add_region (dup, region->prompt, region->negative,
                               region->mask, region->mask_path);
    }
  return dup;
}

void
tess_request_free (TessRequest *request)
{
  if (request == NULL)
    return;
  g_ptr_array_unref (request->loras);
  g_ptr_array_unref (request->regions);
  g_free (request->model);
  g_free (request->prompt);
  g_free (request->negative);
  g_free (request->init_path);
  g_ptr_array_unref (request->instances);
  g_free (request->instance_model);
  g_free (request->upscale_model);
  g_free (request->upscale_decoder);
  g_free (request->card);
  g_clear_object (&request->init);
  g_free (request);
}

static gdouble
field_number (const TessRequestField *field, const TessRequest *request)
{
  gconstpointer at = G_STRUCT_MEMBER_P (request, field->offset);

  switch (field->kind)
    {
    case TESS_FIELD_INT:
    case TESS_FIELD_CHOICE:
      return *(const gint *) at;
    case TESS_FIELD_INT64:
      return (gdouble) * (const gint64 *) at;
    case TESS_FIELD_SIZE:
      return (gdouble) * (const gsize *) at;
    case TESS_FIELD_REAL:
      return *(const gdouble *) at;
    case TESS_FIELD_TEXT:
    case TESS_FIELD_PATH:
      break;
    }
  return 0.0;
}

static gboolean
field_check (const TessRequestField *field, gdouble value, GError **error)
{
  /* Written so that NaN is refused. */
  if (value >= field->min && value <= field->max)
    return TRUE;
  g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
               _ ("%s is %.10g; take %.10g to %.10g"), field->name, value,
               field->min, field->max);
  return FALSE;
}

static gboolean
choice_check (const TessRequestField *field, gint value, GError **error)
{
  for (const TessChoice *c = field->choices; c->nick; c++)
    if (c->value == value)
      return TRUE;
  g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
               _ ("%s is %d, which is none of its choices"), field->name,
               value);
  return FALSE;
}

/* Settings that want others. */
static gboolean
panorama_check (const TessRequest *request, GError **error)
{
  if (request->close > 0 && request->init == NULL && request->init_path == NULL)
    g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
                 _ ("close is %d, but there is no picture whose seam could be "
                    "closed; give one as init"),
                 request->close);
  else if (request->close > 0 && request->wrap == TESS_WRAP_NONE)
    g_set_error (
        error, TESS_ERROR, TESS_ERROR_REQUEST,
        _ ("close is %d, but wrap lets no edges meet; take horizontal, "
           "vertical or both"),
        request->close);
  else if (request->poles > 0.0 && request->width != 2 * request->height)
    g_set_error (
        error, TESS_ERROR, TESS_ERROR_REQUEST,
        _ ("only a panorama twice as wide as high has poles, %d x %d is "
           "not; set poles to 0, or the height to %d"),
        request->width, request->height, request->width / 2);
  else if (request->method == TESS_TILING_ANY_SIZE && !(request->detail > 0.0))
    g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
                 _ ("a detail of 0 would paint nothing; take more, up to 1"));
  else
    return TRUE;
  return FALSE;
}

static gboolean
demofusion_check (const TessRequest *request, GError **error)
{
  gboolean alone = request->method == TESS_TILING_DEMOFUSION;

  if (!alone
      && (request->method != TESS_TILING_ANY_SIZE
          || request->refine != TESS_REFINE_DEMOFUSION))
    return TRUE;
  if (alone && request->init == NULL && request->init_path == NULL)
    g_set_error (
        error, TESS_ERROR, TESS_ERROR_REQUEST,
        _ ("there is no picture that demofusion could paint larger; give "
           "one as init, or take any-size and refine it so"));
  else if (request->sampler == TESS_SAMPLER_UNIPC)
    g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
                 _ ("demofusion mixes the small picture in between two steps, "
                    "which unipc takes back; take another sampler"));
  else
    return TRUE;
  return FALSE;
}

static gboolean
upscale_check (const TessRequest *request, GError **error)
{
  if (request->method == TESS_TILING_ANY_SIZE
      && request->second == TESS_SECOND_UPSCALE)
    {
      gboolean wrap_x, wrap_y;

      tess_request_wraps (request, &wrap_x, &wrap_y);
      if (wrap_x || wrap_y || request->poles > 0.0
          || request->refine == TESS_REFINE_DEMOFUSION)
        {
          g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
                       _ ("a second picture that is upscaled closes no edges "
                          "and is one; take repaint for second, or wrap none, "
                          "poles 0 and another refine than demofusion"));
          return FALSE;
        }
    }
  if (request->method != TESS_TILING_UPSCALE)
    return TRUE;
  if (request->init == NULL && request->init_path == NULL)
    g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
                 _ ("there is no picture to be enlarged; give one as init"));
  else if (request->regions->len > 0)
    g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
                 _ ("upscale has no regions; leave them out"));
  else if (request->refine == TESS_REFINE_DEMOFUSION)
    g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
                 _ ("upscale paints one picture, demofusion several; take "
                    "another refine"));
  else if (request->poles > 0.0 || request->close > 0
           || (request->wrap != TESS_WRAP_AUTO
               && request->wrap != TESS_WRAP_NONE))
    g_set_error (
        error, TESS_ERROR, TESS_ERROR_REQUEST,
        _ ("upscale closes no edges; set wrap to none, close and poles "
           "to 0"));
  else
    return TRUE;
  return FALSE;
}

void
tess_request_wraps (const TessRequest *request,
                    gboolean *wrap_x,
                    gboolean *wrap_y)
{
  gboolean closes = request->method == TESS_TILING_RING
                    || request->method == TESS_TILING_RING_1
                    || request->method == TESS_TILING_STITCH
                    || request->close > 0;

  *wrap_x = request->wrap == TESS_WRAP_HORIZONTAL
            || request->wrap == TESS_WRAP_BOTH
            || (request->wrap == TESS_WRAP_AUTO && closes);
  *wrap_y
      = request->wrap == TESS_WRAP_VERTICAL || request->wrap == TESS_WRAP_BOTH;
}

/* Tokens are made once for each tile, so tiles must stay. */
static gboolean
instances_check (const TessRequest *request, GError **error)
{
  if (request->instances->len == 0)
    return TRUE;
  if (request->method != TESS_TILING_MULTIDIFFUSION
      && request->method != TESS_TILING_RING
      && request->method != TESS_TILING_ANY_SIZE)
    g_set_error (
        error, TESS_ERROR, TESS_ERROR_REQUEST,
        _ ("instances need tiles that stay where they are; take the "
           "method multidiffusion, ring for a panorama that closes, or "
           "any-size"));
  else if (request->poles > 0.0)
    g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
                 _ ("poles cannot be painted anew in a picture with instances; "
                    "set poles to 0"));
  else
    return TRUE;
  return FALSE;
}

static gboolean
regions_check (const TessRequest *request, GError **error)
{
  for (guint i = 0; i < request->regions->len; i++)
    {
      const TessRegion *region = request->regions->pdata[i];

      if (region->mask == NULL && region->mask_path == NULL)
        {
          g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
                       _ ("region %u (\"%s\") has no mask; give one"), i + 1,
                       region->prompt ? region->prompt : "");
          return FALSE;
        }
    }
  return TRUE;
}

gboolean
tess_request_check (const TessRequest *request, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (fields); i++)
    {
      const TessRequestField *field = &fields[i];
      gdouble value = field_number (field, request);

      if (field->kind == TESS_FIELD_TEXT || field->kind == TESS_FIELD_PATH)
        continue;
      if (field->kind == TESS_FIELD_CHOICE
              ? !choice_check (field, (gint) value, error)
              : !field_check (field, value, error))
        return FALSE;
    }
  if (request->method != TESS_TILING_UPSCALE
      && MIN (request->width, request->height) < MIN_SIDE)
    {
      gboolean narrow = request->width < MIN_SIDE;

      g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
                   _ ("%s is %d; take %d to 131072"),
                   narrow ? "width" : "height",
                   narrow ? request->width : request->height, MIN_SIDE);
      return FALSE;
    }
  for (guint i = 0; i < request->loras->len; i++)
    {
      const TessLora *lora = request->loras->pdata[i];

      if (isfinite (lora->strength))
        continue;
      g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
                   _ ("the strength of %s is not a number"), lora->path);
      return FALSE;
    }
  if ((gint64) request->width * request->height > G_GINT64_CONSTANT (1) << 30)
    {
      g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
                   _ ("%d x %d pixels are more than %d megapixels; take a "
                      "smaller canvas"),
                   request->width, request->height, (1 << 30) / 1000000);
      return FALSE;
    }
  if ((request->init || request->init_path) && !(request->strength > 0.0))
    {
      g_set_error (
          error, TESS_ERROR, TESS_ERROR_REQUEST,
          _ ("a strength of 0 would paint nothing; take more, up to 1"));
      return FALSE;
    }
  return panorama_check (request, error) && demofusion_check (request, error)
         && upscale_check (request, error) && regions_check (request, error)
         && instances_check (request, error);
}

static gboolean
set_choice (TessRequest *request,
            const TessRequestField *field,
            const gchar *text,
            GError **error)
{
  g_autoptr (GString) list = g_string_new (NULL);

  for (const TessChoice *c = field->choices; c->nick; c++)
    {
      if (g_str_equal (c->nick, text))
        {
          *(gint *) G_STRUCT_MEMBER_P (request, field->offset) = c->value;
          return TRUE;
        }
      g_string_append_printf (list, "%s%s", list->len ? ", " : "", c->nick);
    }
  g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
               _ ("%s cannot be \"%s\"; take one of %s"), field->name, text,
               list->str);
  return FALSE;
}

static gdouble
size_unit (gchar letter)
{
  switch (g_ascii_toupper (letter))
    {
    case 'K':
      return 0x1p10;
    case 'M':
      return 0x1p20;
    case 'G':
      return 0x1p30;
    default:
      return 0.0;
    }
}

static gboolean
set_number (TessRequest *request,
            const TessRequestField *field,
            const gchar *text,
            GError **error)
{
  gpointer at = G_STRUCT_MEMBER_P (request, field->offset);
  gchar *end = NULL;
  gboolean whole = field->kind != TESS_FIELD_REAL;
  gdouble value = g_ascii_strtod (text, &end);
  gint64 exact;

  if (field->kind == TESS_FIELD_SIZE && *end && size_unit (*end) > 0.0)
    {
      value = floor (value * size_unit (*end));
      end++;
    }
  if (end == text || *end || !isfinite (value)
      || (whole && value != floor (value)))
    {
      g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
                   whole ? _ ("%s cannot be \"%s\"; give a whole number")
                         : _ ("%s cannot be \"%s\"; give a number"),
                   field->name, text);
      return FALSE;
    }
  if (!field_check (field, value, error))
    return FALSE;
  switch (field->kind)
    {
    case TESS_FIELD_REAL:
      *(gdouble *) at = value;
      break;
    case TESS_FIELD_SIZE:
      *(gsize *) at = (gsize) value;
      break;
    case TESS_FIELD_INT64: /* all 63 bits of a seed */
      exact = g_ascii_strtoll (text, NULL, 10);
      *(gint64 *) at = exact;
      break;
    default:
      *(gint *) at = (gint) value;
    }
  return TRUE;
}

gboolean
tess_request_set (TessRequest *request,
                  const gchar *name,
                  const gchar *text,
                  GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (fields); i++)
    {
      const TessRequestField *field = &fields[i];
      gchar **at = G_STRUCT_MEMBER_P (request, field->offset);

      if (!g_str_equal (field->name, name))
        continue;
      switch (field->kind)
        {
        case TESS_FIELD_TEXT:
        case TESS_FIELD_PATH:
          g_free (*at);
          *at = g_strdup (text);
          return TRUE;
        case TESS_FIELD_CHOICE:
          return set_choice (request, field, text, error);
        default:
          return set_number (request, field, text, error);
        }
    }
  g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
               _ ("there is no setting \"%s\""), name);
  return FALSE;
}
