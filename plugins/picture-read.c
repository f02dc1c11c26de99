/* SPDX-License-Identifier: GPL-3.0-or-later
 * plugins/picture-read.c: from a GIMP image to a request.
 *
 * Everything is copied in strips of rows, so that the memory taken does not
 * grow with the picture (GEGL swaps the private buffers). */
#include "plugins/picture.h"

#include <glib/gi18n-lib.h>
#include "core/error.h"
#include "ui/object-layers.h"

#define STRIP 128

gboolean
tess_picture_check_mode (GimpImage *image, GError **error)
{
  if (gimp_image_get_base_type (image) != GIMP_INDEXED)
    return TRUE;
  g_set_error_literal (error, TESS_ERROR, TESS_ERROR_REQUEST,
                       _ ("An indexed image has too few colors to paint with: "
                          "convert it with Image > Mode > RGB first."));
  return FALSE;
}

/* NULL with an error unless one is selected. */
static GimpLayer *
selected_layer (GimpImage *image, GError **error)
{
  g_autofree GimpLayer **layers = gimp_image_get_selected_layers (image);

  if (layers && layers[0] && !layers[1])
    return layers[0];
  g_set_error_literal (error, TESS_ERROR, TESS_ERROR_REQUEST,
                       _ ("Select exactly one layer to start from."));
  return NULL;
}

gboolean
tess_picture_extent (GimpImage *image,
                     TessExtent what,
                     GeglRectangle *extent,
                     GError **error)
{
  gboolean selected = FALSE;
  gint x1, y1, x2, y2;

  *extent = (GeglRectangle) { 0, 0, gimp_image_get_width (image),
                              gimp_image_get_height (image) };
  if (what == TESS_EXTENT_LAYER)
    {
      GimpLayer *layer = selected_layer (image, error);

      if (!layer)
        return FALSE;
      gimp_drawable_get_offsets (GIMP_DRAWABLE (layer), &extent->x, &extent->y);
      extent->width = gimp_drawable_get_width (GIMP_DRAWABLE (layer));
      extent->height = gimp_drawable_get_height (GIMP_DRAWABLE (layer));
    }
  if (what == TESS_EXTENT_IMAGE
      || !gimp_selection_bounds (image, &selected, &x1, &y1, &x2, &y2)
      || !selected)
    return TRUE;
  if (what == TESS_EXTENT_SELECTION)
    *extent = (GeglRectangle) { x1, y1, x2 - x1, y2 - y1 };
  else if (!gegl_rectangle_intersect (
               extent, extent, GEGL_RECTANGLE (x1, y1, x2 - x1, y2 - y1)))
    {
      g_set_error_literal (error, TESS_ERROR, TESS_ERROR_REQUEST,
                           _ ("The selection has nothing of the layer in it: "
                              "select another place, or nothing."));
      return FALSE;
    }
  return TRUE;
}

/* Where the pixels of @drawable lie in @area: @common in pixels of the area. */
static gboolean
meet (GimpDrawable *drawable,
      const GeglRectangle *area,
      GeglRectangle *common,
      gint *offset_x,
      gint *offset_y)
{
  GeglRectangle own = { 0 };

  gimp_drawable_get_offsets (drawable, offset_x, offset_y);
  own.x = *offset_x - area->x;
  own.y = *offset_y - area->y;
  own.width = gimp_drawable_get_width (drawable);
  own.height = gimp_drawable_get_height (drawable);
  *offset_x = own.x;
  *offset_y = own.y;
  return gegl_rectangle_intersect (
      common, &own, GEGL_RECTANGLE (0, 0, area->width, area->height));
}

static void
fill_white (gfloat *rgb, gsize n)
{
  for (gsize i = 0; i < n * 3; i++)
    rgb[i] = 1.0F;
}

static void
flatten (const gfloat *rgba, gfloat *rgb, gsize n)
{
  for (gsize i = 0; i < n; i++, rgba += 4, rgb += 3)
    {
      gfloat alpha = CLAMP (rgba[3], 0.0F, 1.0F);

      for (gint c = 0; c < 3; c++)
        rgb[c] = 1.0F + alpha * (rgba[c] - 1.0F);
    }
}

/* Over white, in strips. */
static GeglBuffer *
read_flat (GimpDrawable *drawable, const GeglRectangle *area)
{
  g_autoptr (GeglBuffer) src = gimp_drawable_get_buffer (drawable);
  GeglBuffer *dst
      = gegl_buffer_new (GEGL_RECTANGLE (0, 0, area->width, area->height),
                         babl_format ("R'G'B' float"));
  gsize n = (gsize) area->width * STRIP;
  g_autofree gfloat *rgba = g_new (gfloat, n * 4);
  g_autofree gfloat *rgb = g_new (gfloat, n * 3);
  GeglRectangle common;
  gint offset_x, offset_y;
  gboolean any = meet (drawable, area, &common, &offset_x, &offset_y);

  for (gint y = 0; y < area->height; y += STRIP)
    {
      GeglRectangle strip
          = { 0, y, area->width, MIN (STRIP, area->height - y) };
      GeglRectangle part;

      fill_white (rgb, n);
      if (any && gegl_rectangle_intersect (&part, &common, &strip))
        {
          GeglRectangle there = { part.x - offset_x, part.y - offset_y,
                                  part.width, part.height };

          gegl_buffer_get (src, &there, 1.0, babl_format ("R'G'B'A float"),
                           rgba, GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
          for (gint row = 0; row < part.height; row++)
            flatten (
                rgba + (gsize) row * part.width * 4,
                rgb + ((gsize) (part.y - y + row) * area->width + part.x) * 3,
                part.width);
        }
      gegl_buffer_set (dst, &strip, 0, babl_format ("R'G'B' float"), rgb,
                       GEGL_AUTO_ROWSTRIDE);
    }
  return dst;
}

GeglBuffer *
tess_picture_read_layer (GimpImage *image,
                         const GeglRectangle *area,
                         GError **error)
{
  GimpLayer *layer = selected_layer (image, error);

  return layer ? read_flat (GIMP_DRAWABLE (layer), area) : NULL;
}

GeglBuffer *
tess_picture_read_visible (GimpImage *image,
                           const GeglRectangle *area,
                           GError **error)
{
  GimpLayer *layer = gimp_layer_new_from_visible (image, image, "tessera");
  const GeglRectangle whole
      = { 0, 0, gimp_image_get_width (image), gimp_image_get_height (image) };
  GeglBuffer *buffer;

  if (!layer)
    {
      g_set_error_literal (error, TESS_ERROR, TESS_ERROR_REQUEST,
                           _ ("There is nothing visible to start from."));
      return NULL;
    }
  buffer = read_flat (GIMP_DRAWABLE (layer), area ? area : &whole);
  gimp_item_delete (GIMP_ITEM (layer));
  return buffer;
}

/* One pixel that covers everything: enough to plan with. */
static GeglBuffer *
tiny_mask (void)
{
  GeglBuffer *mask
      = gegl_buffer_new (GEGL_RECTANGLE (0, 0, 1, 1), babl_format ("Y u8"));
  guint8 full = 255;

  gegl_buffer_set (mask, GEGL_RECTANGLE (0, 0, 1, 1), 0, babl_format ("Y u8"),
                   &full, GEGL_AUTO_ROWSTRIDE);
  return mask;
}

static GeglBuffer *
read_coverage (GimpDrawable *drawable,
               gboolean alpha,
               gdouble opacity,
               const GeglRectangle *area,
               gboolean *any)
{
  g_autoptr (GeglBuffer) src = gimp_drawable_get_buffer (drawable);
  GeglBuffer *dst = gegl_buffer_new (
      GEGL_RECTANGLE (0, 0, area->width, area->height), babl_format ("Y u8"));
  const Babl *format = babl_format (alpha ? "YA float" : "Y float");
  gint step = alpha ? 2 : 1;
  g_autofree gfloat *values = NULL;
  GeglRectangle common;
  gint offset_x, offset_y;

  *any = FALSE;
  if (!meet (drawable, area, &common, &offset_x, &offset_y))
    return dst;

  values = g_new (gfloat, (gsize) common.width * STRIP * step);
  for (gint y = 0; y < common.height; y += STRIP)
    {
      GeglRectangle part = { common.x, common.y + y, common.width,
                             MIN (STRIP, common.height - y) };
      GeglRectangle there
          = { part.x - offset_x, part.y - offset_y, part.width, part.height };
      gsize n = (gsize) part.width * part.height;

      gegl_buffer_get (src, &there, 1.0, format, values, GEGL_AUTO_ROWSTRIDE,
                       GEGL_ABYSS_NONE);
      for (gsize i = 0; i < n; i++)
        {
          values[i] = values[i * step + step - 1] * (gfloat) opacity;
          *any |= values[i] > 0.0F;
        }
      gegl_buffer_set (dst, &part, 0, babl_format ("Y float"), values,
                       GEGL_AUTO_ROWSTRIDE);
    }
  return dst;
}

GPtrArray *
tess_picture_group_layers (GimpItem *group, GError **error)
{
  g_autofree GimpItem **children = NULL;
  GPtrArray *layers;

  if (!gimp_item_is_group (group))
    {
      g_autofree gchar *name = gimp_item_get_name (group);

      g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
                   _ ("“%s” is not a layer group: put the layers that name "
                      "things into a group and give that."),
                   name);
      return NULL;
    }
  layers = g_ptr_array_new ();
  children = gimp_item_get_children (group);
  for (gint i = 0; children && children[i]; i++)
    if (gimp_item_get_visible (children[i]))
      g_ptr_array_add (layers, children[i]);
  return layers;
}

GeglBuffer *
tess_picture_read_layer_coverage (GimpLayer *layer,
                                  gdouble opacity,
                                  const GeglRectangle *area,
                                  gboolean *any)
{
  GimpLayerMask *mask = gimp_layer_get_mask (layer);

  return read_coverage (mask ? GIMP_DRAWABLE (mask) : GIMP_DRAWABLE (layer),
                        !mask, opacity, area, any);
}

gboolean
tess_picture_read_regions (GimpItem *group,
                           const GeglRectangle *area,
                           gboolean tiny,
                           TessRequest *request,
                           GError **error)
{
  g_autoptr (GPtrArray) layers = tess_picture_group_layers (group, error);

  for (guint i = 0; layers && i < layers->len; i++)
    {
      GimpLayer *layer = layers->pdata[i];
      g_autofree gchar *text = tess_object_text (GIMP_ITEM (layer));
      gboolean any = TRUE;
      g_autoptr (GeglBuffer) mask
          = tiny ? tiny_mask ()
                 : tess_picture_read_layer_coverage (
                       layer, gimp_layer_get_opacity (layer) / 100.0, area,
                       &any);

      if (any)
        tess_request_add_region (request, text, NULL, mask, NULL);
    }
  return layers != NULL;
}

gboolean
tess_picture_read_selection (GimpImage *image,
                             const gchar *prompt,
                             const GeglRectangle *area,
                             gboolean tiny,
                             TessRequest *request,
                             GError **error)
{
  g_autoptr (GeglBuffer) mask = NULL;
  gboolean any = TRUE;

  if (gimp_selection_is_empty (image))
    {
      g_set_error_literal (error, TESS_ERROR, TESS_ERROR_REQUEST,
                           _ ("Nothing is selected: select the place that the "
                              "prompt for the selection is for."));
      return FALSE;
    }
  mask = tiny ? tiny_mask ()
              : read_coverage (GIMP_DRAWABLE (gimp_image_get_selection (image)),
                               FALSE, 1.0, area, &any);
  if (any)
    tess_request_add_region (request, prompt, NULL, mask, NULL);
  return TRUE;
}
