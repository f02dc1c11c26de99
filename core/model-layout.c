/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/model-layout.c: names and shapes of UNet, VAE and text encoder, from
 * their configurations. Agrees with the state dicts of diffusers 0.40 and
 * transformers 5. */
#include "core/model-layout.h"

#include <string.h>

static void
entry_clear (gpointer data)
{
  g_free (((TessLayoutEntry *) data)->name);
}

GArray *
tess_layout_new (void)
{
  GArray *layout = g_array_new (FALSE, TRUE, sizeof (TessLayoutEntry));

  g_array_set_clear_func (layout, entry_clear);
  return layout;
}

/* @prefix.@name, sizes up to the first 0. */
static void
add (GArray *layout,
     const gchar *prefix,
     const gchar *name,
     gint64 d0,
     gint64 d1,
     gint64 d2,
     gint64 d3)
{
  TessLayoutEntry entry = { .dims = { d0, d1, d2, d3 } };

  while (entry.n_dims < 4 && entry.dims[entry.n_dims] > 0)
    entry.n_dims++;
  entry.name = g_strconcat (prefix, ".", name, NULL);
  g_array_append_val (layout, entry);
}

static void
add_norm (GArray *layout, const gchar *prefix, gint64 width)
{
  add (layout, prefix, "weight", width, 0, 0, 0);
  add (layout, prefix, "bias", width, 0, 0, 0);
}

static void
add_linear (GArray *layout, const gchar *prefix, gint64 dst, gint64 src)
{
  add (layout, prefix, "weight", dst, src, 0, 0);
  add (layout, prefix, "bias", dst, 0, 0, 0);
}

static void
add_conv (
    GArray *layout, const gchar *prefix, gint64 dst, gint64 src, gint side)
{
  add (layout, prefix, "weight", dst, src, side, side);
  add (layout, prefix, "bias", dst, 0, 0, 0);
}

#define SUB(name) (g_snprintf (sub, sizeof sub, "%s." name, prefix), sub)

/* @time: width of the time embedding, 0: none. */
static void
add_resnet (
    GArray *layout, const gchar *prefix, gint64 dst, gint64 src, gint64 time)
{
  gchar sub[128];

  add_norm (layout, SUB ("norm1"), src);
  add_conv (layout, SUB ("conv1"), dst, src, 3);
  if (time > 0)
    add_linear (layout, SUB ("time_emb_proj"), dst, time);
  add_norm (layout, SUB ("norm2"), dst);
  add_conv (layout, SUB ("conv2"), dst, dst, 3);
  if (src != dst)
    add_conv (layout, SUB ("conv_shortcut"), dst, src, 1);
}

static void
add_attention (GArray *layout,
               const gchar *prefix,
               gint64 width,
               gint64 context)
{
  gchar sub[128];

  add (layout, SUB ("to_q"), "weight", width, width, 0, 0);
  add (layout, SUB ("to_k"), "weight", width, context, 0, 0);
  add (layout, SUB ("to_v"), "weight", width, context, 0, 0);
  add_linear (layout, SUB ("to_out.0"), width, width);
}

static void
add_transformer (GArray *layout,
                 const gchar *prefix,
                 const TessUnetConfig *config,
                 gint level)
{
  gint64 width = config->channels[level];
  gchar sub[128], block[96];

  add_norm (layout, SUB ("norm"), width);
  if (config->linear_projection)
    add_linear (layout, SUB ("proj_in"), width, width);
  else
    add_conv (layout, SUB ("proj_in"), width, width, 1);
  for (gint i = 0; i < config->depth[level]; i++)
    {
      g_snprintf (block, sizeof block, "%s.transformer_blocks.%d", prefix, i);
      g_snprintf (sub, sizeof sub, "%s.norm1", block);
      add_norm (layout, sub, width);
      g_snprintf (sub, sizeof sub, "%s.attn1", block);
      add_attention (layout, sub, width, width);
      g_snprintf (sub, sizeof sub, "%s.norm2", block);
      add_norm (layout, sub, width);
      g_snprintf (sub, sizeof sub, "%s.attn2", block);
      add_attention (layout, sub, width, config->context_width);
      g_snprintf (sub, sizeof sub, "%s.norm3", block);
      add_norm (layout, sub, width);
      g_snprintf (sub, sizeof sub, "%s.ff.net.0.proj", block);
      add_linear (layout, sub, 8 * width, width);
      g_snprintf (sub, sizeof sub, "%s.ff.net.2", block);
      add_linear (layout, sub, width, 4 * width);
    }
  if (config->linear_projection)
    add_linear (layout, SUB ("proj_out"), width, width);
  else
    add_conv (layout, SUB ("proj_out"), width, width, 1);
}

static void
add_unet_down (GArray *layout, const TessUnetConfig *config, gint level)
{
  gint64 width = config->channels[level], time = 4 * config->channels[0];
  gint64 src = config->channels[MAX (level - 1, 0)];
  gchar prefix[96];

  for (gint i = 0; i < config->layers_per_block; i++)
    {
      g_snprintf (prefix, sizeof prefix, "down_blocks.%d.resnets.%d", level, i);
      add_resnet (layout, prefix, width, i == 0 ? src : width, time);
      if (!config->attention_down[level])
        continue;
      g_snprintf (prefix, sizeof prefix, "down_blocks.%d.attentions.%d", level,
                  i);
      add_transformer (layout, prefix, config, level);
    }
  if (level == config->n_levels - 1)
    return;
  g_snprintf (prefix, sizeof prefix, "down_blocks.%d.downsamplers.0.conv",
              level);
  add_conv (layout, prefix, width, width, 3);
}

/* Block 0 is the lowest level. Its resnets take the skips of the way down,
 * the last of them from the level above (below in number). */
static void
add_unet_up (GArray *layout, const TessUnetConfig *config, gint block)
{
  gint level = config->n_levels - 1 - block;
  gint64 width = config->channels[level], time = 4 * config->channels[0];
  gint64 below = config->channels[MIN (level + 1, config->n_levels - 1)];
  gint64 above = config->channels[MAX (level - 1, 0)];
  gchar prefix[96];

  for (gint i = 0; i <= config->layers_per_block; i++)
    {
      gint64 skip = i == config->layers_per_block ? above : width;

      g_snprintf (prefix, sizeof prefix, "up_blocks.%d.resnets.%d", block, i);
      add_resnet (layout, prefix, width, (i == 0 ? below : width) + skip, time);
      if (!config->attention_up[block])
        continue;
      g_snprintf (prefix, sizeof prefix, "up_blocks.%d.attentions.%d", block,
                  i);
      add_transformer (layout, prefix, config, level);
    }
  if (level == 0)
    return;
  g_snprintf (prefix, sizeof prefix, "up_blocks.%d.upsamplers.0.conv", block);
  add_conv (layout, prefix, width, width, 3);
}

GArray *
tess_layout_unet (const TessUnetConfig *config)
{
  GArray *layout = tess_layout_new ();
  gint last = config->n_levels - 1;
  gint64 first_width = config->channels[0], width = config->channels[last];

  add_conv (layout, "conv_in", first_width, config->in_channels, 3);
  add_linear (layout, "time_embedding.linear_1", 4 * first_width, first_width);
  add_linear (layout, "time_embedding.linear_2", 4 * first_width,
              4 * first_width);
  for (gint i = 0; i < config->n_levels; i++)
    add_unet_down (layout, config, i);
  add_resnet (layout, "mid_block.resnets.0", width, width, 4 * first_width);
  if (config->mid_attention)
    add_transformer (layout, "mid_block.attentions.0", config, last);
  add_resnet (layout, "mid_block.resnets.1", width, width, 4 * first_width);
  for (gint i = 0; i < config->n_levels; i++)
    add_unet_up (layout, config, i);
  add_norm (layout, "conv_norm_out", first_width);
  add_conv (layout, "conv_out", config->out_channels, first_width, 3);
  return layout;
}

static void
add_vae_mid (GArray *layout, const TessVaeConfig *config, const gchar *prefix)
{
  gint64 width = config->channels[config->n_levels - 1];
  gchar sub[128];

  add_resnet (layout, SUB ("resnets.0"), width, width, 0);
  if (config->mid_attention)
    {
      add_norm (layout, SUB ("attentions.0.group_norm"), width);
      add_linear (layout, SUB ("attentions.0.to_q"), width, width);
      add_linear (layout, SUB ("attentions.0.to_k"), width, width);
      add_linear (layout, SUB ("attentions.0.to_v"), width, width);
      add_linear (layout, SUB ("attentions.0.to_out.0"), width, width);
    }
  add_resnet (layout, SUB ("resnets.1"), width, width, 0);
}

static void
add_vae_encoder (GArray *layout, const TessVaeConfig *config)
{
  const gint *channels = config->channels;
  gint last = config->n_levels - 1;
  gchar prefix[96];

  add_conv (layout, "encoder.conv_in", channels[0], config->image_channels, 3);
  for (gint level = 0; level <= last; level++)
    {
      for (gint i = 0; i < config->layers_per_block; i++)
        {
          g_snprintf (prefix, sizeof prefix,
                      "encoder.down_blocks.%d.resnets.%d", level, i);
          add_resnet (layout, prefix, channels[level],
                      channels[i == 0 ? MAX (level - 1, 0) : level], 0);
        }
      if (level == last)
        continue;
      g_snprintf (prefix, sizeof prefix,
                  "encoder.down_blocks.%d.downsamplers.0.conv", level);
      add_conv (layout, prefix, channels[level], channels[level], 3);
    }
  add_vae_mid (layout, config, "encoder.mid_block");
  add_norm (layout, "encoder.conv_norm_out", channels[last]);
  add_conv (layout, "encoder.conv_out", 2 * config->latent_channels,
            channels[last], 3);
  if (config->quant_conv)
    add_conv (layout, "quant_conv", 2 * config->latent_channels,
              2 * config->latent_channels, 1);
}

static void
add_vae_decoder (GArray *layout, const TessVaeConfig *config)
{
  const gint *channels = config->channels;
  gint last = config->n_levels - 1;
  gchar prefix[96];

  if (config->post_quant_conv)
    add_conv (layout, "post_quant_conv", config->latent_channels,
              config->latent_channels, 1);
  add_conv (layout, "decoder.conv_in", channels[last], config->latent_channels,
            3);
  add_vae_mid (layout, config, "decoder.mid_block");
  for (gint block = 0; block <= last; block++)
    {
      gint level = last - block;

      for (gint i = 0; i <= config->layers_per_block; i++)
        {
          g_snprintf (prefix, sizeof prefix, "decoder.up_blocks.%d.resnets.%d",
                      block, i);
          add_resnet (layout, prefix, channels[level],
                      channels[i == 0 ? MIN (level + 1, last) : level], 0);
        }
      if (level == 0)
        continue;
      g_snprintf (prefix, sizeof prefix,
                  "decoder.up_blocks.%d.upsamplers.0.conv", block);
      add_conv (layout, prefix, channels[level], channels[level], 3);
    }
  add_norm (layout, "decoder.conv_norm_out", channels[0]);
  add_conv (layout, "decoder.conv_out", config->image_channels, channels[0], 3);
}

GArray *
tess_layout_vae (const TessVaeConfig *config)
{
  GArray *layout = tess_layout_new ();

  add_vae_encoder (layout, config);
  add_vae_decoder (layout, config);
  return layout;
}

GArray *
tess_layout_text (const TessTextConfig *config)
{
  GArray *layout = tess_layout_new ();
  gint64 width = config->width;
  gchar prefix[96], sub[128];

  add (layout, "text_model.embeddings.token_embedding", "weight",
       config->n_tokens, width, 0, 0);
  add (layout, "text_model.embeddings.position_embedding", "weight",
       config->n_positions, width, 0, 0);
  for (gint i = 0; i < config->n_layers; i++)
    {
      g_snprintf (prefix, sizeof prefix, "text_model.encoder.layers.%d", i);
      add_norm (layout, SUB ("layer_norm1"), width);
      add_linear (layout, SUB ("self_attn.q_proj"), width, width);
      add_linear (layout, SUB ("self_attn.k_proj"), width, width);
      add_linear (layout, SUB ("self_attn.v_proj"), width, width);
      add_linear (layout, SUB ("self_attn.out_proj"), width, width);
      add_norm (layout, SUB ("layer_norm2"), width);
      add_linear (layout, SUB ("mlp.fc1"), config->mlp_width, width);
      add_linear (layout, SUB ("mlp.fc2"), width, config->mlp_width);
    }
  add_norm (layout, "text_model.final_layer_norm", width);
  return layout;
}

GArray *
tess_layout_part (const TessModelConfig *config, TessPart part)
{
  switch (part)
    {
    case TESS_PART_UNET:
      return tess_layout_unet (&config->unet);
    case TESS_PART_VAE:
      return tess_layout_vae (&config->vae);
    case TESS_PART_TEXT:
      return tess_layout_text (&config->text);
    case TESS_PART_INSTANCE:
      return tess_layout_instance (&config->unet, &config->instance);
    case TESS_PART_STRUCTURE:
      return tess_layout_structure (&config->unet, &config->structure);
    case TESS_PART_FUSION:
      return tess_layout_fusion (&config->fusion);
    case TESS_N_PARTS:
      break;
    }
  g_return_val_if_reached (NULL);
}

const gchar *
tess_part_name (TessPart part)
{
  static const gchar *const names[TESS_N_PARTS] = {
    [TESS_PART_UNET] = "UNet",
    [TESS_PART_VAE] = "VAE",
    [TESS_PART_TEXT] = "text encoder",
    [TESS_PART_INSTANCE] = "instance addition",
    [TESS_PART_STRUCTURE] = "upscaling addition",
    [TESS_PART_FUSION] = "decoder's upscaling addition",
  };

  g_return_val_if_fail (part < TESS_N_PARTS, NULL);
  return names[part];
}
