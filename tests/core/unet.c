/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/core/unet.c: the denoiser against the reference, and what holds
 * whatever the weights. */
#include "core/error.h"
#include "core/model-synthetic.h"
#include "core/unet.h"
#include "tests/harness.h"

#include <math.h>
#include <string.h>

static TessModelConfig
small_config (void)
{
  TessModelConfig config;

  ck_assert (tess_synthetic_config ("tiny15", &config, NULL));
  config.unet = (TessUnetConfig) { .in_channels = 4,
                                   .out_channels = 4,
                                   .n_levels = 3,
                                   .channels = { 16, 32, 48 },
                                   .attention_down = { TRUE, FALSE, TRUE },
                                   .attention_up = { TRUE, FALSE, TRUE },
                                   .n_heads = { 2, 2, 4 },
                                   .depth = { 1, 1, 2 },
                                   .layers_per_block = 1,
                                   .mid_attention = TRUE,
                                   .context_width = 24,
                                   .norm_groups = 8,
                                   .norm_eps = 1e-5f,
                                   .linear_projection = TRUE,
                                   .flip_sin_to_cos = TRUE,
                                   .sample_size = 16 };
  return config;
}

static TessTensor *
random_tensor (const gchar *name, gint n_dims, const gint64 *dims)
{
  TessTensor *tensor = tess_tensor_new (TESS_F32, n_dims, dims, NULL);

  tess_formula_values (name, 0.0, sqrt (3.0), 0,
                       tess_tensor_n_elements (tensor),
                       tess_tensor_f32 (tensor));
  return tensor;
}

/* A small network with three texts and three steps. */
typedef struct
{
  TessBackend *backend;
  TessModel *model;
  TessUnet *unet;
  TessTensor *contexts;
} Small;

static void
small_init (Small *small, TessBackend *backend)
{
  TessModelConfig config = small_config ();
  const gdouble timesteps[3] = { 981.0, 500.5, 1.0 };
  g_autoptr (GError) error = NULL;

  small->backend = backend;
  small->model = tess_model_new_random (&config, "small", &error);
  ck_no_error (error);
  small->unet = tess_unet_new (small->model, small->backend, &error);
  ck_no_error (error);
  small->contexts = random_tensor ("contexts", 3, (gint64[]) { 3, 7, 24 });
  ck_assert (tess_unet_condition (small->unet, small->contexts, timesteps, 3,
                                  NULL, &error));
}

static void
small_finish (Small *small)
{
  tess_unet_free (small->unet);
  tess_tensor_unref (small->contexts);
  tess_model_unref (small->model);
  tess_backend_unref (small->backend);
}

static void
run (Small *small,
     gint n,
     gint h,
     gint w,
     gint step,
     const gfloat *src,
     const gint32 *rows,
     gfloat *dst)
{
  TessUnetCall call = { n, h, w, step, src, rows, dst };
  g_autoptr (GError) error = NULL;

  tess_unet_run (small->unet, &call, NULL, &error);
  ck_no_error (error);
}

START_TEST (a_batch_is_its_samples)
{
  Small small;
  const gint32 rows[3] = { 2, 0, 1 };
  const gsize n = 4 * 4 * 8;
  g_autoptr (TessTensor) x = random_tensor ("x", 4, (gint64[]) { 3, 4, 4, 8 });
  g_autofree gfloat *together = g_new (gfloat, 3 * n);
  g_autofree gfloat *alone = g_new (gfloat, n);

  small_init (&small, tess_backend_plain_new ());
  for (gint step = 0; step < 3; step++)
    {
      run (&small, 3, 4, 8, step, x->data, rows, together);
      for (gint i = 0; i < 3; i++)
        {
          run (&small, 1, 4, 8, step, tess_tensor_f32 (x) + i * n, &rows[i],
               alone);
          ck_assert_double_le (tess_test_error (together + i * n, alone, n),
                               1e-6);
        }
    }
  small_finish (&small);
}
END_TEST

START_TEST (texts_and_steps_make_a_difference)
{
  Small small;
  const gint32 rows[2] = { 0, 1 };
  const gsize n = 4 * 8 * 8;
  g_autoptr (TessTensor) x = random_tensor ("x", 4, (gint64[]) { 1, 4, 8, 8 });
  g_autofree gfloat *a = g_new (gfloat, n);
  g_autofree gfloat *b = g_new (gfloat, n);

  small_init (&small, tess_backend_plain_new ());
  run (&small, 1, 8, 8, 0, x->data, &rows[0], a);
  run (&small, 1, 8, 8, 0, x->data, &rows[1], b);
  ck_assert_double_gt (tess_test_error (a, b, n), 1e-3);
  run (&small, 1, 8, 8, 2, x->data, &rows[0], b);
  ck_assert_double_gt (tess_test_error (a, b, n), 1e-3);
  run (&small, 1, 8, 8, 0, x->data, NULL, b);
  ck_assert (memcmp (a, b, n * sizeof *a) == 0);
  small_finish (&small);
}
END_TEST

/* Other texts of the same size, then of another. */
START_TEST (conditions_may_change)
{
  Small small, fresh;
  const gdouble timesteps[2] = { 10.0, 20.0 };
  const gsize n = 4 * 8 * 8;
  g_autoptr (TessTensor) x = random_tensor ("x", 4, (gint64[]) { 1, 4, 8, 8 });
  g_autofree gfloat *a = g_new (gfloat, n);
  g_autofree gfloat *b = g_new (gfloat, n);
  g_autoptr (GError) error = NULL;

  small_init (&small, tess_backend_plain_new ());
  for (gint tokens = 7; tokens < 9; tokens++)
    {
      g_autoptr (TessTensor) contexts
          = random_tensor ("other", 3, (gint64[]) { 3, tokens, 24 });

      run (&small, 1, 8, 8, 1, x->data, NULL, a);
      ck_assert (tess_unet_condition (small.unet, contexts, timesteps, 2, NULL,
                                      &error));
      run (&small, 1, 8, 8, 1, x->data, NULL, a);
      small_init (&fresh, tess_backend_plain_new ());
      ck_assert (tess_unet_condition (fresh.unet, contexts, timesteps, 2, NULL,
                                      &error));
      run (&fresh, 1, 8, 8, 1, x->data, NULL, b);
      ck_assert (memcmp (a, b, n * sizeof *a) == 0);
      small_finish (&fresh);
    }
  small_finish (&small);
}
END_TEST

START_TEST (faults_are_told)
{
  Small small;
  gfloat x[4 * 64] = { 0 };
  const gdouble timestep = 1.0;
  TessUnetCall call = { 1, 8, 6, 0, x, NULL, x };
  TessUnetCost cost;
  g_autoptr (GError) error = NULL;
  g_autoptr (TessTensor) narrow
      = random_tensor ("narrow", 3, (gint64[]) { 1, 7, 20 });

  small_init (&small, tess_backend_plain_new ());
  ck_assert_int_eq (tess_unet_align (small.unet), 4);
  ck_assert (!tess_unet_run (small.unet, &call, NULL, &error));
  ck_assert (g_error_matches (error, TESS_ERROR, TESS_ERROR_SHAPE));
  g_clear_error (&error);
  ck_assert (!tess_unet_cost (small.unet, 1, 8, 0, 7, 0, FALSE, &cost, &error));
  ck_assert (g_error_matches (error, TESS_ERROR, TESS_ERROR_SHAPE));
  g_clear_error (&error);
  ck_assert (
      !tess_unet_condition (small.unet, narrow, &timestep, 1, NULL, &error));
  ck_assert (g_error_matches (error, TESS_ERROR, TESS_ERROR_SHAPE));
  small_finish (&small);
}
END_TEST

START_TEST (cancelling_stops_a_call)
{
  Small small;
  gfloat x[4 * 64] = { 0 };
  TessUnetCall call = { 1, 8, 8, 0, x, NULL, x };
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  small_init (&small, tess_backend_plain_new ());
  g_cancellable_cancel (cancellable);
  ck_assert (!tess_unet_run (small.unet, &call, cancellable, &error));
  ck_assert (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
  small_finish (&small);
}
END_TEST

START_TEST (costs_grow_with_the_tile)
{
  Small small;
  TessUnetCost one, four;
  g_autoptr (GError) error = NULL;

  small_init (&small, tess_backend_plain_new ());
  ck_assert (tess_unet_cost (small.unet, 1, 8, 8, 7, 0, FALSE, &one, &error));
  ck_assert (tess_unet_cost (small.unet, 4, 8, 8, 7, 0, FALSE, &four, &error));
  ck_assert_uint_gt (one.arena, 0);
  ck_assert_uint_gt (four.arena, 3 * one.arena);
  ck_assert_double_eq_tol (four.n_flops, 4 * one.n_flops, 1.0);
  small_finish (&small);
}
END_TEST

/* unet.HxW.in, .tT of a model folder. */
static void
check_reference (const gchar *folder, TessBackend *backend, gdouble tolerance)
{
  g_autofree gchar *path = tess_test_shared (folder);
  g_autofree gchar *tensors = NULL;
  g_autoptr (TessTensorFile) file = NULL;
  g_autoptr (TessModel) model = NULL;
  g_autoptr (TessUnet) unet = NULL;
  g_autoptr (TessTensor) contexts = NULL;
  g_autoptr (GError) error = NULL;
  const TessTensor *states, *src, *dst;
  const gdouble timesteps[3] = { 1.0, 500.0, 999.0 };
  const gint32 rows[2] = { 0, 1 };
  g_autofree gfloat *y = NULL;
  gsize n;

  if (path == NULL)
    tess_test_skip ("the reference's results are not beside the checkout");
  tensors = g_build_filename (path, "golden.safetensors", NULL);
  file = tess_tensor_file_open (tensors, &error);
  ck_no_error (error);
  model = tess_model_open (path, &error);
  ck_no_error (error);
  unet = tess_unet_new (model, backend, &error);
  ck_no_error (error);
  states = tess_tensor_file_get (file, "text.last_hidden_state");
  contexts = tess_tensor_new (
      TESS_F32, 3, (gint64[]) { 2, states->dims[1], states->dims[2] }, NULL);
  tess_tensor_read_f32 (states, 0, tess_tensor_n_elements (contexts),
                        tess_tensor_f32 (contexts));
  ck_assert (tess_unet_condition (unet, contexts, timesteps, 3, NULL, &error));
  src = tess_tensor_file_get (file, "unet.16x16.in");
  n = tess_tensor_n_elements (src);
  y = g_new (gfloat, n);
  for (gint step = 0; step < 3; step++)
    {
      g_autofree gchar *name
          = g_strdup_printf ("unet.16x16.t%.0f", timesteps[step]);
      TessUnetCall call = { 2, 16, 16, step, src->data, rows, y };

      ck_assert (tess_unet_run (unet, &call, NULL, &error));
      dst = tess_tensor_file_get (file, name);
      ck_assert_double_le (tess_test_error (y, dst->data, n), tolerance);
    }
  tess_backend_unref (backend);
}

START_TEST (agrees_with_the_reference)
{
  check_reference ("golden/sd/tiny-sd15", tess_backend_plain_new (), 2e-5);
  check_reference ("golden/sd/tiny-sd21v", tess_backend_plain_new (), 2e-5);
}
END_TEST

Suite *
tess_test_suite (void)
{
  Suite *suite = suite_create ("unet");

  tess_test_add (suite, "a batch is its samples", a_batch_is_its_samples);
  tess_test_add (suite, "texts and steps make a difference",
                 texts_and_steps_make_a_difference);
  tess_test_add (suite, "conditions may change", conditions_may_change);
  tess_test_add (suite, "faults are told", faults_are_told);
  tess_test_add (suite, "cancelling stops a call", cancelling_stops_a_call);
  tess_test_add (suite, "costs grow with the tile", costs_grow_with_the_tile);
  tess_test_add (suite, "agrees with the reference", agrees_with_the_reference);
  return suite;
}
