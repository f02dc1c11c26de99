/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/core/safetensors.c: right numbers, and one clear error for each way in
 * which a header can lie. */
#include "core/error.h"
#include "core/safetensors.h"
#include "tests/harness.h"

#include <glib/gstdio.h>
#include <string.h>

/* @header with its length in front, then @n_data bytes that count up to 250 and
 * again. */
static GBytes *
make_file (const gchar *header, gsize n_data)
{
  GByteArray *file = g_byte_array_new ();
  guint64 length = GUINT64_TO_LE (strlen (header));

  g_byte_array_append (file, (const guint8 *) &length, sizeof length);
  g_byte_array_append (file, (const guint8 *) header, strlen (header));
  for (gsize i = 0; i < n_data; i++)
    g_byte_array_append (file, (guint8[]) { i % 251 }, 1);
  return g_byte_array_free_to_bytes (file);
}

static TessTensorFile *
parse (GBytes *bytes, GError **error)
{
  return tess_safetensors_parse (
      &(TessFileBytes) { .bytes = bytes, .path = "made.safetensors" }, error);
}

#define T(name, type, shape, offsets)                                          \
  "\"" name "\":{\"dtype\":\"" type "\",\"shape\":[" shape                     \
  "],\"data_offsets\":[" offsets "]}"

START_TEST (test_good)
{
  static const struct
  {
    const gchar *header;
    gsize n_data;
    guint n_tensors, n_refused;
  } rows[] = {
    { "{}", 0, 0, 0 },
    { "{}   ", 0, 0, 0 },
    { " { } \n", 0, 0, 0 },
    { "{" T ("a", "F32", "2", "0,8") "}", 8, 1, 0 },
    { "{" T ("a", "F16", "1,2,1,2", "0,8") "}", 8, 1, 0 },
    { "{" T ("a", "U8", "", "0,1") "}", 1, 1, 0 },
    { "{" T ("a", "F32", "0", "0,0") "}", 0, 1, 0 },
    { "{" T ("b", "U8", "3", "2,5") "," T ("a", "F16", "1", "0,2") "}", 5, 2,
      0 },
    { "{" T ("e", "F32", "0,7", "2,2") "," T ("b", "U8", "3", "2,5") "," T (
          "a", "F16", "1", "0,2") "}",
      5, 3, 0 },
    { "{" T ("a", "F8_E4M3", "4", "0,4") "}", 4, 0, 1 },
    { "{" T ("a", "U8", "1,1,1,1,1,1", "0,1") "}", 1, 0, 1 },
    { "{\"__metadata__\":{\"k\\n\\u00e9\\ud83d\\ude00\":\"v\"}," T (
          "a", "U8", "1", "0,1") "}",
      1, 1, 0 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GBytes) bytes = make_file (rows[i].header, rows[i].n_data);
      g_autoptr (GError) error = NULL;
      g_autoptr (TessTensorFile) file = parse (bytes, &error);

      ck_no_error (error);
      ck_assert_uint_eq (file->names->len, rows[i].n_tensors);
      ck_assert_uint_eq (g_hash_table_size (file->refused), rows[i].n_refused);
      if (strstr (rows[i].header, "__metadata__") != NULL)
        ck_assert_pstr_eq (
            g_hash_table_lookup (file->metadata, "k\n\xc3\xa9\xf0\x9f\x98\x80"),
            "v");
    }
}
END_TEST

/* A tensor that begins at an odd address is read as well. */
START_TEST (test_odd_address)
{
  g_autoptr (GBytes) bytes = make_file (
      "{" T ("x", "U8", "3", "0,3") "," T ("a", "I32", "2", "3,11") "," T (
          "b", "I64", "1", "11,19") "}",
      19);
  g_autoptr (TessTensorFile) file = parse (bytes, NULL);
  gfloat values[2];

  ck_assert_ptr_nonnull (file);
  tess_tensor_read_f32 (tess_tensor_file_get (file, "a"), 0, 2, values);
  ck_assert_float_eq (values[0], (gfloat) 0x06050403);
  ck_assert_float_eq (values[1], (gfloat) 0x0a090807);
  tess_tensor_read_f32 (tess_tensor_file_get (file, "b"), 0, 1, values);
  ck_assert_float_eq (values[0], (gfloat) 0x1211100f0e0d0c0b);
}
END_TEST

/* More of it than the reader takes at once. */
START_TEST (test_long_odd_address)
{
  g_autoptr (GBytes) bytes = make_file (
      "{" T ("x", "U8", "1", "0,1") "," T ("a", "I32", "2500", "1,10001") "}",
      10001);
  g_autoptr (TessTensorFile) file = parse (bytes, NULL);
  gfloat values[2500];

  ck_assert_ptr_nonnull (file);
  tess_tensor_read_f32 (tess_tensor_file_get (file, "a"), 0, 2500, values);
  for (gint i = 0; i < 2500; i++)
    {
      guint32 first = 4 * i + 1, bits = 0;

      for (gint k = 3; k >= 0; k--)
        bits = bits << 8 | (first + k) % 251;
      ck_assert_float_eq (values[i], (gfloat) (gint32) bits);
    }
}
END_TEST

START_TEST (test_refused)
{
  static const struct
  {
    const gchar *header;
    gsize n_data;
    const gchar *word;
  } rows[] = {
    /* Sizes that lie. */
    { "{" T ("a", "F32", "2", "0,8") "}", 7, "cut off" },
    { "{" T ("a", "F32", "2", "0,8") "}", 9, "end at byte 8 of 9" },
    { "{" T ("a", "F32", "3", "0,8") "}", 8, "needs 12 bytes" },
    { "{" T ("a", "F16", "2", "0,8") "}", 8, "needs 4 bytes" },
    { "{" T ("a", "F32", "2", "8,0") "}", 8, "needs 8 bytes" },
    { "{" T ("a", "F32", "0", "4,0") "}", 4, "needs 0 bytes" },
    { "{" T ("a", "U8", "8", "0,8") "," T ("b", "U8", "8", "4,12") "}", 12,
      "begins at byte 4" },
    { "{" T ("a", "U8", "8", "0,8") "," T ("b", "U8", "8", "0,8") "}", 8,
      "begins at byte 0" },
    { "{" T ("a", "U8", "4", "0,4") "," T ("b", "U8", "4", "5,9") "}", 9,
      "begins at byte 5" },
    { "{" T ("a", "U8", "4", "4,8") "}", 8, "begins at byte 4" },
    { "{" T ("a", "U8", "18446744073709551615", "0,8") "}", 8, "smaller" },
    { "{" T ("a", "U8", "99999999999999999999", "0,8") "}", 8, "smaller" },
    { "{" T ("a", "U8", "4294967296,4294967296", "0,0") "}", 0, "overflows" },
    { "{" T ("a", "F64", "4611686018427387904", "0,0") "}", 0, "overflows" },
    { "{" T ("a", "F64", "4611686018427387904,0", "0,0") "}", 0, "overflows" },
    { "{" T ("a", "U8", "8", "0,9223372036854775807") "}", 8, "needs 8" },
    { "{" T ("a", "U8", "9223372036854775807", "0,9223372036854775807") "}", 8,
      "cut off" },
    { "{" T ("a", "U8", "-1", "0,8") "}", 8, "whole number" },
    { "{" T ("a", "U8", "1.0", "0,1") "}", 1, "expected" },
    { "{" T ("a", "U8", "8", "0,8,9") "}", 8, "expected" },
    { "{" T ("a", "U8", "8", "0") "}", 8, "expected" },
    { "{" T ("a", "U8", "8", "") "}", 8, "whole number" },
    /* Types and properties. */
    { "{" T ("a", "Q4", "8", "0,8") "}", 8, "unknown type 'Q4'" },
    { "{\"a\":{\"dtype\":\"U8\",\"shape\":[1]}}", 1, "lacks" },
    { "{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\"}}", 1, "two of 'dtype'" },
    { "{\"a\":{\"dtype\":7}}", 1, "'\"' expected" },
    { "{\"a\":{\"strange\":7}}", 1, "unknown property" },
    { "{\"a\":{}}", 1, "expected" },
    { "{\"a\":[]}", 1, "'{' expected" },
    { "{\"__metadata__\":{\"a\":1}}", 0, "'\"' expected" },
    { "{\"__metadata__\":{},\"__metadata__\":{}}", 0, "two of '__metadata__'" },
    /* Doubled names. */
    { "{" T ("a", "U8", "1", "0,1") "," T ("a", "U8", "1", "1,2") "}", 2,
      "two of 'a'" },
    { "{" T ("a", "I8", "1", "0,1") "," T ("a", "I8", "1", "1,2") "}", 2,
      "two of 'a'" },
    /* Not JSON. */
    { "[]", 0, "'{' expected" },
    { "{  ", 0, "expected" },
    { "{}x", 0, "the end expected" },
    { "{\"a", 0, "end of a text" },
    { "{\"a\\", 0, "escaped" },
    { "{\"a\\x\"", 0, "escaped" },
    { "{\"\\u12", 0, "hexadecimal" },
    { "{\"\\u0000\"", 0, "a character" },
    { "{\"\\ud800\"", 0, "second half" },
    { "{\"\\ud800\\u0041\"", 0, "second half" },
    { "{\"\\udc00\"", 0, "a character" },
    { "{\"\xff\"", 0, "UTF-8" },
    { "{\"a\nb\"", 0, "control" },
    { "{" T ("a", "U8", "1", "0,1") ",}", 1, "expected" },
    { "{\"a\":{\"a\":{\"a\":{\"a\":{", 0, "unknown property" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GBytes) bytes = make_file (rows[i].header, rows[i].n_data);
      g_autoptr (GError) error = NULL;
      g_autoptr (TessTensorFile) file = parse (bytes, &error);

      ck_assert_msg (file == NULL, "accepted: %s", rows[i].header);
      ck_assert (g_error_matches (error, TESS_ERROR, TESS_ERROR_MODEL));
      ck_assert_msg (strstr (error->message, rows[i].word) != NULL, "%s: %s",
                     rows[i].word, error->message);
      ck_assert_ptr_nonnull (strstr (error->message, "made.safetensors"));
    }
}
END_TEST

START_TEST (test_lengths)
{
  static const guint64 lengths[]
      = { 3,         4,          100,         100000000,
          100000001, G_MAXINT64, G_MAXUINT64, G_MAXUINT64 - 7 };
  guint8 file[12] = { [8] = '{', '}', ' ', ' ' };

  for (guint i = 0; i < G_N_ELEMENTS (lengths); i++)
    {
      guint64 length = GUINT64_TO_LE (lengths[i]);
      g_autoptr (GBytes) bytes = NULL;
      g_autoptr (TessTensorFile) opened = NULL;

      memcpy (file, &length, sizeof length);
      bytes = g_bytes_new (file, sizeof file);
      opened = parse (bytes, NULL);
      /* 3: a byte of data too much. */
      ck_assert_int_eq (opened != NULL, lengths[i] == 4);
    }
  for (gsize n = 0; n < sizeof file; n++)
    {
      g_autoptr (GBytes) bytes = g_bytes_new (file, n);

      ck_assert_ptr_null (parse (bytes, NULL));
    }
}
END_TEST

/* A file whose header names a hundred thousand tensors opens at once. */
START_TEST (test_many)
{
  g_autoptr (GString) header = g_string_new ("{");
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (TessTensorFile) file = NULL;
  gint64 start;

  for (gint i = 99999; i >= 0; i--)
    g_string_append_printf (header,
                            "\"%d\":{\"dtype\":\"U8\",\"shape\":[1],"
                            "\"data_offsets\":[%d,%d]}%s",
                            i, i, i + 1, i > 0 ? "," : "}");
  bytes = make_file (header->str, 100000);
  start = g_get_monotonic_time ();
  file = parse (bytes, NULL);
  ck_assert_ptr_nonnull (file);
  ck_assert_uint_eq (file->names->len, 100000);
  ck_assert_int_lt (g_get_monotonic_time () - start, 5 * G_USEC_PER_SEC);
}
END_TEST

static void
fill (gint i, gpointer dst, gsize n_bytes, gpointer data)
{
  for (gsize k = 0; k < n_bytes; k++)
    ((guint8 *) dst)[k] = (i * 31 + k) & 255;
}

START_TEST (test_write)
{
  static const TessSafetensorsEntry entries[] = {
    { "first \"quoted\"", TESS_U8, 1, { 3 } },
    { "second", TESS_F16, 2, { 2, 5 } },
    { "third", TESS_I64, 0, { 0 } },
  };
  g_autofree gchar *folder = g_dir_make_tmp ("tessera-XXXXXX", NULL);
  g_autofree gchar *path = g_build_filename (folder, "a.safetensors", NULL);
  g_autoptr (GHashTable) metadata = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (TessTensorFile) file = NULL;
  g_autoptr (GError) error = NULL;

  g_hash_table_insert (metadata, (gpointer) "format", (gpointer) "pt");
  ck_assert (
      tess_safetensors_write (path, entries, 3, metadata, fill, NULL, &error));
  file = tess_safetensors_open (path, &error);
  ck_no_error (error);
  ck_assert_str_eq (g_hash_table_lookup (file->metadata, "format"), "pt");
  for (gint i = 0; i < 3; i++)
    {
      TessTensor *tensor = tess_tensor_file_get (file, entries[i].name);
      guint8 expected[64];

      ck_assert_ptr_nonnull (tensor);
      ck_assert_int_eq (tensor->type, entries[i].type);
      ck_assert (tensor->mapped);
      fill (i, expected, tensor->n_bytes, NULL);
      ck_assert_mem_eq (tensor->data, expected, tensor->n_bytes);
    }
  g_unlink (path);
  g_rmdir (folder);
}
END_TEST

/* A full disk: what was there stays, and no part of the new file. */
START_TEST (test_write_full)
{
  static const TessSafetensorsEntry entry
      = { "large", TESS_U8, 1, { 64 * 1024 } };
  g_autofree gchar *folder = g_dir_make_tmp ("tessera-XXXXXX", NULL);
  g_autofree gchar *path = g_build_filename (folder, "a.safetensors", NULL);
  g_autoptr (GError) error = NULL;
  g_autofree gchar *text = NULL;

  if (_i > 0)
    g_file_set_contents (path, "old", -1, NULL);
  tess_test_fill_disk (16 * 1024);
  ck_assert (
      !tess_safetensors_write (path, &entry, 1, NULL, fill, NULL, &error));
  tess_test_fill_disk (0);
  ck_assert_ptr_nonnull (error);
  if (_i > 0)
    {
      ck_assert (g_file_get_contents (path, &text, NULL, NULL));
      ck_assert_str_eq (text, "old");
      g_unlink (path);
    }
  ck_assert_int_eq (g_rmdir (folder), 0);
}
END_TEST

START_TEST (test_no_file)
{
  g_autoptr (GError) error = NULL;

  ck_assert_ptr_null (tess_tensor_file_open ("/nothing/here", &error));
  ck_assert (error->domain == G_FILE_ERROR);
}
END_TEST

Suite *
tess_test_suite (void)
{
  Suite *suite = suite_create ("safetensors");
  TCase *tests = tcase_create ("safetensors");

  tcase_add_test (tests, test_good);
  tcase_add_test (tests, test_odd_address);
  tcase_add_test (tests, test_long_odd_address);
  tcase_add_test (tests, test_refused);
  tcase_add_test (tests, test_lengths);
  tcase_add_test (tests, test_many);
  tcase_add_test (tests, test_write);
  tcase_add_loop_test (tests, test_write_full, 0, 2);
  tcase_add_test (tests, test_no_file);
  suite_add_tcase (suite, tests);
  return suite;
}
