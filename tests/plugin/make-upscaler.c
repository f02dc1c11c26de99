/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/plugin/make-upscaler.c: make-upscaler FILE writes a small model of
 * random weights with StableSR's additions, FILE sd2 one of the kind that does
 * not say what it predicts; make-upscaler FILE MODEL only the additions, of
 * values from their names, that fit the MODEL. */
#include "core/model-private.h"
#include "core/model-synthetic.h"
#include "core/safetensors.h"

#include <string.h>

typedef struct
{
  gchar *name;
  TessTensor *tensor;
} Weight;

static void
weight_clear (gpointer data)
{
  Weight *weight = data;

  g_free (weight->name);
  tess_tensor_unref (weight->tensor);
}

static void
fill (gint i, gpointer dst, gsize n_bytes, gpointer data)
{
  memcpy (dst, g_array_index ((GArray *) data, Weight, i).tensor->data,
          n_bytes);
}

static gboolean
write_additions (TessModelConfig *config, const gchar *path, GError **error)
{
  g_autoptr (GArray) weights = g_array_new (FALSE, TRUE, sizeof (Weight));
  g_autofree TessSafetensorsEntry *entries = NULL;

  g_array_set_clear_func (weights, weight_clear);
  tess_synthetic_add_upscaling (config);
  for (TessPart part = TESS_PART_STRUCTURE; part <= TESS_PART_FUSION; part++)
    {
      g_autoptr (GArray) layout = tess_layout_part (config, part);

      for (guint i = 0; i < layout->len; i++)
        {
          const TessLayoutEntry *entry
              = &g_array_index (layout, TessLayoutEntry, i);
          gint third;
          Weight weight = {
            .name
            = tess_names_original (config, part, entry->name, FALSE, &third),
            .tensor = tess_formula_tensor (entry->name, entry->n_dims,
                                           entry->dims, error),
          };

          g_array_append_val (weights, weight);
          if (!weight.tensor)
            return FALSE;
        }
    }
  entries = g_new0 (TessSafetensorsEntry, weights->len);
  for (guint i = 0; i < weights->len; i++)
    {
      const Weight *weight = &g_array_index (weights, Weight, i);

      entries[i].name = weight->name;
      entries[i].type = TESS_F32;
      entries[i].n_dims = weight->tensor->n_dims;
      memcpy (entries[i].dims, weight->tensor->dims,
              sizeof weight->tensor->dims);
    }
  return tess_safetensors_write (path, entries, (gint) weights->len, NULL, fill,
                                 weights, error);
}

/* CLIP's number of words, so that any merges will do. */
static gboolean
write_model (const gchar *kind, const gchar *path, GError **error)
{
  g_autoptr (TessModel) model = NULL;
  TessModelConfig config;

  if (!tess_synthetic_config (kind, &config, error))
    return FALSE;
  config.text.n_tokens = 49408;
  config.text.bos_id = 49406;
  config.text.eos_id = 49407;
  config.text.pad_id = config.text.pad_id ? 49407 : 0;
  tess_synthetic_add_upscaling (&config);
  model = tess_model_new_random (&config, "small", error);
  return model && tess_model_write_single (model, path, FALSE, error);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TessModel) model = NULL;
  gboolean good, sd2;

  if (argc < 2 || argc > 3)
    {
      g_printerr ("make-upscaler FILE [sd2|MODEL]\n");
      return 2;
    }
  sd2 = argc == 3 && g_str_equal (argv[2], "sd2");
  if (argc == 3 && !sd2)
    model = tess_model_open (argv[2], &error);
  if (argc == 2 || sd2)
    good = write_model (sd2 ? "tiny21" : "tiny15", argv[1], &error);
  else
    good = model && write_additions (&model->config, argv[1], &error);
  if (!good)
    g_printerr ("make-upscaler: %s\n", error->message);
  return good ? 0 : 1;
}
