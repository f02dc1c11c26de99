/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/core/sampler.c: every method against diffusers' schedulers on a
 * stand-in network, and what must hold where the reference gives no numbers.
 * data/samplers.safetensors says in its metadata where it is from. */
#include "core/error.h"
#include "core/random.h"
#include "core/sampler.h"
#include "core/tensor-file.h"
#include "tests/harness.h"

#include <math.h>
#include <string.h>

#define N 24           /* cells of the canvas */
#define TOLERANCE 5e-6 /* max |difference| / max |reference| */

enum
{
  METHOD,
  PREDICTION,
  SPACING,
  ZERO_SNR,
  STEPS,
  STRENGTH,
  INIT_SIGMA,
  N_COLUMNS
};

static const TessSamplerKind kinds[]
    = { TESS_SAMPLER_DDIM,     TESS_SAMPLER_DDIM,
        TESS_SAMPLER_EULER,    TESS_SAMPLER_EULER_ANCESTRAL,
        TESS_SAMPLER_DPMPP_2M, TESS_SAMPLER_DPMPP_2M_KARRAS,
        TESS_SAMPLER_UNIPC,    TESS_SAMPLER_DDPM };

static TessDiffusionConfig
diffusion_config (TessPrediction prediction)
{
  return (TessDiffusionConfig) {
    .n_train_steps = 1000,
    .beta_start = 0.00085,
    .beta_end = 0.012,
    .betas = TESS_BETAS_SCALED_LINEAR,
    .prediction = prediction,
    .steps_offset = 1,
  };
}

static TessSampler *
open_sampler (const gfloat *row)
{
  TessDiffusionConfig diffusion = diffusion_config ((gint) row[PREDICTION]);
  TessSamplerSettings settings = {
    .kind = kinds[(gint) row[METHOD]],
    .n_steps = (gint) row[STEPS],
    .strength = row[STRENGTH],
    .eta = row[METHOD] == 1.0f ? 1.0 : 0.0,
    .spacing = 1 + (gint) row[SPACING],
    .zero_snr = row[ZERO_SNR] != 0.0f ? 1 : -1,
  };
  GError *error = NULL;
  TessSampler *sampler = tess_sampler_new (&diffusion, &settings, &error);

  ck_no_error (error);
  return sampler;
}

/* Tame enough that differences do not grow; the same sum in the reference. */
static void
stand_in (const gfloat *x, gdouble timestep, gfloat *output)
{
  gfloat t = (gfloat) timestep / 1000.0f;

  for (gint i = 0; i < N; i++)
    output[i] = 0.7f * x[i] / (1.0f + 0.1f * x[i] * x[i])
                + 0.2f * t * ((gfloat) (i % 7 - 3) / 5.0f);
}

static void
run (TessSampler *sampler, gboolean from_picture, gfloat *x)
{
  TessRandom random;
  gfloat noise[N], input[N], output[N];

  tess_random_init (&random, 99);
  tess_random_normal (&random, noise, N);
  if (from_picture)
    {
      gfloat x0[N];

      tess_random_normal (&random, x0, N);
      tess_sampler_add_noise (sampler, 0, x0, noise, x, N);
    }
  else
    for (gint i = 0; i < N; i++)
      x[i] = noise[i] * (gfloat) tess_sampler_init_sigma (sampler);

  for (gint i = 0; i < tess_sampler_n_steps (sampler); i++)
    {
      gboolean noisy = tess_sampler_wants_noise (sampler, i);

      tess_sampler_scale_input (sampler, i, x, input, N);
      stand_in (input, tess_sampler_timestep (sampler, i), output);
      if (noisy)
        tess_random_normal (&random, noise, N);
      tess_sampler_step (sampler, i, output, noisy ? noise : NULL, x, N);
    }
}

static TessTensorFile *
open_data (void)
{
  g_autofree gchar *path = tess_test_data ("samplers.safetensors");
  GError *error = NULL;
  TessTensorFile *file = tess_tensor_file_open (path, &error);

  ck_no_error (error);
  return file;
}

START_TEST (agrees_with_diffusers)
{
  g_autoptr (TessTensorFile) file = open_data ();
  TessTensor *cases = tess_tensor_file_get (file, "cases");
  TessTensor *results = tess_tensor_file_get (file, "results");
  gint n_run = 0;

  for (gint c = 0; c < cases->dims[0]; c++)
    {
      gfloat row[N_COLUMNS], want[N], x[N];
      g_autoptr (TessSampler) sampler = NULL;
      gdouble difference;

      tess_tensor_read_f32 (cases, c * N_COLUMNS, N_COLUMNS, row);
      tess_tensor_read_f32 (results, c * N, N, want);
      if ((gint) row[METHOD] != _i)
        continue;
      sampler = open_sampler (row);
      if (row[STRENGTH] == 0.0f)
        ck_assert_double_eq_tol (
            tess_sampler_init_sigma (sampler) / row[INIT_SIGMA], 1.0, 1e-6);
      run (sampler, row[STRENGTH] > 0.0f, x);
      difference = tess_test_error (x, want, N);
      ck_assert_msg (difference <= TOLERANCE,
                     "%s, prediction %g, spacing %g, zero SNR %g, %g steps, "
                     "strength %g: %g off",
                     tess_sampler_kind_nick (kinds[_i]), row[PREDICTION],
                     row[SPACING], row[ZERO_SNR], row[STEPS], row[STRENGTH],
                     difference);

      /* The same sampler once more: nothing is left of the first run. */
      run (sampler, row[STRENGTH] > 0.0f, want);
      ck_assert_mem_eq (x, want, sizeof x);
      n_run++;
    }
  ck_assert_int_ge (n_run, 60);
}
END_TEST

START_TEST (timesteps_agree_with_diffusers)
{
  g_autoptr (TessTensorFile) file = open_data ();
  TessTensor *grids = tess_tensor_file_get (file, "grids");
  TessTensor *timesteps = tess_tensor_file_get (file, "timesteps");

  ck_assert_int_ge (grids->dims[0], 100);
  for (gint g = 0; g < grids->dims[0]; g++)
    {
      gfloat grid[4], want[50], row[N_COLUMNS] = { 0 };
      g_autoptr (TessSampler) sampler = NULL;

      tess_tensor_read_f32 (grids, g * 4, 4, grid);
      tess_tensor_read_f32 (timesteps, g * 50, 50, want);
      row[METHOD] = grid[0];
      row[SPACING] = grid[1];
      row[STEPS] = grid[2];
      row[ZERO_SNR] = grid[3];
      sampler = open_sampler (row);
      ck_assert_int_eq (tess_sampler_n_steps (sampler), (gint) row[STEPS]);
      for (gint i = 0; i < row[STEPS]; i++)
        ck_assert_double_eq (tess_sampler_timestep (sampler, i), want[i]);
    }
}
END_TEST

/* Where diffusers divides by 0 or raises: numbers all the same. */
START_TEST (always_finite)
{
  static const gint steps[] = { 1, 2, 3, 61, 500, 998, 999, 1000 };

  for (gint prediction = 0; prediction < 3; prediction++)
    for (gint spacing = 0; spacing < 3; spacing++)
      for (gint zero_snr = 0; zero_snr < 2; zero_snr++)
        for (guint s = 0; s < G_N_ELEMENTS (steps); s++)
          {
            gfloat row[N_COLUMNS]
                = { _i, prediction, spacing, zero_snr, steps[s] };
            g_autoptr (TessSampler) sampler = NULL;
            gfloat x[N];

            if (steps[s] == 1000 && spacing == TESS_SPACING_LEADING && _i >= 4
                && _i <= 6)
              continue; /* refused, see below */
            sampler = open_sampler (row);
            run (sampler, FALSE, x);
            for (gint i = 0; i < N; i++)
              ck_assert_msg (isfinite (x[i]),
                             "%s, prediction %d, spacing %d, zero SNR %d, %d "
                             "steps",
                             tess_sampler_kind_nick (kinds[_i]), prediction,
                             spacing, zero_snr, steps[s]);
          }
}
END_TEST

/* A network that knows the picture leads there, whatever the method. */
START_TEST (perfect_network)
{
  for (gint prediction = 0; prediction < 3; prediction++)
    {
      gfloat row[N_COLUMNS] = { _i, prediction, TESS_SPACING_TRAILING, 0, 20 };
      g_autoptr (TessSampler) sampler = open_sampler (row);
      gfloat x[N], x0[N], noise[N], output[N], seen[N], guess[N];
      TessRandom random;

      tess_random_init (&random, 5);
      tess_random_normal (&random, x0, N);
      tess_random_normal (&random, noise, N);
      tess_sampler_add_noise (sampler, 0, x0, noise, x, N);
      for (gint step = 0; step < 20; step++)
        {
          gdouble level = tess_sampler_noise_level (sampler, step);
          gdouble signal = sqrt (1.0 - level * level);

          tess_sampler_scale_input (sampler, step, x, seen, N);
          for (gint i = 0; i < N; i++)
            {
              gdouble eps = (seen[i] - signal * x0[i]) / level;

              output[i] = (gfloat) (prediction == TESS_PREDICTION_EPS ? eps
                                    : prediction == TESS_PREDICTION_X0
                                        ? x0[i]
                                        : signal * eps - level * x0[i]);
            }
          tess_sampler_predict_x0 (sampler, step, x, output, guess, N);
          ck_assert (tess_test_error (guess, x0, N) < 1e-4);
          tess_random_normal (&random, noise, N);
          tess_sampler_step (sampler, step, output, noise, x, N);
        }
      /* DDIM ends where the model's first abar is: sigma 0.03. */
      ck_assert (tess_test_error (x, x0, N) < (_i < 2 ? 0.05 : 1e-4));
    }
}
END_TEST

START_TEST (in_place_and_long)
{
  gsize n = 5000; /* not a multiple of what is summed at a time */
  g_autofree gfloat *x = g_new (gfloat, n), *y = g_new (gfloat, n);
  g_autofree gfloat *noise = g_new (gfloat, n);
  gfloat row[N_COLUMNS] = { 2, 0, 0, 0, 10 };
  g_autoptr (TessSampler) sampler = open_sampler (row);
  TessRandom random;

  tess_random_init (&random, 1);
  tess_random_normal (&random, x, n);
  tess_random_normal (&random, noise, n);
  tess_sampler_scale_input (sampler, 3, x, y, n);
  for (gsize i = 0; i < n; i++)
    ck_assert (fabs (y[i] - x[i] * (y[0] / x[0])) < 1e-5);
  tess_sampler_scale_input (sampler, 3, x, x, n);
  ck_assert_mem_eq (x, y, n * sizeof *x);
  tess_sampler_add_noise (sampler, 3, x, noise, y, n);
  tess_sampler_add_noise (sampler, 3, x, noise, x, n);
  ck_assert_mem_eq (x, y, n * sizeof *x);
}
END_TEST

START_TEST (strengths)
{
  static const struct
  {
    gint n;
    gdouble strength;
    gint n_run;
  } cases[] = { { 50, 0.8, 40 }, { 50, 1.0, 50 },  { 50, 0.0, 50 },
                { 10, 0.3, 3 },  { 50, 0.58, 28 }, /* 28.999..: cut */
                { 10, 0.55, 5 }, { 10, 0.05, 1 },  { 1, 0.5, 1 } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      TessDiffusionConfig diffusion = diffusion_config (TESS_PREDICTION_EPS);
      TessSamplerSettings settings = { .kind = TESS_SAMPLER_DDIM,
                                       .n_steps = cases[i].n,
                                       .strength = cases[i].strength };
      g_autoptr (TessSampler) sampler
          = tess_sampler_new (&diffusion, &settings, NULL);

      ck_assert_int_eq (tess_sampler_n_steps (sampler), cases[i].n_run);
      ck_assert_double_eq (tess_sampler_timestep (sampler, cases[i].n_run - 1),
                           1.0);
    }
}
END_TEST

START_TEST (bad_settings)
{
  static const struct
  {
    TessSamplerSettings settings;
    const gchar *says;
  } cases[] = {
    { { .n_steps = 0 }, "steps" },
    { { .n_steps = -3 }, "steps" },
    { { .n_steps = 1001 }, "from 1 to 1000 steps, not 1001" },
    { { .kind = TESS_SAMPLER_UNIPC, .n_steps = 1000 }, "to 999 steps" },
    { { .n_steps = 10, .strength = 1.5 }, "strength" },
    { { .n_steps = 10, .strength = -0.1 }, "strength" },
    { { .n_steps = 10, .strength = NAN }, "strength" },
    { { .n_steps = 10, .eta = 1.5 }, "Eta" },
    { { .n_steps = 10, .spacing = 4 }, "spacing" },
    { { .kind = TESS_N_SAMPLERS, .n_steps = 10 }, "Sampler" },
  };
  TessDiffusionConfig diffusion = diffusion_config (TESS_PREDICTION_EPS);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;

      ck_assert_ptr_null (
          tess_sampler_new (&diffusion, &cases[i].settings, &error));
      ck_assert (g_error_matches (error, TESS_ERROR, TESS_ERROR_REQUEST));
      ck_assert_msg (strstr (error->message, cases[i].says) != NULL, "%s",
                     error->message);
    }
}
END_TEST

START_TEST (nicks)
{
  TessSamplerKind kind = TESS_N_SAMPLERS;

  for (gint i = 0; i < TESS_N_SAMPLERS; i++)
    {
      ck_assert (tess_sampler_kind_parse (tess_sampler_kind_nick (i), &kind));
      ck_assert_int_eq (kind, i);
    }
  ck_assert (!tess_sampler_kind_parse ("heun", &kind));
  ck_assert (!tess_sampler_kind_parse (NULL, &kind));
}
END_TEST

Suite *
tess_test_suite (void)
{
  Suite *suite = suite_create ("sampler");
  TCase *tcase = tcase_create ("sampler");

  tcase_add_loop_test (tcase, agrees_with_diffusers, 0, G_N_ELEMENTS (kinds));
  tcase_add_test (tcase, timesteps_agree_with_diffusers);
  tcase_add_loop_test (tcase, always_finite, 0, G_N_ELEMENTS (kinds));
  tcase_add_loop_test (tcase, perfect_network, 0, G_N_ELEMENTS (kinds));
  tcase_add_test (tcase, in_place_and_long);
  tcase_add_test (tcase, strengths);
  tcase_add_test (tcase, bad_settings);
  tcase_add_test (tcase, nicks);
  suite_add_tcase (suite, tcase);
  return suite;
}
