/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/close-seam.c: the band about the seam. */
#include "core/close-seam.h"

#include <math.h>

static gdouble
smooth (gdouble t)
{
  t = CLAMP (t, 0.0, 1.0);
  return t * t * (3.0 - 2.0 * t);
}

/* Pixels from the seam of an axis of @n that closes. */
static gdouble
distance (gdouble at, gint n)
{
  return MIN (at, n - at);
}

/* How far a place is from the seams, as a part of half the band; 1: outside. */
static gdouble
depth (const TessCloseSeam *close, gdouble x, gdouble y, gint w, gint h)
{
  gdouble d = INFINITY;

  if (close->x)
    d = MIN (d, distance (x, w));
  if (close->y)
    d = MIN (d, distance (y, h));
  return MIN (d / (0.5 * close->band), 1.0);
}

static void
mix_pixels (gfloat *a, gfloat *b, gsize n_apart, gdouble share)
{
  for (gint c = 0; c < 3; c++)
    {
      gfloat p = a[n_apart + c], q = b[n_apart + c];

      a[n_apart + c] = (gfloat) ((1.0 - share) * p + share * q);
      b[n_apart + c] = (gfloat) ((1.0 - share) * q + share * p);
    }
}

static gdouble
mirror_share (const TessCloseSeam *close, gint k)
{
  return 0.5 * (1.0 - smooth ((k + 0.5) / (0.5 * close->band)));
}

void
tess_close_seam_mix (const TessCloseSeam *close, GeglBuffer *picture)
{
  gint w = gegl_buffer_get_width (picture);
  gint h = gegl_buffer_get_height (picture);
  const Babl *format = babl_format ("R'G'B' float");
  g_autofree gfloat *a = g_new (gfloat, (gsize) w * 3);
  g_autofree gfloat *b = g_new (gfloat, (gsize) w * 3);

  for (gint y = 0; close->x && y < h; y++)
    {
      const GeglRectangle at = { 0, y, w, 1 };

      gegl_buffer_get (picture, &at, 1.0, format, a, GEGL_AUTO_ROWSTRIDE,
                       GEGL_ABYSS_NONE);
      for (gint k = 0; k < MIN (close->band, w) / 2; k++)
        mix_pixels (a + 3 * k, a + 3 * (w - 1 - k), 0, mirror_share (close, k));
      gegl_buffer_set (picture, &at, 0, format, a, GEGL_AUTO_ROWSTRIDE);
    }
  for (gint k = 0; close->y && k < MIN (close->band, h) / 2; k++)
    {
      const GeglRectangle top = { 0, k, w, 1 }, bottom = { 0, h - 1 - k, w, 1 };

      gegl_buffer_get (picture, &top, 1.0, format, a, GEGL_AUTO_ROWSTRIDE,
                       GEGL_ABYSS_NONE);
      gegl_buffer_get (picture, &bottom, 1.0, format, b, GEGL_AUTO_ROWSTRIDE,
                       GEGL_ABYSS_NONE);
      for (gint x = 0; x < w; x++)
        mix_pixels (a, b, 3 * (gsize) x, mirror_share (close, k));
      gegl_buffer_set (picture, &top, 0, format, a, GEGL_AUTO_ROWSTRIDE);
      gegl_buffer_set (picture, &bottom, 0, format, b, GEGL_AUTO_ROWSTRIDE);
    }
}

void
tess_close_seam_mask (const TessCloseSeam *close,
                      gint cells_w,
                      gint cells_h,
                      gint cell,
                      gfloat *painted)
{
  for (gint y = 0; y < cells_h; y++)
    for (gint x = 0; x < cells_w; x++)
      {
        gdouble d = depth (close, (x + 0.5) * cell, (y + 0.5) * cell,
                           cells_w * cell, cells_h * cell);

        *painted++ = (gfloat) (1.0 - smooth ((d - 0.7) / 0.3));
      }
}

void
tess_close_seam_keep (const TessCloseSeam *close,
                      GeglBuffer *painted,
                      GeglBuffer *original)
{
  gint w = gegl_buffer_get_width (painted);
  gint h = gegl_buffer_get_height (painted);
  const Babl *format = babl_format ("R'G'B' float");
  g_autofree gfloat *a = g_new (gfloat, (gsize) w * 3);
  g_autofree gfloat *b = g_new (gfloat, (gsize) w * 3);

  for (gint y = 0; y < h; y++)
    {
      const GeglRectangle at = { 0, y, w, 1 };

      gegl_buffer_get (painted, &at, 1.0, format, a, GEGL_AUTO_ROWSTRIDE,
                       GEGL_ABYSS_NONE);
      gegl_buffer_get (original, &at, 1.0, format, b, GEGL_AUTO_ROWSTRIDE,
                       GEGL_ABYSS_NONE);
      for (gint x = 0; x < w; x++)
        {
          gdouble d = depth (close, x + 0.5, y + 0.5, w, h);
          gdouble share = smooth ((d - 0.5) / 0.5); /* of the original */

          for (gint c = 0; c < 3; c++)
            a[3 * x + c] = share >= 1.0 ? b[3 * x + c]
                                        : (gfloat) ((1.0 - share) * a[3 * x + c]
                                                    + share * b[3 * x + c]);
        }
      gegl_buffer_set (painted, &at, 0, format, a, GEGL_AUTO_ROWSTRIDE);
    }
}
