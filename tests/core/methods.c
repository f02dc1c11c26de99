/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/core/methods.c: methods whose tiles move, and the closed form of
 * StitchDiffusion, on formulas in place of a network. */
#include "core/error.h"
#include "core/moving.h"
#include "core/multidiffusion.h"
#include "core/stitch.h"
#include "tests/harness.h"

#include <math.h>
#include <string.h>

#define CHANNELS 2
#define N_STEPS 10

static TessMovingSettings
moving (gint w, gint h, gint tile, TessGrid grid_x, TessGrid grid_y)
{
  return (TessMovingSettings) {
    .tiles = { .width = w,
               .height = h,
               .tile_w = tile,
               .tile_h = tile,
               .align = 8,
               .grid_x = grid_x,
               .grid_y = grid_y },
    .seed = 5,
  };
}

/* Which part of the weights each cell gets: 1 where all is well. */
static void
sum_weights (const TessMethod *method, gdouble *sums)
{
  const TessTilePlan *plan = method->plan;

  memset (sums, 0, sizeof *sums * plan->width * plan->height);
  for (gint i = 0; i < plan->n_tiles; i++)
    {
      TessTile tile = tess_tile_plan_tile (plan, i);
      const gdouble *x
          = method->blend->x + (gsize) (i % plan->n_x) * plan->tile_w;
      const gdouble *y
          = method->blend->y + (gsize) (i / plan->n_x) * plan->tile_h;

      for (gint v = 0; v < tile.h; v++)
        for (gint u = 0; u < tile.w; u++)
          sums[(gsize) ((tile.y + v) % plan->height) * plan->width
               + (tile.x + u) % plan->width]
              += x[u] * y[v];
    }
}

static gint
n_uncovered (const TessMethod *method)
{
  gsize n = (gsize) method->plan->width * method->plan->height;
  g_autofree gdouble *sums = g_new (gdouble, n);
  gdouble worst = 0.0;
  gint gaps = 0;

  sum_weights (method, sums);
  for (gsize i = 0; i < n; i++)
    if (sums[i] == 0.0)
      gaps++;
    else
      worst = fmax (worst, fabs (sums[i] - 1.0));
  ck_assert_double_le (worst, 1e-12);
  return gaps;
}

/* w, h, tile, the grids, and what a cell may cost. */
static const struct
{
  gint w, h, tile;
  TessGrid grid_x, grid_y;
  gdouble least, most;
} costs[] = {
  { 256, 256, 64, TESS_GRID_EVEN, TESS_GRID_EVEN, 1.05, 1.15 }, /* 2048 px */
  { 256, 256, 32, TESS_GRID_EVEN, TESS_GRID_EVEN, 1.05, 1.15 },
  { 1024, 1024, 64, TESS_GRID_EVEN, TESS_GRID_EVEN, 1.05, 1.15 },
  { 256, 64, 64, TESS_GRID_RING, TESS_GRID_EVEN, 1.0, 1.05 },
  { 256, 128, 64, TESS_GRID_RING, TESS_GRID_RING, 1.0, 1.13 },
  { 128, 64, 128, TESS_GRID_RING, TESS_GRID_RING, 1.0, 1.0 },
  { 64, 64, 64, TESS_GRID_EVEN, TESS_GRID_EVEN, 1.0, 1.0 },
  { 250, 77, 64, TESS_GRID_EVEN, TESS_GRID_RING, 1.0, 2.2 }, /* slack */
  { 65, 130, 64, TESS_GRID_EVEN, TESS_GRID_EVEN, 1.0, 3.3 }, /* slack */
};

/* Neighbours on a row and in a column have so many cells in common. */
static void
check_overlap (const TessMethod *method, gint least)
{
  const TessTilePlan *plan = method->plan;

  for (gint i = 0; i + 1 < plan->n_x; i++)
    ck_assert_int_ge (
        (plan->starts_x[i] + plan->tile_w - plan->starts_x[i + 1] + plan->width)
            % plan->width,
        least);
  for (gint i = 0; i + 1 < plan->n_y; i++)
    ck_assert_int_ge ((plan->starts_y[i] + plan->tile_h - plan->starts_y[i + 1]
                       + plan->height)
                          % plan->height,
                      least);
}

/* Every cell is covered at every step, tile edges do not stay where they are,
 * at the last one tiles overlap, and the cost is what is promised over the ten
 * steps that any-size takes by default for its large picture. */
START_TEST (test_shifted)
{
  TessMovingSettings settings
      = moving (costs[_i].w, costs[_i].h, costs[_i].tile, costs[_i].grid_x,
                costs[_i].grid_y);
  g_autoptr (TessMethod) method = tess_shifted_new (&settings, NULL);
  gint stayed = 0, last = -1;
  gdouble cost = 0.0;

  ck_assert_ptr_nonnull (method);
  for (gint step = 0; step < N_STEPS; step++)
    {
      const TessTilePlan *plan = method->plan;
      gint place;

      method->begin_step (method, step, N_STEPS);
      ck_assert_int_eq (n_uncovered (method), 0);
      cost += tess_tile_plan_cost (plan) / N_STEPS;
      if (step == N_STEPS - 1)
        check_overlap (method, costs[_i].tile / 4);
      place = plan->starts_x[plan->n_x / 2] * 1024
              + plan->starts_y[plan->n_y / 2];
      ck_assert (plan->n_x == 1 || plan->tile_w == costs[_i].tile);
      for (gint i = 0; i < plan->n_tiles; i++)
        {
          TessTile tile = tess_tile_plan_tile (plan, i);

          ck_assert (tile.w % 8 == 0 && tile.h % 8 == 0);
          ck_assert (tile.w >= 8 && tile.h >= 8);
        }
      stayed += place == last;
      last = place;
    }
  ck_assert_double_ge (cost, costs[_i].least - 1e-9);
  ck_assert_double_le (cost, costs[_i].most + 1e-9);
  if (costs[_i].w > costs[_i].tile)
    ck_assert_int_le (stayed, N_STEPS / 4);
}
END_TEST

/* A step's tiles follow from its number alone: after a resume they are the
 * same. */
START_TEST (test_any_order)
{
  TessMovingSettings settings
      = moving (250, 256, 64, TESS_GRID_EVEN, TESS_GRID_EVEN);
  TessMethod *(*const make[]) (const TessMovingSettings *, GError **)
      = { tess_shifted_new, tess_fstd_new };
  TessMethod *a = make[_i](&settings, NULL), *b = make[_i](&settings, NULL);

  for (gint step = 0; step < N_STEPS; step++)
    a->begin_step (a, step, N_STEPS);
  for (gint step = N_STEPS - 1; step >= 0; step -= 5)
    {
      a->begin_step (a, step, N_STEPS);
      b->begin_step (b, step, N_STEPS);
      ck_assert_int_eq (a->plan->n_tiles, b->plan->n_tiles);
      ck_assert_mem_eq (a->plan->starts_x, b->plan->starts_x,
                        a->plan->n_x * sizeof (gint));
      ck_assert_mem_eq (a->plan->starts_y, b->plan->starts_y,
                        a->plan->n_y * sizeof (gint));
    }
  tess_method_free (a);
  tess_method_free (b);
}
END_TEST

/* As published: one tile in four steps rests at 0, else strips at the top and
 * left are free; nothing is covered twice but at the far end. */
START_TEST (test_fstd)
{
  TessMovingSettings settings
      = moving (256, 192, 64, TESS_GRID_EVEN, TESS_GRID_EVEN);
  g_autoptr (TessMethod) method = tess_fstd_new (&settings, NULL);
  gint n_gaps = 0;

  for (gint step = 0; step < N_STEPS; step++)
    {
      gint x, y;

      method->begin_step (method, step, N_STEPS);
      x = method->plan->starts_x[0];
      y = method->plan->starts_y[0];
      ck_assert_int_eq (method->plan->n_tiles, 12);
      ck_assert (x >= 0 && x < 32 && y >= 0 && y < 32);
      ck_assert (step % 4 != 0 || (x == 0 && y == 0));
      ck_assert_int_eq (method->blend->gap_x, x);
      ck_assert_int_eq (method->blend->gap_y, y);
      ck_assert_int_eq (n_uncovered (method), 256 * y + (192 - y) * x);
      n_gaps += x > 0 || y > 0;
    }
  ck_assert_int_ge (n_gaps, N_STEPS / 2);
}
END_TEST

static const TessDiffusionConfig diffusion = {
  .n_train_steps = 1000,
  .beta_start = 0.00085,
  .beta_end = 0.012,
  .betas = TESS_BETAS_SCALED_LINEAR,
  .prediction = TESS_PREDICTION_EPS,
  .spacing = TESS_SPACING_LEADING,
  .steps_offset = 1,
};

static gboolean
pointwise (const TessUnetCall *call,
           gpointer data,
           GCancellable *cancellable,
           GError **error)
{
  gsize n = (gsize) call->n * CHANNELS * call->h * call->w;

  for (gsize i = 0; i < n; i++)
    call->dst[i] = 0.8f * call->src[i] + 0.1f * sinf (call->src[i])
                   + 0.01f * call->step * (1 + call->rows[i * call->n / n]);
  return TRUE;
}

/* Looks at neighbours, so tiles matter. */
static gboolean
local (const TessUnetCall *call,
       gpointer data,
       GCancellable *cancellable,
       GError **error)
{
  for (gint row = 0; row < call->n * CHANNELS * call->h; row++)
    for (gint x = 0; x < call->w; x++)
      {
        const gfloat *src = call->src + (gsize) row * call->w;

        call->dst[(gsize) row * call->w + x]
            = 0.7f * src[x]
              + 0.2f
                    * tanhf (src[MAX (x - 1, 0)]
                             + src[MIN (x + 1, call->w - 1)])
              + 0.05f * x / call->w;
      }
  return TRUE;
}

static TessTensor *
noise_new (gint w, gint h)
{
  TessTensor *x = tess_tensor_new_nchw (1, CHANNELS, h, w, NULL);
  TessRandom random;

  tess_random_init (&random, 11);
  tess_random_normal (&random, tess_tensor_f32 (x), tess_tensor_n_elements (x));
  return x;
}

typedef struct
{
  TessSamplerKind sampler;
  TessDenoiser denoiser;
  gint n_steps, first_step;
  const gfloat *last_said;
  TessSampler *used; /* instead of a new one */
  TessRandom *random;
  gboolean (*stepped) (const TessDenoiseState *state,
                       gpointer data,
                       GError **error);
  gpointer data;
} Run;

static void
run_loop (const Run *run, TessMethod *method, TessTensor *x)
{
  const TessSamplerSettings settings
      = { .kind = run->sampler, .n_steps = run->n_steps };
  static const gint32 rows[] = { 0, 1 };
  TessRandom random;
  TessDenoise job = { .method = method,
                      .denoiser = run->denoiser,
                      .channels = CHANNELS,
                      .batch = 3,
                      .positive = rows + 1,
                      .negative = rows,
                      .guidance = 3.0,
                      .first_step = run->first_step,
                      .last_said = run->last_said,
                      .random = run->random ? run->random : &random,
                      .stepped = run->stepped,
                      .data = run->data };

  tess_random_init (&random, 3);
  job.sampler
      = run->used ? run->used : tess_sampler_new (&diffusion, &settings, NULL);
  ck_assert (tess_denoise_run (&job, x, NULL, NULL));
  if (run->used == NULL)
    tess_sampler_free (job.sampler);
}

/* With a function of each cell alone tiles change nothing, wherever they
 * lie; in the published method they do, at the top and the left. */
START_TEST (test_identity)
{
  static const TessGrid grids[][2] = { { TESS_GRID_EVEN, TESS_GRID_EVEN },
                                       { TESS_GRID_RING, TESS_GRID_EVEN },
                                       { TESS_GRID_RING, TESS_GRID_RING } };
  const Run run = { .sampler = TESS_SAMPLER_DPMPP_2M,
                    .denoiser = pointwise,
                    .n_steps = 7 };
  TessMovingSettings one = moving (72, 40, 80, 0, 0);
  g_autoptr (TessTensor) whole = noise_new (72, 40);
  g_autoptr (TessTensor) published = noise_new (72, 40);
  TessMovingSettings small = moving (72, 40, 16, 0, 0);
  g_autoptr (TessMethod) untiled = tess_shifted_new (&one, NULL);
  g_autoptr (TessMethod) fstd = tess_fstd_new (&small, NULL);
  gsize n = tess_tensor_n_elements (whole);

  run_loop (&run, untiled, whole);
  for (guint i = 0; i < G_N_ELEMENTS (grids); i++)
    {
      TessMovingSettings tiled = moving (72, 40, 16, grids[i][0], grids[i][1]);
      g_autoptr (TessMethod) method = tess_shifted_new (&tiled, NULL);
      g_autoptr (TessTensor) x = noise_new (72, 40);

      run_loop (&run, method, x);
      ck_assert (
          tess_test_error (tess_tensor_f32 (x), tess_tensor_f32 (whole), n)
          < 1e-5);
    }
  run_loop (&run, fstd, published);
  ck_assert (
      tess_test_error (tess_tensor_f32 (published), tess_tensor_f32 (whole), n)
      > 1e-3);
}
END_TEST

/* A part is kept to the last bit, the rest is painted. */
START_TEST (test_keep)
{
  gint w = 48, h = 16;
  gsize plane = (gsize) w * h;
  const TessMultidiffusionSettings settings
      = { .tiles = { .width = w,
                     .height = h,
                     .tile_w = 16,
                     .tile_h = 16,
                     .overlap_x = 8,
                     .align = 8,
                     .grid_x = TESS_GRID_RING } };
  g_autoptr (TessMethod) method = tess_multidiffusion_new (&settings, NULL);
  const TessSamplerSettings sampler_settings
      = { .kind = (TessSamplerKind) _i, .n_steps = 6, .strength = 0.7 };
  g_autoptr (TessSampler) sampler
      = tess_sampler_new (&diffusion, &sampler_settings, NULL);
  g_autoptr (TessTensor) x = noise_new (w, h);
  g_autoptr (TessTensor) noise = noise_new (w, h);
  g_autofree gfloat *x0 = g_new (gfloat, CHANNELS * plane);
  g_autofree gfloat *painted = g_new0 (gfloat, plane);
  const TessKeep keep = { painted, x0, tess_tensor_f32 (noise) };
  static const gint32 row = 0;
  TessRandom random;
  TessDenoise job = { .method = method,
                      .sampler = sampler,
                      .denoiser = local,
                      .channels = CHANNELS,
                      .positive = &row,
                      .keep = &keep,
                      .random = &random };
  gdouble changed = 0.0;

  tess_random_init (&random, 3);
  for (gsize i = 0; i < CHANNELS * plane; i++)
    x0[i] = sinf (0.1f * i);
  for (gsize i = 0; i < plane; i++)
    painted[i] = i % w < 8 || i % w >= 40 ? 1.0f : 0.0f;
  tess_sampler_add_noise (sampler, 0, x0, keep.noise, tess_tensor_f32 (x),
                          CHANNELS * plane);
  ck_assert (tess_denoise_run (&job, x, NULL, NULL));
  for (gsize i = 0; i < CHANNELS * plane; i++)
    if (painted[i % plane] == 0.0f)
      ck_assert (tess_tensor_f32 (x)[i] == x0[i]);
    else
      changed += fabs (tess_tensor_f32 (x)[i] - x0[i]);
  ck_assert_double_gt (changed / (CHANNELS * plane), 0.01);
}
END_TEST

/* Each column's weights sum to 1, at the last step too; the noise is the
 * published canvas's. What the loop makes of it is checked by check-golden. */
START_TEST (test_stitch)
{
  g_autoptr (TessMethod) method = tess_stitch_new (128, 64, 8, NULL);
  g_autoptr (TessTensor) noise = tess_tensor_new_nchw (1, 4, 64, 128, NULL);
  g_autoptr (TessTensor) canvas = tess_tensor_new_nchw (1, 4, 64, 256, NULL);
  g_autoptr (GError) error = NULL;
  TessRandom a, b;

  ck_assert_int_eq (method->plan->n_tiles, 8);
  for (gint step = 0; step < 2; step++)
    {
      method->begin_step (method, step, 2);
      ck_assert_int_eq (n_uncovered (method), 0);
    }
  tess_random_init (&a, 9);
  tess_random_init (&b, 9);
  ck_assert (method->draw (method, &a, 4, tess_tensor_f32 (noise), NULL));
  tess_random_normal (&b, tess_tensor_f32 (canvas), 4 * 64 * 256);
  for (gint row = 0; row < 4 * 64; row++)
    for (gint q = 0; q < 128; q++)
      ck_assert (
          tess_tensor_f32 (noise)[row * 128 + q]
          == tess_tensor_f32 (canvas)[row * 256 + (q < 64 ? q + 192 : q - 64)]);
  ck_assert_ptr_null (tess_stitch_new (132, 64, 8, &error));
  ck_assert (g_error_matches (error, TESS_ERROR, TESS_ERROR_REQUEST));
}
END_TEST

Suite *
tess_test_suite (void)
{
  Suite *suite = suite_create ("methods");
  TCase *tcase = tcase_create ("methods");

  tcase_add_loop_test (tcase, test_shifted, 0, G_N_ELEMENTS (costs));
  tcase_add_loop_test (tcase, test_any_order, 0, 2);
  tcase_add_test (tcase, test_fstd);
  tcase_add_test (tcase, test_identity);
  tcase_add_loop_test (tcase, test_keep, 0, TESS_N_SAMPLERS);
  tcase_add_test (tcase, test_stitch);
  suite_add_tcase (suite, tcase);
  return suite;
}
