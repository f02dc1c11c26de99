/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/model-original.c: diffusers' names -> those of single files.
 *
 * The original networks number their blocks in one row (input_blocks.7), where
 * diffusers counts levels and layers (down_blocks.2.resnets.0); the rest is a
 * table of words. Source: the modules of CompVis/stable-diffusion,
 * Stability-AI/stablediffusion and mlfoundations/open_clip. */
#include "core/model-names.h"

#include <stdio.h>
#include <string.h>

typedef struct
{
  const gchar *from, *to;
} Word;

/* Whole names, or their beginning where the word ends with a dot. */
static const gchar *
translate (const Word *words, gsize n, const gchar *name, const gchar **rest)
{
  for (gsize i = 0; i < n; i++)
    if (g_str_has_prefix (name, words[i].from))
      {
        *rest = name + strlen (words[i].from);
        return words[i].to;
      }
  return NULL;
}

#define TRANSLATE(words, name, rest)                                           \
  translate (words, G_N_ELEMENTS (words), name, rest)

static gchar *
translate_all (const Word *words,
               gsize n,
               const gchar *prefix,
               const gchar *name)
{
  const gchar *rest = NULL, *word = translate (words, n, name, &rest);

  return word ? g_strconcat (prefix, word, rest, NULL) : NULL;
}

/* The parts of a residual block of the UNet. */
static const Word unet_resnet[] = {
  { "norm1.", "in_layers.0." },
  { "conv1.", "in_layers.2." },
  { "time_emb_proj.", "emb_layers.1." },
  { "norm2.", "out_layers.0." },
  { "conv2.", "out_layers.3." },
  { "conv_shortcut.", "skip_connection." },
  { "spade.", "spade." },
};

static const Word unet_ends[] = {
  { "time_embedding.linear_1.", "time_embed.0." },
  { "time_embedding.linear_2.", "time_embed.2." },
  { "conv_in.", "input_blocks.0.0." },
  { "conv_norm_out.", "out.0." },
  { "conv_out.", "out.2." },
};

/* What a block holds: "resnets.1.conv1.weight" at @block. */
static gchar *
unet_in_block (const gchar *row, gint block, gint slot, const gchar *rest)
{
  return g_strdup_printf ("%s.%d.%d.%s", row, block, slot, rest);
}

static gchar *
unet_resnet_in_block (const gchar *row,
                      gint block,
                      gint slot,
                      const gchar *name)
{
  g_autofree gchar *rest
      = translate_all (unet_resnet, G_N_ELEMENTS (unet_resnet), "", name);

  return rest ? unet_in_block (row, block, slot, rest) : NULL;
}

static gchar *
unet_down (const TessUnetConfig *config, const gchar *name)
{
  gint level, i, at = 0, per_level = config->layers_per_block + 1;

  if (sscanf (name, "down_blocks.%d.resnets.%d.%n", &level, &i, &at) == 2
      && at > 0)
    return unet_resnet_in_block ("input_blocks", level * per_level + i + 1, 0,
                                 name + at);
  if (sscanf (name, "down_blocks.%d.attentions.%d.%n", &level, &i, &at) == 2
      && at > 0)
    return unet_in_block ("input_blocks", level * per_level + i + 1, 1,
                          name + at);
  if (sscanf (name, "down_blocks.%d.downsamplers.0.conv.%n", &level, &at) == 1
      && at > 0)
    return g_strdup_printf ("input_blocks.%d.0.op.%s", (level + 1) * per_level,
                            name + at);
  return NULL;
}

static gchar *
unet_up (const TessUnetConfig *config, const gchar *name)
{
  gint block, i, at = 0, per_level = config->layers_per_block + 1;

  if (sscanf (name, "up_blocks.%d.resnets.%d.%n", &block, &i, &at) == 2
      && at > 0)
    return unet_resnet_in_block ("output_blocks", block * per_level + i, 0,
                                 name + at);
  if (sscanf (name, "up_blocks.%d.attentions.%d.%n", &block, &i, &at) == 2
      && at > 0)
    return unet_in_block ("output_blocks", block * per_level + i, 1, name + at);
  if (sscanf (name, "up_blocks.%d.upsamplers.0.conv.%n", &block, &at) == 1
      && at > 0 && block < config->n_levels)
    return g_strdup_printf ("output_blocks.%d.%d.conv.%s",
                            (block + 1) * per_level - 1,
                            config->attention_up[block] ? 2 : 1, name + at);
  return NULL;
}

static gchar *
unet_original (const TessUnetConfig *config, const gchar *name)
{
  gint i, at = 0;

  if (g_str_has_prefix (name, "down_blocks."))
    return unet_down (config, name);
  if (g_str_has_prefix (name, "up_blocks."))
    return unet_up (config, name);
  if (sscanf (name, "mid_block.resnets.%d.%n", &i, &at) == 1 && at > 0)
    {
      g_autofree gchar *rest = translate_all (
          unet_resnet, G_N_ELEMENTS (unet_resnet), "", name + at);

      if (i == 1 && config->mid_attention)
        i = 2;
      return rest ? g_strdup_printf ("middle_block.%d.%s", i, rest) : NULL;
    }
  if (g_str_has_prefix (name, "mid_block.attentions.0."))
    return g_strconcat ("middle_block.1.",
                        name + strlen ("mid_block.attentions.0."), NULL);
  return translate_all (unet_ends, G_N_ELEMENTS (unet_ends), "", name);
}

static const Word vae_words[] = {
  { "conv_shortcut.", "nin_shortcut." },
  { "group_norm.", "norm." },
  { "to_q.", "q." },
  { "to_k.", "k." },
  { "to_v.", "v." },
  { "to_out.0.", "proj_out." },
};

/* A part of a residual or attention block; most are called alike. */
static gchar *
vae_in_block (const gchar *block, const gchar *name)
{
  gchar *translated
      = translate_all (vae_words, G_N_ELEMENTS (vae_words), block, name);

  return translated ? translated : g_strconcat (block, name, NULL);
}

static gchar *
vae_original (const TessVaeConfig *config, const gchar *name)
{
  static const Word ends[] = {
    { "encoder.conv_norm_out.", "encoder.norm_out." },
    { "decoder.conv_norm_out.", "decoder.norm_out." },
    { "encoder.mid_block.resnets.0.", "encoder.mid.block_1." },
    { "encoder.mid_block.resnets.1.", "encoder.mid.block_2." },
    { "decoder.mid_block.resnets.0.", "decoder.mid.block_1." },
    { "decoder.mid_block.resnets.1.", "decoder.mid.block_2." },
    { "encoder.mid_block.attentions.0.", "encoder.mid.attn_1." },
    { "decoder.mid_block.attentions.0.", "decoder.mid.attn_1." },
  };
  const gchar *rest = NULL, *word = TRANSLATE (ends, name, &rest);
  gint block, i, at = 0;
  gchar prefix[64] = "";

  if (word != NULL)
    return vae_in_block (word, rest);
  if (sscanf (name, "encoder.down_blocks.%d.resnets.%d.%n", &block, &i, &at)
          == 2
      && at > 0)
    g_snprintf (prefix, sizeof prefix, "encoder.down.%d.block.%d.", block, i);
  else if (sscanf (name, "decoder.up_blocks.%d.resnets.%d.%n", &block, &i, &at)
               == 2
           && at > 0)
    g_snprintf (prefix, sizeof prefix, "decoder.up.%d.block.%d.",
                config->n_levels - 1 - block, i);
  else if (sscanf (name, "encoder.down_blocks.%d.downsamplers.0.%n", &block,
                   &at)
               == 1
           && at > 0)
    g_snprintf (prefix, sizeof prefix, "encoder.down.%d.downsample.", block);
  else if (sscanf (name, "decoder.up_blocks.%d.upsamplers.0.%n", &block, &at)
               == 1
           && at > 0)
    g_snprintf (prefix, sizeof prefix, "decoder.up.%d.upsample.",
                config->n_levels - 1 - block);
  return prefix[0] != '\0'
             ? vae_in_block (prefix, name + at)
             : g_strdup (name); /* conv_in, conv_out, quant_conv */
}

/* OpenCLIP keeps the three projections of an attention in one tensor. */
static gchar *
openclip_original (const gchar *name, gint *third)
{
  static const Word ends[] = {
    { "text_model.embeddings.token_embedding.", "token_embedding." },
    { "text_model.embeddings.position_embedding.weight",
      "positional_embedding" },
    { "text_model.final_layer_norm.", "ln_final." },
  };
  static const Word layer_words[] = {
    { "layer_norm1.", "ln_1." },
    { "layer_norm2.", "ln_2." },
    { "mlp.fc1.", "mlp.c_fc." },
    { "mlp.fc2.", "mlp.c_proj." },
    { "self_attn.out_proj.", "attn.out_proj." },
  };
  static const gchar *const thirds[]
      = { "self_attn.q_proj.", "self_attn.k_proj.", "self_attn.v_proj." };
  g_autofree gchar *rest = NULL;
  gint layer, at = 0;

  if (sscanf (name, "text_model.encoder.layers.%d.%n", &layer, &at) != 1
      || at == 0)
    return translate_all (ends, G_N_ELEMENTS (ends), "", name);
  name += at;
  rest = translate_all (layer_words, G_N_ELEMENTS (layer_words), "", name);
  for (gint i = 0; i < 3 && rest == NULL; i++)
    if (g_str_has_prefix (name, thirds[i]))
      {
        rest = g_strconcat ("attn.in_proj_", name + strlen (thirds[i]), NULL);
        *third = i;
      }
  return rest ? g_strdup_printf ("transformer.resblocks.%d.%s", layer, rest)
              : NULL;
}

/* StableSR's encoder: its residual blocks are the UNet's. */
static gchar *
structure_original (const TessUnetConfig *config, const gchar *name)
{
  static const gchar *const rows[]
      = { "input_blocks.%d.0.%n", "middle_block.%d.%n", "fea_tran.%d.%n" };
  const gchar *rest = name + strlen (TESS_STRUCTURE_ENCODER);
  gint i, at;

  if (!g_str_has_prefix (name, TESS_STRUCTURE_ENCODER))
    {
      g_autofree gchar *block = unet_original (config, name);

      return block ? g_strconcat (TESS_ORIGINAL_UNET, block, NULL) : NULL;
    }
  for (guint k = 0; k < G_N_ELEMENTS (rows); k++)
    {
      g_autofree gchar *part = NULL;

      at = 0;
      if (sscanf (rest, rows[k], &i, &at) != 1 || at == 0)
        continue;
      part = translate_all (unet_resnet, G_N_ELEMENTS (unet_resnet), "",
                            rest + at);
      if (part != NULL)
        return g_strdup_printf ("%s%.*s%s", TESS_ORIGINAL_STRUCTURE, at, rest,
                                part);
    }
  return g_strconcat (TESS_ORIGINAL_STRUCTURE, rest, NULL);
}

gchar *
tess_names_original (const TessModelConfig *config,
                     TessPart part,
                     const gchar *name,
                     gboolean openclip,
                     gint *third)
{
  g_autofree gchar *found = NULL;

  *third = -1;
  switch (part)
    {
    case TESS_PART_UNET:
      found = unet_original (&config->unet, name);
      return found ? g_strconcat (TESS_ORIGINAL_UNET, found, NULL) : NULL;
    case TESS_PART_VAE:
      found = vae_original (&config->vae, name);
      return found ? g_strconcat (TESS_ORIGINAL_VAE, found, NULL) : NULL;
    case TESS_PART_TEXT:
      if (!openclip)
        return g_strconcat (TESS_ORIGINAL_CLIP, name, NULL);
      found = openclip_original (name, third);
      return found ? g_strconcat (TESS_ORIGINAL_OPENCLIP, found, NULL) : NULL;
    case TESS_PART_INSTANCE: /* without the prefix, as it is published */
      return strstr (name, ".fuser.") ? unet_original (&config->unet, name)
                                      : g_strdup (name);
    case TESS_PART_STRUCTURE:
      return structure_original (&config->unet, name);
    case TESS_PART_FUSION:
      return g_strdup (name);
    case TESS_N_PARTS:
      break;
    }
  g_return_val_if_reached (NULL);
}
