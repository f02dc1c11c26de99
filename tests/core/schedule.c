/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/core/schedule.c: noise levels and timesteps. Expected numbers are
 * diffusers 0.42's; the lists of timesteps are compared in
 * tests/core/sampler.c. */
#include "core/error.h"
#include "core/schedule.h"
#include "tests/harness.h"

#include <math.h>
#include <string.h>

static TessDiffusionConfig
config (TessBetas betas)
{
  return (TessDiffusionConfig) {
    .n_train_steps = 1000,
    .beta_start = 0.00085,
    .beta_end = 0.012,
    .betas = betas,
    .steps_offset = 1,
  };
}

typedef struct
{
  TessBetas betas;
  gboolean zero_snr;
  gfloat abar[6], sigma[6];
} Levels;

/* Zero terminal SNR goes through a square root that torch rounds otherwise,
 * and then magnifies it where abar nears 0. */
static const Levels levels[] = {
  { TESS_BETAS_SCALED_LINEAR,
    FALSE,
    { 0.999149978f, 0.998296022f, 0.27766943f, 0.276332468f, 0.00471669575f,
      0.00466009509f },
    { 0.0291675329f, 0.041314479f, 1.61288702f, 1.6182797f, 14.5262804f,
      14.6146469f } },
  { TESS_BETAS_SCALED_LINEAR,
    TRUE,
    { 0.999149978f, 0.998233497f, 0.242358997f, 0.241018549f, 1.96796293e-07f,
      0.0f },
    { 0.0291675329f, 0.0420669578f, 1.76808107f, 1.77455866f, 2254.19507f,
      4095.99976f } },
  { TESS_BETAS_LINEAR,
    FALSE,
    { 0.999149978f, 0.998289526f, 0.161812171f, 0.160771623f, 0.00159814057f,
      0.00157896278f },
    { 0.0291675329f, 0.0413932987f, 2.27596235f, 2.28473258f, 24.9945431f,
      25.1461163f } },
  { TESS_BETAS_LINEAR,
    TRUE,
    { 0.999149978f, 0.998253882f, 0.142529428f, 0.141512573f, 6.27736441e-08f,
      0.0f },
    { 0.0291675329f, 0.0418231077f, 2.45277286f, 2.46302867f, 3991.27197f,
      4095.99976f } },
  { TESS_BETAS_COSINE,
    FALSE,
    { 0.999958694f, 0.99991256f, 0.493843466f, 0.492285043f, 2.42876627e-06f,
      2.42873499e-09f },
    { 0.00642710878f, 0.00935134571f, 1.0123899f, 1.01555085f, 641.662415f,
      20291.3027f } },
  { TESS_BETAS_COSINE,
    TRUE,
    { 0.999958754f, 0.99991262f, 0.49382323f, 0.492264807f, 2.27781311e-06f,
      0.0f },
    { 0.00642246986f, 0.00934815686f, 1.01243079f, 1.01559186f, 662.583252f,
      4095.99976f } },
};

START_TEST (noise_levels)
{
  static const gint at[6] = { 0, 1, 499, 500, 998, 999 };
  const Levels *want = &levels[_i];
  TessDiffusionConfig diffusion = config (want->betas);
  gdouble tolerance = want->zero_snr ? 1e-4 : 2e-7;
  TessNoiseLevels got = { 0 };
  GError *error = NULL;

  tess_noise_levels_init (&got, &diffusion, want->zero_snr, &error);
  ck_no_error (error);
  for (gint i = 0; i < 6; i++)
    {
      ck_assert_double_eq_tol (got.abar[at[i]], want->abar[i],
                               tolerance * want->abar[i] + 1e-12);
      ck_assert_double_eq_tol (got.sigma[at[i]], want->sigma[i],
                               tolerance * want->sigma[i]);
    }
  for (gint i = 1; i < 1000; i++)
    {
      ck_assert (got.abar[i] < got.abar[i - 1]);
      ck_assert (got.sigma[i] > got.sigma[i - 1]
                 || (want->zero_snr && i == 999));
    }
  ck_assert_float_eq (got.abar_final, got.abar[0]);

  /* sigma and timestep undo each other. */
  for (gdouble t = 0.0; t <= 998.0; t += 0.5)
    {
      gdouble sigma = tess_noise_levels_sigma (&got, t);
      gdouble back = tess_noise_levels_timestep (&got, sigma);

      if (t == floor (t))
        ck_assert_double_eq_tol (back, t, 1e-3);
      else
        ck_assert_double_eq_tol (back, t, 0.5);
    }
  ck_assert_double_eq (tess_noise_levels_sigma (&got, -5), got.sigma[0]);
  ck_assert_double_eq (tess_noise_levels_sigma (&got, 5000), got.sigma[999]);
  ck_assert_double_eq (tess_noise_levels_timestep (&got, 0), 0.0);
  ck_assert_double_eq (tess_noise_levels_timestep (&got, 1e9), 999.0);
  tess_noise_levels_finish (&got);

  diffusion.set_alpha_to_one = TRUE;
  tess_noise_levels_init (&got, &diffusion, want->zero_snr, NULL);
  ck_assert_float_eq (got.abar_final, 1.0f);
  tess_noise_levels_finish (&got);
}
END_TEST

START_TEST (karras)
{
  static const gdouble want[2][5]
      = { { 14.6146, 4.7965, 1.2741, 0.2480, 0.0292 },
          { 20291.3, 3547.6, 345.89, 10.318, 0.0064271 } };

  for (gint k = 0; k < 2; k++)
    {
      TessDiffusionConfig diffusion
          = config (k ? TESS_BETAS_COSINE : TESS_BETAS_SCALED_LINEAR);
      TessNoiseLevels got = { 0 };
      gdouble sigmas[5];

      tess_noise_levels_init (&got, &diffusion, FALSE, NULL);
      tess_schedule_karras (&got, 5, sigmas);
      for (gint i = 0; i < 5; i++)
        ck_assert_double_eq_tol (sigmas[i] / want[k][i], 1.0, 2e-3);
      tess_schedule_karras (&got, 1, sigmas);
      ck_assert_double_eq_tol (sigmas[0] / want[k][0], 1.0, 1e-4);
      tess_noise_levels_finish (&got);
    }
}
END_TEST

/* Any number of steps: falling, inside the training steps, none twice but
 * where the reference repeats itself too. */
START_TEST (any_number_of_steps)
{
  TessDiffusionConfig diffusion = config (TESS_BETAS_SCALED_LINEAR);
  g_autofree gdouble *t = g_new (gdouble, 1000);

  for (gint grid = 0; grid < 3; grid++)
    for (gint spacing = 0; spacing < 3; spacing++)
      for (gint n = 1; n < 1000; n++)
        {
          ck_assert (
              tess_schedule_timesteps (&diffusion, grid, spacing, n, t, NULL));
          ck_assert (t[0] <= 999.0 && t[n - 1] >= 0.0);
          for (gint i = 1; i < n; i++)
            ck_assert (t[i] < t[i - 1] || (n > 900 && t[i] == t[i - 1]));
          if (spacing == TESS_SPACING_TRAILING)
            ck_assert_double_eq (t[0], 999.0);
        }
}
END_TEST

/* numpy rounds halves to even: 1000 - 3 * 12.5 becomes 962, less one. */
START_TEST (halves)
{
  TessDiffusionConfig diffusion = config (TESS_BETAS_SCALED_LINEAR);
  gdouble t[80];

  ck_assert (tess_schedule_timesteps (&diffusion, TESS_GRID_EACH,
                                      TESS_SPACING_TRAILING, 80, t, NULL));
  ck_assert_double_eq (t[1], 987.0);
  ck_assert_double_eq (t[3], 961.0);
}
END_TEST

START_TEST (bad_models)
{
  static const struct
  {
    gint n;
    gdouble start, end;
  } cases[] = { { 0, 1e-3, 1e-2 },   { 1, 1e-3, 1e-2 },
                { -5, 1e-3, 1e-2 },  { 2000000000, 1e-3, 1e-2 },
                { 1000, 0, 1e-2 },   { 1000, 1e-2, 1e-3 },
                { 1000, 1e-3, 1.0 }, { 1000, NAN, 1e-2 },
                { 1000, 1e-3, NAN } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      TessDiffusionConfig diffusion = config (TESS_BETAS_LINEAR);
      TessNoiseLevels got = { 0 };
      g_autoptr (GError) error = NULL;

      diffusion.n_train_steps = cases[i].n;
      diffusion.beta_start = cases[i].start;
      diffusion.beta_end = cases[i].end;
      ck_assert (!tess_noise_levels_init (&got, &diffusion, FALSE, &error));
      ck_assert (g_error_matches (error, TESS_ERROR, TESS_ERROR_MODEL));
      ck_assert (strstr (error->message, "scheduler_config.json") != NULL);
    }
}
END_TEST

Suite *
tess_test_suite (void)
{
  Suite *suite = suite_create ("schedule");
  TCase *tcase = tcase_create ("schedule");

  tcase_add_loop_test (tcase, noise_levels, 0, G_N_ELEMENTS (levels));
  tcase_add_test (tcase, karras);
  tcase_add_test (tcase, any_number_of_steps);
  tcase_add_test (tcase, halves);
  tcase_add_test (tcase, bad_models);
  suite_add_tcase (suite, tcase);
  return suite;
}
