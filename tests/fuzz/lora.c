/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/fuzz/lora.c: tensors of any names and shapes as a LoRA. The input
 * chooses from names that occur; each may be changed at its end. */
#include "core/lora.h"
#include "core/model-private.h"
#include "core/model-synthetic.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static const gchar *const layers[] = {
  "lora_unet_down_blocks_0_attentions_1_transformer_blocks_0_attn1_to_q",
  "unet.mid_block.attentions.0.proj_in",
  "lora_unet_down_blocks_1_resnets_0_conv1",
  "lora_unet_middle_block_1_proj_in",
  "text_encoder.text_model.encoder.layers.0.mlp.fc1",
  "lora_te_text_model_encoder_layers_0_self_attn_q_proj",
  "mid_block.attentions.0.transformer_blocks.0.attn1.processor.to_out",
  "nothing",
};
static const gchar *const endings[] = {
  ".lora_up.weight", ".lora_down.weight", ".lora_mid.weight", ".alpha",
  ".lora_A.weight",  ".lora_B.weight",    "_lora.up.weight",  ".hada_w1_a",
};
static const gint64 sizes[] = { 0, 1, 2, 3, 4, 32, 64, 128, 256, 9, 4096 };

static void
remove_deltas (TessModel *model)
{
  for (gint part = 0; part < TESS_N_PARTS; part++)
    {
      GHashTableIter iter;
      gpointer value;

      g_hash_table_iter_init (&iter, model->weights[part]);
      while (g_hash_table_iter_next (&iter, NULL, &value))
        {
          TessWeight *weight = value;
          gsize length = tess_weight_row_length (weight);
          g_autofree gfloat *row = NULL;

          if (weight->deltas == NULL)
            continue;
          row = g_new (gfloat, length);
          tess_weight_read (weight, tess_weight_n_rows (weight) - 1, 1, row);
          g_clear_pointer (&weight->deltas, g_array_unref);
        }
    }
}

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  static TessModel *model;
  g_autoptr (TessTensorFile) file = tess_tensor_file_new ("fuzz");
  g_autoptr (GError) error = NULL;
  gboolean ok;

  if (model == NULL)
    model = tess_model_new_synthetic ("tiny15", NULL);
  for (; size >= 8; data += 8, size -= 8)
    {
      g_autofree gchar *name
          = g_strconcat (layers[data[0] % G_N_ELEMENTS (layers)],
                         endings[data[1] % G_N_ELEMENTS (endings)], NULL);
      g_autoptr (TessTensor) tensor = NULL;
      gint64 dims[TESS_MAX_DIMS];
      gint n_dims = data[2] % 6;
      gsize n = 1;

      for (gint i = 0; i < n_dims; i++)
        {
          dims[i] = sizes[data[3 + i] % G_N_ELEMENTS (sizes)];
          n *= dims[i];
        }
      if (n > 1 << 20)
        continue;
      tensor = tess_tensor_new (data[2] / 6 % TESS_N_TYPES, n_dims, dims, NULL);
      if (data[2] & 0x80)
        name[data[1] % strlen (name)] = data[0];
      if (g_utf8_validate (name, -1, NULL))
        tess_tensor_file_add (file, name, tensor);
    }
  ok = tess_lora_apply (model, file, 0.5, &error);
  tess_fuzz_check (ok ? model : NULL, error);
  remove_deltas (model);
  return 0;
}
