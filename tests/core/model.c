/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/core/model.c: what is opened is what is in the file. */
#include "core/model-private.h"
#include "tests/harness.h"

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

Suite *
tess_test_suite (void)
{
  Suite *suite = suite_create ("model");
  TCase *tests = tcase_create ("model");

  tcase_add_loop_test (tests, test_folder, 0, G_N_ELEMENTS (tiny_models));
  suite_add_tcase (suite, tests);
  return suite;
}
