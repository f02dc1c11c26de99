/* SPDX-License-Identifier: GPL-3.0-or-later
 * plugins/picture-instances.c: from a layer group to instances. */
#include "plugins/picture.h"

#include <glib/gi18n-lib.h>
#include "core/error.h"
#include "core/instance-formats.h"
#include "core/instances.h"
#include "ui/object-layers.h"

#define N_SCRIBBLE 20

/* What a layer covers of the canvas. */
typedef struct
{
  GeglRectangle own;  /* the layer's rectangle, in pixels of the canvas */
  GeglBuffer *mask;   /* in pixels of the canvas; NULL: it is not read */
  GeglRectangle part; /* of the canvas that is inside; own where it is full */
  gboolean full;
} Cover;

static void
cover_clear (Cover *cover)
{
  g_clear_object (&cover->mask);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Cover, cover_clear)

/* Bounds of what is inside; whether all of @common is. */
static void
measure (Cover *cover, const GeglRectangle *common)
{
  g_autofree guint8 *row = g_new (guint8, common->width);
  gint x0 = G_MAXINT, y0 = G_MAXINT, x1 = -1, y1 = -1;

  cover->full = TRUE;
  for (gint y = common->y; y < common->y + common->height; y++)
    {
      gegl_buffer_get (
          cover->mask, GEGL_RECTANGLE (common->x, y, common->width, 1), 1.0,
          babl_format ("Y u8"), row, GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
      for (gint x = 0; x < common->width; x++)
        {
          if (row[x] < 128)
            {
              cover->full = FALSE;
              continue;
            }
          x0 = MIN (x0, common->x + x);
          x1 = MAX (x1, common->x + x);
          y0 = MIN (y0, y);
          y1 = y;
        }
    }
  /* Past the canvas' edge it goes on. */
  cover->part = cover->own;
  if (!cover->full && x1 >= x0)
    cover->part = (GeglRectangle) { x0, y0, x1 - x0 + 1, y1 - y0 + 1 };
}

/* A plan needs no pixels, and outside of the canvas there are none. */
static gboolean
cover_read (GimpLayer *layer,
            const GeglRectangle *area,
            gboolean tiny,
            const gchar *text,
            Cover *cover,
            GError **error)
{
  GeglRectangle *own = &cover->own;
  GeglRectangle common;
  gboolean any;

  gimp_drawable_get_offsets (GIMP_DRAWABLE (layer), &own->x, &own->y);
  own->x -= area->x;
  own->y -= area->y;
  own->width = gimp_drawable_get_width (GIMP_DRAWABLE (layer));
  own->height = gimp_drawable_get_height (GIMP_DRAWABLE (layer));
  cover->part = *own;
  cover->full = TRUE;
  if (tiny
      || !gegl_rectangle_intersect (
          &common, own, GEGL_RECTANGLE (0, 0, area->width, area->height)))
    return TRUE;
  cover->mask = tess_picture_read_layer_coverage (layer, 1.0, area, &any);
  if (!any)
    {
      g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
                   _ ("Nothing is painted on “%s”: paint where it is to be, "
                      "hide the layer, or draw a path of that name."),
                   text);
      return FALSE;
    }
  measure (cover, &common);
  return TRUE;
}

/* Adds what @src covers to @dst, both as large as @area. */
static void
add_mask (GeglBuffer *dst, GeglBuffer *src, const GeglRectangle *area)
{
  g_autofree guint8 *a = g_new (guint8, area->width);
  g_autofree guint8 *b = g_new (guint8, area->width);
  const Babl *format = babl_format ("Y u8");

  for (gint y = 0; y < area->height; y++)
    {
      const GeglRectangle row = { 0, y, area->width, 1 };

      gegl_buffer_get (dst, &row, 1.0, format, a, GEGL_AUTO_ROWSTRIDE,
                       GEGL_ABYSS_NONE);
      gegl_buffer_get (src, &row, 1.0, format, b, GEGL_AUTO_ROWSTRIDE,
                       GEGL_ABYSS_NONE);
      for (gint x = 0; x < area->width; x++)
        a[x] = MAX (a[x], b[x]);
      gegl_buffer_set (dst, &row, 0, format, a, GEGL_AUTO_ROWSTRIDE);
    }
}

/* What lies past an edge that meets another comes in there. */
static void
add_past_edges (GimpLayer *layer,
                const GeglRectangle *area,
                const TessRequest *request,
                Cover *cover)
{
  gboolean wrap_x, wrap_y;

  tess_request_wraps (request, &wrap_x, &wrap_y);
  for (gint dy = -wrap_y; dy <= wrap_y; dy++)
    for (gint dx = -wrap_x; dx <= wrap_x; dx++)
      {
        const GeglRectangle there
            = { area->x + dx * area->width, area->y + dy * area->height,
                area->width, area->height };
        g_autoptr (GeglBuffer) more = NULL;
        gboolean any;

        if ((dx == 0 && dy == 0)
            || !gegl_rectangle_intersect (
                NULL, &cover->own,
                GEGL_RECTANGLE (dx * area->width, dy * area->height,
                                area->width, area->height)))
          continue;
        more = tess_picture_read_layer_coverage (layer, 1.0, &there, &any);
        if (any)
          add_mask (cover->mask, more, area);
      }
}

static void
set_box (TessInstance *instance, const gdouble bounds[4])
{
  for (gint i = 0; i < 4; i++)
    instance->box[i] = bounds[i];
  instance->has_box = TRUE;
}

static void
set_point (TessInstance *instance, const gdouble bounds[4])
{
  for (gint i = 0; i < 2; i++)
    instance->point[i] = (bounds[i] + bounds[i + 2]) / 2;
  instance->has_point = TRUE;
}

/* Cells of the mask drawn at random, as the method was trained. */
static gboolean
set_scribble (TessInstance *instance, const Cover *cover, GError **error)
{
  const GeglRectangle *part = &cover->part;
  gsize n = (gsize) part->width * part->height;
  g_autofree guint8 *cells = g_try_malloc (n);
  const TessMask mask = { part->width, part->height, cells };
  gfloat points[2 * N_SCRIBBLE];

  if (!cells)
    {
      g_set_error (error, TESS_ERROR, TESS_ERROR_MEMORY,
                   _ ("There is no memory for %d × %d pixels of “%s”: choose "
                      "a box or a mask for it."),
                   part->width, part->height, instance->text);
      return FALSE;
    }
  gegl_buffer_get (cover->mask, part, 1.0, babl_format ("Y u8"), cells,
                   GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
  for (gsize i = 0; i < n; i++)
    cells[i] = cells[i] >= 128;
  tess_mask_scribble (&mask, N_SCRIBBLE, NULL, NULL, points);
  instance->stroke = g_array_new (FALSE, FALSE, sizeof (gdouble));
  for (gint i = 0; i < N_SCRIBBLE; i++)
    {
      const gdouble point[] = { part->x + points[2 * i] + 0.5,
                                part->y + points[2 * i + 1] + 0.5 };

      g_array_append_vals (instance->stroke, point, 2);
    }
  return TRUE;
}

static gboolean
read_layer (GimpLayer *layer,
            TessPlaced placed,
            const GeglRectangle *area,
            gboolean tiny,
            const TessRequest *request,
            TessInstance *instance,
            GError **error)
{
  g_auto (Cover) cover = { 0 };
  gdouble bounds[4];

  if (!cover_read (layer, area, tiny, instance->text, &cover, error))
    return FALSE;
  bounds[0] = cover.part.x;
  bounds[1] = cover.part.y;
  bounds[2] = cover.part.x + cover.part.width;
  bounds[3] = cover.part.y + cover.part.height;
  placed = tess_object_resolve (placed, NULL, FALSE, cover.full);
  if (placed == TESS_PLACED_POINT)
    set_point (instance, bounds);
  else if (placed == TESS_PLACED_SCRIBBLE && cover.mask)
    return set_scribble (instance, &cover, error);
  else
    set_box (instance, bounds);
  if (placed == TESS_PLACED_MASK && cover.mask)
    add_past_edges (layer, area, request, &cover);
  if (placed == TESS_PLACED_MASK)
    instance->mask = g_steal_pointer (&cover.mask);
  return TRUE;
}

static void
read_strokes (const GPtrArray *strokes,
              TessPlaced placed,
              const GeglRectangle *area,
              TessInstance *instance)
{
  gdouble bounds[4];

  tess_object_strokes_bounds (strokes, bounds);
  for (gint i = 0; i < 4; i++)
    bounds[i] -= i % 2 == 0 ? area->x : area->y;
  if (placed == TESS_PLACED_POINT)
    set_point (instance, bounds);
  else if (placed == TESS_PLACED_BOX)
    set_box (instance, bounds);
  else
    {
      instance->stroke = g_array_new (FALSE, FALSE, sizeof (gdouble));
      for (guint i = 0; i < strokes->len; i++)
        {
          const GArray *line = strokes->pdata[i];

          g_array_append_vals (instance->stroke, line->data, line->len);
        }
      for (guint k = 0; k < instance->stroke->len; k++)
        g_array_index (instance->stroke, gdouble, k)
            -= k % 2 == 0 ? area->x : area->y;
    }
}

static gboolean
read_instance (GimpLayer *layer,
               const GeglRectangle *area,
               gboolean tiny,
               const TessRequest *request,
               TessInstance *instance,
               GError **error)
{
  TessPlaced placed = tess_object_placed (GIMP_ITEM (layer));
  gboolean anchor;
  g_autoptr (GPtrArray) strokes
      = tess_object_strokes (GIMP_ITEM (layer), &anchor);

  /* A path has no area, a single anchor not even a rectangle. */
  if (!strokes || placed == TESS_PLACED_MASK
      || (anchor && placed == TESS_PLACED_BOX))
    return read_layer (layer, placed, area, tiny, request, instance, error);
  placed = tess_object_resolve (placed, strokes, anchor, FALSE);
  read_strokes (strokes, placed, area, instance);
  return TRUE;
}

gboolean
tess_picture_read_instances (GimpItem *group,
                             const GeglRectangle *area,
                             gboolean tiny,
                             TessRequest *request,
                             GError **error)
{
  g_autoptr (GPtrArray) layers = tess_picture_group_layers (group, error);

  for (guint i = 0; layers && i < layers->len; i++)
    {
      g_autofree gchar *text = tess_object_text (layers->pdata[i]);
      gdouble opacity = gimp_layer_get_opacity (layers->pdata[i]);
      TessInstance *instance;

      if (opacity <= 0.0)
        continue;
      instance = tess_instance_new (text);
      instance->strength = opacity / 100.0;
      g_ptr_array_add (request->instances, instance);
      if (!read_instance (layers->pdata[i], area, tiny, request, instance,
                          error))
        return FALSE;
    }
  return layers != NULL;
}
