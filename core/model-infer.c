/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/model-infer.c: the configuration of a single file, from the names and
 * shapes of its tensors. */
#include "core/model-config.h"
#include "core/error.h"
#include "core/model-names.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define SD2_BASE_STEPS "875000" /* of Stability's 512-base, an eps model */

/* NULL where there is none with so many dimensions. */
G_GNUC_PRINTF (3, 4)
static const TessTensor *
get (const TessTensorFile *file, gint n_dims, const gchar *format, ...)
{
  g_autofree gchar *name = NULL;
  const TessTensor *tensor;
  va_list args;

  va_start (args, format);
  name = g_strdup_vprintf (format, args);
  va_end (args);
  tensor = tess_tensor_file_get (file, name);
  return tensor != NULL && tensor->n_dims == n_dims ? tensor : NULL;
}

static gboolean
missing (const TessTensorFile *file, const gchar *what, GError **error)
{
  g_set_error (
      error, TESS_ERROR, TESS_ERROR_MODEL,
      _ ("%s holds no %s; choose a whole Stable Diffusion checkpoint."),
      file->path, what);
  return FALSE;
}

static gboolean
too_large (const TessTensorFile *file, const gchar *what, GError **error)
{
  g_set_error (error, TESS_ERROR, TESS_ERROR_UNSUPPORTED,
               _ ("%s: the %s is not one of Stable Diffusion's."), file->path,
               what);
  return FALSE;
}

static gint
infer_groups (gint n_levels, const gint *channels)
{
  for (gint groups = 32; groups > 8; groups /= 2)
    {
      gint i = 0;

      while (i < n_levels && channels[i] % groups == 0)
        i++;
      if (i == n_levels)
        return groups;
    }
  return 8;
}

static gint
infer_depth (const TessTensorFile *file, const gchar *prefix, gint block)
{
  gint depth = 0;

  while (get (file, 2,
              "%sinput_blocks.%d.1.transformer_blocks.%d.attn2.to_k"
              ".weight",
              prefix, block, depth))
    depth++;
  return MAX (depth, 1);
}

/* The blocks on the way down: levels part at ".0.op.weight". */
static gboolean
infer_down (const TessTensorFile *file,
            const gchar *prefix,
            TessUnetConfig *config,
            GError **error)
{
  gint level = 0, layers = 0;

  for (gint block = 1;; block++)
    {
      const TessTensor *conv = get (
          file, 4, "%sinput_blocks.%d.0.in_layers.2.weight", prefix, block);

      if (get (file, 4, "%sinput_blocks.%d.0.op.weight", prefix, block))
        {
          if (layers == 0 || layers != config->layers_per_block
              || ++level == TESS_MAX_LEVELS)
            return too_large (file, "UNet", error);
          layers = 0;
          continue;
        }
      if (conv == NULL)
        break;
      if (conv->dims[0] > 1 << 14)
        return too_large (file, "UNet", error);
      config->channels[level] = conv->dims[0];
      config->depth[level] = infer_depth (file, prefix, block);
      config->attention_down[level]
          = get (file, 1, "%sinput_blocks.%d.1.norm.weight", prefix, block)
            != NULL;
      layers++;
      if (level == 0)
        config->layers_per_block = layers;
    }
  if (layers == 0 || layers != config->layers_per_block || layers > 16)
    return too_large (file, "UNet", error);
  config->n_levels = level + 1;
  return TRUE;
}

/* The first cross attention that is found tells the width of the text and
 * how it is projected. */
static void
infer_attention (const TessTensorFile *file,
                 const gchar *prefix,
                 TessUnetConfig *config)
{
  gint n_blocks = config->n_levels * (config->layers_per_block + 1);

  for (gint block = 1; block < n_blocks; block++)
    {
      const TessTensor *key = get (
          file, 2, "%sinput_blocks.%d.1.transformer_blocks.0.attn2.to_k.weight",
          prefix, block);

      if (key == NULL)
        continue;
      config->context_width = CLAMP (key->dims[1], 0, 1 << 14);
      config->linear_projection
          = get (file, 2, "%sinput_blocks.%d.1.proj_in.weight", prefix, block)
            != NULL;
      return;
    }
}

gboolean
tess_config_infer_unet (const TessTensorFile *file,
                        const gchar *prefix,
                        TessUnetConfig *config,
                        GError **error)
{
  const TessTensor *first = get (file, 4, "%sinput_blocks.0.0.weight", prefix);
  const TessTensor *last = get (file, 4, "%sout.2.weight", prefix);

  memset (config, 0, sizeof *config);
  if (first == NULL || last == NULL)
    return missing (file, "UNet", error);
  if (first->dims[1] > 1024 || last->dims[0] > 1024)
    return too_large (file, "UNet", error);
  config->in_channels = first->dims[1];
  config->out_channels = last->dims[0];
  if (!infer_down (file, prefix, config, error))
    return FALSE;
  infer_attention (file, prefix, config);
  if (config->context_width < 1)
    return missing (file, "cross attention to a text", error);
  for (gint i = 0; i < config->n_levels; i++)
    {
      gint block = i * (config->layers_per_block + 1);

      config->attention_up[i]
          = get (file, 1, "%soutput_blocks.%d.1.norm.weight", prefix, block)
            != NULL;
      config->n_heads[i] = 8;
      if (config->linear_projection)
        config->n_heads[i] = MAX (config->channels[i] / 64, 1);
    }
  config->mid_attention
      = get (file, 1, "%smiddle_block.1.norm.weight", prefix) != NULL;
  config->norm_groups = infer_groups (config->n_levels, config->channels);
  config->norm_eps = 1e-5f;
  config->flip_sin_to_cos = TRUE;
  config->sample_size = 64;
  return tess_config_check_unet (config, file->path, error);
}

gboolean
tess_config_infer_vae (const TessTensorFile *file,
                       TessVaeConfig *config,
                       GError **error)
{
  static const gchar prefix[] = TESS_ORIGINAL_VAE;
  const TessTensor *first = get (file, 4, "%sencoder.conv_in.weight", prefix);
  const TessTensor *latent = get (file, 4, "%sdecoder.conv_in.weight", prefix);
  const TessTensor *conv;

  memset (config, 0, sizeof *config);
  if (first == NULL || latent == NULL)
    return missing (file, "VAE", error);
  if (first->dims[1] > 64 || latent->dims[1] > 256)
    return too_large (file, "VAE", error);
  config->image_channels = first->dims[1];
  config->latent_channels = latent->dims[1];
  while ((conv = get (file, 4, "%sencoder.down.%d.block.0.conv1.weight", prefix,
                      config->n_levels)))
    {
      if (config->n_levels == TESS_MAX_LEVELS || conv->dims[0] > 1 << 14)
        return too_large (file, "VAE", error);
      config->channels[config->n_levels++] = conv->dims[0];
    }
  while (config->layers_per_block < 16
         && get (file, 4, "%sencoder.down.0.block.%d.conv1.weight", prefix,
                 config->layers_per_block))
    config->layers_per_block++;
  config->mid_attention
      = get (file, 1, "%sencoder.mid.attn_1.norm.weight", prefix) != NULL;
  config->quant_conv = get (file, 4, "%squant_conv.weight", prefix) != NULL;
  config->post_quant_conv
      = get (file, 4, "%spost_quant_conv.weight", prefix) != NULL;
  config->scaling_factor = 0.18215f;
  config->norm_groups = infer_groups (config->n_levels, config->channels);
  return tess_config_check_vae (config, file->path, error);
}

/* With or without "text_model.", CLIP's or OpenCLIP's. */
static gboolean
infer_text (const TessTensorFile *file, TessTextConfig *config, GError **error)
{
  static const struct
  {
    const gchar *tokens, *positions, *layers, *mlp;
    gboolean openclip;
  } kinds[] = {
    { TESS_ORIGINAL_CLIP "text_model.embeddings.token_embedding.weight",
      TESS_ORIGINAL_CLIP "text_model.embeddings.position_embedding.weight",
      TESS_ORIGINAL_CLIP "text_model.encoder.layers", "mlp.fc1.weight", FALSE },
    { TESS_ORIGINAL_CLIP "embeddings.token_embedding.weight",
      TESS_ORIGINAL_CLIP "embeddings.position_embedding.weight",
      TESS_ORIGINAL_CLIP "encoder.layers", "mlp.fc1.weight", FALSE },
    { TESS_ORIGINAL_OPENCLIP "token_embedding.weight",
      TESS_ORIGINAL_OPENCLIP "positional_embedding",
      TESS_ORIGINAL_OPENCLIP "transformer.resblocks", "mlp.c_fc.weight", TRUE },
  };

  memset (config, 0, sizeof *config);
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      const TessTensor *tokens = get (file, 2, "%s", kinds[i].tokens);
      const TessTensor *positions = get (file, 2, "%s", kinds[i].positions);

      if (tokens == NULL || positions == NULL)
        continue;
      if (tokens->dims[0] > 1 << 22 || tokens->dims[1] > 1 << 14
          || tokens->dims[0] < 4 || positions->dims[0] > 1 << 14)
        return too_large (file, "text encoder", error);
      config->n_tokens = tokens->dims[0];
      config->width = tokens->dims[1];
      config->n_positions = positions->dims[0];
      for (; config->n_layers < 128; config->n_layers++)
        {
          const TessTensor *mlp = get (file, 2, "%s.%d.%s", kinds[i].layers,
                                       config->n_layers, kinds[i].mlp);

          if (mlp == NULL || mlp->dims[0] > 1 << 16)
            break;
          config->mlp_width = mlp->dims[0];
        }
      if (config->n_layers == 0)
        return missing (file, "layers of a text encoder", error);
      config->n_heads = MAX (config->width / 64, 1);
      config->act = kinds[i].openclip ? TESS_ACT_GELU : TESS_ACT_QUICK_GELU;
      config->bos_id = config->n_tokens - 2;
      config->eos_id = config->n_tokens - 1;
      config->pad_id = kinds[i].openclip ? 0 : config->eos_id;
      config->norm_eps = 1e-5f;
      /* SD 2 was trained on the last layer but one of 24. Files that were
       * made from a diffusers folder have lost the last. */
      config->clip_skip = kinds[i].openclip && config->n_layers != 23;
      return tess_config_check_text (config, file->path, error);
    }
  return missing (file, "text encoder", error);
}

/* The .yaml that lies beside some checkpoints, as A1111 reads it. */
static const gchar *
yaml_prediction (const gchar *path)
{
  const gchar *dot = strrchr (path, '.');
  g_autofree gchar *yaml = g_strdup_printf (
      "%.*s.yaml", dot ? (gint) (dot - path) : (gint) strlen (path), path);
  g_autofree gchar *text = NULL;
  g_autoptr (GMappedFile) file = g_mapped_file_new (yaml, FALSE, NULL);
  const gchar *at;

  if (file == NULL || g_mapped_file_get_length (file) > 1 << 20)
    return NULL;
  text = g_strndup (g_mapped_file_get_contents (file),
                    g_mapped_file_get_length (file));
  at = strstr (text, "parameterization:");
  if (at == NULL)
    return NULL;
  at += strlen ("parameterization:");
  at += strspn (at, " \"'");
  return *at == 'v' ? "v" : "eps";
}

static void
infer_prediction (const TessTensorFile *file, TessModelConfig *config)
{
  GHashTable *metadata = file->metadata;
  const gchar *told
      = g_hash_table_lookup (metadata, "modelspec.prediction_type");
  const gchar *steps = g_hash_table_lookup (metadata, "global_step");
  const gchar *base = g_hash_table_lookup (metadata, "ss_v2");
  gboolean is_sd2 = config->text.act == TESS_ACT_GELU;
  const gchar *from = "what such models mostly are";
  gboolean v = is_sd2, guessed = FALSE;

  if (g_hash_table_contains (file->tensors, "v_pred"))
    from = "its mark v_pred", v = TRUE;
  else if (told != NULL)
    from = "its metadata", v = g_str_has_prefix (told, "v");
  else if ((told = yaml_prediction (file->path)) != NULL)
    from = "its .yaml", v = told[0] == 'v';
  else if (g_hash_table_contains (file->tensors, TESS_ORIGINAL_STRUCTURE
                                  "input_blocks.0.0.weight"))
    {
      g_autofree gchar *name = g_path_get_basename (file->path);

      from = "its name, as StableSR's are called";
      v = strstr (name, "768v") != NULL;
      guessed = !v && strstr (name, "stablesr") == NULL && is_sd2;
    }
  else if (is_sd2 && g_strcmp0 (steps, SD2_BASE_STEPS) == 0)
    from = "its training step", v = FALSE;
  else if (g_hash_table_contains (metadata, "ss_v_parameterization"))
    {
      from = "its training settings";
      v = g_str_equal (g_hash_table_lookup (metadata, "ss_v_parameterization"),
                       "True");
    }
  else if (base != NULL && is_sd2)
    from = "its training settings", v = TRUE;
  else
    guessed = is_sd2;
  config->diffusion.prediction_guessed = guessed;
  config->diffusion.prediction = v ? TESS_PREDICTION_V : TESS_PREDICTION_EPS;
  config->diffusion.zero_snr = g_hash_table_contains (file->tensors, "ztsnr");
  /* SD 2's v models were trained on 768 pixels. */
  if (is_sd2 && v)
    config->unet.sample_size = 96;
  g_debug ("%s: predicts %s, by %s", file->path, v ? "v" : "eps", from);
}

gboolean
tess_config_infer (const TessTensorFile *file,
                   TessModelConfig *config,
                   GError **error)
{
  if (get (file, 2,
           "conditioner.embedders.0.transformer.text_model.embeddings"
           ".token_embedding.weight")
      || get (file, 2, "%slabel_emb.0.0.weight", TESS_ORIGINAL_UNET))
    {
      g_set_error (error, TESS_ERROR, TESS_ERROR_UNSUPPORTED,
                   _ ("%s is an SDXL checkpoint, which this version does not "
                      "support; choose one of SD 1.x or SD 2.x."),
                   file->path);
      return FALSE;
    }
  if (!tess_config_infer_unet (file, TESS_ORIGINAL_UNET, &config->unet, error)
      || !tess_config_infer_vae (file, &config->vae, error)
      || !infer_text (file, &config->text, error))
    return FALSE;
  tess_config_default_diffusion (&config->diffusion);
  infer_prediction (file, config);
  return TRUE;
}
