/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/core/generate.c: whole jobs, on a small model of random weights. */
#include "core/canvas.h"
#include "core/error.h"
#include "core/generate.h"
#include "core/png-file.h"
#include "tests/harness.h"
#include "tests/small-job.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

static gfloat *
paint (TessStudio *studio, TessRequest *request, const TessJobHooks *hooks)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GeglBuffer) picture
      = tess_studio_run (studio, request, hooks, NULL, &error);

  ck_no_error (error);
  ck_assert_int_eq (gegl_buffer_get_width (picture), request->width);
  ck_assert_int_eq (gegl_buffer_get_height (picture), request->height);
  return tess_test_pixels (picture);
}

/* The whole picture is painted; the same seed gives the same one, whatever
 * is made at once; another seed another one. */
START_TEST (test_same)
{
  g_autoptr (TessStudio) studio = tess_studio_new ();
  g_autoptr (TessRequest) request = tess_test_request ();
  gsize n = (gsize) request->width * request->height * 3;
  g_autofree gfloat *first = paint (studio, request, NULL);
  g_autofree gfloat *again = NULL;
  g_autofree gfloat *other = NULL;
  gdouble sum = 0.0, squares = 0.0;

  request->batch = 2;
  again = paint (studio, request, NULL);
  ck_assert (tess_test_error (again, first, n) < 1e-4);
  request->seed = -1;
  other = paint (studio, request, NULL);
  ck_assert (request->seed >= 0);
  ck_assert (tess_test_error (other, first, n) > 0.01);
  for (gsize i = 0; i < n; i++)
    {
      ck_assert (first[i] >= 0.0f && first[i] <= 1.0f);
      sum += first[i];
      squares += first[i] * first[i];
    }
  ck_assert_double_gt (squares / n - sum / n * (sum / n), 1e-6);
}
END_TEST

typedef struct
{
  gint n_told, cancel_at, n_previews;
  gint n_encoding;
  gdouble fraction, encoded; /* the latter: how far encoding brought it */
  GCancellable *cancellable;
} Told;

static void
on_progress (const TessProgress *progress, gpointer data)
{
  Told *told = data;

  ck_assert_double_ge (progress->fraction, told->fraction - 0.05);
  ck_assert_double_le (progress->fraction, 1.0);
  told->fraction = MAX (told->fraction, progress->fraction);
  if (progress->stage == TESS_STAGE_ENCODE)
    {
      told->n_encoding++;
      told->encoded = progress->fraction;
    }
  if (++told->n_told == told->cancel_at)
    g_cancellable_cancel (told->cancellable);
}

static void
on_preview (const guint8 *rgb, gint width, gint height, gpointer data)
{
  Told *told = data;

  ck_assert_int_gt (width, height);
  ck_assert_ptr_nonnull (rgb);
  told->n_previews++;
}

START_TEST (test_hooks)
{
  g_autoptr (TessStudio) studio = tess_studio_new ();
  g_autoptr (TessRequest) request = tess_test_request ();
  g_autofree gfloat *plain = paint (studio, request, NULL);
  g_autofree gfloat *seen = NULL;
  Told told = { 0 };
  const TessJobHooks hooks = { on_progress, on_preview, 1, &told };

  seen = paint (studio, request, &hooks);
  ck_assert_int_eq (told.n_previews, 3);
  ck_assert_double_eq (told.fraction, 1.0);
  ck_assert_mem_eq (plain, seen, 150 * 75 * 3 * sizeof *seen);
}
END_TEST

/* A picture to begin with: its encoding is work, told of as such. */
START_TEST (test_encoding)
{
  g_autoptr (TessStudio) studio = tess_studio_new ();
  g_autoptr (TessRequest) request = tess_test_request ();
  g_autofree gfloat *picture = NULL;
  Told told = { 0 };
  const TessJobHooks hooks = { on_progress, NULL, 0, &told };
  TessJobPlan plan, without;
  g_autoptr (GError) error = NULL;

  tess_studio_plan (studio, request, &without, &error);
  ck_no_error (error);
  request->init = tess_canvas_new (96, 64);
  request->strength = 0.5;
  tess_studio_plan (studio, request, &plan, &error);
  ck_no_error (error);
  ck_assert_double_gt (plan.n_flops / plan.n_calls,
                       without.n_flops / without.n_calls);
  tess_job_plan_clear (&plan);
  tess_job_plan_clear (&without);

  picture = paint (studio, request, &hooks);
  ck_assert_int_ge (told.n_encoding, 2);
  ck_assert_double_gt (told.encoded, 0.02); /* loading ends at 0.01 */
  ck_assert_double_eq (told.fraction, 1.0);
}
END_TEST

/* Cancelled at every word of progress in turn, that of encoding a picture
 * included, the job says so and the studio is as good as before. */
START_TEST (test_cancel)
{
  g_autoptr (TessStudio) studio = tess_studio_new ();
  g_autoptr (TessRequest) request = tess_test_request ();
  g_autofree gfloat *before = NULL;
  g_autofree gfloat *after = NULL;
  Told all = { 0 };
  const TessJobHooks count = { on_progress, NULL, 0, &all };

  request->steps = 2;
  request->width = 96;
  request->batch = 2;
  request->init = tess_canvas_new (96, 64);
  before = paint (studio, request, &count);
  ck_assert_int_ge (all.n_encoding, 2);
  for (gint at = 1; at < all.n_told; at++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autoptr (GError) error = NULL;
      Told told = { .cancel_at = at, .cancellable = cancellable };
      const TessJobHooks hooks = { on_progress, NULL, 0, &told };
      GeglBuffer *picture
          = tess_studio_run (studio, request, &hooks, cancellable, &error);

      /* After the last tile of the decoder there is nothing left to stop. */
      if (picture && at >= all.n_told - 2)
        {
          g_object_unref (picture);
          continue;
        }
      ck_assert_msg (picture == NULL, "at %d of %d", at, all.n_told);
      ck_assert (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
      ck_assert_int_le (told.n_told, at + 1);
    }
  after = paint (studio, request, NULL);
  ck_assert_mem_eq (before, after, 96 * 75 * 3 * sizeof *after);
}
END_TEST

/* The largest that this process has been, in bytes. */
static gdouble
high_water (void)
{
  g_autofree gchar *status = NULL;
  const gchar *line;

  ck_assert (g_file_get_contents ("/proc/self/status", &status, NULL, NULL));
  line = strstr (status, "VmHWM:");
  ck_assert_ptr_nonnull (line);
  return g_ascii_strtod (line + strlen ("VmHWM:"), NULL) * 1024.0;
}

/* The process takes what was told, and not much less: with oneDNN, whose code
 * is part of it, at least nine tenths but for the 56 MiB that are told for
 * pages of libraries. How many of those it takes depends on what was read of
 * them before: between 17 and 51 MiB were seen. */
START_TEST (test_memory_told)
{
#ifdef TESS_SANITIZED
  tess_test_skip ("sanitizers take memory of their own");
#endif
  static const gint sides[] = { 256, 768 };
#ifdef TESS_ONEDNN
  const gdouble least = 0.9;
#else
  const gdouble least = 0.5;
#endif
  gdouble took;
  g_autoptr (TessStudio) studio = tess_studio_new ();
  g_autoptr (TessRequest) request = tess_test_request ();
  g_autoptr (GError) error = NULL;
  g_autofree gfloat *pixels = NULL;
  TessJobPlan plan;

  request->width = request->height = sides[_i];
  request->steps = 1;
  ck_assert (tess_studio_plan (studio, request, &plan, &error));
  pixels = paint (studio, request, NULL);
  took = high_water ();
  ck_assert_msg (
      took <= plan.n_bytes && took >= (plan.n_bytes - 56 * 0x1p20) * least,
      "told %.1f MiB, took %.1f", plan.n_bytes / 0x1p20, took / 0x1p20);
  tess_job_plan_clear (&plan);
}
END_TEST

/* What cannot fit is refused before the start, with numbers and advice. */
START_TEST (test_refused)
{
  g_autoptr (TessStudio) studio = tess_studio_new ();
  g_autoptr (TessRequest) request = tess_test_request ();
  g_autoptr (GError) error = NULL;
  TessJobPlan plan;

  ck_assert (tess_studio_plan (studio, request, &plan, &error));
  ck_assert_int_eq (plan.cells_w, 19);
  ck_assert_int_eq (plan.cells_h, 10);
  ck_assert_int_gt (plan.n_bytes, plan.n_bytes_weights);
  ck_assert_int_eq (plan.n_calls, plan.n_tiles * 2 * 3);
  tess_job_plan_clear (&plan);

  request->width = 8192;
  request->height = 8192;
  request->memory = 300 << 20;
  ck_assert (!tess_studio_plan (studio, request, &plan, &error));
  tess_job_plan_clear (&plan);
  ck_assert (g_error_matches (error, TESS_ERROR, TESS_ERROR_MEMORY));
  ck_assert_msg (strstr (error->message, "GiB are free; a canvas of") != NULL,
                 "%s", error->message);
  g_clear_error (&error);
  ck_assert_ptr_null (tess_studio_run (studio, request, NULL, NULL, &error));
  ck_assert (g_error_matches (error, TESS_ERROR, TESS_ERROR_MEMORY));
}
END_TEST

static GeglBuffer *
left_half (void)
{
  GeglBuffer *mask = gegl_buffer_new (GEGL_RECTANGLE (0, 0, 64, 32),
                                      babl_format ("Y float"));
  gfloat one = 1.0f;

  gegl_buffer_set_color_from_pixel (mask, GEGL_RECTANGLE (0, 0, 32, 32), &one,
                                    babl_format ("Y float"));
  return mask;
}

/* A region changes its own half; the other half only through the networks'
 * view of it. Ring, bootstrapping and a picture to start from run through. */
START_TEST (test_ways)
{
  g_autoptr (TessStudio) studio = tess_studio_new ();
  g_autoptr (TessRequest) request = tess_test_request ();
  g_autoptr (GeglBuffer) mask = left_half ();
  g_autofree gfloat *plain = paint (studio, request, NULL);
  g_autofree gfloat *regional = NULL;
  g_autofree gfloat *again = NULL;
  gsize n = (gsize) request->width * request->height * 3;

  tess_request_add_region (request, "a tree", NULL, mask, NULL);
  request->bootstrap = 0.5;
  regional = paint (studio, request, NULL);
  ck_assert (tess_test_error (regional, plain, n) > 1e-3);
  g_ptr_array_set_size (request->regions, 0);

  request->method = TESS_TILING_RING;
  request->width = 152;
  g_free (paint (studio, request, NULL));
  request->method = TESS_TILING_MULTIDIFFUSION;
  request->width = 150;

  request->init = left_half ();
  request->strength = 0.5;
  g_free (paint (studio, request, NULL));
  g_clear_object (&request->init);
  again = paint (studio, request, NULL);
  ck_assert_mem_eq (plain, again, n * sizeof *plain);
}
END_TEST

/* What diffusers 0.40's pipelines paint with the reference's small model: 6
 * steps of DDIM, guidance 5, float32; from words with seed 3, and from
 * init.png with strength 0.5 and seed 4. */
START_TEST (test_reference)
{
  static const gchar *const names[] = { "text", "picture" };
  g_autofree gchar *models = tess_test_shared ("golden/sd");
  g_autofree gchar *name = g_strdup_printf ("generate/%s.png", names[_i]);
  g_autofree gchar *path = tess_test_data (name);
  g_autoptr (TessStudio) studio = tess_studio_new ();
  g_autoptr (TessRequest) request = tess_test_request ();
  g_autoptr (GeglBuffer) expected = NULL;
  g_autofree gfloat *got = NULL;
  g_autofree gfloat *wanted = NULL;
  gdouble sum = 0.0;

  if (models == NULL)
    tess_test_skip ("the golden cases are not there");
  g_setenv ("TESSERA_MODELS", models, TRUE);
  g_free (request->model);
  request->model = g_build_filename (models, "tiny-sd15", NULL);
  g_free (request->prompt);
  request->prompt = g_strdup ("a photo of the dolomites");
  request->negative = g_strdup ("blur");
  request->width = request->height = 128;
  request->tile = 0;
  request->overlap = -1;
  request->steps = 6;
  request->guidance = 5.0;
  request->sampler = TESS_SAMPLER_DDIM;
  request->seed = 3 + _i;
  if (_i == 1)
    {
      request->init_path = tess_test_data ("generate/init.png");
      request->strength = 0.5;
    }
  got = paint (studio, request, NULL);
  expected = tess_png_load (path, TESS_PNG_PICTURE, NULL);
  wanted = tess_test_pixels (expected);
  for (gint i = 0; i < 128 * 128 * 3; i++)
    {
      gdouble d = fabs (roundf (got[i] * 255.0f) / 255.0 - wanted[i]);

      ck_assert_double_le (d, 2.1 / 255.0);
      sum += d;
    }
  ck_assert_double_le (sum / (128 * 128 * 3), 0.02 / 255.0);
}
END_TEST

START_TEST (test_faults)
{
  static const gchar *const models[]
      = { "/no/such/model", "no such name", "/dev/null", "/" };
  g_autoptr (TessStudio) studio = tess_studio_new ();
  g_autoptr (TessRequest) request = tess_test_request ();
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (models); i++)
    {
      g_free (request->model);
      request->model = g_strdup (models[i]);
      ck_assert_ptr_null (
          tess_studio_run (studio, request, NULL, NULL, &error));
      ck_assert (error != NULL);
      g_clear_error (&error);
    }
  g_free (request->model);
  request->model = g_strdup ("small"); /* by name */
  request->method = TESS_TILING_RING;  /* 150 is no multiple of 8 */
  ck_assert_ptr_null (tess_studio_run (studio, request, NULL, NULL, &error));
  ck_assert (g_error_matches (error, TESS_ERROR, TESS_ERROR_REQUEST));
  request->width = 152;
  g_free (paint (studio, request, NULL));
}
END_TEST

Suite *
tess_test_suite (void)
{
  Suite *suite = suite_create ("generate");
  TCase *tcase = tcase_create ("generate");

  tcase_add_unchecked_fixture (tcase, tess_test_make_model,
                               tess_test_drop_model);
  tcase_add_test (tcase, test_same);
  tcase_add_test (tcase, test_hooks);
  tcase_add_test (tcase, test_encoding);
  tcase_add_test (tcase, test_cancel);
  tcase_add_test (tcase, test_refused);
  tcase_add_test (tcase, test_ways);
  tcase_add_loop_test (tcase, test_reference, 0, 2);
  tcase_add_test (tcase, test_faults);
  suite_add_tcase (suite, tcase);
  tcase = tcase_create ("memory");
  tcase_add_unchecked_fixture (tcase, tess_test_make_model,
                               tess_test_drop_model);
  tcase_add_loop_test (tcase, test_memory_told, 0, 2);
  suite_add_tcase (suite, tcase);
  return suite;
}
