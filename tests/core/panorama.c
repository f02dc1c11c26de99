/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/core/panorama.c: whole jobs on a canvas that closes, and what belongs
 * to them: first sizes, poles, seams of given pictures. */
#include "core/canvas.h"
#include "core/close-seam.h"
#include "core/job.h"
#include "core/phase.h"
#include "core/poles.h"
#include "tests/harness.h"
#include "tests/small-job.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static TessTensor *
roll (const TessTensor *x, gint by)
{
  TessTensor *y = tess_tensor_new (TESS_F32, x->n_dims, x->dims, NULL);
  gint64 w = x->dims[3];

  for (gint64 row = 0; row < x->dims[0] * x->dims[1] * x->dims[2]; row++)
    for (gint64 i = 0; i < w; i++)
      tess_tensor_f32 (y)[row * w + i]
          = ((const gfloat *) x->data)[row * w + (i + by + w) % w];
  return y;
}

static gboolean
run_unet (const TessUnetCall *call,
          gpointer data,
          GCancellable *cancellable,
          GError **error)
{
  return tess_unet_run (data, call, cancellable, error);
}

static gboolean
condition (TessJob *job)
{
  gint n_steps = tess_sampler_n_steps (job->sampler);
  g_autofree gdouble *timesteps = g_new (gdouble, n_steps);
  g_autoptr (TessTensor) contexts = NULL;

  for (guint i = 0; i < job->prompts->len; i++)
    {
      g_autoptr (TessTensor) context = tess_text_encode (
          job->studio->text, job->prompts->pdata[i], 0, NULL);

      if (contexts == NULL)
        {
          gint64 dims[]
              = { job->prompts->len, context->dims[1], context->dims[2] };

          contexts = tess_tensor_new (TESS_F32, 3, dims, NULL);
        }
      memcpy ((guint8 *) contexts->data + i * context->n_bytes, context->data,
              context->n_bytes);
    }
  for (gint i = 0; i < n_steps; i++)
    timesteps[i] = tess_sampler_timestep (job->sampler, i);
  return tess_unet_condition (job->studio->unet, contexts, timesteps, n_steps,
                              NULL, NULL);
}

static gboolean
keep_pixels (gint x,
             gint y,
             gint w,
             gint h,
             const gfloat *planes,
             gpointer data,
             GError **error)
{
  TessTensor *pixels = data;

  for (gint c = 0; c < 3; c++)
    for (gint j = 0; j < h; j++)
      memcpy (tess_tensor_f32 (pixels)
                  + ((gsize) c * pixels->dims[2] + y + j) * pixels->dims[3] + x,
              planes + ((gsize) c * h + j) * w, w * sizeof *planes);
  return TRUE;
}

/* From @noise to pixels, with the request's method. */
static TessTensor *
paint (TessStudio *studio, const TessRequest *request, const TessTensor *noise)
{
  TessJob job;
  TessDenoise denoise;
  g_autoptr (TessTensor) x = roll (noise, 0);
  TessTensor *pixels;

  ck_assert (tess_job_init (&job, studio, request, 0, NULL));
  ck_assert (condition (&job));
  pixels = tess_tensor_new_nchw (1, 3, job.plan.height, job.plan.width, NULL);
  tess_job_denoise (&job, &denoise);
  denoise.denoiser = run_unet;
  denoise.denoiser_data = studio->unet;
  ck_assert (tess_denoise_run (&denoise, x, NULL, NULL));
  ck_assert (
      tess_vae_decode (studio->vae, x, &job.vae, keep_pixels, pixels, NULL));
  tess_job_finish (&job);
  return pixels;
}

static gdouble
largest (const TessTensor *a, const TessTensor *b)
{
  gdouble worst = 0.0;

  for (gsize i = 0; i < tess_tensor_n_elements (a); i++)
    worst = fmax (worst, fabs (((const gfloat *) a->data)[i]
                               - (gdouble) ((const gfloat *) b->data)[i]));
  return worst;
}

/* Spec 8.2, 4: noise turned by whole strides gives the picture turned, pixels
 * included. The same does not hold without a ring. */
START_TEST (test_rotation)
{
  g_autoptr (TessStudio) studio = tess_studio_new ();
  g_autoptr (TessRequest) request = tess_test_request ();
  g_autoptr (TessTensor) noise = tess_tensor_new_nchw (1, 4, 8, 32, NULL);
  g_autoptr (TessTensor) turned = NULL;
  TessRandom random;
  TessJobPlan plan;

  request->width = 256;
  request->height = 64;
  request->sampler = TESS_SAMPLER_DDIM;
  ck_assert (tess_studio_plan (studio, request, &plan, NULL));
  tess_job_plan_clear (&plan);
  tess_random_init (&random, 6);
  tess_random_normal (&random, tess_tensor_f32 (noise), 4 * 8 * 32);
  turned = roll (noise, 12); /* three strides of 4 */
  for (gint ring = 1; ring >= 0; ring--)
    {
      g_autoptr (TessTensor) a = NULL;
      g_autoptr (TessTensor) b = NULL;
      g_autoptr (TessTensor) c = NULL;

      request->method = ring ? TESS_TILING_RING : TESS_TILING_MULTIDIFFUSION;
      a = paint (studio, request, noise);
      b = paint (studio, request, turned);
      c = roll (a, 12 * 8);
      printf ("# %s turned: %.2g\n", ring ? "ring" : "flat", largest (b, c));
      if (ring)
        ck_assert_double_le (largest (b, c), 1e-3);
      else
        ck_assert_double_ge (largest (b, c), 1e-2);
    }
}
END_TEST

static const struct
{
  gint window, align, width, height, w, h;
} sizes[] = {
  { 64, 8, 4096, 4096, 64, 64 },   { 64, 8, 4096, 3072, 72, 56 },
  { 64, 8, 4096, 2048, 88, 48 },   { 64, 8, 2048, 4096, 48, 88 },
  { 64, 8, 8192, 1024, 256, 32 },  { 128, 8, 2048, 2048, 128, 128 },
  { 128, 8, 3840, 2160, 168, 96 }, { 128, 8, 2160, 3840, 96, 168 },
  { 32, 4, 2048, 2048, 32, 32 },   { 32, 4, 16384, 2048, 128, 16 },
};

START_TEST (test_native_size)
{
  const TessPhaseModel model = { sizes[_i].window, sizes[_i].align, 8 };
  gint w, h;

  tess_phase_native_size (&model, sizes[_i].width, sizes[_i].height, &w, &h);
  ck_assert_int_eq (w, sizes[_i].w);
  ck_assert_int_eq (h, sizes[_i].h);
}
END_TEST

/* A function of the direction, smooth everywhere on the sphere. */
static void
sky (gdouble latitude, gdouble longitude, gfloat *rgb)
{
  gdouble x = cos (latitude) * cos (longitude);
  gdouble y = cos (latitude) * sin (longitude), z = sin (latitude);

  rgb[0] = (gfloat) (0.5 + 0.2 * x + 0.2 * y * z);
  rgb[1] = (gfloat) (0.5 + 0.3 * z * x);
  rgb[2] = (gfloat) (0.5 + 0.3 * x * y);
}

static GeglBuffer *
panorama_new (gint h)
{
  GeglBuffer *buffer = tess_canvas_new (2 * h, h);
  g_autofree gfloat *row = g_new (gfloat, 6 * (gsize) h);

  for (gint y = 0; y < h; y++)
    {
      for (gint x = 0; x < 2 * h; x++)
        sky (G_PI * (0.5 - (y + 0.5) / h), G_PI * (x + 0.5) / h, row + 3 * x);
      gegl_buffer_set (buffer, GEGL_RECTANGLE (0, y, 2 * h, 1), 0, NULL, row,
                       GEGL_AUTO_ROWSTRIDE);
    }
  return buffer;
}

static gdouble
row_deviation (const gfloat *pixels, gint w, gint y)
{
  gdouble sum = 0.0, squares = 0.0;

  for (gint x = 0; x < w; x++)
    {
      gdouble v = pixels[3 * ((gsize) y * w + x)];

      sum += v;
      squares += v * v;
    }
  return sqrt (MAX (squares / w - sum / w * (sum / w), 0.0));
}

/* A view that is put back as it was changes nothing; whatever is put there,
 * a pole is one colour afterwards (spec 8.2, 12); the rest stays. */
START_TEST (test_poles)
{
  const gint h = 192, w = 2 * h, side = tess_pole_view_side (h, 8);

  ck_assert_int_eq (side % 8, 0);
  ck_assert_int_ge (side, 2 * h / G_PI);
  for (gint pole = -1; pole <= 1; pole += 2)
    {
      g_autoptr (GeglBuffer) panorama = panorama_new (h);
      g_autofree gfloat *before = tess_test_pixels (panorama);
      g_autoptr (GeglBuffer) view = tess_pole_view_new (panorama, pole, side);
      g_autoptr (GeglBuffer) other = tess_canvas_new (side, side);
      g_autofree gfloat *rough = g_new (gfloat, 3 * (gsize) side * side);
      g_autofree gfloat *same = NULL;
      g_autofree gfloat *after = NULL;
      gfloat middle[3], up[3];
      gdouble worst = 0.0;
      gint edge = pole > 0 ? 0 : h - 1;

      sky (pole * 0.5 * G_PI, 0.0, up);
      gegl_buffer_get (view, GEGL_RECTANGLE (side / 2, side / 2, 1, 1), 1.0,
                       babl_format ("R'G'B' float"), middle,
                       GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
      for (gint c = 0; c < 3; c++)
        ck_assert_float_eq_tol (middle[c], up[c], 0.01f);
      tess_pole_view_put (panorama, pole, view);
      same = tess_test_pixels (panorama);
      for (gint i = 0; i < 3 * w * h; i++)
        worst = fmax (worst, fabs (same[i] - before[i]));
      ck_assert_double_le (worst, 2e-3);

      for (gint i = 0; i < 3 * side * side; i++)
        rough[i] = (gfloat) (0.5 + 0.2 * sin (0.13 * (i / 3 % side))
                             + 0.2 * sin (0.11 * (i / 3 / side) + 1.0));
      gegl_buffer_set (other, NULL, 0, NULL, rough, GEGL_AUTO_ROWSTRIDE);
      tess_pole_view_put (panorama, pole, other);
      after = tess_test_pixels (panorama);
      ck_assert_double_gt (
          row_deviation (after, w, pole > 0 ? h / 12 : h - 1 - h / 12), 0.05);
      ck_assert_double_le (row_deviation (after, w, edge)
                               / row_deviation (after, w, h / 2),
                           0.1);
      ck_assert_mem_eq (after + 3 * w * (h / 4), same + 3 * w * (h / 4),
                        sizeof *after * 3 * w * (h / 2));
    }
}
END_TEST

/* Both sides are alike at the seam of what is started from; outside the band
 * the original comes back to the last bit. */
START_TEST (test_close)
{
  const TessCloseSeam close = { .band = 40, .x = TRUE, .y = _i };
  g_autoptr (GeglBuffer) original = tess_canvas_new (160, 96);
  g_autoptr (GeglBuffer) mixed = NULL;
  g_autofree gfloat *pixels = g_new (gfloat, 160 * 96 * 3);
  g_autofree gfloat *start = NULL;
  g_autofree gfloat *kept = NULL;
  gfloat painted[20 * 12];

  for (gint i = 0; i < 160 * 96 * 3; i++)
    pixels[i] = (gfloat) (i / 3 % 160) / 160.0f;
  gegl_buffer_set (original, NULL, 0, NULL, pixels, GEGL_AUTO_ROWSTRIDE);
  mixed = gegl_buffer_dup (original);
  tess_close_seam_mix (&close, mixed);
  start = tess_test_pixels (mixed);
  for (gint y = 0; y < 96; y++)
    {
      const gfloat *row = start + 3 * 160 * y;

      ck_assert_float_eq_tol (row[0], row[3 * 159], 0.01f);
      ck_assert_float_eq_tol (row[3 * 30], 30 / 160.0f, 1e-6f);
      for (gint x = 1; x < 160; x++)
        ck_assert_float_le (fabsf (row[3 * x] - row[3 * x - 3]), 0.06f);
    }
  tess_close_seam_mask (&close, 20, 12, 8, painted);
  ck_assert (painted[6 * 20] == 1.0f && painted[6 * 20 + 19] == 1.0f);
  ck_assert (painted[6 * 20 + 10] == 0.0f && painted[6 * 20 + 3] == 0.0f);
  ck_assert (painted[10] == (_i ? 1.0f : 0.0f));

  tess_close_seam_keep (&close, mixed, original);
  kept = tess_test_pixels (mixed);
  for (gint y = 20; y < 76; y++)
    ck_assert_mem_eq (kept + 3 * (160 * y + 20), pixels + 3 * (160 * y + 20),
                      sizeof *kept * 3 * 120);
  ck_assert_float_eq_tol (kept[3 * 160 * 48], start[3 * 160 * 48], 1e-6f);
}
END_TEST

/* What repeats stays so when it is scaled. */
START_TEST (test_scaled_ring)
{
  g_autoptr (GeglBuffer) src = tess_canvas_new (32, 16);
  gfloat pixels[32 * 16 * 3];

  for (gint i = 0; i < 32 * 16 * 3; i++)
    pixels[i]
        = (gfloat) (0.5 + 0.2 * sin (2.0 * G_PI * (i / 3 % 32 + 0.5) / 32.0)
                    + 0.2 * sin (2.0 * G_PI * (i / 96 + 0.5) / 16.0));
  gegl_buffer_set (src, NULL, 0, NULL, pixels, GEGL_AUTO_ROWSTRIDE);
  for (gint wrap = 0; wrap < 2; wrap++)
    {
      g_autoptr (GeglBuffer) dst
          = tess_canvas_scaled (src, 96, 80, wrap, wrap, NULL);
      g_autofree gfloat *got = tess_test_pixels (dst);
      gdouble worst = 0.0;

      for (gint i = 0; i < 96 * 80 * 3; i++)
        worst = fmax (worst,
                      fabs (got[i] - 0.5
                            - 0.2 * sin (2.0 * G_PI * (i / 3 % 96 + 0.5) / 96.0)
                            - 0.2 * sin (2.0 * G_PI * (i / 288 + 0.5) / 80.0)));
      if (wrap)
        ck_assert_double_le (worst, 4e-3);
      else
        ck_assert_double_ge (worst, 1e-2);
    }
}
END_TEST

Suite *
tess_test_suite (void)
{
  Suite *suite = suite_create ("panorama");
  TCase *tcase = tcase_create ("panorama");

  tcase_add_unchecked_fixture (tcase, tess_test_make_model,
                               tess_test_drop_model);
  tcase_add_test (tcase, test_rotation);
  tcase_add_loop_test (tcase, test_native_size, 0, G_N_ELEMENTS (sizes));
  tcase_add_test (tcase, test_poles);
  tcase_add_loop_test (tcase, test_close, 0, 2);
  tcase_add_test (tcase, test_scaled_ring);
  suite_add_tcase (suite, tcase);
  return suite;
}
