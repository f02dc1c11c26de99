/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/seam.c: profiles of gradients and tone steps, read band by band. */
#include "core/seam.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include "core/error.h"

#define STRIP TESS_SEAM_STRIP
#define BAND 64 /* pixels along the edge that are averaged for the tone */
#define N_HARMONICS 4
#define UNSEEN 5e-4 /* an eighth of a step of 8 bits: nobody sees less */

void
tess_seam_profile_free (TessSeamProfile *profile)
{
  if (!profile)
    return;
  g_free (profile->gradient);
  g_free (profile->tone);
  g_free (profile);
}

/* Mean and least-squares slope of STRIP columns from @first on. */
static void
strip_fit (
    const gdouble *profile, gint n, gint first, gdouble *mean, gdouble *slope)
{
  gdouble sum = 0.0, moment = 0.0, spread = 0.0;

  for (gint i = 0; i < STRIP; i++)
    {
      gdouble v = profile[((first + i) % n + n) % n];
      gdouble u = i - 0.5 * (STRIP - 1);

      sum += v;
      moment += u * v;
      spread += u * u;
    }
  *mean = sum / STRIP;
  *slope = moment / spread;
}

static void
add_tone (TessSeamProfile *profile, const gdouble *columns, gdouble weight)
{
  for (gint b = 0; b < profile->n; b++)
    {
      gdouble mean_l, mean_r, slope_l, slope_r;

      strip_fit (columns, profile->n, b - STRIP + 1, &mean_l, &slope_l);
      strip_fit (columns, profile->n, b + 1, &mean_r, &slope_r);
      profile->tone[b]
          += weight
             * fabs (mean_r - mean_l - 0.5 * (slope_l + slope_r) * STRIP);
    }
}

/* A band of the picture: n columns of m pixels; the pixel i of column x lies at
 * x * step_x + i * step_i. */
typedef struct
{
  const gfloat *v;
  gint n, m;
  gsize step_x, step_i;
} Band;

static void
add_band (TessSeamProfile *profile,
          const Band *band,
          const gdouble *weights,
          gdouble *columns)
{
  gdouble sum = 0.0;

  for (gint i = 0; i < band->m; i++)
    {
      const gfloat *line = band->v + i * band->step_i;

      sum += weights[i];
      for (gint x = 0; x < band->n; x++)
        {
          const gfloat *p = line + x * band->step_x;
          const gfloat *q = line + (x + 1 < band->n ? x + 1 : 0) * band->step_x;

          profile->gradient[x]
              += weights[i]
                 * (fabs ((gdouble) p[0] - q[0]) + fabs ((gdouble) p[1] - q[1])
                    + fabs ((gdouble) p[2] - q[2]));
        }
    }
  if (!(sum > 0.0))
    return;
  for (gint c = 0; c < 3; c++)
    {
      for (gint x = 0; x < band->n; x++)
        {
          columns[x] = 0.0;
          for (gint i = 0; i < band->m; i++)
            columns[x] += weights[i]
                          * band->v[x * band->step_x + i * band->step_i + c]
                          / sum;
        }
      add_tone (profile, columns, sum);
    }
}

TessSeamProfile *
tess_seam_profile_new (GeglBuffer *picture,
                       const TessSeamSettings *settings,
                       GCancellable *cancellable,
                       GError **error)
{
  const GeglRectangle *extent = gegl_buffer_get_extent (picture);
  gboolean rows = settings->rows;
  gint n = rows ? extent->height : extent->width;
  gint m = rows ? extent->width : extent->height;
  g_autoptr (TessSeamProfile) profile = g_new0 (TessSeamProfile, 1);
  g_autofree gfloat *values = NULL;
  g_autofree gdouble *columns = NULL;
  gdouble weights[2 * BAND], total = 0.0;

  if (n < 4 * STRIP || m < 1)
    {
      g_set_error (
          error, TESS_ERROR, TESS_ERROR_REQUEST,
          _ ("%d x %d pixels are too few to look for a seam; take %d at "
             "least"),
          extent->width, extent->height, 4 * STRIP);
      return NULL;
    }
  profile->n = n;
  profile->gradient = g_new0 (gdouble, n);
  profile->tone = g_new0 (gdouble, n);
  values = g_new (gfloat, (gsize) n * MIN (2 * BAND, m) * 3);
  columns = g_new (gdouble, n);

  /* The rest that is less than a band goes with the last one. */
  for (gint first = 0, end; first < m; first = end)
    {
      gint length;
      GeglRectangle part;
      Band band = { values, n, 0, 3, (gsize) n * 3 };

      end = m - first < 2 * BAND ? m : first + BAND;
      length = end - first;
      band.m = length;
      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return NULL;
      if (rows)
        {
          part = (GeglRectangle) { extent->x + first, extent->y, length, n };
          band.step_x = (gsize) length * 3;
          band.step_i = 3;
        }
      else
        part = (GeglRectangle) { extent->x, extent->y + first, n, length };
      gegl_buffer_get (picture, &part, 1.0, babl_format ("R'G'B' float"),
                       values, GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
      for (gint i = 0; i < length; i++)
        {
          weights[i] = settings->sphere
                           ? cos (G_PI * ((first + i + 0.5) / m - 0.5))
                           : 1.0;
          total += weights[i];
        }
      add_band (profile, &band, weights, columns);
    }
  for (gint x = 0; x < n; x++)
    {
      profile->gradient[x] /= 3.0 * total;
      profile->tone[x] /= 3.0 * total;
    }
  return g_steal_pointer (&profile);
}

/* Energy of @g at @frequency (cycles per column), through a Hann window. */
static gdouble
energy_at (const gdouble *g, gint n, gdouble mean, gdouble frequency)
{
  gdouble re = 0.0, im = 0.0;

  for (gint x = 0; x < n; x++)
    {
      gdouble w = 0.5 - 0.5 * cos (2.0 * G_PI * (x + 0.5) / n);

      re += w * (g[x] - mean) * cos (2.0 * G_PI * frequency * x);
      im += w * (g[x] - mean) * sin (2.0 * G_PI * frequency * x);
    }
  return re * re + im * im;
}

gdouble
tess_seam_period (const TessSeamProfile *profile, gint n, gdouble period)
{
  const gdouble *g = profile->gradient;
  gdouble mean = 0.0, at = 0.0, beside = 0.0;

  for (gint x = 0; x < n; x++)
    mean += g[x] / n;
  for (gint k = 1; k <= N_HARMONICS; k++)
    {
      at += energy_at (g, n, mean, k / period);
      for (gint d = 3; d <= 6; d++)
        beside += (energy_at (g, n, mean, k / period + (gdouble) d / n)
                   + energy_at (g, n, mean, k / period - (gdouble) d / n))
                  / 8.0;
    }
  return at / MAX (beside, 1e-30);
}

static gint
compare (gconstpointer a, gconstpointer b)
{
  gdouble x = *(const gdouble *) a, y = *(const gdouble *) b;

  return (x > y) - (x < y);
}

/* How many in a hundred of the sorted @v are less. */
static gdouble
percent_below (const gdouble *v, gint n, gdouble value)
{
  gint below = 0;

  while (below < n && v[below] < value)
    below++;
  return 100.0 * below / n;
}

/* The mean gradient of cells' edges beside the last column, a strip's width on
 * either side. */
static gdouble
beside_last (const TessSeamProfile *profile)
{
  gdouble sum = 0.0;
  gint n = 0;

  for (gint d = TESS_SEAM_CELL; d <= STRIP; d += TESS_SEAM_CELL, n += 2)
    sum += profile->gradient[profile->n - 1 - d] + profile->gradient[d - 1];
  return sum / n;
}

void
tess_seam_closing (const TessSeamProfile *profile, TessSeamClosing *closing)
{
  gint last = profile->n - 1, n = 0;
  gdouble mean = 0.0;
  g_autofree gdouble *others = g_new (gdouble, profile->n);

  for (gint b = last % TESS_SEAM_CELL; b < last; b += TESS_SEAM_CELL)
    others[n++] = profile->gradient[b];
  qsort (others, n, sizeof *others, compare);
  closing->line = profile->gradient[last] / MAX (others[n / 2], UNSEEN);
  closing->line_percent = percent_below (others, n, profile->gradient[last]);
  closing->line_beside
      = profile->gradient[last] / MAX (beside_last (profile), UNSEEN);

  n = 0;
  for (gint b = STRIP; b < last - STRIP; b++)
    mean += others[n++] = profile->tone[b];
  qsort (others, n, sizeof *others, compare);
  closing->tone_step = profile->tone[last];
  closing->tone = profile->tone[last] / MAX (mean / n, UNSEEN);
  closing->tone_percent = percent_below (others, n, profile->tone[last]);
}

/* What the rest of the picture has by itself is no seam. */
static TessSeamVerdict
judge (gdouble ratio, gdouble limit, gdouble percent, gdouble percent_limit)
{
  if (ratio <= limit || percent <= percent_limit)
    return TESS_SEAM_NONE;
  return ratio <= 2.0 * limit ? TESS_SEAM_FAINT : TESS_SEAM_CLEAR;
}

TessSeamVerdict
tess_seam_judge_line (const TessSeamClosing *closing)
{
  return judge (MIN (closing->line, closing->line_beside), 1.25,
                closing->line_percent, 97.0);
}

TessSeamVerdict
tess_seam_judge_tone (const TessSeamClosing *closing)
{
  return judge (closing->tone, 1.2, closing->tone_percent, 99.0);
}

TessSeamVerdict
tess_seam_judge_period (gdouble period)
{
  return period <= 2.0   ? TESS_SEAM_NONE
         : period <= 4.0 ? TESS_SEAM_FAINT
                         : TESS_SEAM_CLEAR;
}
