/* SPDX-License-Identifier: GPL-3.0-or-later
 * plugins/picture-source.c: from a GIMP image to a picture that is to be
 * painted larger: as it is seen, with what it lets through, in its own bits. */
#include "plugins/picture.h"

#include <glib/gi18n-lib.h>
#include "core/error.h"

#define STRIP 128

/* sRGB of 8 and 16 bits stays what it is; all else, and what a profile has
 * that sRGB has not, needs floating point. */
static const Babl *
format_of (GimpImage *image, GimpDrawable *drawable, gboolean alpha)
{
  const Babl *space
      = babl_format_get_space (gimp_drawable_get_format (drawable));

  if (space == babl_space ("sRGB"))
    switch (gimp_image_get_precision (image))
      {
      case GIMP_PRECISION_U8_NON_LINEAR:
      case GIMP_PRECISION_U8_PERCEPTUAL:
        return babl_format (alpha ? "R'G'B'A u8" : "R'G'B' u8");
      case GIMP_PRECISION_U16_NON_LINEAR:
      case GIMP_PRECISION_U16_PERCEPTUAL:
        return babl_format (alpha ? "R'G'B'A u16" : "R'G'B' u16");
      default:
        break;
      }
  return babl_format (alpha ? "R'G'B'A float" : "R'G'B' float");
}

/* Whether a layer alone, without alpha, hides what is below it. */
static gboolean
covers (GimpLayer *layer, const GeglRectangle *from)
{
  GimpDrawable *drawable = GIMP_DRAWABLE (layer);
  GimpLayerMode mode = gimp_layer_get_mode (layer);
  GeglRectangle own;

  gimp_drawable_get_offsets (drawable, &own.x, &own.y);
  own.width = gimp_drawable_get_width (drawable);
  own.height = gimp_drawable_get_height (drawable);
  return gimp_item_get_visible (GIMP_ITEM (layer))
         && !gimp_item_is_group (GIMP_ITEM (layer))
         && !gimp_drawable_has_alpha (drawable)
         && (mode == GIMP_LAYER_MODE_NORMAL
             || mode == GIMP_LAYER_MODE_NORMAL_LEGACY)
         && gimp_layer_get_opacity (layer) >= 100.0
         && gimp_layer_get_mask (layer) == NULL
         && gegl_rectangle_contains (&own, from);
}

static gboolean
is_opaque (GimpImage *image, const GeglRectangle *from)
{
  g_autofree GimpLayer **layers = gimp_image_get_layers (image);

  for (gint i = 0; layers && layers[i]; i++)
    if (covers (layers[i], from))
      return TRUE;
  return FALSE;
}

/* A copy that belongs to nothing, with filters applied, or the picture as it is
 * seen. To be deleted. */
static GimpLayer *
copy_source (GimpImage *image, gboolean layer, GError **error)
{
  g_autofree GimpLayer **layers = gimp_image_get_selected_layers (image);
  GimpLayer *copy = layer
                        ? gimp_layer_copy (layers[0])
                        : gimp_layer_new_from_visible (image, image, "source");

  if (!copy)
    {
      g_set_error_literal (error, TESS_ERROR, TESS_ERROR_REQUEST,
                           _ ("There is nothing visible to start from."));
      return NULL;
    }
  if (layer)
    gimp_drawable_merge_filters (GIMP_DRAWABLE (copy));
  return copy;
}

/* What a layer's mask hides is transparent. GIMP applies masks only to layers
 * that are in an image. */
static void
apply_mask (GeglBuffer *dst, GimpLayerMask *mask, const GeglRectangle *there)
{
  const GeglRectangle *extent = gegl_buffer_get_extent (dst);
  const Babl *format = babl_format ("R'G'B'A float");
  g_autoptr (GeglBuffer) src = gimp_drawable_get_buffer (GIMP_DRAWABLE (mask));
  gsize n = (gsize) extent->width * STRIP;
  g_autofree gfloat *cells = g_new (gfloat, 4 * n);
  g_autofree gfloat *shown = g_new (gfloat, n);

  for (gint y = 0; y < extent->height; y += STRIP)
    {
      gint rows = MIN (STRIP, extent->height - y);
      const GeglRectangle here
          = { extent->x, extent->y + y, extent->width, rows };
      const GeglRectangle of_mask
          = { there->x, there->y + y, there->width, rows };

      gegl_buffer_get (dst, &here, 1.0, format, cells, GEGL_AUTO_ROWSTRIDE,
                       GEGL_ABYSS_NONE);
      gegl_buffer_get (src, &of_mask, 1.0, babl_format ("Y float"), shown,
                       GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
      for (gsize i = 0; i < (gsize) extent->width * rows; i++)
        cells[4 * i + 3] *= shown[i];
      gegl_buffer_set (dst, &here, 0, format, cells, GEGL_AUTO_ROWSTRIDE);
    }
}

GeglBuffer *
tess_picture_read_source (GimpImage *image,
                          gboolean layer,
                          const GeglRectangle *from,
                          gboolean empty,
                          GError **error)
{
  g_autofree GimpLayer **layers = gimp_image_get_selected_layers (image);
  GimpDrawable *first = layers && layers[0] ? GIMP_DRAWABLE (layers[0]) : NULL;
  g_autoptr (GeglBuffer) src = NULL;
  GeglBuffer *dst;
  GimpLayer *copy;
  GeglRectangle there;
  gboolean alpha;

  if (layer && !first)
    {
      g_set_error_literal (error, TESS_ERROR, TESS_ERROR_REQUEST,
                           _ ("Select exactly one layer to start from."));
      return NULL;
    }
  alpha = layer ? gimp_drawable_has_alpha (first)
                      || gimp_layer_get_mask (layers[0]) != NULL
                : !is_opaque (image, from);
  if (empty)
    return gegl_buffer_new (from,
                            babl_format (alpha ? "R'G'B'A u8" : "R'G'B' u8"));
  copy = copy_source (image, layer, error);
  if (!copy)
    return NULL;
  src = gimp_drawable_get_buffer (GIMP_DRAWABLE (copy));
  gimp_drawable_get_offsets (GIMP_DRAWABLE (copy), &there.x, &there.y);
  there = (GeglRectangle) { from->x - there.x, from->y - there.y, from->width,
                            from->height };
  dst = gegl_buffer_new (from, format_of (image, GIMP_DRAWABLE (copy), alpha));
  gegl_buffer_copy (src, &there, GEGL_ABYSS_NONE, dst, from);
  if (layer && gimp_layer_get_mask (copy))
    apply_mask (dst, gimp_layer_get_mask (copy), &there);
  gimp_item_delete (GIMP_ITEM (copy));
  return dst;
}
