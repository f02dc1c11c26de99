/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/core/tokenizer.c: ids agree with CLIPTokenizer of transformers;
 * broken files are told apart. data/tokenizer/cases.json says its origin. */
#include "core/error.h"
#include "core/tokenizer.h"
#include "tests/harness.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <string.h>

static JsonParser *
load_cases (void)
{
  g_autofree gchar *path = tess_test_data ("tokenizer/cases.json");
  JsonParser *parser = json_parser_new ();
  GError *error = NULL;

  json_parser_load_from_file (parser, path, &error);
  ck_no_error (error);
  return parser;
}

static gint
run_cases (TessTokenizer *tokenizer, const gchar *group)
{
  g_autoptr (JsonParser) parser = load_cases ();
  JsonObject *root = json_node_get_object (json_parser_get_root (parser));
  JsonArray *cases = json_object_get_array_member (root, group);

  for (guint i = 0; i < json_array_get_length (cases); i++)
    {
      JsonObject *c = json_array_get_object_element (cases, i);
      const gchar *text = json_object_get_string_member (c, "text");
      const gchar *pad = json_object_get_string_member (c, "pad");
      JsonArray *want = json_object_get_array_member (c, "ids");
      g_autoptr (GArray) ids = g_array_new (FALSE, FALSE, sizeof (gint32));
      gint pad_id = *pad == '!' ? 0 : tess_tokenizer_eos (tokenizer);

      if (*pad == '!')
        tess_tokenizer_encode_padded (tokenizer, text, pad_id, ids);
      else
        tess_tokenizer_encode (tokenizer, text, ids);
      ck_assert_msg (ids->len == json_array_get_length (want),
                     "\"%s\": %u ids, not %u", text, ids->len,
                     json_array_get_length (want));
      for (guint k = 0; k < ids->len; k++)
        ck_assert_msg (g_array_index (ids, gint32, k)
                           == json_array_get_int_element (want, k),
                       "\"%s\": id %u is %d", text, k,
                       g_array_index (ids, gint32, k));
    }
  return (gint) json_array_get_length (cases);
}

static TessTokenizer *
open_small (void)
{
  g_autofree gchar *path = tess_test_data ("tokenizer");
  GError *error = NULL;
  TessTokenizer *tokenizer = tess_tokenizer_new (path, &error);

  ck_no_error (error);
  return tokenizer;
}

START_TEST (small_vocabulary)
{
  g_autoptr (TessTokenizer) tokenizer = open_small ();

  ck_assert_int_ge (run_cases (tokenizer, "small"), 40);
}
END_TEST

START_TEST (clip_vocabulary)
{
  g_autofree gchar *folder = tess_test_shared ("golden/sd/clip");
  g_autofree gchar *merges = NULL, *temp = NULL, *copy = NULL;
  g_autofree gchar *text = NULL, *path = NULL;
  g_autoptr (TessTokenizer) listed = NULL, counted = NULL;
  GError *error = NULL;
  gsize length;

  if (folder == NULL)
    tess_test_skip ("no ../shared/golden/sd/clip");
  listed = tess_tokenizer_new (folder, &error);
  ck_no_error (error);
  ck_assert_int_eq (tess_tokenizer_n_tokens (listed), 49408);
  ck_assert_int_eq (tess_tokenizer_bos (listed), 49406);
  ck_assert_int_eq (tess_tokenizer_eos (listed), 49407);
  ck_assert_int_ge (run_cases (listed, "clip"), 40);

  /* Without vocab.json, from CLIP's longer list, the ids are the same. */
  merges = g_build_filename (folder, "merges.txt", NULL);
  ck_assert (g_file_get_contents (merges, &text, &length, NULL));
  temp = g_dir_make_tmp (NULL, NULL);
  path = g_build_filename (temp, "bpe_simple_vocab_16e6.txt", NULL);
  copy = g_strdup_printf ("\"bpe_simple_vocab_16e6.txt%sx y\nx z\n", text);
  ck_assert (g_file_set_contents (path, copy, -1, NULL));
  counted = tess_tokenizer_new (temp, &error);
  ck_no_error (error);
  ck_assert_int_eq (tess_tokenizer_n_tokens (counted), 49408);
  ck_assert_int_ge (run_cases (counted, "clip"), 40);
  g_unlink (path);
  g_rmdir (temp);
}
END_TEST

START_TEST (not_utf8)
{
  g_autoptr (TessTokenizer) tokenizer = open_small ();
  g_autoptr (GArray) a = g_array_new (FALSE, FALSE, sizeof (gint32));
  g_autoptr (GArray) b = g_array_new (FALSE, FALSE, sizeof (gint32));

  tess_tokenizer_encode (tokenizer, "lake \xff\xc3 snow", a);
  tess_tokenizer_encode (tokenizer, "lake \xef\xbf\xbd\xef\xbf\xbd snow", b);
  ck_assert_int_eq (a->len, b->len);
  ck_assert_mem_eq (a->data, b->data, a->len * sizeof (gint32));
}
END_TEST

/* A word of a million letters: no quadratic time, no deep recursion. */
START_TEST (long_word)
{
  g_autoptr (TessTokenizer) tokenizer = open_small ();
  g_autoptr (GArray) ids = g_array_new (FALSE, FALSE, sizeof (gint32));
  g_autofree gchar *text = g_malloc (1000001);
  gint64 start = g_get_monotonic_time ();

  for (gint i = 0; i < 1000000; i++)
    text[i] = "mountain"[i % 8];
  text[1000000] = '\0';
  tess_tokenizer_encode (tokenizer, text, ids);
  ck_assert_int_gt (ids->len, 100000);
  ck_assert_int_lt (g_get_monotonic_time () - start, 20 * G_USEC_PER_SEC);
}
END_TEST

typedef struct
{
  const gchar *name;
  const gchar *content;
  gssize length;
  const gchar *vocab; /* vocab.json beside it, may be NULL */
  const gchar *says;  /* in the message, NULL: is good */
} File;

static const File files[] = {
  { "merges.txt", "#version: 0.2\na b\nab c</w>\n", -1, NULL, NULL },
  { "merges.txt", "a b\r\nab c</w>\r\n\r\n", -1, NULL, NULL },
  { "merges.txt", "", 0, NULL, NULL },
  { "merges.txt", "a b\na b\n", -1, NULL, NULL },
  { "merges.txt", "a b\nabc\n", -1, NULL, "line 2 is not" },
  { "merges.txt", "a b c\n", -1, NULL, "line 1 is not" },
  { "merges.txt", " b\n", -1, NULL, "line 1 is not" },
  { "merges.txt", "a \n", -1, NULL, "line 1 is not" },
  { "merges.txt", "a b\nxyz b\n", -1, NULL, "\"xyz\"" },
  { "merges.txt", "a \xff\n", -1, NULL, "UTF-8" },
  { "merges.txt", "a b\n\0\n", 6, NULL, "UTF-8" },
  { "merges.txt.gz", "not packed", -1, NULL, "merges.txt.gz" },
  { "merges.txt", "a b\n", -1, "[]", "JSON object" },
  { "merges.txt", "a b\n", -1, "{\"a\": 0", "JSON object" },
  { "merges.txt", "a b\n", -1, "{\"a\": -1}", "\"a\"" },
  { "merges.txt", "a b\n", -1, "{\"a\": 99999999999}", "\"a\"" },
  { "merges.txt", "a b\n", -1, "{\"a\": \"0\"}", "\"a\"" },
  { "merges.txt", "a b\n", -1, "{\"a\": {}}", "\"a\"" },
  { "merges.txt", "a b\n", -1, "{\"a\": 0}", "<|startoftext|>" },
  { "merges.txt", "a b\n", -1,
    "{\"a\": 0, \"<|startoftext|>\": 1, \"<|endoftext|>\": 2}", "\"b\"" },
  { "merges.txt", "a b\n", -1,
    "{\"a\": 5, \"b\": 3, \"ab\": 4, \"<|startoftext|>\": 1, "
    "\"<|endoftext|>\": 2}",
    NULL },
  { "tokenizer.json", "{}", -1, NULL, "model.vocab" },
  { "tokenizer.json", "{\"model\": {\"vocab\": 1, \"merges\": []}}", -1, NULL,
    "model.vocab" },
  { "tokenizer.json",
    "{\"model\": {\"vocab\": {\"<|startoftext|>\": 1, \"<|endoftext|>\": 2},"
    " \"merges\": [[\"a\", {}]]}}",
    -1, NULL, "entry 1" },
  { "tokenizer.json",
    "{\"model\": {\"vocab\": {\"<|startoftext|>\": 1, \"<|endoftext|>\": 2},"
    " \"merges\": [3]}}",
    -1, NULL, "entry 1" },
  { "tokenizer.json",
    "{\"model\": {\"vocab\": {\"<|startoftext|>\": 1, \"<|endoftext|>\": 2,"
    " \"a\": 3, \"b\": 4, \"ab\": 5}, \"merges\": [\"a b\", [\"a\", \"b\"]]}}",
    -1, NULL, NULL },
  { "other.txt", "a b\n", -1, NULL, "put CLIP's merges.txt there" },
};

START_TEST (broken_files)
{
  const File *file = &files[_i];
  g_autofree gchar *folder = g_dir_make_tmp (NULL, NULL);
  g_autofree gchar *path = g_build_filename (folder, file->name, NULL);
  g_autofree gchar *list = g_build_filename (folder, "vocab.json", NULL);
  g_autoptr (TessTokenizer) tokenizer = NULL;
  g_autoptr (GError) error = NULL;

  ck_assert (g_file_set_contents (path, file->content, file->length, NULL));
  if (file->vocab)
    ck_assert (g_file_set_contents (list, file->vocab, -1, NULL));
  tokenizer = tess_tokenizer_new (folder, &error);
  g_unlink (path);
  g_unlink (list);
  g_rmdir (folder);

  if (file->says == NULL)
    {
      g_autoptr (GArray) ids = g_array_new (FALSE, FALSE, sizeof (gint32));

      ck_no_error (error);
      tess_tokenizer_encode (tokenizer, "abc d", ids);
      ck_assert_int_ge (ids->len, 2);
      return;
    }
  ck_assert_ptr_null (tokenizer);
  ck_assert_ptr_nonnull (error);
  ck_assert_msg (strstr (error->message, file->says) != NULL, "%s",
                 error->message);
  ck_assert_msg (strstr (error->message, folder) != NULL, "%s", error->message);
}
END_TEST

START_TEST (no_file)
{
  g_autoptr (GError) error = NULL;

  ck_assert_ptr_null (tess_tokenizer_new ("/nonexistent/merges.txt", &error));
  ck_assert (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND));
}
END_TEST

Suite *
tess_test_suite (void)
{
  Suite *suite = suite_create ("tokenizer");
  TCase *tcase = tcase_create ("tokenizer");

  tcase_add_test (tcase, small_vocabulary);
  tcase_add_test (tcase, clip_vocabulary);
  tcase_add_test (tcase, not_utf8);
  tcase_add_test (tcase, long_word);
  tcase_add_loop_test (tcase, broken_files, 0, G_N_ELEMENTS (files));
  tcase_add_test (tcase, no_file);
  suite_add_tcase (suite, tcase);
  return suite;
}
