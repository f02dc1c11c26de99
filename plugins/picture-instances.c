/* SPDX-License-Identifier: GPL-3.0-or-later
 * plugins/picture-instances.c: from a layer group to instances. */
#include "plugins/picture.h"

#include <glib/gi18n-lib.h>
#include "core/error.h"
#include "core/instances.h"
#include "ui/region-list.h"

/* Pixels that an interpolated stroke may lie beside the path. */
#define PRECISION 1.0

/* The path of the layer's name: a single anchor is a point, strokes are a
 * scribble. FALSE: none, or nothing drawn in it. */
static gboolean
read_path (GimpImage *image,
           const gchar *name,
           const GeglRectangle *area,
           TessInstance *instance)
{
  GimpPath *path = gimp_image_get_path_by_name (image, name);
  g_autofree gint *strokes = NULL;
  gsize n_strokes = 0;

  if (path == NULL)
    return FALSE;
  strokes = gimp_path_get_strokes (path, &n_strokes);
  for (gsize i = 0; i < n_strokes; i++)
    {
      g_autofree gdouble *points = NULL;
      g_autofree gdouble *anchors = NULL;
      gsize n = 0, n_anchors = 0;
      gboolean closed;

      gimp_path_stroke_get_points (path, strokes[i], &n_anchors, &anchors,
                                   &closed);
      if (n_strokes == 1 && n_anchors == 6) /* handle, anchor, handle */
        {
          instance->has_point = TRUE;
          instance->point[0] = anchors[2] - area->x;
          instance->point[1] = anchors[3] - area->y;
          return TRUE;
        }
      points = gimp_path_stroke_interpolate (path, strokes[i], PRECISION, &n,
                                             &closed);
      for (gsize k = 0; points && k + 1 < n; k += 2)
        {
          gdouble point[] = { points[k] - area->x, points[k + 1] - area->y };

          if (instance->stroke == NULL)
            instance->stroke = g_array_new (FALSE, FALSE, sizeof (gdouble));
          g_array_append_vals (instance->stroke, point, 2);
        }
    }
  return instance->stroke != NULL;
}

/* Is every pixel inside? Then a box says as much. */
static gboolean
is_full (GeglBuffer *mask, const GeglRectangle *part)
{
  g_autofree guint8 *row = g_new (guint8, part->width);

  for (gint y = 0; y < part->height; y++)
    {
      gegl_buffer_get (
          mask, GEGL_RECTANGLE (part->x, part->y + y, part->width, 1), 1.0,
          babl_format ("Y u8"), row, GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
      for (gint x = 0; x < part->width; x++)
        if (row[x] < 128)
          return FALSE;
    }
  return TRUE;
}

/* A layer's rectangle, its alpha, or its mask. */
static gboolean
read_layer (GimpLayer *layer,
            const GeglRectangle *area,
            gboolean tiny,
            TessInstance *instance,
            GError **error)
{
  GimpLayerMask *layer_mask = gimp_layer_get_mask (layer);
  g_autoptr (GeglBuffer) mask = NULL;
  GeglRectangle own, common;
  gboolean any = TRUE;

  gimp_drawable_get_offsets (GIMP_DRAWABLE (layer), &own.x, &own.y);
  own.x -= area->x;
  own.y -= area->y;
  own.width = gimp_drawable_get_width (GIMP_DRAWABLE (layer));
  own.height = gimp_drawable_get_height (GIMP_DRAWABLE (layer));
  instance->box[0] = own.x;
  instance->box[1] = own.y;
  instance->box[2] = own.x + own.width;
  instance->box[3] = own.y + own.height;
  instance->has_box = TRUE;
  /* A plan needs no pixels. */
  if (tiny
      || !gegl_rectangle_intersect (
          &common, &own, GEGL_RECTANGLE (0, 0, area->width, area->height)))
    return TRUE;
  mask = tess_picture_read_coverage (layer_mask ? GIMP_DRAWABLE (layer_mask)
                                                : GIMP_DRAWABLE (layer),
                                     !layer_mask, 1.0, area, &any);
  if (!any)
    {
      g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
                   _ ("Nothing is painted on “%s”: paint where it is to be, "
                      "hide the layer, or draw a path of that name."),
                   instance->text);
      return FALSE;
    }
  if (!is_full (mask, &common))
    instance->mask = g_steal_pointer (&mask);
  return TRUE;
}

gboolean
tess_picture_read_instances (GimpImage *image,
                             GimpItem *group,
                             const GeglRectangle *area,
                             gboolean tiny,
                             TessRequest *request,
                             GError **error)
{
  g_autofree GimpItem **children = NULL;

  if (!gimp_item_is_group (group))
    {
      g_autofree gchar *name = gimp_item_get_name (group);

      g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
                   _ ("“%s” is not a layer group: put the layers that are "
                      "instances into a group and give that."),
                   name);
      return FALSE;
    }
  children = gimp_item_get_children (group);
  for (gint i = 0; children && children[i]; i++)
    {
      g_autofree gchar *name = gimp_item_get_name (children[i]);
      g_autofree gchar *text = NULL;
      TessInstance *instance;

      if (!gimp_item_get_visible (children[i]))
        continue;
      text = tess_region_text (children[i]);
      instance = tess_instance_new (text);
      g_ptr_array_add (request->instances, instance);
      if (!read_path (image, name, area, instance)
          && !read_layer (GIMP_LAYER (children[i]), area, tiny, instance,
                          error))
        return FALSE;
    }
  return TRUE;
}
