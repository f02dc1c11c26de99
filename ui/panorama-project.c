/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/panorama-project.c: cubic samples of a padded copy, several per pixel
 * where the picture gets smaller. */
#include "ui/panorama-project.h"

#include <math.h>

#define PAD 4 /* pixels that a cubic sample may reach over the edge */
#define STRIP 64
#define MAX_SAMPLES 6 /* along each side of a pixel */

struct _TessPanoramaSource
{
  GeglBuffer *buffer; /* padded, linear light */
  GeglSampler *sampler;
  gint width, height;
};

static void
copy_part (GeglBuffer *src,
           GeglBuffer *dst,
           const GeglRectangle *from,
           gint to_x,
           gint to_y)
{
  GeglRectangle to = { to_x, to_y, from->width, from->height };

  gegl_buffer_copy (src, from, GEGL_ABYSS_NONE, dst, &to);
}

/* Rows over the pole are those under it, half way round. */
static void
copy_over_pole (GeglBuffer *src, GeglBuffer *dst, gint width, gint height)
{
  gint half = width / 2;

  for (gint i = 0; i < PAD && i < height; i++)
    for (gint end = 0; end < 2; end++)
      {
        gint from = end ? height - 1 - i : i, to = end ? height + i : -1 - i;

        copy_part (src, dst, GEGL_RECTANGLE (half, from, width - half, 1), 0,
                   to);
        copy_part (src, dst, GEGL_RECTANGLE (0, from, half, 1), width - half,
                   to);
      }
}

/* Columns beyond left and right are those of the other side; after the rows, so
 * that corners are right too. */
static void
copy_round (GeglBuffer *dst, gint width, gint height)
{
  gint pad = MIN (PAD, width);

  copy_part (dst, dst,
             GEGL_RECTANGLE (width - pad, -PAD, pad, height + 2 * PAD), -pad,
             -PAD);
  copy_part (dst, dst, GEGL_RECTANGLE (0, -PAD, pad, height + 2 * PAD), width,
             -PAD);
}

TessPanoramaSource *
tess_panorama_source_new (GeglBuffer *panorama)
{
  TessPanoramaSource *source = g_new0 (TessPanoramaSource, 1);
  gint width = gegl_buffer_get_width (panorama);
  gint height = gegl_buffer_get_height (panorama);
  const Babl *linear = babl_format ("RGB float");

  source->width = width;
  source->height = height;
  source->buffer = gegl_buffer_new (
      GEGL_RECTANGLE (-PAD, -PAD, width + 2 * PAD, height + 2 * PAD), linear);
  gegl_buffer_copy (panorama, NULL, GEGL_ABYSS_NONE, source->buffer,
                    GEGL_RECTANGLE (0, 0, width, height));
  copy_over_pole (panorama, source->buffer, width, height);
  copy_round (source->buffer, width, height);
  source->sampler
      = gegl_buffer_sampler_new (source->buffer, linear, GEGL_SAMPLER_CUBIC);
  return source;
}

void
tess_panorama_source_free (TessPanoramaSource *source)
{
  if (!source)
    return;
  g_object_unref (source->sampler);
  g_object_unref (source->buffer);
  g_free (source);
}

/* How many samples a pixel needs so that none of the picture is skipped: by the
 * middle of the view, where it is densest. */
static gint
n_samples (const TessPanoramaSource *source, const TessView *view, gint side)
{
  gdouble per_pixel = 2.0 * view->scale_x / side; /* radians in the middle */
  gdouble pixels = per_pixel * source->width / (2.0 * G_PI);

  return CLAMP ((gint) ceil (pixels - 0.3), 1, MAX_SAMPLES);
}

/* RGB of one direction; FALSE beyond the strip. */
static gboolean
look (const TessPanoramaSource *source,
      const TessView *view,
      gdouble span,
      gdouble x,
      gdouble y,
      gfloat *rgb)
{
  gfloat lon, lat;

  tess_view_look (view, (gfloat) x, (gfloat) y, &lon, &lat);
  if (fabs (lat) > 0.5 * span)
    return FALSE;
  /* A sampler's pixel reaches from x to x + 1. */
  gegl_sampler_get (source->sampler, (lon / (2.0 * G_PI) + 0.5) * source->width,
                    (0.5 - lat / span) * source->height, NULL, rgb,
                    GEGL_ABYSS_CLAMP);
  return TRUE;
}

static void
draw_pixel (const TessPanoramaSource *source,
            const TessView *view,
            gdouble span,
            gint n,
            gint side,
            gint px,
            gint py,
            gfloat *rgba)
{
  gdouble sum[3] = { 0 };
  gint hits = 0;

  for (gint i = 0; i < n * n; i++)
    {
      gdouble x = px + (i % n + 0.5) / n, y = py + (i / n + 0.5) / n;
      gfloat rgb[3];

      if (!look (source, view, span, 2.0 * x / side - 1.0, 1.0 - 2.0 * y / side,
                 rgb))
        continue;
      for (gint c = 0; c < 3; c++)
        sum[c] += rgb[c];
      hits++;
    }
  for (gint c = 0; c < 3; c++)
    rgba[c] = hits ? (gfloat) (sum[c] / hits) : 0.0F;
  rgba[3] = (gfloat) hits / (gfloat) (n * n);
}

GeglBuffer *
tess_panorama_project (TessPanoramaSource *source,
                       const TessCamera *camera,
                       gint side,
                       gboolean (*progress) (gdouble fraction, gpointer data),
                       gpointer data)
{
  gdouble span = tess_panorama_span (source->width, source->height);
  g_autoptr (GeglBuffer) dst = gegl_buffer_new (
      GEGL_RECTANGLE (0, 0, side, side), babl_format ("R'G'B'A float"));
  g_autofree gfloat *strip = g_new (gfloat, (gsize) side * STRIP * 4);
  TessView view;
  gint n;

  tess_view_init (&view, camera, side, side);
  n = n_samples (source, &view, side);
  for (gint y = 0; y < side; y += STRIP)
    {
      gint rows = MIN (STRIP, side - y);

      for (gint i = 0; i < rows * side; i++)
        draw_pixel (source, &view, span, n, side, i % side, y + i / side,
                    strip + (gsize) i * 4);
      gegl_buffer_set (dst, GEGL_RECTANGLE (0, y, side, rows), 0,
                       babl_format ("RGBA float"), strip, GEGL_AUTO_ROWSTRIDE);
      if (progress && !progress ((gdouble) (y + rows) / side, data))
        return NULL;
    }
  return g_steal_pointer (&dst);
}
