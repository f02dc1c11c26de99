/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/model-config.c: diffusers' and transformers' JSON -> configuration.
 *
 * A key that changes the network in a way that Tessera does not know is
 * refused by name; keys that only concern training are not looked at. */
#include "core/model-config.h"
#include "core/error.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

typedef struct
{
  JsonObject *json;
  const gchar *file;
  GError **error;
  gboolean failed; /* the first fault is told, later reads give defaults */
} Reader;

G_GNUC_PRINTF (3, 4)
static void
reader_fail (Reader *reader, TessError code, const gchar *format, ...)
{
  g_autofree gchar *what = NULL;
  va_list args;

  if (reader->failed)
    return;
  reader->failed = TRUE;
  va_start (args, format);
  what = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (reader->error, TESS_ERROR, code, _ ("%s: %s"), reader->file,
               what);
}

/* NULL where the key is missing or null. */
static JsonNode *
get (Reader *reader, const gchar *key)
{
  JsonNode *node = json_object_get_member (reader->json, key);

  return node == NULL || JSON_NODE_HOLDS_NULL (node) ? NULL : node;
}

static gboolean
node_number (JsonNode *node, gdouble *number)
{
  GType type = JSON_NODE_HOLDS_VALUE (node) ? json_node_get_value_type (node)
                                            : G_TYPE_INVALID;

  if (type != G_TYPE_INT64 && type != G_TYPE_DOUBLE)
    return FALSE;
  *number = json_node_get_double (node);
  return isfinite (*number);
}

static gdouble
get_number (Reader *reader, const gchar *key, gdouble otherwise)
{
  JsonNode *node = get (reader, key);
  gdouble number;

  if (node == NULL)
    return otherwise;
  if (!node_number (node, &number))
    {
      reader_fail (reader, TESS_ERROR_MODEL, "'%s' is not a number.", key);
      return otherwise;
    }
  return number;
}

static gint
get_int (Reader *reader, const gchar *key, gint otherwise, gint min, gint max)
{
  gdouble number = get_number (reader, key, otherwise);

  if (number < min || number > max || number != floor (number))
    {
      reader_fail (reader, TESS_ERROR_MODEL,
                   "'%s' is %g; a whole number from %d to %d was expected.",
                   key, number, min, max);
      return CLAMP (otherwise, min, max);
    }
  return (gint) number;
}

static gboolean
get_bool (Reader *reader, const gchar *key, gboolean otherwise)
{
  JsonNode *node = get (reader, key);

  if (node == NULL)
    return otherwise;
  if (!JSON_NODE_HOLDS_VALUE (node)
      || json_node_get_value_type (node) != G_TYPE_BOOLEAN)
    {
      reader_fail (reader, TESS_ERROR_MODEL, "'%s' is neither true nor false.",
                   key);
      return otherwise;
    }
  return json_node_get_boolean (node);
}

static const gchar *
get_string (Reader *reader, const gchar *key, const gchar *otherwise)
{
  JsonNode *node = get (reader, key);

  if (node == NULL)
    return otherwise;
  if (!JSON_NODE_HOLDS_VALUE (node)
      || json_node_get_value_type (node) != G_TYPE_STRING)
    {
      reader_fail (reader, TESS_ERROR_MODEL, "'%s' is not a text.", key);
      return otherwise;
    }
  return json_node_get_string (node);
}

/* One number for all levels, or one each. */
static void
get_levels (Reader *reader,
            const gchar *key,
            gint otherwise,
            gint max,
            gint n_levels,
            gint *dst)
{
  JsonNode *node = get (reader, key);
  JsonArray *array;

  if (node == NULL || !JSON_NODE_HOLDS_ARRAY (node))
    {
      gint number = get_int (reader, key, otherwise, 1, max);

      for (gint i = 0; i < n_levels; i++)
        dst[i] = number;
      return;
    }
  array = json_node_get_array (node);
  if ((gint) json_array_get_length (array) != n_levels)
    {
      reader_fail (reader, TESS_ERROR_MODEL,
                   "'%s' has %u numbers for %d levels.", key,
                   json_array_get_length (array), n_levels);
      return;
    }
  for (gint i = 0; i < n_levels; i++)
    {
      gdouble number;

      if (!node_number (json_array_get_element (array, i), &number)
          || number < 1 || number > max || number != floor (number))
        {
          reader_fail (reader, TESS_ERROR_UNSUPPORTED,
                       "'%s' holds something else than whole numbers from 1 "
                       "to %d.",
                       key, max);
          return;
        }
      dst[i] = (gint) number;
    }
}

/* block_out_channels: also tells how many levels there are. */
static gint
get_channels (Reader *reader, gint *channels)
{
  JsonNode *node = get (reader, "block_out_channels");
  guint n_levels;

  if (node == NULL || !JSON_NODE_HOLDS_ARRAY (node))
    {
      reader_fail (reader, TESS_ERROR_MODEL,
                   "'block_out_channels' is missing.");
      return 1;
    }
  n_levels = json_array_get_length (json_node_get_array (node));
  if (n_levels < 1 || n_levels > TESS_MAX_LEVELS)
    {
      reader_fail (reader, TESS_ERROR_UNSUPPORTED,
                   "it has %u levels; 1 to %d are supported.", n_levels,
                   TESS_MAX_LEVELS);
      return 1;
    }
  get_levels (reader, "block_out_channels", 0, 1 << 14, n_levels, channels);
  return n_levels;
}

/* Which of two block types each level has. @with (may be NULL: not taken)
 * sets TRUE in @flags, which holds the defaults. */
static void
get_blocks (Reader *reader,
            const gchar *key,
            const gchar *without,
            const gchar *with,
            gint n_levels,
            gboolean *flags)
{
  JsonNode *node = get (reader, key);
  JsonArray *array;

  if (node == NULL && flags != NULL)
    return;
  if (node == NULL || !JSON_NODE_HOLDS_ARRAY (node))
    {
      reader_fail (reader, TESS_ERROR_MODEL, "'%s' is missing.", key);
      return;
    }
  array = json_node_get_array (node);
  if ((gint) json_array_get_length (array) != n_levels)
    {
      reader_fail (reader, TESS_ERROR_MODEL,
                   "'%s' has %u blocks for %d levels.", key,
                   json_array_get_length (array), n_levels);
      return;
    }
  for (gint i = 0; i < n_levels; i++)
    {
      JsonNode *element = json_array_get_element (array, i);
      const gchar *type = JSON_NODE_HOLDS_VALUE (element)
                              ? json_node_get_string (element)
                              : NULL;
      gboolean attention = g_strcmp0 (type, with) == 0 && with != NULL;

      if (!attention && g_strcmp0 (type, without) != 0)
        {
          reader_fail (reader, TESS_ERROR_UNSUPPORTED,
                       "blocks of the kind '%s' are not supported.",
                       type ? type : "?");
          return;
        }
      if (flags != NULL)
        flags[i] = attention;
    }
}

/* The key must be missing, null, false or the text @only. */
static void
refuse (Reader *reader, const gchar *key, const gchar *only)
{
  JsonNode *node = get (reader, key);

  if (node == NULL)
    return;
  if (JSON_NODE_HOLDS_VALUE (node))
    {
      if (json_node_get_value_type (node) == G_TYPE_BOOLEAN
          && !json_node_get_boolean (node))
        return;
      if (only != NULL && g_strcmp0 (json_node_get_string (node), only) == 0)
        return;
    }
  reader_fail (reader, TESS_ERROR_UNSUPPORTED,
               "the network has '%s', which this version does not support.",
               key);
}

gboolean
tess_config_read_unet (JsonObject *json,
                       const gchar *file,
                       TessUnetConfig *config,
                       GError **error)
{
  static const gchar *const unknown[]
      = { "class_embed_type",       "num_class_embeds",
          "addition_embed_type",    "encoder_hid_dim",
          "encoder_hid_dim_type",   "time_cond_proj_dim",
          "timestep_post_act",      "time_embedding_act_fn",
          "time_embedding_dim",     "dual_cross_attention",
          "only_cross_attention",   "mid_block_only_cross_attention",
          "cross_attention_norm",   "resnet_skip_time_act",
          "center_input_sample",    "reverse_transformer_layers_per_block",
          "class_embeddings_concat" };
  Reader reader = { .json = json, .file = file, .error = error };
  const gchar *mid;

  memset (config, 0, sizeof *config);
  for (guint i = 0; i < G_N_ELEMENTS (unknown); i++)
    refuse (&reader, unknown[i], NULL);
  refuse (&reader, "act_fn", "silu");
  refuse (&reader, "attention_type", "default");
  refuse (&reader, "time_embedding_type", "positional");
  refuse (&reader, "resnet_time_scale_shift", "default");

  config->in_channels = get_int (&reader, "in_channels", 4, 1, 1024);
  config->out_channels = get_int (&reader, "out_channels", 4, 1, 1024);
  config->n_levels = get_channels (&reader, config->channels);
  for (gint i = 0; i < config->n_levels; i++)
    {
      config->attention_down[i] = i < config->n_levels - 1;
      config->attention_up[i] = i > 0;
    }
  get_blocks (&reader, "down_block_types", "DownBlock2D",
              "CrossAttnDownBlock2D", config->n_levels, config->attention_down);
  get_blocks (&reader, "up_block_types", "UpBlock2D", "CrossAttnUpBlock2D",
              config->n_levels, config->attention_up);
  /* diffusers took the number of heads for the width of one in its first
   * models and keeps to it: "attention_head_dim" is the number here. */
  get_levels (&reader,
              get (&reader, "num_attention_heads") ? "num_attention_heads"
                                                   : "attention_head_dim",
              8, 1024, config->n_levels, config->n_heads);
  get_levels (&reader, "transformer_layers_per_block", 1, 32, config->n_levels,
              config->depth);
  config->layers_per_block = get_int (&reader, "layers_per_block", 2, 1, 16);
  mid = get_string (&reader, "mid_block_type", "UNetMidBlock2DCrossAttn");
  config->mid_attention = g_str_equal (mid, "UNetMidBlock2DCrossAttn");
  if (!config->mid_attention && !g_str_equal (mid, "UNetMidBlock2D"))
    refuse (&reader, "mid_block_type", NULL);
  config->context_width
      = get_int (&reader, "cross_attention_dim", 1280, 1, 1 << 14);
  config->norm_groups = get_int (&reader, "norm_num_groups", 32, 1, 1 << 14);
  config->norm_eps = get_number (&reader, "norm_eps", 1e-5);
  config->linear_projection
      = get_bool (&reader, "use_linear_projection", FALSE);
  config->flip_sin_to_cos = get_bool (&reader, "flip_sin_to_cos", TRUE);
  config->freq_shift = get_number (&reader, "freq_shift", 0.0);
  config->sample_size = get_int (&reader, "sample_size", 64, 1, 4096);
  return !reader.failed && tess_config_check_unet (config, file, error);
}

gboolean
tess_config_read_vae (JsonObject *json,
                      const gchar *file,
                      TessVaeConfig *config,
                      GError **error)
{
  Reader reader = { .json = json, .file = file, .error = error };

  memset (config, 0, sizeof *config);
  refuse (&reader, "act_fn", "silu");
  refuse (&reader, "latents_mean", NULL);
  refuse (&reader, "latents_std", NULL);
  config->image_channels = get_int (&reader, "in_channels", 3, 1, 64);
  if (get_int (&reader, "out_channels", 3, 1, 64) != config->image_channels)
    reader_fail (&reader, TESS_ERROR_UNSUPPORTED,
                 "pictures with other channels out than in.");
  config->latent_channels = get_int (&reader, "latent_channels", 4, 1, 256);
  config->n_levels = get_channels (&reader, config->channels);
  get_blocks (&reader, "down_block_types", "DownEncoderBlock2D", NULL,
              config->n_levels, NULL);
  get_blocks (&reader, "up_block_types", "UpDecoderBlock2D", NULL,
              config->n_levels, NULL);
  config->layers_per_block = get_int (&reader, "layers_per_block", 1, 1, 16);
  config->norm_groups = get_int (&reader, "norm_num_groups", 32, 1, 1 << 14);
  config->mid_attention = get_bool (&reader, "mid_block_add_attention", TRUE);
  config->quant_conv = get_bool (&reader, "use_quant_conv", TRUE);
  config->post_quant_conv = get_bool (&reader, "use_post_quant_conv", TRUE);
  config->scaling_factor = get_number (&reader, "scaling_factor", 0.18215);
  config->shift_factor = get_number (&reader, "shift_factor", 0.0);
  return !reader.failed && tess_config_check_vae (config, file, error);
}

gboolean
tess_config_read_text (JsonObject *json,
                       const gchar *file,
                       TessTextConfig *config,
                       GError **error)
{
  static const struct
  {
    const gchar *name;
    TessActivation act;
  } acts[]
      = { { "quick_gelu", TESS_ACT_QUICK_GELU }, { "gelu", TESS_ACT_GELU } };
  Reader reader = { .json = json, .file = file, .error = error };
  const gchar *act;

  memset (config, 0, sizeof *config);
  config->width = get_int (&reader, "hidden_size", 512, 1, 1 << 14);
  config->n_layers = get_int (&reader, "num_hidden_layers", 12, 1, 128);
  config->n_heads = get_int (&reader, "num_attention_heads", 8, 1, 1024);
  config->mlp_width = get_int (&reader, "intermediate_size", 2048, 1, 1 << 16);
  config->n_tokens = get_int (&reader, "vocab_size", 49408, 4, 1 << 22);
  config->n_positions
      = get_int (&reader, "max_position_embeddings", 77, 3, 1 << 14);
  config->norm_eps = get_number (&reader, "layer_norm_eps", 1e-5);
  config->bos_id = get_int (&reader, "bos_token_id", 0, 0, 1 << 22);
  config->eos_id = get_int (&reader, "eos_token_id", 2, 0, 1 << 22);
  config->pad_id = get_int (&reader, "pad_token_id", 1, 0, 1 << 22);
  /* transformers' old defaults, written by everyone and meant by no one:
   * CLIP's two special tokens are the last of its vocabulary. */
  if (config->bos_id == 0 && config->eos_id == 2)
    {
      config->bos_id = config->n_tokens - 2;
      config->eos_id = config->n_tokens - 1;
      if (config->pad_id == 1)
        config->pad_id = config->eos_id;
    }
  act = get_string (&reader, "hidden_act", "quick_gelu");
  for (guint i = 0; i < G_N_ELEMENTS (acts); i++)
    if (g_str_equal (act, acts[i].name))
      config->act = acts[i].act;
  if (config->act == TESS_ACT_NONE)
    reader_fail (&reader, TESS_ERROR_UNSUPPORTED,
                 "the activation '%s' is not supported.", act);
  return !reader.failed && tess_config_check_text (config, file, error);
}

gboolean
tess_config_read_structure (JsonObject *json,
                            const gchar *file,
                            TessStructureConfig *config,
                            GError **error)
{
  Reader reader = { .json = json, .file = file, .error = error };

  config->n_heads = get_int (&reader, "heads", config->n_heads, 1, 1024);
  config->n_groups = get_int (&reader, "groups", config->n_groups, 1, 1 << 14);
  config->window = get_int (&reader, "window", config->window, 0, 4096);
  config->aside = !get_bool (&reader, "any-size", !config->aside);
  return !reader.failed;
}

void
tess_config_default_diffusion (TessDiffusionConfig *config)
{
  *config = (TessDiffusionConfig) {
    .n_train_steps = 1000,
    .beta_start = 0.00085,
    .beta_end = 0.012,
    .betas = TESS_BETAS_SCALED_LINEAR,
    .prediction = TESS_PREDICTION_EPS,
    .spacing = TESS_SPACING_LEADING,
    .steps_offset = 1,
  };
}

/* The index of the key's text among @names; that of the first when missing. */
static gint
get_choice (Reader *reader, const gchar *key, const gchar *const *names)
{
  const gchar *text = get_string (reader, key, names[0]);

  for (gint i = 0; names[i] != NULL; i++)
    if (g_str_equal (text, names[i]))
      return i;
  reader_fail (reader, TESS_ERROR_UNSUPPORTED,
               "'%s' is '%s', which this version does not support.", key, text);
  return 0;
}

gboolean
tess_config_read_scheduler (JsonObject *json,
                            const gchar *file,
                            TessDiffusionConfig *config,
                            GError **error)
{
  /* In the order of the enums. */
  static const gchar *const betas[]
      = { "scaled_linear", "linear", "squaredcos_cap_v2", NULL };
  static const gchar *const predictions[]
      = { "epsilon", "v_prediction", "sample", NULL };
  static const gchar *const spacings[]
      = { "leading", "trailing", "linspace", NULL };
  Reader reader = { .json = json, .file = file, .error = error };

  tess_config_default_diffusion (config);
  refuse (&reader, "trained_betas", NULL);
  config->n_train_steps
      = get_int (&reader, "num_train_timesteps", 1000, 2, 100000);
  config->beta_start = get_number (&reader, "beta_start", config->beta_start);
  config->beta_end = get_number (&reader, "beta_end", config->beta_end);
  if (config->beta_start <= 0.0 || config->beta_start > config->beta_end
      || config->beta_end >= 1.0)
    reader_fail (&reader, TESS_ERROR_MODEL,
                 "betas from %g to %g; they must rise between 0 and 1.",
                 config->beta_start, config->beta_end);
  config->betas = get_choice (&reader, "beta_schedule", betas);
  config->prediction = get_choice (&reader, "prediction_type", predictions);
  config->spacing = get_choice (&reader, "timestep_spacing", spacings);
  config->steps_offset = get_int (&reader, "steps_offset", 0, 0, 1000);
  config->set_alpha_to_one = get_bool (&reader, "set_alpha_to_one", TRUE);
  config->zero_snr = get_bool (&reader, "rescale_betas_zero_snr", FALSE);
  return !reader.failed;
}
