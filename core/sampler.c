/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/sampler.c: what all methods share: settings, the path through the
 * noise levels, scales, history. A method itself is a file in core/samplers. */
#include "core/samplers/method.h"
#include "core/error.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define BLOCK 2048 /* floats summed at a time: stays in the first cache */

static const TessMethod *const methods[TESS_N_SAMPLERS] = {
  [TESS_SAMPLER_DDIM] = &tess_method_ddim,
  [TESS_SAMPLER_EULER] = &tess_method_euler,
  [TESS_SAMPLER_EULER_ANCESTRAL] = &tess_method_euler_ancestral,
  [TESS_SAMPLER_DPMPP_2M] = &tess_method_dpmpp_2m,
  [TESS_SAMPLER_DPMPP_2M_KARRAS] = &tess_method_dpmpp_2m_karras,
  [TESS_SAMPLER_UNIPC] = &tess_method_unipc,
  [TESS_SAMPLER_DDPM] = &tess_method_ddpm,
  [TESS_SAMPLER_PLMS] = &tess_method_plms,
};

struct _TessSampler
{
  const TessMethod *method;
  TessPath path;
  gdouble init_sigma;
  gdouble abar_last; /* of the last training step */
  TessHistory history;
  gsize n_history; /* floats of each canvas in it */
};

const gchar *
tess_sampler_kind_nick (TessSamplerKind kind)
{
  g_return_val_if_fail ((guint) kind < TESS_N_SAMPLERS, NULL);
  return methods[kind]->nick;
}

gboolean
tess_sampler_kind_parse (const gchar *nick, TessSamplerKind *kind)
{
  for (gint i = 0; i < TESS_N_SAMPLERS; i++)
    if (g_strcmp0 (nick, methods[i]->nick) == 0)
      {
        *kind = i;
        return TRUE;
      }
  return FALSE;
}

/* --- sums ---------------------------------------------------------------- */

static void
add_term (gfloat *restrict sum,
          const gfloat *restrict src,
          gfloat weight,
          gsize n)
{
  for (gsize i = 0; i < n; i++)
    sum[i] += weight * src[i];
}

void
tess_terms_sum (gfloat *dst, gsize n, const TessTerm *terms, gint n_terms)
{
  gfloat sum[BLOCK];

  for (gsize at = 0; at < n; at += BLOCK)
    {
      gsize count = MIN (BLOCK, n - at);

      memset (sum, 0, count * sizeof *sum);
      for (gint k = 0; k < n_terms; k++)
        if (terms[k].weight != 0.0)
          add_term (sum, terms[k].src + at, (gfloat) terms[k].weight, count);
      memcpy (dst + at, sum, count * sizeof *sum);
    }
}

TessWeights
tess_x0_weights (TessPrediction prediction, gdouble signal, gdouble noise)
{
  switch (prediction)
    {
    case TESS_PREDICTION_V:
      return (TessWeights) { signal, -noise };
    case TESS_PREDICTION_X0:
      return (TessWeights) { 0.0, 1.0 };
    case TESS_PREDICTION_EPS:
    default:
      if (signal == 0.0)
        return (TessWeights) { 0.0, 0.0 };
      return (TessWeights) { 1.0 / signal, -noise / signal };
    }
}

TessWeights
tess_eps_weights (TessPrediction prediction, gdouble signal, gdouble noise)
{
  switch (prediction)
    {
    case TESS_PREDICTION_V:
      return (TessWeights) { noise, signal };
    case TESS_PREDICTION_X0:
      return (TessWeights) { 1.0 / noise, -signal / noise };
    case TESS_PREDICTION_EPS:
    default:
      return (TessWeights) { 0.0, 1.0 };
    }
}

/* --- the path ------------------------------------------------------------ */

static gboolean
check_settings (const TessSamplerSettings *settings, GError **error)
{
  if (!(settings->strength >= 0.0 && settings->strength <= 1.0))
    g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
                 _ ("The strength must be above 0 and at most 1, not %g."),
                 settings->strength);
  else if (!(settings->eta >= 0.0 && settings->eta <= 1.0))
    g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
                 _ ("Eta must be from 0 to 1, not %g."), settings->eta);
  else if ((guint) settings->kind >= TESS_N_SAMPLERS || settings->spacing < 0
           || settings->spacing > 1 + TESS_SPACING_LINSPACE)
    g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
                 _ ("Sampler %d with spacing %d is not known; choose another."),
                 settings->kind, settings->spacing);
  else if (settings->pairing != TESS_PAIRING_STRIDE
           && settings->kind != TESS_SAMPLER_DDIM)
    g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
                 _ ("Only DDIM pairs its timesteps otherwise, not %s."),
                 methods[settings->kind]->nick);
  else
    return TRUE;
  return FALSE;
}

static void
fill_karras (TessPath *path, const TessNoiseLevels *levels, TessBetas betas)
{
  tess_schedule_karras (levels, path->n, path->sigmas);
  for (gint i = 0; i < path->n; i++)
    {
      gdouble t = tess_noise_levels_timestep (levels, path->sigmas[i]);

      path->timesteps[i] = betas == TESS_BETAS_COSINE ? trunc (t) : rint (t);
    }
}

static void
fill_levels (TessPath *path,
             const TessMethod *method,
             TessPairing pairing,
             const TessNoiseLevels *levels)
{
  gint stride = levels->n_train / path->n;
  gboolean chain = method->chain || pairing == TESS_PAIRING_CHAIN;

  for (gint i = 0; i < path->n; i++)
    {
      gdouble t = path->timesteps[i];

      if (!method->karras)
        path->sigmas[i] = tess_noise_levels_sigma (levels, t);
      path->sigmas[i] = (gfloat) path->sigmas[i];
      if (method->grid == TESS_GRID_EACH)
        {
          gint next
              = chain ? (i + 1 < path->n ? (gint) path->timesteps[i + 1] : -1)
                      : (gint) t - stride;

          path->abar[i] = levels->abar[(gint) t];
          path->abar_next[i] = next >= 0 ? levels->abar[next]
                               : chain   ? 1.0
                                         : levels->abar_final;
          if (pairing != TESS_PAIRING_STABLESR)
            continue;
          path->abar[i] = levels->abar[(path->n - 1 - i) * stride];
          path->abar_next[i] = levels->abar[MAX (path->n - 2 - i, 0) * stride];
        }
    }
  path->sigmas[path->n] = 0.0;
}

/* Every n_train / n-th timestep from 1 on, as the method's own code counts
 * (where n does not divide n_train there are more than n); other spacings as
 * they are. The second is visited twice; where there is none, the first. */
static gboolean
fill_twice (TessPath *path,
            const TessDiffusionConfig *diffusion,
            TessSpacing spacing,
            const TessNoiseLevels *levels,
            gint n,
            GError **error)
{
  gint n_train = levels->n_train, stride = n_train / CLAMP (n, 1, n_train);
  gboolean leading = spacing == TESS_SPACING_LEADING;
  gint n_times = leading ? (n_train + stride - 1) / stride : n;
  g_autofree gdouble *times = g_new0 (gdouble, MAX (n_times, n));

  if (!tess_schedule_timesteps (diffusion, TESS_GRID_EACH, spacing, n, times,
                                error))
    return FALSE;
  for (gint i = 0; leading && i < n_times; i++)
    times[i] = MIN ((n_times - 1 - i) * stride + diffusion->steps_offset,
                    n_train - 1);
  path->n = n_times + 1;
  path->timesteps = g_new0 (gdouble, path->n);
  path->sigmas = g_new0 (gdouble, path->n + 1);
  path->abar = g_new0 (gdouble, path->n);
  path->abar_next = g_new0 (gdouble, path->n);
  for (gint i = 0; i < path->n; i++)
    {
      gint time = i < 2 ? MIN (i, n_times - 1) : i - 1;
      gint next = i == 0 ? MIN (1, n_times) : time + 1;

      path->timesteps[i] = times[time];
      path->sigmas[i] = (gfloat) tess_noise_levels_sigma (levels, times[time]);
      path->abar[i] = levels->abar[(gint) times[time]];
      path->abar_next[i] = next < n_times ? levels->abar[(gint) times[next]]
                                          : levels->abar_final;
    }
  return TRUE;
}

static gboolean
fill_path (TessPath *path,
           const TessMethod *method,
           const TessDiffusionConfig *diffusion,
           TessSpacing spacing,
           TessPairing pairing,
           const TessNoiseLevels *levels,
           gint n,
           GError **error)
{
  if (method->twice)
    return fill_twice (path, diffusion, spacing, levels, n, error);
  path->timesteps = g_new0 (gdouble, CLAMP (n, 1, levels->n_train));
  if (!tess_schedule_timesteps (diffusion, method->grid, spacing, n,
                                path->timesteps, error))
    return FALSE;
  path->n = n;
  path->sigmas = g_new0 (gdouble, n + 1);
  path->abar = g_new0 (gdouble, n);
  path->abar_next = g_new0 (gdouble, n);
  if (method->karras)
    fill_karras (path, levels, diffusion->betas);
  fill_levels (path, method, pairing, levels);
  return TRUE;
}

TessSampler *
tess_sampler_new (const TessDiffusionConfig *diffusion,
                  const TessSamplerSettings *settings,
                  GError **error)
{
  g_autoptr (TessSampler) sampler = g_new0 (TessSampler, 1);
  TessPath *path = &sampler->path;
  TessNoiseLevels levels = { 0 };
  TessSpacing spacing = diffusion->spacing;
  gboolean zero_snr;

  if (!check_settings (settings, error))
    return NULL;
  if (settings->spacing)
    spacing = (TessSpacing) (settings->spacing - 1);
  zero_snr = settings->zero_snr ? settings->zero_snr > 0 : diffusion->zero_snr;
  sampler->method = methods[settings->kind];

  if (!tess_noise_levels_init (&levels, diffusion, zero_snr, error))
    return NULL;
  if (!fill_path (path, sampler->method, diffusion, spacing, settings->pairing,
                  &levels, settings->n_steps, error))
    {
      tess_noise_levels_finish (&levels);
      return NULL;
    }
  sampler->abar_last = levels.abar[levels.n_train - 1];
  path->prediction = diffusion->prediction;
  path->eta = settings->eta;
  path->first = tess_schedule_first (
      path->n, settings->strength > 0.0 ? settings->strength : 1.0);
  /* The two evaluations of the first step belong together. */
  if (sampler->method->twice && path->first == 1)
    path->first = 0;
  tess_noise_levels_finish (&levels);

  sampler->init_sigma = 1.0;
  if (sampler->method->unscaled)
    sampler->init_sigma = spacing == TESS_SPACING_LEADING
                              ? sqrt (path->sigmas[0] * path->sigmas[0] + 1.0)
                              : path->sigmas[0];
  return g_steal_pointer (&sampler);
}

static void
drop_history (TessSampler *sampler)
{
  for (gint i = 0; i < TESS_MAX_HISTORY; i++)
    g_clear_pointer (&sampler->history.x0[i], g_free);
  g_clear_pointer (&sampler->history.before, g_free);
  sampler->history.n_x0 = 0;
}

void
tess_sampler_free (TessSampler *sampler)
{
  if (sampler == NULL)
    return;
  drop_history (sampler);
  g_free (sampler->path.timesteps);
  g_free (sampler->path.sigmas);
  g_free (sampler->path.abar);
  g_free (sampler->path.abar_next);
  g_free (sampler);
}

/* --- what the loop asks -------------------------------------------------- */

/* The place of a step of this run in the whole schedule. */
static gint
place (const TessSampler *sampler, gint step)
{
  g_assert (step >= 0 && sampler->path.first + step < sampler->path.n);
  return sampler->path.first + step;
}

/* x = signal * x0 + noise * eps at place @i, keeping the variance. */
static void
get_scales (const TessSampler *sampler, gint i, gdouble *signal, gdouble *noise)
{
  if (sampler->method->grid == TESS_GRID_EACH)
    {
      *signal = sqrt (sampler->path.abar[i]);
      *noise = sqrt (1.0 - sampler->path.abar[i]);
    }
  else
    {
      *signal = tess_sigma_signal (sampler->path.sigmas[i]);
      *noise = tess_sigma_noise (sampler->path.sigmas[i]);
    }
}

gint
tess_sampler_n_steps (const TessSampler *sampler)
{
  return sampler->path.n - sampler->path.first;
}

/* Whether this run has the first step, which counts twice. */
static gboolean
starts_twice (const TessSampler *sampler)
{
  return sampler->method->twice && sampler->path.first == 0;
}

gint
tess_sampler_n_times (const TessSampler *sampler)
{
  return tess_sampler_n_steps (sampler) - starts_twice (sampler);
}

gint
tess_sampler_time (const TessSampler *sampler, gint step)
{
  return starts_twice (sampler) ? MAX (step - 1, 0) : step;
}

gint
tess_sampler_step_of_time (const TessSampler *sampler, gint time)
{
  return time > 0 && starts_twice (sampler) ? time + 1 : time;
}

gdouble
tess_sampler_timestep (const TessSampler *sampler, gint step)
{
  return sampler->path.timesteps[place (sampler, step)];
}

void
tess_sampler_abar (const TessSampler *sampler,
                   gint step,
                   gdouble *now,
                   gdouble *next)
{
  gint i = place (sampler, step);

  *now = sampler->path.abar ? sampler->path.abar[i] : 0.0;
  *next = sampler->path.abar_next ? sampler->path.abar_next[i] : 0.0;
}

gdouble
tess_sampler_init_sigma (const TessSampler *sampler)
{
  return sampler->init_sigma;
}

gdouble
tess_sampler_noise_level (const TessSampler *sampler, gint step)
{
  gdouble signal, noise;

  get_scales (sampler, place (sampler, step), &signal, &noise);
  return noise;
}

gboolean
tess_sampler_wants_noise (const TessSampler *sampler, gint step)
{
  return sampler->method->noisy
         && sampler->method->noisy (&sampler->path, place (sampler, step));
}

void
tess_sampler_scale_input (const TessSampler *sampler,
                          gint step,
                          const gfloat *x,
                          gfloat *dst,
                          gsize n)
{
  gdouble signal, noise;

  get_scales (sampler, place (sampler, step), &signal, &noise);
  if (sampler->method->unscaled)
    tess_terms_sum (dst, n, &(TessTerm) { signal, x }, 1);
  else if (dst != x)
    memmove (dst, x, n * sizeof *x);
}

void
tess_sampler_add_noise (const TessSampler *sampler,
                        gint step,
                        const gfloat *x0,
                        const gfloat *noise,
                        gfloat *dst,
                        gsize n)
{
  gint i = place (sampler, step);
  gdouble signal, level;

  get_scales (sampler, i, &signal, &level);
  if (sampler->method->unscaled)
    {
      signal = 1.0;
      level = sampler->path.sigmas[i];
    }
  tess_terms_sum (dst, n,
                  (const TessTerm[]) { { signal, x0 }, { level, noise } }, 2);
}

void
tess_sampler_begin_noise (const TessSampler *sampler,
                          const gfloat *x0,
                          const gfloat *noise,
                          gfloat *dst,
                          gsize n)
{
  gdouble signal = sqrt (sampler->abar_last);
  gdouble level = sqrt (1.0 - sampler->abar_last);

  if (sampler->method->unscaled)
    {
      level /= MAX (signal, 0x1p-12);
      signal = 1.0;
    }
  tess_terms_sum (dst, n,
                  (const TessTerm[]) { { signal, x0 }, { level, noise } }, 2);
}

void
tess_sampler_predict_x0 (const TessSampler *sampler,
                         gint step,
                         const gfloat *x,
                         const gfloat *output,
                         gfloat *x0,
                         gsize n)
{
  gdouble signal, noise;
  TessWeights weights;

  get_scales (sampler, place (sampler, step), &signal, &noise);
  weights = tess_x0_weights (sampler->path.prediction, signal, noise);
  if (sampler->method->unscaled)
    weights.x *= signal;
  tess_terms_sum (
      x0, n,
      (const TessTerm[]) { { weights.x, x }, { weights.output, output } }, 2);
}

static void
predict_eps (const TessSampler *sampler,
             gint step,
             const gfloat *x,
             const gfloat *output,
             gfloat *eps,
             gsize n)
{
  gdouble signal, noise;
  TessWeights weights;

  get_scales (sampler, place (sampler, step), &signal, &noise);
  weights = tess_eps_weights (sampler->path.prediction, signal, noise);
  tess_terms_sum (
      eps, n,
      (const TessTerm[]) { { weights.x, x }, { weights.output, output } }, 2);
}

/* Makes room for this step's prediction and puts it first. */
static void
push_x0 (TessSampler *sampler,
         gint step,
         const gfloat *x,
         const gfloat *output,
         gsize n)
{
  TessHistory *history = &sampler->history;
  gint n_kept = sampler->method->n_x0;
  gfloat *oldest;

  if (n != sampler->n_history)
    drop_history (sampler);
  if (step == 0)
    history->n_x0 = 0;
  sampler->n_history = n;
  oldest = history->x0[n_kept - 1];
  memmove (history->x0 + 1, history->x0, (n_kept - 1) * sizeof *history->x0);
  history->x0[0] = oldest ? oldest : g_new (gfloat, n);
  history->n_x0 = MIN (history->n_x0 + 1, n_kept);
  if (sampler->method->needs_before && history->before == NULL)
    history->before = g_new (gfloat, n);
  if (sampler->method->keeps_eps)
    predict_eps (sampler, step, x, output, history->x0[0], n);
  else
    tess_sampler_predict_x0 (sampler, step, x, output, history->x0[0], n);
}

void
tess_sampler_step (TessSampler *sampler,
                   gint step,
                   const gfloat *output,
                   const gfloat *noise,
                   gfloat *x,
                   gsize n)
{
  gboolean noisy = tess_sampler_wants_noise (sampler, step);

  g_return_if_fail (noise != NULL || !noisy);
  if (sampler->method->n_x0 > 0)
    push_x0 (sampler, step, x, output, n);
  sampler->method->step (&sampler->path, place (sampler, step), output,
                         noisy ? noise : NULL, x, n, &sampler->history);
}

gint
tess_sampler_n_kept (const TessSampler *sampler, gboolean *before)
{
  *before = sampler->method->needs_before;
  return sampler->method->n_x0;
}

void
tess_sampler_remember (const TessSampler *sampler, TessSamplerMemory *memory)
{
  const TessHistory *history = &sampler->history;

  *memory = (TessSamplerMemory) {
    .n = sampler->n_history,
    .numbers = { history->n_x0, history->last_order },
  };
  for (gint i = 0; i < history->n_x0; i++)
    memory->canvases[i] = history->x0[i];
  memory->canvases[TESS_MAX_HISTORY] = history->before;
}

gboolean
tess_sampler_restore (TessSampler *sampler, const TessSamplerMemory *memory)
{
  TessHistory *history = &sampler->history;
  gint n_x0 = memory->numbers[0];

  if (n_x0 < 0 || n_x0 > sampler->method->n_x0)
    return FALSE;
  for (gint i = 0; i < n_x0; i++)
    if (memory->canvases[i] == NULL)
      return FALSE;
  drop_history (sampler);
  for (gint i = 0; i < n_x0; i++)
    history->x0[i]
        = g_memdup2 (memory->canvases[i], memory->n * sizeof (gfloat));
  if (memory->canvases[TESS_MAX_HISTORY])
    history->before = g_memdup2 (memory->canvases[TESS_MAX_HISTORY],
                                 memory->n * sizeof (gfloat));
  history->n_x0 = n_x0;
  history->last_order = memory->numbers[1];
  sampler->n_history = memory->n;
  return TRUE;
}

G_STATIC_ASSERT (TESS_MAX_HISTORY + 1 == TESS_SAMPLER_MAX_KEPT);
