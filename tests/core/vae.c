/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/core/vae.c: the autoencoder against the reference, and tiles against
 * the whole: spec/tiling.md section 8.2, test 5. Pictures have a bright and a
 * dark half, where a variance pooled without the variance of means fails. */
#include "core/error.h"
#include "core/model-synthetic.h"
#include "core/vae-plan.h"
#include "core/vae.h"
#include "tests/harness.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define FACTOR 4 /* pixels per latent cell of the small model */
#define KIB 1024

typedef struct
{
  TessBackend *backend;
  TessModel *model;
  TessVae *vae;
} Small;

static void
small_init (Small *small)
{
  TessModelConfig config;
  g_autoptr (GError) error = NULL;

  ck_assert (tess_synthetic_config ("tiny15", &config, NULL));
  config.vae = (TessVaeConfig) { .image_channels = 3,
                                 .latent_channels = 4,
                                 .n_levels = 3,
                                 .channels = { 8, 16, 24 },
                                 .layers_per_block = 1,
                                 .norm_groups = 4,
                                 .mid_attention = TRUE,
                                 .quant_conv = TRUE,
                                 .post_quant_conv = TRUE,
                                 .scaling_factor = 0.18215f };
  small->backend = tess_backend_plain_new ();
  small->model = tess_model_new_random (&config, "small", &error);
  ck_no_error (error);
  small->vae = tess_vae_new (small->model, small->backend, &error);
  ck_no_error (error);
}

static void
small_finish (Small *small)
{
  tess_vae_free (small->vae);
  tess_model_unref (small->model);
  tess_backend_unref (small->backend);
}

/* Noise whose left half is bright, even and lifted, its right half dark and
 * rough. */
static TessTensor *
two_halves (gint channels, gint h, gint w)
{
  TessTensor *x = tess_tensor_new_nchw (1, channels, h, w, NULL);
  gfloat *values = tess_tensor_f32 (x);
  gsize n = tess_tensor_n_elements (x);

  tess_formula_values ("two halves", 0.0, 1.0, 0, n, values);
  for (gsize i = 0; i < n; i++)
    values[i] = (gint) (i % w) < w / 2 ? 0.8f + 0.1f * values[i]
                                       : -0.6f + 0.4f * values[i];
  return x;
}

/* The canvas moved by (dy, dx) round its edges. */
static TessTensor *
roll (const TessTensor *x, gint dy, gint dx)
{
  gint h = (gint) x->dims[2], w = (gint) x->dims[3];
  TessTensor *y = tess_tensor_new (TESS_F32, 4, x->dims, NULL);
  const gfloat *src = x->data;

  for (gint c = 0; c < x->dims[1]; c++)
    for (gint i = 0; i < h; i++)
      for (gint j = 0; j < w; j++)
        tess_tensor_f32 (
            y)[((gsize) c * h + (i + dy + h) % h) * w + (j + dx + w) % w]
            = src[((gsize) c * h + i) * w + j];
  return y;
}

typedef struct
{
  TessTensor *canvas;
  guint8 *seen; /* how often each cell of a plane was given */
  gint n_parts;
  GCancellable *cancel; /* after the first part */
} Sheet;

static gboolean
keep (gint x,
      gint y,
      gint w,
      gint h,
      const gfloat *planes,
      gpointer data,
      GError **error)
{
  Sheet *sheet = data;
  TessTensor *canvas = sheet->canvas;

  for (gint c = 0; c < canvas->dims[1]; c++)
    for (gint i = 0; i < h; i++, planes += w)
      {
        gsize at = (gsize) (y + i) * canvas->dims[3] + x;

        memcpy (tess_tensor_f32 (canvas)
                    + (gsize) c * canvas->dims[2] * canvas->dims[3] + at,
                planes, w * sizeof *planes);
        for (gint j = 0; c == 0 && j < w; j++)
          sheet->seen[at + j]++;
      }
  sheet->n_parts++;
  if (sheet->cancel != NULL)
    g_cancellable_cancel (sheet->cancel);
  return TRUE;
}

static TessTensor *
decode (Small *small, const TessTensor *latent, TessVaeSettings settings)
{
  gint h = FACTOR * (gint) latent->dims[2], w = FACTOR * (gint) latent->dims[3];
  g_autofree guint8 *seen = g_new0 (guint8, (gsize) h * w);
  Sheet sheet = { tess_tensor_new_nchw (1, 3, h, w, NULL), seen, 0, NULL };
  g_autoptr (GError) error = NULL;

  tess_vae_decode (small->vae, latent, &settings, keep, &sheet, &error);
  ck_no_error (error);
  for (gint i = 0; i < h * w; i++)
    ck_assert_int_eq (seen[i], 1);
  return sheet.canvas;
}

static gboolean
give (gint x,
      gint y,
      gint w,
      gint h,
      gfloat *planes,
      gpointer data,
      GError **error)
{
  const TessTensor *canvas = data;

  for (gint c = 0; c < canvas->dims[1]; c++)
    for (gint i = 0; i < h; i++, planes += w)
      tess_tensor_read_f32 (
          canvas, ((gsize) c * canvas->dims[2] + y + i) * canvas->dims[3] + x,
          w, planes);
  return TRUE;
}

static TessTensor *
encode (Small *small, TessTensor *pixels, TessVaeSettings settings)
{
  TessTensor *mean = NULL;
  g_autoptr (TessTensor) logvar = NULL;
  g_autoptr (GError) error = NULL;

  tess_vae_encode (small->vae, (gint) pixels->dims[3], (gint) pixels->dims[2],
                   give, pixels, &settings, &mean, &logvar, &error);
  ck_no_error (error);
  return mean;
}

/* max |a - b|, the numbers being of about -1..1 */
static gdouble
largest (const TessTensor *a, const TessTensor *b)
{
  const gfloat *x = a->data, *y = b->data;
  gdouble worst = 0.0;

  for (gsize i = 0; i < tess_tensor_n_elements (a); i++)
    {
      ck_assert (isfinite (x[i]));
      worst = fmax (worst, fabs ((gdouble) x[i] - y[i]));
    }
  return worst;
}

static gdouble
average (const TessTensor *a, const TessTensor *b)
{
  const gfloat *x = a->data, *y = b->data;
  gdouble sum = 0.0;
  gsize n = tess_tensor_n_elements (a);

  for (gsize i = 0; i < n; i++)
    sum += fabs ((gdouble) x[i] - y[i]);
  return sum / n;
}

/* Each tile size with memory for every state, for the small ones only, and
 * for none but those of the attention. */
static const gsize kept[] = { 0, 160 * KIB, 98 * KIB };

START_TEST (decoded_tiles_are_the_whole)
{
  static const gint tiles[] = { 15, 6 };
  Small small;
  g_autoptr (TessTensor) latent = two_halves (4, 11, 23);
  g_autoptr (TessTensor) whole = NULL;

  small_init (&small);
  whole = decode (&small, latent, (TessVaeSettings) { .tile = 64 });
  for (gsize k = 0; k < G_N_ELEMENTS (kept); k++)
    for (gsize i = 0; i < G_N_ELEMENTS (tiles); i++)
      {
        TessVaeSettings settings = { .mode = TESS_VAE_EXACT, .tile = tiles[i] };
        g_autoptr (TessTensor) tiled = NULL;

        tess_vae_set_limits (small.vae, 0, kept[k]);
        tiled = decode (&small, latent, settings);
        printf ("# decoder, tile %d, %zu KiB kept: %.2g\n", tiles[i],
                kept[k] / KIB, largest (tiled, whole));
        ck_assert_double_le (largest (tiled, whole), 1e-4);
      }
  small_finish (&small);
}
END_TEST

START_TEST (encoded_tiles_are_the_whole)
{
  static const gint tiles[] = { 12, 6 };
  Small small;
  g_autoptr (TessTensor) pixels = two_halves (3, 11 * FACTOR, 23 * FACTOR);
  g_autoptr (TessTensor) whole = NULL;

  small_init (&small);
  whole = encode (&small, pixels, (TessVaeSettings) { .tile = 64 });
  for (gsize k = 0; k < G_N_ELEMENTS (kept); k++)
    for (gsize i = 0; i < G_N_ELEMENTS (tiles); i++)
      {
        TessVaeSettings settings = { .mode = TESS_VAE_EXACT, .tile = tiles[i] };
        g_autoptr (TessTensor) tiled = NULL;

        tess_vae_set_limits (small.vae, 0, kept[k]);
        tiled = encode (&small, pixels, settings);
        printf ("# encoder, tile %d, %zu KiB kept: %.2g\n", tiles[i],
                kept[k] / KIB, largest (tiled, whole));
        ck_assert_double_le (largest (tiled, whole), 1e-4);
      }
  small_finish (&small);
}
END_TEST

/* decode (roll (z)) = roll (decode (z)), whole and by tiles. */
START_TEST (a_ring_has_no_seam)
{
  static const gint tiles[] = { 64, 9 };
  Small small;
  g_autoptr (TessTensor) latent = two_halves (4, 13, 20);
  g_autoptr (TessTensor) rolled = roll (latent, 4, 7);
  g_autoptr (TessTensor) first = NULL;

  small_init (&small);
  for (gsize i = 0; i < G_N_ELEMENTS (tiles); i++)
    {
      TessVaeSettings settings = {
        .mode = TESS_VAE_EXACT, .tile = tiles[i], .wrap_x = TRUE, .wrap_y = TRUE
      };
      g_autoptr (TessTensor) a = decode (&small, latent, settings);
      g_autoptr (TessTensor) b = decode (&small, rolled, settings);
      g_autoptr (TessTensor) c = roll (a, 4 * FACTOR, 7 * FACTOR);

      printf ("# decoder, ring, tile %d: %.2g\n", tiles[i], largest (b, c));
      ck_assert_double_le (largest (b, c), 1e-4);
      if (first == NULL)
        first = tess_tensor_ref (a);
      ck_assert_double_le (largest (a, first), 1e-4);
    }
  small_finish (&small);
}
END_TEST

START_TEST (an_encoded_ring_has_no_seam)
{
  static const gint tiles[] = { 64, 9 };
  Small small;
  g_autoptr (TessTensor) pixels = two_halves (3, 13 * FACTOR, 20 * FACTOR);
  g_autoptr (TessTensor) rolled = roll (pixels, 0, 7 * FACTOR);

  small_init (&small);
  for (gsize i = 0; i < G_N_ELEMENTS (tiles); i++)
    {
      TessVaeSettings settings
          = { .mode = TESS_VAE_EXACT, .tile = tiles[i], .wrap_x = TRUE };
      g_autoptr (TessTensor) a = encode (&small, pixels, settings);
      g_autoptr (TessTensor) b = encode (&small, rolled, settings);
      g_autoptr (TessTensor) c = roll (a, 0, 7);

      printf ("# encoder, ring, tile %d: %.2g\n", tiles[i], largest (b, c));
      ck_assert_double_le (largest (b, c), 1e-4);
    }
  small_finish (&small);
}
END_TEST

/* Random weights on rough noise are far from what an estimate is for (a real
 * decoder stays within 1.5/255): here it must only be of the right kind. */
START_TEST (an_estimate_is_near)
{
  Small small;
  g_autoptr (TessTensor) latent = two_halves (4, 64, 96);
  g_autoptr (TessTensor) whole = NULL;
  g_autoptr (TessTensor) tiled = NULL;
  g_autoptr (TessTensor) zero
      = tess_tensor_new_nchw (1, 3, 64 * FACTOR, 96 * FACTOR, NULL);

  small_init (&small);
  whole = decode (&small, latent, (TessVaeSettings) { .tile = 96 });
  tiled = decode (&small, latent,
                  (TessVaeSettings) { .mode = TESS_VAE_ESTIMATE, .tile = 32 });
  printf ("# decoder, estimate: mean %.2g, largest %.2g\n",
          average (tiled, whole), largest (tiled, whole));
  ck_assert_double_le (average (tiled, whole), 0.25 * average (whole, zero));
  small_finish (&small);
}
END_TEST

/* Without room for keys of the whole canvas each tile attends to what is
 * round it; the result is whole and finite. */
START_TEST (attention_may_be_local)
{
  Small small;
  g_autoptr (TessTensor) latent = two_halves (4, 17, 29);
  g_autoptr (TessTensor) tiled = NULL;
  g_autoptr (TessTensor) whole = NULL;

  small_init (&small);
  whole = decode (&small, latent, (TessVaeSettings) { .tile = 64 });
  tess_vae_set_limits (small.vae, 0, 1);
  /* The margin reaches over this canvas: the same keys after all. */
  tiled = decode (&small, latent,
                  (TessVaeSettings) { .mode = TESS_VAE_EXACT, .tile = 15 });
  ck_assert_double_le (largest (tiled, whole), 1e-4);
  small_finish (&small);
}
END_TEST

START_TEST (a_flat_canvas_is_no_fault)
{
  Small small;
  g_autoptr (TessTensor) latent = tess_tensor_new_nchw (1, 4, 9, 9, NULL);
  g_autoptr (TessTensor) tiled = NULL;

  small_init (&small);
  for (gint mode = TESS_VAE_AUTO; mode <= TESS_VAE_ESTIMATE; mode++)
    {
      g_clear_pointer (&tiled, tess_tensor_unref);
      tiled = decode (&small, latent,
                      (TessVaeSettings) { .mode = mode, .tile = 4 });
      ck_assert_double_ge (largest (tiled, tiled), 0.0);
    }
  small_finish (&small);
}
END_TEST

START_TEST (cancelling_answers_within_one_tile)
{
  Small small;
  g_autoptr (TessTensor) latent = two_halves (4, 12, 12);
  g_autofree guint8 *seen = g_new0 (guint8, 12 * 12 * FACTOR * FACTOR);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Sheet sheet = { tess_tensor_new_nchw (1, 3, 12 * FACTOR, 12 * FACTOR, NULL),
                  seen, 0, cancellable };
  TessVaeSettings settings
      = { .mode = TESS_VAE_EXACT, .tile = 4, .cancellable = cancellable };
  g_autoptr (GError) error = NULL;

  small_init (&small);
  ck_assert (
      !tess_vae_decode (small.vae, latent, &settings, keep, &sheet, &error));
  ck_assert (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
  ck_assert_int_eq (sheet.n_parts, 1);
  tess_tensor_unref (sheet.canvas);
  small_finish (&small);
}
END_TEST

static gboolean
forget (gint x,
        gint y,
        gint w,
        gint h,
        const gfloat *planes,
        gpointer data,
        GError **error)
{
  return TRUE;
}

/* Memory of this process in bytes: "VmRSS:" now, "VmHWM:" at most. */
static gsize
memory_of_process (const gchar *key)
{
  g_autofree gchar *text = NULL;
  const gchar *line;

  if (!g_file_get_contents ("/proc/self/status", &text, NULL, NULL)
      || (line = strstr (text, key)) == NULL)
    return 0;
  return KIB * (gsize) g_ascii_strtoull (line + strlen (key), NULL, 10);
}

/* What is told beforehand is what is taken; and not told ten times over. */
typedef struct
{
  gint n_told;
  gdouble fraction;
  GCancellable *cancellable;
} Encoding;

static void
encoded (gdouble fraction, gpointer data)
{
  Encoding *encoding = data;

  ck_assert_double_gt (fraction, encoding->fraction);
  encoding->fraction = fraction;
  encoding->n_told++;
  g_cancellable_cancel (encoding->cancellable);
}

/* After each of its tiles in each pass; asked then, it stops. */
START_TEST (an_encoder_tells_how_far_it_is)
{
  Small small;
  g_autoptr (TessTensor) picture = two_halves (3, 12 * FACTOR, 12 * FACTOR);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Encoding whole = { 0 }, cut = { .cancellable = cancellable };
  TessVaeSettings settings = { .mode = TESS_VAE_EXACT,
                               .tile = 6,
                               .progress = encoded,
                               .progress_data = &whole };
  TessTensor *mean = NULL;
  g_autoptr (GError) error = NULL;

  small_init (&small);
  ck_assert (tess_vae_encode (small.vae, 12 * FACTOR, 12 * FACTOR, give,
                              picture, &settings, &mean, NULL, &error));
  ck_assert_int_ge (whole.n_told, 8); /* 4 tiles, several passes */
  ck_assert_double_eq_tol (whole.fraction, 1.0, 1e-9);
  tess_tensor_unref (mean);

  settings.progress_data = &cut;
  settings.cancellable = cancellable;
  ck_assert (!tess_vae_encode (small.vae, 12 * FACTOR, 12 * FACTOR, give,
                               picture, &settings, &mean, NULL, &error));
  ck_assert (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
  ck_assert_int_eq (cut.n_told, 1);
  small_finish (&small);
}
END_TEST

START_TEST (the_cost_is_honest)
{
  static const struct
  {
    gint tile;
    gsize limit;
    TessVaeMode mode;
  } cases[] = {
    { 24, 2048 * KIB, TESS_VAE_ESTIMATE }, /* least first: what is freed */
    { 32, 2048 * KIB, TESS_VAE_EXACT },    /* is not given back at once */
    { 32, 0, TESS_VAE_EXACT },
    { 128, 0, TESS_VAE_EXACT },
  };
  const gsize slack = 3072 * KIB; /* the heap's own */
  g_autoptr (TessTensor) latent = two_halves (4, 48, 64);
  g_autoptr (TessTensor) few = two_halves (4, 4, 4);
  FILE *reset = fopen ("/proc/self/clear_refs", "w");
  Small small;

#ifdef TESS_SANITIZED
  tess_test_skip ("a sanitizer's own memory counts too");
#endif
  if (reset == NULL)
    tess_test_skip ("memory cannot be measured here");
  fclose (reset);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      TessVaeSettings settings
          = { .mode = cases[i].mode, .tile = cases[i].tile };
      gsize before, told, weights, taken;
      gdouble n_flops;
      g_autoptr (GError) error = NULL;

      small_init (&small);
      tess_vae_set_limits (small.vae, 0, cases[i].limit);
      tess_vae_cost (small.vae, 48, 64, TESS_VAE_DECODES, &settings, &told,
                     &weights, &n_flops, &error);
      ck_no_error (error);
      /* Once beforehand: code is mapped, threads are there. */
      tess_vae_decode (small.vae, few, &settings, forget, NULL, &error);
      ck_no_error (error);
      reset = fopen ("/proc/self/clear_refs", "w");
      ck_assert_ptr_nonnull (reset);
      fputs ("5", reset); /* the peak is now's again */
      fclose (reset);
      before = memory_of_process ("VmRSS:");
      tess_vae_decode (small.vae, latent, &settings, forget, NULL, &error);
      ck_no_error (error);
      taken = memory_of_process ("VmHWM:") - before;
      printf ("# tile %d, %zu KiB kept: told %.1f MiB, taken %.1f MiB, "
              "%.3g operations\n",
              cases[i].tile, cases[i].limit / KIB, (told + weights) / 1048576.0,
              taken / 1048576.0, n_flops);
      ck_assert_uint_le (taken, told + weights + slack);
      ck_assert_uint_ge (10 * (taken + slack), told);
      small_finish (&small);
    }
}
END_TEST

START_TEST (wrong_sizes_are_refused)
{
  Small small;
  g_autoptr (TessTensor) latent = two_halves (3, 8, 8);
  g_autoptr (TessTensor) mean = NULL;
  TessVaeSettings settings = { .mode = TESS_VAE_EXACT };
  g_autoptr (GError) error = NULL;

  small_init (&small);
  ck_assert_int_eq (tess_vae_factor (small.vae), FACTOR);
  ck_assert (
      !tess_vae_decode (small.vae, latent, &settings, keep, NULL, &error));
  ck_assert (g_error_matches (error, TESS_ERROR, TESS_ERROR_SHAPE));
  g_clear_error (&error);
  ck_assert (!tess_vae_encode (small.vae, 30, 32, give, latent, &settings,
                               &mean, NULL, &error));
  ck_assert (g_error_matches (error, TESS_ERROR, TESS_ERROR_SHAPE));
  small_finish (&small);
}
END_TEST

static void
check_reference (const gchar *folder, gint tile)
{
  g_autofree gchar *path = tess_test_shared (folder);
  g_autofree gchar *tensors = NULL;
  g_autoptr (TessTensorFile) file = NULL;
  g_autoptr (TessModel) model = NULL;
  g_autoptr (TessBackend) backend = tess_backend_plain_new ();
  g_autoptr (TessVae) vae = NULL;
  g_autoptr (TessTensor) pixels = NULL;
  g_autoptr (TessTensor) mean = NULL;
  g_autoptr (TessTensor) logvar = NULL;
  g_autofree guint8 *seen = NULL;
  TessVaeSettings settings = { .mode = TESS_VAE_EXACT, .tile = tile };
  const TessTensor *expected;
  g_autoptr (GError) error = NULL;
  Sheet sheet;

  if (path == NULL)
    tess_test_skip ("the reference's results are not beside the checkout");
  tensors = g_build_filename (path, "golden.safetensors", NULL);
  file = tess_tensor_file_open (tensors, &error);
  ck_no_error (error);
  model = tess_model_open (path, &error);
  ck_no_error (error);
  vae = tess_vae_new (model, backend, &error);
  ck_no_error (error);

  expected = tess_tensor_file_get (file, "vae.decoded");
  pixels = tess_tensor_new (TESS_F32, 4, expected->dims, NULL);
  seen = g_new0 (guint8, expected->dims[2] * expected->dims[3]);
  sheet = (Sheet) { pixels, seen, 0, NULL };
  tess_vae_decode (vae, tess_tensor_file_get (file, "vae.latent"), &settings,
                   keep, &sheet, &error);
  ck_no_error (error);
  ck_assert_double_le (tess_test_error (pixels->data, expected->data,
                                        tess_tensor_n_elements (pixels)),
                       2e-5);

  expected = tess_tensor_file_get (file, "vae.pixels");
  tess_vae_encode (vae, (gint) expected->dims[3], (gint) expected->dims[2],
                   give, (gpointer) expected, &settings, &mean, &logvar,
                   &error);
  ck_no_error (error);
  expected = tess_tensor_file_get (file, "vae.mean");
  ck_assert_double_le (tess_test_error (mean->data, expected->data,
                                        tess_tensor_n_elements (mean)),
                       2e-5);
  expected = tess_tensor_file_get (file, "vae.logvar");
  ck_assert_double_le (tess_test_error (logvar->data, expected->data,
                                        tess_tensor_n_elements (logvar)),
                       2e-5);
}

START_TEST (agrees_with_the_reference)
{
  check_reference ("golden/sd/tiny-sd15", 10);
}
END_TEST

Suite *
tess_test_suite (void)
{
  Suite *suite = suite_create ("vae");

  tess_test_add (suite, "decoded tiles are the whole",
                 decoded_tiles_are_the_whole);
  tess_test_add (suite, "encoded tiles are the whole",
                 encoded_tiles_are_the_whole);
  tess_test_add (suite, "a ring has no seam", a_ring_has_no_seam);
  tess_test_add (suite, "an encoded ring has no seam",
                 an_encoded_ring_has_no_seam);
  tess_test_add (suite, "an estimate is near", an_estimate_is_near);
  tess_test_add (suite, "attention may be local", attention_may_be_local);
  tess_test_add (suite, "a flat canvas is no fault", a_flat_canvas_is_no_fault);
  tess_test_add (suite, "cancelling answers within one tile",
                 cancelling_answers_within_one_tile);
  tess_test_add (suite, "an encoder tells how far it is",
                 an_encoder_tells_how_far_it_is);
  tess_test_add (suite, "the cost is honest", the_cost_is_honest);
  tess_test_add (suite, "wrong sizes are refused", wrong_sizes_are_refused);
  tess_test_add (suite, "agrees with the reference", agrees_with_the_reference);
  return suite;
}
