/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/colour-fix.c: colours brought back to where they came from. */
#include "core/colour-fix.h"

#include "core/simd.h"

#include <math.h>
#include <string.h>

#define LEVELS 5
#define BAND 256
#define VARIANCE_EPS 1e-5
#define REACH TESS_WAVELET_REACH

/* --- wavelet ------------------------------------------------------------- */

TESS_SIMD static void
mean_of_three (const gfloat *restrict a,
               const gfloat *restrict b,
               const gfloat *restrict c,
               gfloat *restrict dst,
               gint n)
{
  for (gint i = 0; i < n; i++)
    dst[i] = 0.25f * (a[i] + c[i]) + 0.5f * b[i];
}

/* Along a row, with room for the edge on both sides. */
static void
blur_row (gfloat *row, gint w, gint r, gfloat *room)
{
  gfloat *middle = room + r;

  memcpy (middle, row, w * sizeof *row);
  for (gint i = 0; i < r; i++)
    {
      room[i] = row[0];
      middle[w + i] = row[w - 1];
    }
  mean_of_three (room, middle, middle + r, row, w);
}

void
tess_wavelet_low (gfloat *plane, gint w, gint h)
{
  g_autofree gfloat *other = g_new (gfloat, (gsize) w * h);
  g_autofree gfloat *room = g_new (gfloat, (gsize) w + 2 * (1 << LEVELS));

  for (gint k = 0; k < LEVELS; k++)
    {
      gint r = 1 << k;

      for (gint y = 0; y < h; y++)
        blur_row (plane + (gsize) y * w, w, r, room);
      for (gint y = 0; y < h; y++)
        mean_of_three (
            plane + (gsize) MAX (y - r, 0) * w, plane + (gsize) y * w,
            plane + (gsize) MIN (y + r, h - 1) * w, other + (gsize) y * w, w);
      memcpy (plane, other, (gsize) w * h * sizeof *plane);
    }
}

/* All is linear: what is added is the coarse part of style less content. A
 * band is worked out with rows above, whose content is kept as it was, and
 * rows below. */
static gboolean
fix_wavelet (gfloat *planes,
             gint w,
             gint h,
             const TessEnlarged *style,
             gint band,
             GCancellable *cancellable,
             GError **error)
{
  gint channels = style->channels, most = band + 2 * REACH;
  gsize n = (gsize) w * h;
  g_autofree gfloat *parts = g_new (gfloat, (gsize) channels * most * w);
  g_autofree gfloat *above = g_new (gfloat, (gsize) channels * REACH * w);

  for (gint y = 0; y < h; y += band)
    {
      gint rows = MIN (band, h - y), top = MAX (y - REACH, 0);
      gint bottom = MIN (y + rows + REACH, h), n_kept = y - top;
      gsize n_part = (gsize) (bottom - top) * w;

      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
      tess_enlarged_read (style, 0, top, w, bottom - top, parts);
#pragma omp parallel for
      for (gint c = 0; c < channels; c++)
        {
          gfloat *part = parts + c * n_part, *plane = planes + c * n;
          gfloat *kept = above + (gsize) c * REACH * w;
          gint n_keep = MIN (REACH, y + rows);

          for (gsize i = 0; i < (gsize) n_kept * w; i++)
            part[i] -= kept[i];
          for (gsize i = (gsize) n_kept * w; i < n_part; i++)
            part[i] -= plane[(gsize) top * w + i];
          /* The last rows as they are, for the next band: from this one, and
           * from those kept before where a band is less high than that. */
          if (n_keep > rows)
            memmove (kept, kept + (gsize) (n_kept - (n_keep - rows)) * w,
                     (gsize) (n_keep - rows) * w * sizeof *kept);
          memcpy (kept + (gsize) MAX (n_keep - rows, 0) * w,
                  plane + (gsize) (y + rows - MIN (n_keep, rows)) * w,
                  (gsize) MIN (n_keep, rows) * w * sizeof *kept);
          tess_wavelet_low (part, w, bottom - top);
          for (gsize i = 0; i < (gsize) rows * w; i++)
            plane[(gsize) y * w + i] += part[(gsize) n_kept * w + i];
        }
    }
  return TRUE;
}

/* --- mean and deviation -------------------------------------------------- */

/* Sums less a number near the mean keep their digits. */
typedef struct
{
  gdouble first, sum, squares, n;
} Sums;

static void
sums_add (Sums *sums, const gfloat *x, gsize n)
{
  gdouble sum = 0.0, squares = 0.0;

  if (sums->n == 0.0 && n > 0)
    sums->first = x[0];
  for (gsize i = 0; i < n; i++)
    {
      gdouble d = x[i] - sums->first;

      sum += d;
      squares += d * d;
    }
  sums->sum += sum;
  sums->squares += squares;
  sums->n += n;
}

static gdouble
sums_mean (const Sums *sums)
{
  return sums->first + sums->sum / sums->n;
}

static gdouble
sums_deviation (const Sums *sums)
{
  gdouble variance = sums->squares - sums->sum * sums->sum / sums->n;

  return sqrt (MAX (variance, 0.0) / MAX (sums->n - 1.0, 1.0) + VARIANCE_EPS);
}

static gboolean
fix_adain (gfloat *planes,
           gint w,
           gint h,
           const TessEnlarged *style,
           gint band,
           GCancellable *cancellable,
           GError **error)
{
  gsize n = (gsize) w * h;
  g_autofree Sums *own = g_new0 (Sums, style->channels);
  g_autofree Sums *wanted = g_new0 (Sums, style->channels);
  g_autofree gfloat *rows = g_new (gfloat, (gsize) style->channels * band * w);

  for (gint y = 0; y < h; y += band)
    {
      gint n_rows = MIN (band, h - y);
      gsize n_band = (gsize) n_rows * w;

      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
      tess_enlarged_read (style, 0, y, w, n_rows, rows);
      for (gint c = 0; c < style->channels; c++)
        {
          sums_add (&own[c], planes + c * n + (gsize) y * w, n_band);
          sums_add (&wanted[c], rows + c * n_band, n_band);
        }
    }
  for (gint c = 0; c < style->channels; c++)
    {
      gdouble scale = sums_deviation (&wanted[c]) / sums_deviation (&own[c]);
      gdouble from = sums_mean (&own[c]), to = sums_mean (&wanted[c]);
      gfloat *plane = planes + c * n;

      for (gsize i = 0; i < n; i++)
        plane[i] = (gfloat) ((plane[i] - from) * scale + to);
    }
  return TRUE;
}

gboolean
tess_colour_fix (TessColourFix fix,
                 gfloat *planes,
                 gint w,
                 gint h,
                 const TessEnlarged *style,
                 gint band,
                 GCancellable *cancellable,
                 GError **error)
{
  if (band <= 0)
    band = BAND;
  switch (fix)
    {
    case TESS_COLOUR_WAVELET:
      return fix_wavelet (planes, w, h, style, band, cancellable, error);
    case TESS_COLOUR_ADAIN:
      return fix_adain (planes, w, h, style, band, cancellable, error);
    case TESS_COLOUR_KEEP:
    case TESS_N_COLOUR_FIXES:
      break;
    }
  return TRUE;
}
