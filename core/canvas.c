/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/canvas.c: pixels in and out of a GeglBuffer; a resampler that reads a
 * buffer row by row, so that no second copy of a large picture is made. */
#include "core/canvas.h"

#include "core/error.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

GeglBuffer *
tess_canvas_new (gint width, gint height)
{
  return gegl_buffer_new (GEGL_RECTANGLE (0, 0, width, height),
                          babl_format ("R'G'B' float"));
}

void
tess_canvas_fill (GeglBuffer *canvas, const gfloat rgb[3])
{
  gint width = gegl_buffer_get_width (canvas);
  gint height = gegl_buffer_get_height (canvas);
  g_autofree gfloat *row = g_new (gfloat, (gsize) width * 3);

  for (gint x = 0; x < width; x++)
    memcpy (row + 3 * x, rgb, 3 * sizeof *row);
  for (gint y = 0; y < height; y++)
    gegl_buffer_set (canvas, GEGL_RECTANGLE (0, y, width, 1), 0,
                     babl_format ("R'G'B' float"), row, GEGL_AUTO_ROWSTRIDE);
}

void
tess_canvas_write (
    GeglBuffer *canvas, gint x, gint y, gint w, gint h, const gfloat *planes)
{
  gsize plane = (gsize) w * h;
  g_autofree gfloat *pixels = g_new (gfloat, plane * 3);

  for (gsize i = 0; i < plane; i++)
    for (gint c = 0; c < 3; c++)
      {
        gfloat v = planes[c * plane + i] * 0.5f + 0.5f;

        pixels[i * 3 + c] = CLAMP (v, 0.0f, 1.0f);
      }
  gegl_buffer_set (canvas, GEGL_RECTANGLE (x, y, w, h), 0,
                   babl_format ("R'G'B' float"), pixels, GEGL_AUTO_ROWSTRIDE);
}

void
tess_canvas_read (
    GeglBuffer *canvas, gint x, gint y, gint w, gint h, gfloat *planes)
{
  gsize plane = (gsize) w * h;
  g_autofree gfloat *pixels = g_new (gfloat, plane * 3);

  gegl_buffer_get (canvas, GEGL_RECTANGLE (x, y, w, h), 1.0,
                   babl_format ("R'G'B' float"), pixels, GEGL_AUTO_ROWSTRIDE,
                   GEGL_ABYSS_CLAMP);
  for (gsize i = 0; i < plane; i++)
    for (gint c = 0; c < 3; c++)
      planes[c * plane + i] = pixels[i * 3 + c] * 2.0f - 1.0f;
}

/* Which source cells a result cell is made of; where edges meet they may lie
 * beyond one. */
typedef struct
{
  gint n;     /* result cells */
  gint width; /* source cells of each, at most */
  gint *first;
  gfloat *weights; /* [n, width] */
} Taps;

static void
taps_finish (Taps *taps)
{
  g_clear_pointer (&taps->first, g_free);
  g_clear_pointer (&taps->weights, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Taps, taps_finish)

/* Keys 1981, a = -0.5. */
static gdouble
cubic (gdouble u)
{
  u = fabs (u);
  if (u < 1.0)
    return (1.5 * u - 2.5) * u * u + 1.0;
  if (u < 2.0)
    return ((-0.5 * u + 2.5) * u - 4.0) * u + 2.0;
  return 0.0;
}

/* @step: source cells per result cell. @mean: the plain mean over the area,
 * else cubic, widened where it shrinks. */
static void
taps_init (
    Taps *taps, gint n, gint n_src, gdouble step, gboolean mean, gboolean wrap)
{
  gdouble scale = MAX (step, 1.0);
  gdouble reach = mean ? 0.5 * step : 2.0 * scale;

  taps->n = n;
  taps->width = (gint) ceil (2.0 * reach) + 2;
  taps->first = g_new (gint, n);
  taps->weights = g_new0 (gfloat, (gsize) n * taps->width);
  for (gint i = 0; i < n; i++)
    {
      gdouble centre = MIN ((i + 0.5) * step, n_src - 0.5 * MIN (step, 1.0));
      gint whole = (gint) floor (centre - reach);
      gint first = wrap ? whole : CLAMP (whole, 0, n_src - 1);
      gint end = wrap ? first + taps->width : MIN (first + taps->width, n_src);
      gfloat *weights = taps->weights + (gsize) i * taps->width;
      gdouble sum = 0.0;

      for (gint pass = 0; pass < 2; pass++)
        for (gint k = first; k < end; k++)
          {
            gdouble w;

            if (mean)
              w = MAX (0.0, MIN (k + 1.0, centre + reach)
                                - MAX ((gdouble) k, centre - reach));
            else
              w = cubic ((k + 0.5 - centre) / scale);
            if (pass == 0)
              sum += w;
            else
              weights[k - first] = (gfloat) (w / sum);
          }
      taps->first[i] = first;
    }
}

typedef void (*RowSink) (gint y, const gfloat *row, gpointer data);

typedef struct
{
  GeglBuffer *buffer;
  const Babl *format;
  gint channels;
  gint width, height; /* of the result */
  gdouble step_x, step_y;
  gboolean mean;
  gboolean wrap_x, wrap_y;
  RowSink sink;
  gpointer data;
} Resample;

static gint
modulo (gint a, gint n)
{
  return (a % n + n) % n;
}

static void
resample (const Resample *args)
{
  const GeglRectangle *extent = gegl_buffer_get_extent (args->buffer);
  gsize n_row = (gsize) args->width * args->channels;
  g_auto (Taps) across = { 0 };
  g_auto (Taps) down = { 0 };
  g_autofree gfloat *src = NULL;
  g_autofree gfloat *rows = NULL; /* brought to width, the last down.width */
  g_autofree gfloat *dst = NULL;
  gint next;

  taps_init (&across, args->width, extent->width, args->step_x, args->mean,
             args->wrap_x);
  taps_init (&down, args->height, extent->height, args->step_y, args->mean,
             args->wrap_y);
  next = down.first[0];
  src = g_new (gfloat, (gsize) extent->width * args->channels);
  rows = g_new0 (gfloat, n_row * down.width);
  dst = g_new (gfloat, n_row);

  for (gint y = 0; y < args->height; y++)
    {
      gint end = down.first[y] + down.width;

      if (!args->wrap_y)
        end = MIN (end, extent->height);
      for (next = MAX (next, down.first[y]); next < end; next++)
        {
          gfloat *row = rows + modulo (next, down.width) * n_row;

          gegl_buffer_get (
              args->buffer,
              GEGL_RECTANGLE (extent->x,
                              extent->y + modulo (next, extent->height),
                              extent->width, 1),
              1.0, args->format, src, GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
          for (gint x = 0; x < args->width; x++)
            for (gint c = 0; c < args->channels; c++)
              {
                const gfloat *w = across.weights + (gsize) x * across.width;
                gint n = args->wrap_x ? across.width
                                      : MIN (across.width,
                                             extent->width - across.first[x]);
                gfloat sum = 0.0f;

                for (gint k = 0; k < n; k++)
                  sum += w[k]
                         * src[modulo (across.first[x] + k, extent->width)
                                   * args->channels
                               + c];
                row[x * args->channels + c] = sum;
              }
        }
      memset (dst, 0, n_row * sizeof *dst);
      for (gint k = down.first[y]; k < end; k++)
        {
          gfloat w = down.weights[(gsize) y * down.width + k - down.first[y]];
          const gfloat *row = rows + modulo (k, down.width) * n_row;

          for (gsize i = 0; i < n_row; i++)
            dst[i] += w * row[i];
        }
      args->sink (y, dst, args->data);
    }
}

static gboolean
check_extent (GeglBuffer *buffer, const gchar *what, GError **error)
{
  const GeglRectangle *extent = gegl_buffer_get_extent (buffer);

  if (extent->width > 0 && extent->height > 0)
    return TRUE;
  g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
               _ ("the %s has no pixels; give one that has"), what);
  return FALSE;
}

static void
write_row (gint y, const gfloat *row, gpointer data)
{
  GeglBuffer *dst = data;

  gegl_buffer_set (dst, GEGL_RECTANGLE (0, y, gegl_buffer_get_width (dst), 1),
                   0, babl_format ("R'G'B' float"), row, GEGL_AUTO_ROWSTRIDE);
}

GeglBuffer *
tess_canvas_scaled (GeglBuffer *buffer,
                    gint width,
                    gint height,
                    gboolean wrap_x,
                    gboolean wrap_y,
                    GError **error)
{
  GeglBuffer *dst;

  if (!check_extent (buffer, "picture to start from", error))
    return NULL;
  dst = tess_canvas_new (width, height);
  resample (&(Resample) {
      .buffer = buffer,
      .format = babl_format ("R'G'B' float"),
      .channels = 3,
      .width = width,
      .height = height,
      .step_x = (gdouble) gegl_buffer_get_width (buffer) / width,
      .step_y = (gdouble) gegl_buffer_get_height (buffer) / height,
      .wrap_x = wrap_x,
      .wrap_y = wrap_y,
      .sink = write_row,
      .data = dst,
  });
  return dst;
}

typedef struct
{
  gfloat *dst;
  gint width;
} MaskRows;

static void
keep_row (gint y, const gfloat *row, gpointer data)
{
  const MaskRows *rows = data;

  for (gint x = 0; x < rows->width; x++)
    rows->dst[(gsize) y * rows->width + x] = CLAMP (row[x], 0.0f, 1.0f);
}

gboolean
tess_canvas_read_mask (GeglBuffer *mask,
                       gint width,
                       gint height,
                       gint cell,
                       gint cells_w,
                       gint cells_h,
                       gfloat *dst,
                       GError **error)
{
  MaskRows rows = { dst, cells_w };

  if (!check_extent (mask, "mask of a region", error))
    return FALSE;
  resample (&(Resample) {
      .buffer = mask,
      .format = babl_format ("Y float"),
      .channels = 1,
      .width = cells_w,
      .height = cells_h,
      .step_x = (gdouble) cell * gegl_buffer_get_width (mask) / width,
      .step_y = (gdouble) cell * gegl_buffer_get_height (mask) / height,
      .mean = TRUE,
      .sink = keep_row,
      .data = &rows,
  });
  return TRUE;
}
