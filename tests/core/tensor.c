/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/core/tensor.c: shapes, sizes and the conversions between types. */
#include "tests/harness.h"

#include "core/error.h"
#include "core/tensor.h"

#include <math.h>
#include <string.h>

START_TEST (zeros_of_the_asked_shape)
{
  g_autoptr (GError) error = NULL;
  const gint64 dims[] = { 2, 3, 5 };
  g_autoptr (TessTensor) tensor = tess_tensor_new (TESS_F32, 3, dims, &error);
  g_autofree gchar *shape = NULL;

  ck_no_error (error);
  ck_assert_uint_eq (tess_tensor_n_elements (tensor), 30);
  ck_assert_uint_eq (tensor->n_bytes, 120);
  for (gint i = 0; i < 30; i++)
    ck_assert (tess_tensor_f32 (tensor)[i] == 0.0f);
  shape = tess_tensor_shape_string (tensor);
  ck_assert_str_eq (shape, "[2, 3, 5]");
}
END_TEST

START_TEST (too_large_is_an_error)
{
  g_autoptr (GError) error = NULL;
  const gint64 dims[] = { G_MAXINT64 / 2, 16 };
  TessTensor *tensor = tess_tensor_new (TESS_F32, 2, dims, &error);

  ck_assert_ptr_null (tensor);
  ck_assert (g_error_matches (error, TESS_ERROR, TESS_ERROR_MEMORY));
}
END_TEST

static void
count_release (gpointer owner)
{
  ++*(gint *) owner;
}

START_TEST (wrapped_bytes_are_released_once)
{
  gfloat data[4] = { 1, 2, 3, 4 };
  const gint64 dims[] = { 4 };
  gint n_released = 0;
  TessTensor *tensor = tess_tensor_new_wrapped (TESS_F32, 1, dims, data,
                                                &n_released, count_release);

  ck_assert_ptr_eq (tensor->data, data);
  tess_tensor_unref (tess_tensor_ref (tensor));
  ck_assert_int_eq (n_released, 0);
  tess_tensor_unref (tensor);
  ck_assert_int_eq (n_released, 1);
  tess_tensor_unref (NULL);
}
END_TEST

/* Every half survives the way to float and back; NaN stays NaN. */
START_TEST (each_half_there_and_back)
{
  for (guint32 i = 0; i < 65536; i++)
    {
      guint16 half = (guint16) i, back = 0;
      gfloat value = 0;

      tess_f16_to_f32 (&half, &value, 1);
      tess_f32_to_f16 (&value, &back, 1);
      if (isnan (value))
        ck_assert ((back & 0x7c00) == 0x7c00 && (back & 0x3ff) != 0);
      else
        ck_assert_uint_eq (back, half);
    }
}
END_TEST

/* 1 + 2^-8 lies between two bfloat16: to the even one, which is 1;
 * 1 + 3 * 2^-8 goes up for the same reason. */
START_TEST (bfloat16_rounds_to_even)
{
  const gfloat values[] = { 1.00390625f, 1.01171875f, -2.5f, INFINITY };
  const gfloat wanted[] = { 1.0f, 1.015625f, -2.5f, INFINITY };
  guint16 bits[4];
  gfloat back[4];

  tess_f32_to_bf16 (values, bits, 4);
  tess_bf16_to_f32 (bits, back, 4);
  for (gint i = 0; i < 4; i++)
    ck_assert (back[i] == wanted[i]);
}
END_TEST

/* The bulk conversion does the same at any length and start. */
START_TEST (bulk_equals_single)
{
  gfloat values[67], one;
  guint16 bits[67], single;

  for (gint i = 0; i < 67; i++)
    values[i] = (gfloat) ((i * 7919 % 1009) - 500) * 0.0137f;
  for (gint first = 0; first < 9; first++)
    {
      tess_f32_to_f16 (values + first, bits, (gsize) (67 - first));
      for (gint i = first; i < 67; i++)
        {
          one = values[i];
          tess_f32_to_f16 (&one, &single, 1);
          ck_assert_uint_eq (bits[i - first], single);
        }
    }
}
END_TEST

START_TEST (every_type_reads_as_float)
{
  const gint64 dims[] = { 3 };
  gdouble f64[] = { -1.5, 0.25, 3 };
  gint32 i32[] = { -7, 0, 7 };
  gint64 i64[] = { -9, 1, 9 };
  guint8 u8[] = { 0, 128, 255 };
  const struct
  {
    TessType type;
    gpointer data;
    gfloat wanted[3];
  } rows[] = {
    { TESS_F64, f64, { -1.5f, 0.25f, 3 } },
    { TESS_I32, i32, { -7, 0, 7 } },
    { TESS_I64, i64, { -9, 1, 9 } },
    { TESS_U8, u8, { 0, 128, 255 } },
  };

  for (gsize r = 0; r < G_N_ELEMENTS (rows); r++)
    {
      g_autoptr (TessTensor) tensor = tess_tensor_new_wrapped (
          rows[r].type, 1, dims, rows[r].data, NULL, NULL);
      gfloat read[2];

      tess_tensor_read_f32 (tensor, 1, 2, read);
      ck_assert (memcmp (read, rows[r].wanted + 1, sizeof read) == 0);
    }
}
END_TEST

Suite *
tess_test_suite (void)
{
  Suite *suite = suite_create ("tensor");
  TCase *tcase = tcase_create ("tensor");

  tcase_add_test (tcase, zeros_of_the_asked_shape);
  tcase_add_test (tcase, too_large_is_an_error);
  tcase_add_test (tcase, wrapped_bytes_are_released_once);
  tcase_add_test (tcase, each_half_there_and_back);
  tcase_add_test (tcase, bfloat16_rounds_to_even);
  tcase_add_test (tcase, bulk_equals_single);
  tcase_add_test (tcase, every_type_reads_as_float);
  suite_add_tcase (suite, tcase);
  return suite;
}
