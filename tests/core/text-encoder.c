/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/core/text-encoder.c: against the reference, and prompts of several
 * chunks with weighted words. */
#include "core/error.h"
#include "core/model-synthetic.h"
#include "core/text-encoder.h"
#include "tests/harness.h"

#include <string.h>

#define WIDTH 16
#define POSITIONS 7
#define N_WORDS 30

typedef struct
{
  TessBackend *backend;
  TessModel *model;
  TessTextEncoder *encoder;
} Small;

static void
small_init (Small *small, gint clip_skip)
{
  TessModelConfig config;
  g_autoptr (GError) error = NULL;

  ck_assert (tess_synthetic_config ("tiny15", &config, NULL));
  config.text = (TessTextConfig) { .width = WIDTH,
                                   .n_layers = 3,
                                   .n_heads = 2,
                                   .mlp_width = 24,
                                   .n_tokens = N_WORDS,
                                   .n_positions = POSITIONS,
                                   .act = TESS_ACT_QUICK_GELU,
                                   .norm_eps = 1e-5f,
                                   .bos_id = 28,
                                   .eos_id = 29,
                                   .pad_id = 29,
                                   .clip_skip = clip_skip };
  small->backend = tess_backend_plain_new ();
  small->model = tess_model_new_random (&config, "small", &error);
  ck_no_error (error);
  small->encoder = tess_text_encoder_new (small->model, small->backend, &error);
  ck_no_error (error);
}

static void
small_finish (Small *small)
{
  tess_text_encoder_free (small->encoder);
  tess_model_unref (small->model);
  tess_backend_unref (small->backend);
}

static const gint32 words[2 * POSITIONS]
    = { 28, 3, 9, 4, 29, 29, 29, 28, 5, 1, 2, 7, 8, 29 };

/* The two chunks as one prompt; @weights may be NULL: 1. */
static TessTensor *
encode (Small *small, const gfloat *weights, gint clip_skip)
{
  gint32 ids[2 * POSITIONS];
  gfloat ones[2 * POSITIONS];
  TessPrompt prompt = { .n_chunks = 2,
                        .n_positions = POSITIONS,
                        .ids = ids,
                        .weights = ones,
                        .weighted = weights != NULL };
  g_autoptr (GError) error = NULL;
  TessTensor *context;

  memcpy (ids, words, sizeof ids);
  for (gint i = 0; i < 2 * POSITIONS; i++)
    ones[i] = weights != NULL ? weights[i] : 1.0f;
  context = tess_text_encode (small->encoder, &prompt, clip_skip, &error);
  ck_no_error (error);
  return context;
}

static void
run (Small *small,
     TessTensor **last,
     TessTensor **penultimate,
     TessTensor **pooled)
{
  g_autoptr (TessTensor) ids = tess_tensor_new_wrapped (
      TESS_I32, 2, (gint64[]) { 2, POSITIONS }, words, NULL, NULL);
  g_autoptr (GError) error = NULL;

  tess_text_encoder_run (small->encoder, ids, last, penultimate, pooled,
                         &error);
  ck_no_error (error);
}

START_TEST (chunks_are_joined)
{
  Small small;
  g_autoptr (TessTensor) last = NULL;
  g_autoptr (TessTensor) context = NULL;

  small_init (&small, 0);
  run (&small, &last, NULL, NULL);
  context = encode (&small, NULL, 0);
  ck_assert_int_eq (context->dims[0], 1);
  ck_assert_int_eq (context->dims[1], 2 * POSITIONS);
  ck_assert_int_eq (context->dims[2], WIDTH);
  ck_assert (memcmp (context->data, last->data, last->n_bytes) == 0);
  small_finish (&small);
}
END_TEST

/* A word changes what follows it, and nothing before. */
START_TEST (words_do_not_look_ahead)
{
  Small small;
  g_autoptr (TessTensor) before = NULL;

  small_init (&small, 0);
  run (&small, &before, NULL, NULL);
  for (gint at = 1; at < POSITIONS; at++)
    {
      gint32 changed[2 * POSITIONS];
      g_autoptr (TessTensor) ids = tess_tensor_new_wrapped (
          TESS_I32, 2, (gint64[]) { 2, POSITIONS }, changed, NULL, NULL);
      g_autoptr (TessTensor) after = NULL;
      g_autoptr (GError) error = NULL;
      const gfloat *a = before->data, *b;

      memcpy (changed, words, sizeof changed);
      changed[at] = 17;
      tess_text_encoder_run (small.encoder, ids, &after, NULL, NULL, &error);
      ck_no_error (error);
      b = after->data;
      ck_assert_mem_eq (a, b, at * WIDTH * sizeof *a);
      for (gint i = at; i < POSITIONS; i++)
        ck_assert_double_gt (
            tess_test_error (a + i * WIDTH, b + i * WIDTH, WIDTH), 1e-4);
      /* nor in the other chunk */
      ck_assert_mem_eq (a + POSITIONS * WIDTH, b + POSITIONS * WIDTH,
                        POSITIONS * WIDTH * sizeof *a);
    }
  small_finish (&small);
}
END_TEST

START_TEST (pooled_is_at_the_first_end)
{
  Small small;
  g_autoptr (TessTensor) last = NULL;
  g_autoptr (TessTensor) pooled = NULL;
  const gfloat *states, *ends;

  small_init (&small, 0);
  run (&small, &last, NULL, &pooled);
  states = last->data;
  ends = pooled->data;
  ck_assert (memcmp (ends, states + 4 * WIDTH, WIDTH * sizeof *ends) == 0);
  ck_assert (memcmp (ends + WIDTH, states + 13 * WIDTH, WIDTH * sizeof *ends)
             == 0);
  small_finish (&small);
}
END_TEST

/* Skipping is counted from 1 by people and from 0 by configurations. */
START_TEST (layers_are_skipped)
{
  Small small, skipping;
  g_autoptr (TessTensor) all = NULL;
  g_autoptr (TessTensor) one = NULL;
  g_autoptr (TessTensor) same = NULL;
  g_autoptr (TessTensor) too_many = NULL;
  TessPrompt prompt
      = { .n_chunks = 1, .n_positions = POSITIONS, .ids = (gint32 *) words };
  g_autoptr (GError) error = NULL;

  small_init (&small, 0);
  small_init (&skipping, 1);
  all = encode (&small, NULL, 1);
  one = encode (&small, NULL, 2);
  same = encode (&skipping, NULL, 0);
  ck_assert_double_gt (tess_test_error (one->data, all->data, 14 * WIDTH),
                       1e-3);
  ck_assert (memcmp (one->data, same->data, one->n_bytes) == 0);
  too_many = tess_text_encode (small.encoder, &prompt, 4, &error);
  ck_assert (too_many == NULL);
  ck_assert (g_error_matches (error, TESS_ERROR, TESS_ERROR_REQUEST));
  small_finish (&small);
  small_finish (&skipping);
}
END_TEST

static gdouble
mean_of (const TessTensor *tensor)
{
  gdouble sum = 0.0;
  gsize n = tess_tensor_n_elements (tensor);

  for (gsize i = 0; i < n; i++)
    sum += ((const gfloat *) tensor->data)[i];
  return sum / n;
}

START_TEST (weights_keep_the_mean)
{
  Small small;
  gfloat weights[2 * POSITIONS];
  g_autoptr (TessTensor) before = NULL;
  g_autoptr (TessTensor) after = NULL;
  const gfloat *a, *b;
  gdouble ratio;

  for (gint i = 0; i < 2 * POSITIONS; i++)
    weights[i] = i == 2 ? 1.5f : 1.0f;
  small_init (&small, 0);
  before = encode (&small, NULL, 0);
  after = encode (&small, weights, 0);
  ck_assert_double_eq_tol (mean_of (before), mean_of (after), 1e-6);
  a = before->data;
  b = after->data;
  /* The weighted word is 1.5 times as strong beside the others. */
  ratio = (b[2 * WIDTH] / a[2 * WIDTH]) / (b[WIDTH] / a[WIDTH]);
  ck_assert_double_eq_tol (ratio, 1.5, 1e-4);
  small_finish (&small);
}
END_TEST

START_TEST (strange_words_are_refused)
{
  Small small;
  gint32 ids[POSITIONS] = { 28, N_WORDS, 29, 29, 29, 29, 29 };
  TessPrompt prompt = { .n_chunks = 1, .n_positions = POSITIONS, .ids = ids };
  g_autoptr (GError) error = NULL;

  small_init (&small, 0);
  ck_assert (tess_text_encode (small.encoder, &prompt, 0, &error) == NULL);
  ck_assert (g_error_matches (error, TESS_ERROR, TESS_ERROR_MODEL));
  g_clear_error (&error);
  prompt.n_positions = POSITIONS - 1;
  ck_assert (tess_text_encode (small.encoder, &prompt, 0, &error) == NULL);
  ck_assert (g_error_matches (error, TESS_ERROR, TESS_ERROR_SHAPE));
  small_finish (&small);
}
END_TEST

static void
check_reference (const gchar *folder)
{
  static const gchar *const names[]
      = { "text.last_hidden_state", "text.penultimate", "text.pooled" };
  g_autofree gchar *path = tess_test_shared (folder);
  g_autofree gchar *tensors = NULL;
  g_autoptr (TessTensorFile) file = NULL;
  g_autoptr (TessModel) model = NULL;
  g_autoptr (TessBackend) backend = tess_backend_plain_new ();
  g_autoptr (TessTextEncoder) encoder = NULL;
  g_autoptr (GError) error = NULL;
  TessTensor *states[3];

  if (path == NULL)
    tess_test_skip ("the reference's results are not beside the checkout");
  tensors = g_build_filename (path, "golden.safetensors", NULL);
  file = tess_tensor_file_open (tensors, &error);
  ck_no_error (error);
  model = tess_model_open (path, &error);
  ck_no_error (error);
  encoder = tess_text_encoder_new (model, backend, &error);
  ck_no_error (error);
  tess_text_encoder_run (encoder, tess_tensor_file_get (file, "tokens"),
                         &states[0], &states[1], &states[2], &error);
  ck_no_error (error);
  for (gint i = 0; i < 3; i++)
    {
      const TessTensor *expected = tess_tensor_file_get (file, names[i]);

      ck_assert (tess_tensor_same_shape (expected, states[i]));
      ck_assert_double_le (tess_test_error (states[i]->data, expected->data,
                                            tess_tensor_n_elements (expected)),
                           2e-5);
      tess_tensor_unref (states[i]);
    }
}

START_TEST (agrees_with_the_reference)
{
  check_reference ("golden/sd/tiny-sd15");
  check_reference ("golden/sd/tiny-sd21v");
}
END_TEST

Suite *
tess_test_suite (void)
{
  Suite *suite = suite_create ("text encoder");

  tess_test_add (suite, "chunks are joined", chunks_are_joined);
  tess_test_add (suite, "words do not look ahead", words_do_not_look_ahead);
  tess_test_add (suite, "pooled is at the first end",
                 pooled_is_at_the_first_end);
  tess_test_add (suite, "layers are skipped", layers_are_skipped);
  tess_test_add (suite, "weights keep the mean", weights_keep_the_mean);
  tess_test_add (suite, "strange words are refused", strange_words_are_refused);
  tess_test_add (suite, "agrees with the reference", agrees_with_the_reference);
  return suite;
}
