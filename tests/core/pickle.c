/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/core/pickle.c: PyTorch's files: right numbers, and a clear refusal of
 * everything that is damaged, too large or has code in it. */
#include "core/error.h"
#include "core/pickle.h"
#include "tests/harness.h"
#include "tests/make-zip.h"

#include <string.h>

static TessTensorFile *
parse (GBytes *bytes, GError **error)
{
  return tess_tensor_file_parse (
      &(TessFileBytes) { .bytes = bytes, .path = "made.ckpt" }, error);
}

static void
assert_tensor (const TessTensorFile *file,
               const gchar *name,
               TessType type,
               const gchar *shape,
               gint n,
               const gfloat *expected)
{
  TessTensor *tensor = tess_tensor_file_get (file, name);
  g_autofree gchar *found = NULL;
  gfloat values[64];

  ck_assert_msg (tensor != NULL, "%s is missing", name);
  found = tess_tensor_shape_string (tensor);
  ck_assert_str_eq (found, shape);
  ck_assert_int_eq (tensor->type, type);
  ck_assert_uint_eq (tess_tensor_n_elements (tensor), n);
  tess_tensor_read_f32 (tensor, 0, n, values);
  for (gint i = 0; i < n; i++)
    ck_assert_float_eq (values[i], expected[i]);
}

static void
assert_lightning (const TessTensorFile *file)
{
  gfloat count[64], transposed[24];

  for (gint i = 0; i < 64; i++)
    count[i] = i;
  for (gint i = 0; i < 24; i++)
    transposed[i] = i % 4 * 6 + i / 4;
  assert_tensor (file, "plain", TESS_F32, "[4, 6]", 24, count);
  assert_tensor (file, "half", TESS_F16, "[2, 4]", 8, count);
  assert_tensor (file, "half.rest", TESS_F16, "[2, 4, 2, 2]", 32, count + 8);
  assert_tensor (file, "brain", TESS_BF16, "[2, 3]", 6,
                 (gfloat[]) { 0.0f, 0.5f, 1.0f, 1.5f, 2.0f, 2.5f });
  assert_tensor (file, "double", TESS_F64, "[2]", 2,
                 (gfloat[]) { 1.5f, -2.25f });
  assert_tensor (file, "ids", TESS_I64, "[1, 5]", 5, count);
  assert_tensor (file, "int", TESS_I32, "[3]", 3, count);
  assert_tensor (file, "transposed", TESS_F32, "[6, 4]", 24, transposed);
  assert_tensor (file, "strided", TESS_F32, "[2, 3]", 6,
                 (gfloat[]) { 1, 3, 5, 13, 15, 17 });
  assert_tensor (file, "scalar", TESS_F32, "[]", 1, (gfloat[]) { 7 });
  assert_tensor (file, "empty", TESS_F32, "[0, 3]", 0, NULL);
  assert_tensor (file, "parameter", TESS_F32, "[2, 2]", 4,
                 (gfloat[]) { 3, 3, 3, 3 });
  ck_assert_uint_eq (file->names->len, 12);
  ck_assert (g_hash_table_contains (file->refused, "short.kind"));
  ck_assert_str_eq (g_hash_table_lookup (file->metadata, "global_step"),
                    "875000");
}

START_TEST (test_lightning)
{
  static const gchar *const names[]
      = { "models/lightning.ckpt", "models/packed.ckpt" };
  g_autofree gchar *path = tess_test_data (names[_i]);
  g_autoptr (GError) error = NULL;
  g_autoptr (TessTensorFile) file = tess_tensor_file_open (path, &error);

  ck_no_error (error);
  assert_lightning (file);
  /* PyTorch's own files are used in place. */
  ck_assert_int_eq (tess_tensor_file_get (file, "plain")->mapped, _i == 0);
  ck_assert (!tess_tensor_file_get (file, "transposed")->mapped);
}
END_TEST

static void
assert_refused (GBytes *bytes, gint code, const gchar *word)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TessTensorFile) file = parse (bytes, &error);

  ck_assert_msg (file == NULL, "accepted what has: %s", word);
  ck_assert (g_error_matches (error, TESS_ERROR, code));
  ck_assert_msg (strstr (error->message, word) != NULL, "%s: %s", word,
                 error->message);
}

static GBytes *
read_data (const gchar *name)
{
  g_autofree gchar *path = tess_test_data (name);
  gchar *data;
  gsize size;

  ck_assert (g_file_get_contents (path, &data, &size, NULL));
  return g_bytes_new_take (data, size);
}

START_TEST (test_refused_files)
{
  g_autoptr (GBytes) code = read_data ("models/code.ckpt");
  g_autoptr (GBytes) old = read_data ("models/old.pth");

  assert_refused (code, TESS_ERROR_MODEL, "contains code (posix.system)");
  assert_refused (old, TESS_ERROR_UNSUPPORTED, "before 2020");
}
END_TEST

/* Cut off anywhere, and with each byte changed: an error or tensors, never
 * more (run under sanitizers). */
START_TEST (test_damage)
{
  static const gchar *const names[]
      = { "models/lightning.ckpt", "models/packed.ckpt" };
  g_autoptr (GBytes) whole = read_data (names[_i]);
  gsize size;
  const guint8 *data = g_bytes_get_data (whole, &size);

  for (gsize n = 0; n < size; n += 3)
    {
      /* Its own memory, so that a read past the end is seen. */
      g_autoptr (GBytes) part = g_bytes_new (data, n);
      g_autoptr (GError) error = NULL;
      g_autoptr (TessTensorFile) file = parse (part, &error);

      ck_assert_ptr_null (file);
      ck_assert (error != NULL && error->domain == TESS_ERROR);
    }
  for (gsize i = 0; i < size; i++)
    {
      static const guint8 flips[] = { 0x01, 0x80, 0xff };

      for (guint k = 0; k < G_N_ELEMENTS (flips); k++)
        {
          g_autofree guint8 *copy = g_memdup2 (data, size);
          g_autoptr (GBytes) changed = NULL;
          g_autoptr (TessTensorFile) file = NULL;

          copy[i] ^= flips[k];
          changed = g_bytes_new_take (g_steal_pointer (&copy), size);
          file = parse (changed, NULL);
        }
    }
}
END_TEST

#define TENSOR(offset, size, stride)                                           \
  "ctorch._utils\n_rebuild_tensor_v2\n((X\7\0\0\0storagectorch\nFloatStorage"  \
  "\nX\1\0\0\0"                                                                \
  "0X\3\0\0\0cpuK\4tQ" offset size stride "\x89)tR"
#define DICT(value) "\x80\2}X\1\0\0\0w" value "s."
#define PICKLE(text) { "a/data.pkl", text, sizeof text - 1, 0 }
#define STORAGE(n) { "a/data/0", numbers, n, 0 }

START_TEST (test_pickles)
{
  static const gfloat numbers[4] = { 1, 2, 3, 4 };
  static const struct
  {
    TessTestMember members[3];
    gint n;
    const gchar *word; /* NULL: good */
  } rows[] = {
    { { PICKLE (DICT (TENSOR ("K\0", "K\4\x85", "K\1\x85"))), STORAGE (16) },
      2,
      NULL },
    /* Past the end: offset, size, stride; overflows. */
    { { PICKLE (DICT (TENSOR ("K\1", "K\4\x85", "K\1\x85"))), STORAGE (16) },
      2,
      "reaches past" },
    { { PICKLE (DICT (TENSOR ("K\0", "K\5\x85", "K\1\x85"))), STORAGE (16) },
      2,
      "reaches past" },
    { { PICKLE (DICT (TENSOR ("K\0", "K\2\x85", "K\4\x85"))), STORAGE (16) },
      2,
      "reaches past" },
    { { PICKLE (DICT (TENSOR ("K\0", "K\4\x85", "K\1\x85"))), STORAGE (15) },
      2,
      "reaches past" },
    { { PICKLE (DICT (TENSOR ("\x8a\7\xff\xff\xff\xff\xff\xff\x7f",
                              "\x8a\7\xff\xff\xff\xff\xff\xff\x7f\x85",
                              "\x8a\7\xff\xff\xff\xff\xff\xff\x7f\x85"))),
        STORAGE (16) },
      2,
      "reaches past" },
    { { PICKLE (DICT (TENSOR ("\x8a\7\xff\xff\xff\xff\xff\xff\x7f",
                              "\x8a\7\xff\xff\xff\xff\xff\xff\x7fK\0\x86",
                              "K\1K\1\x86"))),
        STORAGE (16) },
      2,
      NULL },
    /* One number seen many times: a bomb without bytes. */
    { { PICKLE (
            DICT (TENSOR ("K\0", "J\0\0\0\x70J\0\0\0\x70\x86", "K\0K\0\x86"))),
        STORAGE (16) },
      2,
      "larger than the file" },
    /* Not tensors, missing storages, nothing in it. */
    { { PICKLE (DICT (TENSOR ("J\xff\xff\xff\xff", "K\4\x85", "K\1\x85"))),
        STORAGE (16) },
      2,
      "no tensors" },
    { { PICKLE (DICT (TENSOR ("K\0", "K\4\x85", "K\1K\1\x86"))), STORAGE (16) },
      2,
      "no tensors" },
    { { PICKLE (DICT (TENSOR ("K\0", "K\4\x85", "K\1\x85"))) },
      1,
      "'a/data/0' is missing" },
    { { PICKLE (DICT ("K\1")) }, 1, "no tensors" },
    { { PICKLE ("\x80\2K\1.") }, 1, "no dict" },
    { { { "a/nothing", "", 0, 0 } }, 1, "without a PyTorch pickle" },
    { { PICKLE (DICT (TENSOR ("K\0", "K\4\x85", "K\1\x85"))),
        STORAGE (16),
        { "a/byteorder", "big", 3, 0 } },
      3,
      "big-endian" },
    /* Code. */
    { { PICKLE ("cos\nsystem\nX\1\0\0\0x\x85R.") }, 1, "code (os.system)" },
    { { PICKLE ("c__builtin__\neval\nX\1\0\0\0x\x85R.") },
      1,
      "code (__builtin__.eval)" },
    { { PICKLE ("X\2\0\0\0osX\6\0\0\0system\x93.") }, 1, "code (os.system)" },
    { { PICKLE ("ctorch\nSize\n)R)R.") }, 1, "code (a call of a value)" },
    { { PICKLE ("ctorch.nn.modules.linear\nLinear\n.") },
      1,
      "code (torch.nn.modules.linear.Linear)" },
    { { PICKLE ("(ios\nsystem\n.") }, 1, "unknown opcode" },
    /* Damaged programs. */
    { { PICKLE ("") }, 1, "cut off" },
    { { PICKLE (".") }, 1, "damaged" },
    { { PICKLE ("(.") }, 1, "damaged" },
    { { PICKLE ("}") }, 1, "cut off" },
    { { PICKLE ("R.") }, 1, "damaged" },
    { { PICKLE ("s.") }, 1, "damaged" },
    { { PICKLE ("u.") }, 1, "damaged" },
    { { PICKLE ("e.") }, 1, "damaged" },
    { { PICKLE ("t.") }, 1, "damaged" },
    { { PICKLE ("}(K\1u.") }, 1, "damaged" },
    { { PICKLE ("K\1(K\1K\1u.") }, 1, "damaged" },
    { { PICKLE ("(K\1s.") }, 1, "damaged" },
    { { PICKLE ("}(K\1s.") }, 1, "damaged" },
    { { PICKLE ("](a.") }, 1, "damaged" },
    { { PICKLE ("h\1.") }, 1, "damaged" },
    { { PICKLE ("q\1.") }, 1, "damaged" },
    { { PICKLE ("b.") }, 1, "damaged" },
    { { PICKLE ("X\xff\xff\xff\xffx.") }, 1, "damaged" },
    { { PICKLE ("\x8d\xff\xff\xff\xff\xff\xff\xff\xffx.") }, 1, "damaged" },
    { { PICKLE ("\x8b\xff\xff\xff\xff.") }, 1, "damaged" },
    { { PICKLE ("cos") }, 1, "damaged" },
    /* Archives that lie. */
    { { { "a/data.pkl", "xx", 2, 100000 } }, 1, "turns 2 bytes into 100000" },
    { { { "a/data.pkl", "xx", 2, 1000 } }, 1, "does not unpack" },
    { { PICKLE ("."), PICKLE (".") }, 2, "two of" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GBytes) zip = tess_test_zip (rows[i].members, rows[i].n);
      g_autoptr (GError) error = NULL;
      g_autoptr (TessTensorFile) file = NULL;

      if (rows[i].word != NULL)
        {
          assert_refused (zip, TESS_ERROR_MODEL, rows[i].word);
          continue;
        }
      file = parse (zip, &error);
      ck_no_error (error);
      ck_assert_uint_eq (file->names->len, 1);
    }
}
END_TEST

/* A dict that holds itself, and parts shared a million times over: read in
 * the time of one. */
START_TEST (test_knots)
{
  static const gchar self[] = "}q\1X\1\0\0\0wh\1s.";
  g_autoptr (GByteArray) many = g_byte_array_new ();
  g_autoptr (GBytes) zip = NULL, deep = NULL;

  zip = tess_test_zip ((TessTestMember[]) { PICKLE (self) }, 1);
  assert_refused (zip, TESS_ERROR_MODEL, "no tensors");
  for (gint i = 0; i < 3 << 20; i++)
    g_byte_array_append (many, (const guint8 *) "]", 1);
  deep = tess_test_zip (
      (TessTestMember[]) { { "a/data.pkl", many->data, many->len, 0 } }, 1);
  assert_refused (deep, TESS_ERROR_MODEL, "more than");
}
END_TEST

/* Dicts in dicts, each of them sixty-four times in the next: a billion. */
START_TEST (test_shared_dicts)
{
  g_autoptr (GByteArray) pickle = g_byte_array_new ();
  g_autoptr (GBytes) zip = NULL;

  for (guint8 level = 0; level < 5; level++)
    {
      const guint8 begin[] = { '}', 'q', level };
      const guint8 below[] = { level == 0 ? 'K' : 'h', level - (level > 0) };

      g_byte_array_append (pickle, begin, sizeof begin);
      for (guint8 k = 0; k < 64; k++)
        {
          const guint8 key[] = { 'X', 1, 0, 0, 0, '0' + k };

          g_byte_array_append (pickle, key, sizeof key);
          g_byte_array_append (pickle, below, sizeof below);
          g_byte_array_append (pickle, (const guint8 *) "s", 1);
        }
      g_byte_array_append (pickle, (const guint8 *) (level < 4 ? "0" : "."), 1);
    }
  zip = tess_test_zip (
      (TessTestMember[]) { { "a/data.pkl", pickle->data, pickle->len, 0 } }, 1);
  assert_refused (zip, TESS_ERROR_MODEL, "more than 65536 values");
}
END_TEST

Suite *
tess_test_suite (void)
{
  Suite *suite = suite_create ("pickle");
  TCase *tests = tcase_create ("pickle");

  tcase_add_loop_test (tests, test_lightning, 0, 2);
  tcase_add_test (tests, test_refused_files);
  tcase_add_loop_test (tests, test_damage, 0, 2);
  tcase_add_test (tests, test_pickles);
  tcase_add_test (tests, test_knots);
  tcase_add_test (tests, test_shared_dicts);
  suite_add_tcase (suite, tests);
  return suite;
}
