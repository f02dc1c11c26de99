/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/lora.c: LoRA files, whatever their naming.
 *
 * All namings agree once dots are underscores and prefixes are made equal:
 * "lora_unet_mid_block_..." and "unet.mid_block...." both become
 * "unet_mid_block_...". So the model's weights are put into a table by such
 * keys, and each name of the file is cut into key and role. */
#include "core/lora.h"
#include "core/error.h"
#include "core/model-config.h"
#include "core/model-private.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

typedef enum
{
  ROLE_UP,
  ROLE_DOWN,
  ROLE_MID,
  ROLE_ALPHA,
  N_ROLES
} Role;

static const struct
{
  const gchar *ending;
  Role role;
} endings[] = {
  { ".lora_up.weight", ROLE_UP },
  { ".lora_down.weight", ROLE_DOWN },
  { ".lora_mid.weight", ROLE_MID },
  { ".alpha", ROLE_ALPHA },
  { ".lora_B.weight", ROLE_UP },
  { ".lora_A.weight", ROLE_DOWN },
  { ".lora_B.default.weight", ROLE_UP },
  { ".lora_A.default.weight", ROLE_DOWN },
  { ".lora.up.weight", ROLE_UP },
  { ".lora.down.weight", ROLE_DOWN },
  { ".lora_linear_layer.up.weight", ROLE_UP },
  { ".lora_linear_layer.down.weight", ROLE_DOWN },
  { "_lora.up.weight", ROLE_UP },
  { "_lora.down.weight", ROLE_DOWN },
};

/* One factorised layer of the file. */
typedef struct
{
  const gchar *name; /* of the first tensor seen */
  TessTensor *parts[N_ROLES];
} Layer;

typedef struct
{
  TessWeight *weight;
  TessWeightDelta delta;
} Addition;

static void
addition_clear (gpointer data)
{
  Addition *addition = data;

  tess_tensor_unref (addition->delta.up);
  tess_tensor_unref (addition->delta.down);
}

static gchar *
underscores (const gchar *prefix, const gchar *name, gsize length)
{
  gchar *key = g_strdup_printf ("%s%.*s", prefix, (gint) length, name);

  return g_strdelimit (key, ".", '_');
}

/* The key of a layer's name, and whether it is the text encoder's. */
static gchar *
normalise (const gchar *name, gsize length)
{
  static const struct
  {
    const gchar *from, *to;
  } prefixes[] = {
    { "base_model.model.", "" }, { "lora_unet_", "unet_" },
    { "unet.", "unet_" },        { "lora_te_", "te_" },
    { "lora_te1_", "te_" },      { "text_encoder.", "te_" },
    { "lora_te2_", "te2_" },     { "text_encoder_2.", "te2_" },
  };
  g_autofree gchar *rest = g_strndup (name, length);
  const gchar *prefix = "unet_", *at = rest;
  gchar *key, *processor;

  for (guint i = 0; i < G_N_ELEMENTS (prefixes); i++)
    if (g_str_has_prefix (at, prefixes[i].from))
      {
        at += strlen (prefixes[i].from);
        if (prefixes[i].to[0] != '\0')
          {
            prefix = prefixes[i].to;
            break;
          }
      }
  processor = strstr (rest, ".processor.");
  if (processor != NULL)
    memmove (processor, processor + strlen (".processor"),
             strlen (processor + strlen (".processor")) + 1);
  key = underscores (prefix, at, strlen (at));
  if (g_str_has_suffix (key, "_to_out"))
    {
      gchar *longer = g_strconcat (key, "_0", NULL);

      g_free (key);
      key = longer;
    }
  return key;
}

static void
add_key (GHashTable *keys,
         const gchar *prefix,
         const gchar *name,
         TessWeight *weight)
{
  gsize length = strlen (name) - strlen (".weight");

  g_hash_table_replace (keys, underscores (prefix, name, length), weight);
}

/* Every weight that a LoRA can name -> TessWeight. */
static GHashTable *
make_keys (TessModel *model)
{
  static const gchar *const prefixes[TESS_N_PARTS]
      = { [TESS_PART_UNET] = "unet_", [TESS_PART_TEXT] = "te_" };
  GHashTable *keys
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (TessPart part = 0; part < TESS_N_PARTS; part++)
    {
      GHashTableIter iter;
      gpointer value;

      if (prefixes[part] == NULL)
        continue;
      g_hash_table_iter_init (&iter, model->weights[part]);
      while (g_hash_table_iter_next (&iter, NULL, &value))
        {
          TessWeight *weight = value;
          g_autofree gchar *original = NULL;
          gint third;

          if (weight->tensor->n_dims < 2
              || !g_str_has_suffix (weight->name, ".weight"))
            continue;
          add_key (keys, prefixes[part], weight->name, weight);
          if (part == TESS_PART_TEXT)
            {
              if (g_str_has_prefix (weight->name, "text_model."))
                add_key (keys, prefixes[part],
                         weight->name + strlen ("text_model."), weight);
              continue;
            }
          original = tess_names_original (&model->config, part, weight->name,
                                          FALSE, &third);
          if (original != NULL)
            add_key (keys, prefixes[part],
                     original + strlen (TESS_ORIGINAL_UNET), weight);
        }
    }
  return keys;
}

/* Kinds of additions that are no product of two matrices. */
static const gchar *
foreign_kind (const gchar *name)
{
  static const struct
  {
    const gchar *mark, *kind;
  } kinds[] = {
    { ".hada_", "LoHa" },
    { ".lokr_", "LoKr" },
    { ".oft_", "OFT" },
    { ".dora_scale", "DoRA" },
    { ".lora_magnitude_vector", "DoRA" },
    { ".diff", "full difference" },
    { ".w_norm", "norm" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (strstr (name, kinds[i].mark) != NULL)
      return kinds[i].kind;
  return NULL;
}

/* key -> Layer */
static GHashTable *
collect_layers (const TessTensorFile *file, GError **error)
{
  g_autoptr (GHashTable) layers
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);

  for (guint i = 0; i < file->names->len; i++)
    {
      const gchar *name = g_ptr_array_index (file->names, i);
      const gchar *kind = foreign_kind (name);

      if (kind != NULL)
        {
          g_set_error (
              error, TESS_ERROR, TESS_ERROR_UNSUPPORTED,
              _ ("%s is of the kind %s ('%s'), which this version does "
                 "not support; choose a plain LoRA."),
              file->path, kind, name);
          return NULL;
        }
      for (guint k = 0; k < G_N_ELEMENTS (endings); k++)
        {
          g_autofree gchar *key = NULL;
          Layer *layer;

          if (!g_str_has_suffix (name, endings[k].ending))
            continue;
          key = normalise (name, strlen (name) - strlen (endings[k].ending));
          layer = g_hash_table_lookup (layers, key);
          if (layer == NULL)
            {
              layer = g_new0 (Layer, 1);
              layer->name = name;
              g_hash_table_insert (layers, g_steal_pointer (&key), layer);
            }
          if (layer->parts[endings[k].role] == NULL)
            layer->parts[endings[k].role] = tess_tensor_file_get (file, name);
          break;
        }
    }
  return g_steal_pointer (&layers);
}

static gboolean
fail_shape (const TessTensorFile *file,
            const Layer *layer,
            const TessWeight *weight,
            GError **error)
{
  g_autofree gchar *wanted = tess_tensor_shape_string (weight->tensor);
  g_autofree gchar *up = tess_tensor_shape_string (layer->parts[ROLE_UP]);
  g_autofree gchar *down = tess_tensor_shape_string (layer->parts[ROLE_DOWN]);

  g_set_error (error, TESS_ERROR, TESS_ERROR_MODEL,
               _ ("%s was made for another kind of model: '%s' is %s x %s, the "
                  "model's weight %s."),
               file->path, layer->name, up, down, wanted);
  return FALSE;
}

static gint64
dim (const TessTensor *tensor, gint i)
{
  return i < tensor->n_dims ? tensor->dims[i] : 1;
}

/* LoCon: down'[n, c, y, x] = sum over m of mid[n, m, y, x] * down[m, c]. */
static TessTensor *
fold_mid (const TessTensor *mid, const TessTensor *down, GError **error)
{
  gint64 ranks = mid->dims[0], inner = mid->dims[1];
  gint64 taps = mid->dims[2] * mid->dims[3], columns = down->dims[1];
  TessTensor *folded = tess_tensor_new (
      TESS_F32, 4, (gint64[]) { ranks, columns, mid->dims[2], mid->dims[3] },
      error);
  g_autofree gfloat *m = NULL, *d = NULL;
  gfloat *dst;

  if (folded == NULL)
    return NULL;
  m = g_new (gfloat, inner * taps);
  d = g_new (gfloat, inner * columns);
  dst = tess_tensor_f32 (folded);
  tess_tensor_read_f32 (down, 0, inner * columns, d);
  for (gint64 n = 0; n < ranks; n++, dst += columns * taps)
    {
      tess_tensor_read_f32 (mid, n * inner * taps, inner * taps, m);
      for (gint64 k = 0; k < inner; k++)
        for (gint64 c = 0; c < columns; c++)
          for (gint64 t = 0; t < taps; t++)
            dst[c * taps + t] += m[k * taps + t] * d[k * columns + c];
    }
  return folded;
}

/* Do the factors multiply to the weight's shape? */
static gboolean
layer_fits (const Layer *layer, const TessWeight *weight)
{
  const TessTensor *up = layer->parts[ROLE_UP], *down = layer->parts[ROLE_DOWN];
  const TessTensor *mid = layer->parts[ROLE_MID];
  gsize rows = tess_weight_n_rows (weight);
  gsize length = tess_weight_row_length (weight);
  gint64 rank;

  if (up->type > TESS_F64 || down->type > TESS_F64 || up->n_dims < 2
      || down->n_dims < 2 || tess_tensor_n_elements (up) == 0
      || tess_tensor_n_elements (down) == 0)
    return FALSE;
  rank = dim (up, 1);
  if ((gsize) up->dims[0] != rows || tess_tensor_n_elements (up) != rows * rank)
    return FALSE;
  if (mid == NULL)
    return down->dims[0] == rank
           && tess_tensor_n_elements (down) == length * rank;
  return mid->type <= TESS_F64 && mid->n_dims == 4 && mid->dims[0] == rank
         && rank <= (gint64) rows && mid->dims[1] == down->dims[0]
         && tess_tensor_n_elements (mid) > 0
         && tess_tensor_n_elements (down)
                == (gsize) (down->dims[0] * down->dims[1])
         && (gsize) (down->dims[1] * mid->dims[2] * mid->dims[3]) == length;
}

/* What newer diffusers write in place of an alpha for each layer. */
static gdouble
alpha_of_adapter (JsonObject *adapter, const gchar *key, gdouble otherwise)
{
  const gchar *name = g_str_has_prefix (key, "te_") ? "text_encoder.lora_alpha"
                                                    : "unet.lora_alpha";
  JsonNode *node = adapter ? json_object_get_member (adapter, name) : NULL;

  return node != NULL && JSON_NODE_HOLDS_VALUE (node)
             ? json_node_get_double (node)
             : otherwise;
}

static gboolean
make_addition (const TessTensorFile *file,
               const Layer *layer,
               const gchar *key,
               JsonObject *adapter,
               TessWeight *weight,
               gdouble strength,
               GArray *additions,
               GError **error)
{
  Addition addition = { .weight = weight };
  const TessTensor *alpha_tensor = layer->parts[ROLE_ALPHA];
  gdouble alpha, rank;
  gfloat told;

  if (layer->parts[ROLE_UP] == NULL || layer->parts[ROLE_DOWN] == NULL)
    {
      g_set_error (
          error, TESS_ERROR, TESS_ERROR_MODEL,
          _ ("%s: '%s' has only one of its two factors; fetch the file "
             "again."),
          file->path, layer->name);
      return FALSE;
    }
  if (!layer_fits (layer, weight))
    return fail_shape (file, layer, weight, error);
  rank = layer->parts[ROLE_DOWN]->dims[0];
  alpha = alpha_of_adapter (adapter, key, rank);
  if (alpha_tensor != NULL && tess_tensor_n_elements (alpha_tensor) == 1)
    {
      tess_tensor_read_f32 (alpha_tensor, 0, 1, &told);
      alpha = told;
    }
  addition.delta.scale = (gfloat) (strength * alpha / rank);
  if (!isfinite (addition.delta.scale))
    {
      g_set_error (
          error, TESS_ERROR, TESS_ERROR_MODEL,
          _ ("%s: the strength of '%s' is not a number; fetch the file "
             "again."),
          file->path, layer->name);
      return FALSE;
    }
  if (layer->parts[ROLE_MID] != NULL)
    addition.delta.down
        = fold_mid (layer->parts[ROLE_MID], layer->parts[ROLE_DOWN], error);
  else
    addition.delta.down = tess_tensor_ref (layer->parts[ROLE_DOWN]);
  if (addition.delta.down == NULL)
    return FALSE;
  addition.delta.up = tess_tensor_ref (layer->parts[ROLE_UP]);
  g_array_append_val (additions, addition);
  return TRUE;
}

gboolean
tess_lora_apply (TessModel *model,
                 const TessTensorFile *file,
                 gdouble strength,
                 GError **error)
{
  g_autoptr (GHashTable) keys = make_keys (model);
  g_autoptr (GHashTable) layers = collect_layers (file, error);
  g_autoptr (GArray) additions = g_array_new (FALSE, TRUE, sizeof (Addition));
  const gchar *text
      = g_hash_table_lookup (file->metadata, "lora_adapter_metadata");
  g_autoptr (JsonNode) adapter
      = text ? tess_json_parse (text, strlen (text), file->path, NULL) : NULL;
  const gchar *stranger = NULL;
  GHashTableIter iter;
  gpointer key, value;

  if (layers == NULL)
    return FALSE;
  g_array_set_clear_func (additions, addition_clear);
  g_hash_table_iter_init (&iter, layers);
  while (g_hash_table_iter_next (&iter, &key, &value))
    {
      TessWeight *weight = g_hash_table_lookup (keys, key);
      const Layer *layer = value;

      if (weight == NULL)
        stranger = layer->name;
      else if (!make_addition (file, layer, key,
                               adapter ? json_node_get_object (adapter) : NULL,
                               weight, strength, additions, error))
        return FALSE;
    }
  if (additions->len == 0)
    {
      if (stranger == NULL && file->names->len > 0)
        stranger = g_ptr_array_index (file->names, 0);
      g_set_error (
          error, TESS_ERROR, TESS_ERROR_MODEL,
          _ ("%s: none of it fits the model %s%s%s%s; choose a LoRA for "
             "this kind of model."),
          file->path, model->name, stranger ? " (it has '" : "",
          stranger ? stranger : "", stranger ? "')" : "");
      return FALSE;
    }
  for (guint i = 0; i < additions->len; i++)
    {
      const Addition *addition = &g_array_index (additions, Addition, i);

      tess_weight_add_delta (addition->weight, &addition->delta);
    }
  g_debug ("%s: %u layers added with strength %g, %u not known", file->path,
           additions->len, strength,
           g_hash_table_size (layers) - additions->len);
  return TRUE;
}

gboolean
tess_model_add_lora (TessModel *model,
                     const gchar *path,
                     gdouble strength,
                     GError **error)
{
  g_autoptr (TessTensorFile) file = tess_tensor_file_open (path, error);

  return file != NULL && tess_lora_apply (model, file, strength, error);
}
