/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/upscale.c: a picture to be painted larger. */
#include "core/upscale.h"

#include "core/canvas.h"
#include "core/error.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

/* A thin picture is not enlarged beyond so many windows to make it one wide. */
#define MOST_WINDOWS 4
#define ROWS 64

/* Half as large, sums of colours times weights and of weights. */
static gfloat *
halve (const gfloat *src, gint w, gint h, gint half_w, gint half_h)
{
  gfloat *dst = g_new0 (gfloat, 4 * (gsize) half_w * half_h);

  for (gint y = 0; y < h; y++)
    for (gint x = 0; x < w; x++)
      for (gint c = 0; c < 4; c++)
        dst[4 * ((gsize) (y / 2) * half_w + x / 2) + c]
            += 0.25f * src[4 * ((gsize) y * w + x) + c];
  return dst;
}

/* Colours of cells that have no weight come from the mean of those about
 * them. @cells: [h, w, 4], colours times weight and the weight. */
static void
fill_gaps (gfloat *cells, gint w, gint h)
{
  gint half_w = (w + 1) / 2, half_h = (h + 1) / 2;
  g_autofree gfloat *half = NULL;
  gboolean gaps = FALSE;

  for (gsize i = 0; i < (gsize) w * h; i++)
    gaps = gaps || cells[4 * i + 3] <= 0.0f;
  if (!gaps || (w == 1 && h == 1))
    return;
  half = halve (cells, w, h, half_w, half_h);
  fill_gaps (half, half_w, half_h);
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
}

/* "R'G'B'A float" -> planes of colours and of alpha; TRUE where it lets
 * through. Colours that cannot be seen would bleed into those that can. */
static gboolean
read_picture (GeglBuffer *src, gint w, gint h, gfloat *planes)
{
  gsize n = (gsize) w * h;
  g_autofree gfloat *cells = g_new (gfloat, 4 * n);
  gboolean lets_through = FALSE;

  gegl_buffer_get (src, NULL, 1.0, babl_format ("R'G'B'A float"), cells,
                   GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
  for (gsize i = 0; i < n; i++)
    {
      planes[3 * n + i] = CLAMP (cells[4 * i + 3], 0.0f, 1.0f);
      lets_through = lets_through || planes[3 * n + i] < 1.0f;
      for (gint c = 0; c < 3; c++)
        cells[4 * i + c] *= planes[3 * n + i];
    }
  if (lets_through)
    fill_gaps (cells, w, h);
  for (gsize i = 0; i < n; i++)
    for (gint c = 0; c < 3; c++)
      {
        gfloat v = cells[4 * i + c] / MAX (cells[4 * i + 3], 1e-6f);

        planes[c * n + i] = isfinite (v) ? 2.0f * v - 1.0f : 0.0f;
      }
  return lets_through;
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
  gsize n = (gsize) w * h;
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
  upscale->width = width;
  upscale->height = height;
  upscale->planes = g_try_new (gfloat, 4 * n);
  if (upscale->planes == NULL)
    {
      g_set_error (error, TESS_ERROR, TESS_ERROR_MEMORY,
                   _ ("no memory for the %d x %d pixels of the picture; take a "
                      "smaller one"),
                   w, h);
      return NULL;
    }
  factor = MIN ((gdouble) window / MIN (width, height),
                (gdouble) MOST_WINDOWS * window / MAX (width, height));
  factor = MAX (factor, 1.0);
  upscale->picture = (TessEnlarged) {
    .src = upscale->planes,
    .channels = 3,
    .src_w = w,
    .src_h = h,
    .width = (gint) (width * factor),
    .height = (gint) (height * factor),
    .low = -1.0f,
    .high = 1.0f,
  };
  tess_enlarged_pad (&upscale->picture, align, window);
  if (read_picture (src, w, h, upscale->planes))
    upscale->alpha = (TessEnlarged) { .src = upscale->planes + 3 * n,
                                      .channels = 1,
                                      .src_w = w,
                                      .src_h = h,
                                      .width = width,
                                      .height = height,
                                      .padded_w = width,
                                      .padded_h = height,
                                      .high = 1.0f };
  return g_steal_pointer (&upscale);
}

void
tess_upscale_free (TessUpscale *upscale)
{
  if (upscale == NULL)
    return;
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

  return sizeof (gfloat)
         * (4 * (gsize) picture->src_w * picture->src_h + painted
            + (scaled ? cropped : 0) + (upscale->alpha.src ? 4 * result : 0));
}
