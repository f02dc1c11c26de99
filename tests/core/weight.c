/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/core/weight.c: rows with LoRA added equal the sum written out. */
#include "core/error.h"
#include "core/host.h"
#include "core/safetensors.h"
#include "core/weight.h"
#include "tests/harness.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

enum
{
  ROWS = 7,
  COLUMNS = 5,
  TAPS = 9,
  LENGTH = COLUMNS * TAPS,
};

/* Small whole numbers: every sum is exact, in any order. */
static TessTensor *
whole_numbers (gint n_dims, const gint64 *dims, guint32 seed)
{
  TessTensor *tensor = tess_tensor_new (TESS_F32, n_dims, dims, NULL);
  gfloat *data = tess_tensor_f32 (tensor);

  for (gsize i = 0; i < tess_tensor_n_elements (tensor); i++)
    {
      seed = seed * 1664525 + 1013904223;
      data[i] = (gfloat) ((gint) (seed >> 28) - 8);
    }
  return tensor;
}

START_TEST (test_plain)
{
  g_autoptr (TessTensor) tensor
      = whole_numbers (2, (gint64[]) { ROWS, COLUMNS }, 1);
  g_autoptr (TessWeight) weight = tess_weight_new ("w", tensor);
  gfloat read[3 * COLUMNS];

  ck_assert_uint_eq (tess_weight_n_rows (weight), ROWS);
  ck_assert_uint_eq (tess_weight_row_length (weight), COLUMNS);
  tess_weight_read (weight, 2, 3, read);
  ck_assert_mem_eq (read, tess_tensor_f32 (tensor) + 2 * COLUMNS, sizeof read);
  tess_weight_drop_pages (weight); /* not mapped: nothing happens */
  tess_weight_read (weight, 2, 3, read);
  ck_assert_mem_eq (read, tess_tensor_f32 (tensor) + 2 * COLUMNS, sizeof read);
}
END_TEST

START_TEST (test_vector)
{
  g_autoptr (TessTensor) tensor = whole_numbers (1, (gint64[]) { ROWS }, 2);
  g_autoptr (TessWeight) weight = tess_weight_new ("w", tensor);
  gfloat read[2];

  ck_assert_uint_eq (tess_weight_row_length (weight), 1);
  tess_weight_read (weight, 4, 2, read);
  ck_assert_mem_eq (read, tess_tensor_f32 (tensor) + 4, sizeof read);
}
END_TEST

/* Ranks below, at and past what is added in one pass. */
START_TEST (test_deltas)
{
  static const gint ranks[] = { 1, 8, 11 };
  static const gfloat scales[] = { 1.0f, -0.5f, 2.0f };
  g_autoptr (TessTensor) tensor
      = whole_numbers (4, (gint64[]) { ROWS, COLUMNS, 3, 3 }, 3);
  g_autoptr (TessWeight) weight = tess_weight_new ("w", tensor);
  gfloat expected[ROWS * LENGTH], read[ROWS * LENGTH];

  memcpy (expected, tess_tensor_f32 (tensor), sizeof expected);
  for (guint i = 0; i < G_N_ELEMENTS (ranks); i++)
    {
      gint rank = ranks[i];
      g_autoptr (TessTensor) up
          = whole_numbers (4, (gint64[]) { ROWS, rank, 1, 1 }, 4 + i);
      g_autoptr (TessTensor) down
          = whole_numbers (4, (gint64[]) { rank, COLUMNS, 3, 3 }, 14 + i);
      const gfloat *u = tess_tensor_f32 (up), *d = tess_tensor_f32 (down);

      tess_weight_add_delta (
          weight,
          &(TessWeightDelta) { .up = up, .down = down, .scale = scales[i] });
      for (gint row = 0; row < ROWS; row++)
        for (gint x = 0; x < LENGTH; x++)
          for (gint k = 0; k < rank; k++)
            expected[row * LENGTH + x]
                += scales[i] * u[row * rank + k] * d[k * LENGTH + x];
    }
  tess_weight_read (weight, 0, ROWS, read);
  ck_assert_mem_eq (read, expected, sizeof read);
  /* A part, one row at a time. */
  for (gint row = ROWS - 1; row >= 3; row--)
    tess_weight_read (weight, row, 1, read + row * LENGTH);
  ck_assert_mem_eq (read, expected, sizeof read);
}
END_TEST

static void
fill (gint i, gpointer dst, gsize n_bytes, gpointer data)
{
  memset (dst, 0x40, n_bytes);
}

/* Another program cuts the model's file short while it is open: an error, and
 * the same again later; never the end of the program. */
START_TEST (test_cut_short)
{
  enum
  {
    N_ROWS = 1024,
    N_COLUMNS = 256,
  };
  const TessSafetensorsEntry entry
      = { "w", TESS_F32, 2, { N_ROWS, N_COLUMNS } };
  g_autofree gchar *folder = g_dir_make_tmp ("tessera-XXXXXX", NULL);
  g_autofree gchar *path = g_build_filename (folder, "w.safetensors", NULL);
  g_autofree gfloat *read = g_new (gfloat, N_ROWS * N_COLUMNS);
  g_autoptr (TessTensorFile) file = NULL;
  g_autoptr (TessWeight) weight = NULL;
  TessPacks *packs = tess_packs_new (NULL, NULL);
  GError *error = NULL;

  ck_assert (
      tess_safetensors_write (path, &entry, 1, NULL, fill, NULL, &error));
  file = tess_tensor_file_open (path, &error);
  ck_no_error (error);
  weight = tess_weight_new ("w", tess_tensor_file_get (file, "w"));
  ck_assert (tess_weight_check (weight, &error));
  ck_assert_int_eq (truncate (path, 100 * 1024), 0);
  for (gint i = 0; i < 2; i++)
    {
      TessPackSpec spec = { 0 };

      tess_pack_spec_plain (&spec, weight);
      ck_assert_ptr_null (tess_packs_get (packs, &spec, &error));
      ck_assert (g_error_matches (error, TESS_ERROR, TESS_ERROR_MODEL));
      ck_assert_ptr_nonnull (strstr (error->message, path));
      g_clear_error (&error);
      tess_pack_spec_clear (&spec);
    }
  tess_weight_read (weight, 0, N_ROWS, read); /* the rest reads as zeros */
  ck_assert_float_gt (read[0], 3.0f);
  ck_assert_float_eq (read[N_ROWS * N_COLUMNS - 1], 0.0f);
  tess_packs_free (packs);
  g_unlink (path);
  g_rmdir (folder);
}
END_TEST

Suite *
tess_test_suite (void)
{
  Suite *suite = suite_create ("weight");
  TCase *tests = tcase_create ("weight");

  tcase_add_test (tests, test_plain);
  tcase_add_test (tests, test_vector);
  tcase_add_test (tests, test_deltas);
  tcase_add_test (tests, test_cut_short);
  suite_add_tcase (suite, tests);
  return suite;
}
