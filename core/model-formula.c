/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/model-formula.c: weights from their names, as the golden cases make
 * them. */
#include "core/model-synthetic.h"
#include "core/error.h"
#include "core/model-config.h"
#include "core/model-private.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

/* FNV-1a, 64 bits. */
static guint64
hash_name (const gchar *s)
{
  guint64 hash = 0xcbf29ce484222325;

  for (; *s != '\0'; s++)
    hash = (hash ^ (guint8) *s) * 0x100000001b3;
  return hash;
}

void
tess_formula_values (const gchar *s,
                     gdouble offset,
                     gdouble amplitude,
                     gsize first,
                     gsize n,
                     gfloat *dst)
{
  guint64 key = hash_name (s);

  for (gsize i = 0; i < n; i++)
    {
      guint64 z = key + first + i + 0x9e3779b97f4a7c15;
      gdouble u;
      gfloat value;
      guint16 half;

      z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
      z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
      z ^= z >> 31;
      u = (gdouble) (z >> 40) / 16777216.0;
      value = (gfloat) (offset + amplitude * (2.0 * u - 1.0));
      tess_f32_to_f16 (&value, &half, 1);
      tess_f16_to_f32 (&half, dst + i, 1);
    }
}

/* The table of SYNTHETIC.md: the first rule that fits. */
static void
weight_rule (const gchar *name,
             const TessTensor *tensor,
             gdouble *offset,
             gdouble *amplitude)
{
  const gchar *dot = strrchr (name, '.');
  const gchar *last = dot ? dot + 1 : name;
  gdouble fan_in = 1.0;

  *offset = 0.0;
  if (g_str_equal (last, "alpha_attn") || g_str_equal (last, "alpha_dense"))
    *offset = 0.5, *amplitude = 0.25;
  else if (g_str_has_prefix (last, "scaleu_") || g_str_equal (last, "gamma")
           || g_str_equal (last, "pos_embedding"))
    *amplitude = 0.5;
  else if (tensor->n_dims > 1)
    {
      for (gint d = 1; d < tensor->n_dims; d++)
        fan_in *= tensor->dims[d];
      *amplitude = sqrt (3.0 / fan_in);
    }
  else if (tensor->n_dims == 1 && g_str_equal (last, "weight"))
    *offset = 1.0, *amplitude = 0.1;
  else
    *amplitude = 0.1;
}

TessTensor *
tess_formula_tensor (const gchar *name,
                     gint n_dims,
                     const gint64 *dims,
                     GError **error)
{
  TessTensor *tensor = tess_tensor_new (TESS_F32, n_dims, dims, error);
  gdouble offset, amplitude;

  if (tensor == NULL)
    return NULL;
  weight_rule (name, tensor, &offset, &amplitude);
  tess_formula_values (name, offset, amplitude, 0,
                       tess_tensor_n_elements (tensor),
                       tess_tensor_f32 (tensor));
  return tensor;
}

static void
take_all (TessModel *model, TessPart part, TessTensorFile *file)
{
  for (guint i = 0; i < file->names->len; i++)
    {
      const gchar *name = file->names->pdata[i];
      TessTensor *tensor = tess_tensor_file_get (file, name);
      TessLayoutEntry entry
          = { .name = (gchar *) name, .n_dims = MIN (tensor->n_dims, 4) };

      memcpy (entry.dims, tensor->dims, entry.n_dims * sizeof *entry.dims);
      tess_model_take_weight (model, part, &entry, tensor);
    }
}

TessModel *
tess_model_new_formula_instance (TessTensorFile *file, GError **error)
{
  g_autoptr (TessModel) model = tess_model_new_empty (file->path);
  g_autoptr (GPtrArray) files = g_ptr_array_new ();

  g_ptr_array_add (files, file);
  if (tess_config_has_instance (files)
      && !tess_config_infer_instance (files, file->path,
                                      &model->config.instance, error))
    return NULL;
  take_all (model, TESS_PART_INSTANCE, file);
  return g_steal_pointer (&model);
}

TessModel *
tess_model_add_formula (TessModel *model,
                        TessPart part,
                        TessTensorFile *file,
                        GError **error)
{
  g_autoptr (TessModel) made = model != NULL
                                   ? tess_model_ref (model)
                                   : tess_model_new_empty (file->path);
  g_autoptr (GPtrArray) files = g_ptr_array_new ();
  const TessTensor *first = tess_tensor_file_get (file, TESS_ORIGINAL_STRUCTURE
                                                  "input_blocks.0.0.weight");
  gboolean ok = TRUE;

  g_ptr_array_add (files, file);
  if (part == TESS_PART_STRUCTURE && first != NULL && first->n_dims == 4)
    {
      made->config.unet.in_channels = (gint) CLAMP (first->dims[1], 1, 64);
      ok = tess_config_infer_structure (files, file->path,
                                        &made->config.structure, error)
           && tess_model_load_part (made, part, TESS_NAMING_ORIGINAL, files,
                                    error);
    }
  else if (part == TESS_PART_FUSION)
    ok = tess_config_infer_fusion (files, file->path, &made->config.fusion,
                                   error)
         && tess_model_load_part (made, part, TESS_NAMING_ORIGINAL, files,
                                  error);
  else
    take_all (made, part, file);
  if (!ok)
    return NULL;
  return model != NULL ? model : g_steal_pointer (&made);
}

/* {"shape": [...], "first": [two numbers]} */
static TessTensor *
make_tensor (JsonObject *json,
             const gchar *name,
             const gchar *seed,
             const gchar *path,
             GError **error)
{
  JsonArray *shape = json_object_has_member (json, "shape")
                         ? json_object_get_array_member (json, "shape")
                         : NULL;
  JsonArray *first = json_object_has_member (json, "first")
                         ? json_object_get_array_member (json, "first")
                         : NULL;
  g_autofree gchar *s = g_strconcat (seed, name, NULL);
  g_autoptr (TessTensor) tensor = NULL;
  gint64 dims[TESS_MAX_DIMS];
  gint n_dims = shape ? json_array_get_length (shape) : 0;
  gdouble offset, amplitude;
  gsize n;

  if (shape == NULL || n_dims > TESS_MAX_DIMS)
    {
      g_set_error (error, TESS_ERROR, TESS_ERROR_MODEL,
                   _ ("%s: '%s' has no shape of at most %d sizes."), path, name,
                   TESS_MAX_DIMS);
      return NULL;
    }
  for (gint i = 0; i < n_dims; i++)
    dims[i] = json_array_get_int_element (shape, i);
  tensor = tess_tensor_new (TESS_F32, n_dims, dims, error);
  if (tensor == NULL)
    return NULL;
  n = tess_tensor_n_elements (tensor);
  weight_rule (name, tensor, &offset, &amplitude);
  tess_formula_values (s, offset, amplitude, 0, n, tess_tensor_f32 (tensor));
  for (guint i = 0; first != NULL && i < json_array_get_length (first) && i < n;
       i++)
    if (tess_tensor_f32 (tensor)[i]
        != (gfloat) json_array_get_double_element (first, i))
      {
        g_set_error (error, TESS_ERROR, TESS_ERROR_MODEL,
                     _ ("%s: '%s' begins with %g where the formula gives %g."),
                     path, name, json_array_get_double_element (first, i),
                     tess_tensor_f32 (tensor)[i]);
        return NULL;
      }
  return g_steal_pointer (&tensor);
}

TessTensorFile *
tess_formula_file (const gchar *path, const gchar *seed, GError **error)
{
  g_autoptr (JsonNode) root = tess_json_load (path, error);
  g_autoptr (TessTensorFile) file = NULL;
  JsonNode *tensors, *node;
  JsonObjectIter iter;
  const gchar *name;

  if (root == NULL)
    return NULL;
  tensors = json_object_get_member (json_node_get_object (root), "tensors");
  if (tensors == NULL || !JSON_NODE_HOLDS_OBJECT (tensors))
    {
      g_set_error (error, TESS_ERROR, TESS_ERROR_MODEL,
                   _ ("%s has no 'tensors'."), path);
      return NULL;
    }
  file = tess_tensor_file_new (path);
  json_object_iter_init (&iter, json_node_get_object (tensors));
  while (json_object_iter_next (&iter, &name, &node))
    {
      g_autoptr (TessTensor) tensor = NULL;

      if (!JSON_NODE_HOLDS_OBJECT (node))
        continue;
      tensor
          = make_tensor (json_node_get_object (node), name, seed, path, error);
      if (tensor == NULL)
        return NULL;
      tess_tensor_file_add (file, name, tensor);
    }
  return g_steal_pointer (&file);
}

static JsonObject *
object_member (JsonObject *json, const gchar *key)
{
  JsonNode *node = json ? json_object_get_member (json, key) : NULL;

  return node != NULL && JSON_NODE_HOLDS_OBJECT (node)
             ? json_node_get_object (node)
             : NULL;
}

/* The original networks' own settings say how many heads there are; the rest
 * is in names and shapes. */
static void
read_original_heads (JsonObject *json, TessUnetConfig *config)
{
  gint64 width
      = json_object_get_int_member_with_default (json, "num_head_channels", -1);
  gint64 heads = json_object_get_int_member_with_default (json, "num_heads", 8);

  for (gint i = 0; i < config->n_levels; i++)
    config->n_heads[i] = width > 0 ? MAX (config->channels[i] / width, 1)
                                   : CLAMP (heads, 1, 1024);
}

/* A network listed without the prefix that single files have, known by the
 * tensor @mark, given it. */
static void
add_prefix (TessTensorFile *file, const gchar *mark, const gchar *prefix)
{
  guint n = file->names->len;

  if (tess_tensor_file_get (file, mark) == NULL)
    return;
  for (guint i = 0; i < n; i++)
    {
      const gchar *name = file->names->pdata[i];
      g_autofree gchar *full = g_strconcat (prefix, name, NULL);

      tess_tensor_file_add (file, full, tess_tensor_file_get (file, name));
    }
}

static gboolean
load_formula (TessModel *model,
              JsonObject *golden,
              const gchar *path,
              GError **error)
{
  JsonObject *config = object_member (golden, "config");
  JsonObject *unet = object_member (config, "unet");
  JsonObject *scheduler = object_member (config, "scheduler");
  g_autofree gchar *folder = g_path_get_dirname (path);
  g_autofree gchar *tensors = g_build_filename (
      folder,
      json_object_get_string_member_with_default (golden, "tensors", ""), NULL);
  g_autoptr (GPtrArray) files
      = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_tensor_file_free);
  TessTensorFile *file = tess_formula_file (
      tensors,
      json_object_get_string_member_with_default (golden, "weight_seed", ""),
      error);
  gboolean original;

  if (file == NULL)
    return FALSE;
  g_ptr_array_add (files, file);
  add_prefix (file, "input_blocks.0.0.weight", TESS_ORIGINAL_UNET);
  if (unet == NULL)
    unet = object_member (config, "network");
  if (unet == NULL)
    unet = config;
  if (unet == NULL)
    {
      g_set_error (error, TESS_ERROR, TESS_ERROR_MODEL,
                   _ ("%s has no 'config'."), path);
      return FALSE;
    }
  original = json_object_has_member (unet, "model_channels");
  if (original
          ? !tess_config_infer_unet (file, TESS_ORIGINAL_UNET,
                                     &model->config.unet, error)
          : !tess_config_read_unet (unet, path, &model->config.unet, error))
    return FALSE;
  if (original)
    read_original_heads (unet, &model->config.unet);
  if (!tess_config_check_unet (&model->config.unet, path, error))
    return FALSE;
  tess_config_default_diffusion (&model->config.diffusion);
  if (scheduler != NULL
      && !tess_config_read_scheduler (scheduler, path, &model->config.diffusion,
                                      error))
    return FALSE;
  return tess_model_load_part (model, TESS_PART_UNET,
                               original ? TESS_NAMING_ORIGINAL
                                        : TESS_NAMING_DIFFUSERS,
                               files, error)
         && (!tess_config_has_instance (files)
             || tess_model_load_instance (model, files, error))
         && tess_model_load_upscaling (model, files, NULL, error);
}

TessModel *
tess_model_new_formula (const gchar *golden_json, GError **error)
{
  g_autoptr (JsonNode) root = tess_json_load (golden_json, error);
  g_autoptr (TessModel) model = NULL;

  if (root == NULL)
    return NULL;
  model = tess_model_new_empty (golden_json);
  if (!load_formula (model, json_node_get_object (root), golden_json, error))
    return NULL;
  return g_steal_pointer (&model);
}

TessModel *
tess_model_new_formula_vae (const gchar *path, GError **error)
{
  g_autoptr (TessModel) model = tess_model_new_empty (path);
  g_autoptr (GPtrArray) files
      = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_tensor_file_free);
  TessTensorFile *file = tess_formula_file (path, "", error);

  if (file == NULL)
    return NULL;
  g_ptr_array_add (files, file);
  add_prefix (file, "encoder.conv_in.weight", TESS_ORIGINAL_VAE);
  if (!tess_config_infer_vae (file, &model->config.vae, error)
      || !tess_model_load_part (model, TESS_PART_VAE, TESS_NAMING_ORIGINAL,
                                files, error)
      || !tess_model_load_upscaling (model, files, NULL, error))
    return NULL;
  return g_steal_pointer (&model);
}
