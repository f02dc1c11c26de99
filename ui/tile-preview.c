/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/tile-preview.c: drawing the canvas. */
#include "ui/tile-preview.h"

#define MARGIN 12
#define MIN_SIDE 240
#define MARK_COLOR 1.0, 0.8, 0.1
#define POINT 5.0      /* radius */
#define NAME_WIDTH 160 /* at most */

struct _TessTilePreview
{
  GtkDrawingArea parent;
  gint width, height;
  gint n_x, n_y;
  GdkPixbuf *picture;
  gchar *hint;
  GPtrArray *marks; /* may be NULL */
  gint marks_width, marks_height;
  gboolean wrap_x, wrap_y;
};

static guint signal_picked;

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

/* Dark below light: seen on any picture. */
static void
stroke_twice (cairo_t *cr)
{
  cairo_set_source_rgba (cr, 0.0, 0.0, 0.0, 0.6);
  cairo_set_line_width (cr, 4.0);
  cairo_stroke_preserve (cr);
  cairo_set_source_rgb (cr, MARK_COLOR);
  cairo_set_line_width (cr, 2.0);
  cairo_stroke (cr);
}

void
tess_mark_draw_line (cairo_t *cr,
                     const GArray *line,
                     const gdouble origin[2],
                     gdouble scale,
                     gboolean closed)
{
  const gdouble *p = (const gdouble *) line->data;

  cairo_new_sub_path (cr);
  for (guint i = 0; i + 1 < line->len; i += 2)
    {
      gdouble x = (p[i] - origin[0]) * scale;
      gdouble y = (p[i + 1] - origin[1]) * scale;

      if (line->len == 2)
        cairo_arc (cr, x, y, POINT, 0.0, 2.0 * G_PI);
      else
        cairo_line_to (cr, x, y);
    }
  if (closed && line->len > 2)
    cairo_close_path (cr);
}

/* The name at the top of what it names, inside of the canvas. */
static void
draw_name (TessTilePreview *preview,
           cairo_t *cr,
           const TessMark *mark,
           const GdkRectangle *place,
           gdouble scale)
{
  g_autoptr (PangoLayout) layout
      = gtk_widget_create_pango_layout (GTK_WIDGET (preview), mark->text);
  gdouble x = G_MAXDOUBLE, y = G_MAXDOUBLE;
  gint width, height;

  for (guint i = 0; i < mark->lines->len; i++)
    {
      const GArray *line = mark->lines->pdata[i];

      for (guint k = 0; k + 1 < line->len; k += 2)
        {
          x = MIN (x, g_array_index (line, gdouble, k) * scale);
          y = MIN (y, g_array_index (line, gdouble, k + 1) * scale);
        }
    }
  if (x == G_MAXDOUBLE)
    return;
  pango_layout_set_ellipsize (layout, PANGO_ELLIPSIZE_END);
  pango_layout_set_width (layout, MIN (NAME_WIDTH, place->width) * PANGO_SCALE);
  pango_layout_get_pixel_size (layout, &width, &height);
  x = CLAMP (x + 4, 2, MAX (place->width - width - 2, 2));
  y = CLAMP (y + 2, 2, MAX (place->height - height - 2, 2));
  cairo_set_source_rgba (cr, 0.0, 0.0, 0.0, 0.6);
  cairo_rectangle (cr, x - 2, y - 1, width + 4, height + 2);
  cairo_fill (cr);
  cairo_set_source_rgb (cr, MARK_COLOR);
  cairo_move_to (cr, x, y);
  pango_cairo_show_layout (cr, layout);
}

static void
draw_marks (TessTilePreview *preview, cairo_t *cr, const GdkRectangle *place)
{
  static const gdouble origin[2] = { 0.0, 0.0 };
  gdouble scale = (gdouble) place->width / preview->width;

  if (!preview->marks || preview->marks_width != preview->width
      || preview->marks_height != preview->height)
    return;
  cairo_save (cr);
  gdk_cairo_rectangle (cr, place);
  cairo_clip (cr);
  cairo_translate (cr, place->x, place->y);
  for (guint i = 0; i < preview->marks->len; i++)
    {
      const TessMark *mark = preview->marks->pdata[i];

      for (gint dy = -preview->wrap_y; dy <= preview->wrap_y; dy++)
        for (gint dx = -preview->wrap_x; dx <= preview->wrap_x; dx++)
          {
            cairo_save (cr);
            cairo_translate (cr, dx * place->width, dy * place->height);
            for (guint k = 0; k < mark->lines->len; k++)
              tess_mark_draw_line (cr, mark->lines->pdata[k], origin, scale,
                                   mark->closed);
            cairo_restore (cr);
          }
      stroke_twice (cr);
      draw_name (preview, cr, mark, place, scale);
    }
  cairo_restore (cr);
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
      draw_marks (preview, cr, &place);
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
  if (preview->hint && !(preview->marks && preview->marks->len > 0))
    draw_hint (preview, cr, &place, &ink);
  draw_marks (preview, cr, &place);
  return FALSE;
}

static gboolean
tess_tile_preview_button_press (GtkWidget *widget, GdkEventButton *event)
{
  TessTilePreview *preview = TESS_TILE_PREVIEW (widget);
  GdkRectangle place;
  gdouble x, y;

  if (event->button != GDK_BUTTON_PRIMARY)
    return FALSE;
  fit (preview, &place);
  x = (event->x - place.x) / place.width;
  y = (event->y - place.y) / place.height;
  if (x < 0.0 || x > 1.0 || y < 0.0 || y > 1.0)
    return FALSE;
  g_signal_emit (preview, signal_picked, 0, x, y);
  return TRUE;
}

static void
tess_tile_preview_finalize (GObject *object)
{
  TessTilePreview *preview = TESS_TILE_PREVIEW (object);

  g_clear_object (&preview->picture);
  g_clear_pointer (&preview->hint, g_free);
  g_clear_pointer (&preview->marks, g_ptr_array_unref);
  G_OBJECT_CLASS (tess_tile_preview_parent_class)->finalize (object);
}

static void
tess_tile_preview_class_init (TessTilePreviewClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = tess_tile_preview_finalize;
  GTK_WIDGET_CLASS (klass)->draw = tess_tile_preview_draw;
  GTK_WIDGET_CLASS (klass)->button_press_event = tess_tile_preview_button_press;
  signal_picked = g_signal_new ("picked", G_TYPE_FROM_CLASS (klass),
                                G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                G_TYPE_NONE, 2, G_TYPE_DOUBLE, G_TYPE_DOUBLE);
}

static void
tess_tile_preview_init (TessTilePreview *preview)
{
  preview->width = preview->height = 1;
  gtk_widget_set_size_request (GTK_WIDGET (preview), MIN_SIDE, MIN_SIDE);
  gtk_widget_add_events (GTK_WIDGET (preview), GDK_BUTTON_PRESS_MASK);
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

void
tess_mark_free (gpointer mark)
{
  TessMark *freed = mark;

  g_free (freed->text);
  g_ptr_array_unref (freed->lines);
  g_free (freed);
}

void
tess_tile_preview_set_marks (TessTilePreview *preview,
                             GPtrArray *marks,
                             gint width,
                             gint height,
                             gboolean wrap_x,
                             gboolean wrap_y)
{
  g_clear_pointer (&preview->marks, g_ptr_array_unref);
  preview->marks = marks;
  preview->marks_width = width;
  preview->marks_height = height;
  preview->wrap_x = wrap_x;
  preview->wrap_y = wrap_y;
  gtk_widget_queue_draw (GTK_WIDGET (preview));
}
