/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/core/upscale-weights.c: StableSR's weights from files: published
 * containers, what their names tell, what is asked once. */
#include "core/error.h"
#include "core/generate.h"
#include "core/model-private.h"
#include "core/model-synthetic.h"
#include "core/studio.h"
#include "tests/harness.h"
#include "tests/make-zip.h"
#include "tests/small-job.h"

#include <glib/gstdio.h>
#include <string.h>

/* A UNet and a VAE of two levels, with all additions. */
static TessModel *
new_base (gboolean additions)
{
  g_autoptr (GError) error = NULL;
  TessModelConfig config;
  TessModel *model;

  ck_assert (tess_synthetic_config ("tiny21", &config, NULL));
  config.unet.n_levels = 2;
  config.unet.attention_up[0] = TRUE;
  config.unet.attention_down[1] = FALSE;
  config.unet.layers_per_block = 1;
  config.text.n_layers = 1;
  tess_synthetic_add_upscaling (&config);
  if (!additions)
    config.structure.width = config.fusion.n_layers = 0;
  model = tess_model_new_random (&config, "base", &error);
  ck_no_error (error);
  return model;
}

static void
put_text (GByteArray *pickle, const gchar *text)
{
  guint32 n = GUINT32_TO_LE (strlen (text));

  g_byte_array_append (pickle, (const guint8 *) "X", 1);
  g_byte_array_append (pickle, (const guint8 *) &n, 4);
  g_byte_array_append (pickle, (const guint8 *) text, strlen (text));
}

static void
put_number (GByteArray *pickle, gint32 number)
{
  guint32 n = GUINT32_TO_LE ((guint32) number);

  g_byte_array_append (pickle, (const guint8 *) "J", 1);
  g_byte_array_append (pickle, (const guint8 *) &n, 4);
}

#define PUT(text)                                                              \
  g_byte_array_append (pickle, (const guint8 *) text, sizeof text - 1)

/* torch's tensor of half floats from @first on of the one storage. */
static void
put_tensor (GByteArray *pickle, const TessTensor *tensor, gint first, gint n)
{
  gint32 stride = 1, strides[TESS_MAX_DIMS];

  for (gint d = tensor->n_dims - 1; d >= 0; d--)
    {
      strides[d] = stride;
      stride *= (gint32) tensor->dims[d];
    }
  PUT ("ctorch._utils\n_rebuild_tensor_v2\n((");
  put_text (pickle, "storage");
  PUT ("ctorch\nHalfStorage\n");
  put_text (pickle, "0");
  put_text (pickle, "cpu");
  put_number (pickle, n);
  PUT ("tQ");
  put_number (pickle, first);
  PUT ("(");
  for (gint d = 0; d < tensor->n_dims; d++)
    put_number (pickle, (gint32) tensor->dims[d]);
  PUT ("t(");
  for (gint d = 0; d < tensor->n_dims; d++)
    put_number (pickle, strides[d]);
  PUT ("t\x89)tR");
}

/* The additions of @model as torch.save writes them; as Lightning does, with
 * what it adds, or as a flat dict. @part: -1: both. */
static gchar *
write_ckpt (TessModel *model,
            gint part,
            gboolean lightning,
            const gchar *folder)
{
  gchar *path = g_build_filename (folder, "addition.ckpt", NULL);
  g_autoptr (GByteArray) pickle = g_byte_array_new ();
  g_autoptr (GByteArray) numbers = g_byte_array_new ();
  g_autoptr (GBytes) bytes = NULL;
  gint n_all = 0;

  for (gint pass = 0; pass < 2; pass++)
    {
      g_byte_array_set_size (pickle, 0);
      g_byte_array_set_size (numbers, 0);
      PUT ("\x80\2}(");
      if (lightning)
        {
          put_text (pickle, "epoch");
          put_number (pickle, 116);
          put_text (pickle, "callbacks");
          PUT ("}cpytorch_lightning.callbacks.model_checkpoint\n"
               "ModelCheckpoint\n}s");
          put_text (pickle, "state_dict");
          PUT ("}(");
        }
      for (gint p = TESS_PART_STRUCTURE; p <= TESS_PART_FUSION; p++)
        {
          g_autoptr (GArray) layout = part < 0 || part == p
                                          ? tess_layout_part (&model->config, p)
                                          : NULL;

          for (guint i = 0; layout && i < layout->len; i++)
            {
              const gchar *name
                  = g_array_index (layout, TessLayoutEntry, i).name;
              gint third, first = (gint) numbers->len / 2;
              g_autofree gchar *original = tess_names_original (
                  &model->config, p, name, FALSE, &third);
              const TessWeight *weight
                  = tess_model_weight (model, p, name, NULL);

              put_text (pickle, original);
              put_tensor (pickle, weight->tensor, first, n_all);
              g_byte_array_append (numbers, weight->tensor->data,
                                   (guint) weight->tensor->n_bytes);
            }
        }
      n_all = (gint) numbers->len / 2;
      PUT ("u");
      if (lightning)
        PUT ("u");
      PUT (".");
    }
  {
    const TessTestMember members[]
        = { { "archive/data.pkl", pickle->data, pickle->len, 0 },
            { "archive/data/0", numbers->data, numbers->len, 0 } };

    bytes = tess_test_zip (members, 2);
  }
  ck_assert (g_file_set_contents (path, g_bytes_get_data (bytes, NULL),
                                  (gssize) g_bytes_get_size (bytes), NULL));
  return path;
}

static void
assert_same_part (TessModel *a, TessModel *b, TessPart part)
{
  g_autoptr (GArray) layout = tess_layout_part (&a->config, part);

  ck_assert_int_gt (layout->len, 0);
  for (guint i = 0; i < layout->len; i++)
    {
      const gchar *name = g_array_index (layout, TessLayoutEntry, i).name;
      const TessWeight *x = tess_model_weight (a, part, name, NULL);
      const TessWeight *y = tess_model_weight (b, part, name, NULL);

      ck_assert_msg (y != NULL, "%s", name);
      ck_assert_uint_eq (x->tensor->n_bytes, y->tensor->n_bytes);
      ck_assert_mem_eq (x->tensor->data, y->tensor->data, x->tensor->n_bytes);
    }
}

/* The main file as Lightning writes it, the module alone, the decoder alone. */
START_TEST (published_containers_are_read)
{
  static const struct
  {
    gint part;
    gboolean lightning;
  } rows[] = { { -1, TRUE },
               { TESS_PART_STRUCTURE, FALSE },
               { TESS_PART_FUSION, TRUE },
               { TESS_PART_FUSION, FALSE } };
  g_autofree gchar *folder = g_dir_make_tmp ("tess-ckpt-XXXXXX", NULL);
  g_autoptr (TessModel) from = new_base (TRUE);
  g_autoptr (TessModel) base = new_base (FALSE);
  g_autofree gchar *path
      = write_ckpt (from, rows[_i].part, rows[_i].lightning, folder);
  g_autoptr (GError) error = NULL;

  ck_assert_ptr_null (tess_model_structure (base));
  tess_model_add_upscaling (base, path, &error);
  ck_no_error (error);
  if (rows[_i].part != TESS_PART_FUSION)
    assert_same_part (from, base, TESS_PART_STRUCTURE);
  if (rows[_i].part != TESS_PART_STRUCTURE)
    assert_same_part (from, base, TESS_PART_FUSION);
  ck_assert_int_eq (tess_model_structure (base) != NULL,
                    rows[_i].part != TESS_PART_FUSION);
  ck_assert_int_eq (tess_model_fusion (base) != NULL,
                    rows[_i].part != TESS_PART_STRUCTURE);
  tess_test_remove (folder);
}
END_TEST

/* Nothing in a published file tells eps from v but its name. */
START_TEST (names_tell_the_prediction)
{
  static const gchar *const names[]
      = { "stablesr_000117.safetensors", "stablesr_768v_000139.safetensors" };
  g_autofree gchar *folder = g_dir_make_tmp ("tess-names-XXXXXX", NULL);
  g_autofree gchar *path = g_build_filename (folder, names[_i], NULL);
  g_autoptr (TessModel) made = NULL;
  g_autoptr (TessModel) model = NULL;
  g_autoptr (GError) error = NULL;
  TessModelConfig config;

  ck_assert (tess_synthetic_config ("tiny21", &config, NULL));
  tess_synthetic_add_upscaling (&config);
  made = tess_model_new_random (&config, "made", NULL);
  ck_assert (tess_model_write_single (made, path, FALSE, NULL));
  model = tess_model_open (path, &error);
  ck_no_error (error);
  ck_assert_int_eq (tess_model_diffusion (model)->prediction,
                    _i == 0 ? TESS_PREDICTION_EPS : TESS_PREDICTION_V);
  ck_assert_int_eq (tess_model_unet (model)->sample_size, _i == 0 ? 64 : 96);
  ck_assert_ptr_nonnull (tess_model_structure (model));
  ck_assert_ptr_nonnull (tess_model_fusion (model));
  tess_test_remove (folder);
}
END_TEST

/* Of a file that says nothing it is asked once: what was said holds for later
 * jobs, and for the file under another roof, not for another file. */
START_TEST (what_was_said_is_remembered)
{
  g_autofree gchar *folder = g_dir_make_tmp ("tess-told-XXXXXX", NULL);
  g_autofree gchar *path = g_build_filename (folder, "mine.safetensors", NULL);
  g_autofree gchar *below = g_build_filename (folder, "below", NULL);
  g_autofree gchar *moved = g_build_filename (below, "mine.safetensors", NULL);
  g_autofree gchar *other = g_build_filename (folder, "else.safetensors", NULL);
  g_autoptr (TessRequest) request = tess_request_new ();
  g_autoptr (TessModel) made = NULL;
  g_autoptr (GError) error = NULL;
  TessModelConfig config;

  request->method = TESS_TILING_UPSCALE;
  request->sampler = TESS_SAMPLER_DDPM;
  request->guidance = 1.0;
  request->init = gegl_buffer_new (GEGL_RECTANGLE (0, 0, 23, 18),
                                   babl_format ("R'G'B' u8"));
  request->width = 92;
  request->height = 72;
  request->storage = 1 + TESS_F32;
  g_setenv ("XDG_CONFIG_HOME", folder, TRUE);
  ck_assert (tess_synthetic_config ("tiny21", &config, NULL));
  config.text.n_tokens = 49408;
  config.text.bos_id = 49406;
  config.text.eos_id = 49407;
  tess_synthetic_add_upscaling (&config);
  made = tess_model_new_random (&config, "made", NULL);
  ck_assert (tess_model_write_single (made, path, FALSE, NULL));
  ck_assert_int_eq (g_mkdir (below, 0700), 0);
  for (gint i = 0; i < 5; i++)
    {
      g_autoptr (TessStudio) studio = tess_studio_new ();
      TessJobPlan plan;

      if (i == 3)
        ck_assert_int_eq (g_rename (path, moved), 0);
      if (i == 4)
        ck_assert_int_eq (g_rename (moved, other), 0);
      g_free (request->model);
      request->model = g_strdup (i < 3 ? path : i == 3 ? moved : other);
      request->prediction = i == 1 ? 1 + TESS_PREDICTION_V : 0;
      tess_studio_plan (studio, request, &plan, &error);
      ck_no_error (error);
      ck_assert_int_eq (plan.prediction_guessed, i == 0 || i == 4);
      ck_assert_int_eq (tess_model_diffusion (studio->model)->prediction,
                        i == 0 || i == 4 ? TESS_PREDICTION_EPS
                                         : TESS_PREDICTION_V);
      ck_assert_int_eq (tess_model_unet (studio->model)->sample_size,
                        i == 0 || i == 4 ? 64 : 96);
      tess_job_plan_clear (&plan);
    }
  tess_test_remove (folder);
}
END_TEST

START_TEST (weights_of_another_model_are_refused)
{
  g_autofree gchar *folder = g_dir_make_tmp ("tess-ckpt-XXXXXX", NULL);
  g_autoptr (TessModel) from = new_base (TRUE);
  g_autoptr (TessModel) base = tess_model_new_synthetic ("tiny21", NULL);
  g_autofree gchar *path = write_ckpt (from, -1, TRUE, folder);
  g_autofree gchar *none = g_build_filename (folder, "none", NULL);
  g_autofree gchar *other = tess_test_data ("samplers.safetensors");
  g_autoptr (GError) error = NULL;

  ck_assert (!tess_model_add_upscaling (base, path, &error));
  ck_assert (g_error_matches (error, TESS_ERROR, TESS_ERROR_MODEL));
  ck_assert_ptr_null (tess_model_structure (base));
  g_clear_error (&error);
  ck_assert (!tess_model_add_upscaling (base, none, &error));
  ck_assert_ptr_nonnull (error);
  g_clear_error (&error);
  ck_assert (!tess_model_add_upscaling (base, other, &error));
  ck_assert_msg (strstr (error->message, "no weights of StableSR") != NULL,
                 "%s", error->message);
  tess_test_remove (folder);
}
END_TEST

Suite *
tess_test_suite (void)
{
  Suite *suite = suite_create ("upscale-weights");
  TCase *tcase = tcase_create ("upscale-weights");

  tcase_add_unchecked_fixture (tcase, tess_test_make_model,
                               tess_test_drop_model);
  tcase_add_loop_test (tcase, published_containers_are_read, 0, 4);
  tcase_add_loop_test (tcase, names_tell_the_prediction, 0, 2);
  tcase_add_test (tcase, what_was_said_is_remembered);
  tcase_add_test (tcase, weights_of_another_model_are_refused);
  suite_add_tcase (suite, tcase);
  return suite;
}
