/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/instance-sketch.c: from a layer's thumbnail and path to lines. */
#include "ui/instance-sketch.h"

#include <gdk-pixbuf/gdk-pixbuf.h>
#include <libgimp/gimpui.h>
#include <string.h>
#include "core/instance-formats.h"

#define SIDE 192 /* of the thumbnail that is looked at */
#define N_SCRIBBLE 20

/* What a layer covers, in cells of a thumbnail. */
typedef struct
{
  TessMask mask;
  guint8 *cells; /* mask's; NULL: it could not be read */
  gboolean full, empty;
  gdouble x, y, cell_w, cell_h; /* of the first cell's corner, in pixels */
} Cover;

static void
cover_clear (Cover *cover)
{
  g_clear_pointer (&cover->cells, g_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Cover, cover_clear)

/* Above half is inside; of what is thinner than a cell any trace is. */
static void
threshold (Cover *cover)
{
  gsize n = (gsize) cover->mask.w * cover->mask.h, n_inside = 0;
  guint8 most = 0;

  for (gsize i = 0; i < n; i++)
    most = MAX (most, cover->cells[i]);
  for (gsize i = 0; i < n; i++)
    {
      cover->cells[i]
          = most >= 128 ? cover->cells[i] >= 128 : cover->cells[i] > 0;
      n_inside += cover->cells[i];
    }
  cover->full = n_inside == n;
  cover->empty = n_inside == 0;
}

static void
cover_read (GimpLayer *layer, Cover *cover)
{
  GimpLayerMask *mask = gimp_layer_get_mask (layer);
  GimpDrawable *drawable = mask ? GIMP_DRAWABLE (mask) : GIMP_DRAWABLE (layer);
  g_autoptr (GdkPixbuf) pixbuf = gimp_drawable_get_thumbnail (
      drawable, SIDE, SIDE, GIMP_PIXBUF_KEEP_ALPHA);
  gint x, y, n_channels, stride, channel;
  const guint8 *pixels;

  *cover = (Cover) { 0 };
  gimp_drawable_get_offsets (GIMP_DRAWABLE (layer), &x, &y);
  cover->x = x;
  cover->y = y;
  cover->empty = TRUE;
  if (!pixbuf)
    return;
  cover->mask.w = gdk_pixbuf_get_width (pixbuf);
  cover->mask.h = gdk_pixbuf_get_height (pixbuf);
  cover->cell_w = (gdouble) gimp_drawable_get_width (GIMP_DRAWABLE (layer))
                  / cover->mask.w;
  cover->cell_h = (gdouble) gimp_drawable_get_height (GIMP_DRAWABLE (layer))
                  / cover->mask.h;
  cover->cells = g_new (guint8, (gsize) cover->mask.w * cover->mask.h);
  cover->mask.cells = cover->cells;
  n_channels = gdk_pixbuf_get_n_channels (pixbuf);
  stride = gdk_pixbuf_get_rowstride (pixbuf);
  pixels = gdk_pixbuf_read_pixels (pixbuf);
  channel = mask ? 0 : n_channels - 1;
  for (gint v = 0; v < cover->mask.h; v++)
    for (gint u = 0; u < cover->mask.w; u++)
      cover->cells[v * cover->mask.w + u]
          = mask || gdk_pixbuf_get_has_alpha (pixbuf)
                ? pixels[(gsize) v * stride + (gsize) u * n_channels + channel]
                : 255;
  threshold (cover);
}

static void
to_pixels (const Cover *cover, gdouble u, gdouble v, gdouble point[2])
{
  point[0] = cover->x + u * cover->cell_w;
  point[1] = cover->y + v * cover->cell_h;
}

static GArray *
line_new (TessSketch *sketch)
{
  GArray *line = g_array_new (FALSE, FALSE, sizeof (gdouble));

  g_ptr_array_add (sketch->lines, line);
  return line;
}

static void
add_box (TessSketch *sketch)
{
  const gdouble *b = sketch->bounds;
  const gdouble corners[] = { b[0], b[1], b[2], b[1], b[2], b[3], b[0], b[3] };

  g_array_append_vals (line_new (sketch), corners, G_N_ELEMENTS (corners));
  sketch->closed = TRUE;
}

static void
add_point (TessSketch *sketch)
{
  const gdouble *b = sketch->bounds;
  const gdouble point[] = { (b[0] + b[2]) / 2, (b[1] + b[3]) / 2 };

  g_array_append_vals (line_new (sketch), point, 2);
}

/* Outlines lie on the cells outside, moved by one: their middles. */
static void
add_outlines (TessSketch *sketch, const Cover *cover)
{
  g_autoptr (GArray) lengths = NULL;
  g_autoptr (GArray) points = tess_mask_outlines (&cover->mask, &lengths);
  guint at = 0;

  for (guint i = 0; i < lengths->len; i++)
    {
      GArray *line = line_new (sketch);

      for (gint k = 0; k < g_array_index (lengths, gint, i); k++, at++)
        {
          gdouble point[2];

          to_pixels (cover, g_array_index (points, gint, 2 * at) - 0.5,
                     g_array_index (points, gint, 2 * at + 1) - 0.5, point);
          g_array_append_vals (line, point, 2);
        }
    }
  sketch->closed = TRUE;
}

static void
add_scribble (TessSketch *sketch, const Cover *cover)
{
  gfloat points[2 * N_SCRIBBLE];
  GArray *line = line_new (sketch);

  tess_mask_scribble (&cover->mask, N_SCRIBBLE, NULL, NULL, points);
  for (gint i = 0; i < N_SCRIBBLE; i++)
    {
      gdouble point[2];

      to_pixels (cover, points[2 * i] + 0.5, points[2 * i + 1] + 0.5, point);
      g_array_append_vals (line, point, 2);
    }
}

/* FALSE: nothing is there. */
static gboolean
cover_bounds (const Cover *cover, gdouble bounds[4])
{
  gint cells[4];

  if (!cover->cells || cover->empty || !tess_mask_bounds (&cover->mask, cells))
    return FALSE;
  to_pixels (cover, cells[0], cells[1], bounds);
  to_pixels (cover, cells[2], cells[3], bounds + 2);
  return TRUE;
}

static GPtrArray *
strokes_ref (GPtrArray *strokes)
{
  GPtrArray *lines
      = g_ptr_array_new_with_free_func ((GDestroyNotify) g_array_unref);

  for (guint i = 0; strokes && i < strokes->len; i++)
    g_ptr_array_add (lines, g_array_ref (strokes->pdata[i]));
  return lines;
}

TessSketch *
tess_sketch_new (GimpItem *item)
{
  TessSketch *sketch = g_new0 (TessSketch, 1);
  gboolean anchor;
  g_autoptr (GPtrArray) strokes = tess_object_strokes (item, &anchor);
  TessPlaced placed = tess_object_placed (item);
  g_auto (Cover) cover = { 0 };
  gboolean by_path = strokes && placed != TESS_PLACED_MASK
                     && !(anchor && placed == TESS_PLACED_BOX);

  sketch->by_path = by_path;
  if (by_path)
    tess_object_strokes_bounds (strokes, sketch->bounds);
  else
    cover_read (GIMP_LAYER (item), &cover);
  sketch->placed = tess_object_resolve (placed, strokes, anchor, cover.full);
  sketch->lines = strokes_ref (
      by_path && sketch->placed == TESS_PLACED_SCRIBBLE ? strokes : NULL);
  sketch->empty = !by_path && !cover_bounds (&cover, sketch->bounds);
  if (sketch->empty || sketch->lines->len > 0)
    return sketch;
  switch (sketch->placed)
    {
    case TESS_PLACED_MASK:
      add_outlines (sketch, &cover);
      break;
    case TESS_PLACED_SCRIBBLE:
      add_scribble (sketch, &cover);
      break;
    case TESS_PLACED_POINT:
      add_point (sketch);
      break;
    default:
      add_box (sketch);
      break;
    }
  return sketch;
}

void
tess_sketch_free (TessSketch *sketch)
{
  if (!sketch)
    return;
  g_ptr_array_unref (sketch->lines);
  g_free (sketch);
}
