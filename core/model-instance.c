/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/model-instance.c: what InstanceDiffusion adds to a UNet: sizes from the
 * shapes of its tensors, the list of its weights, opening. */
#include "core/error.h"
#include "core/model-config.h"
#include "core/model-private.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#define NET "position_net."
#define TRUNK NET "convnext_tiny_backbone."

gint
tess_layout_up_channels (const TessUnetConfig *config, gint i)
{
  gint per_level = config->layers_per_block + 1;
  gint level = config->n_levels - 1 - i / per_level;

  if (i % per_level == 0)
    level = MIN (level + 1, config->n_levels - 1);
  return config->channels[level];
}

/* --- the list ------------------------------------------------------------ */

/* @sizes: up to the first 0. */
G_GNUC_PRINTF (3, 4)
static void
add (GArray *layout, const gint64 sizes[4], const gchar *format, ...)
{
  TessLayoutEntry entry = { 0 };
  va_list args;

  while (entry.n_dims < 4 && sizes[entry.n_dims] > 0)
    {
      entry.dims[entry.n_dims] = sizes[entry.n_dims];
      entry.n_dims++;
    }
  va_start (args, format);
  entry.name = g_strdup_vprintf (format, args);
  va_end (args);
  g_array_append_val (layout, entry);
}

#define SIZES(...) ((const gint64[4]) { __VA_ARGS__ })

static void
add_pair (GArray *layout, const gchar *path, const gint64 sizes[4])
{
  add (layout, sizes, "%s.weight", path);
  add (layout, SIZES (sizes[0]), "%s.bias", path);
}

static void
add_fuser (GArray *layout, const gchar *block, gint64 c, gint64 token_width)
{
  static const gchar *const squares[] = { "to_q", "to_k", "to_v" };
  g_autofree gchar *path = g_strconcat (block, ".fuser", NULL);
  gchar sub[192];

#define SUB(name) (g_snprintf (sub, sizeof sub, "%s." name, path), sub)
  add (layout, SIZES (0), "%s.alpha_attn", path);
  add (layout, SIZES (0), "%s.alpha_dense", path);
  add_pair (layout, SUB ("linear"), SIZES (c, token_width));
  for (guint i = 0; i < G_N_ELEMENTS (squares); i++)
    add (layout, SIZES (c, c), "%s.attn.%s.weight", path, squares[i]);
  add_pair (layout, SUB ("attn.to_out.0"), SIZES (c, c));
  add_pair (layout, SUB ("ff.net.0.proj"), SIZES (8 * c, c));
  add_pair (layout, SUB ("ff.net.2"), SIZES (c, 4 * c));
  add_pair (layout, SUB ("norm1"), SIZES (c));
  add_pair (layout, SUB ("norm2"), SIZES (c));
#undef SUB
}

static void
add_trunk (GArray *layout, const TessInstanceConfig *config)
{
  gint64 before = 3;
  gchar path[128];

#define PATH(...) (g_snprintf (path, sizeof path, TRUNK __VA_ARGS__), path)
  for (gint s = 0; s < config->n_stages; s++)
    {
      gint64 c = config->trunk_channels[s], k = s == 0 ? 4 : 2;

      add_pair (layout, PATH ("downsample_layers.%d.%d", s, s > 0),
                SIZES (c, before, k, k));
      add_pair (layout, PATH ("downsample_layers.%d.%d", s, s == 0),
                SIZES (s == 0 ? c : before));
      for (gint i = 0; i < config->trunk_depths[s]; i++)
        {
          add (layout, SIZES (c), TRUNK "stages.%d.%d.gamma", s, i);
          add_pair (layout, PATH ("stages.%d.%d.dwconv", s, i),
                    SIZES (c, 1, 7, 7));
          add_pair (layout, PATH ("stages.%d.%d.norm", s, i), SIZES (c));
          add_pair (layout, PATH ("stages.%d.%d.pwconv1", s, i),
                    SIZES (4 * c, c));
          add_pair (layout, PATH ("stages.%d.%d.pwconv2", s, i),
                    SIZES (c, 4 * c));
        }
      before = c;
    }
#undef PATH
}

static void
add_position_net (GArray *layout, const TessInstanceConfig *config)
{
  gint64 text = config->text_width, mid = config->mlp_width;
  gint64 parts = 4 * config->trunk_channels[config->n_stages - 1];
  gint64 n_parts = (gint64) config->mask_side / 32 * (config->mask_side / 32);
  const gint64 places[4]
      = { 4, 2, 2 * config->n_scribble, 2 * config->n_polygon };
  static const gchar *const names[4]
      = { "position", "point", "scribble", "polygon" };

  add (layout, SIZES (1, n_parts / 4, parts), NET "pos_embedding");
  add (layout, SIZES (text), NET "null_positive_feature");
  for (gint i = 0; i < 4; i++)
    add (layout, SIZES (TESS_FOURIER * places[i]), NET "null_%s_feature",
         names[i]);
  add (layout, SIZES (parts), NET "null_seg_feature");
  add_pair (layout, NET "in_conv", SIZES (3, config->n_slots, 3, 3));
  add_trunk (layout, config);
  for (gint i = 0; i < 5; i++)
    {
      gint64 width = i < 4 ? text + TESS_FOURIER * places[i] : parts;
      gchar path[64];

#define PATH(k)                                                                \
  (g_snprintf (path, sizeof path, NET "linears_list.%d." k, i), path)
      add_pair (layout, PATH ("0"), SIZES (mid, width));
      add_pair (layout, PATH ("2"), SIZES (mid, mid));
      add_pair (layout, PATH ("4"), SIZES (config->token_width, mid));
#undef PATH
    }
}

GArray *
tess_layout_instance (const TessUnetConfig *unet,
                      const TessInstanceConfig *config)
{
  GArray *layout = tess_layout_new ();
  g_autoptr (GArray) base = NULL;

  if (config->n_slots == 0)
    return layout;
  add_position_net (layout, config);
  base = tess_layout_unet (unet);
  for (guint i = 0; i < base->len; i++)
    {
      const TessLayoutEntry *entry = &g_array_index (base, TessLayoutEntry, i);
      g_autofree gchar *block = NULL;

      if (!g_str_has_suffix (entry->name, TESS_TRANSFORMER_MARK))
        continue;
      block = g_strndup (entry->name,
                         strlen (entry->name) - strlen (TESS_TRANSFORMER_MARK));
      add_fuser (layout, block, entry->dims[0], config->token_width);
    }
  for (gint i = 0; i < unet->n_levels * (unet->layers_per_block + 1); i++)
    {
      add (layout, SIZES (tess_layout_up_channels (unet, i)), "scaleu_b_%d", i);
      add (layout, SIZES (1), "scaleu_s_%d", i);
    }
  return layout;
}

/* --- sizes --------------------------------------------------------------- */

G_GNUC_PRINTF (3, 4)
static const TessTensor *
get (const GPtrArray *files, gint n_dims, const gchar *format, ...)
{
  g_autofree gchar *name = NULL;
  va_list args;

  va_start (args, format);
  name = g_strdup_vprintf (format, args);
  va_end (args);
  for (guint i = 0; i < files->len; i++)
    for (gint prefixed = 0; prefixed < 2; prefixed++)
      {
        g_autofree gchar *full
            = g_strconcat (prefixed ? TESS_ORIGINAL_UNET : "", name, NULL);
        const TessTensor *tensor = tess_tensor_file_get (files->pdata[i], full);

        if (tensor != NULL && tensor->n_dims == n_dims)
          return tensor;
      }
  return NULL;
}

gboolean
tess_config_has_instance (const GPtrArray *files)
{
  return get (files, 1, NET "null_positive_feature") != NULL;
}

/* A size of a tensor, 0 where it is missing or beyond @most. */
static gint
size_of (const TessTensor *tensor, gint dim, gint most)
{
  if (tensor == NULL || tensor->dims[dim] < 1 || tensor->dims[dim] > most)
    return 0;
  return (gint) tensor->dims[dim];
}

static void
infer_trunk (const GPtrArray *files, TessInstanceConfig *config)
{
  for (; config->n_stages < TESS_MAX_LEVELS; config->n_stages++)
    {
      gint s = config->n_stages;
      const TessTensor *conv
          = get (files, 4, TRUNK "downsample_layers.%d.%d.weight", s, s > 0);

      config->trunk_channels[s] = size_of (conv, 0, 1 << 13);
      if (config->trunk_channels[s] == 0)
        return;
      while (config->trunk_depths[s] < 64
             && get (files, 1, TRUNK "stages.%d.%d.gamma", s,
                     config->trunk_depths[s]))
        config->trunk_depths[s]++;
    }
}

gboolean
tess_config_infer_instance (const GPtrArray *files,
                            const gchar *path,
                            TessInstanceConfig *config,
                            GError **error)
{
  const TessTensor *parts = get (files, 3, NET "pos_embedding");
  gint n_parts = size_of (parts, 1, 1 << 12), side;

  memset (config, 0, sizeof *config);
  config->n_slots
      = size_of (get (files, 4, NET "in_conv.weight"), 1, TESS_MAX_SLOTS);
  config->text_width
      = size_of (get (files, 1, NET "null_positive_feature"), 0, 1 << 13);
  config->token_width
      = size_of (get (files, 2, NET "linears_list.0.4.weight"), 0, 1 << 13);
  config->mlp_width
      = size_of (get (files, 2, NET "linears_list.0.0.weight"), 0, 1 << 14);
  config->n_scribble
      = size_of (get (files, 1, NET "null_scribble_feature"), 0, 1 << 20)
        / (2 * TESS_FOURIER);
  config->n_polygon
      = size_of (get (files, 1, NET "null_polygon_feature"), 0, 1 << 20)
        / (2 * TESS_FOURIER);
  infer_trunk (files, config);
  side = (gint) lround (sqrt (4.0 * n_parts));
  config->mask_side = 32 * side;
  config->formats = TESS_FORMAT_BOX | TESS_FORMAT_POINT | TESS_FORMAT_SCRIBBLE
                    | TESS_FORMAT_MASK;
  /* The trunk makes 32 times fewer cells: 4, then 2 at each further stage. */
  if (config->n_slots > 0 && config->text_width > 0 && config->token_width > 0
      && config->mlp_width > 0 && config->n_scribble > 0
      && config->n_polygon > 0 && config->n_stages == 4 && side > 0
      && side % 2 == 0 && side * side == 4 * n_parts)
    return TRUE;
  g_set_error (error, TESS_ERROR, TESS_ERROR_MODEL,
               _ ("%s holds no tokenizer of InstanceDiffusion (position_net) "
                  "that can be read; choose another file."),
               path);
  config->n_slots = 0;
  return FALSE;
}

/* --- opening ------------------------------------------------------------- */

gboolean
tess_model_load_instance (TessModel *model,
                          const GPtrArray *files,
                          GError **error)
{
  TessInstanceConfig *config = &model->config.instance;
  gint text_width = model->config.text.width;

  if (!tess_config_infer_instance (files, model->path, config, error))
    return FALSE;
  if (text_width > 0 && config->text_width != text_width)
    {
      g_set_error (
          error, TESS_ERROR, TESS_ERROR_MODEL,
          _ ("The instance addition reads texts of %d, the text encoder "
             "of %s gives %d; choose the addition that belongs to it."),
          config->text_width, model->path, text_width);
      config->n_slots = 0;
      return FALSE;
    }
  g_hash_table_remove_all (model->weights[TESS_PART_INSTANCE]);
  model->n_params[TESS_PART_INSTANCE] = 0;
  if (tess_model_load_part (model, TESS_PART_INSTANCE, TESS_NAMING_ORIGINAL,
                            files, error))
    return TRUE;
  config->n_slots = 0;
  return FALSE;
}

/* Texts in a list, joined; those that do not fit are left out. */
static void
read_names (JsonObject *object, gchar names[TESS_MAX_NAMES])
{
  JsonNode *list = json_object_get_member (object, "names");
  guint n = list != NULL && JSON_NODE_HOLDS_ARRAY (list)
                ? json_array_get_length (json_node_get_array (list))
                : 0;

  for (guint i = 0; i < n; i++)
    {
      JsonNode *node = json_array_get_element (json_node_get_array (list), i);
      const gchar *name
          = JSON_NODE_HOLDS_VALUE (node) ? json_node_get_string (node) : NULL;
      gsize at = strlen (names);

      if (name != NULL && at + strlen (name) + 3 <= TESS_MAX_NAMES)
        g_snprintf (names + at, TESS_MAX_NAMES - at, "%s%s", at ? ", " : "",
                    name);
    }
}

/* "formats", "masked", "prompts", "names": what shapes cannot say. A missing
 * file means all formats, and fusers that see everything. */
static gboolean
read_config (const gchar *folder, TessInstanceConfig *config, GError **error)
{
  static const gchar *const names[] = { "box", "point", "scribble", "mask" };
  g_autofree gchar *path = g_build_filename (folder, "config.json", NULL);
  g_autoptr (JsonNode) root = NULL;
  JsonObject *object;
  JsonNode *list;

  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    return TRUE;
  root = tess_json_load (path, error);
  if (root == NULL)
    return FALSE;
  object = json_node_get_object (root);
  config->masked
      = json_object_get_boolean_member_with_default (object, "masked", FALSE);
  config->prompts
      = json_object_get_boolean_member_with_default (object, "prompts", FALSE);
  read_names (object, config->names);
  list = json_object_get_member (object, "formats");
  if (list == NULL || !JSON_NODE_HOLDS_ARRAY (list))
    return TRUE;
  config->formats = 0;
  for (guint i = 0; i < json_array_get_length (json_node_get_array (list)); i++)
    {
      JsonNode *node = json_array_get_element (json_node_get_array (list), i);
      const gchar *name
          = JSON_NODE_HOLDS_VALUE (node) ? json_node_get_string (node) : NULL;

      for (guint k = 0; k < G_N_ELEMENTS (names); k++)
        if (g_strcmp0 (name, names[k]) == 0)
          config->formats |= 1 << k;
    }
  if (config->formats != 0)
    return TRUE;
  g_set_error (
      error, TESS_ERROR, TESS_ERROR_MODEL,
      _ ("%s names none of the formats box, point, scribble, mask; fetch "
         "it again."),
      path);
  return FALSE;
}

gboolean
tess_model_add_instances (TessModel *model, const gchar *path, GError **error)
{
  gboolean is_folder = g_file_test (path, G_FILE_TEST_IS_DIR);
  g_autofree gchar *split = tess_model_instance_split (path);
  g_autofree gchar *name
      = is_folder ? g_build_filename (
                        path, "diffusion_pytorch_model.safetensors", NULL)
                  : g_strdup (path);
  g_autoptr (GPtrArray) files
      = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_tensor_file_free);
  TessTensorFile *file;

  if (split != NULL)
    return tess_model_open_split (model, split, files, error)
           && tess_model_load_instance (model, files, error);
  file = tess_tensor_file_open (name, error);
  if (file == NULL)
    return FALSE;
  g_ptr_array_add (files, file);
  if (!tess_config_has_instance (files))
    {
      g_set_error (error, TESS_ERROR, TESS_ERROR_MODEL,
                   _ ("%s holds no weights of InstanceDiffusion (position_net, "
                      "fuser, scaleu); choose another file."),
                   name);
      return FALSE;
    }
  if (!tess_model_load_instance (model, files, error))
    return FALSE;
  return !is_folder || read_config (path, &model->config.instance, error);
}
