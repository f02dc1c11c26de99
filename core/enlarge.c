/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/enlarge.c: a picture brought to another size, part by part. */
#include "core/enlarge.h"

#include "core/simd.h"

#include <math.h>
#include <string.h>

#define A (-0.75)
#define TAPS 4
#define MAX_SIDE (1 << 20)

/* What a cell takes from four cells of the source from @first on, which may
 * lie over the edge. */
typedef struct
{
  gint first;
  gfloat weights[TAPS];
} Taps;

static Taps
taps_at (gint i, gint n_src, gint n_dst)
{
  gdouble at = (i + 0.5) * n_src / n_dst - 0.5, t = at - floor (at);
  Taps taps = { .first = (gint) floor (at) - 1 };

  for (gint k = 0; k < TAPS; k++)
    {
      gdouble d = fabs (t + 1 - k);

      taps.weights[k]
          = (gfloat) (d <= 1.0 ? ((A + 2) * d - (A + 3)) * d * d + 1
                               : ((A * d - 5 * A) * d + 8 * A) * d - 4 * A);
    }
  return taps;
}

/* Beyond the picture it is mirrored. */
static gint
mirror (gint i, gint n)
{
  gint period = 2 * (n - 1);

  if (n == 1)
    return 0;
  i %= period;
  return i < n ? i : period - i;
}

/* A row of the source through the taps of its columns. */
static void
read_row (const gfloat *src, gint n_src, const Taps *taps, gint n, gfloat *dst)
{
  for (gint x = 0; x < n; x++)
    {
      gfloat sum = 0.0f;

      for (gint k = 0; k < TAPS; k++)
        sum += taps[x].weights[k]
               * src[CLAMP (taps[x].first + k, 0, n_src - 1)];
      dst[x] = sum;
    }
}

TESS_SIMD static void
sum_rows (gfloat *const rows[TAPS], const gfloat *weights, gint n, gfloat *dst)
{
  for (gint x = 0; x < n; x++)
    dst[x] = weights[0] * rows[0][x] + weights[1] * rows[1][x]
             + weights[2] * rows[2][x] + weights[3] * rows[3][x];
}

/* Rows of the source that are wanted stay until others take their places. */
static void
read_plane (const TessEnlarged *e,
            const gfloat *src,
            const Taps *columns,
            gint y,
            gint w,
            gint h,
            gfloat *dst)
{
  g_autofree gfloat *kept = g_new (gfloat, (gsize) TAPS * w);
  gint which[TAPS] = { -1, -1, -1, -1 };

  for (gint row = y; row < y + h; row++, dst += w)
    {
      Taps taps = taps_at (mirror (row, e->height), e->src_h, e->height);
      gfloat *rows[TAPS];

      for (gint k = 0; k < TAPS; k++)
        {
          gint from = CLAMP (taps.first + k, 0, e->src_h - 1);
          gint slot = from % TAPS;

          rows[k] = kept + (gsize) slot * w;
          if (which[slot] == from)
            continue;
          read_row (src + (gsize) from * e->src_w, e->src_w, columns, w,
                    rows[k]);
          which[slot] = from;
        }
      sum_rows (rows, taps.weights, w, dst);
      for (gint x = 0; e->low != e->high && x < w; x++)
        dst[x] = CLAMP (dst[x], e->low, e->high);
    }
}

void
tess_enlarged_read (
    const TessEnlarged *e, gint x, gint y, gint w, gint h, gfloat *planes)
{
  g_autofree Taps *columns = g_new (Taps, w);

  for (gint i = 0; i < w; i++)
    columns[i] = taps_at (mirror (x + i, e->width), e->src_w, e->width);
#pragma omp parallel for
  for (gint c = 0; c < e->channels; c++)
    read_plane (e, e->src + (gsize) c * e->src_w * e->src_h, columns, y, w, h,
                planes + (gsize) c * w * h);
}

static gint
round_up (gint a, gint align)
{
  return (a + align - 1) / align * align;
}

void
tess_enlarged_pad (TessEnlarged *e, gint align, gint least)
{
  e->padded_w = e->width;
  e->padded_h = e->height;
  /* An aligned side gains a whole step too where the other is not. */
  if (e->width % align != 0 || e->height % align != 0)
    {
      e->padded_w = round_up (e->width + 1, align);
      e->padded_h = round_up (e->height + 1, align);
    }
  e->padded_w = MAX (e->padded_w, least);
  e->padded_h = MAX (e->padded_h, least);
}

gboolean
tess_enlarged_sizes (TessEnlarged *e, gdouble scale, gint shorter, gint align)
{
  gdouble factor = MAX (scale, (gdouble) shorter / MIN (e->src_w, e->src_h));
  gdouble width = floor (e->src_w * factor), height = floor (e->src_h * factor);

  if (!(width >= 1.0 && height >= 1.0 && width <= MAX_SIDE
        && height <= MAX_SIDE))
    return FALSE;
  e->width = (gint) width;
  e->height = (gint) height;
  tess_enlarged_pad (e, align, 0);
  return TRUE;
}
