/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/upscale.c: a picture to be painted larger. */
#include "core/upscale.h"

#include "core/canvas.h"
#include "core/colour-hold.h"
#include "core/error.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

/* A thin picture is not enlarged beyond so many windows to make it one wide. */
#define MOST_WINDOWS 4
#define ROWS 64

/* Brightness beyond 0..1 that is more than rounding. */
#define BEYOND (1.0f / 65536)

/* Half as large, sums of colours times weights and of weights. */
static gfloat *
halve (const gfloat *src, gint w, gint h, gint half_w, gint half_h)
{
  gfloat *dst = g_try_new0 (gfloat, 4 * (gsize) half_w * half_h);

  for (gint y = 0; dst && y < h; y++)
    for (gint x = 0; x < w; x++)
      for (gint c = 0; c < 4; c++)
        dst[4 * ((gsize) (y / 2) * half_w + x / 2) + c]
            += 0.25f * src[4 * ((gsize) y * w + x) + c];
  return dst;
}

/* Colours of cells that have no weight come from the mean of those about
 * them. @cells: [h, w, 4], colours times weight and the weight. FALSE: no
 * memory. */
static gboolean
fill_gaps (gfloat *cells, gint w, gint h)
{
  gint half_w = (w + 1) / 2, half_h = (h + 1) / 2;
  g_autofree gfloat *half = NULL;
  gboolean gaps = FALSE;

  for (gsize i = 0; i < (gsize) w * h; i++)
    gaps = gaps || cells[4 * i + 3] <= 0.0f;
  if (!gaps || (w == 1 && h == 1))
    return TRUE;
  half = halve (cells, w, h, half_w, half_h);
  if (half == NULL || !fill_gaps (half, half_w, half_h))
    return FALSE;
  for (gint y = 0; y < h; y++)
    for (gint x = 0; x < w; x++)
      {
        gfloat *cell = cells + 4 * ((gsize) y * w + x);
        const gfloat *from = half + 4 * ((gsize) (y / 2) * half_w + x / 2);

        for (gint c = 0; cell[3] <= 0.0f && c < 3; c++)
          cell[c] = from[3] > 0.0f ? from[c] / from[3] : 0.0f;
        if (cell[3] <= 0.0f)
          cell[3] = 1.0f;
      }
  return TRUE;
}

/* [h, w, 4] of "R'G'B'A float": what is no number becomes black; whether
 * anything lets through, and whether anything seen is beyond 0..1. */
static void
look_at (gfloat *cells, gsize n, gboolean *lets_through, gboolean *beyond)
{
  *lets_through = *beyond = FALSE;
  for (gsize i = 0; i < n; i++, cells += 4)
    {
      for (gint c = 0; c < 4; c++)
        if (!isfinite (cells[c]))
          cells[c] = 0.0f;
      cells[3] = CLAMP (cells[3], 0.0f, 1.0f);
      *lets_through = *lets_through || cells[3] < 1.0f;
      for (gint c = 0; cells[3] > 0.0f && c < 3; c++)
        *beyond
            = *beyond || cells[c] > 1.0f + BEYOND || cells[c] < 0.0f - BEYOND;
    }
}

/* Sorts numbers into planes of colours, of alpha, and of what is beyond.
 * Colours that cannot be seen would bleed into those that can. */
static gboolean
sort (const TessUpscale *upscale, gfloat *cells, gsize n, gboolean beyond)
{
  const TessEnlarged *picture = &upscale->picture;
  gfloat *colours = upscale->planes, *alpha = colours + 3 * n;
  gfloat *above = alpha + n, *below = above + 3 * n;
  gboolean lets_through = FALSE;

  for (gsize i = 0; i < n; i++)
    {
      gfloat *cell = cells + 4 * i;

      alpha[i] = cell[3];
      lets_through = lets_through || cell[3] < 1.0f;
      for (gint c = 0; c < 3; c++)
        {
          gboolean seen = beyond && cell[3] > 0.0f;

          if (beyond)
            {
              above[c * n + i] = seen ? MAX (cell[c] - 1.0f, 0.0f) : 0.0f;
              below[c * n + i] = seen ? MIN (cell[c], 0.0f) : 0.0f;
            }
          cell[c] = CLAMP (cell[c], 0.0f, 1.0f) * cell[3];
        }
    }
  if (lets_through && !fill_gaps (cells, picture->src_w, picture->src_h))
    return FALSE;
  for (gsize i = 0; i < n; i++)
    for (gint c = 0; c < 3; c++)
      colours[c * n + i]
          = 2.0f * cells[4 * i + c] / MAX (cells[4 * i + 3], 1e-6f) - 1.0f;
  return TRUE;
}

/* Brought to the result's size. */
static TessEnlarged
to_result (const TessUpscale *upscale,
           const gfloat *src,
           gint channels,
           gfloat low,
           gfloat high)
{
  return (TessEnlarged) {
    .src = src,
    .channels = channels,
    .src_w = upscale->picture.src_w,
    .src_h = upscale->picture.src_h,
    .width = upscale->width,
    .height = upscale->height,
    .padded_w = upscale->width,
    .padded_h = upscale->height,
    .low = low,
    .high = high,
  };
}

TessUpscale *
tess_upscale_new (GeglBuffer *src,
                  gint width,
                  gint height,
                  gint window,
                  gint align,
                  GError **error)
{
  gint w = gegl_buffer_get_width (src), h = gegl_buffer_get_height (src);
  g_autoptr (TessUpscale) upscale = NULL;
  gdouble factor;

  if (w < 1 || h < 1)
    {
      g_set_error (
          error, TESS_ERROR, TESS_ERROR_REQUEST,
          _ ("the picture to be enlarged is empty; choose another one"));
      return NULL;
    }
  upscale = g_new0 (TessUpscale, 1);
  upscale->src = g_object_ref (src);
  upscale->width = width;
  upscale->height = height;
  factor = MIN ((gdouble) window / MIN (width, height),
                (gdouble) MOST_WINDOWS * window / MAX (width, height));
  factor = MAX (factor, 1.0);
  upscale->picture = (TessEnlarged) {
    .channels = 3,
    .src_w = w,
    .src_h = h,
    .width = (gint) (width * factor),
    .height = (gint) (height * factor),
    .low = -1.0f,
    .high = 1.0f,
  };
  tess_enlarged_pad (&upscale->picture, align, window);
  return g_steal_pointer (&upscale);
}

gboolean
tess_upscale_load (TessUpscale *upscale, GError **error)
{
  TessEnlarged *picture = &upscale->picture;
  gsize n = (gsize) picture->src_w * picture->src_h;
  g_autofree gfloat *cells = NULL;
  gboolean lets_through = FALSE, beyond = FALSE;

  if (upscale->planes)
    return TRUE;
  cells = g_try_new (gfloat, 4 * n);
  if (cells)
    {
      gegl_buffer_get (upscale->src, NULL, 1.0, babl_format ("R'G'B'A float"),
                       cells, GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
      look_at (cells, n, &lets_through, &beyond);
      upscale->planes = g_try_new (gfloat, (beyond ? 10 : 4) * n);
    }
  if (upscale->planes == NULL || !sort (upscale, cells, n, beyond))
    {
      g_clear_pointer (&upscale->planes, g_free);
      g_set_error (error, TESS_ERROR, TESS_ERROR_MEMORY,
                   _ ("no memory for the %d x %d pixels of the picture; take a "
                      "smaller one"),
                   picture->src_w, picture->src_h);
      return FALSE;
    }
  picture->src = upscale->planes;
  if (lets_through)
    upscale->alpha
        = to_result (upscale, upscale->planes + 3 * n, 1, 0.0f, 1.0f);
  if (beyond)
    {
      upscale->above
          = to_result (upscale, upscale->planes + 4 * n, 3, 0.0f, G_MAXFLOAT);
      upscale->below
          = to_result (upscale, upscale->planes + 7 * n, 3, -G_MAXFLOAT, 0.0f);
    }
  return TRUE;
}

void
tess_upscale_free (TessUpscale *upscale)
{
  if (upscale == NULL)
    return;
  g_clear_object (&upscale->src);
  g_free (upscale->planes);
  g_free (upscale);
}

gboolean
tess_upscale_read (gint x,
                   gint y,
                   gint w,
                   gint h,
                   gfloat *planes,
                   gpointer data,
                   GError **error)
{
  const TessUpscale *upscale = data;

  tess_enlarged_read (&upscale->picture, x, y, w, h, planes);
  return TRUE;
}

/* The canvas without what was mirrored, 0..1. */
static GeglBuffer *
crop (const TessUpscale *upscale, const gfloat *planes)
{
  const TessEnlarged *picture = &upscale->picture;
  gsize n = (gsize) picture->padded_w * picture->padded_h;
  GeglBuffer *canvas = tess_canvas_new (picture->width, picture->height);
  g_autofree gfloat *part = g_new (gfloat, 3 * (gsize) ROWS * picture->width);

  for (gint y = 0; y < picture->height; y += ROWS)
    {
      gint rows = MIN (ROWS, picture->height - y);

      for (gint c = 0; c < 3; c++)
        for (gint i = 0; i < rows; i++)
          memcpy (part + ((gsize) c * rows + i) * picture->width,
                  planes + c * n + (gsize) (y + i) * picture->padded_w,
                  picture->width * sizeof *part);
      tess_canvas_write (canvas, 0, y, picture->width, rows, part);
    }
  return canvas;
}

/* Cubic goes beyond what it is between. */
static void
clamp (GeglBuffer *canvas)
{
  gint w = gegl_buffer_get_width (canvas), h = gegl_buffer_get_height (canvas);
  const Babl *format = babl_format ("R'G'B' float");
  g_autofree gfloat *cells = g_new (gfloat, 3 * (gsize) ROWS * w);

  for (gint y = 0; y < h; y += ROWS)
    {
      const GeglRectangle rect = { 0, y, w, MIN (ROWS, h - y) };

      gegl_buffer_get (canvas, &rect, 1.0, format, cells, GEGL_AUTO_ROWSTRIDE,
                       GEGL_ABYSS_NONE);
      for (gsize i = 0; i < 3 * (gsize) rect.height * w; i++)
        cells[i] = CLAMP (cells[i], 0.0f, 1.0f);
      gegl_buffer_set (canvas, &rect, 0, format, cells, GEGL_AUTO_ROWSTRIDE);
    }
}

/* What networks did not see. */
static void
add_beyond (GeglBuffer *canvas, const TessEnlarged *part)
{
  const Babl *format = babl_format ("R'G'B' float");
  gsize n = (gsize) ROWS * part->width;
  g_autofree gfloat *planes = g_new (gfloat, 3 * n);
  g_autofree gfloat *cells = g_new (gfloat, 3 * n);

  for (gint y = 0; y < part->height; y += ROWS)
    {
      const GeglRectangle rect
          = { 0, y, part->width, MIN (ROWS, part->height - y) };

      n = (gsize) rect.width * rect.height;
      tess_enlarged_read (part, 0, y, rect.width, rect.height, planes);
      gegl_buffer_get (canvas, &rect, 1.0, format, cells, GEGL_AUTO_ROWSTRIDE,
                       GEGL_ABYSS_NONE);
      for (gsize i = 0; i < n; i++)
        for (gint c = 0; c < 3; c++)
          cells[3 * i + c] += planes[c * n + i];
      gegl_buffer_set (canvas, &rect, 0, format, cells, GEGL_AUTO_ROWSTRIDE);
    }
}

/* Its own way: cubic, nothing is painted. */
static GeglBuffer *
add_alpha (const TessUpscale *upscale, GeglBuffer *opaque)
{
  gint w = upscale->width, h = upscale->height;
  const Babl *format = babl_format ("R'G'B'A float");
  GeglBuffer *canvas = gegl_buffer_new (GEGL_RECTANGLE (0, 0, w, h), format);
  g_autofree gfloat *alpha = g_new (gfloat, (gsize) ROWS * w);
  g_autofree gfloat *cells = g_new (gfloat, 4 * (gsize) ROWS * w);

  for (gint y = 0; y < h; y += ROWS)
    {
      const GeglRectangle rect = { 0, y, w, MIN (ROWS, h - y) };

      tess_enlarged_read (&upscale->alpha, 0, y, w, rect.height, alpha);
      gegl_buffer_get (opaque, &rect, 1.0, format, cells, GEGL_AUTO_ROWSTRIDE,
                       GEGL_ABYSS_NONE);
      for (gsize i = 0; i < (gsize) rect.height * w; i++)
        cells[4 * i + 3] = alpha[i];
      gegl_buffer_set (canvas, &rect, 0, format, cells, GEGL_AUTO_ROWSTRIDE);
    }
  return canvas;
}

GeglBuffer *
tess_upscale_finish (const TessUpscale *upscale,
                     TessColourFix fix,
                     gfloat *planes,
                     GCancellable *cancellable,
                     GError **error)
{
  const TessEnlarged *picture = &upscale->picture;
  g_autoptr (GeglBuffer) canvas = NULL;

  if (!tess_colour_fix (fix, planes, picture->padded_w, picture->padded_h,
                        picture, 0, cancellable, error))
    return NULL;
  if (fix != TESS_COLOUR_KEEP
      && !tess_colour_hold (planes, picture->padded_w, picture->padded_h,
                            picture, 0, cancellable, error))
    return NULL;
  canvas = crop (upscale, planes);
  if (picture->width != upscale->width || picture->height != upscale->height)
    {
      GeglBuffer *scaled = tess_canvas_scaled (
          canvas, upscale->width, upscale->height, FALSE, FALSE, error);

      g_object_unref (canvas);
      canvas = scaled;
      if (canvas == NULL)
        return NULL;
      clamp (canvas);
    }
  if (upscale->above.src != NULL)
    {
      add_beyond (canvas, &upscale->above);
      add_beyond (canvas, &upscale->below);
    }
  return upscale->alpha.src != NULL ? add_alpha (upscale, canvas)
                                    : g_steal_pointer (&canvas);
}

gsize
tess_upscale_n_bytes (const TessUpscale *upscale)
{
  const TessEnlarged *picture = &upscale->picture;
  gsize painted = 3 * (gsize) picture->padded_w * picture->padded_h;
  gsize cropped = 3 * (gsize) picture->width * picture->height;
  gsize result = (gsize) upscale->width * upscale->height;
  gboolean scaled
      = picture->width != upscale->width || picture->height != upscale->height;
  const Babl *format = gegl_buffer_get_format (upscale->src);
  gboolean loaded = upscale->planes != NULL;
  gboolean alpha = loaded ? upscale->alpha.src != NULL
                          : babl_format_has_alpha (format) != 0;
  gboolean beyond = upscale->above.src != NULL;

  return sizeof (gfloat)
         * ((beyond ? 10 : 4) * (gsize) picture->src_w * picture->src_h
            + painted + (scaled ? cropped : 0) + (alpha ? 4 * result : 0));
}
