/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/core/random.c: the generator agrees with torch.randn to the bit.
 * Checksums are of golden/sd/torch_randn.safetensors and of torch 2.15 on an
 * x86-64 with AVX2 (its vector path). */
#include "core/random.h"
#include "tests/harness.h"

#include <string.h>

typedef struct
{
  guint64 seed;
  gint n;
  gfloat first, last;
  const gchar *sha1; /* of the little-endian floats */
} Case;

static const Case cases[] = {
  { 0ull, 3, 1.54099607f, -2.17878938f,
    "ea917d7a0c7e659c9749eea9100fae1f039a3c0b" },
  { 0ull, 15, 1.54099607f, -1.07118738f,
    "e53944f0aad402c71f2433558b324722045bd9d8" },
  { 0ull, 16, -1.12583983f, -0.247278154f,
    "2dd45dd4d65979e2525a294f47a19359d2d01544" },
  { 0ull, 17, -1.12583983f, 0.931826591f,
    "984947a887c4085bb62c8449d135981b0b737888" },
  { 0ull, 256, -1.12583983f, 0.39039579f,
    "9308bc57066888a4c2bcff95b6484d6c69082a9e" },
  { 0ull, 16384, -1.12583983f, -1.07820797f,
    "ab405826ca8206cb8d4c684f1dc94f3546a341d4" },
  { 42ull, 3, 0.336690366f, 0.234462366f,
    "a73f5293342bf67e062aa80612046222737bf9ba" },
  { 42ull, 15, 0.336690366f, -0.988959908f,
    "6a2193b37a41e8356e5e9077dd5b04ba0180f2e0" },
  { 42ull, 16, 1.92691529f, 0.76244539f,
    "a4415fcda819bb8e2edd556ed53d78299cdc1a09" },
  { 42ull, 17, 1.92691529f, -0.309726775f,
    "314f00cd3695481407500635b5d91e228f08d4c5" },
  { 42ull, 256, 1.92691529f, 0.222453654f,
    "06f826ca13b070c9f1872d14b5fc38b0d7563c14" },
  { 42ull, 16384, 1.92691529f, -0.293406099f,
    "5939931506bad91400da03601bf9e93220e2dfdb" },
  { 1234567890123ull, 3, 0.612099051f, 0.0903842002f,
    "b5bc91b45b68c55d5a4a1e41ed7bce5ec9f5e109" },
  { 1234567890123ull, 15, 0.612099051f, 0.951411486f,
    "0804826502cd6b34e415685b86ad6c6446501da1" },
  { 1234567890123ull, 16, -0.568541527f, -0.274843723f,
    "9419dd60f974ba34252df5e698eb9a275a70a2f3" },
  { 1234567890123ull, 17, -0.568541527f, 0.499670327f,
    "cebd4ef4e93611bdf6efd547a468ff5ee672fc08" },
  { 1234567890123ull, 256, -0.568541527f, -0.573708415f,
    "498ebfc87589b4659b0ae3d6ce64ec93edbea699" },
  { 1234567890123ull, 16384, -0.568541527f, -0.777168036f,
    "220bb305bf6a41bfd185880b2162d7bfe70028cb" },
  { 9223372036854775813ull, 1000001, 1.84232986f, -0.568845391f,
    "ebf608e930b088989ef714bc884b569d79f35b58" },
};

static gchar *
checksum (const gfloat *values, gsize n)
{
  g_autofree guint32 *bits = g_new (guint32, n);

  memcpy (bits, values, n * sizeof *bits);
  for (gsize i = 0; i < n; i++)
    bits[i] = GUINT32_TO_LE (bits[i]);
  return g_compute_checksum_for_data (G_CHECKSUM_SHA1, (const guchar *) bits,
                                      n * sizeof *bits);
}

START_TEST (normals)
{
  const Case *c = &cases[_i];
  g_autofree gfloat *dst = g_new0 (gfloat, c->n + 1);
  g_autofree gchar *sum = NULL;
  TessRandom random;

  dst[c->n] = 1234.0f;
  tess_random_init (&random, c->seed);
  tess_random_normal (&random, dst, c->n);
  ck_assert_float_eq (dst[c->n], 1234.0f);
  ck_assert_float_eq (dst[0], c->first);
  ck_assert_float_eq (dst[c->n - 1], c->last);
  sum = checksum (dst, c->n);
  ck_assert_str_eq (sum, c->sha1);
}
END_TEST

/* Calls in a row share one stream, the spare normal of the one-by-one path
 * included: randn of 3, 20, 4 and 1 values, rand of 5, randn of 16. */
START_TEST (calls_in_a_row)
{
  gfloat dst[49];
  g_autofree gchar *sum = NULL;
  TessRandom random;

  tess_random_init (&random, 7);
  tess_random_normal (&random, dst, 3);
  tess_random_normal (&random, dst + 3, 20);
  tess_random_normal (&random, dst + 23, 4);
  tess_random_normal (&random, dst + 27, 1);
  tess_random_uniform (&random, dst + 28, 5);
  tess_random_normal (&random, dst + 33, 16);
  sum = checksum (dst, G_N_ELEMENTS (dst));
  ck_assert_str_eq (sum, "36d38547555678f53cfd83c730df74345f232807");
}
END_TEST

Suite *
tess_test_suite (void)
{
  Suite *suite = suite_create ("random");
  TCase *tcase = tcase_create ("random");

  tcase_add_loop_test (tcase, normals, 0, G_N_ELEMENTS (cases));
  tcase_add_test (tcase, calls_in_a_row);
  suite_add_tcase (suite, tcase);
  return suite;
}
