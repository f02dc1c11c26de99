/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/core/guidance.c: guidance and rescale against the formulas of
 * diffusers' pipelines in torch 2.15 (seed 3). */
#include "core/guidance.h"
#include "core/random.h"
#include "tests/harness.h"

#define N 40

static const struct
{
  gdouble guidance, rescale;
  gfloat at0, at17, at39;
} cases[] = {
  { 1.0, 0.0, -0.0766443f, 0.9311244f, -0.6894745f },
  { 1.0, 1.0, -0.0766443f, 0.9311244f, -0.6894745f },
  { 7.5, 0.0, -3.888864f, 2.174914f, -3.593955f },
  { 7.5, 0.7, -1.487199f, 0.8317416f, -1.374418f },
  { 7.5, 1.0, -0.457914f, 0.2560963f, -0.4231884f },
};

START_TEST (agrees)
{
  gfloat output[N], negative[N];
  TessRandom random;

  tess_random_init (&random, 3);
  tess_random_normal (&random, output, N);
  tess_random_normal (&random, negative, N);
  for (gint i = 0; i < N; i++)
    negative[i] = negative[i] * 0.5f + 0.2f;
  tess_guide (output, negative, N, cases[_i].guidance, cases[_i].rescale);
  ck_assert_float_eq_tol (output[0], cases[_i].at0, 2e-6);
  ck_assert_float_eq_tol (output[17], cases[_i].at17, 2e-6);
  ck_assert_float_eq_tol (output[39], cases[_i].at39, 2e-6);
}
END_TEST

START_TEST (flat)
{
  gfloat output[4] = { 1, 1, 1, 1 }, negative[4] = { 1, 1, 1, 1 };

  tess_guide (output, negative, 4, 7.5, 0.7); /* no deviation to divide by */
  for (gint i = 0; i < 4; i++)
    ck_assert_float_eq (output[i], 1.0f);
}
END_TEST

Suite *
tess_test_suite (void)
{
  Suite *suite = suite_create ("guidance");
  TCase *tcase = tcase_create ("guidance");

  tcase_add_loop_test (tcase, agrees, 0, G_N_ELEMENTS (cases));
  tcase_add_test (tcase, flat);
  suite_add_tcase (suite, tcase);
  return suite;
}
