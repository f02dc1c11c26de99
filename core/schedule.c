/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/schedule.c: betas, noise levels, timesteps. Rounding follows torch and
 * numpy where the values could tell. */
#include "core/schedule.h"
#include "core/error.h"

#include <glib/gi18n-lib.h>
#include <math.h>

#define SMALLEST_ABAR 0x1p-24f /* instead of 0, so that sigma is finite */
#define KARRAS_RHO 7.0

/* torch.linspace in float32: from both ends to the middle. */
static void
linspace_f32 (gfloat *dst, gint n, gfloat start, gfloat end)
{
  gfloat step = n > 1 ? (end - start) / (gfloat) (n - 1) : 0.0f;

  for (gint i = 0; i < n; i++)
    dst[i] = i < n / 2 ? fmaf (step, (gfloat) i, start)
                       : fmaf (-step, (gfloat) (n - 1 - i), end);
}

static gdouble
cosine_abar (gdouble t)
{
  gdouble c = cos ((t + 0.008) / 1.008 * G_PI / 2);

  return c * c;
}

static void
fill_betas (gfloat *beta, const TessDiffusionConfig *diffusion)
{
  gint n = diffusion->n_train_steps;

  switch (diffusion->betas)
    {
    case TESS_BETAS_LINEAR:
      linspace_f32 (beta, n, (gfloat) diffusion->beta_start,
                    (gfloat) diffusion->beta_end);
      break;
    case TESS_BETAS_COSINE:
      for (gint i = 0; i < n; i++)
        beta[i] = (gfloat) MIN (1.0
                                    - cosine_abar ((i + 1) / (gdouble) n)
                                          / cosine_abar (i / (gdouble) n),
                                0.999);
      break;
    case TESS_BETAS_SCALED_LINEAR:
    default:
      linspace_f32 (beta, n, (gfloat) sqrt (diffusion->beta_start),
                    (gfloat) sqrt (diffusion->beta_end));
      for (gint i = 0; i < n; i++)
        beta[i] *= beta[i];
      break;
    }
}

static void
multiply_up (gfloat *abar, const gfloat *beta, gint n)
{
  gdouble product = 1.0;

  for (gint i = 0; i < n; i++)
    {
      product *= (gdouble) (1.0f - beta[i]);
      abar[i] = (gfloat) product;
    }
}

/* The square roots of abar shifted and stretched so that the last is 0 and
 * the first what it was; back to betas as the reference goes. */
static void
rescale_betas (gfloat *beta, gint n)
{
  g_autofree gfloat *root = g_new (gfloat, n);
  gfloat first, last, stretch, before = 1.0f;

  multiply_up (root, beta, n);
  for (gint i = 0; i < n; i++)
    root[i] = sqrtf (root[i]);
  first = root[0];
  last = root[n - 1];
  stretch = first / (first - last);
  for (gint i = 0; i < n; i++)
    {
      gfloat r = (root[i] - last) * stretch;
      gfloat abar = r * r;

      beta[i] = 1.0f - (i > 0 ? abar / before : abar);
      before = abar;
    }
}

gboolean
tess_noise_levels_init (TessNoiseLevels *levels,
                        const TessDiffusionConfig *diffusion,
                        gboolean zero_snr,
                        GError **error)
{
  gint n = diffusion->n_train_steps;
  g_autofree gfloat *beta = NULL;

  if (n < 2 || n > 1000000
      || (diffusion->betas != TESS_BETAS_COSINE
          && !(diffusion->beta_start > 0.0
               && diffusion->beta_end >= diffusion->beta_start
               && diffusion->beta_end < 1.0)))
    {
      g_set_error (error, TESS_ERROR, TESS_ERROR_MODEL,
                   _ ("The model's scheduler asks for %d training steps with "
                      "betas from %g to %g; mend its scheduler_config.json."),
                   n, diffusion->beta_start, diffusion->beta_end);
      return FALSE;
    }
  beta = g_new (gfloat, n);
  fill_betas (beta, diffusion);
  if (zero_snr)
    rescale_betas (beta, n);

  levels->n_train = n;
  levels->abar = g_new (gfloat, n);
  levels->sigma = g_new (gfloat, n);
  multiply_up (levels->abar, beta, n);
  for (gint i = 0; i < n; i++)
    {
      gboolean last = zero_snr && i == n - 1;
      gfloat abar = last ? SMALLEST_ABAR : levels->abar[i];

      levels->sigma[i] = sqrtf ((1.0f - abar) / abar);
    }
  levels->abar_final = diffusion->set_alpha_to_one ? 1.0f : levels->abar[0];
  return TRUE;
}

void
tess_noise_levels_finish (TessNoiseLevels *levels)
{
  g_clear_pointer (&levels->abar, g_free);
  g_clear_pointer (&levels->sigma, g_free);
}

gdouble
tess_noise_levels_sigma (const TessNoiseLevels *levels, gdouble timestep)
{
  gint low;

  if (timestep <= 0.0)
    return levels->sigma[0];
  if (timestep >= levels->n_train - 1)
    return levels->sigma[levels->n_train - 1];
  low = (gint) timestep;
  return ((gdouble) levels->sigma[low + 1] - levels->sigma[low])
             * (timestep - low)
         + levels->sigma[low];
}

gdouble
tess_noise_levels_timestep (const TessNoiseLevels *levels, gdouble sigma)
{
  gdouble wanted = log (MAX (sigma, 1e-10)), low, high, share;
  gint first = 0, last = levels->n_train - 2;

  while (first < last) /* the last i whose sigma is not above the wanted */
    {
      gint middle = (first + last + 1) / 2;

      if (logf (levels->sigma[middle]) <= wanted)
        first = middle;
      else
        last = middle - 1;
    }
  low = logf (levels->sigma[first]);
  high = logf (levels->sigma[first + 1]);
  share = CLAMP ((low - wanted) / (low - high), 0.0, 1.0);
  return (1.0 - share) * first + share * (first + 1);
}

gboolean
tess_schedule_timesteps (const TessDiffusionConfig *diffusion,
                         TessStepGrid grid,
                         TessSpacing spacing,
                         gint n,
                         gdouble *dst,
                         GError **error)
{
  gint n_train = diffusion->n_train_steps;
  gint n_points = n + (grid == TESS_GRID_BETWEEN);
  gint most = n_train;

  if (grid == TESS_GRID_BETWEEN && spacing == TESS_SPACING_LEADING)
    most = n_train - 1;
  if (n < 1 || n > most)
    {
      g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
                   _ ("This sampler takes from 1 to %d steps, not %d; change "
                      "the steps."),
                   most, n);
      return FALSE;
    }

  for (gint i = 0; i < n; i++)
    {
      gint up = n_points - 1 - i; /* counted from the cleanest */
      gdouble ratio, t;

      switch (spacing)
        {
        case TESS_SPACING_TRAILING:
          /* numpy's arange: the second value decides the stride */
          ratio = (n_train - (gdouble) n_train / n) - n_train;
          t = rint (n_train + i * ratio) - 1.0;
          break;
        case TESS_SPACING_LINSPACE:
          ratio = n_points > 1 ? (n_train - 1.0) / (n_points - 1) : 0.0;
          t = up == n_points - 1 && n_points > 1 ? n_train - 1.0 : up * ratio;
          if (grid == TESS_GRID_EACH_F)
            t = (gfloat) t;
          else
            t = rint (t);
          break;
        case TESS_SPACING_LEADING:
        default:
          t = (gdouble) up * (n_train / n_points) + diffusion->steps_offset;
          break;
        }
      dst[i] = CLAMP (t, 0.0, n_train - 1.0);
    }
  return TRUE;
}

void
tess_schedule_karras (const TessNoiseLevels *levels, gint n, gdouble *dst)
{
  gdouble high = pow (levels->sigma[levels->n_train - 1], 1.0 / KARRAS_RHO);
  gdouble low = pow (levels->sigma[0], 1.0 / KARRAS_RHO);

  for (gint i = 0; i < n; i++)
    {
      gdouble share = n > 1 ? (gdouble) i / (n - 1) : 0.0;

      dst[i] = pow (high + share * (low - high), KARRAS_RHO);
    }
}

gint
tess_schedule_first (gint n, gdouble strength)
{
  gint n_run = MIN ((gint) (n * strength), n);

  return n - MAX (n_run, 1);
}
