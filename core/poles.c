/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/poles.c: gnomonic views of the poles.
 *
 * Row y of a panorama of height h is at latitude pi/2 - pi (y + 1/2) / h,
 * column x of width w at longitude 2 pi (x + 1/2) / w. A point of the view at
 * (u, v), both -1..1, is at longitude atan2 (u, v) and at a distance from the
 * pole of atan (hypot (u, v)). Up and down differ by the mirror that makes
 * both views look from inside. */
#include "core/poles.h"

#include <math.h>

#define WHOLE (G_PI * 70.0 / 180.0)
#define NONE (G_PI * 50.0 / 180.0)

gint
tess_pole_view_side (gint height, gint factor)
{
  /* In the middle a radian is side / 2 pixels, as it is height / pi there. */
  gint side = (gint) ceil (2.0 * height / G_PI);

  return MAX ((side + factor - 1) / factor, 8) * factor;
}

/* Rows of a picture in memory. */
typedef struct
{
  gint width, first, height;
  gboolean ring;
  gfloat *pixels; /* [height, width, 3] */
} Rows;

static Rows
rows_read (GeglBuffer *buffer, gint first, gint height, gboolean ring)
{
  gint width = gegl_buffer_get_width (buffer);
  Rows rows = { width, first, height, ring,
                g_new (gfloat, (gsize) width * height * 3) };

  gegl_buffer_get (buffer, GEGL_RECTANGLE (0, first, width, height), 1.0,
                   babl_format ("R'G'B' float"), rows.pixels,
                   GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
  return rows;
}

static const gfloat *
rows_at (const Rows *rows, gint x, gint y)
{
  y = CLAMP (y - rows->first, 0, rows->height - 1);
  x = rows->ring ? (x % rows->width + rows->width) % rows->width
                 : CLAMP (x, 0, rows->width - 1);
  return rows->pixels + 3 * ((gsize) y * rows->width + x);
}

/* Keys 1981, a = -0.5. */
static void
cubic_weights (gdouble t, gdouble w[4])
{
  w[0] = ((-0.5 * t + 1.0) * t - 0.5) * t;
  w[1] = (1.5 * t - 2.5) * t * t + 1.0;
  w[2] = ((-1.5 * t + 2.0) * t + 0.5) * t;
  w[3] = (0.5 * t - 0.5) * t * t;
}

/* At (x, y) in pixels, centres at halves. */
static void
sample (const Rows *rows, gdouble x, gdouble y, gfloat *dst)
{
  gint left = (gint) floor (x - 0.5), top = (gint) floor (y - 0.5);
  gdouble wx[4], wy[4];

  cubic_weights (x - 0.5 - left, wx);
  cubic_weights (y - 0.5 - top, wy);
  dst[0] = dst[1] = dst[2] = 0.0f;
  for (gint j = 0; j < 4; j++)
    for (gint i = 0; i < 4; i++)
      {
        const gfloat *p = rows_at (rows, left + i - 1, top + j - 1);

        for (gint c = 0; c < 3; c++)
          dst[c] += (gfloat) (wx[i] * wy[j]) * p[c];
      }
  for (gint c = 0; c < 3; c++)
    dst[c] = CLAMP (dst[c], 0.0f, 1.0f);
}

GeglBuffer *
tess_pole_view_new (GeglBuffer *panorama, gint pole, gint side)
{
  gint w = gegl_buffer_get_width (panorama);
  gint h = gegl_buffer_get_height (panorama);
  /* The view's corners are atan (sqrt 2) = 54.8 degrees from the pole. */
  gint depth = MIN ((gint) ceil (h * 56.0 / 180.0) + 2, h);
  Rows rows = rows_read (panorama, pole > 0 ? 0 : h - depth, depth, TRUE);
  GeglBuffer *view = gegl_buffer_new (GEGL_RECTANGLE (0, 0, side, side),
                                      babl_format ("R'G'B' float"));
  g_autofree gfloat *row = g_new (gfloat, (gsize) side * 3);

  for (gint j = 0; j < side; j++)
    {
      for (gint i = 0; i < side; i++)
        {
          gdouble u = 2.0 * (i + 0.5) / side - 1.0;
          gdouble v = (2.0 * (j + 0.5) / side - 1.0) * pole;
          gdouble longitude = atan2 (u, v);
          gdouble y = atan (hypot (u, v)) * h / G_PI;

          if (longitude < 0.0)
            longitude += 2.0 * G_PI;
          sample (&rows, longitude * w / (2.0 * G_PI), pole > 0 ? y : h - y,
                  row + 3 * i);
        }
      gegl_buffer_set (view, GEGL_RECTANGLE (0, j, side, 1), 0,
                       babl_format ("R'G'B' float"), row, GEGL_AUTO_ROWSTRIDE);
    }
  g_free (rows.pixels);
  return view;
}

static gdouble
share_at (gdouble latitude)
{
  gdouble t = CLAMP ((latitude - NONE) / (WHOLE - NONE), 0.0, 1.0);

  return t * t * (3.0 - 2.0 * t);
}

void
tess_pole_view_put (GeglBuffer *panorama, gint pole, GeglBuffer *view)
{
  gint w = gegl_buffer_get_width (panorama);
  gint h = gegl_buffer_get_height (panorama);
  gint side = gegl_buffer_get_width (view);
  Rows rows = rows_read (view, 0, side, FALSE);
  g_autofree gfloat *row = g_new (gfloat, (gsize) w * 3);

  for (gint k = 0; k < h / 2; k++)
    {
      gdouble latitude = 0.5 * G_PI - G_PI * (k + 0.5) / h;
      gdouble distance = tan (0.5 * G_PI - latitude),
              share = share_at (latitude);
      const GeglRectangle at = { 0, pole > 0 ? k : h - 1 - k, w, 1 };

      if (share <= 0.0)
        break;
      gegl_buffer_get (panorama, &at, 1.0, babl_format ("R'G'B' float"), row,
                       GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
      for (gint x = 0; x < w; x++)
        {
          gdouble longitude = 2.0 * G_PI * (x + 0.5) / w;
          gdouble u = distance * sin (longitude);
          gdouble v = distance * cos (longitude) * pole;
          gfloat rgb[3];

          sample (&rows, (u + 1.0) * side / 2.0, (v + 1.0) * side / 2.0, rgb);
          for (gint c = 0; c < 3; c++)
            row[3 * x + c] += (gfloat) share * (rgb[c] - row[3 * x + c]);
        }
      gegl_buffer_set (panorama, &at, 0, babl_format ("R'G'B' float"), row,
                       GEGL_AUTO_ROWSTRIDE);
    }
  g_free (rows.pixels);
}
