/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/model-upscaling.c: what StableSR adds to a model: sizes from the shapes
 * of its tensors, the lists of its weights, opening. */
#include "core/error.h"
#include "core/model-config.h"
#include "core/model-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define ENCODER TESS_STRUCTURE_ENCODER
#define ORIGINAL TESS_ORIGINAL_STRUCTURE
#define PER_LEVEL 3 /* blocks of the encoder: two and a change of size */
#define N_HEADS 4   /* as published */
#define MOST_CHANNELS (1 << 13)

/* --- the lists ----------------------------------------------------------- */

/* @path.@name's weight, sizes up to the first 0, and its bias. */
static void
add (GArray *layout,
     const gchar *path,
     const gchar *name,
     gint64 dst,
     gint64 src,
     gint64 side)
{
  TessLayoutEntry weight = { .dims = { dst, src, side, side } };
  TessLayoutEntry bias = { .n_dims = 1, .dims = { dst } };
  const gchar *dot = name[0] != '\0' ? "." : "";

  while (weight.n_dims < 4 && weight.dims[weight.n_dims] > 0)
    weight.n_dims++;
  weight.name = g_strconcat (path, dot, name, ".weight", NULL);
  bias.name = g_strconcat (path, dot, name, ".bias", NULL);
  g_array_append_val (layout, weight);
  g_array_append_val (layout, bias);
}

/* @time: width of the time embedding. */
static void
add_resnet (
    GArray *layout, const gchar *path, gint64 dst, gint64 src, gint64 time)
{
  add (layout, path, "norm1", src, 0, 0);
  add (layout, path, "conv1", dst, src, 3);
  add (layout, path, "time_emb_proj", dst, time, 0);
  add (layout, path, "norm2", dst, 0, 0);
  add (layout, path, "conv2", dst, dst, 3);
  if (src != dst)
    add (layout, path, "conv_shortcut", dst, src, 1);
}

static void
add_attention (GArray *layout, const gchar *path, gint64 width)
{
  add (layout, path, "norm", width, 0, 0);
  add (layout, path, "qkv", 3 * width, width, 0);
  add (layout, path, "proj_out", width, width, 0);
}

static void
add_encoder (GArray *layout,
             const TessUnetConfig *unet,
             const TessStructureConfig *config)
{
  gint64 time = 4 * config->width, before = config->width;
  gchar path[64];

#define PATH(...) (g_snprintf (path, sizeof path, ENCODER __VA_ARGS__), path)
  add (layout, PATH ("time_embed.0"), "", time, config->width, 0);
  add (layout, PATH ("time_embed.2"), "", time, time, 0);
  add (layout, PATH ("input_blocks.0.0"), "", config->width, unet->in_channels,
       3);
  for (gint i = 0; i < config->n_levels; i++)
    {
      gint64 width = config->channels[i];

      for (gint j = 1; j < PER_LEVEL; j++)
        {
          add_resnet (layout, PATH ("input_blocks.%d.0", i * PER_LEVEL + j),
                      width, before, time);
          before = width;
          if (config->attention[i])
            add_attention (
                layout, PATH ("input_blocks.%d.1", i * PER_LEVEL + j), width);
        }
      if (i < config->n_levels - 1)
        add (layout, PATH ("input_blocks.%d.0.op", (i + 1) * PER_LEVEL), "",
             width, width, 3);
    }
  add_resnet (layout, PATH ("middle_block.0"), before, before, time);
  add_attention (layout, PATH ("middle_block.1"), before);
  add_resnet (layout, PATH ("middle_block.2"), before, before, time);
  for (gint i = 0; i < config->n_levels; i++)
    add_resnet (layout, PATH ("fea_tran.%d", i), config->map_channels,
                config->channels[i], time);
#undef PATH
}

GArray *
tess_layout_structure (const TessUnetConfig *unet,
                       const TessStructureConfig *config)
{
  GArray *layout = tess_layout_new ();
  g_autoptr (GArray) base = NULL;

  if (config->width == 0)
    return layout;
  add_encoder (layout, unet, config);
  if (config->hidden == 0) /* the encoder alone */
    return layout;
  base = tess_layout_unet (unet);
  for (guint i = 0; i < base->len; i++)
    {
      const TessLayoutEntry *entry = &g_array_index (base, TessLayoutEntry, i);
      g_autofree gchar *path = NULL;

      if (!g_str_has_suffix (entry->name, TESS_RESNET_MARK)
          || strstr (entry->name, ".resnets.") == NULL)
        continue;
      path = g_strdup_printf (
          "%.*s.spade",
          (gint) (strlen (entry->name) - strlen (TESS_RESNET_MARK)),
          entry->name);
      add (layout, path, "param_free_norm", entry->dims[0], 0, 0);
      add (layout, path, "mlp_shared.0", config->hidden, config->map_channels,
           3);
      add (layout, path, "mlp_gamma", entry->dims[0], config->hidden, 3);
      add (layout, path, "mlp_beta", entry->dims[0], config->hidden, 3);
    }
  return layout;
}

GArray *
tess_layout_fusion (const TessFusionConfig *config)
{
  GArray *layout = tess_layout_new ();
  gchar path[96];

#define PATH(...)                                                              \
  (g_snprintf (path, sizeof path, "decoder.fusion_layer_" __VA_ARGS__), path)
  for (gint k = 1; k <= config->n_layers; k++)
    {
      gint64 c = config->channels[k - 1];

      PATH ("%d.encode_enc_1", k);
      add (layout, path, "norm1", 2 * c, 0, 0);
      add (layout, path, "conv1", c, 2 * c, 3);
      add (layout, path, "norm2", c, 0, 0);
      add (layout, path, "conv2", c, c, 3);
      add (layout, path, "conv_out", c, 2 * c, 1);
      for (gint i = 0; i < 3 * config->n_blocks; i++)
        {
          PATH ("%d.encode_enc_2.%d.rdb%d", k, i / 3, i % 3 + 1);
          for (gint j = 0; j < 5; j++)
            {
              g_autofree gchar *name = g_strdup_printf ("conv%d", j + 1);

              add (layout, path, name, j < 4 ? config->growth : c,
                   c + j * config->growth, 3);
            }
        }
      PATH ("%d.encode_enc_3", k);
      add (layout, path, "norm1", c, 0, 0);
      add (layout, path, "conv1", c, c, 3);
      add (layout, path, "norm2", c, 0, 0);
      add (layout, path, "conv2", c, c, 3);
    }
#undef PATH
  return layout;
}

/* --- sizes --------------------------------------------------------------- */

G_GNUC_PRINTF (3, 4)
static const TessTensor *
get (const GPtrArray *files, gint n_dims, const gchar *format, ...)
{
  static const gchar *const prefixes[]
      = { "", TESS_ORIGINAL_UNET, TESS_ORIGINAL_VAE };
  g_autofree gchar *name = NULL;
  va_list args;

  va_start (args, format);
  name = g_strdup_vprintf (format, args);
  va_end (args);
  for (guint i = 0; i < files->len; i++)
    for (guint k = 0; k < G_N_ELEMENTS (prefixes); k++)
      {
        g_autofree gchar *full = g_strconcat (prefixes[k], name, NULL);
        const TessTensor *tensor = tess_tensor_file_get (files->pdata[i], full);

        if (tensor != NULL && tensor->n_dims == n_dims)
          return tensor;
      }
  return NULL;
}

/* A size of a tensor, 0 where it is missing or beyond bounds. */
static gint
size_of (const TessTensor *tensor, gint dim)
{
  if (tensor == NULL || tensor->dims[dim] < 1
      || tensor->dims[dim] > MOST_CHANNELS)
    return 0;
  return (gint) tensor->dims[dim];
}

gboolean
tess_config_has_structure (const GPtrArray *files)
{
  return get (files, 4, ORIGINAL "input_blocks.0.0.weight") != NULL
         || get (files, 4, ENCODER "input_blocks.0.0.weight") != NULL;
}

gboolean
tess_config_has_fusion (const GPtrArray *files)
{
  return get (files, 4, "decoder.fusion_layer_1.encode_enc_1.conv1.weight")
         != NULL;
}

/* A weight of the encoder in either naming. */
#define GET(n_dims, then, now, ...)                                            \
  (get (files, n_dims, ORIGINAL then __VA_OPT__ (, ) __VA_ARGS__)              \
       ? get (files, n_dims, ORIGINAL then __VA_OPT__ (, ) __VA_ARGS__)        \
       : get (files, n_dims, ENCODER now __VA_OPT__ (, ) __VA_ARGS__))

gboolean
tess_config_infer_structure (const GPtrArray *files,
                             const gchar *path,
                             TessStructureConfig *config,
                             GError **error)
{
  *config = (TessStructureConfig) { .n_heads = N_HEADS,
                                    .n_groups = TESS_STRUCTURE_GROUPS };
  config->width = size_of (
      GET (4, "input_blocks.0.0.weight", "input_blocks.0.0.weight"), 0);
  for (; config->n_levels < TESS_MAX_LEVELS; config->n_levels++)
    {
      gint i = config->n_levels * PER_LEVEL + 1, level = config->n_levels;

      config->channels[level]
          = size_of (GET (1, "input_blocks.%d.0.out_layers.0.weight",
                          "input_blocks.%d.0.norm2.weight", i),
                     0);
      if (config->channels[level] == 0)
        break;
      config->attention[level] = GET (1, "input_blocks.%d.1.norm.weight",
                                      "input_blocks.%d.1.norm.weight", i)
                                 != NULL;
    }
  config->map_channels = size_of (
      GET (1, "fea_tran.0.out_layers.0.weight", "fea_tran.0.norm2.weight"), 0);
  config->hidden = size_of (
      get (files, 4, "input_blocks.1.0.spade.mlp_shared.0.weight"), 0);
  if (config->hidden == 0)
    config->hidden = size_of (
        get (files, 4, "down_blocks.0.resnets.0.spade.mlp_shared.0.weight"), 0);

  if (config->width > 0 && config->n_levels > 0 && config->map_channels > 0)
    return TRUE;
  g_set_error (
      error, TESS_ERROR, TESS_ERROR_MODEL,
      _ ("%s holds no encoder of StableSR (structcond_stage_model) that "
         "can be read; choose another file."),
      path);
  config->width = 0;
  return FALSE;
}

/* Groups and heads have whole numbers of channels. */
static gboolean
check_structure (const TessStructureConfig *config,
                 const gchar *path,
                 GError **error)
{
  gint groups = config->n_groups, last = config->n_levels - 1;
  gboolean ok
      = config->width % groups == 0 && config->map_channels % groups == 0;

  for (gint i = 0; i <= last; i++)
    ok = ok && config->channels[i] % groups == 0
         && ((i < last && !config->attention[i])
             || config->channels[i] % config->n_heads == 0);
  if (!ok)
    g_set_error (
        error, TESS_ERROR, TESS_ERROR_MODEL,
        _ ("The widths of the upscaling addition of %s are not multiples "
           "of its %d groups and %d heads; fetch it again."),
        path, groups, config->n_heads);
  return ok;
}

/* What a configuration in @folder says; none changes nothing. */
static gboolean
read_config (const gchar *folder, TessStructureConfig *config, GError **error)
{
  g_autofree gchar *path = g_build_filename (folder, "config.json", NULL);
  g_autoptr (JsonNode) root = NULL;

  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    return TRUE;
  root = tess_json_load (path, error);
  return root != NULL
         && tess_config_read_structure (json_node_get_object (root), path,
                                        config, error);
}

gboolean
tess_config_infer_fusion (const GPtrArray *files,
                          const gchar *path,
                          TessFusionConfig *config,
                          GError **error)
{
  *config = (TessFusionConfig) { 0 };
  for (; config->n_layers < TESS_MAX_LEVELS; config->n_layers++)
    {
      gint c = size_of (
          get (files, 1, "decoder.fusion_layer_%d.encode_enc_1.norm2.weight",
               config->n_layers + 1),
          0);

      config->channels[config->n_layers] = c;
      if (c == 0)
        break;
    }
  while (config->n_blocks < 64
         && get (files, 4,
                 "decoder.fusion_layer_1.encode_enc_2.%d.rdb1.conv1.weight",
                 config->n_blocks))
    config->n_blocks++;
  config->growth = size_of (
      get (files, 4, "decoder.fusion_layer_1.encode_enc_2.0.rdb1.conv1.weight"),
      0);
  if (config->n_layers > 0 && config->n_blocks > 0 && config->growth > 0)
    return TRUE;
  g_set_error (
      error, TESS_ERROR, TESS_ERROR_MODEL,
      _ ("%s holds no fusions of StableSR's decoder (fusion_layer) that "
         "can be read; choose another file."),
      path);
  config->n_layers = 0;
  return FALSE;
}

/* --- opening ------------------------------------------------------------- */

/* @folder: of a configuration, may be NULL. */
static gboolean
load_structure (TessModel *model,
                const GPtrArray *files,
                const gchar *folder,
                GError **error)
{
  TessStructureConfig *config = &model->config.structure;
  gint n_levels = model->config.unet.n_levels;

  if (!tess_config_infer_structure (files, model->path, config, error)
      || (folder && !read_config (folder, config, error))
      || !check_structure (config, model->path, error))
    return FALSE;
  if (config->hidden == 0 || config->n_levels != n_levels)
    {
      g_set_error (
          error, TESS_ERROR, TESS_ERROR_MODEL,
          _ ("The upscaling addition has %d levels with modulations of "
             "%d, the UNet of %s has %d levels; choose the addition that "
             "belongs to it."),
          config->n_levels, config->hidden, model->path, n_levels);
      return FALSE;
    }
  g_hash_table_remove_all (model->weights[TESS_PART_STRUCTURE]);
  model->n_params[TESS_PART_STRUCTURE] = 0;
  return tess_model_load_part (model, TESS_PART_STRUCTURE, TESS_NAMING_ORIGINAL,
                               files, error);
}

/* Layer k belongs to the level that has 2^k pixels a cell's side, k from 1. */
static gboolean
load_fusion (TessModel *model, const GPtrArray *files, GError **error)
{
  TessFusionConfig *config = &model->config.fusion;
  const TessVaeConfig *vae = &model->config.vae;

  if (!tess_config_infer_fusion (files, model->path, config, error))
    return FALSE;
  for (gint k = 1; k <= config->n_layers; k++)
    if (k >= vae->n_levels - 1 || config->channels[k - 1] != vae->channels[k])
      {
        g_set_error (error, TESS_ERROR, TESS_ERROR_MODEL,
                     _ ("The decoder's fusion %d is %d wide, which is not what "
                        "the VAE of %s has there; choose the file that belongs "
                        "to it."),
                     k, config->channels[k - 1], model->path);
        return FALSE;
      }
  g_hash_table_remove_all (model->weights[TESS_PART_FUSION]);
  model->n_params[TESS_PART_FUSION] = 0;
  return tess_model_load_part (model, TESS_PART_FUSION, TESS_NAMING_ORIGINAL,
                               files, error);
}

gboolean
tess_model_load_upscaling (TessModel *model,
                           const GPtrArray *files,
                           const gchar *folder,
                           GError **error)
{
  if (tess_config_has_structure (files)
      && !load_structure (model, files, folder, error))
    {
      model->config.structure.width = 0;
      return FALSE;
    }
  if (tess_config_has_fusion (files) && !load_fusion (model, files, error))
    {
      model->config.fusion.n_layers = 0;
      return FALSE;
    }
  return TRUE;
}

gboolean
tess_model_add_upscaling (TessModel *model, const gchar *path, GError **error)
{
  const gchar *folder = g_file_test (path, G_FILE_TEST_IS_DIR) ? path : NULL;
  g_autofree gchar *name
      = folder != NULL
            ? g_build_filename (folder, "diffusion_pytorch_model.safetensors",
                                NULL)
            : g_strdup (path);
  g_autoptr (GPtrArray) files
      = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_tensor_file_free);
  TessTensorFile *file = tess_tensor_file_open (name, error);

  if (file == NULL)
    return FALSE;
  g_ptr_array_add (files, file);
  if (tess_config_has_structure (files) || tess_config_has_fusion (files))
    return tess_model_load_upscaling (model, files, folder, error);
  g_set_error (
      error, TESS_ERROR, TESS_ERROR_MODEL,
      _ ("%s holds no weights of StableSR (structcond_stage_model, spade "
         "or fusion_layer); choose another file."),
      name);
  return FALSE;
}
