/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/core/upscale.c: pictures of all kinds painted larger by whole jobs,
 * with a small model of random weights. */
#include "core/error.h"
#include "core/job-folder.h"
#include "core/job.h"
#include "core/model-synthetic.h"
#include "core/png-file.h"
#include "core/random.h"
#include "core/upscale.h"
#include "tests/harness.h"
#include "tests/small-job.h"

#include <math.h>
#include <string.h>

/* Soft colours, as "R'G'B'A float"; @alpha: half of it lets through. */
static GeglBuffer *
picture (gint w, gint h, const gchar *format, gboolean alpha)
{
  GeglBuffer *buffer
      = gegl_buffer_new (GEGL_RECTANGLE (0, 0, w, h), babl_format (format));
  g_autofree gfloat *cells = g_new (gfloat, 4 * (gsize) w * h);

  for (gint i = 0; i < w * h; i++)
    {
      gfloat x = (gfloat) (i % w) / w, y = (gfloat) (i / w) / h;
      const gfloat cell[4]
          = { 0.2f + 0.6f * x, 0.3f + 0.4f * y, 0.8f - 0.5f * x * y,
              alpha && x > 0.5f ? 0.25f : 1.0f };

      memcpy (cells + 4 * i, cell, sizeof cell);
    }
  gegl_buffer_set (buffer, NULL, 0, babl_format ("R'G'B'A float"), cells,
                   GEGL_AUTO_ROWSTRIDE);
  return buffer;
}

/* @src becomes the request's. Steps are few, for the model says nothing. */
static TessRequest *
new_request (GeglBuffer *src, gint width, gint height)
{
  TessRequest *request = tess_test_request ();

  request->method = TESS_TILING_UPSCALE;
  request->sampler = TESS_SAMPLER_DDPM;
  request->guidance = 1.0;
  request->steps = 2;
  request->init = src;
  request->width = width;
  request->height = height;
  return request;
}

static GeglBuffer *
paint_in (TessStudio *studio, TessRequest *request)
{
  g_autoptr (GError) error = NULL;
  GeglBuffer *result = tess_studio_run (studio, request, NULL, NULL, &error);

  ck_no_error (error);
  ck_assert_int_eq (gegl_buffer_get_width (result), request->width);
  ck_assert_int_eq (gegl_buffer_get_height (result), request->height);
  return result;
}

static GeglBuffer *
paint (TessRequest *request)
{
  g_autoptr (TessStudio) studio = tess_studio_new ();

  return paint_in (studio, request);
}

static void
assert_finite (GeglBuffer *buffer)
{
  g_autofree gfloat *pixels = tess_test_pixels (buffer);
  gsize n = (gsize) gegl_buffer_get_width (buffer)
            * gegl_buffer_get_height (buffer) * 3;

  for (gsize i = 0; i < n; i++)
    ck_assert (pixels[i] >= 0.0f && pixels[i] <= 1.0f);
}

/* The same seed is the same picture; another one, or less fidelity, another;
 * so the steps, the structure and the wrapped decoder all have a say. */
START_TEST (a_picture_is_painted_larger)
{
  g_autoptr (TessRequest) request
      = new_request (picture (23, 18, "R'G'B' u8", FALSE), 92, 72);
  g_autoptr (TessStudio) studio = tess_studio_new ();
  g_autoptr (GeglBuffer) first = paint_in (studio, request);
  g_autoptr (GeglBuffer) again = paint (request);
  g_autofree gfloat *a = tess_test_pixels (first);
  g_autofree gfloat *b = tess_test_pixels (again);
  gsize n = 92 * 72 * 3;

  ck_assert (!babl_format_has_alpha (gegl_buffer_get_format (first)));
  ck_assert_mem_eq (a, b, n * sizeof *a);
  assert_finite (first);
  for (gint change = 0; change < 3; change++)
    {
      g_autoptr (TessRequest) other = tess_request_dup (request);
      g_autoptr (GeglBuffer) result = NULL;
      g_autofree gfloat *c = NULL;

      if (change == 0)
        other->seed++;
      else if (change == 1)
        other->fidelity = 0.0;
      else
        other->sampler = TESS_SAMPLER_DDIM;
      result = paint_in (studio, other);
      c = tess_test_pixels (result);
      ck_assert_double_gt (tess_test_error (c, a, n), 1e-3);
    }
}
END_TEST

static gdouble
mean_of (const gfloat *pixels, gint w, gint h, gint c)
{
  gdouble sum = 0.0;

  for (gint i = 0; i < w * h; i++)
    sum += pixels[3 * i + c];
  return sum / (w * h);
}

/* --- the job and its parts ----------------------------------------------- */

static gboolean
run_unet (const TessUnetCall *call,
          gpointer data,
          GCancellable *cancellable,
          GError **error)
{
  return tess_unet_run (data, call, cancellable, error);
}

static gboolean
keep (gint x,
      gint y,
      gint w,
      gint h,
      const gfloat *planes,
      gpointer data,
      GError **error)
{
  TessTensor *canvas = data;

  for (gint c = 0; c < 3; c++)
    for (gint i = 0; i < h; i++, planes += w)
      memcpy (tess_tensor_f32 (canvas)
                  + ((gsize) c * canvas->dims[2] + y + i) * canvas->dims[3] + x,
              planes, w * sizeof *planes);
  return TRUE;
}

/* Encoder, noise, loop, decoder, colours, one after another. */
static GeglBuffer *
paint_by_hand (TessJob *job, TessStudio *studio)
{
  const TessEnlarged *on = &job->upscale->picture;
  const TessVaeSettings vae = { 0 };
  const TessVaeLook look = { 0.5, tess_upscale_read, job->upscale };
  const gdouble timesteps[] = { 999.0, 0.0 };
  gfloat scaling = tess_model_vae (studio->model)->scaling_factor;
  g_autoptr (TessTensor) z = NULL;
  g_autoptr (TessTensor) x = NULL;
  g_autoptr (TessTensor) context
      = tess_text_encode (studio->text, job->prompts->pdata[0], 0, NULL);
  g_autoptr (TessTensor) canvas
      = tess_tensor_new_nchw (1, 3, on->padded_h, on->padded_w, NULL);
  gsize n;
  TessRandom random;
  TessDenoise loop;

  ck_assert (tess_upscale_load (job->upscale, NULL));
  ck_assert (tess_vae_encode (studio->vae, on->padded_w, on->padded_h,
                              tess_upscale_read, job->upscale, &vae, &z, NULL,
                              NULL));
  n = tess_tensor_n_elements (z);
  x = tess_tensor_new (TESS_F32, 4, z->dims, NULL);
  tess_random_init (&random, 5);
  tess_random_normal (&random, tess_tensor_f32 (x), n);
  for (gsize i = 0; i < n; i++)
    tess_tensor_f32 (z)[i] *= scaling;
  /* abar at 999 is 0.0046601. */
  for (gsize i = 0; i < n; i++)
    tess_tensor_f32 (x)[i] = 0.0682649f * tess_tensor_f32 (z)[i]
                             + 0.9976673f * tess_tensor_f32 (x)[i];
  ck_assert (
      tess_unet_condition (studio->unet, context, timesteps, 2, NULL, NULL));
  ck_assert (tess_unet_structure (studio->unet, TRUE, NULL, NULL));
  tess_job_denoise (job, &loop);
  loop.denoiser = run_unet;
  loop.denoiser_data = studio->unet;
  loop.random = &random;
  loop.structure = tess_tensor_f32 (z);
  ck_assert (tess_denoise_run (&loop, x, NULL, NULL));
  for (gsize i = 0; i < n; i++)
    tess_tensor_f32 (x)[i] /= scaling;
  ck_assert (
      tess_vae_decode_fused (studio->vae, x, &look, &vae, keep, canvas, NULL));
  return tess_upscale_finish (job->upscale, TESS_COLOUR_WAVELET,
                              tess_tensor_f32 (canvas), NULL, NULL);
}

START_TEST (the_job_is_its_parts)
{
  g_autoptr (TessRequest) request
      = new_request (picture (23, 18, "R'G'B' u8", FALSE), 92, 72);
  g_autoptr (TessStudio) studio = tess_studio_new ();
  g_autoptr (GeglBuffer) result = NULL;
  g_autoptr (GeglBuffer) other = NULL;
  g_autofree gfloat *a = NULL;
  g_autofree gfloat *b = NULL;
  g_autoptr (GError) error = NULL;
  TessJob job;

  result = tess_studio_run (studio, request, NULL, NULL, &error);
  ck_no_error (error);
  ck_assert (tess_job_init (&job, studio, request, 0, &error));
  other = paint_by_hand (&job, studio);
  tess_job_finish (&job);
  a = tess_test_pixels (result);
  b = tess_test_pixels (other);
  ck_assert_double_lt (tess_test_error (a, b, 92 * 72 * 3), 1e-4);
}
END_TEST

/* Whatever a model of random weights paints, a region's mean colour is the
 * picture's (core/colour-hold.h). */
START_TEST (colours_are_the_pictures)
{
  g_autoptr (TessRequest) request
      = new_request (picture (16, 16, "R'G'B' u8", FALSE), 64, 64);
  g_autoptr (GeglBuffer) result = NULL;
  g_autofree gfloat *got = NULL;
  g_autofree gfloat *wanted = tess_test_pixels (request->init);

  request->colours = _i;
  result = paint (request);
  got = tess_test_pixels (result);
  for (gint c = 0; c < 3; c++)
    ck_assert_double_lt (
        fabs (mean_of (got, 64, 64, c) - mean_of (wanted, 16, 16, c)),
        2.0 / 255.0);
}
END_TEST

/* Depth, space, channels and shape of what is given do not matter. */
START_TEST (any_kind_of_picture)
{
  static const struct
  {
    gint w, h;
    const gchar *format;
  } kinds[] = {
    { 12, 9, "Y' u8" },     { 12, 9, "R'G'B' u16" }, { 12, 9, "RGB float" },
    { 12, 9, "RGBA half" }, { 12, 9, "Y'A u16" },    { 1, 9, "R'G'B' u8" },
    { 9, 1, "R'G'B' u8" },  { 1, 1, "R'G'B'A u8" },
  };
  gint w = kinds[_i].w * 4, h = kinds[_i].h * 4;
  g_autoptr (TessRequest) request = NULL;
  g_autoptr (GeglBuffer) result = NULL;

  request = new_request (
      picture (kinds[_i].w, kinds[_i].h, kinds[_i].format, FALSE), w, h);
  result = paint (request);
  assert_finite (result);
  ck_assert (!babl_format_has_alpha (gegl_buffer_get_format (result)));
}
END_TEST

/* Where it lets through it still does; it goes through a PNG so. */
START_TEST (alpha_is_kept)
{
  g_autoptr (TessRequest) request
      = new_request (picture (20, 10, "R'G'B'A u8", TRUE), 80, 40);
  g_autoptr (GeglBuffer) result = paint (request);
  g_autofree gchar *folder = g_dir_make_tmp ("tess-alpha-XXXXXX", NULL);
  g_autofree gchar *path = g_build_filename (folder, "a.png", NULL);
  const TessPngSettings settings = { .depth = 16 };
  g_autoptr (GeglBuffer) back = NULL;
  g_autoptr (GError) error = NULL;
  guint16 cells[2][4];

  ck_assert (babl_format_has_alpha (gegl_buffer_get_format (result)));
  ck_assert (tess_png_save (result, path, &settings, NULL, &error));
  back = tess_png_load (path, TESS_PNG_PICTURE, &error);
  ck_no_error (error);
  for (gint i = 0; i < 2; i++)
    gegl_buffer_get (back, GEGL_RECTANGLE (i == 0 ? 8 : 72, 20, 1, 1), 1.0,
                     babl_format ("R'G'B'A u16"), cells[i], GEGL_AUTO_ROWSTRIDE,
                     GEGL_ABYSS_NONE);
  ck_assert_int_eq (cells[0][3], 65535);
  ck_assert_int_le (ABS (cells[1][3] - 65535 / 4), 300);
  tess_test_remove (folder);
}
END_TEST

/* Black that cannot be seen does not darken white that can. */
START_TEST (unseen_colours_do_not_bleed)
{
  g_autoptr (GeglBuffer) src = gegl_buffer_new (GEGL_RECTANGLE (0, 0, 13, 7),
                                                babl_format ("R'G'B'A u8"));
  guint8 cells[13 * 7][4] = { 0 };
  g_autoptr (TessUpscale) upscale = NULL;
  gfloat planes[3 * 52 * 28];

  for (gint i = 0; i < 13 * 7; i++)
    if (i % 13 > 8)
      memset (cells[i], 255, 4);
  gegl_buffer_set (src, NULL, 0, babl_format ("R'G'B'A u8"), cells,
                   GEGL_AUTO_ROWSTRIDE);
  upscale = tess_upscale_new (src, 52, 28, 8, 4, NULL);
  ck_assert_ptr_nonnull (upscale);
  ck_assert (tess_upscale_load (upscale, NULL));
  ck_assert_ptr_nonnull (upscale->alpha.src);
  ck_assert (tess_upscale_read (0, 0, 52, 28, planes, upscale, NULL));
  for (gint i = 0; i < 3 * 52 * 28; i++)
    ck_assert_float_eq_tol (planes[i], 1.0f, 1e-5f);
}
END_TEST

/* Lights above 1 and colours that sRGB has not are not the networks' matter:
 * they stay, and nothing rings about them. */
START_TEST (what_is_beyond_is_kept)
{
  GeglBuffer *src = gegl_buffer_new (GEGL_RECTANGLE (0, 0, 24, 16),
                                     babl_format ("R'G'B' float"));
  gfloat cells[16][24][3];
  g_autoptr (TessRequest) request = NULL;
  g_autoptr (GeglBuffer) result = NULL;
  g_autofree gfloat *pixels = NULL;

  for (gint y = 0; y < 16; y++)
    for (gint x = 0; x < 24; x++)
      {
        cells[y][x][0] = x < 12 ? 0.5f : -0.25f;
        cells[y][x][1] = 0.5f;
        cells[y][x][2] = x < 12 ? 8.0f : 0.5f;
      }
  gegl_buffer_set (src, NULL, 0, babl_format ("R'G'B' float"), cells,
                   GEGL_AUTO_ROWSTRIDE);
  request = new_request (src, 96, 64);
  result = paint (request);
  pixels = tess_test_pixels (result);
  for (gint y = 0; y < 64; y++)
    for (gint x = 0; x < 96; x++)
      {
        const gfloat *p = pixels + 3 * (y * 96 + x);

        ck_assert (p[0] >= -0.25f * 1.2f && p[0] <= 1.0f);
        ck_assert (p[1] >= 0.0f && p[1] <= 1.0f);
        ck_assert (p[2] >= 0.0f && p[2] <= 8.0f * 1.2f);
        if (x < 40)
          ck_assert (p[2] >= 7.0f && p[0] >= 0.0f);
        if (x >= 56)
          ck_assert (p[0] <= 0.75f && p[2] <= 1.0f);
      }
}
END_TEST

/* Tiles may lie in other ways: each is another picture, of the same colours. */
START_TEST (tiles_may_shift)
{
  static const TessRefine rows[]
      = { TESS_REFINE_SHIFTED, TESS_REFINE_FSTD, TESS_REFINE_SPOT,
          TESS_REFINE_MULTIDIFFUSION };
  g_autoptr (TessRequest) request
      = new_request (picture (60, 44, "R'G'B' u8", FALSE), 240, 176);
  g_autoptr (TessStudio) studio = tess_studio_new ();
  g_autoptr (GeglBuffer) usual = paint_in (studio, request);
  g_autofree gfloat *a = tess_test_pixels (usual);
  TessJobPlan plan, quick;

  ck_assert (tess_studio_plan (studio, request, &plan, NULL));
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GeglBuffer) other = NULL;
      g_autofree gfloat *b = NULL;

      request->refine = rows[i];
      ck_assert (tess_studio_plan (studio, request, &quick, NULL));
      other = paint_in (studio, request);
      b = tess_test_pixels (other);
      if (rows[i] == TESS_REFINE_MULTIDIFFUSION)
        ck_assert_int_eq (quick.n_calls, plan.n_calls);
      else
        ck_assert_int_lt (quick.n_calls, plan.n_calls * 3 / 4);
      ck_assert_double_gt (tess_test_error (b, a, 240 * 176 * 3), 1e-4);
      for (gint c = 0; c < 3; c++)
        ck_assert_double_eq_tol (mean_of (a, 240, 176, c),
                                 mean_of (b, 240, 176, c), 2.0 / 255.0);
      assert_finite (other);
      tess_job_plan_clear (&quick);
    }
  tess_job_plan_clear (&plan);
}
END_TEST

static GeglBuffer *
paint_any_size (TessSecond second, gboolean region, gint *n_calls)
{
  g_autoptr (TessRequest) request = tess_test_request ();
  g_autoptr (TessStudio) studio = tess_studio_new ();
  g_autoptr (GError) error = NULL;
  TessJobPlan plan;
  GeglBuffer *result;

  request->method = TESS_TILING_ANY_SIZE;
  request->second = second;
  if (region)
    tess_request_add_region (
        request, "a barn", NULL,
        gegl_buffer_new (GEGL_RECTANGLE (0, 0, 1, 1), babl_format ("Y float")),
        NULL);
  ck_assert (tess_studio_plan (studio, request, &plan, &error));
  *n_calls = plan.n_calls;
  tess_job_plan_clear (&plan);
  result = tess_studio_run (studio, request, NULL, NULL, &error);
  ck_no_error (error);
  return result;
}

/* Any size upscales its second picture where the model can, unless it is told
 * not to, or is asked for what upscaling has not. */
START_TEST (any_size_upscales)
{
  const TessSecond seconds[]
      = { TESS_SECOND_AUTO, TESS_SECOND_UPSCALE, TESS_SECOND_REPAINT,
          TESS_SECOND_AUTO, TESS_SECOND_REPAINT };
  gfloat *pixels[5];
  gint n_calls[5];

  for (gint i = 0; i < 5; i++)
    {
      g_autoptr (GeglBuffer) result
          = paint_any_size (seconds[i], i > 2, &n_calls[i]);

      assert_finite (result);
      pixels[i] = tess_test_pixels (result);
    }
  ck_assert_mem_eq (pixels[0], pixels[1], 150 * 75 * 3 * sizeof (gfloat));
  ck_assert_double_gt (tess_test_error (pixels[0], pixels[2], 150 * 75 * 3),
                       1e-3);
  ck_assert_mem_eq (pixels[3], pixels[4], 150 * 75 * 3 * sizeof (gfloat));
  ck_assert_int_eq (n_calls[0], n_calls[1]);
  ck_assert_int_ne (n_calls[0], n_calls[2]);
  for (gint i = 0; i < 5; i++)
    g_free (pixels[i]);
}
END_TEST

/* A canvas for a window, however thin the picture, but not a giant one. */
START_TEST (canvases)
{
  static const struct
  {
    gint w, h, canvas_w, canvas_h;
  } rows[] = {
    { 600, 700, 608, 704 },   { 640, 640, 640, 640 }, { 400, 512, 512, 655 },
    { 100, 100, 512, 512 },   { 4, 400, 512, 2048 },  { 4, 4000, 512, 4032 },
    { 2049, 512, 2080, 544 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GeglBuffer) src = picture (2, 2, "R'G'B' u8", FALSE);
      g_autoptr (TessUpscale) upscale
          = tess_upscale_new (src, rows[i].w, rows[i].h, 512, 32, NULL);
      gint h = upscale->picture.padded_h;

      ck_assert_int_eq (upscale->picture.padded_w % 32, 0);
      ck_assert_int_eq (h % 32, 0);
      ck_assert_int_ge (upscale->picture.padded_w, rows[i].canvas_w);
      ck_assert_int_le (upscale->picture.padded_w, rows[i].canvas_w + 32);
      ck_assert_int_ge (h, rows[i].canvas_h - 32);
      ck_assert_int_le (h, rows[i].canvas_h + 32);
    }
}
END_TEST

/* "R'G'B'A float" */
static gfloat *
all_of (GeglBuffer *buffer)
{
  gsize n = (gsize) gegl_buffer_get_width (buffer)
            * gegl_buffer_get_height (buffer) * 4;
  gfloat *cells = g_new (gfloat, n);

  gegl_buffer_get (buffer, NULL, 1.0, babl_format ("R'G'B'A float"), cells,
                   GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
  return cells;
}

/* Stopped after a step and gone on, it is the same to the bit. */
static void
stop_after_first (const TessProgress *progress, gpointer data)
{
  if (progress->stage == TESS_STAGE_SAMPLE && progress->step >= 1)
    g_cancellable_cancel (data);
}

START_TEST (it_goes_on_where_it_was)
{
  g_autoptr (TessRequest) request
      = new_request (picture (23, 18, "R'G'B'A u16", TRUE), 92, 72);
  g_autofree gchar *top = g_dir_make_tmp ("tess-upscale-XXXXXX", NULL);
  g_autofree gchar *path = g_build_filename (top, "job", NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (TessStudio) studio = tess_studio_new ();
  g_autoptr (TessRequest) own = NULL;
  g_autoptr (GeglBuffer) whole = NULL;
  g_autoptr (GeglBuffer) result = NULL;
  g_autofree gfloat *a = NULL;
  g_autofree gfloat *b = NULL;
  g_autoptr (GError) error = NULL;
  TessJobHooks hooks = { .progress = stop_after_first, .data = cancellable };

  request->steps = 4;
  whole = paint (request);
  hooks.folder = tess_job_folder_new (path, request, &error);
  ck_no_error (error);
  ck_assert_ptr_null (
      tess_studio_run (studio, request, &hooks, cancellable, &error));
  g_clear_error (&error);
  tess_job_folder_close (hooks.folder);
  hooks
      = (TessJobHooks) { .folder = tess_job_folder_open (path, &own, &error) };
  ck_no_error (error);
  ck_assert_int_eq (own->method, TESS_TILING_UPSCALE);
  result = tess_studio_run (studio, own, &hooks, NULL, &error);
  ck_no_error (error);
  a = all_of (whole);
  b = all_of (result);
  ck_assert_mem_eq (a, b, 92 * 72 * 4 * sizeof *a);
  tess_job_folder_close (hooks.folder);
  tess_test_remove (top);
}
END_TEST

static void
assert_refused (TessRequest *request, gint code, const gchar *word)
{
  g_autoptr (TessStudio) studio = tess_studio_new ();
  g_autoptr (GError) error = NULL;

  ck_assert_ptr_null (tess_studio_run (studio, request, NULL, NULL, &error));
  ck_assert_msg (g_error_matches (error, TESS_ERROR, code), "%s",
                 error->message);
  ck_assert_msg (strstr (error->message, word) != NULL, "%s", error->message);
}

START_TEST (what_cannot_be_done_is_said)
{
  g_autoptr (TessRequest) request
      = new_request (picture (23, 18, "R'G'B' u8", FALSE), 92, 72);
  g_autofree gchar *folder = g_dir_make_tmp ("tess-plain-XXXXXX", NULL);
  g_autofree gchar *plain
      = g_build_filename (folder, "plain.safetensors", NULL);
  g_autoptr (TessModel) model = NULL;
  TessModelConfig config;

  request->wrap = TESS_WRAP_HORIZONTAL;
  assert_refused (request, TESS_ERROR_REQUEST, "closes no edges");
  request->wrap = TESS_WRAP_AUTO;
  request->memory = 100 << 20;
  request->width = request->height = 16000;
  assert_refused (request, TESS_ERROR_MEMORY, "GiB are free");
  request->memory = 0;
  request->width = 92;
  request->height = 72;
  request->upscale_model = tess_test_data ("samplers.safetensors");
  assert_refused (request, TESS_ERROR_MODEL, "no weights of StableSR");
  g_clear_pointer (&request->upscale_model, g_free);

  ck_assert (tess_synthetic_config ("tiny15", &config, NULL));
  config.text.n_tokens = 49408;
  config.text.bos_id = 49406;
  config.text.eos_id = config.text.pad_id = 49407;
  model = tess_model_new_random (&config, "plain", NULL);
  ck_assert (tess_model_write_single (model, plain, FALSE, NULL));
  g_free (request->model);
  request->model = g_strdup (plain);
  assert_refused (request, TESS_ERROR_MODEL, "upscale-model");
  /* A whole model may be where its additions come from. */
  request->upscale_model = g_strdup (tess_test_model);
  g_object_unref (paint (request));
  g_clear_object (&request->init);
  assert_refused (request, TESS_ERROR_REQUEST, "no picture");
  tess_test_remove (folder);
}
END_TEST

Suite *
tess_test_suite (void)
{
  Suite *suite = suite_create ("upscale");
  TCase *tcase = tcase_create ("upscale");

  tcase_add_unchecked_fixture (tcase, tess_test_make_upscaler,
                               tess_test_drop_model);
  tcase_add_test (tcase, a_picture_is_painted_larger);
  tcase_add_test (tcase, the_job_is_its_parts);
  tcase_add_loop_test (tcase, colours_are_the_pictures, 0, 2);
  tcase_add_loop_test (tcase, any_kind_of_picture, 0, 8);
  tcase_add_test (tcase, alpha_is_kept);
  tcase_add_test (tcase, unseen_colours_do_not_bleed);
  tcase_add_test (tcase, what_is_beyond_is_kept);
  tcase_add_test (tcase, any_size_upscales);
  tcase_add_test (tcase, tiles_may_shift);
  tcase_add_test (tcase, canvases);
  tcase_add_test (tcase, it_goes_on_where_it_was);
  tcase_add_test (tcase, what_cannot_be_done_is_said);
  suite_add_tcase (suite, tcase);
  return suite;
}
