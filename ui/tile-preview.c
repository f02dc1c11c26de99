/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/tile-preview.c: drawing the canvas. */
#include "ui/tile-preview.h"

#define MARGIN 12
#define MIN_SIDE 240

struct _TessTilePreview
{
  GtkDrawingArea parent;
  gint width, height;
  gint n_x, n_y;
  GdkPixbuf *picture;
  gchar *hint;
};

G_DEFINE_TYPE (TessTilePreview, tess_tile_preview, GTK_TYPE_DRAWING_AREA)

/* The canvas, as large as fits. */
static void
fit (TessTilePreview *preview, GdkRectangle *place)
{
  gint room_w = MAX (
      gtk_widget_get_allocated_width (GTK_WIDGET (preview)) - 2 * MARGIN, 1);
  gint room_h = MAX (
      gtk_widget_get_allocated_height (GTK_WIDGET (preview)) - 2 * MARGIN, 1);
  gdouble scale = MIN ((gdouble) room_w / preview->width,
                       (gdouble) room_h / preview->height);

  place->width = MAX ((gint) (preview->width * scale), 1);
  place->height = MAX ((gint) (preview->height * scale), 1);
  place->x = MARGIN + (room_w - place->width) / 2;
  place->y = MARGIN + (room_h - place->height) / 2;
}

static void
draw_picture (TessTilePreview *preview, cairo_t *cr, const GdkRectangle *place)
{
  gdouble sx = (gdouble) place->width / gdk_pixbuf_get_width (preview->picture);
  gdouble sy
      = (gdouble) place->height / gdk_pixbuf_get_height (preview->picture);

  cairo_save (cr);
  cairo_translate (cr, place->x, place->y);
  cairo_scale (cr, sx, sy);
  gdk_cairo_set_source_pixbuf (cr, preview->picture, 0, 0);
  cairo_pattern_set_filter (cairo_get_source (cr), CAIRO_FILTER_GOOD);
  cairo_pattern_set_extend (cairo_get_source (cr), CAIRO_EXTEND_PAD);
  cairo_rectangle (cr, 0, 0, gdk_pixbuf_get_width (preview->picture),
                   gdk_pixbuf_get_height (preview->picture));
  cairo_fill (cr);
  cairo_restore (cr);
}

static void
draw_tiles (TessTilePreview *preview,
            cairo_t *cr,
            const GdkRectangle *place,
            const GdkRGBA *ink)
{
  cairo_set_source_rgba (cr, ink->red, ink->green, ink->blue, 0.15);
  cairo_set_line_width (cr, 1.0);
  for (gint i = 1; i < preview->n_x; i++)
    {
      gdouble x = place->x + place->width * i / preview->n_x + 0.5;

      cairo_move_to (cr, x, place->y);
      cairo_line_to (cr, x, place->y + place->height);
    }
  for (gint i = 1; i < preview->n_y; i++)
    {
      gdouble y = place->y + place->height * i / preview->n_y + 0.5;

      cairo_move_to (cr, place->x, y);
      cairo_line_to (cr, place->x + place->width, y);
    }
  cairo_stroke (cr);
}

static void
draw_hint (TessTilePreview *preview,
           cairo_t *cr,
           const GdkRectangle *place,
           const GdkRGBA *ink)
{
  gint room
      = gtk_widget_get_allocated_width (GTK_WIDGET (preview)) - 4 * MARGIN;
  g_autoptr (PangoLayout) layout
      = gtk_widget_create_pango_layout (GTK_WIDGET (preview), preview->hint);
  gint height;

  pango_layout_set_width (layout, room * PANGO_SCALE);
  pango_layout_set_alignment (layout, PANGO_ALIGN_CENTER);
  pango_layout_get_pixel_size (layout, NULL, &height);
  cairo_set_source_rgba (cr, ink->red, ink->green, ink->blue, 0.7);
  cairo_move_to (cr, 2 * MARGIN, place->y + (place->height - height) / 2);
  pango_cairo_show_layout (cr, layout);
}

static gboolean
tess_tile_preview_draw (GtkWidget *widget, cairo_t *cr)
{
  TessTilePreview *preview = TESS_TILE_PREVIEW (widget);
  GtkStyleContext *style = gtk_widget_get_style_context (widget);
  GdkRectangle place;
  GdkRGBA ink;

  gtk_render_background (style, cr, 0, 0,
                         gtk_widget_get_allocated_width (widget),
                         gtk_widget_get_allocated_height (widget));
  gtk_style_context_get_color (style, gtk_widget_get_state_flags (widget),
                               &ink);
  fit (preview, &place);
  if (preview->picture)
    {
      draw_picture (preview, cr, &place);
      return FALSE;
    }
  cairo_set_source_rgba (cr, ink.red, ink.green, ink.blue, 0.06);
  gdk_cairo_rectangle (cr, &place);
  cairo_fill (cr);
  draw_tiles (preview, cr, &place, &ink);
  cairo_set_source_rgba (cr, ink.red, ink.green, ink.blue, 0.3);
  cairo_rectangle (cr, place.x + 0.5, place.y + 0.5, place.width - 1,
                   place.height - 1);
  cairo_stroke (cr);
  if (preview->hint)
    draw_hint (preview, cr, &place, &ink);
  return FALSE;
}

static void
tess_tile_preview_finalize (GObject *object)
{
  TessTilePreview *preview = TESS_TILE_PREVIEW (object);

  g_clear_object (&preview->picture);
  g_clear_pointer (&preview->hint, g_free);
  G_OBJECT_CLASS (tess_tile_preview_parent_class)->finalize (object);
}

static void
tess_tile_preview_class_init (TessTilePreviewClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = tess_tile_preview_finalize;
  GTK_WIDGET_CLASS (klass)->draw = tess_tile_preview_draw;
}

static void
tess_tile_preview_init (TessTilePreview *preview)
{
  preview->width = preview->height = 1;
  gtk_widget_set_size_request (GTK_WIDGET (preview), MIN_SIDE, MIN_SIDE);
}

GtkWidget *
tess_tile_preview_new (void)
{
  return g_object_new (tess_tile_preview_get_type (), NULL);
}

void
tess_tile_preview_set_size (TessTilePreview *preview, gint width, gint height)
{
  preview->width = MAX (width, 1);
  preview->height = MAX (height, 1);
  gtk_widget_queue_draw (GTK_WIDGET (preview));
}

void
tess_tile_preview_set_tiles (TessTilePreview *preview, gint n_x, gint n_y)
{
  preview->n_x = n_x;
  preview->n_y = n_y;
  gtk_widget_queue_draw (GTK_WIDGET (preview));
}

void
tess_tile_preview_set_picture (TessTilePreview *preview, GdkPixbuf *picture)
{
  g_set_object (&preview->picture, picture);
  gtk_widget_queue_draw (GTK_WIDGET (preview));
}

void
tess_tile_preview_set_hint (TessTilePreview *preview, const gchar *hint)
{
  g_free (preview->hint);
  preview->hint = g_strdup (hint);
  gtk_widget_queue_draw (GTK_WIDGET (preview));
}
