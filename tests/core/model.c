/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/core/model.c: what is opened is what is in the file. */
#include "core/error.h"
#include "core/model-private.h"
#include "core/model-synthetic.h"
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
  for (TessPart part = 0; part < TESS_N_PARTS; part++)
    ck_assert_uint_eq (tess_model_n_params (model, part), n_params[_i][part]);
}
END_TEST

/* Same names, shapes and bits. */
static void
assert_same_weights (TessModel *a, TessModel *b)
{
  for (TessPart part = 0; part < TESS_N_PARTS; part++)
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
  if (_i / 2 == 1) /* by the rules for SD 2 */
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
      for (TessPart part = 0; part < TESS_N_PARTS; part++)
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
set_up (void)
{
  folder = g_dir_make_tmp ("tessera-model-XXXXXX", NULL);
}

static void
tear_down (void)
{
  g_rmdir (folder);
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
  tcase_add_test (tests, test_original_names);
  tcase_add_test (tests, test_n_params);
  tcase_add_test (tests, test_formula);
  tcase_add_test (tests, test_formula_original);
  tcase_add_checked_fixture (tests, set_up, tear_down);
  suite_add_tcase (suite, tests);
  return suite;
}
