/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/split-view.c: before on the left of a line, after on its right. */
#include "ui/split-view.h"

#include <math.h>
#include <glib/gi18n-lib.h>

#define MARGIN 12
#define MIN_SIDE 240
#define STEP 0.05  /* of the width, an arrow key */
#define HANDLE 9.0 /* radius of what is drawn on the line */
#define SQUARE 8   /* of the pattern behind what lets through */
#define LABEL_GAP 6

struct _TessSplitView
{
  GtkDrawingArea parent;
  GdkPixbuf *before, *after;
  gchar *hint;
  gdouble line; /* 0..1 */
};

G_DEFINE_TYPE (TessSplitView, tess_split_view, GTK_TYPE_DRAWING_AREA)

/* Where the picture is: a whole number of times as large if it can be. */
static void
fit (TessSplitView *view, GdkRectangle *place)
{
  gint room_w = MAX (
      gtk_widget_get_allocated_width (GTK_WIDGET (view)) - 2 * MARGIN, 1);
  gint room_h = MAX (
      gtk_widget_get_allocated_height (GTK_WIDGET (view)) - 2 * MARGIN, 1);
  gint width = gdk_pixbuf_get_width (view->before);
  gint height = gdk_pixbuf_get_height (view->before);
  gdouble scale = MIN ((gdouble) room_w / width, (gdouble) room_h / height);

  if (scale > 1.0)
    scale = floor (scale);
  place->width = MAX ((gint) (width * scale), 1);
  place->height = MAX ((gint) (height * scale), 1);
  place->x = MARGIN + (room_w - place->width) / 2;
  place->y = MARGIN + (room_h - place->height) / 2;
}

/* Two greys in turn, as GIMP shows what lets through. */
static void
draw_checks (cairo_t *cr, const GdkRectangle *place)
{
  cairo_set_source_rgb (cr, 0.6, 0.6, 0.6);
  cairo_paint (cr);
  cairo_set_source_rgb (cr, 0.4, 0.4, 0.4);
  for (gint y = 0; y < place->height; y += SQUARE)
    for (gint x = y / SQUARE % 2 * SQUARE; x < place->width; x += 2 * SQUARE)
      cairo_rectangle (cr, place->x + x, place->y + y, SQUARE, SQUARE);
  cairo_fill (cr);
}

/* The part of @picture between two columns of the widget. */
static void
draw_part (cairo_t *cr,
           GdkPixbuf *picture,
           const GdkRectangle *place,
           gdouble from,
           gdouble to)
{
  cairo_save (cr);
  cairo_rectangle (cr, from, place->y, to - from, place->height);
  cairo_clip (cr);
  if (gdk_pixbuf_get_has_alpha (picture))
    draw_checks (cr, place);
  cairo_translate (cr, place->x, place->y);
  cairo_scale (cr, (gdouble) place->width / gdk_pixbuf_get_width (picture),
               (gdouble) place->height / gdk_pixbuf_get_height (picture));
  gdk_cairo_set_source_pixbuf (cr, picture, 0, 0);
  cairo_pattern_set_filter (cairo_get_source (cr), CAIRO_FILTER_BILINEAR);
  cairo_pattern_set_extend (cairo_get_source (cr), CAIRO_EXTEND_PAD);
  cairo_paint (cr);
  cairo_restore (cr);
}

static void
draw_line (cairo_t *cr, const GdkRectangle *place, gdouble x)
{
  static const gdouble widths[] = { 4.0, 2.0 };

  for (gint i = 0; i < 2; i++)
    {
      cairo_set_source_rgba (cr, i, i, i, i ? 1.0 : 0.6);
      cairo_set_line_width (cr, widths[i]);
      cairo_move_to (cr, x, place->y);
      cairo_line_to (cr, x, place->y + place->height);
      cairo_stroke (cr);
      cairo_arc (cr, x, place->y + place->height / 2.0, HANDLE - i, 0.0,
                 2.0 * G_PI);
      cairo_fill (cr);
    }
}

/* In a corner at the top; @right: its end is there. */
static void
draw_label (TessSplitView *view,
            cairo_t *cr,
            const GdkRectangle *place,
            const gchar *text,
            gboolean right)
{
  g_autoptr (PangoLayout) layout
      = gtk_widget_create_pango_layout (GTK_WIDGET (view), text);
  gint width, height, x, y = place->y + LABEL_GAP;

  pango_layout_get_pixel_size (layout, &width, &height);
  x = right ? place->x + place->width - width - 2 * LABEL_GAP
            : place->x + 2 * LABEL_GAP;
  cairo_set_source_rgba (cr, 0.0, 0.0, 0.0, 0.6);
  cairo_rectangle (cr, x - LABEL_GAP, y - 1, width + 2 * LABEL_GAP, height + 2);
  cairo_fill (cr);
  cairo_set_source_rgb (cr, 1.0, 1.0, 1.0);
  cairo_move_to (cr, x, y);
  pango_cairo_show_layout (cr, layout);
}

static void
draw_hint (TessSplitView *view, cairo_t *cr)
{
  GtkWidget *widget = GTK_WIDGET (view);
  gint width = gtk_widget_get_allocated_width (widget), height;
  g_autoptr (PangoLayout) layout
      = gtk_widget_create_pango_layout (widget, view->hint);
  GdkRGBA ink;

  gtk_style_context_get_color (gtk_widget_get_style_context (widget),
                               gtk_widget_get_state_flags (widget), &ink);
  pango_layout_set_width (layout, (width - 4 * MARGIN) * PANGO_SCALE);
  pango_layout_set_alignment (layout, PANGO_ALIGN_CENTER);
  pango_layout_get_pixel_size (layout, NULL, &height);
  cairo_set_source_rgba (cr, ink.red, ink.green, ink.blue, 0.7);
  cairo_move_to (cr, 2 * MARGIN,
                 (gtk_widget_get_allocated_height (widget) - height) / 2.0);
  pango_cairo_show_layout (cr, layout);
}

static gboolean
tess_split_view_draw (GtkWidget *widget, cairo_t *cr)
{
  TessSplitView *view = TESS_SPLIT_VIEW (widget);
  GdkRectangle place;
  gdouble x;

  gtk_render_background (gtk_widget_get_style_context (widget), cr, 0, 0,
                         gtk_widget_get_allocated_width (widget),
                         gtk_widget_get_allocated_height (widget));
  if (!view->before)
    {
      draw_hint (view, cr);
      return FALSE;
    }
  fit (view, &place);
  x = view->after ? place.x + view->line * place.width : place.x + place.width;
  draw_part (cr, view->before, &place, place.x, x);
  if (view->after)
    {
      draw_part (cr, view->after, &place, x, place.x + place.width);
      draw_label (view, cr, &place, _ ("After"), TRUE);
      draw_line (cr, &place, x);
    }
  draw_label (view, cr, &place, _ ("Before"), FALSE);
  if (gtk_widget_has_visible_focus (widget))
    gtk_render_focus (gtk_widget_get_style_context (widget), cr, place.x - 3,
                      place.y - 3, place.width + 6, place.height + 6);
  return FALSE;
}

static void
set_line (TessSplitView *view, gdouble line)
{
  view->line = CLAMP (line, 0.0, 1.0);
  gtk_widget_queue_draw (GTK_WIDGET (view));
}

static void
line_to (TessSplitView *view, gdouble x)
{
  GdkRectangle place;

  if (!view->after)
    return;
  fit (view, &place);
  set_line (view, (x - place.x) / place.width);
}

static gboolean
tess_split_view_button_press (GtkWidget *widget, GdkEventButton *event)
{
  gtk_widget_grab_focus (widget);
  if (event->button != GDK_BUTTON_PRIMARY)
    return FALSE;
  line_to (TESS_SPLIT_VIEW (widget), event->x);
  return TRUE;
}

static gboolean
tess_split_view_motion (GtkWidget *widget, GdkEventMotion *event)
{
  if (event->state & GDK_BUTTON1_MASK)
    line_to (TESS_SPLIT_VIEW (widget), event->x);
  return TRUE;
}

static gboolean
tess_split_view_key_press (GtkWidget *widget, GdkEventKey *event)
{
  TessSplitView *view = TESS_SPLIT_VIEW (widget);

  switch (event->keyval)
    {
    case GDK_KEY_Left:
      set_line (view, view->line - STEP);
      return TRUE;
    case GDK_KEY_Right:
      set_line (view, view->line + STEP);
      return TRUE;
    case GDK_KEY_Home:
      set_line (view, 0.0);
      return TRUE;
    case GDK_KEY_End:
      set_line (view, 1.0);
      return TRUE;
    default:
      return GTK_WIDGET_CLASS (tess_split_view_parent_class)
          ->key_press_event (widget, event);
    }
}

static void
tess_split_view_finalize (GObject *object)
{
  TessSplitView *view = TESS_SPLIT_VIEW (object);

  g_clear_object (&view->before);
  g_clear_object (&view->after);
  g_clear_pointer (&view->hint, g_free);
  G_OBJECT_CLASS (tess_split_view_parent_class)->finalize (object);
}

static void
tess_split_view_class_init (TessSplitViewClass *klass)
{
  GtkWidgetClass *widget = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = tess_split_view_finalize;
  widget->draw = tess_split_view_draw;
  widget->button_press_event = tess_split_view_button_press;
  widget->motion_notify_event = tess_split_view_motion;
  widget->key_press_event = tess_split_view_key_press;
}

static void
tess_split_view_init (TessSplitView *view)
{
  view->line = 0.5;
  gtk_widget_set_size_request (GTK_WIDGET (view), MIN_SIDE, MIN_SIDE);
  gtk_widget_set_can_focus (GTK_WIDGET (view), TRUE);
  gtk_widget_add_events (GTK_WIDGET (view),
                         GDK_BUTTON_PRESS_MASK | GDK_BUTTON1_MOTION_MASK);
}

GtkWidget *
tess_split_view_new (const gchar *hint)
{
  TessSplitView *view = g_object_new (tess_split_view_get_type (), NULL);

  view->hint = g_strdup (hint);
  gtk_widget_set_tooltip_text (
      GTK_WIDGET (view),
      _ ("Drag the line to compare; arrow keys move it too."));
  return GTK_WIDGET (view);
}

void
tess_split_view_set (TessSplitView *view, GdkPixbuf *before, GdkPixbuf *after)
{
  g_set_object (&view->before, before);
  g_set_object (&view->after, after);
  gtk_widget_queue_draw (GTK_WIDGET (view));
}
