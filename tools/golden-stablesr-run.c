/* SPDX-License-Identifier: GPL-3.0-or-later
 * tools/golden-stablesr-run.c: cases of StableSR: schedules, the network, one
 * tiled step, whole runs. */
#include "core/error.h"
#include "core/model-config.h"
#include "core/model-synthetic.h"
#include "core/multidiffusion.h"
#include "core/schedule.h"
#include "tools/golden-stablesr.h"

#include <math.h>
#include <string.h>

/* --- schedules ----------------------------------------------------------- */

static TessSampler *
make_sampler (TessSamplerKind kind,
              gint n_steps,
              gdouble eta,
              TessPrediction prediction,
              GError **error)
{
  const TessSamplerSettings settings = {
    .kind = kind,
    .n_steps = n_steps,
    .eta = eta,
    .spacing = 1 + TESS_SPACING_LINSPACE,
    .pairing
    = kind == TESS_SAMPLER_DDIM ? TESS_PAIRING_STABLESR : TESS_PAIRING_STRIDE,
  };
  TessDiffusionConfig diffusion;

  tess_config_default_diffusion (&diffusion);
  diffusion.prediction = prediction;
  return tess_sampler_new (&diffusion, &settings, error);
}

/* What a step makes of x, of a predicted picture and of noise. */
static gfloat
step_of (TessSampler *sampler, gint step, gfloat x, gfloat x0, gfloat noise)
{
  tess_sampler_step (sampler, step, &x0, &noise, &x, 1);
  return x;
}

/* sqrt (abar) of a step. */
static gfloat
signal_of (const TessSampler *sampler, gint step)
{
  const gfloat one = 1.0f, zero = 0.0f;
  gfloat x;

  tess_sampler_add_noise (sampler, step, &one, &zero, &x, 1);
  return x;
}

static gboolean
run_schedule (const GoldenCase *c, GError **error)
{
  gint n = (gint) golden_number (c, "steps", 0);
  g_autoptr (TessSampler) sampler
      = make_sampler (TESS_SAMPLER_DDPM, n, 0.0, TESS_PREDICTION_X0, error);
  g_autofree gfloat *numbers = g_new (gfloat, 7 * (gsize) n);
  gfloat *tau = numbers, *abar = tau + n, *b = abar + n, *of_x0 = b + n;
  gfloat *of_x = of_x0 + n, *variance = of_x + n, *log_variance = variance + n;
  const gfloat one = 1.0f, zero = 0.0f;
  TessDiffusionConfig diffusion;
  TessNoiseLevels levels;
  gfloat start[2];

  tess_config_default_diffusion (&diffusion);
  if (sampler == NULL
      || !tess_noise_levels_init (&levels, &diffusion, FALSE, error))
    return FALSE;
  for (gint j = 0; j < n; j++)
    {
      gint step = n - 1 - j;
      gdouble spread = step_of (sampler, step, 0.0f, 0.0f, 1.0f);

      tau[j] = (gfloat) tess_sampler_timestep (sampler, step);
      abar[j] = levels.abar[(gint) tau[j]];
      b[j] = (gfloat) (1.0 - abar[j] / (j > 0 ? (gdouble) abar[j - 1] : 1.0));
      of_x0[j] = step_of (sampler, step, 0.0f, 1.0f, 0.0f);
      of_x[j] = step_of (sampler, step, 1.0f, 0.0f, 0.0f);
      variance[j] = (gfloat) (spread * spread);
      log_variance[j] = (gfloat) log (MAX (spread * spread, 1e-20));
    }
  tess_noise_levels_finish (&levels);
  tess_sampler_begin_noise (sampler, &one, &zero, &start[0], 1);
  tess_sampler_begin_noise (sampler, &zero, &one, &start[1], 1);
  golden_compare_numbers (c, "tau", tau);
  golden_compare_numbers (c, "abar", abar);
  golden_compare_numbers (c, "b", b);
  golden_compare_numbers (c, "coef1", of_x0);
  golden_compare_numbers (c, "coef2", of_x);
  golden_compare_numbers (c, "variance", variance);
  golden_compare_numbers (c, "log_variance", log_variance);
  golden_compare_numbers (c, "start", start);
  return TRUE;
}

/* Noise levels of DDIM as upstream pairs them. */
static gboolean
check_pairing (const GoldenCase *c, gint n, gdouble eta, GError **error)
{
  g_autoptr (TessSampler) sampler
      = make_sampler (TESS_SAMPLER_DDIM, n, eta, TESS_PREDICTION_X0, error);
  g_autofree gfloat *numbers = g_new (gfloat, 4 * (gsize) n);
  gfloat *tau = numbers, *a = tau + n, *a_prev = a + n, *sigma = a_prev + n;

  if (sampler == NULL)
    return FALSE;
  for (gint j = 0; j < n; j++)
    {
      gint step = n - 1 - j;
      gfloat signal = signal_of (sampler, step), next;

      /* A canvas without noise keeps none. */
      next = step_of (sampler, step, signal, 1.0f, 0.0f);
      tau[j] = (gfloat) tess_sampler_timestep (sampler, step);
      a[j] = signal * signal;
      a_prev[j] = next * next;
      sigma[j] = step_of (sampler, step, 0.0f, 0.0f, 1.0f);
    }
  golden_compare_numbers (c, "tau", tau);
  golden_compare_numbers (c, "a", a);
  golden_compare_numbers (c, "a_prev", a_prev);
  golden_compare_numbers (c, "sigma", sigma);
  return TRUE;
}

/* --- the network --------------------------------------------------------- */

static gboolean
make_model (GoldenSet *set, GError **error)
{
  if (set->model == NULL)
    set->model = tess_model_new_formula (set->path, error);
  return set->model != NULL;
}

static gboolean
run_network (const GoldenCase *c, GError **error)
{
  gdouble timestep = golden_number (c, "timestep", 0);
  g_autoptr (TessTensor) x = golden_input (c, "x", error);
  g_autoptr (TessTensor) z = x ? golden_input (c, "z", error) : NULL;
  g_autoptr (TessTensor) context
      = z ? golden_input (c, "context", error) : NULL;
  g_autoptr (TessTensor) eps = NULL;
  g_autoptr (TessUnet) unet = NULL;

  if (context == NULL || !make_model (c->set, error))
    return FALSE;
  unet = tess_unet_new (c->set->model, c->set->golden->backend, error);
  eps = tess_tensor_new (TESS_F32, 4, x->dims, error);
  if (unet == NULL || eps == NULL
      || !tess_unet_condition (unet, context, &timestep, 1, NULL, error)
      || !tess_unet_structure (unet, TRUE, NULL, error)
      || !tess_unet_run (unet,
                         &(TessUnetCall) { .n = 1,
                                           .h = (gint) x->dims[2],
                                           .w = (gint) x->dims[3],
                                           .src = x->data,
                                           .dst = eps->data,
                                           .structure = z->data },
                         NULL, error))
    return FALSE;
  golden_compare (c, "eps", eps);
  return TRUE;
}

/* --- runs ---------------------------------------------------------------- */

typedef struct
{
  TessSampler *sampler;
  TessTensor *z, *x, *contexts;
  TessTensor *output, *x0; /* of the last step looked at */
  TessTensor *latents;     /* after every step; NULL: not wanted */
  TessTensor *noise;
  TessMethod *method;
  TessUnet *unet;
} Run;

static void
run_finish (Run *run)
{
  tess_sampler_free (run->sampler);
  tess_tensor_unref (run->z);
  tess_tensor_unref (run->x);
  tess_tensor_unref (run->contexts);
  tess_tensor_unref (run->output);
  tess_tensor_unref (run->x0);
  tess_tensor_unref (run->latents);
  tess_tensor_unref (run->noise);
  tess_method_free (run->method);
  tess_unet_free (run->unet);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Run, run_finish)

static void
look (gint step, const gfloat *x, const gfloat *output, gpointer data)
{
  Run *run = data;

  if (run->output == NULL)
    return;
  memcpy (run->output->data, output, run->output->n_bytes);
  tess_sampler_predict_x0 (run->sampler, step, x, output, run->x0->data,
                           tess_tensor_n_elements (run->x0));
}

static gboolean
stepped (const TessDenoiseState *state, gpointer data, GError **error)
{
  Run *run = data;
  gsize n = tess_tensor_n_elements (run->x);

  if (run->latents != NULL)
    memcpy (tess_tensor_f32 (run->latents) + (state->step - 1) * n, state->x,
            n * sizeof (gfloat));
  return TRUE;
}

static gboolean
network (const TessUnetCall *call,
         gpointer data,
         GCancellable *cancellable,
         GError **error)
{
  return tess_unet_run (((Run *) data)->unet, call, cancellable, error);
}

static gboolean
begin (const TessUnetCall *call,
       gpointer data,
       TessUnetBatch *batch,
       GError **error)
{
  return tess_unet_begin (((Run *) data)->unet, call, batch, error);
}

/* What the set's note says in place of a network. */
#define STAND_IN                                                               \
  "stand-in for one tile: m = 0.9 x + 0.1 z + 0.2 (tau/1000) tanh(x) + 0.05 "  \
  "col/T - 0.03 row/T + q;"

static gboolean
stand_in (const TessUnetCall *call,
          gpointer data,
          GCancellable *cancellable,
          GError **error)
{
  const Run *run = data;
  gsize plane = (gsize) call->h * call->w, n = 4 * plane;
  gdouble tau = tess_sampler_timestep (run->sampler, call->step);

  for (gsize i = 0; i < call->n * n; i++)
    {
      gdouble x = call->src[i], z = call->structure[i];
      gdouble col = (gdouble) (i % call->w) / call->w;
      gdouble row = (gdouble) (i % plane / call->w) / call->h;
      gdouble q = call->rows[i / n] == 0 ? 0.02 : -0.03;

      call->dst[i]
          = (gfloat) (0.9 * x + 0.1 * z + 0.2 * (tau / 1000.0) * tanh (x)
                      + 0.05 * col - 0.03 * row + q);
    }
  return TRUE;
}

/* Contexts one after another: positive, negative. */
static TessTensor *
read_contexts (const GoldenCase *c, gboolean guided, GError **error)
{
  g_autoptr (TessTensor) positive = golden_input (c, "context", error);
  g_autoptr (TessTensor) negative = NULL;
  TessTensor *both;

  if (positive == NULL)
    return NULL;
  if (!guided)
    return g_steal_pointer (&positive);
  negative = golden_input (c, "context_negative", error);
  if (negative == NULL)
    return NULL;
  both = tess_tensor_new (
      TESS_F32, 3, (gint64[]) { 2, positive->dims[1], positive->dims[2] },
      error);
  if (both == NULL)
    return NULL;
  memcpy (both->data, positive->data, positive->n_bytes);
  memcpy ((guint8 *) both->data + positive->n_bytes, negative->data,
          negative->n_bytes);
  return both;
}

static gboolean
has_number (const GoldenCase *c, const gchar *name)
{
  JsonNode *node = golden_setting (c, name);

  return node != NULL && JSON_NODE_HOLDS_VALUE (node);
}

static gboolean
make_method (const GoldenCase *c, Run *run, GError **error)
{
  gint h = (gint) run->z->dims[2], w = (gint) run->z->dims[3];
  gboolean tiled = has_number (c, "tile");
  gint tile = (gint) golden_number (c, "tile", 0);
  gint overlap = (gint) golden_number (c, "overlap", 0);
  const TessMultidiffusionSettings settings
      = { .tiles = { .width = w,
                     .height = h,
                     .tile_w = tiled ? tile : w,
                     .tile_h = tiled ? tile : h,
                     .overlap_x = tiled ? overlap : 0,
                     .overlap_y = tiled ? overlap : 0,
                     .grid_x = TESS_GRID_ANCHORED,
                     .grid_y = TESS_GRID_ANCHORED },
          .weight = TESS_WEIGHT_GAUSSIAN,
          .seam_bias = 0.5 };

  run->method = tess_multidiffusion_new (&settings, error);
  return run->method != NULL;
}

static gboolean
prepare (const GoldenCase *c, Run *run, TessSamplerKind kind, GError **error)
{
  gint n_steps = (gint) golden_number (c, "steps", 0);
  const gchar *prediction = golden_text (c, "prediction");

  run->sampler
      = make_sampler (kind, n_steps, golden_number (c, "eta", 0.0),
                      g_strcmp0 (prediction, "v") == 0 ? TESS_PREDICTION_V
                                                       : TESS_PREDICTION_EPS,
                      error);
  run->z = run->sampler ? golden_input (c, "z", error) : NULL;
  return run->z != NULL && make_method (c, run, error);
}

static gboolean
prepare_network (const GoldenCase *c, Run *run, GError **error)
{
  gint n_steps = tess_sampler_n_steps (run->sampler);
  g_autofree gdouble *timesteps = g_new (gdouble, n_steps);

  run->contexts = read_contexts (c, has_number (c, "guidance"), error);
  if (run->contexts == NULL || !make_model (c->set, error))
    return FALSE;
  for (gint i = 0; i < n_steps; i++)
    timesteps[i] = tess_sampler_timestep (run->sampler, i);
  run->unet = tess_unet_new (c->set->model, c->set->golden->backend, error);
  return run->unet != NULL
         && tess_unet_condition (run->unet, run->contexts, timesteps, n_steps,
                                 NULL, error)
         && tess_unet_structure (run->unet, TRUE, NULL, error);
}

static TessDenoise
make_job (const GoldenCase *c, Run *run, TessDenoiser denoiser)
{
  static const gint32 rows[] = { 0, 1 };

  return (TessDenoise) { .method = run->method,
                         .sampler = run->sampler,
                         .denoiser = denoiser,
                         .denoiser_data = run,
                         .backend = run->unet ? golden_card (c) : NULL,
                         .begin = begin,
                         .channels = 4,
                         .batch = 2,
                         .positive = rows,
                         .negative
                         = has_number (c, "guidance") ? rows + 1 : NULL,
                         .guidance = golden_number (c, "guidance", 0.0),
                         .structure = tess_tensor_f32 (run->z),
                         .noise = tess_tensor_f32 (run->noise),
                         .look = look,
                         .stepped = stepped,
                         .data = run };
}

/* One step of a schedule, counted from the cleanest. */
static gboolean
run_step (const GoldenCase *c, GError **error)
{
  g_auto (Run) run = { 0 };
  gint n_steps = (gint) golden_number (c, "steps", 0);
  gint step = n_steps - 1 - (gint) golden_number (c, "index", 0);
  const gfloat zero = 0.0f, one = 1.0f;
  gfloat spread = 0.0f;
  TessDenoise job;
  gint64 dims[4];

  if (!prepare (c, &run, TESS_SAMPLER_DDPM, error)
      || !prepare_network (c, &run, error))
    return FALSE;
  run.x = golden_input (c, "x", error);
  if (run.x == NULL)
    return FALSE;
  memcpy (dims, run.x->dims, sizeof dims);
  run.output = tess_tensor_new (TESS_F32, 4, dims, error);
  run.x0 = tess_tensor_new (TESS_F32, 4, dims, error);
  dims[0] = n_steps;
  run.noise = tess_tensor_new (TESS_F32, 4, dims, error); /* zeros: the mean */
  if (run.output == NULL || run.x0 == NULL || run.noise == NULL)
    return FALSE;
  job = make_job (c, &run, network);
  job.first_step = step;
  job.end_step = step + 1;
  if (!tess_denoise_run (&job, run.x, NULL, error))
    return FALSE;
  tess_sampler_step (run.sampler, step, &zero, &one, &spread, 1);
  spread *= spread;
  golden_compare (c, "blended", run.output);
  golden_compare (c, "x0", run.x0);
  golden_compare (c, "mean", run.x);
  golden_compare_numbers (c, "variance", &spread);
  return TRUE;
}

static gboolean
run_whole (const GoldenCase *c, GError **error)
{
  g_auto (Run) run = { 0 };
  const gchar *sampler = golden_text (c, "sampler");
  const gchar *start = golden_text (c, "start");
  gboolean ddim
      = golden_has_output (c, "a_prev") || g_strcmp0 (sampler, "ddim") == 0;
  TessDenoise job;
  gint64 dims[4];

  if (sampler != NULL
      && !g_str_has_prefix (
          json_object_get_string_member_with_default (c->set->root, "note", ""),
          STAND_IN))
    {
      g_set_error (error, TESS_ERROR, TESS_ERROR_UNSUPPORTED,
                   "a stand-in that is not known here");
      return FALSE;
    }
  if (!prepare (c, &run, ddim ? TESS_SAMPLER_DDIM : TESS_SAMPLER_DDPM, error)
      || (sampler == NULL && !prepare_network (c, &run, error)))
    return FALSE;
  run.x = golden_input (c, "start_noise", error);
  run.noise = run.x ? golden_input (c, "noise", error) : NULL;
  if (run.noise == NULL)
    return FALSE;
  memcpy (dims, run.x->dims, sizeof dims);
  dims[0] = tess_sampler_n_steps (run.sampler);
  run.latents = tess_tensor_new (TESS_F32, 4, dims, error);
  if (run.latents == NULL)
    return FALSE;
  /* Upstream's DDIM begins with noise alone, whatever the case says. */
  if (g_strcmp0 (start, "noised z") == 0 && !ddim)
    tess_sampler_begin_noise (run.sampler, run.z->data, run.x->data,
                              run.x->data, tess_tensor_n_elements (run.x));
  if (golden_has_output (c, "start"))
    golden_compare (c, "start", run.x);
  job = make_job (c, &run, sampler != NULL ? stand_in : network);
  if (!tess_denoise_run (&job, run.x, NULL, error))
    return FALSE;
  golden_compare (c, "latents", run.latents);
  golden_compare (c, "latent", run.x);
  return !golden_has_output (c, "a_prev")
         || check_pairing (c, (gint) dims[0], golden_number (c, "eta", 0.0),
                           error);
}

gboolean
golden_stablesr_run (const GoldenCase *c)
{
  const struct
  {
    gboolean here;
    gboolean (*run) (const GoldenCase *c, GError **error);
  } kinds[] = {
    { golden_has_output (c, "log_variance"), run_schedule },
    { golden_has_input (c, "timestep") && golden_has_input (c, "z"),
      run_network },
    { golden_has_output (c, "blended"), run_step },
    { golden_has_input (c, "start_noise") && golden_has_input (c, "z"),
      run_whole },
  };

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (kinds[i].here)
      {
        GError *error = NULL;

        if (!kinds[i].run (c, &error))
          golden_case_fail (c, "run", error);
        return TRUE;
      }
  return FALSE;
}
