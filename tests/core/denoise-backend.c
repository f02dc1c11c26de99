/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/core/denoise-backend.c: the loop with its canvas beside the network
 * against the loop that has it here, on plain C and on Vulkan (the device that
 * TESSERA_DEVICE names, llvmpipe where it names none). */
#include "core/denoise-backend.h"
#include "core/error.h"
#include "core/moving.h"
#include "core/multidiffusion.h"
#include "core/ops/ops.h"
#include "gpu/backend.h"
#include "tests/harness.h"
#ifdef TESS_VULKAN
#include "gpu/vk-result.h"
#endif

#include <math.h>
#include <string.h>

#define CHANNELS 4
#define TILE 8
#define N_STEPS 5

/* Both sum in float32 or better; what is left is rounding, which guidance
 * makes some ten times larger, as it does the network's own. */
#define BOUND 2e-5

static const TessDiffusionConfig diffusion = {
  .n_train_steps = 1000,
  .beta_start = 0.00085,
  .beta_end = 0.012,
  .betas = TESS_BETAS_SCALED_LINEAR,
  .spacing = TESS_SPACING_LEADING,
  .steps_offset = 1,
};

/* In place of a network: silu (src), and a pattern that is stronger for a
 * higher row. */
typedef struct
{
  gint n, h, w;
  TessBuffer *src, *dst, *shift;
  TessExec *exec;
} Batch;

typedef struct Net Net;
struct Net
{
  TessBackend *backend;
  Batch batches[32]; /* by size, as they come */
  gint n_calls;
  Net *spare; /* what runs where the loop has left the backend; NULL: this */
};

static void
net_drop (Net *net)
{
  for (guint i = 0; i < G_N_ELEMENTS (net->batches); i++)
    {
      g_clear_pointer (&net->batches[i].exec, tess_exec_free);
      g_clear_pointer (&net->batches[i].src, tess_buffer_unref);
      g_clear_pointer (&net->batches[i].dst, tess_buffer_unref);
      g_clear_pointer (&net->batches[i].shift, tess_buffer_unref);
    }
}

static gsize
net_n_bytes (const Net *net)
{
  gsize n = 0;

  for (guint i = 0; i < G_N_ELEMENTS (net->batches); i++)
    if (net->batches[i].exec != NULL)
      n += 3 * sizeof (gfloat)
           * tess_shape_n_elements (tess_buffer_shape (net->batches[i].src));
  return n;
}

static gboolean
net_begin (const TessUnetCall *call,
           gpointer data,
           TessUnetBatch *batch,
           GError **error)
{
  Net *net = data;
  Batch *own = net->batches;
  TessShape shape = { call->n, call->h, call->w, CHANNELS };
  gsize n_tile = (gsize) CHANNELS * call->h * call->w;
  g_autofree gfloat *shift = g_new (gfloat, call->n * n_tile);

  while (own->exec != NULL
         && (own->n != call->n || own->h != call->h || own->w != call->w))
    own++;
  if (own->exec == NULL)
    {
      g_autoptr (TessProgram) program = tess_program_new ("net", TESS_F32);
      TessValue *value;

      own->n = call->n;
      own->h = call->h;
      own->w = call->w;
      own->src = tess_buffer_new (net->backend, TESS_F32, &shape, error);
      own->dst = own->src
                     ? tess_buffer_new (net->backend, TESS_F32, &shape, error)
                     : NULL;
      own->shift = own->dst
                       ? tess_buffer_new (net->backend, TESS_F32, &shape, error)
                       : NULL;
      if (own->shift == NULL)
        return FALSE;
      value = tess_activate (program, tess_input (program, own->src),
                             TESS_ACT_SILU);
      value = tess_add (program, value, tess_input (program, own->shift));
      tess_store (program, value, own->dst);
      own->exec = tess_backend_compile (net->backend, program, error);
      if (own->exec == NULL)
        return FALSE;
    }
  for (gsize i = 0; i < call->n * n_tile; i++)
    shift[i] = 0.02f * (call->rows[i / n_tile] + 0.5f) * (i % n_tile % 7);
  tess_buffer_write (own->shift, 0, call->n, shift);
  net->n_calls++;
  *batch = (TessUnetBatch) { own->src, own->dst, own->exec };
  return TRUE;
}

static gboolean
net_run (const TessUnetCall *call,
         gpointer data,
         GCancellable *cancellable,
         GError **error)
{
  Net *net = data;
  TessUnetBatch batch;

  if (!net_begin (call, net->spare ? net->spare : net, &batch, error))
    return FALSE;
  tess_buffer_write_nchw (batch.src, 0, call->n, call->src);
  if (!tess_exec_run (batch.exec, cancellable, error))
    return FALSE;
  tess_buffer_read_nchw (batch.dst, 0, call->n, call->dst);
  return TRUE;
}

typedef struct
{
  TessSamplerKind sampler;
  TessPrediction prediction;
  gdouble eta;
  gint width, batch;
  gboolean guided, ring, moving;
  gboolean fstd;     /* strips are left free */
  gboolean keep;     /* a part of a picture */
  gboolean left_out; /* some of the tiles */
  gboolean regions;  /* soft ones that overlap; the first steps alone */
  gint n_alone;
  gdouble rescale;
} Row;

static const Row rows[] = {
  { TESS_SAMPLER_DDIM, TESS_PREDICTION_EPS, 0.0, 20, 1 },
  { TESS_SAMPLER_DDIM, TESS_PREDICTION_V, 1.0, 20, 3, .guided = 1 },
  { TESS_SAMPLER_EULER, TESS_PREDICTION_EPS, 0.0, 8, 2, .guided = 1 },
  { TESS_SAMPLER_EULER, TESS_PREDICTION_X0, 0.0, 24, 2, .ring = 1 },
  { TESS_SAMPLER_EULER_ANCESTRAL, TESS_PREDICTION_EPS, 0.0, 20, 2 },
  { TESS_SAMPLER_DPMPP_2M, TESS_PREDICTION_EPS, 0.0, 20, 4, .guided = 1 },
  { TESS_SAMPLER_DPMPP_2M_KARRAS, TESS_PREDICTION_V, 0.0, 24, 4, .moving = 1,
    .ring = 1 },
  { TESS_SAMPLER_EULER, TESS_PREDICTION_EPS, 0.0, 20, 2, .moving = 1 },
  { TESS_SAMPLER_UNIPC, TESS_PREDICTION_EPS, 0.0, 20, 3, .guided = 1 },
  { TESS_SAMPLER_UNIPC, TESS_PREDICTION_V, 0.0, 24, 3, .ring = 1 },
  { TESS_SAMPLER_DDPM, TESS_PREDICTION_EPS, 0.0, 20, 2, .guided = 1 },
  { TESS_SAMPLER_PLMS, TESS_PREDICTION_EPS, 0.0, 20, 2, .guided = 1 },
  { TESS_SAMPLER_DDIM, TESS_PREDICTION_EPS, 0.0, 20, 3, .guided = 1,
    .rescale = 0.7 },
  { TESS_SAMPLER_EULER, TESS_PREDICTION_V, 0.0, 24, 2, .guided = 1, .ring = 1,
    .rescale = 1.0, .keep = 1 },
  { TESS_SAMPLER_DDIM, TESS_PREDICTION_EPS, 0.0, 20, 2, .fstd = 1 },
  { TESS_SAMPLER_DPMPP_2M, TESS_PREDICTION_EPS, 0.0, 20, 3, .fstd = 1,
    .guided = 1, .rescale = 0.5 },
  { TESS_SAMPLER_DDIM, TESS_PREDICTION_EPS, 1.0, 20, 2, .keep = 1 },
  { TESS_SAMPLER_UNIPC, TESS_PREDICTION_EPS, 0.0, 24, 2, .keep = 1, .ring = 1 },
  { TESS_SAMPLER_EULER, TESS_PREDICTION_EPS, 0.0, 20, 3, .left_out = 1,
    .guided = 1 },
  { TESS_SAMPLER_DPMPP_2M, TESS_PREDICTION_V, 0.0, 24, 2, .left_out = 1,
    .ring = 1, .guided = 1, .rescale = 0.3 },
  { TESS_SAMPLER_DDIM, TESS_PREDICTION_EPS, 0.0, 20, 3, .regions = 1 },
  { TESS_SAMPLER_DDIM, TESS_PREDICTION_EPS, 0.0, 20, 2, .regions = 1,
    .guided = 1, .n_alone = 2 },
  { TESS_SAMPLER_EULER, TESS_PREDICTION_EPS, 0.0, 24, 3, .regions = 1,
    .guided = 1, .n_alone = 3, .ring = 1, .rescale = 0.6, .keep = 1 },
  { TESS_SAMPLER_DPMPP_2M_KARRAS, TESS_PREDICTION_EPS, 0.0, 20, 4, .regions = 1,
    .guided = 1, .n_alone = 5 },
  { TESS_SAMPLER_DDIM, TESS_PREDICTION_EPS, 0.0, 20, 2, .regions = 1,
    .guided = 1, .n_alone = 2, .moving = 1 },
};

typedef struct
{
  TessBackend *backend;
  Net *net;
  guint64 n_submits;
  gint n_calls;
  gint n_steps, n_looks;
  gboolean counts;
  gfloat seen; /* a sum of all that was looked at */
  TessDenoiseCost cost;
  gsize n_bytes; /* the most that the loop had there, beside the network */
  gsize n_canvas;
  gfloat *said; /* after the last step, if the method holds; NULL */
} Watch;

/* One submit a call, and none beside them. */
static gboolean
on_stepped (const TessDenoiseState *state, gpointer data, GError **error)
{
  Watch *watch = data;
  guint64 n = tess_backend_n_submits (watch->backend);

  if (watch->counts)
    ck_assert_int_eq (n - watch->n_submits,
                      watch->net->n_calls - watch->n_calls);
  watch->n_submits = n;
  watch->n_calls = watch->net->n_calls;
  watch->n_steps++;
  watch->n_bytes
      = MAX (watch->n_bytes, tess_backend_n_bytes_buffers (watch->backend)
                                 - net_n_bytes (watch->net));
  g_free (watch->said);
  watch->said = state->output ? g_memdup2 (state->output,
                                           watch->n_canvas * sizeof (gfloat))
                              : NULL;
  return TRUE;
}

static void
on_look (gint step, const gfloat *x, const gfloat *output, gpointer data)
{
  Watch *watch = data;

  watch->n_looks++;
  for (gint i = 0; i < 100; i++)
    watch->seen += x[i] * (i % 5) + output[i];
}

static gboolean
looks (gint step, gpointer data)
{
  return step % 2 == 1;
}

static TessMethod *
method_new (const Row *row)
{
  const TessTileSettings tiles = {
    .width = row->width,
    .height = 12,
    .tile_w = TILE,
    .tile_h = TILE,
    .overlap_x = TILE / 2,
    .overlap_y = TILE / 2,
    .align = 4,
    .grid_x = row->ring ? TESS_GRID_RING : TESS_GRID_EVEN,
  };
  const TessMultidiffusionSettings settings
      = { .tiles = tiles, .weight = TESS_WEIGHT_GAUSSIAN };
  const TessMovingSettings moving
      = { .tiles = tiles, .weight = TESS_WEIGHT_GAUSSIAN, .seed = 3 };
  GError *error = NULL;
  TessMethod *method = row->fstd ? tess_fstd_new (&moving, &error)
                       : row->moving
                           ? tess_shifted_new (&moving, &error)
                           : tess_multidiffusion_new (&settings, &error);

  ck_no_error (error);
  return method;
}

/* What a row's job is told of beside its tiles. */
typedef struct
{
  TessKeep keep;
  TessRegions *regions;
  gint32 grounds[64];
  gfloat *numbers; /* of all that is a map */
} Extras;

/* Numbers that look like noise, times @size. */
static void
scatter (gfloat *dst, gsize n, gfloat size, guint seed)
{
  for (gsize i = 0; i < n; i++)
    dst[i] = size * (gfloat) sin (i * 12.9898 + seed * 78.233);
}

/* Two masks with soft edges that share some of the cells. */
static void
make_regions (Extras *extras, const Row *row, TessDenoise *job, gfloat *numbers)
{
  const TessTilePlan *plan = job->method->plan;
  gint w = plan->width, h = plan->height;
  gsize n = (gsize) w * h;
  g_autofree gfloat *masks = g_new0 (gfloat, 2 * n);
  GError *error = NULL;

  for (gint y = 0; y < h; y++)
    for (gint x = 0; x < w; x++)
      {
        masks[y * w + x] = CLAMP ((12.0f - x) / 4.0f, 0.0f, 1.0f);
        masks[n + y * w + x] = x > 5 && y > 3 ? 0.75f : 0.0f;
      }
  extras->regions = tess_regions_new (2, w, h, masks, &error);
  ck_no_error (error);
  extras->regions->n_steps = row->n_alone;
  extras->regions->n_backgrounds = 2;
  extras->regions->backgrounds = numbers;
  extras->regions->noise = numbers + CHANNELS * n;
  extras->regions->seed = 9;
  job->regions = extras->regions;
}

static void
add_extras (Extras *extras, const Row *row, TessDenoise *job)
{
  static const gint32 positive[] = { 3, 5, 6 }, negative[] = { 1, 1, 2 };
  const TessTilePlan *plan = job->method->plan;
  gsize plane = (gsize) plan->width * plan->height, n = CHANNELS * plane;
  gfloat *numbers = extras->numbers = g_new (gfloat, 4 * n + plane);

  scatter (numbers, 4 * n, 1.0f, 1);
  scatter (numbers + 4 * n, plane, 0.6f, 2);
  job->positive = positive;
  job->negative = row->guided ? negative : NULL;
  job->guidance = 7.5;
  job->guidance_rescale = row->rescale;
  if (row->keep)
    {
      for (gsize i = 0; i < plane; i++)
        numbers[4 * n + i] = CLAMP (numbers[4 * n + i] + 0.5f, 0.0f, 1.0f);
      extras->keep = (TessKeep) { numbers + 4 * n, numbers, numbers + n };
      job->keep = &extras->keep;
    }
  if (row->left_out)
    {
      for (gint i = 0; i < plan->n_tiles; i++)
        extras->grounds[i] = i % 5 == 0 || i == 1 ? -1 : 0;
      job->grounds = extras->grounds;
    }
  if (row->regions)
    make_regions (extras, row, job, numbers + 2 * n);
}

/* The canvas after the loop. @there: beside @net, which may be on another
 * backend than @here, the network of the loop that has it here. */
static TessTensor *
run (const Row *row, Net *here, Net *there, Watch *watch, gint n_first)
{
  const TessSamplerSettings sampler
      = { .kind = row->sampler, .n_steps = N_STEPS, .eta = row->eta };
  TessDiffusionConfig config = diffusion;
  TessRandom random;
  GError *error = NULL;
  TessDenoise job = {
    .denoiser = net_run,
    .denoiser_data = here,
    .channels = CHANNELS,
    .batch = row->batch,
    .random = &random,
    .looks = looks,
    .look = on_look,
    .stepped = on_stepped,
    .data = watch,
    .end_step = n_first,
  };
  Extras extras = { { NULL } };
  g_autofree gfloat *said = NULL;
  TessTensor *x;

  config.prediction = row->prediction;
  tess_random_init (&random, 77);
  job.method = method_new (row);
  add_extras (&extras, row, &job);
  job.sampler = tess_sampler_new (&config, &sampler, &error);
  ck_no_error (error);
  x = tess_tensor_new_nchw (1, CHANNELS, job.method->plan->height,
                            job.method->plan->width, NULL);
  watch->n_canvas = tess_tensor_n_elements (x);
  tess_random_normal (&random, tess_tensor_f32 (x), watch->n_canvas);
  for (gsize i = 0; i < tess_tensor_n_elements (x); i++)
    tess_tensor_f32 (x)[i] *= (gfloat) tess_sampler_init_sigma (job.sampler);
  if (there != NULL)
    {
      job.backend = there->backend;
      job.begin = net_begin;
      job.denoiser_data = there;
      tess_denoise_backend_cost (&job, row->keep, &watch->cost);
    }
  tess_denoise_run (&job, x, NULL, &error);
  ck_no_error (error);
  if (n_first > 0) /* the rest as a job that is taken up */
    {
      job.first_step = n_first;
      job.end_step = 0;
      said = g_steal_pointer (&watch->said);
      job.last_said = said;
      tess_denoise_run (&job, x, NULL, &error);
      ck_no_error (error);
    }
  g_clear_pointer (&watch->said, g_free);
  tess_regions_free (extras.regions);
  g_free (extras.numbers);
  tess_sampler_free (job.sampler);
  tess_method_free (job.method);
  return x;
}

static TessBackend *
open_backend (gboolean card)
{
  const TessVulkanSettings settings = { .hidden = TRUE, .unproven = TRUE };
  GError *error = NULL;
  TessBackend *backend;

  if (!card)
    return tess_backend_plain_new ();
  backend = tess_backend_vulkan_new (&settings, &error);
  if (backend == NULL)
    tess_test_skip (error->message);
  return backend;
}

static void
check (gboolean card, gint n_first)
{
  g_autoptr (TessBackend) plain = tess_backend_plain_new ();
  g_autoptr (TessBackend) backend = open_backend (card);

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      Net here = { .backend = plain }, there = { .backend = backend };
      Watch a_watch = { .backend = plain, .net = &here };
      Watch b_watch = { .backend = backend, .net = &there, .counts = card };
      g_autoptr (TessTensor) a = run (&rows[i], &here, NULL, &a_watch, 0);
      g_autoptr (TessTensor) b = NULL;
      gdouble difference;

      b_watch.n_submits = tess_backend_n_submits (backend);
      b = run (&rows[i], &here, &there, &b_watch, n_first);
      difference = tess_test_error (tess_tensor_f32 (b), tess_tensor_f32 (a),
                                    tess_tensor_n_elements (a));
      ck_assert_msg (difference <= BOUND, "row %u: error %g", i, difference);
      ck_assert_int_eq (here.n_calls, there.n_calls);
      ck_assert_int_eq (b_watch.n_steps, a_watch.n_steps);
      ck_assert_int_eq (b_watch.n_looks, a_watch.n_looks);
      ck_assert_int_gt (b_watch.n_looks, 1);
      /* Told before, and no more than a little too much. */
      ck_assert_msg (b_watch.n_bytes <= b_watch.cost.held
                         && b_watch.n_bytes >= 0.8 * b_watch.cost.held,
                     "row %u: %zu of %zu bytes", i, b_watch.n_bytes,
                     b_watch.cost.held);
      ck_assert_double_le (fabs (a_watch.seen - b_watch.seen),
                           1e-3 * (1.0 + fabs (a_watch.seen)));
      net_drop (&here);
      net_drop (&there);
    }
  if (card)
    ck_assert_int_eq (tess_gpu_n_messages (), 0);
}

/* A job that is taken up goes on to the same bits, and so does any size of
 * calls. */
static void
check_bits (gboolean card)
{
  g_autoptr (TessBackend) backend = open_backend (card);

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      Net net = { .backend = backend };
      Watch watch = { .backend = backend, .net = &net };
      Row other = rows[i];
      g_autoptr (TessTensor) a = run (&rows[i], &net, &net, &watch, 0);
      g_autoptr (TessTensor) b = run (&rows[i], &net, &net, &watch, 3);
      g_autoptr (TessTensor) c = NULL;

      other.batch = 1;
      c = run (&other, &net, &net, &watch, 0);
      ck_assert_mem_eq (a->data, b->data, a->n_bytes);
      ck_assert_mem_eq (a->data, c->data, a->n_bytes);
      net_drop (&net);
    }
}

#ifdef TESS_VULKAN
/* Calls of Vulkan refused in turn, every other for want of memory, the rest
 * because the device is lost: the loop goes on here from where it was, to the
 * same canvas. Its network is not what is tried. */
static void
check_fault (VkResult failure, gint first)
{
  static const Row row = { TESS_SAMPLER_DDIM,
                           TESS_PREDICTION_EPS,
                           1.0,
                           8,
                           2,
                           .regions = 1,
                           .guided = 1,
                           .n_alone = 1,
                           .keep = 1,
                           .rescale = 0.5 };
  g_autoptr (TessBackend) plain = tess_backend_plain_new ();
  g_autoptr (TessBackend) kept = open_backend (TRUE); /* so the layer stays */
  Net here = { .backend = plain };
  Watch watch = { .backend = plain, .net = &here };
  g_autoptr (TessTensor) a = run (&row, &here, NULL, &watch, 0);

  for (gint nth = first;; nth += 2)
    {
      g_autoptr (TessBackend) backend = open_backend (TRUE);
      Net there = { .backend = backend, .spare = &here };
      Watch other = { .backend = backend, .net = &there };
      g_autoptr (TessTensor) b = NULL;
      gdouble difference;

      tess_vk_fail_at (nth, NULL, failure);
      b = run (&row, &here, &there, &other, 0);
      difference = tess_test_error (tess_tensor_f32 (b), tess_tensor_f32 (a),
                                    tess_tensor_n_elements (a));
      net_drop (&there);
      ck_assert_msg (difference <= BOUND, "call %d: error %g", nth, difference);
      ck_assert_int_eq (other.n_steps, N_STEPS);
      if (tess_vk_has_failed ())
        continue;
      ck_assert_int_gt (nth, 100);
      break;
    }
  tess_vk_fail_at (0, NULL, VK_SUCCESS);
  net_drop (&here);
  ck_assert_int_eq (tess_gpu_n_messages (), 0);
}

START_TEST (each_call_fails)
{
  if (_i == 0)
    check_fault (VK_ERROR_OUT_OF_DEVICE_MEMORY, 1);
  else
    check_fault (VK_ERROR_DEVICE_LOST, 2);
}
END_TEST
#endif

START_TEST (same_bits)
{
  check_bits (_i);
}
END_TEST

START_TEST (on_plain)
{
  check (FALSE, 0);
}
END_TEST

START_TEST (taken_up)
{
  check (FALSE, 2);
}
END_TEST

START_TEST (on_vulkan)
{
  check (TRUE, 0);
}
END_TEST

Suite *
tess_test_suite (void)
{
  Suite *suite = suite_create ("denoise-backend");
  TCase *tc;

  g_setenv ("TESSERA_DEVICE", "llvmpipe", FALSE);
  g_setenv ("TESSERA_GPU_VALIDATION", "1", FALSE);
  g_setenv ("TESSERA_GPU_CACHE", "0", TRUE);
  tess_test_add (suite, "on_plain", on_plain);
  tess_test_add (suite, "taken_up", taken_up);
  tess_test_add (suite, "on_vulkan", on_vulkan);
  tc = tcase_create ("same_bits");
  tcase_add_loop_test (tc, same_bits, 0, 2);
  suite_add_tcase (suite, tc);
#ifdef TESS_VULKAN
  tc = tcase_create ("each_call_fails");
  tcase_add_loop_test (tc, each_call_fails, 0, 2);
  suite_add_tcase (suite, tc);
#endif
  return suite;
}
