/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/core/denoise.c: the loop, on formulas in place of a network. */
#include "core/denoise.h"
#include "core/error.h"
#include "core/model-synthetic.h"
#include "core/multidiffusion.h"
#include "core/tensor-file.h"
#include "tests/harness.h"

#include <gio/gio.h>
#include <math.h>
#include <string.h>

#define CHANNELS 4

static const TessDiffusionConfig diffusion = {
  .n_train_steps = 1000,
  .beta_start = 0.00085,
  .beta_end = 0.012,
  .betas = TESS_BETAS_SCALED_LINEAR,
  .prediction = TESS_PREDICTION_EPS,
  .spacing = TESS_SPACING_LEADING,
  .steps_offset = 1,
};

typedef struct
{
  gint w, h, tile, overlap;
  TessGrid grid_x, grid_y;
  TessTileWeight weight;
  TessSamplerKind sampler;
  TessPrediction prediction;
  gint n_steps, batch;
  const gint *order;
  TessRegions *regions;
  gboolean guided;
  gdouble guidance, rescale;
  const gint32 *halves;
  TessDenoiser denoiser;
  gpointer data;
  GCancellable *cancellable;
  gint64 n_samples; /* told */
} Run;

static const gint32 positive_rows[] = { 3, 4, 5 };
static const gint32 negative_rows[] = { 0, 1, 2 };

/* Runs the loop from unit noise @x; FALSE: @error. */
static gboolean
run_loop (Run *run, TessTensor *x, GError **error)
{
  const TessMultidiffusionSettings method = {
    .tiles = { run->w, run->h, run->tile, run->tile, run->overlap, run->overlap,
               8, run->grid_x, run->grid_y },
    .weight = run->weight,
  };
  const TessSamplerSettings sampler_settings
      = { .kind = run->sampler, .n_steps = run->n_steps };
  TessDiffusionConfig config = diffusion;
  TessRandom random;
  TessDenoise job = {
    .denoiser = run->denoiser,
    .denoiser_data = run->data,
    .channels = CHANNELS,
    .batch = run->batch,
    .order = run->order,
    .positive = positive_rows,
    .negative = run->guided ? negative_rows : NULL,
    .halves = run->halves,
    .guidance = run->guidance,
    .guidance_rescale = run->rescale,
    .regions = run->regions,
    .random = &random,
  };
  gboolean good;

  config.prediction = run->prediction;
  tess_random_init (&random, 77);
  job.method = tess_multidiffusion_new (&method, error);
  ck_assert_ptr_nonnull (job.method);
  job.sampler = tess_sampler_new (&config, &sampler_settings, error);
  ck_assert_ptr_nonnull (job.sampler);
  run->n_samples = tess_denoise_n_samples (&job);
  for (gsize i = 0; i < tess_tensor_n_elements (x); i++)
    tess_tensor_f32 (x)[i] *= (gfloat) tess_sampler_init_sigma (job.sampler);
  good = tess_denoise_run (&job, x, run->cancellable, error);
  tess_sampler_free (job.sampler);
  tess_method_free (job.method);
  return good;
}

static TessTensor *
noise_new (gint w, gint h, guint64 seed)
{
  TessTensor *x = tess_tensor_new_nchw (1, CHANNELS, h, w, NULL);
  TessRandom random;

  tess_random_init (&random, seed);
  tess_random_normal (&random, tess_tensor_f32 (x), tess_tensor_n_elements (x));
  return x;
}

/* The stand-in of the golden cases; rows below @n_prompts are negative. */
typedef struct
{
  gint n_prompts;
  gint n_seen;
  gint cancel_at; /* sample, from 1; 0: never */
  GCancellable *cancellable;
} StandIn;

static gboolean
stand_in (const TessUnetCall *call,
          gpointer data,
          GCancellable *cancellable,
          GError **error)
{
  StandIn *self = data;

  for (gint k = 0; k < call->n; k++)
    {
      gboolean negative = call->rows[k] < self->n_prompts;
      gint prompt = call->rows[k] % self->n_prompts;
      gdouble a = negative ? 0.70 : 0.72;
      gdouble b = negative ? 0.20 : 0.17;
      gdouble c = negative ? 0.10 : 0.06;

      for (gint r = 0; r < CHANNELS * call->h; r++)
        {
          gsize at = ((gsize) k * CHANNELS * call->h + r) * call->w;
          const gfloat *src = call->src + at;

          for (gint x = 0; x < call->w; x++)
            {
              gdouble left = src[MAX (x - 1, 0)];
              gdouble right = src[MIN (x + 1, call->w - 1)];

              call->dst[at + x]
                  = (gfloat) (a * src[x] + b * tanh ((left + right) / 2.0)
                              + c * x / call->w + 0.05 * prompt);
            }
        }
      self->n_seen++;
      if (self->n_seen == self->cancel_at)
        g_cancellable_cancel (self->cancellable);
    }
  return !g_cancellable_set_error_if_cancelled (cancellable, error);
}

static void
fill_unit (const gchar *name, gfloat *dst, gsize n)
{
  tess_formula_values (name, 0.0, sqrt (3.0), 0, n, dst);
}

typedef struct
{
  const gchar *name;
  gint w, h, n_prompts, row_step;
  gdouble tolerance;
} Golden;

static const Golden golden[] = {
  { "pano-standin", 112, 64, 1, 4, 3e-5 },
  { "region-standin", 80, 64, 3, 2, 2.9e-5 },
  { "region-standin-soft", 80, 64, 3, 2, 2.9e-5 },
};

/* What upstream drew, for each window of each bootstrapped step. */
static gint
golden_pick (gint step, gint tile, gint prompt, gpointer data)
{
  static const gint picks[12][2]
      = { { 3, 0 }, { 1, 2 }, { 3, 3 }, { 3, 3 }, { 0, 1 }, { 2, 3 },
          { 0, 1 }, { 2, 2 }, { 2, 0 }, { 3, 2 }, { 0, 0 }, { 3, 3 } };

  return picks[step * 3 + tile][prompt - 1];
}

/* The published loops of MultiDiffusion, panorama and regions, which step
 * each window and average: ours sums first and must agree. */
START_TEST (test_golden)
{
  const Golden *g = &golden[_i];
  g_autofree gchar *path = tess_test_data ("tiling/standin.safetensors");
  g_autoptr (GError) error = NULL;
  g_autoptr (TessTensorFile) file = tess_tensor_file_open (path, &error);
  g_autoptr (TessTensor) x
      = tess_tensor_new_nchw (1, CHANNELS, g->h, g->w, &error);
  g_autofree gchar *key = g_strdup_printf ("input:%s:noise", g->name);
  g_autofree gchar *result = g_strdup_printf ("%s/latent", g->name);
  gsize plane = (gsize) g->w * g->h, n_tile = (gsize) CHANNELS * 64 * 64;
  g_autofree gfloat *noise = g_new (gfloat, CHANNELS * plane);
  g_autofree gfloat *backgrounds = g_new (gfloat, 4 * n_tile);
  g_autoptr (TessRegions) regions = NULL;
  TessTensor *expected;
  StandIn net = { .n_prompts = g->n_prompts };
  gdouble worst = 0.0;
  Run run = {
    .w = g->w,
    .h = g->h,
    .tile = 64,
    .overlap = 56,
    .weight = TESS_WEIGHT_UNIFORM,
    .n_steps = 10,
    .batch = 3,
    .guided = TRUE,
    .guidance = 7.5,
    .denoiser = stand_in,
    .data = &net,
  };

  ck_no_error (error);
  expected = tess_tensor_file_get (file, result);
  ck_assert_ptr_nonnull (expected);
  fill_unit (key, noise, CHANNELS * plane);
  memcpy (x->data, noise, x->n_bytes);
  if (g->n_prompts > 1)
    {
      g_autofree gchar *masks = g_strdup_printf ("%s/in/masks", g->name);
      g_autofree gchar *name
          = g_strdup_printf ("input:%s:backgrounds", g->name);
      const gfloat *given
          = tess_tensor_f32 (tess_tensor_file_get (file, masks));

      fill_unit (name, backgrounds, 4 * n_tile);
      regions = tess_regions_new (2, g->w, g->h, given + plane, &error);
      ck_no_error (error);
      for (gsize i = 0; i < 3 * plane; i++)
        ck_assert_float_eq_tol (regions->masks[i], given[i], 1e-6f);
      regions->n_steps = 4;
      regions->n_backgrounds = 4;
      regions->backgrounds = backgrounds;
      regions->noise = noise;
      regions->pick = golden_pick;
      run.regions = regions;
    }
  else
    net.n_prompts = 3; /* rows 0 and 3 */
  ck_assert (run_loop (&run, x, &error));
  for (gint c = 0, k = 0; c < CHANNELS; c++)
    for (gint y = 0; y < g->h; y += g->row_step)
      for (gint u = 0; u < g->w; u++, k++)
        worst = fmax (
            worst, fabs (tess_tensor_f32 (x)[(gsize) c * plane + y * g->w + u]
                         - (gdouble) tess_tensor_f32 (expected)[k]));
  ck_assert_msg (worst <= g->tolerance, "%s: %g", g->name, worst);
}
END_TEST

/* A function of each cell alone. */
static gboolean
pointwise (const TessUnetCall *call,
           gpointer data,
           GCancellable *cancellable,
           GError **error)
{
  gsize n = (gsize) call->n * CHANNELS * call->h * call->w;

  for (gsize i = 0; i < n; i++)
    call->dst[i] = 0.8f * call->src[i] + 0.1f * sinf (call->src[i]);
  return TRUE;
}

/* Spec 8.2, 6 and 7: with such a function, tiles change nothing, for every
 * sampler, those with noise too: it is drawn on the canvas. */
START_TEST (test_identity)
{
  Run one = { .w = 64,
              .h = 40,
              .tile = 64,
              .sampler = (TessSamplerKind) _i,
              .n_steps = 6,
              .denoiser = pointwise };
  g_autoptr (TessTensor) whole = noise_new (64, 40, 5);
  g_autoptr (GError) error = NULL;

  ck_assert (run_loop (&one, whole, &error));
  ck_no_error (error);
  for (gint grid = TESS_GRID_EVEN; grid <= TESS_GRID_RING; grid++)
    for (gint weight = 0; weight <= TESS_WEIGHT_QUARTIC; weight++)
      {
        g_autoptr (TessTensor) tiled = noise_new (64, 40, 5);
        Run run = one;

        run.tile = 16;
        run.overlap = 9;
        run.grid_x = (TessGrid) grid;
        run.weight = (TessTileWeight) weight;
        ck_assert (run_loop (&run, tiled, &error));
        ck_assert (tess_test_error (tess_tensor_f32 (tiled),
                                    tess_tensor_f32 (whole),
                                    tess_tensor_n_elements (whole))
                   < 1e-5);
      }
}
END_TEST

static gboolean
nothing (const TessUnetCall *call,
         gpointer data,
         GCancellable *cancellable,
         GError **error)
{
  memset (call->dst, 0,
          sizeof (gfloat) * call->n * CHANNELS * call->h * call->w);
  return TRUE;
}

/* Spec 8.2, 7: the noise that a stochastic sampler adds is as strong where
 * tiles overlap as elsewhere. */
START_TEST (test_variance)
{
  static const TessSamplerKind kinds[]
      = { TESS_SAMPLER_DDPM, TESS_SAMPLER_EULER_ANCESTRAL };
  Run run = { .w = 400,
              .h = 400,
              .tile = 40,
              .overlap = 10,
              .sampler = kinds[_i],
              .n_steps = 4,
              .weight = TESS_WEIGHT_UNIFORM,
              .denoiser = nothing };
  g_autoptr (TessTensor) x = tess_tensor_new_nchw (1, CHANNELS, 400, 400, NULL);
  gdouble sums[2] = { 0 }, channels[CHANNELS] = { 0 };
  gint64 counts[2] = { 0 };

  ck_assert (run_loop (&run, x, NULL));
  for (gint c = 0; c < CHANNELS; c++)
    for (gint y = 0; y < 400; y++)
      for (gint u = 0; u < 400; u++)
        {
          gdouble v = tess_tensor_f32 (x)[((gsize) c * 400 + y) * 400 + u];
          gint inside = u % 30 < 10 || y % 30 < 10;

          sums[inside] += v * v;
          channels[c] += v * v;
          counts[inside]++;
        }
  ck_assert_double_gt (sums[0], 0.0);
  ck_assert_double_eq_tol ((sums[0] / counts[0]) / (sums[1] / counts[1]), 1.0,
                           0.02);
  for (gint c = 1; c < CHANNELS; c++)
    ck_assert_double_eq_tol (channels[c] / channels[0], 1.0, 0.03);
}
END_TEST

static TessRegions *
regions_new (gint w, gint h, gfloat edge)
{
  g_autofree gfloat *masks = g_new0 (gfloat, (gsize) 2 * w * h);

  for (gint y = 0; y < h; y++)
    for (gint x = 0; x < w; x++)
      {
        masks[y * w + x] = x < w / 4 ? 1.0f : x == w / 4 ? edge : 0.0f;
        masks[(h + y) * w + x] = x > w / 2 && y > h / 3 ? 1.0f : 0.0f;
      }
  return tess_regions_new (2, w, h, masks, NULL);
}

/* Spec 8.2, 8: bit for bit the same for any batch and order of tiles. */
START_TEST (test_determinism)
{
  g_autoptr (TessRegions) regions = regions_new (50, 40, 0.4f);
  g_autoptr (TessTensor) noise = noise_new (50, 40, 3);
  g_autofree gfloat *backgrounds = g_new (gfloat, 2 * CHANNELS * 16 * 16);
  g_autoptr (TessTensor) first = NULL;
  gint order[256];
  StandIn net = { .n_prompts = 3 };
  GRand *rand = g_rand_new_with_seed (1);

  fill_unit ("backgrounds", backgrounds, 2 * CHANNELS * 16 * 16);
  regions->n_steps = 2;
  regions->n_backgrounds = 2;
  regions->backgrounds = backgrounds;
  regions->noise = tess_tensor_f32 (noise);
  for (gint k = 0; k < 256; k++)
    order[k] = k;
  for (gint round = 0; round < 12; round++)
    {
      g_autoptr (TessTensor) x = noise_new (50, 40, 3);
      Run run = { .w = 50,
                  .h = 40,
                  .tile = 16,
                  .overlap = 8,
                  .grid_x = TESS_GRID_RING,
                  .sampler = TESS_SAMPLER_EULER_ANCESTRAL,
                  .n_steps = 5,
                  .batch = round % 8,
                  .order = round > 0 ? order : NULL,
                  .regions = regions,
                  .guided = TRUE,
                  .guidance = 5.0,
                  .rescale = 0.3,
                  .denoiser = stand_in,
                  .data = &net };

      if (round > 1)
        for (gint k = 27; k > 0; k--) /* 7 x 4 tiles */
          {
            gint j = g_rand_int_range (rand, 0, k + 1), t = order[k];

            order[k] = order[j];
            order[j] = t;
          }
      ck_assert (run_loop (&run, x, NULL));
      if (first == NULL)
        first = tess_tensor_ref (x);
      ck_assert_mem_eq (first->data, x->data, x->n_bytes);
    }
  g_rand_free (rand);
}
END_TEST

/* dst = src turned to the left by so many columns. */
static void
turn (const gfloat *src, gint n_rows, gint w, gint by, gfloat *dst)
{
  for (gint r = 0; r < n_rows; r++)
    for (gint x = 0; x < w; x++)
      dst[r * w + x] = src[r * w + (x + by) % w];
}

/* Two masks, of which the second lies across the seam when it is turned. */
static TessRegions *
turned_regions_new (gint w, gint h, gint by)
{
  g_autofree gfloat *masks = g_new (gfloat, (gsize) 2 * w * h);

  for (gint y = 0; y < h; y++)
    for (gint x = 0; x < w; x++)
      {
        gint from = (x + by) % w;

        masks[y * w + x] = from < w / 4 && y < h / 2 ? 1.0f : 0.0f;
        masks[(h + y) * w + x] = from >= w / 3 && from < w / 2 ? 0.7f : 0.0f;
      }
  return tess_regions_new (2, w, h, masks, NULL);
}

/* Spec 8.2, 4: noise turned by whole strides gives the picture turned, and
 * regions are where they were turned to. */
START_TEST (test_rotation)
{
  enum
  {
    W = 96,
    H = 24,
    BY = 40
  };
  StandIn net = { .n_prompts = 3 };
  Run run = { .w = W,
              .h = H,
              .tile = 32,
              .overlap = 24,
              .grid_x = TESS_GRID_RING,
              .weight = (TessTileWeight) (_i % 3),
              .sampler = TESS_SAMPLER_DPMPP_2M,
              .n_steps = 8,
              .guided = TRUE,
              .guidance = 4.0,
              .denoiser = stand_in,
              .data = &net };
  g_autoptr (TessTensor) straight = noise_new (W, H, 8);
  g_autoptr (TessTensor) turned = noise_new (W, H, 8);
  g_autoptr (TessTensor) wanted = noise_new (W, H, 8);
  g_autoptr (TessRegions) regions = turned_regions_new (W, H, 0);
  g_autoptr (TessRegions) turned_regions = turned_regions_new (W, H, BY);

  turn (tess_tensor_f32 (straight), CHANNELS * H, W, BY,
        tess_tensor_f32 (turned));
  run.regions = _i < 3 ? NULL : regions;
  ck_assert (run_loop (&run, straight, NULL));
  run.regions = _i < 3 ? NULL : turned_regions;
  ck_assert (run_loop (&run, turned, NULL));
  turn (tess_tensor_f32 (straight), CHANNELS * H, W, BY,
        tess_tensor_f32 (wanted));
  for (gint i = 0; i < CHANNELS * W * H; i++)
    ck_assert_float_eq_tol (tess_tensor_f32 (turned)[i],
                            tess_tensor_f32 (wanted)[i], 1e-4f);
}
END_TEST

/* Says that the picture has the colour of the prompt. */
static gboolean
painter (const TessUnetCall *call,
         gpointer data,
         GCancellable *cancellable,
         GError **error)
{
  gsize n_tile = (gsize) CHANNELS * call->h * call->w;

  for (gint k = 0; k < call->n; k++)
    for (gsize i = 0; i < n_tile; i++)
      call->dst[k * n_tile + i] = (gfloat) call->rows[k];
  return TRUE;
}

/* Spec 8.2, 13: each prompt paints its mask and nothing else. */
START_TEST (test_mask_fidelity)
{
  g_autoptr (TessRegions) regions = regions_new (64, 48, 0.0f);
  g_autoptr (TessTensor) x = noise_new (64, 48, 4);
  g_autoptr (TessTensor) noise = noise_new (64, 48, 4);
  g_autofree gfloat *backgrounds = g_new (gfloat, 2 * CHANNELS * 16 * 16);
  Run run = { .w = 64,
              .h = 48,
              .tile = 16,
              .overlap = 8,
              .prediction = TESS_PREDICTION_X0,
              .n_steps = 10,
              .batch = 4,
              .regions = regions,
              .denoiser = painter };

  fill_unit ("backgrounds", backgrounds, 2 * CHANNELS * 16 * 16);
  regions->n_steps = _i * 2;
  regions->n_backgrounds = 2;
  regions->backgrounds = backgrounds;
  regions->noise = tess_tensor_f32 (noise);
  ck_assert (run_loop (&run, x, NULL));
  for (gint y = 0; y < 48; y++)
    for (gint u = 0; u < 64; u++)
      {
        gint n = u < 16 ? 1 : u > 32 && y > 16 ? 2 : 0;

        ck_assert_float_eq_tol (tess_tensor_f32 (x)[y * 64 + u],
                                (gfloat) positive_rows[n], 0.15f);
      }
}
END_TEST

/* Tiles that lie in one half of the canvas alone have its words; those of a
 * region stay as they are, and so does a canvas that closes from top to
 * bottom. */
START_TEST (test_halves)
{
  static const gint32 halves[] = { 7, 9 };
  g_autoptr (TessTensor) x = noise_new (32, 64, 4);
  g_autoptr (TessRegions) regions = _i == 1 ? regions_new (32, 64, 0.0f) : NULL;
  Run run = { .w = 32,
              .h = 64,
              .tile = 16,
              .overlap = 0,
              .grid_y = _i == 2 ? TESS_GRID_RING : TESS_GRID_EVEN,
              .prediction = TESS_PREDICTION_X0,
              .n_steps = 10,
              .batch = 1,
              .regions = regions,
              .halves = halves,
              .denoiser = painter };

  ck_assert (run_loop (&run, x, NULL));
  for (gint y = 0; y < 64; y++)
    {
      gint32 row = _i == 2 ? positive_rows[0] : halves[y >= 32];

      ck_assert_float_eq_tol (tess_tensor_f32 (x)[y * 32 + 12], (gfloat) row,
                              0.15f);
      if (_i == 1)
        ck_assert_float_eq_tol (tess_tensor_f32 (x)[y * 32],
                                (gfloat) positive_rows[1], 0.15f);
    }
}
END_TEST

/* The network is asked as often as was said; not about prompts that have no
 * cell in a tile, and once for a negative that prompts share. */
START_TEST (test_samples)
{
  g_autoptr (TessRegions) regions = regions_new (64, 32, 0.0f);
  g_autoptr (TessTensor) x = noise_new (64, 32, 4);
  StandIn net = { .n_prompts = 3 };
  Run run = { .w = 64,
              .h = 32,
              .tile = 32,
              .n_steps = 3,
              .regions = regions,
              .guided = TRUE,
              .guidance = 2.0,
              .denoiser = stand_in,
              .data = &net };

  ck_assert (run_loop (&run, x, NULL));
  /* left tile: background and prompt 1; right tile: background, prompt 2 */
  ck_assert_int_eq (net.n_seen, 3 * 2 * 4);
  ck_assert (run.n_samples == net.n_seen);
}
END_TEST

/* Cancelled at each sample in turn: answered before the next call. */
START_TEST (test_cancel)
{
  gint n = G_MAXINT;

  for (gint at = 1; at <= n; at++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autoptr (GError) error = NULL;
      g_autoptr (TessTensor) x = noise_new (40, 24, 4);
      StandIn net
          = { .n_prompts = 3, .cancel_at = at, .cancellable = cancellable };
      Run run = { .w = 40,
                  .h = 24,
                  .tile = 16,
                  .overlap = 4,
                  .n_steps = 2,
                  .guided = TRUE,
                  .guidance = 2.0,
                  .denoiser = stand_in,
                  .data = &net,
                  .cancellable = cancellable };

      ck_assert (!run_loop (&run, x, &error));
      ck_assert (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
      ck_assert_int_eq (net.n_seen, at);
      n = (gint) run.n_samples;
    }
  ck_assert_int_gt (n, 20);
}
END_TEST

static gboolean
not_a_number (const TessUnetCall *call,
              gpointer data,
              GCancellable *cancellable,
              GError **error)
{
  nothing (call, data, cancellable, error);
  call->dst[17] = NAN;
  return TRUE;
}

START_TEST (test_not_a_number)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TessTensor) x = noise_new (40, 24, 4);
  Run run = {
    .w = 40, .h = 24, .tile = 16, .n_steps = 2, .denoiser = not_a_number
  };

  ck_assert (!run_loop (&run, x, &error));
  ck_assert (g_error_matches (error, TESS_ERROR, TESS_ERROR_MODEL));
}
END_TEST

/* Says 1 and -1 in turn for the prompt, half of it for the negative. */
static gboolean
checks (const TessUnetCall *call,
        gpointer data,
        GCancellable *cancellable,
        GError **error)
{
  gsize n_tile = (gsize) CHANNELS * call->h * call->w;

  for (gint k = 0; k < call->n; k++)
    for (gsize i = 0; i < n_tile; i++)
      call->dst[k * n_tile + i]
          = (i % 2 ? -1.0f : 1.0f) * (call->rows[k] < 3 ? 0.5f : 1.0f);
  return TRUE;
}

/* Guidance g of outputs n and p = 2 n is n (1 + g); rescaled in full it has
 * the deviation of p again. x0 predicted, so it is the picture. */
START_TEST (test_rescale)
{
  static const gdouble rescales[] = { 0.0, 1.0, 0.5 };
  static const gfloat expected[] = { 2.0f, 1.0f, 1.5f };
  g_autoptr (TessTensor) x = noise_new (40, 24, 4);
  Run run = { .w = 40,
              .h = 24,
              .tile = 16,
              .n_steps = 20,
              .prediction = TESS_PREDICTION_X0,
              .guided = TRUE,
              .guidance = 3.0,
              .rescale = rescales[_i],
              .denoiser = checks };

  ck_assert (run_loop (&run, x, NULL));
  ck_assert_float_eq_tol (fabsf (tess_tensor_f32 (x)[100]), expected[_i], 0.1f);
}
END_TEST

Suite *
tess_test_suite (void)
{
  Suite *suite = suite_create ("denoise");
  TCase *tcase = tcase_create ("denoise");

  tcase_add_loop_test (tcase, test_golden, 0, G_N_ELEMENTS (golden));
  tcase_add_loop_test (tcase, test_identity, 0, TESS_N_SAMPLERS);
  tcase_add_loop_test (tcase, test_variance, 0, 2);
  tcase_add_test (tcase, test_determinism);
  tcase_add_loop_test (tcase, test_rotation, 0, 6);
  tcase_add_loop_test (tcase, test_mask_fidelity, 0, 3);
  tcase_add_loop_test (tcase, test_halves, 0, 3);
  tcase_add_test (tcase, test_samples);
  tcase_add_test (tcase, test_cancel);
  tcase_add_test (tcase, test_not_a_number);
  tcase_add_loop_test (tcase, test_rescale, 0, 3);
  suite_add_tcase (suite, tcase);
  return suite;
}
