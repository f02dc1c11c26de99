/* SPDX-License-Identifier: GPL-3.0-or-later
 * tools/golden-sd.c: a model folder with golden.json and golden.safetensors:
 * what the reference pipeline computes with that model. What is there is read
 * from the names of the tensors. */
#include "core/model.h"
#include "core/multidiffusion.h"
#include "core/text-encoder.h"
#include "core/vae.h"
#include "tools/golden.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct
{
  Golden *golden;
  gchar *folder;
  gchar *label; /* the folder's own name */
  JsonObject *facts;
  TessTensorFile *file;
  TessModel *model;
  TessTensor *contexts; /* rows 0 (positive) and 1 (negative) */
} Set;

/* As G_IO_ERROR: what is wrong with the folder itself. */
static GError *
complain (const gchar *text)
{
  return g_error_new_literal (G_IO_ERROR, G_IO_ERROR_INVALID_DATA, text);
}

static gchar *
title (const Set *set, const gchar *name)
{
  return g_strconcat (set->label, " ", name, NULL);
}

/* Compares with tensor @name, of @n values. */
static void
compare (Set *set,
         const gchar *name,
         const gchar *shown,
         const gfloat *values,
         gsize n,
         gdouble tolerance)
{
  g_autofree gchar *full = title (set, shown);
  gsize n_expected = 0;
  g_autofree gfloat *expected = golden_read (set->file, name, &n_expected);

  if (n != n_expected)
    golden_fail (set->golden, full, complain ("sizes differ"));
  else
    golden_result (set->golden, full, golden_relative (values, expected, n),
                   tolerance);
}

static gboolean
has (const Set *set, const gchar *name)
{
  g_autofree gchar *full = title (set, name);

  return tess_tensor_file_get (set->file, name) != NULL
         && golden_wants (set->golden, full);
}

/* merges.txt: the model's, else one in a folder beside the model. */
static gchar *
find_merges (const Set *set)
{
  g_autofree gchar *parent = g_path_get_dirname (set->folder);
  g_autofree gchar *own
      = g_build_filename (set->folder, "tokenizer", "merges.txt", NULL);
  g_autoptr (GDir) dir = g_dir_open (parent, 0, NULL);
  const gchar *name;

  if (g_file_test (own, G_FILE_TEST_EXISTS))
    return g_path_get_dirname (own);
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree gchar *folder = g_build_filename (parent, name, NULL);
      g_autofree gchar *merges = g_build_filename (folder, "merges.txt", NULL);

      if (g_file_test (merges, G_FILE_TEST_EXISTS))
        return g_steal_pointer (&folder);
    }
  return tess_model_find_merges (set->model, NULL);
}

static void
check_tokens (Set *set)
{
  const TessTensor *tokens = tess_tensor_file_get (set->file, "tokens");
  JsonArray *prompts
      = json_object_has_member (set->facts, "prompts")
            ? json_object_get_array_member (set->facts, "prompts")
            : NULL;
  g_autofree gchar *merges = find_merges (set);
  g_autofree gchar *full = title (set, "tokens");
  g_autoptr (TessTokenizer) tokenizer = NULL;
  GError *error = NULL;
  TessPromptSettings settings
      = { .pad_id = tess_model_text (set->model)->pad_id,
          .truncate = TRUE,
          .literal = TRUE };
  gint n_wrong = 0;

  if (!has (set, "tokens") || prompts == NULL || tokens->type != TESS_I32)
    return;
  if (merges == NULL)
    {
      golden_skip (set->golden, full, "no merges.txt of a tokenizer at hand");
      return;
    }
  tokenizer = tess_tokenizer_new (merges, &error);
  if (tokenizer == NULL)
    {
      golden_fail (set->golden, full, error);
      return;
    }
  settings.n_positions = (gint) tokens->dims[1];
  for (guint i = 0; i < MIN (json_array_get_length (prompts), tokens->dims[0]);
       i++)
    {
      const gint32 *expected
          = (const gint32 *) tokens->data + i * tokens->dims[1];
      g_autoptr (TessPrompt) prompt = tess_prompt_parse (
          tokenizer, json_array_get_string_element (prompts, i), &settings);

      for (gint j = 0; j < tokens->dims[1]; j++)
        n_wrong += prompt->ids[j] != expected[j];
    }
  golden_result (set->golden, full, n_wrong, 0.0);
}

static void
check_text (Set *set)
{
  static const gchar *const names[]
      = { "text.last_hidden_state", "text.penultimate", "text.pooled" };
  const TessTensor *tokens = tess_tensor_file_get (set->file, "tokens");
  g_autoptr (TessTextEncoder) encoder = NULL;
  TessTensor *states[3] = { NULL };
  GError *error = NULL;

  if (tokens == NULL
      || !(has (set, names[0]) || has (set, names[1]) || has (set, names[2])))
    return;
  encoder = tess_text_encoder_new (set->model, set->golden->backend, &error);
  if (encoder == NULL
      || !tess_text_encoder_run (encoder, tokens, &states[0], &states[1],
                                 &states[2], &error))
    {
      golden_fail (set->golden, "text encoder", error);
      return;
    }
  for (gint i = 0; i < 3; i++)
    {
      if (has (set, names[i]))
        compare (set, names[i], names[i], tess_tensor_f32 (states[i]),
                 tess_tensor_n_elements (states[i]),
                 golden_one_call (set->golden));
      tess_tensor_unref (states[i]);
    }
}

/* unet.HxW.in -> unet.HxW.tT, all timesteps of that size. */
static gboolean
check_unet_size (Set *set, TessUnet *unet, const gchar *in, GError **error)
{
  const TessTensor *src = tess_tensor_file_get (set->file, in);
  g_autofree gchar *stem = g_strndup (in, strlen (in) - strlen ("in"));
  g_autofree gchar *prefix = g_strconcat (stem, "t", NULL);
  gint n = (gint) src->dims[0];
  gsize n_values = tess_tensor_n_elements (src);
  g_autofree gfloat *x = g_new (gfloat, n_values);
  g_autofree gfloat *y = g_new (gfloat, n_values);
  g_autofree gint32 *rows = g_new (gint32, n);

  tess_tensor_read_f32 (src, 0, n_values, x);
  for (gint i = 0; i < n; i++)
    rows[i] = i % (gint) set->contexts->dims[0];
  for (guint i = 0; i < set->file->names->len; i++)
    {
      const gchar *name = g_ptr_array_index (set->file->names, i);
      gdouble timestep;
      TessUnetCall call = { .n = n,
                            .h = (gint) src->dims[2],
                            .w = (gint) src->dims[3],
                            .src = x,
                            .rows = rows,
                            .dst = y };

      if (!g_str_has_prefix (name, prefix) || !has (set, name))
        continue;
      timestep = g_ascii_strtod (name + strlen (prefix), NULL);
      if (!tess_unet_condition (unet, set->contexts, &timestep, 1, NULL, error)
          || !tess_unet_run (unet, &call, NULL, error))
        return FALSE;
      compare (set, name, name, y, n_values, golden_one_call (set->golden));
    }
  return TRUE;
}

static void
check_unet (Set *set, TessUnet *unet)
{
  for (guint i = 0; i < set->file->names->len; i++)
    {
      const gchar *name = g_ptr_array_index (set->file->names, i);
      g_autofree gchar *full = title (set, name);
      GError *error = NULL;

      if (g_str_has_prefix (name, "unet.") && g_str_has_suffix (name, ".in")
          && !check_unet_size (set, unet, name, &error))
        golden_fail (set->golden, full, error);
    }
}

static gboolean
keep_pixels (gint x,
             gint y,
             gint w,
             gint h,
             const gfloat *planes,
             gpointer data,
             GError **error)
{
  TessTensor *canvas = data;

  for (gint c = 0; c < canvas->dims[1]; c++)
    for (gint i = 0; i < h; i++, planes += w)
      memcpy (tess_tensor_f32 (canvas)
                  + ((gsize) c * canvas->dims[2] + y + i) * canvas->dims[3] + x,
              planes, w * sizeof *planes);
  return TRUE;
}

static gboolean
give_pixels (gint x,
             gint y,
             gint w,
             gint h,
             gfloat *planes,
             gpointer data,
             GError **error)
{
  const TessTensor *canvas = data;

  for (gint c = 0; c < canvas->dims[1]; c++)
    for (gint i = 0; i < h; i++, planes += w)
      tess_tensor_read_f32 (
          canvas, ((gsize) c * canvas->dims[2] + y + i) * canvas->dims[3] + x,
          w, planes);
  return TRUE;
}

/* @tile: 0, or small enough that the canvas takes several. */
static void
check_decode (Set *set, TessVae *vae, gint tile)
{
  const TessTensor *latent = tess_tensor_file_get (set->file, "vae.latent");
  const TessTensor *shape = tess_tensor_file_get (set->file, "vae.decoded");
  g_autoptr (TessTensor) pixels = NULL;
  TessVaeSettings settings = { .mode = TESS_VAE_EXACT, .tile = tile };
  const gchar *name = tile > 0 ? "vae.decoded by tiles" : "vae.decoded";
  g_autofree gchar *full = title (set, name);
  GError *error = NULL;

  if (latent == NULL || !has (set, "vae.decoded"))
    return;
  pixels = tess_tensor_new_nchw (1, shape->dims[1], shape->dims[2],
                                 shape->dims[3], &error);
  if (pixels == NULL
      || !tess_vae_decode (vae, latent, &settings, keep_pixels, pixels, &error))
    golden_fail (set->golden, full, error);
  else
    compare (set, "vae.decoded", name, tess_tensor_f32 (pixels),
             tess_tensor_n_elements (pixels), golden_one_call (set->golden));
}

static void
check_encode (Set *set, TessVae *vae, gint tile)
{
  TessTensor *pixels = tess_tensor_file_get (set->file, "vae.pixels");
  g_autoptr (TessTensor) mean = NULL;
  g_autoptr (TessTensor) logvar = NULL;
  TessVaeSettings settings = { .mode = TESS_VAE_EXACT, .tile = tile };
  GError *error = NULL;

  if (pixels == NULL || !has (set, "vae.mean"))
    return;
  if (!tess_vae_encode (vae, (gint) pixels->dims[3], (gint) pixels->dims[2],
                        give_pixels, pixels, &settings, &mean, &logvar, &error))
    {
      golden_fail (set->golden, "vae.mean", error);
      return;
    }
  compare (set, "vae.mean", tile > 0 ? "vae.mean by tiles" : "vae.mean",
           tess_tensor_f32 (mean), tess_tensor_n_elements (mean),
           golden_one_call (set->golden));
  if (has (set, "vae.logvar"))
    compare (set, "vae.logvar", tile > 0 ? "vae.logvar by tiles" : "vae.logvar",
             tess_tensor_f32 (logvar), tess_tensor_n_elements (logvar),
             golden_one_call (set->golden));
}

static void
check_vae (Set *set)
{
  GError *error = NULL;
  g_autoptr (TessVae) vae
      = tess_vae_new (set->model, set->golden->backend, &error);

  if (vae == NULL)
    {
      golden_fail (set->golden, "vae", error);
      return;
    }
  check_encode (set, vae, 0);
  check_encode (set, vae, 7);
  check_decode (set, vae, 0);
  check_decode (set, vae, 7);
}

/* What a reference run is called -> the sampler and its settings. */
static gboolean
parse_sampler (const gchar *name, TessSamplerSettings *settings)
{
  static const struct
  {
    const gchar *name;
    TessSamplerKind kind;
  } kinds[] = {
    { "ddim", TESS_SAMPLER_DDIM },
    { "euler", TESS_SAMPLER_EULER },
    { "dpmpp2m", TESS_SAMPLER_DPMPP_2M },
    { "unipc", TESS_SAMPLER_UNIPC },
  };
  g_auto (GStrv) words = g_strsplit (name, "_", -1);
  gboolean known = FALSE;

  settings->spacing = 1 + TESS_SPACING_LEADING;
  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (words[0] != NULL && g_str_equal (words[0], kinds[i].name))
      {
        settings->kind = kinds[i].kind;
        known = TRUE;
      }
  for (gchar **word = words + 1; known && *word != NULL; word++)
    {
      if (g_str_equal (*word, "trailing"))
        settings->spacing = 1 + TESS_SPACING_TRAILING;
      else if (g_str_equal (*word, "leading"))
        settings->spacing = 1 + TESS_SPACING_LEADING;
      else if (g_str_equal (*word, "linspace"))
        settings->spacing = 1 + TESS_SPACING_LINSPACE;
      else if (g_str_equal (*word, "zsnr"))
        settings->zero_snr = 1;
      else if (g_str_equal (*word, "karras")
               && settings->kind == TESS_SAMPLER_DPMPP_2M)
        settings->kind = TESS_SAMPLER_DPMPP_2M_KARRAS;
      else
        known = FALSE;
    }
  return known;
}

static gboolean
denoise (const TessUnetCall *call,
         gpointer data,
         GCancellable *cancellable,
         GError **error)
{
  return tess_unet_run (data, call, cancellable, error);
}

static gboolean
begin (const TessUnetCall *call,
       gpointer data,
       TessUnetBatch *batch,
       GError **error)
{
  return tess_unet_begin (data, call, batch, error);
}

static TessBackend *
card_of (const Set *set)
{
  return set->golden->is_card ? set->golden->backend : NULL;
}

/* The way a job goes, from @x, which is in the sampler's scale. */
static gboolean
run_loop (Set *set,
          TessUnet *unet,
          TessSampler *sampler,
          const TessTileSettings *tiles,
          TessTensor *x,
          GError **error)
{
  TessMultidiffusionSettings settings = { *tiles, TESS_WEIGHT_UNIFORM };
  g_autoptr (TessMethod) method = tess_multidiffusion_new (&settings, error);
  gint n_steps = tess_sampler_n_steps (sampler);
  g_autofree gdouble *timesteps = g_new (gdouble, n_steps);
  const gint32 positive = 0, negative = 1;
  TessDenoise job = { .method = method,
                      .sampler = sampler,
                      .denoiser = denoise,
                      .denoiser_data = unet,
                      .backend = card_of (set),
                      .begin = begin,
                      .channels = (gint) x->dims[1],
                      .batch = 2,
                      .positive = &positive,
                      .negative = &negative,
                      .guidance = json_object_get_double_member_with_default (
                          set->facts, "guidance", 7.5) };

  if (method == NULL)
    return FALSE;
  for (gint i = 0; i < n_steps; i++)
    timesteps[i] = tess_sampler_timestep (sampler, i);
  return tess_unet_condition (unet, set->contexts, timesteps, n_steps, NULL,
                              error)
         && tess_denoise_run (&job, x, NULL, error);
}

static TessTensor *
start_from (Set *set,
            const gchar *name,
            const TessSampler *sampler,
            GError **error)
{
  const TessTensor *start = tess_tensor_file_get (set->file, name);
  gdouble sigma = tess_sampler_init_sigma (sampler);
  TessTensor *x;
  gsize n;

  if (start == NULL || start->n_dims != 4)
    {
      g_propagate_error (error, complain ("there is no start to go from"));
      return NULL;
    }
  n = tess_tensor_n_elements (start);
  x = tess_tensor_new (TESS_F32, 4, start->dims, error);
  if (x == NULL)
    return NULL;
  tess_tensor_read_f32 (start, 0, n, tess_tensor_f32 (x));
  for (gsize i = 0; i < n; i++)
    tess_tensor_f32 (x)[i] = (gfloat) (tess_tensor_f32 (x)[i] * sigma);
  return x;
}

static void
check_timesteps (Set *set, const gchar *name, const TessSampler *sampler)
{
  g_autofree gchar *key = g_strconcat (name, ".timesteps", NULL);
  gint n_steps = tess_sampler_n_steps (sampler);
  g_autofree gfloat *timesteps = g_new (gfloat, n_steps);

  if (!has (set, key))
    return;
  for (gint i = 0; i < n_steps; i++)
    timesteps[i] = (gfloat) tess_sampler_timestep (sampler, i);
  compare (set, key, key, timesteps, n_steps, 1e-6);
}

/* sample.NAME.STEPS */
static void
check_sample (Set *set, TessUnet *unet, const gchar *name)
{
  g_auto (GStrv) parts = g_strsplit (name, ".", -1);
  g_autofree gchar *full = title (set, name);
  g_autoptr (TessSampler) sampler = NULL;
  g_autoptr (TessTensor) x = NULL;
  TessDiffusionConfig diffusion = *tess_model_diffusion (set->model);
  TessSamplerSettings settings = { 0 };
  TessTileSettings tiles = { 0 };
  GError *error = NULL;

  if (!parse_sampler (parts[1], &settings))
    {
      golden_skip (set->golden, full, "a sampler that is not known here");
      return;
    }
  settings.n_steps = atoi (parts[2]);
  /* Only velocity models can start without any signal. */
  if (diffusion.prediction != TESS_PREDICTION_V)
    settings.zero_snr = 0;
  diffusion.steps_offset = 1;
  sampler = tess_sampler_new (&diffusion, &settings, &error);
  if (sampler != NULL)
    x = start_from (set, "sample.start", sampler, &error);
  if (x == NULL)
    {
      golden_fail (set->golden, full, error);
      return;
    }
  tiles.width = tiles.tile_w = (gint) x->dims[3];
  tiles.height = tiles.tile_h = (gint) x->dims[2];
  check_timesteps (set, name, sampler);
  if (!run_loop (set, unet, sampler, &tiles, x, &error))
    golden_fail (set->golden, full, error);
  else
    compare (set, name, name, tess_tensor_f32 (x), tess_tensor_n_elements (x),
             golden_sampler (set->golden));
}

/* panorama.circularN.latentS: S steps of DDIM, windows of 64 cells, one every
 * 8; N = 1: along x the canvas closes on itself. */
static void
check_panorama (Set *set, TessUnet *unet, const gchar *name)
{
  g_autofree gchar *full = title (set, name);
  const gchar *last = strrchr (name, '.');
  g_autofree gchar *stem = g_strndup (name, last - name);
  g_autofree gchar *start = g_strconcat (stem, ".start", NULL);
  gboolean circular = g_str_has_prefix (name, "panorama.circular1");
  g_autoptr (TessSampler) sampler = NULL;
  g_autoptr (TessTensor) x = NULL;
  TessSamplerSettings settings = { .kind = TESS_SAMPLER_DDIM,
                                   .n_steps = atoi (last + 7),
                                   .spacing = 1 + TESS_SPACING_LEADING };
  TessTileSettings tiles
      = { .tile_w = 64,
          .tile_h = 64,
          .overlap_x = 56,
          .overlap_y = 56,
          .grid_x = circular ? TESS_GRID_RING : TESS_GRID_EVEN };
  GError *error = NULL;

  sampler
      = tess_sampler_new (tess_model_diffusion (set->model), &settings, &error);
  if (sampler != NULL)
    x = start_from (set, start, sampler, &error);
  if (x == NULL)
    {
      golden_fail (set->golden, full, error);
      return;
    }
  tiles.width = (gint) x->dims[3];
  tiles.height = (gint) x->dims[2];
  if (!run_loop (set, unet, sampler, &tiles, x, &error))
    golden_fail (set->golden, full, error);
  else
    compare (set, name, name, tess_tensor_f32 (x), tess_tensor_n_elements (x),
             golden_sampler (set->golden));
}

static void
check_runs (Set *set, TessUnet *unet)
{
  for (guint i = 0; i < set->file->names->len; i++)
    {
      const gchar *name = g_ptr_array_index (set->file->names, i);
      g_auto (GStrv) parts = g_strsplit (name, ".", -1);

      if (!has (set, name) || g_strv_length (parts) != 3)
        continue;
      if (g_str_equal (parts[0], "sample") && g_ascii_isdigit (parts[2][0]))
        check_sample (set, unet, name);
      else if (g_str_equal (parts[0], "panorama")
               && g_str_has_prefix (parts[2], "latent"))
        check_panorama (set, unet, name);
    }
}

/* Rows 0 and 1 of the reference's own states, so that one fault is counted
 * once. */
static gboolean
read_contexts (Set *set, GError **error)
{
  const TessTensor *states
      = tess_tensor_file_get (set->file, "text.last_hidden_state");
  gint64 m;

  if (states == NULL || states->n_dims != 3)
    {
      g_propagate_error (error, complain ("there are no text states"));
      return FALSE;
    }
  m = MIN (2, states->dims[0]);
  set->contexts = tess_tensor_new (
      TESS_F32, 3, (gint64[]) { m, states->dims[1], states->dims[2] }, error);
  if (set->contexts == NULL)
    return FALSE;
  tess_tensor_read_f32 (states, 0, tess_tensor_n_elements (set->contexts),
                        tess_tensor_f32 (set->contexts));
  return TRUE;
}

static void
check_set (Set *set)
{
  GError *error = NULL;
  g_autoptr (TessUnet) unet = NULL;

  check_tokens (set);
  check_text (set);
  check_vae (set);
  if (!read_contexts (set, &error)
      || (unet = tess_unet_new (set->model, set->golden->backend, &error))
             == NULL)
    {
      golden_fail (set->golden, set->label, error);
      return;
    }
  check_unet (set, unet);
  check_runs (set, unet);
}

/* The folder itself, or what golden.json calls "model": a path from any folder
 * above it. */
static gchar *
find_model (const gchar *folder, JsonObject *facts)
{
  const gchar *name
      = json_object_get_string_member_with_default (facts, "model", NULL);
  g_autofree gchar *above = g_canonicalize_filename (folder, NULL);

  while (name != NULL)
    {
      g_autofree gchar *path = g_build_filename (above, name, NULL);
      g_autofree gchar *parent = g_path_get_dirname (above);

      if (g_file_test (path, G_FILE_TEST_EXISTS))
        return g_steal_pointer (&path);
      if (g_str_equal (parent, above))
        break;
      g_free (above);
      above = g_steal_pointer (&parent);
    }
  return g_strdup (folder);
}

void
golden_sd (Golden *golden, const gchar *folder)
{
  g_autofree gchar *tensors
      = g_build_filename (folder, "golden.safetensors", NULL);
  g_autofree gchar *facts = g_build_filename (folder, "golden.json", NULL);
  g_autofree gchar *label = g_path_get_basename (folder);
  g_autofree gchar *path = NULL;
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (TessTensorFile) file = NULL;
  g_autoptr (TessModel) model = NULL;
  GError *error = NULL;
  Set set = { .golden = golden, .label = label };

  if (!json_parser_load_from_file (parser, facts, &error))
    {
      golden_fail (golden, label, error);
      return;
    }
  if (!JSON_NODE_HOLDS_OBJECT (json_parser_get_root (parser)))
    {
      golden_fail (golden, label, complain ("golden.json is not an object"));
      return;
    }
  set.facts = json_node_get_object (json_parser_get_root (parser));
  set.folder = path = find_model (folder, set.facts);
  if ((file = tess_tensor_file_open (tensors, &error)) == NULL
      || (model = tess_model_open (path, &error)) == NULL)
    {
      golden_fail (golden, label, error);
      return;
    }
  set.file = file;
  set.model = model;
  check_set (&set);
  tess_tensor_unref (set.contexts);
}
