/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/viewer.c: the window round the view. */
#include "ui/viewer.h"

#include <math.h>
#include <glib/gi18n-lib.h>
#include "ui/seam-meter.h"

#define SPACE 6
#define STRIP 128

struct _TessViewer
{
  GtkWindow parent;
  TessViewerHost host;
  GtkWidget *view;
  GtkWidget *meter;
  GtkWidget *where; /* label */
  GtkWidget *turn;
  GtkWidget *planet;
  GtkWidget *bar;
  gboolean full;
};

G_DEFINE_TYPE (TessViewer, tess_viewer, GTK_TYPE_WINDOW)

/* "5° up" or "5° down": a number without a sign. */
static gchar *
angle_text (gdouble radians, const gchar *positive, const gchar *negative)
{
  gint degrees = (gint) floor (radians * 180.0 / G_PI + 0.5);
  g_autofree gchar *number = g_strdup_printf ("%d°", ABS (degrees));

  return g_strdup_printf (degrees < 0 ? negative : positive, number);
}

static void
on_moved (TessPanoramaView *view, TessViewer *viewer)
{
  const TessCamera *camera = tess_panorama_view_get_camera (view);
  g_autofree gchar *yaw
      = angle_text (camera->yaw, _ ("%s to the right"), _ ("%s to the left"));
  g_autofree gchar *pitch
      = angle_text (camera->pitch, _ ("%s up"), _ ("%s down"));
  g_autofree gchar *fov = angle_text (camera->fov, _ ("%s wide"), "%s");
  g_autofree gchar *text = camera->planet
                               ? g_strjoin (" · ", yaw, fov, NULL)
                               : g_strjoin (" · ", yaw, pitch, fov, NULL);

  gtk_label_set_text (GTK_LABEL (viewer->where), text);
}

static void
on_turn (GtkButton *button, TessViewer *viewer)
{
  viewer->host.turn (viewer->host.data);
}

static void
on_behind (GtkButton *button, TessViewer *viewer)
{
  TessPanoramaView *view = TESS_PANORAMA_VIEW (viewer->view);
  TessCamera camera = *tess_panorama_view_get_camera (view);

  if (camera.planet)
    gtk_toggle_button_set_active (GTK_TOGGLE_BUTTON (viewer->planet), FALSE);
  tess_camera_reset (&camera, FALSE);
  camera.yaw = G_PI;
  tess_panorama_view_set_camera (view, &camera);
}

static void
on_planet (GtkToggleButton *button, TessViewer *viewer)
{
  TessCamera camera;

  tess_camera_reset (&camera, gtk_toggle_button_get_active (button));
  tess_panorama_view_set_camera (TESS_PANORAMA_VIEW (viewer->view), &camera);
}

static void
toggle_full (TessViewer *viewer)
{
  viewer->full = !viewer->full;
  if (viewer->full)
    gtk_window_fullscreen (GTK_WINDOW (viewer));
  else
    gtk_window_unfullscreen (GTK_WINDOW (viewer));
  gtk_widget_set_visible (viewer->bar, !viewer->full);
}

static void
on_full (GtkButton *button, TessViewer *viewer)
{
  toggle_full (viewer);
}

static void
close_viewer (TessViewer *viewer)
{
  if (viewer->host.closed)
    viewer->host.closed (viewer->host.data);
  else
    gtk_widget_hide (GTK_WIDGET (viewer));
}

static void
on_close (GtkButton *button, TessViewer *viewer)
{
  close_viewer (viewer);
}

static gboolean
tess_viewer_delete (GtkWidget *widget, GdkEventAny *event)
{
  close_viewer (TESS_VIEWER (widget));
  return TRUE;
}

static gboolean
tess_viewer_key (GtkWidget *widget, GdkEventKey *event)
{
  TessViewer *viewer = TESS_VIEWER (widget);

  if (event->keyval == GDK_KEY_F11
      || (event->keyval == GDK_KEY_Escape && viewer->full))
    {
      toggle_full (viewer);
      return TRUE;
    }
  if (event->keyval == GDK_KEY_Escape)
    {
      close_viewer (viewer);
      return TRUE;
    }
  return GTK_WIDGET_CLASS (tess_viewer_parent_class)
      ->key_press_event (widget, event);
}

static void
tess_viewer_class_init (TessViewerClass *klass)
{
  GTK_WIDGET_CLASS (klass)->delete_event = tess_viewer_delete;
  GTK_WIDGET_CLASS (klass)->key_press_event = tess_viewer_key;
}

static GtkWidget *
button_new (TessViewer *viewer,
            const gchar *text,
            const gchar *tip,
            GCallback clicked)
{
  GtkWidget *button = gtk_button_new_with_mnemonic (text);

  gtk_widget_set_tooltip_text (button, tip);
  g_signal_connect (button, "clicked", clicked, viewer);
  return button;
}

static GtkWidget *
bar_new (TessViewer *viewer)
{
  GtkWidget *bar = gtk_box_new (GTK_ORIENTATION_VERTICAL, SPACE);
  GtkWidget *buttons = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, SPACE);
  GtkWidget *head = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 2 * SPACE);

  viewer->meter = tess_seam_meter_new ();
  viewer->where = gtk_label_new (NULL);
  gtk_widget_set_valign (viewer->where, GTK_ALIGN_START);
  gtk_style_context_add_class (gtk_widget_get_style_context (viewer->where),
                               "dim-label");
  gtk_widget_set_tooltip_text (
      viewer->where,
      _ ("Drag or use the arrow keys to look around, the wheel or plus and "
         "minus to come closer, Home to look straight ahead."));
  gtk_box_pack_start (GTK_BOX (head), viewer->meter, TRUE, TRUE, 0);
  gtk_box_pack_end (GTK_BOX (head), viewer->where, FALSE, FALSE, 0);

  viewer->planet = gtk_toggle_button_new_with_mnemonic (_ ("_Little Planet"));
  gtk_widget_set_tooltip_text (
      viewer->planet, _ ("All of it at once, seen from above, as a planet"));
  g_signal_connect (viewer->planet, "toggled", G_CALLBACK (on_planet), viewer);
  gtk_box_pack_start (
      GTK_BOX (buttons),
      button_new (viewer, _ ("Look at the _Seam"),
                  _ ("Turns round to where left and right edge meet"),
                  G_CALLBACK (on_behind)),
      FALSE, FALSE, 0);
  viewer->turn = button_new (
      viewer, _ ("_Turn the Seam to the Middle"),
      _ ("Rolls the picture by half its width, so that the place where it "
         "closes can be painted over. Once more turns it back."),
      G_CALLBACK (on_turn));
  gtk_box_pack_start (GTK_BOX (buttons), viewer->turn, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (buttons), viewer->planet, FALSE, FALSE, 0);
  gtk_box_pack_end (
      GTK_BOX (buttons),
      button_new (viewer, _ ("_Close"), NULL, G_CALLBACK (on_close)), FALSE,
      FALSE, 0);
  gtk_box_pack_end (GTK_BOX (buttons),
                    button_new (viewer, _ ("_Full Screen"),
                                _ ("F11; Escape comes back"),
                                G_CALLBACK (on_full)),
                    FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (bar), head, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (bar), buttons, FALSE, FALSE, 0);
  gtk_container_set_border_width (GTK_CONTAINER (bar), 2 * SPACE);
  return bar;
}

static void
tess_viewer_init (TessViewer *viewer)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);

  viewer->view = tess_panorama_view_new ();
  viewer->bar = bar_new (viewer);
  gtk_box_pack_start (GTK_BOX (box), viewer->view, TRUE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (box), viewer->bar, FALSE, FALSE, 0);
  gtk_container_add (GTK_CONTAINER (viewer), box);
  gtk_window_set_title (GTK_WINDOW (viewer), _ ("360 Viewer"));
  gtk_window_set_role (GTK_WINDOW (viewer), "tessera-viewer");
  gtk_window_set_default_size (GTK_WINDOW (viewer), 900, 640);
  g_signal_connect (viewer->view, "moved", G_CALLBACK (on_moved), viewer);
  on_moved (TESS_PANORAMA_VIEW (viewer->view), viewer);
  gtk_widget_show_all (box);
  gtk_widget_grab_focus (viewer->view);
}

GtkWidget *
tess_viewer_new (const TessViewerHost *host)
{
  TessViewer *viewer = g_object_new (tess_viewer_get_type (), "type",
                                     GTK_WINDOW_TOPLEVEL, NULL);

  viewer->host = *host;
  gtk_widget_set_visible (viewer->turn, host->turn != NULL);
  gtk_widget_set_sensitive (viewer->turn, FALSE);
  return GTK_WIDGET (viewer);
}

void
tess_viewer_set_preview (TessViewer *viewer, GdkPixbuf *picture)
{
  tess_panorama_view_set_picture (TESS_PANORAMA_VIEW (viewer->view), picture);
  tess_seam_meter_clear (TESS_SEAM_METER (viewer->meter),
                         _ ("It is being painted; the seam is measured when "
                            "it is done."));
  gtk_widget_set_sensitive (viewer->turn, FALSE);
}

void
tess_viewer_set_none (TessViewer *viewer, const gchar *why)
{
  tess_panorama_view_set_picture (TESS_PANORAMA_VIEW (viewer->view), NULL);
  tess_seam_meter_clear (TESS_SEAM_METER (viewer->meter), why);
  gtk_widget_set_sensitive (viewer->turn, FALSE);
}

static GdkPixbuf *
shrink (GeglBuffer *picture)
{
  const GeglRectangle *extent = gegl_buffer_get_extent (picture);
  gdouble scale = MIN (1.0, (gdouble) TESS_PANORAMA_VIEW_SIDE
                                / MAX (extent->width, extent->height));
  GeglRectangle part = { (gint) (extent->x * scale), (gint) (extent->y * scale),
                         MAX ((gint) (extent->width * scale), 1),
                         MAX ((gint) (extent->height * scale), 1) };
  GdkPixbuf *pixels
      = gdk_pixbuf_new (GDK_COLORSPACE_RGB, FALSE, 8, part.width, part.height);

  if (pixels)
    gegl_buffer_get (picture, &part, scale, babl_format ("R'G'B' u8"),
                     gdk_pixbuf_get_pixels (pixels),
                     gdk_pixbuf_get_rowstride (pixels), GEGL_ABYSS_CLAMP);
  return pixels;
}

void
tess_viewer_set_picture (TessViewer *viewer,
                         GeglBuffer *picture,
                         gint period_px)
{
  g_autoptr (GdkPixbuf) pixels = shrink (picture);

  tess_panorama_view_set_picture (TESS_PANORAMA_VIEW (viewer->view), pixels);
  tess_seam_meter_measure (TESS_SEAM_METER (viewer->meter), picture, period_px);
  gtk_widget_set_sensitive (viewer->turn, TRUE);
}

GeglBuffer *
tess_viewer_turn (GeglBuffer *picture)
{
  const GeglRectangle *extent = gegl_buffer_get_extent (picture);
  gint left = extent->width / 2, right = extent->width - left;
  GeglBuffer *turned
      = gegl_buffer_new (extent, gegl_buffer_get_format (picture));

  for (gint y = 0; y < extent->height; y += STRIP)
    {
      gint rows = MIN (STRIP, extent->height - y);
      GeglRectangle from = { extent->x + left, extent->y + y, right, rows };
      GeglRectangle to = { extent->x, extent->y + y, right, rows };

      gegl_buffer_copy (picture, &from, GEGL_ABYSS_NONE, turned, &to);
      from = (GeglRectangle) { extent->x, extent->y + y, left, rows };
      to = (GeglRectangle) { extent->x + right, extent->y + y, left, rows };
      gegl_buffer_copy (picture, &from, GEGL_ABYSS_NONE, turned, &to);
    }
  return turned;
}
