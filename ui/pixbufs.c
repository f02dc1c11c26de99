/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/pixbufs.c: from GeglBuffers to what GTK draws. */
#include "ui/pixbufs.h"

#include "core/upscale.h"

static gboolean
has_alpha (GeglBuffer *buffer)
{
  return babl_format_has_alpha (gegl_buffer_get_format (buffer)) != 0;
}

static GdkPixbuf *
read_at (GeglBuffer *buffer, const GeglRectangle *part, gdouble scale)
{
  gboolean alpha = has_alpha (buffer);
  GdkPixbuf *picture = gdk_pixbuf_new (GDK_COLORSPACE_RGB, alpha, 8,
                                       part->width, part->height);

  if (picture)
    gegl_buffer_get (buffer, part, scale,
                     babl_format (alpha ? "R'G'B'A u8" : "R'G'B' u8"),
                     gdk_pixbuf_get_pixels (picture),
                     gdk_pixbuf_get_rowstride (picture), GEGL_ABYSS_CLAMP);
  return picture;
}

GdkPixbuf *
tess_pixbuf_shrunk (GeglBuffer *buffer, gint side)
{
  const GeglRectangle *extent = gegl_buffer_get_extent (buffer);
  gdouble scale
      = MIN (1.0, (gdouble) side / MAX (extent->width, extent->height));
  const GeglRectangle part = {
    (gint) (extent->x * scale),
    (gint) (extent->y * scale),
    MAX ((gint) (extent->width * scale), 1),
    MAX ((gint) (extent->height * scale), 1),
  };

  return read_at (buffer, &part, scale);
}

GdkPixbuf *
tess_pixbuf_part (GeglBuffer *buffer, const GeglRectangle *part)
{
  return read_at (buffer, part, 1.0);
}

static guint8
to_byte (gfloat value)
{
  return (guint8) (CLAMP (value, 0.0F, 1.0F) * 255.0F + 0.5F);
}

GdkPixbuf *
tess_pixbuf_enlarged (GeglBuffer *buffer, gint width, gint height)
{
  gboolean alpha = has_alpha (buffer);
  gint n_channels = alpha ? 4 : 3;
  g_autoptr (TessUpscale) larger
      = tess_upscale_new (buffer, width, height, 1, 1, NULL);
  GdkPixbuf *picture
      = gdk_pixbuf_new (GDK_COLORSPACE_RGB, alpha, 8, width, height);
  g_autofree gfloat *row = g_new (gfloat, 4 * (gsize) width);

  if (!larger || !picture || !tess_upscale_load (larger, NULL))
    {
      g_clear_object (&picture);
      return NULL;
    }
  for (gint y = 0; y < height; y++)
    {
      guint8 *dst = gdk_pixbuf_get_pixels (picture)
                    + (gsize) y * gdk_pixbuf_get_rowstride (picture);

      tess_enlarged_read (&larger->picture, 0, y, width, 1, row);
      for (gint x = 0; x < width; x++)
        for (gint c = 0; c < 3; c++)
          dst[x * n_channels + c] = to_byte (0.5F * row[c * width + x] + 0.5F);
      if (!alpha)
        continue;
      if (larger->alpha.src)
        tess_enlarged_read (&larger->alpha, 0, y, width, 1, row);
      for (gint x = 0; x < width; x++)
        dst[x * 4 + 3] = larger->alpha.src ? to_byte (row[x]) : 255;
    }
  return picture;
}
