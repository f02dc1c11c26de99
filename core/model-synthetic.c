/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/model-synthetic.c: random models of known sizes, and their file. */
#include "core/model-synthetic.h"
#include "core/error.h"
#include "core/model-config.h"
#include "core/model-private.h"
#include "core/safetensors.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

gboolean
tess_synthetic_config (const gchar *kind,
                       TessModelConfig *config,
                       GError **error)
{
  gboolean tiny = g_str_has_prefix (kind, "tiny");
  gboolean sd2 = g_str_has_suffix (kind, "21");
  gint unet_width = tiny ? 32 : 320, vae_width = tiny ? 32 : 128;

  if (!g_str_equal (kind, "sd15") && !g_str_equal (kind, "sd21")
      && !g_str_equal (kind, "tiny15") && !g_str_equal (kind, "tiny21"))
    {
      g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
                   _ ("There is no synthetic model '%s'; choose sd15, sd21, "
                      "tiny15 or tiny21."),
                   kind);
      return FALSE;
    }
  memset (config, 0, sizeof *config);
  config->unet = (TessUnetConfig) {
    .in_channels = 4,
    .out_channels = 4,
    .n_levels = 4,
    .layers_per_block = 2,
    .mid_attention = TRUE,
    .context_width = tiny  ? 64
                     : sd2 ? 1024
                           : 768,
    .norm_groups = 32,
    .norm_eps = 1e-5f,
    .linear_projection = sd2,
    .flip_sin_to_cos = TRUE,
    .sample_size = 64,
  };
  config->vae = (TessVaeConfig) {
    .image_channels = 3,
    .latent_channels = 4,
    .n_levels = 4,
    .layers_per_block = 2,
    .norm_groups = 32,
    .mid_attention = TRUE,
    .quant_conv = TRUE,
    .post_quant_conv = TRUE,
    .scaling_factor = 0.18215f,
  };
  for (gint i = 0; i < 4; i++)
    {
      config->unet.channels[i] = unet_width * MIN (1 << i, 4);
      config->unet.attention_down[i] = i < 3;
      config->unet.attention_up[i] = i > 0;
      config->unet.n_heads[i]
          = sd2 ? MAX (config->unet.channels[i] / 64, 1) : 8;
      config->unet.depth[i] = 1;
      config->vae.channels[i] = vae_width * MIN (1 << i, 4);
    }
  config->text = (TessTextConfig) {
    .width = config->unet.context_width,
    .n_layers = tiny  ? 3
                : sd2 ? 23
                      : 12,
    .n_heads = MAX (config->unet.context_width / 64, 1),
    .mlp_width = 4 * config->unet.context_width,
    .n_tokens = tiny ? 1000 : 49408,
    .n_positions = 77,
    .act = sd2 ? TESS_ACT_GELU : TESS_ACT_QUICK_GELU,
    .norm_eps = 1e-5f,
    .bos_id = tiny ? 998 : 49406,
    .eos_id = tiny ? 999 : 49407,
    .pad_id = sd2    ? 0
              : tiny ? 999
                     : 49407,
  };
  tess_config_default_diffusion (&config->diffusion);
  if (sd2)
    config->diffusion.prediction = TESS_PREDICTION_V;
  return TRUE;
}

void
tess_synthetic_add_upscaling (TessModelConfig *config)
{
  gboolean tiny = config->unet.channels[0] < 320;
  gint width = tiny ? 32 : 256;

  config->structure = (TessStructureConfig) {
    .n_groups = TESS_STRUCTURE_GROUPS,
    .width = width,
    .n_levels = config->unet.n_levels,
    .n_heads = 4,
    .map_channels = tiny ? 32 : 256,
    .hidden = tiny ? 32 : 128,
  };
  for (gint i = 0; i < config->unet.n_levels; i++)
    {
      config->structure.channels[i] = i < 2 ? width : 2 * width;
      config->structure.attention[i] = i < 3;
    }
  config->fusion = (TessFusionConfig) { .n_layers = 2,
                                        .channels = { config->vae.channels[1],
                                                      config->vae.channels[2] },
                                        .n_blocks = tiny ? 1 : 2,
                                        .growth = tiny ? 8 : 32 };
}

/* Splitmix64 (Steele 2014): eight elements from each number. */
static guint64
mix (guint64 z)
{
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

/* Of variance 1 / fan in, scales around 1, shifts around 0. */
static void
fill_random (TessTensor *tensor, const gchar *name)
{
  guint64 state = g_str_hash (name) * 0x9e3779b97f4a7c15;
  guint16 *dst = tensor->data, table[256];
  gsize n = tess_tensor_n_elements (tensor), i = 0;
  gdouble fan_in = 1.0;
  gfloat values[256];

  for (gint d = 1; d < tensor->n_dims; d++)
    fan_in *= tensor->dims[d];
  for (gint k = 0; k < 256; k++)
    {
      gdouble u = (2 * k - 255) / 255.0;

      if (tensor->n_dims > 1)
        values[k] = (gfloat) (u * sqrt (3.0 / fan_in));
      else
        values[k]
            = (gfloat) (u * 0.1 + (g_str_has_suffix (name, ".weight") ? 1 : 0));
    }
  tess_f32_to_f16 (values, table, 256);
  for (; i + 8 <= n; i += 8)
    {
      guint64 z = mix (state += 0x9e3779b97f4a7c15);

      for (gint k = 0; k < 8; k++)
        dst[i + k] = table[(z >> (8 * k)) & 255];
    }
  for (; i < n; i++)
    dst[i] = table[mix (state += 0x9e3779b97f4a7c15) & 255];
}

TessModel *
tess_model_new_random (const TessModelConfig *config,
                       const gchar *name,
                       GError **error)
{
  g_autoptr (TessModel) model = tess_model_new_empty (name);

  model->config = *config;
  for (TessPart part = 0; part < TESS_N_PARTS; part++)
    {
      g_autoptr (GArray) layout = tess_layout_part (config, part);

      for (guint i = 0; i < layout->len; i++)
        {
          const TessLayoutEntry *entry
              = &g_array_index (layout, TessLayoutEntry, i);
          g_autoptr (TessTensor) tensor
              = tess_tensor_new (TESS_F16, entry->n_dims, entry->dims, error);

          if (tensor == NULL)
            return NULL;
          fill_random (tensor, entry->name);
          tess_model_take_weight (model, part, entry, tensor);
        }
    }
  return g_steal_pointer (&model);
}

TessModel *
tess_model_new_synthetic (const gchar *kind, GError **error)
{
  TessModelConfig config;

  if (!tess_synthetic_config (kind, &config, error))
    return NULL;
  return tess_model_new_random (&config, kind, error);
}

/* A tensor of the file: the weights that it stacks. */
typedef struct
{
  gchar *name;
  const TessTensor *parts[3];
  gint n_parts;
} Stack;

static void
stack_clear (gpointer data)
{
  g_free (((Stack *) data)->name);
}

static void
fill_stack (gint i, gpointer dst, gsize n_bytes, gpointer data)
{
  const Stack *stack = &g_array_index ((GArray *) data, Stack, i);
  guint8 *at = dst;

  for (gint k = 0; k < stack->n_parts; k++)
    {
      memcpy (at, stack->parts[k]->data, stack->parts[k]->n_bytes);
      at += stack->parts[k]->n_bytes;
    }
}

/* Thirds come one after another: q, k, v. */
static GArray *
make_stacks (TessModel *model, gboolean without_prefix)
{
  gboolean openclip = model->config.text.act == TESS_ACT_GELU;
  GArray *stacks = g_array_new (FALSE, TRUE, sizeof (Stack));
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  g_array_set_clear_func (stacks, stack_clear);
  for (TessPart part = 0; part < TESS_N_PARTS; part++)
    {
      g_autoptr (GArray) layout = tess_layout_part (&model->config, part);

      for (guint i = 0; i < layout->len; i++)
        {
          const gchar *name = g_array_index (layout, TessLayoutEntry, i).name;
          const TessWeight *weight
              = g_hash_table_lookup (model->weights[part], name);
          gint third;
          g_autofree gchar *original = tess_names_original (
              &model->config, part, name, openclip, &third);
          Stack stack = { .parts = { weight->tensor }, .n_parts = 1 };
          gpointer at = g_hash_table_lookup (seen, original);
          gchar *prefix = strstr (original, "text_model.");

          if (at != NULL)
            {
              Stack *first
                  = &g_array_index (stacks, Stack, GPOINTER_TO_UINT (at) - 1);

              g_assert (third == 1 || third == 2);
              first->parts[third] = weight->tensor;
              first->n_parts = 3;
              continue;
            }
          if (without_prefix && prefix != NULL)
            memmove (prefix, prefix + strlen ("text_model."),
                     strlen (prefix + strlen ("text_model.")) + 1);
          stack.name = g_steal_pointer (&original);
          g_array_append_val (stacks, stack);
          g_hash_table_insert (seen, stack.name,
                               GUINT_TO_POINTER (stacks->len));
        }
    }
  return stacks;
}

gboolean
tess_model_write_single (TessModel *model,
                         const gchar *path,
                         gboolean without_prefix,
                         GError **error)
{
  g_autoptr (GArray) stacks = make_stacks (model, without_prefix);
  g_autofree TessSafetensorsEntry *entries
      = g_new0 (TessSafetensorsEntry, stacks->len);

  for (guint i = 0; i < stacks->len; i++)
    {
      const Stack *stack = &g_array_index (stacks, Stack, i);
      const TessTensor *first = stack->parts[0];

      entries[i].name = stack->name;
      entries[i].type = first->type;
      entries[i].n_dims = first->n_dims;
      memcpy (entries[i].dims, first->dims, sizeof first->dims);
      if (first->n_dims > 0)
        entries[i].dims[0] *= stack->n_parts;
    }
  return tess_safetensors_write (path, entries, stacks->len, NULL, fill_stack,
                                 stacks, error);
}
