/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/core/prompt.c: brackets, weights and chunks; golden ids. The first
 * rows are the examples that AUTOMATIC1111's webui documents its parser by. */
#include "core/prompt.h"
#include "tests/harness.h"

#include <json-glib/json-glib.h>
#include <string.h>

static TessTokenizer *
open_small (void)
{
  g_autofree gchar *path = tess_test_data ("tokenizer");
  GError *error = NULL;
  TessTokenizer *tokenizer = tess_tokenizer_new (path, &error);

  ck_no_error (error);
  return tokenizer;
}

typedef struct
{
  const gchar *text; /* NULL: the row ends; "|": a new chunk starts */
  gdouble weight;
} Part;

typedef struct
{
  const gchar *prompt;
  Part parts[12];
} Row;

static const Row rows[] = {
  { "normal text", { { "normal text", 1.0 } } },
  { "an (important) word",
    { { "an ", 1.0 }, { "important", 1.1 }, { " word", 1.0 } } },
  { "(unbalanced", { { "unbalanced", 1.1 } } },
  { "\\(literal\\]", { { "(literal]", 1.0 } } },
  { "(unnecessary)(parens)", { { "unnecessaryparens", 1.1 } } },
  { "a (((house:1.3)) [on] a (hill:0.5), sun, (((sky))).",
    { { "a ", 1.0 },
      { "house", 1.3 * 1.1 * 1.1 },
      { " ", 1.1 },
      { "on", 1.0 },
      { " a ", 1.1 },
      { "hill", 0.55 },
      { ", sun, ", 1.1 },
      { "sky", 1.1 * 1.1 * 1.1 * 1.1 },
      { ".", 1.1 } } },
  { "", { { "", 1.0 } } },
  { "(lake:1.2)", { { "lake", 1.2 } } },
  { "(lake: 1.2 )", { { "lake", 1.2 } } },
  { "(lake:+.5)", { { "lake", 0.5 } } },
  { "(lake:-1)", { { "lake", -1.0 } } },
  { "(lake:0)", { { "lake", 0.0 } } },
  { "(lake:1.2.3)", { { "lake:1.2.3", 1.1 } } },
  { "(lake:..)", { { "lake:..", 1.1 } } },
  { "(lake:)", { { "lake:", 1.1 } } },
  { "(a:b:1.5)", { { "a:b", 1.5 } } },
  { "[lake]", { { "lake", 1 / 1.1 } } },
  { "[lake:1.5]", { { "lake:1.5", 1 / 1.1 } } },
  { "[[lake]", { { "lake", 1 / 1.1 / 1.1 } } },
  { "lake) of] snow:1.2)", { { "lake) of] snow:1.2)", 1.0 } } },
  { "()[](:1.3)lake", { { "lake", 1.0 } } },
  { "(lake:99999999999)", { { "lake", 100.0 } } },
  { "a\\b (c) \\\\ \\n",
    { { "a\\b ", 1.0 }, { "c", 1.1 }, { " \\ \\n", 1.0 } } },
  { "a\\b \\\\ c", { { "a\\b \\\\ c", 1.0 } } },
  { "lake BREAK snow", { { "lake", 1.0 }, { "|" }, { "snow", 1.0 } } },
  { "lake BREAKS XBREAK _BREAK break",
    { { "lake BREAKS XBREAK _BREAK break", 1.0 } } },
  { "(lake BREAK snow:1.5) ice",
    { { "lake", 1.5 }, { "|" }, { "snow", 1.5 }, { "ice", 1.0 } } },
  { "BREAK lake BREAK", { { "", 1.0 }, { "|" }, { "lake", 1.0 } } },
  { "lake,BREAK,snow", { { "lake,", 1.0 }, { "|" }, { ",snow", 1.0 } } },
};

START_TEST (brackets)
{
  const Row *row = &rows[_i];
  g_autoptr (TessTokenizer) tokenizer = open_small ();
  gint eos = tess_tokenizer_eos (tokenizer);
  TessPromptSettings settings = { .pad_id = eos };
  g_autoptr (TessPrompt) prompt
      = tess_prompt_parse (tokenizer, row->prompt, &settings);
  gint chunk = 0, n = 1;
  gboolean weighted = FALSE;

  ck_assert_int_eq (prompt->n_positions, 77);
  ck_assert_int_eq (prompt->ids[0], tess_tokenizer_bos (tokenizer));
  for (gint i = 0; row->parts[i].text; i++)
    {
      const Part *part = &row->parts[i];
      g_autoptr (GArray) ids = g_array_new (FALSE, FALSE, sizeof (gint32));

      if (*part->text == '|')
        {
          ck_assert_int_eq (prompt->ids[chunk * 77 + n], eos);
          chunk++;
          ck_assert_int_lt (chunk, prompt->n_chunks);
          n = 1;
          continue;
        }
      tess_tokenizer_encode (tokenizer, part->text, ids);
      for (guint k = 0; k < ids->len; k++, n++)
        {
          ck_assert_int_eq (prompt->ids[chunk * 77 + n],
                            g_array_index (ids, gint32, k));
          ck_assert_float_eq_tol (prompt->weights[chunk * 77 + n], part->weight,
                                  1e-6);
        }
      weighted |= ids->len > 0 && part->weight != 1.0;
    }
  ck_assert_int_eq (prompt->n_chunks, chunk + 1);
  for (; n < 77; n++)
    {
      ck_assert_int_eq (prompt->ids[chunk * 77 + n], eos);
      ck_assert_float_eq (prompt->weights[chunk * 77 + n], 1.0f);
    }
  ck_assert_int_eq (prompt->weighted, weighted);
}
END_TEST

/* @n times "lake", with a comma after the first @before of them. */
static TessPrompt *
long_prompt (TessTokenizer *tokenizer,
             gint n,
             gint before,
             const TessPromptSettings *settings)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (gint i = 0; i < n; i++)
    g_string_append (text, i + 1 == before ? "lake, " : "lake ");
  return tess_prompt_parse (tokenizer, text->str, settings);
}

static gint
chunk_length (const TessPrompt *prompt, gint chunk, gint32 eos)
{
  gint n = 0;

  while (prompt->ids[chunk * prompt->n_positions + 1 + n] != eos)
    n++;
  return n;
}

START_TEST (chunks)
{
  static const struct
  {
    gint n, before, lengths[3];
    gboolean truncate;
  } cases[] = {
    { 0, 0, { 0 } },
    { 75, 0, { 75 } },
    { 76, 0, { 75, 1 } },
    { 160, 0, { 75, 75, 10 } },
    { 160, 0, { 75 }, TRUE },
    { 80, 60, { 61, 20 } }, /* the comma is the 61st: 15 from the end */
    { 80, 55, { 56, 25 } }, /* 20 from the end: just in reach */
    { 80, 54, { 75, 6 } },  /* out of it */
    { 80, 74, { 75, 6 } },  /* the comma ends the chunk by itself */
    { 80, 75, { 75, 6 } },  /* the comma is the first of the next */
    { 75, 60, { 61, 15 } }, /* 76 tokens with the comma */
    { 80, 60, { 75 }, TRUE },
  };
  g_autoptr (TessTokenizer) tokenizer = open_small ();
  gint32 eos = tess_tokenizer_eos (tokenizer);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      TessPromptSettings settings
          = { .pad_id = 0, .truncate = cases[i].truncate };
      g_autoptr (TessPrompt) prompt
          = long_prompt (tokenizer, cases[i].n, cases[i].before, &settings);
      gint n_chunks = 1;

      while (n_chunks < 3 && cases[i].lengths[n_chunks] > 0)
        n_chunks++;
      ck_assert_int_eq (prompt->n_chunks, n_chunks);
      for (gint c = 0; c < n_chunks; c++)
        {
          gint length = chunk_length (prompt, c, eos);

          ck_assert_msg (length == cases[i].lengths[c],
                         "case %u: chunk %d has %d", i, c, length);
          for (gint k = 2 + length; k < 77; k++)
            ck_assert_int_eq (prompt->ids[c * 77 + k], 0);
        }
    }
}
END_TEST

START_TEST (other_settings)
{
  g_autoptr (TessTokenizer) tokenizer = open_small ();
  gint32 eos = tess_tokenizer_eos (tokenizer);
  TessPromptSettings literal = { .pad_id = eos, .literal = TRUE };
  TessPromptSettings more = { .n_positions = 3, .min_chunks = 4 };
  g_autoptr (TessPrompt) one
      = tess_prompt_parse (tokenizer, "(a:1.5) BREAK [b]", &literal);
  g_autoptr (TessPrompt) two = tess_prompt_parse (tokenizer, "a b", &more);
  TessPromptSettings cut = { .pad_id = eos, .truncate = TRUE };
  g_autoptr (TessPrompt) broken
      = tess_prompt_parse (tokenizer, "a BREAK b", &cut);
  g_autoptr (TessPrompt) none = tess_prompt_parse (tokenizer, NULL, NULL);
  g_autoptr (GArray) ids = g_array_new (FALSE, FALSE, sizeof (gint32));

  tess_tokenizer_encode (tokenizer, "(a:1.5) BREAK [b]", ids);
  ck_assert_int_eq (one->n_chunks, 1);
  ck_assert (!one->weighted);
  ck_assert_mem_eq (one->ids + 1, ids->data, ids->len * sizeof (gint32));

  ck_assert_int_eq (two->n_chunks, 4);
  for (gint c = 0; c < 4; c++)
    {
      ck_assert_int_eq (two->ids[3 * c], tess_tokenizer_bos (tokenizer));
      ck_assert_int_eq (two->ids[3 * c + (c < 2 ? 2 : 1)], eos);
    }

  ck_assert_int_eq (broken->n_chunks, 1); /* BREAK only parts words */
  ck_assert_int_eq (broken->ids[2], two->ids[4]);
  ck_assert_int_eq (broken->ids[3], eos);

  ck_assert_int_eq (none->n_chunks, 1);
  ck_assert_int_eq (none->ids[1], eos);
  ck_assert_int_eq (none->ids[76], eos);
}
END_TEST

/* The tokens of golden/sd: 14 prompts, truncated, padded. */
START_TEST (golden)
{
  g_autofree gchar *folder = tess_test_shared ("golden/sd/clip");
  g_autofree gchar *path = tess_test_data ("tokenizer/cases.json");
  g_autoptr (TessTokenizer) tokenizer = NULL;
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonArray *cases;
  GError *error = NULL;

  if (folder == NULL)
    tess_test_skip ("no ../shared/golden/sd/clip");
  tokenizer = tess_tokenizer_new (folder, &error);
  ck_no_error (error);
  ck_assert (json_parser_load_from_file (parser, path, NULL));
  cases = json_object_get_array_member (
      json_node_get_object (json_parser_get_root (parser)), "clip");

  for (guint i = 0; i < json_array_get_length (cases); i++)
    {
      JsonObject *c = json_array_get_object_element (cases, i);
      const gchar *text = json_object_get_string_member (c, "text");
      const gchar *pad = json_object_get_string_member (c, "pad");
      JsonArray *want = json_object_get_array_member (c, "ids");
      gint n = MIN ((gint) json_array_get_length (want), 75);
      TessPromptSettings settings = {
        .pad_id = *pad == '!' ? 0 : 49407,
        .truncate = TRUE,
        .literal = strpbrk (text, "()[]") != NULL,
      };
      g_autoptr (TessPrompt) prompt
          = tess_prompt_parse (tokenizer, text, &settings);

      ck_assert_int_eq (prompt->n_chunks, 1);
      ck_assert (!prompt->weighted);
      ck_assert_int_eq (prompt->ids[0], 49406);
      for (gint k = 0; k < n; k++)
        ck_assert_int_eq (prompt->ids[k + 1],
                          json_array_get_int_element (want, k));
      ck_assert_int_eq (prompt->ids[n + 1], 49407);
      for (gint k = n + 2; k < 77; k++)
        ck_assert_int_eq (prompt->ids[k], settings.pad_id);
    }
}
END_TEST

/* Nothing but brackets, many of them, and texts cut anywhere. */
START_TEST (odd_texts)
{
  static const gchar *const pieces[]
      = { "(",    ")", "[",    "]", ":", "\\",    "1.2",          "BREAK",
          "lake", ",", "\xc3", "é", " ", ":1.5)", "<|endoftext|>" };
  g_autoptr (TessTokenizer) tokenizer = open_small ();
  g_autoptr (GRand) rand = g_rand_new_with_seed (3);

  for (gint round = 0; round < 3000; round++)
    {
      g_autoptr (GString) text = g_string_new (NULL);
      g_autoptr (TessPrompt) prompt = NULL;
      gint n = round == 0 ? 20000 : g_rand_int_range (rand, 0, 30);

      for (gint i = 0; i < n; i++)
        g_string_append (
            text,
            round == 0
                ? "(a"
                : pieces[g_rand_int_range (rand, 0, G_N_ELEMENTS (pieces))]);
      prompt = tess_prompt_parse (tokenizer, text->str, NULL);
      ck_assert_int_ge (prompt->n_chunks, 1);
      for (gint i = 0; i < prompt->n_chunks * 77; i++)
        {
          ck_assert_int_ge (prompt->ids[i], 0);
          ck_assert (prompt->weights[i] >= -100.0f
                     && prompt->weights[i] <= 100.0f);
        }
    }
}
END_TEST

Suite *
tess_test_suite (void)
{
  Suite *suite = suite_create ("prompt");
  TCase *tcase = tcase_create ("prompt");

  tcase_add_loop_test (tcase, brackets, 0, G_N_ELEMENTS (rows));
  tcase_add_test (tcase, chunks);
  tcase_add_test (tcase, other_settings);
  tcase_add_test (tcase, golden);
  tcase_add_test (tcase, odd_texts);
  suite_add_tcase (suite, tcase);
  return suite;
}
