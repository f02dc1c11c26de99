/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/core/demofusion.c: DemoFusion's phase against the published loop,
 * written out tile by tile; its blur, its weights, and which sizes are painted
 * one after another. Formulas in place of a network. */
#include "core/demofusion.h"
#include "core/phase.h"
#include "core/tensor-file.h"
#include "tests/harness.h"

#include <math.h>
#include <string.h>

#define CHANNELS 2
#define N_STEPS 6
#define TILE 16

static const TessDiffusionConfig diffusion = {
  .n_train_steps = 1000,
  .beta_start = 0.00085,
  .beta_end = 0.012,
  .betas = TESS_BETAS_SCALED_LINEAR,
  .prediction = TESS_PREDICTION_EPS,
  .spacing = TESS_SPACING_LEADING,
  .steps_offset = 1,
};

/* Sizes that n divides, and such as it does not; rings. */
static const struct
{
  gint w, h, n;
  gboolean wrap_x, wrap_y;
} cases[] = {
  { 48, 32, 2, FALSE, FALSE }, { 50, 39, 3, FALSE, FALSE },
  { 48, 33, 2, TRUE, FALSE },  { 49, 32, 3, TRUE, TRUE },
  { 16, 16, 1, FALSE, FALSE }, { 16, 70, 5, FALSE, FALSE },
  { 72, 48, 3, FALSE, FALSE },
};

static TessSampler *
sampler_new (TessSamplerKind kind)
{
  const TessSamplerSettings settings = { .kind = kind, .n_steps = N_STEPS };

  return tess_sampler_new (&diffusion, &settings, NULL);
}

static TessMethod *
method_new (gint i, TessTileWeight weight)
{
  g_autoptr (TessSampler) sampler = sampler_new (TESS_SAMPLER_DDIM);
  gdouble times[N_STEPS];
  const TessDemofusionSettings settings = {
    .tiles = { .width = cases[i].w,
               .height = cases[i].h,
               .tile_w = TILE,
               .tile_h = TILE,
               .overlap_x = TILE / 2,
               .overlap_y = TILE / 2,
               .align = 8,
               .grid_x = cases[i].wrap_x ? TESS_GRID_RING : TESS_GRID_EVEN,
               .grid_y = cases[i].wrap_y ? TESS_GRID_RING : TESS_GRID_EVEN },
    .weight = weight,
    .n = cases[i].n,
    .times = times,
    .n_steps = N_STEPS,
    .seed = 5,
  };

  for (gint step = 0; step < N_STEPS; step++)
    times[step] = tess_sampler_timestep (sampler, step) / 1000.0;
  return tess_demofusion_new (&settings, NULL);
}

static void
say (const gfloat *src, gint h, gint w, gint step, gfloat *dst)
{
  for (gint row = 0; row < CHANNELS * h; row++)
    for (gint x = 0; x < w; x++)
      {
        const gfloat *line = src + (gsize) row * w;
        gfloat beside = line[MAX (x - 1, 0)] + line[MIN (x + 1, w - 1)];

        dst[(gsize) row * w + x]
            = 0.7f * line[x] + 0.2f * tanhf (beside) + 0.01f * step;
      }
}

static gboolean
network (const TessUnetCall *call,
         gpointer data,
         GCancellable *cancellable,
         GError **error)
{
  gsize n = (gsize) CHANNELS * call->h * call->w;

  for (gint i = 0; i < call->n; i++)
    say (call->src + i * n, call->h, call->w, call->step, call->dst + i * n);
  return TRUE;
}

static void
fill (guint64 seed, gfloat *x, gsize n)
{
  TessRandom random;

  tess_random_init (&random, seed);
  tess_random_normal (&random, x, n);
}

/* --- the published loop --------------------------------------------------- */

static gint
beyond (gint at, gint length, gint apart, gboolean wrap)
{
  if (wrap)
    return at % length;
  while (at >= length)
    at -= apart;
  return at;
}

/* Not beyond the end, and not another view's on a ring. */
static gboolean
is_own (gboolean wrap, gint length, gint start, gint view, gint k, gint apart)
{
  if (!wrap)
    return start + k * apart < length;
  return apart == 1 || view + k * apart < length;
}

/* One tile of one set: seen in @src, stepped from @x; to the mean of its set.
 */
static void
step_tile (TessSampler *sampler,
           gint step,
           const TessTilePlan *plan,
           gint i,
           const gfloat *src,
           const gfloat *x,
           gdouble *sum,
           gdouble *count)
{
  TessTile tile = tess_tile_plan_tile (plan, i);
  gint apart = MAX (plan->apart, 1);
  gsize plane = (gsize) plan->width * plan->height;
  gsize n = (gsize) CHANNELS * tile.w * tile.h;
  g_autofree gfloat *seen = g_new (gfloat, n), *own = g_new (gfloat, n);
  g_autofree gfloat *said = g_new (gfloat, n);

  for (gint pass = 0; pass < 2; pass++)
    {
      gfloat *stepped = own;
      gsize k = 0;

      for (gint c = 0; c < CHANNELS; c++)
        for (gint y = 0; y < tile.h; y++)
          for (gint u = 0; u < tile.w; u++, k++)
            {
              gint row = beyond (tile.y + y * apart, plan->height, apart,
                                 plan->wrap_y);
              gint column = beyond (tile.x + u * apart, plan->width, apart,
                                    plan->wrap_x);
              gsize at = c * plane + (gsize) row * plan->width + column;
              gboolean once = is_own (plan->wrap_y, plan->height, tile.y,
                                      i / plan->n_x, y, apart)
                              && is_own (plan->wrap_x, plan->width, tile.x,
                                         i % plan->n_x, u, apart);

              if (pass == 0)
                {
                  seen[k] = src[at];
                  own[k] = x[at];
                }
              else if (once)
                {
                  sum[at] += stepped[k];
                  count[at] += 1.0;
                }
            }
      if (pass == 0)
        {
          say (seen, tile.h, tile.w, step, said);
          tess_sampler_step (sampler, step, said, NULL, own, n);
        }
    }
}

static void
statistics (const gfloat *x, gsize n, gdouble *mean, gdouble *spread)
{
  *mean = *spread = 0.0;
  for (gsize i = 0; i < n; i++)
    *mean += x[i] / n;
  for (gsize i = 0; i < n; i++)
    *spread += (x[i] - *mean) * (x[i] - *mean) / n;
  *spread = sqrt (*spread);
}

static void
restore_statistics (const gfloat *like, gsize n, gfloat *x)
{
  gdouble mean, spread, own_mean, own_spread;

  statistics (like, n, &mean, &spread);
  statistics (x, n, &own_mean, &own_spread);
  for (gsize i = 0; i < n; i++)
    x[i] = (x[i] - own_mean) / own_spread * spread + mean;
}

/* By the square of cells around each. */
static void
blur (const TessTilePlan *plan,
      gint reach,
      gdouble sigma,
      const gfloat *src,
      gfloat *dst)
{
  gint w = plan->width, h = plan->height;
  gsize plane = (gsize) w * h;

  for (gint c = 0; c < CHANNELS; c++)
    for (gint y = 0; y < h; y++)
      for (gint x = 0; x < w; x++)
        {
          gdouble sum = 0.0, all = 0.0;

          for (gint v = -reach; v <= reach; v++)
            for (gint u = -reach; u <= reach; u++)
              {
                gint row = y + v, column = x + u;
                gdouble weight = exp (-(u * u + v * v) / (2 * sigma * sigma));

                if (plan->wrap_y)
                  row = (row + h * 8) % h;
                if (plan->wrap_x)
                  column = (column + w * 8) % w;
                if (row < 0 || row >= h || column < 0 || column >= w)
                  continue;
                sum += weight * src[c * plane + (gsize) row * w + column];
                all += weight;
              }
          dst[c * plane + (gsize) y * w + x] = sum / all;
        }
  restore_statistics (src, CHANNELS * plane, dst);
}

static void
published (gint i, const gfloat *x0, const gfloat *noise, gfloat *x)
{
  g_autoptr (TessMethod) method = method_new (i, TESS_WEIGHT_UNIFORM);
  g_autoptr (TessSampler) sampler = sampler_new (TESS_SAMPLER_DDIM);
  const TessTilePlan *plan = method->plan, *wide = method->wide;
  gsize n = (gsize) CHANNELS * plan->width * plan->height;
  g_autofree gfloat *blurred = g_new (gfloat, n);
  g_autofree gfloat *noised = g_new (gfloat, n);
  g_autofree gdouble *sums = g_new (gdouble, 4 * n);

  for (gint step = 0; step < N_STEPS; step++)
    {
      gdouble t = tess_sampler_timestep (sampler, step);
      gdouble c = 0.5 * (1.0 + cos (G_PI * (1000.0 - t) / 1000.0));
      gdouble *local = sums, *global = sums + 2 * n;

      method->begin_step (method, step, N_STEPS);
      memset (sums, 0, 4 * n * sizeof *sums);
      tess_sampler_add_noise (sampler, step, x0, noise, noised, n);
      for (gsize k = 0; k < n; k++)
        x[k] = (1.0 - c * c * c) * x[k] + c * c * c * noised[k];
      for (gint tile = 0; tile < plan->n_tiles; tile++)
        step_tile (sampler, step, plan, tile, x, x, local, local + n);
      blur (plan, cases[i].n - 1, 0.99 * c + 0.01, x, blurred);
      for (gint tile = 0; tile < wide->n_tiles; tile++)
        step_tile (sampler, step, wide, tile, blurred, x, global, global + n);
      for (gsize k = 0; k < n; k++)
        {
          ck_assert_double_ge (local[n + k], 1.0);
          ck_assert_double_eq (global[n + k], 1.0);
          x[k] = (1.0 - c) * local[k] / local[n + k] + c * global[k];
        }
    }
  restore_statistics (x0, n, x);
}

/* --- tests ---------------------------------------------------------------- */

START_TEST (test_published)
{
  g_autoptr (TessMethod) method = method_new (_i, TESS_WEIGHT_UNIFORM);
  g_autoptr (TessSampler) sampler = sampler_new (TESS_SAMPLER_DDIM);
  gint w = method->plan->width, h = method->plan->height;
  gsize n = (gsize) CHANNELS * w * h;
  g_autoptr (TessTensor) x = tess_tensor_new_nchw (1, CHANNELS, h, w, NULL);
  g_autofree gfloat *x0 = g_new (gfloat, n), *noise = g_new (gfloat, n);
  g_autofree gfloat *wanted = g_new (gfloat, n);
  const TessKeep keep = { NULL, x0, noise };
  static const gint32 row = 0;
  const TessDenoise job = { .method = method,
                            .sampler = sampler,
                            .denoiser = network,
                            .channels = CHANNELS,
                            .batch = 3,
                            .positive = &row,
                            .keep = &keep };

  fill (1, x0, n);
  fill (2, noise, n);
  fill (3, wanted, n);
  memcpy (x->data, wanted, x->n_bytes);
  ck_assert (tess_denoise_run (&job, x, NULL, NULL));
  published (_i, x0, noise, wanted);
  ck_assert_double_lt (tess_test_error (tess_tensor_f32 (x), wanted, n), 1e-5);
}
END_TEST

/* What PyTorch and diffusers computed (tools/train/make_demofusion_golden.py).
 */
typedef struct
{
  const gchar *name; /* of the set */
  TessTensorFile *file;
  const TessMethod *method;
  const gfloat *x;
  gint n_compared;
} Golden;

static gfloat *
golden_of (const Golden *golden, const gchar *what, gsize n)
{
  g_autofree gchar *key = g_strdup_printf ("%s.%s", golden->name, what);
  TessTensor *tensor = tess_tensor_file_get (golden->file, key);

  if (tensor == NULL)
    return NULL;
  ck_assert_uint_eq (tess_tensor_n_elements (tensor), n);
  return tess_tensor_f32 (tensor);
}

static void
compare_step (Golden *golden, gint step)
{
  const TessTilePlan *plan = golden->method->plan;
  g_autofree gchar *key = g_strdup_printf ("step.%d", step);
  gsize n = (gsize) CHANNELS * plan->width * plan->height;
  const gfloat *wanted = golden_of (golden, key, n);

  if (wanted == NULL)
    return;
  ck_assert_double_lt (tess_test_error (golden->x, wanted, n), 1e-5);
  golden->n_compared++;
}

/* The last step is compared when the loop has ended. */
static gboolean
golden_stepped (const TessDenoiseState *state, gpointer data, GError **error)
{
  Golden *golden = data;
  const TessTilePlan *plan = golden->method->plan;
  gint step = state->step - 1;
  const gfloat *x = golden_of (golden, "starts_x", N_STEPS * plan->n_x);
  const gfloat *y = golden_of (golden, "starts_y", N_STEPS * plan->n_y);

  for (gint i = 0; i < plan->n_x; i++)
    ck_assert_int_eq (plan->starts_x[i], (gint) x[step * plan->n_x + i]);
  for (gint i = 0; i < plan->n_y; i++)
    ck_assert_int_eq (plan->starts_y[i], (gint) y[step * plan->n_y + i]);
  if (state->step < N_STEPS)
    compare_step (golden, step);
  return TRUE;
}

START_TEST (test_golden)
{
  static const struct
  {
    const gchar *name;
    gint i, n_steps; /* which case; how many steps are kept */
  } sets[] = { { "n2", 0, 6 }, { "n3", 6, 2 } };
  g_autofree gchar *path = tess_test_data ("demofusion/golden.safetensors");
  g_autoptr (GError) error = NULL;
  g_autoptr (TessTensorFile) file = tess_tensor_file_open (path, &error);
  g_autoptr (TessMethod) method = method_new (sets[_i].i, TESS_WEIGHT_UNIFORM);
  g_autoptr (TessSampler) sampler = sampler_new (TESS_SAMPLER_DDIM);
  gint w = method->plan->width, h = method->plan->height;
  gsize n = (gsize) CHANNELS * w * h;
  g_autoptr (TessTensor) x = tess_tensor_new_nchw (1, CHANNELS, h, w, NULL);
  Golden golden = { sets[_i].name, file, method, tess_tensor_f32 (x), 0 };
  TessKeep keep = { NULL };
  static const gint32 row = 0;
  const TessDenoise job = { .method = method,
                            .sampler = sampler,
                            .denoiser = network,
                            .channels = CHANNELS,
                            .batch = 3,
                            .positive = &row,
                            .keep = &keep,
                            .stepped = golden_stepped,
                            .data = &golden };

  ck_no_error (error);
  keep.x0 = golden_of (&golden, "picture", n);
  keep.noise = golden_of (&golden, "noise", n);
  tess_sampler_add_noise (sampler, 0, keep.x0, keep.noise, tess_tensor_f32 (x),
                          n);
  ck_assert (tess_denoise_run (&job, x, NULL, NULL));
  compare_step (&golden, N_STEPS - 1);
  ck_assert_int_eq (golden.n_compared, sets[_i].n_steps);
}
END_TEST

/* Every cell's weights sum to 1, with tiles that count less at their edges
 * too; the same step has the same tiles, whatever was before it; tiles do not
 * stay. */
START_TEST (test_weights)
{
  TessMethod *a = method_new (_i, TESS_WEIGHT_GAUSSIAN);
  TessMethod *b = method_new (_i, TESS_WEIGHT_GAUSSIAN);
  gsize n = (gsize) a->plan->width * a->plan->height;
  g_autofree gint64 *sum = g_new (gint64, n);
  g_autofree gfloat *read = g_new (gfloat, n);
  g_autofree gfloat *ones = g_new (gfloat, n + 4096);
  gint moved = 0, last = -1;

  for (gsize i = 0; i < n + 4096; i++)
    ones[i] = 1.0f;
  for (gint step = N_STEPS - 1; step >= 0; step--)
    {
      a->begin_step (a, step, N_STEPS);
      memset (sum, 0, n * sizeof *sum);
      for (gint i = 0; i < a->plan->n_tiles; i++)
        tess_blend_add (a->blend, a->plan, i, 1, ones, NULL, sum);
      for (gint i = 0; i < a->wide->n_tiles; i++)
        tess_blend_add (a->wide_blend, a->wide, i, 1, ones, NULL, sum);
      tess_blend_read (sum, read, n);
      for (gsize i = 0; i < n; i++)
        ck_assert_float_eq_tol (read[i], 1.0f, 1e-6f);
      moved += last >= 0 && a->plan->starts_x[a->plan->n_x / 2] != last;
      last = a->plan->starts_x[a->plan->n_x / 2];
    }
  a->begin_step (a, 2, N_STEPS);
  for (gint step = 0; step <= 2; step++)
    b->begin_step (b, step, N_STEPS);
  ck_assert_mem_eq (a->plan->starts_x, b->plan->starts_x,
                    a->plan->n_x * sizeof (gint));
  ck_assert_mem_eq (a->plan->starts_y, b->plan->starts_y,
                    a->plan->n_y * sizeof (gint));
  ck_assert_mem_eq (a->wide->starts_x, b->wide->starts_x,
                    a->wide->n_x * sizeof (gint));
  ck_assert (cases[_i].w == TILE || moved > 1);
  tess_method_free (a);
  tess_method_free (b);
}
END_TEST

START_TEST (test_blur)
{
  g_autoptr (TessMethod) method = method_new (_i, TESS_WEIGHT_UNIFORM);
  const TessTilePlan *plan = method->plan;
  gsize n = (gsize) CHANNELS * plan->width * plan->height;
  g_autofree gfloat *src = g_new (gfloat, n), *dst = g_new (gfloat, n);
  g_autofree gfloat *wanted = g_new (gfloat, n);

  fill (7, src, n);
  for (gint reach = 0; reach < 6; reach += 2)
    {
      tess_demofusion_blur (plan, CHANNELS, reach, 0.3 + 0.4 * reach, src, dst);
      blur (plan, reach, 0.3 + 0.4 * reach, src, wanted);
      ck_assert_double_lt (tess_test_error (dst, wanted, n), 1e-5);
    }
  for (gsize i = 0; i < n; i++)
    src[i] = 0.25f; /* has no spread */
  tess_demofusion_blur (plan, CHANNELS, 2, 1.0, src, dst);
  ck_assert_double_lt (tess_test_error (dst, src, n), 1e-6);
}
END_TEST

/* Twice, three times ... the native size, and the very size asked for. */
START_TEST (test_phases)
{
  static const TessPhaseModel model = { .window = 64, .align = 8, .factor = 8 };
  static const struct
  {
    gint w, h, n;
    gint sizes[4][2];
  } wanted[] = {
    { 1536, 1536, 3, { { 512, 512 }, { 1024, 1024 }, { 1536, 1536 } } },
    { 500, 500, 2, { { 500, 500 }, { 500, 500 } } },
    { 2000, 1100, 3, { { 704, 384 }, { 1328, 728 }, { 2000, 1100 } } },
  };
  g_autoptr (TessRequest) request = tess_request_new ();

  gegl_init (NULL, NULL);
  request->method = TESS_TILING_ANY_SIZE;
  request->refine = TESS_REFINE_DEMOFUSION;
  for (guint i = 0; i < G_N_ELEMENTS (wanted); i++)
    {
      g_autoptr (GPtrArray) phases = NULL;

      request->width = wanted[i].w;
      request->height = wanted[i].h;
      phases = tess_phases_new (request, &model);
      ck_assert_int_eq (phases->len, wanted[i].n);
      for (gint k = 0; k < wanted[i].n; k++)
        {
          const TessPhase *phase = phases->pdata[k];

          ck_assert_int_eq (phase->request->width, wanted[i].sizes[k][0]);
          ck_assert_int_eq (phase->request->height, wanted[i].sizes[k][1]);
          ck_assert_int_eq (phase->follows, k > 0);
          ck_assert (k == 0
                     || (phase->request->method == TESS_TILING_DEMOFUSION
                         && phase->request->strength == 1.0));
        }
    }
}
END_TEST

START_TEST (test_refused)
{
  g_autoptr (TessRequest) request = tess_request_new ();
  g_autoptr (GError) alone = NULL, sampler = NULL;

  request->method = TESS_TILING_DEMOFUSION;
  ck_assert (!tess_request_check (request, &alone));
  ck_assert_ptr_nonnull (strstr (alone->message, "any-size"));
  request->method = TESS_TILING_ANY_SIZE;
  request->refine = TESS_REFINE_DEMOFUSION;
  ck_assert (tess_request_check (request, NULL));
  request->sampler = TESS_SAMPLER_UNIPC;
  ck_assert (!tess_request_check (request, &sampler));
  ck_assert_ptr_nonnull (strstr (sampler->message, "unipc"));
}
END_TEST

Suite *
tess_test_suite (void)
{
  Suite *suite = suite_create ("demofusion");
  TCase *tcase = tcase_create ("demofusion");

  tcase_add_loop_test (tcase, test_published, 0, G_N_ELEMENTS (cases));
  tcase_add_loop_test (tcase, test_golden, 0, 2);
  tcase_add_loop_test (tcase, test_weights, 0, G_N_ELEMENTS (cases));
  tcase_add_loop_test (tcase, test_blur, 0, G_N_ELEMENTS (cases));
  tcase_add_test (tcase, test_phases);
  tcase_add_test (tcase, test_refused);
  suite_add_tcase (suite, tcase);
  return suite;
}
