/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/core/model.c: what is opened is what is in the file. */
#include "core/error.h"
#include "core/model-private.h"
#include "core/model-synthetic.h"
#include "core/safetensors.h"
#include "tests/harness.h"

#include <glib/gstdio.h>
#include <string.h>

static gchar *folder; /* of the files that tests write */

static const gchar *const tiny_models[]
    = { "golden/sd/tiny-sd15", "golden/sd/tiny-sd21v" };

static const gsize n_params[][TESS_N_PARTS]
    = { { 3277988, 1399879, 3317120 }, { 3333284, 1399879, 5198112 } };

static TessModel *
open_tiny (gint i)
{
  g_autofree gchar *path = tess_test_shared (tiny_models[i]);
  g_autoptr (GError) error = NULL;
  TessModel *model;

  if (path == NULL)
    tess_test_skip ("the golden models are not here");
  model = tess_model_open (path, &error);
  ck_no_error (error);
  return model;
}

START_TEST (test_folder)
{
  g_autoptr (TessModel) model = open_tiny (_i);
  const TessUnetConfig *unet = tess_model_unet (model);
  const TessTextConfig *text = tess_model_text (model);

  ck_assert_int_eq (unet->n_levels, 4);
  ck_assert_int_eq (unet->channels[0], 32);
  ck_assert_int_eq (unet->channels[3], 64);
  ck_assert_int_eq (unet->n_heads[0], _i == 0 ? 4 : 2);
  ck_assert_int_eq (unet->n_heads[3], 4);
  ck_assert_int_eq (unet->attention_down[2], TRUE);
  ck_assert_int_eq (unet->attention_down[3], FALSE);
  ck_assert_int_eq (unet->attention_up[0], FALSE);
  ck_assert_int_eq (unet->linear_projection, _i == 1);
  ck_assert_int_eq (text->act, _i == 0 ? TESS_ACT_QUICK_GELU : TESS_ACT_GELU);
  ck_assert_int_eq (text->pad_id, _i == 0 ? 49407 : 0);
  ck_assert_int_eq (tess_model_diffusion (model)->prediction,
                    _i == 0 ? TESS_PREDICTION_EPS : TESS_PREDICTION_V);
  /* Every number that the files hold, counted by other means. */
  for (TessPart part = 0; part < TESS_PART_INSTANCE; part++)
    ck_assert_uint_eq (tess_model_n_params (model, part), n_params[_i][part]);
}
END_TEST

/* Same names, shapes and bits. */
static void
assert_same_weights (TessModel *a, TessModel *b)
{
  for (TessPart part = 0; part < TESS_PART_INSTANCE; part++)
    {
      GHashTableIter iter;
      gpointer name, value;

      ck_assert_uint_eq (tess_model_n_params (a, part),
                         tess_model_n_params (b, part));
      ck_assert_uint_gt (tess_model_n_params (a, part), 0);
      g_hash_table_iter_init (&iter, a->weights[part]);
      while (g_hash_table_iter_next (&iter, &name, &value))
        {
          const TessTensor *first = ((TessWeight *) value)->tensor, *second;
          g_autoptr (GError) error = NULL;
          const TessWeight *other = tess_model_weight (b, part, name, &error);

          ck_no_error (error);
          second = other->tensor;
          ck_assert (tess_tensor_same_shape (first, second));
          ck_assert_int_eq (first->type, second->type);
          ck_assert_msg (memcmp (first->data, second->data, first->n_bytes)
                             == 0,
                         "%s differs", (gchar *) name);
        }
    }
}

static TessModel *
write_and_open (TessModel *model, gboolean without_prefix)
{
  g_autofree gchar *path
      = g_build_filename (folder, "single.safetensors", NULL);
  g_autoptr (GError) error = NULL;
  TessModel *opened;

  tess_model_write_single (model, path, without_prefix, &error);
  ck_no_error (error);
  opened = tess_model_open (path, &error);
  ck_no_error (error);
  g_unlink (path);
  return opened;
}

START_TEST (test_single_of_golden)
{
  g_autoptr (TessModel) model = open_tiny (_i / 2);
  g_autoptr (TessModel) single = write_and_open (model, _i % 2);

  assert_same_weights (model, single);
}
END_TEST

/* Everything that a single file shows of a configuration is found in it. */
START_TEST (test_single)
{
  static const gchar *const kinds[] = { "tiny15", "tiny21" };
  g_autoptr (GError) error = NULL;
  g_autoptr (TessModel) model
      = tess_model_new_synthetic (kinds[_i / 2], &error);
  g_autoptr (TessModel) single = NULL;
  TessModelConfig wanted, found;

  ck_no_error (error);
  single = write_and_open (model, _i % 2);
  assert_same_weights (model, single);
  wanted = model->config;
  found = single->config;
  wanted.diffusion.prediction_guessed = _i / 2 == 1; /* nothing says it */
  if (_i / 2 == 1)                                   /* by the rules for SD 2 */
    {
      wanted.text.clip_skip = 1;
      wanted.unet.sample_size = 96;
    }
  ck_assert_mem_eq (&wanted.unet, &found.unet, sizeof wanted.unet);
  ck_assert_mem_eq (&wanted.vae, &found.vae, sizeof wanted.vae);
  ck_assert_mem_eq (&wanted.text, &found.text, sizeof wanted.text);
  ck_assert_mem_eq (&wanted.diffusion, &found.diffusion,
                    sizeof wanted.diffusion);
  ck_assert_str_eq (tess_model_name (single), "single");
}
END_TEST

/* A diffusers folder of a tiny model, with changes. */
typedef struct
{
  const gchar *unet, *vae, *text, *scheduler; /* JSON members put in front */
  const gchar *dropped;                       /* this weight */
  const gchar *reshaped;                      /* this one gets a row more */
  TessType type;                              /* of all, f32 */
  gboolean old_names; /* of the VAE's attention and without "text_model." */
  gboolean sharded;   /* the UNet */
} Changes;

typedef struct
{
  TessModel *model;
  TessPart part;
  GArray *layout;
  guint first;
} FillFolder;

static void
fill_folder (gint i, gpointer dst, gsize n_bytes, gpointer data)
{
  FillFolder *fill = data;
  const TessLayoutEntry *entry
      = &g_array_index (fill->layout, TessLayoutEntry, fill->first + i);
  const TessWeight *weight
      = g_hash_table_lookup (fill->model->weights[fill->part], entry->name);

  memcpy (dst, weight->tensor->data, MIN (n_bytes, weight->tensor->n_bytes));
}

static gchar *
old_name (const gchar *name)
{
  static const gchar *const words[][2] = {
    { "to_q", "query" },         { "to_k", "key" },     { "to_v", "value" },
    { "to_out.0", "proj_attn" }, { "text_model.", "" },
  };
  g_autoptr (GString) text = g_string_new (name);

  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    g_string_replace (text, words[i][0], words[i][1], 0);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
write_weights (TessModel *model,
               TessPart part,
               const gchar *path,
               gdouble from,
               gdouble to,
               const Changes *changes)
{
  g_autoptr (GArray) layout = tess_layout_part (&model->config, part);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autofree TessSafetensorsEntry *entries
      = g_new0 (TessSafetensorsEntry, layout->len);
  FillFolder fill = { model, part, layout, layout->len * from };
  gint n = (gint) (layout->len * to) - (gint) fill.first;
  g_autoptr (GError) error = NULL;

  for (gint i = 0; i < n; i++)
    {
      const TessLayoutEntry *entry
          = &g_array_index (layout, TessLayoutEntry, fill.first + i);

      g_ptr_array_add (names, changes->old_names && part != TESS_PART_UNET
                                  ? old_name (entry->name)
                                  : g_strdup (entry->name));
      if (g_strcmp0 (entry->name, changes->dropped) == 0)
        ((gchar *) g_ptr_array_index (names, i))[0] = '?';
      entries[i].name = g_ptr_array_index (names, i);
      entries[i].type = changes->type ? changes->type : TESS_F16;
      entries[i].n_dims = entry->n_dims;
      memcpy (entries[i].dims, entry->dims, sizeof entry->dims);
      if (g_strcmp0 (entry->name, changes->reshaped) == 0)
        entries[i].dims[0]++;
    }
  tess_safetensors_write (path, entries, n, NULL, fill_folder, &fill, &error);
  ck_no_error (error);
}

static void
write_text (const gchar *sub, const gchar *name, const gchar *text)
{
  g_autofree gchar *path = g_build_filename (folder, sub, NULL);
  g_autofree gchar *file = g_build_filename (path, name, NULL);

  g_mkdir_with_parents (path, 0700);
  ck_assert (g_file_set_contents (file, text, -1, NULL));
}

#define UNET_JSON                                                              \
  "\"block_out_channels\":[32,64,128,128],\"cross_attention_dim\":64,"         \
  "\"attention_head_dim\":8}"
#define VAE_JSON                                                               \
  "\"block_out_channels\":[32,64,128,128],\"layers_per_block\":2,"             \
  "\"down_block_types\":[\"DownEncoderBlock2D\",\"DownEncoderBlock2D\","       \
  "\"DownEncoderBlock2D\",\"DownEncoderBlock2D\"],"                            \
  "\"up_block_types\":[\"UpDecoderBlock2D\",\"UpDecoderBlock2D\","             \
  "\"UpDecoderBlock2D\",\"UpDecoderBlock2D\"]}"
#define TEXT_JSON                                                              \
  "\"hidden_size\":64,\"num_hidden_layers\":3,\"num_attention_heads\":1,"      \
  "\"intermediate_size\":256,\"vocab_size\":1000}"

static void
write_json (const gchar *sub,
            const gchar *name,
            const gchar *front,
            const gchar *rest)
{
  g_autofree gchar *text
      = g_strconcat ("{", front ? front : "", front ? "," : "", rest, NULL);

  write_text (sub, name, text);
}

static void
write_folder (TessModel *model, const Changes *changes)
{
  static const gchar *const files[] = {
    "unet/diffusion_pytorch_model.safetensors",
    "vae/diffusion_pytorch_model.safetensors",
    "text_encoder/model.fp16.safetensors",
  };

  write_json ("unet", "config.json", changes->unet, UNET_JSON);
  write_json ("vae", "config.json", changes->vae, VAE_JSON);
  write_json ("text_encoder", "config.json", changes->text, TEXT_JSON);
  write_json ("scheduler", "scheduler_config.json", changes->scheduler,
              "\"steps_offset\":1,\"set_alpha_to_one\":false}");
  for (TessPart part = 0; part < TESS_PART_INSTANCE; part++)
    {
      g_autofree gchar *path = g_build_filename (folder, files[part], NULL);
      g_autofree gchar *second = g_strconcat (path, ".two", NULL);

      g_unlink (path);
      if (part == TESS_PART_UNET && changes->sharded)
        {
          g_autofree gchar *one = g_strconcat (path, ".one", NULL);

          write_weights (model, part, one, 0.0, 0.5, changes);
          write_weights (model, part, second, 0.5, 1.0, changes);
          write_text ("unet", "diffusion_pytorch_model.safetensors.index.json",
                      "{\"weight_map\":{"
                      "\"a\":\"diffusion_pytorch_model.safetensors.one\","
                      "\"b\":\"diffusion_pytorch_model.safetensors.one\","
                      "\"c\":\"diffusion_pytorch_model.safetensors.two\"}}");
          continue;
        }
      write_weights (model, part, path, 0.0, 1.0, changes);
    }
}

START_TEST (test_folder_layouts)
{
  static const Changes rows[] = {
    { 0 },
    { .old_names = TRUE },
    { .sharded = TRUE },
    { .unet = "\"act_fn\":\"silu\",\"class_embed_type\":null,"
              "\"center_input_sample\":false,\"strange\":{\"a\":[1]}" },
    { .text = "\"bos_token_id\":0,\"eos_token_id\":2,\"pad_token_id\":1" },
  };
  g_autoptr (TessModel) model = tess_model_new_synthetic ("tiny15", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (TessModel) opened = NULL;

  write_folder (model, rows + _i);
  opened = tess_model_open (folder, &error);
  ck_no_error (error);
  assert_same_weights (model, opened);
  ck_assert_mem_eq (&model->config.unet, &opened->config.unet,
                    sizeof model->config.unet);
  ck_assert_mem_eq (&model->config.vae, &opened->config.vae,
                    sizeof model->config.vae);
  ck_assert_mem_eq (&model->config.text, &opened->config.text,
                    sizeof model->config.text);
  ck_assert_mem_eq (&model->config.diffusion, &opened->config.diffusion,
                    sizeof model->config.diffusion);
}
END_TEST

/* What Tessera's own file says beside diffusers'. */
START_TEST (test_folder_own)
{
  static const struct
  {
    const gchar *json, *above, *below, *word;
  } rows[] = {
    { "{\"words_above\":\"sky\",\"words_below\":\"ground\"}", "sky", "ground" },
    { "{\"words_below\":7,\"more\":[]}", "", "" },
    { "{\"words_above\":\"0123456789012345678901234567890123456789"
      "012345678901234567890123\"}",
      .word = "words_above" },
    { "[", .word = "tessera.json" },
  };
  g_autoptr (TessModel) model = tess_model_new_synthetic ("tiny15", NULL);
  g_autoptr (TessModel) opened = NULL;
  g_autoptr (GError) error = NULL;

  write_folder (model, &(Changes) { 0 });
  write_text (".", "tessera.json", rows[_i].json);
  opened = tess_model_open (folder, &error);
  if (rows[_i].word)
    {
      ck_assert_ptr_null (opened);
      ck_assert (g_error_matches (error, TESS_ERROR, TESS_ERROR_MODEL));
      ck_assert_ptr_nonnull (strstr (error->message, rows[_i].word));
    }
  else
    {
      ck_no_error (error);
      ck_assert_str_eq (opened->config.text.words_above, rows[_i].above);
      ck_assert_str_eq (opened->config.text.words_below, rows[_i].below);
    }
}
END_TEST

START_TEST (test_folder_refused)
{
  static const struct
  {
    Changes changes;
    gint code;
    const gchar *word;
  } rows[] = {
    { { .dropped = "conv_in.bias" }, TESS_ERROR_MODEL, "'conv_in.bias' is" },
    { { .dropped = "text_model.final_layer_norm.weight" },
      TESS_ERROR_MODEL,
      "text encoder's weight" },
    { { .reshaped = "decoder.conv_out.weight" },
      TESS_ERROR_MODEL,
      "f16 [4, 32, 3, 3], floating point [3, 32, 3, 3]" },
    { { .type = TESS_I32 }, TESS_ERROR_MODEL, "i32" },
    { { .unet = "\"class_embed_type\":\"timestep\"" },
      TESS_ERROR_UNSUPPORTED,
      "class_embed_type" },
    { { .unet = "\"down_block_types\":[\"DownBlock2D\"]" },
      TESS_ERROR_MODEL,
      "1 blocks for 4 levels" },
    { { .unet = "\"down_block_types\":[1,2,3,{}]" },
      TESS_ERROR_UNSUPPORTED,
      "kind '?'" },
    { { .unet = "\"norm_num_groups\":24" }, TESS_ERROR_MODEL, "24 groups" },
    { { .unet = "\"norm_num_groups\":0" },
      TESS_ERROR_MODEL,
      "norm_num_groups" },
    { { .unet = "\"num_attention_heads\":[8,8,8,7]" },
      TESS_ERROR_MODEL,
      "7 heads" },
    { { .unet = "\"num_attention_heads\":[8,8]" },
      TESS_ERROR_MODEL,
      "2 numbers for 4" },
    { { .unet = "\"layers_per_block\":1e9" }, TESS_ERROR_MODEL, "from 1 to" },
    { { .unet = "\"layers_per_block\":\"two\"" },
      TESS_ERROR_MODEL,
      "not a number" },
    { { .unet = "\"layers_per_block\":1" }, TESS_ERROR_MODEL, "UNet's weight" },
    { { .vae = "\"scaling_factor\":0" }, TESS_ERROR_MODEL, "scaling_factor" },
    { { .vae = "\"latent_channels\":8" }, TESS_ERROR_MODEL, "VAE's weight" },
    { { .text = "\"hidden_act\":\"tanh\"" }, TESS_ERROR_UNSUPPORTED, "tanh" },
    { { .text = "\"eos_token_id\":1000" }, TESS_ERROR_MODEL, "special tokens" },
    { { .scheduler = "\"prediction_type\":\"flow\"" },
      TESS_ERROR_UNSUPPORTED,
      "flow" },
    { { .scheduler = "\"beta_start\":2" }, TESS_ERROR_MODEL, "betas" },
    { { .scheduler = "]" }, TESS_ERROR_MODEL, "JSON object" },
    { { .scheduler = "\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[" },
      TESS_ERROR_MODEL,
      "too deep" },
  };
  g_autoptr (TessModel) model = tess_model_new_synthetic ("tiny15", NULL);
  g_autoptr (GError) error = NULL;

  write_folder (model, &rows[_i].changes);
  ck_assert_ptr_null (tess_model_open (folder, &error));
  ck_assert_msg (g_error_matches (error, TESS_ERROR, rows[_i].code), "%s",
                 error->message);
  ck_assert_msg (strstr (error->message, rows[_i].word) != NULL, "%s",
                 error->message);
}
END_TEST

/* An index may not lead out of its folder. */
START_TEST (test_index_refused)
{
  static const gchar *const names[]
      = { "../x.safetensors", "/etc/passwd", ".hidden", "a\\\\b" };
  g_autoptr (TessModel) model = tess_model_new_synthetic ("tiny15", NULL);
  g_autoptr (GError) error = NULL;
  g_autofree gchar *index
      = g_strdup_printf ("{\"weight_map\":{\"a\":\"%s\"}}", names[_i]);

  write_folder (model, &(Changes) { .sharded = TRUE });
  write_text ("unet", "diffusion_pytorch_model.safetensors.index.json", index);
  ck_assert_ptr_null (tess_model_open (folder, &error));
  ck_assert_msg (strstr (error->message, "outside its folder") != NULL, "%s",
                 error->message);
}
END_TEST

/* Files and folders are found by looks, in the order of the folders. */
START_TEST (test_find)
{
  const gchar *const extra[] = { folder, NULL };
  const gchar *const expected[] = { "b", "a" };
  g_autoptr (GPtrArray) models = NULL, loras = NULL;
  gint at = 0;

  write_text ("models/checkpoints", "b.safetensors", "");
  write_text ("models/checkpoints/vae", "no.safetensors", "");
  write_text ("models/Stable-diffusion/a", "model_index.json", "{}");
  write_text ("models/Lora/sub", "style.safetensors", "");
  models = tess_models_find (extra);
  for (guint i = 0; i < models->len; i++)
    {
      const TessModelEntry *entry = g_ptr_array_index (models, i);

      if (!g_str_has_prefix (entry->path, folder))
        continue;
      ck_assert_int_lt (at, 2);
      ck_assert_str_eq (entry->name, expected[at++]);
    }
  ck_assert_int_eq (at, 2);
  loras = tess_loras_find (extra);
  ck_assert_uint_ge (loras->len, 1);
  ck_assert_str_eq (((TessModelEntry *) g_ptr_array_index (loras, 0))->name,
                    "style");
}
END_TEST

START_TEST (test_find_merges)
{
  g_autoptr (TessModel) model = tess_model_new_synthetic ("tiny15", NULL);
  g_autoptr (GError) error = NULL;
  g_autofree gchar *merges = NULL, *around = NULL;

  g_free (model->path);
  model->path = g_build_filename (folder, "x", NULL);
  ck_assert_ptr_null (tess_model_find_merges (model, &error));
  ck_assert (strstr (error->message, "vocabulary of its own") != NULL);
  write_text ("x/tokenizer", "merges.txt", "");
  merges = tess_model_find_merges (model, NULL);
  ck_assert (g_str_has_suffix (merges, "/x/tokenizer/merges.txt"));
  g_free (model->path);
  model->path = g_build_filename (folder, "y.safetensors", NULL);
  model->config.text.n_tokens = 49408;
  write_text ("clip", "merges.txt", "");
  around = tess_model_find_merges (model, NULL);
  ck_assert (g_str_has_suffix (around, "/clip/merges.txt"));
}
END_TEST

static void
fill_nothing (gint i, gpointer dst, gsize n_bytes, gpointer data)
{
  memset (dst, 0, n_bytes);
}

/* Another family, no model at all. */
START_TEST (test_single_refused)
{
  static const struct
  {
    const gchar *name;
    gint code;
    const gchar *word;
  } rows[] = {
    { "conditioner.embedders.0.transformer.text_model.embeddings."
      "token_embedding.weight",
      TESS_ERROR_UNSUPPORTED, "SDXL" },
    { "model.diffusion_model.label_emb.0.0.weight", TESS_ERROR_UNSUPPORTED,
      "SDXL" },
    { "something.weight", TESS_ERROR_MODEL, "holds no UNet" },
  };
  TessSafetensorsEntry entry = { rows[_i].name, TESS_U8, 2, { 1, 1 } };
  g_autofree gchar *path = g_build_filename (folder, "a.safetensors", NULL);
  g_autoptr (GHashTable) none = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GError) error = NULL;

  tess_safetensors_write (path, &entry, 1, none, fill_nothing, NULL, &error);
  ck_no_error (error);
  ck_assert_ptr_null (tess_model_open (path, &error));
  ck_assert (g_error_matches (error, TESS_ERROR, rows[_i].code));
  ck_assert_msg (strstr (error->message, rows[_i].word) != NULL, "%s",
                 error->message);
}
END_TEST

/* Names written out by hand, from the published checkpoints. */
START_TEST (test_original_names)
{
  static const struct
  {
    TessPart part;
    gboolean openclip;
    const gchar *name, *original;
    gint third;
  } rows[] = {
    { TESS_PART_UNET, FALSE, "time_embedding.linear_2.bias",
      "model.diffusion_model.time_embed.2.bias", -1 },
    { TESS_PART_UNET, FALSE, "down_blocks.0.resnets.1.time_emb_proj.weight",
      "model.diffusion_model.input_blocks.2.0.emb_layers.1.weight", -1 },
    { TESS_PART_UNET, FALSE, "down_blocks.1.downsamplers.0.conv.weight",
      "model.diffusion_model.input_blocks.6.0.op.weight", -1 },
    { TESS_PART_UNET, FALSE,
      "down_blocks.2.attentions.1.transformer_blocks.0.attn2.to_out.0.bias",
      "model.diffusion_model.input_blocks.8.1.transformer_blocks.0.attn2."
      "to_out.0.bias",
      -1 },
    { TESS_PART_UNET, FALSE, "mid_block.resnets.1.conv2.weight",
      "model.diffusion_model.middle_block.2.out_layers.3.weight", -1 },
    { TESS_PART_UNET, FALSE, "up_blocks.0.upsamplers.0.conv.bias",
      "model.diffusion_model.output_blocks.2.1.conv.bias", -1 },
    { TESS_PART_UNET, FALSE, "up_blocks.1.upsamplers.0.conv.bias",
      "model.diffusion_model.output_blocks.5.2.conv.bias", -1 },
    { TESS_PART_UNET, FALSE, "up_blocks.3.resnets.2.conv_shortcut.weight",
      "model.diffusion_model.output_blocks.11.0.skip_connection.weight", -1 },
    { TESS_PART_VAE, FALSE,
      "encoder.down_blocks.1.resnets.0.conv_shortcut.bias",
      "first_stage_model.encoder.down.1.block.0.nin_shortcut.bias", -1 },
    { TESS_PART_VAE, FALSE, "decoder.up_blocks.0.upsamplers.0.conv.weight",
      "first_stage_model.decoder.up.3.upsample.conv.weight", -1 },
    { TESS_PART_VAE, FALSE, "decoder.mid_block.attentions.0.to_out.0.weight",
      "first_stage_model.decoder.mid.attn_1.proj_out.weight", -1 },
    { TESS_PART_VAE, FALSE, "post_quant_conv.bias",
      "first_stage_model.post_quant_conv.bias", -1 },
    { TESS_PART_TEXT, FALSE, "text_model.encoder.layers.11.mlp.fc1.weight",
      "cond_stage_model.transformer.text_model.encoder.layers.11.mlp.fc1."
      "weight",
      -1 },
    { TESS_PART_TEXT, TRUE, "text_model.encoder.layers.3.self_attn.v_proj.bias",
      "cond_stage_model.model.transformer.resblocks.3.attn.in_proj_bias", 2 },
    { TESS_PART_TEXT, TRUE, "text_model.embeddings.position_embedding.weight",
      "cond_stage_model.model.positional_embedding", -1 },
    { TESS_PART_TEXT, TRUE, "text_model.final_layer_norm.weight",
      "cond_stage_model.model.ln_final.weight", -1 },
  };
  TessModelConfig config;

  ck_assert (tess_synthetic_config ("sd15", &config, NULL));
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      gint third;
      g_autofree gchar *original = tess_names_original (
          &config, rows[i].part, rows[i].name, rows[i].openclip, &third);

      ck_assert_pstr_eq (original, rows[i].original);
      ck_assert_int_eq (third, rows[i].third);
    }
}
END_TEST

/* The published sizes. */
START_TEST (test_n_params)
{
  static const struct
  {
    const gchar *kind;
    gsize n[TESS_N_PARTS];
  } rows[] = { { "sd15", { 859520964, 83653863, 123060480 } },
               { "sd21", { 865910724, 83653863, 340387840 } } };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      TessModelConfig config;

      ck_assert (tess_synthetic_config (rows[i].kind, &config, NULL));
      for (TessPart part = 0; part < TESS_PART_INSTANCE; part++)
        {
          g_autoptr (GArray) layout = tess_layout_part (&config, part);
          gsize n = 0;

          for (guint k = 0; k < layout->len; k++)
            {
              const TessLayoutEntry *entry
                  = &g_array_index (layout, TessLayoutEntry, k);
              gsize product = 1;

              for (gint d = 0; d < entry->n_dims; d++)
                product *= entry->dims[d];
              n += product;
            }
          ck_assert_uint_eq (n, rows[i].n[part]);
        }
    }
}
END_TEST

START_TEST (test_formula)
{
  g_autofree gchar *path
      = tess_test_shared ("golden/tiling/multidiffusion.json");
  g_autoptr (GError) error = NULL;
  g_autoptr (TessModel) model = NULL;
  gfloat values[4];

  /* The worked example of the formula's page. */
  tess_formula_values ("input:uf-mask:text", 0.0, 1.7320508075688772, 0, 4,
                       values);
  ck_assert_float_eq (values[0], 1.6884765625f);
  ck_assert_float_eq (values[3], 0.17724609375f);
  if (path == NULL)
    tess_test_skip ("the golden cases are not here");
  model = tess_model_new_formula (path, &error);
  ck_no_error (error);
  ck_assert_uint_eq (tess_model_n_params (model, TESS_PART_UNET), 3277988);
}
END_TEST

/* A network in the original naming whose names others have listed: none is
 * looked for that the list does not have. */
START_TEST (test_formula_original)
{
  g_autofree gchar *path = tess_test_shared ("golden/stablesr/unet.json");
  g_autoptr (GError) error = NULL;
  g_autoptr (TessModel) model = NULL;

  if (path == NULL)
    tess_test_skip ("the golden cases are not here");
  model = tess_model_new_formula (path, &error);
  ck_no_error (error);
  ck_assert_int_eq (tess_model_unet (model)->n_heads[1], 4);
}
END_TEST

static void
remove_folder (const gchar *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const gchar *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree gchar *child = g_build_filename (path, name, NULL);

      if (g_file_test (child, G_FILE_TEST_IS_DIR))
        remove_folder (child);
      else
        g_unlink (child);
    }
  g_rmdir (path);
}

static void
set_up (void)
{
  folder = g_dir_make_tmp ("tessera-model-XXXXXX", NULL);
}

static void
tear_down (void)
{
  remove_folder (folder);
  g_clear_pointer (&folder, g_free);
}

Suite *
tess_test_suite (void)
{
  Suite *suite = suite_create ("model");
  TCase *tests = tcase_create ("model");

  tcase_add_loop_test (tests, test_folder, 0, G_N_ELEMENTS (tiny_models));
  tcase_add_loop_test (tests, test_single_of_golden, 0,
                       2 * G_N_ELEMENTS (tiny_models));
  tcase_add_loop_test (tests, test_single, 0, 4);
  tcase_add_loop_test (tests, test_folder_layouts, 0, 5);
  tcase_add_loop_test (tests, test_folder_own, 0, 4);
  tcase_add_loop_test (tests, test_folder_refused, 0, 22);
  tcase_add_loop_test (tests, test_index_refused, 0, 4);
  tcase_add_loop_test (tests, test_single_refused, 0, 3);
  tcase_add_test (tests, test_find);
  tcase_add_test (tests, test_find_merges);
  tcase_add_test (tests, test_original_names);
  tcase_add_test (tests, test_n_params);
  tcase_add_test (tests, test_formula);
  tcase_add_test (tests, test_formula_original);
  tcase_add_checked_fixture (tests, set_up, tear_down);
  suite_add_tcase (suite, tests);
  return suite;
}
