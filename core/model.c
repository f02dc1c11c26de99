/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/model.c: opening a checkpoint: configuration, files, every weight that
 * the configuration asks for. */
#include "core/model-private.h"
#include "core/error.h"
#include "core/model-config.h"

#include <glib/gi18n-lib.h>
#include <string.h>

TessModel *
tess_model_new_empty (const gchar *path)
{
  TessModel *model = g_new0 (TessModel, 1);
  gchar *dot;

  model->ref_count = 1;
  model->path = g_strdup (path);
  model->name = g_path_get_basename (path);
  dot = strrchr (model->name, '.');
  if (dot != NULL && dot != model->name
      && !g_file_test (path, G_FILE_TEST_IS_DIR))
    *dot = '\0';
  for (gint i = 0; i < TESS_N_PARTS; i++)
    model->weights[i] = g_hash_table_new_full (
        g_str_hash, g_str_equal, NULL, (GDestroyNotify) tess_weight_free);
  return model;
}

TessModel *
tess_model_ref (TessModel *model)
{
  g_atomic_int_inc (&model->ref_count);
  return model;
}

void
tess_model_unref (TessModel *model)
{
  if (model == NULL || !g_atomic_int_dec_and_test (&model->ref_count))
    return;
  for (gint i = 0; i < TESS_N_PARTS; i++)
    g_hash_table_unref (model->weights[i]);
  g_free (model->path);
  g_free (model->name);
  g_free (model);
}

/* Do shapes agree but for sizes of 1 at the end? A 1x1 convolution and a
 * linear layer are the same numbers. */
static gboolean
fits (const TessLayoutEntry *entry, const TessTensor *tensor)
{
  for (gint i = 0; i < MAX (entry->n_dims, tensor->n_dims); i++)
    {
      gint64 wanted = i < entry->n_dims ? entry->dims[i] : 1;
      gint64 found = i < tensor->n_dims ? tensor->dims[i] : 1;

      if (wanted != found)
        return FALSE;
    }
  return TRUE;
}

static gchar *
shape_string (const TessLayoutEntry *entry)
{
  GString *text = g_string_new ("[");

  for (gint i = 0; i < entry->n_dims; i++)
    g_string_append_printf (text, "%s%" G_GINT64_FORMAT, i > 0 ? ", " : "",
                            entry->dims[i]);
  return g_string_free (g_string_append_c (text, ']'), FALSE);
}

void
tess_model_take_weight (TessModel *model,
                        TessPart part,
                        const TessLayoutEntry *entry,
                        TessTensor *tensor)
{
  g_autoptr (TessTensor) shaped = NULL;
  TessWeight *weight;

  shaped = tess_tensor_view (tensor, 0, entry->n_dims, entry->dims);
  weight = tess_weight_new (entry->name, shaped);
  model->n_params[part] += tess_tensor_n_elements (shaped);
  g_hash_table_replace (model->weights[part], weight->name, weight);
}

gboolean
tess_model_load_part (TessModel *model,
                      TessPart part,
                      TessNaming naming,
                      const GPtrArray *files,
                      GError **error)
{
  g_autoptr (GArray) layout = tess_layout_part (&model->config, part);

  for (guint i = 0; i < layout->len; i++)
    {
      const TessLayoutEntry *entry
          = &g_array_index (layout, TessLayoutEntry, i);
      const gchar *why = NULL;
      g_autoptr (TessTensor) tensor = tess_names_find (
          naming, &model->config, part, entry->name, files, &why);
      g_autofree gchar *wanted = shape_string (entry);
      g_autofree gchar *found = NULL;

      if (tensor == NULL)
        {
          g_set_error (
              error, TESS_ERROR, TESS_ERROR_MODEL,
              _ ("%s: the %s's weight '%s' %s, %s was expected; choose "
                 "another file."),
              model->path, tess_part_name (part), entry->name,
              why ? why : "is missing", wanted);
          return FALSE;
        }
      if (!fits (entry, tensor) || tensor->type > TESS_F64)
        {
          found = tess_tensor_shape_string (tensor);
          g_set_error (
              error, TESS_ERROR, TESS_ERROR_MODEL,
              _ ("%s: the %s's weight '%s' is %s %s, floating point %s "
                 "was expected; the file does not fit its "
                 "configuration."),
              model->path, tess_part_name (part), entry->name,
              tess_type_name (tensor->type), found, wanted);
          return FALSE;
        }
      tess_model_take_weight (model, part, entry, tensor);
    }
  return TRUE;
}

static gboolean
open_into (GPtrArray *files,
           const gchar *folder,
           const gchar *name,
           GError **error)
{
  g_autofree gchar *path = g_build_filename (folder, name, NULL);
  TessTensorFile *file = tess_tensor_file_open (path, error);

  if (file != NULL)
    g_ptr_array_add (files, file);
  return file != NULL;
}

/* The files that an index ("weight_map": tensor -> file) names. */
static gboolean
open_shards (GPtrArray *files,
             const gchar *folder,
             const gchar *index,
             GError **error)
{
  g_autofree gchar *path = g_build_filename (folder, index, NULL);
  g_autoptr (JsonNode) root = tess_json_load (path, error);
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  JsonNode *map;
  JsonObjectIter iter;
  JsonNode *value;

  if (root == NULL)
    return FALSE;
  map = json_object_get_member (json_node_get_object (root), "weight_map");
  if (map == NULL || !JSON_NODE_HOLDS_OBJECT (map))
    {
      g_set_error (error, TESS_ERROR, TESS_ERROR_MODEL,
                   _ ("%s has no 'weight_map'; fetch it again."), path);
      return FALSE;
    }
  json_object_iter_init (&iter, json_node_get_object (map));
  while (json_object_iter_next (&iter, NULL, &value))
    {
      const gchar *name
          = JSON_NODE_HOLDS_VALUE (value) ? json_node_get_string (value) : NULL;

      if (name == NULL || strpbrk (name, "/\\") != NULL || name[0] == '.')
        {
          g_set_error (
              error, TESS_ERROR, TESS_ERROR_MODEL,
              _ ("%s names a file outside its folder; fetch it again."), path);
          return FALSE;
        }
      if (g_hash_table_add (seen, (gpointer) name)
          && !open_into (files, folder, name, error))
        return FALSE;
    }
  return TRUE;
}

/* The weights of a part of a diffusers folder, under one of the names that
 * diffusers writes, in its own order of preference. */
static gboolean
open_part (GPtrArray *files,
           const gchar *model_folder,
           TessPart part,
           GError **error)
{
  static const gchar *const sub_folders[TESS_N_PARTS] = {
    [TESS_PART_UNET] = "unet",
    [TESS_PART_VAE] = "vae",
    [TESS_PART_TEXT] = "text_encoder",
  };
  static const gchar *const endings[] = { ".safetensors",
                                          ".safetensors.index.json",
                                          ".fp16.safetensors",
                                          ".safetensors.index.fp16.json",
                                          ".fp16.safetensors.index.json",
                                          ".bin",
                                          ".fp16.bin" };
  g_autofree gchar *folder
      = g_build_filename (model_folder, sub_folders[part], NULL);

  for (guint i = 0; i < G_N_ELEMENTS (endings); i++)
    {
      const gchar *stem = part != TESS_PART_TEXT ? "diffusion_pytorch_model"
                          : strstr (endings[i], ".bin") ? "pytorch_model"
                                                        : "model";
      g_autofree gchar *name = g_strconcat (stem, endings[i], NULL);
      g_autofree gchar *path = g_build_filename (folder, name, NULL);

      if (!g_file_test (path, G_FILE_TEST_EXISTS))
        continue;
      g_debug ("%s: weights from %s", tess_part_name (part), path);
      if (g_str_has_suffix (name, ".json"))
        return open_shards (files, folder, name, error);
      return open_into (files, folder, name, error);
    }
  g_set_error (
      error, TESS_ERROR, TESS_ERROR_MODEL,
      _ ("%s holds no weights (model.safetensors, "
         "diffusion_pytorch_model.safetensors or .bin); fetch the whole "
         "folder."),
      folder);
  return FALSE;
}

static gboolean
open_folder (TessModel *model, GError **error)
{
  g_autofree gchar *instance = g_build_filename (model->path, "instance", NULL);
  g_autofree gchar *upscaling
      = g_build_filename (model->path, "upscaling", NULL);

  if (!tess_config_read_folder (model->path, &model->config, error))
    return FALSE;
  for (TessPart part = 0; part < TESS_PART_INSTANCE; part++)
    {
      g_autoptr (GPtrArray) files = g_ptr_array_new_with_free_func (
          (GDestroyNotify) tess_tensor_file_free);

      if (!open_part (files, model->path, part, error)
          || !tess_model_load_part (model, part, TESS_NAMING_DIFFUSERS, files,
                                    error))
        return FALSE;
    }
  return (!g_file_test (instance, G_FILE_TEST_IS_DIR)
          || tess_model_add_instances (model, instance, error))
         && (!g_file_test (upscaling, G_FILE_TEST_IS_DIR)
             || tess_model_add_upscaling (model, upscaling, error));
}

static gboolean
open_single (TessModel *model, GError **error)
{
  g_autoptr (GPtrArray) files
      = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_tensor_file_free);
  TessTensorFile *file = tess_tensor_file_open (model->path, error);

  if (file == NULL)
    return FALSE;
  g_ptr_array_add (files, file);
  if (!tess_config_infer (file, &model->config, error))
    return FALSE;
  for (TessPart part = 0; part < TESS_PART_INSTANCE; part++)
    if (!tess_model_load_part (model, part, TESS_NAMING_ORIGINAL, files, error))
      return FALSE;
  return (!tess_config_has_instance (files)
          || tess_model_load_instance (model, files, error))
         && tess_model_load_upscaling (model, files, NULL, error);
}

/* What no part can see by itself. */
static gboolean
check_parts (const TessModel *model, GError **error)
{
  const TessModelConfig *config = &model->config;

  if (config->text.width != config->unet.context_width)
    {
      g_set_error (error, TESS_ERROR, TESS_ERROR_MODEL,
                   _ ("%s: the text encoder is %d wide and the UNet reads %d; "
                      "the parts are of different models."),
                   model->path, config->text.width, config->unet.context_width);
      return FALSE;
    }
  if (config->vae.latent_channels != config->unet.out_channels)
    {
      g_set_error (error, TESS_ERROR, TESS_ERROR_MODEL,
                   _ ("%s: the VAE has %d latent channels and the UNet %d; the "
                      "parts are of different models."),
                   model->path, config->vae.latent_channels,
                   config->unet.out_channels);
      return FALSE;
    }
  return TRUE;
}

TessModel *
tess_model_open (const gchar *path, GError **error)
{
  g_autoptr (TessModel) model = NULL;

  g_return_val_if_fail (path != NULL, NULL);

  model = tess_model_new_empty (path);
  if (g_file_test (path, G_FILE_TEST_IS_DIR) ? !open_folder (model, error)
                                             : !open_single (model, error))
    return NULL;
  if (!check_parts (model, error))
    return NULL;
  return g_steal_pointer (&model);
}

const gchar *
tess_model_path (TessModel *model)
{
  return model->path;
}

const gchar *
tess_model_name (TessModel *model)
{
  return model->name;
}

const TessUnetConfig *
tess_model_unet (TessModel *model)
{
  return &model->config.unet;
}

const TessVaeConfig *
tess_model_vae (TessModel *model)
{
  return &model->config.vae;
}

const TessTextConfig *
tess_model_text (TessModel *model)
{
  return &model->config.text;
}

const TessDiffusionConfig *
tess_model_diffusion (TessModel *model)
{
  return &model->config.diffusion;
}

const TessInstanceConfig *
tess_model_instance (TessModel *model)
{
  return model->config.instance.n_slots > 0 ? &model->config.instance : NULL;
}

const TessStructureConfig *
tess_model_structure (TessModel *model)
{
  return model->config.structure.width > 0 ? &model->config.structure : NULL;
}

const TessFusionConfig *
tess_model_fusion (TessModel *model)
{
  return model->config.fusion.n_layers > 0 ? &model->config.fusion : NULL;
}

void
tess_model_set_prediction (TessModel *model, TessPrediction prediction)
{
  TessModelConfig *config = &model->config;

  if (config->diffusion.prediction_guessed)
    config->unet.sample_size = prediction == TESS_PREDICTION_V ? 96 : 64;
  config->diffusion.prediction_guessed = FALSE;
  config->diffusion.prediction = prediction;
}

const TessWeight *
tess_model_weight (TessModel *model,
                   TessPart part,
                   const gchar *name,
                   GError **error)
{
  const TessWeight *weight;

  g_return_val_if_fail (part < TESS_N_PARTS, NULL);

  weight = g_hash_table_lookup (model->weights[part], name);
  if (weight == NULL)
    g_set_error (error, TESS_ERROR, TESS_ERROR_MODEL,
                 _ ("%s has no weight '%s' in its %s; choose another model."),
                 model->path, name, tess_part_name (part));
  return weight;
}

gboolean
tess_model_has_weight (TessModel *model, TessPart part, const gchar *name)
{
  g_return_val_if_fail (part < TESS_N_PARTS, FALSE);
  return g_hash_table_contains (model->weights[part], name);
}

gsize
tess_model_n_params (TessModel *model, TessPart part)
{
  g_return_val_if_fail (part < TESS_N_PARTS, 0);
  return model->n_params[part];
}
