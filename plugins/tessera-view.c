/* SPDX-License-Identifier: GPL-3.0-or-later
 * plugins/tessera-view.c: plug-in-tessera-view: the 360 viewer on an open
 * image, whatever made it; without a display: what the seam meter says. */
#include <glib/gi18n-lib.h>
#include <libgimp/gimp.h>
#include <libgimp/gimpui.h>
#include "plugins/common.h"
#include "plugins/picture.h"
#include "ui/seam-meter.h"
#include "ui/viewer.h"

#define LOOK_EVERY 700 /* ms between looks whether the image was changed */
#define THUMB_SIDE 1024

typedef struct
{
  GimpImage *image;
  GtkWidget *viewer;
  GMainLoop *loop;
  guint hash;      /* of the image's look */
  gboolean stale;  /* what is shown is a thumbnail */
  gboolean closed; /* the image is gone */
} View;

static guint
hash_of (GdkPixbuf *thumbnail)
{
  g_autoptr (GBytes) bytes = gdk_pixbuf_read_pixel_bytes (thumbnail);

  return g_bytes_hash (bytes);
}

static GdkPixbuf *
thumbnail_of (GimpImage *image)
{
  return gimp_image_get_thumbnail (image, THUMB_SIDE, THUMB_SIDE,
                                   GIMP_PIXBUF_SMALL_CHECKS);
}

static void
show_image (View *view)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GeglBuffer) picture
      = tess_picture_read_visible (view->image, NULL, &error);

  view->stale = FALSE;
  if (picture)
    tess_viewer_set_picture (TESS_VIEWER (view->viewer), picture, 0);
  else
    tess_viewer_set_none (TESS_VIEWER (view->viewer), error->message);
}

/* What is painted in the image shows at once, sharp when the hand rests. */
static gboolean
look (gpointer data)
{
  View *view = data;
  g_autoptr (GdkPixbuf) thumbnail = NULL;
  guint hash;

  if (!gimp_image_is_valid (view->image))
    {
      tess_viewer_set_none (TESS_VIEWER (view->viewer),
                            _ ("The image was closed."));
      view->closed = TRUE;
      return G_SOURCE_REMOVE;
    }
  thumbnail = thumbnail_of (view->image);
  if (!thumbnail)
    return G_SOURCE_CONTINUE;
  hash = hash_of (thumbnail);
  if (hash != view->hash)
    {
      view->hash = hash;
      view->stale = TRUE;
      tess_viewer_set_preview (TESS_VIEWER (view->viewer), thumbnail);
    }
  else if (view->stale)
    show_image (view);
  return G_SOURCE_CONTINUE;
}

static gboolean
turn_drawable (GimpItem *item, gint by)
{
  GeglColor *unused = gegl_color_new ("transparent");
  gboolean ok = gimp_drawable_offset (GIMP_DRAWABLE (item), TRUE,
                                      GIMP_OFFSET_WRAP_AROUND, unused, by, 0);

  g_object_unref (unused);
  return ok;
}

/* A layer of another size than the image first gets the image's. */
static gboolean
turn_layer (GimpImage *image, GimpLayer *layer, gint by)
{
  GimpLayerMask *mask = gimp_layer_get_mask (layer);
  gint width = gimp_image_get_width (image);
  gint height = gimp_image_get_height (image);
  gint x, y;

  gimp_drawable_get_offsets (GIMP_DRAWABLE (layer), &x, &y);
  if ((x != 0 || y != 0
       || gimp_drawable_get_width (GIMP_DRAWABLE (layer)) != width
       || gimp_drawable_get_height (GIMP_DRAWABLE (layer)) != height)
      && !gimp_layer_resize_to_image_size (layer))
    return FALSE;
  return turn_drawable (GIMP_ITEM (layer), by)
         && (!mask || turn_drawable (GIMP_ITEM (mask), by));
}

static gboolean
turn_items (GimpImage *image, GimpItem **items, gint by)
{
  gboolean ok = TRUE;

  for (gint i = 0; ok && items && items[i]; i++)
    if (gimp_item_is_group (items[i]))
      {
        g_autofree GimpItem **children = gimp_item_get_children (items[i]);

        ok = turn_items (image, children, by);
      }
    else
      ok = turn_layer (image, GIMP_LAYER (items[i]), by);
  return ok;
}

/* All layers, in one step to undo. */
static void
turn (gpointer data)
{
  View *view = data;
  g_autofree GimpLayer **layers = NULL;
  gint half;

  if (!gimp_image_is_valid (view->image))
    return;
  half = gimp_image_get_width (view->image) / 2;
  layers = gimp_image_get_layers (view->image);
  gimp_image_undo_group_start (view->image);
  if (!turn_items (view->image, (GimpItem **) layers, half))
    gimp_message (_ ("A layer is locked and was not turned with the others: "
                     "undo, unlock it, then try again."));
  gimp_image_undo_group_end (view->image);
  gimp_displays_flush ();
  view->stale = TRUE;
  look (view);
}

static void
closed (gpointer data)
{
  g_main_loop_quit (((View *) data)->loop);
}

static void
run_viewer (GimpImage *image)
{
  View view = { .image = image };
  const TessViewerHost host = { .turn = turn, .closed = closed, .data = &view };
  g_autoptr (GdkPixbuf) thumbnail = NULL;
  guint source;

  gimp_ui_init ("tessera");
  view.loop = g_main_loop_new (NULL, FALSE);
  view.viewer = tess_viewer_new (&host);
  gimp_window_set_transient (GTK_WINDOW (view.viewer));
  thumbnail = thumbnail_of (image);
  if (thumbnail)
    view.hash = hash_of (thumbnail);
  show_image (&view);
  source = g_timeout_add (LOOK_EVERY, look, &view);
  gtk_widget_show (view.viewer);
  g_main_loop_run (view.loop);
  if (!view.closed)
    g_source_remove (source);
  gtk_widget_destroy (view.viewer);
  g_main_loop_unref (view.loop);
}

static gboolean
fill_values (GimpImage *image, GimpValueArray *values, GError **error)
{
  static const gchar *const words[] = { "none", "faint", "clear" };
  g_autoptr (GeglBuffer) picture
      = tess_picture_read_visible (image, NULL, error);
  g_autofree gchar *headline = NULL;
  TessSeamReport report;

  if (!picture || !tess_seam_report (picture, 0, NULL, &report, error))
    return FALSE;
  headline = tess_seam_report_headline (&report);
  GIMP_VALUES_SET_STRING (values, 1, words[tess_seam_report_verdict (&report)]);
  GIMP_VALUES_SET_DOUBLE (values, 2, report.closing.line);
  GIMP_VALUES_SET_DOUBLE (values, 3, report.closing.tone);
  GIMP_VALUES_SET_DOUBLE (values, 4, report.period);
  GIMP_VALUES_SET_STRING (values, 5, headline);
  return TRUE;
}

static GimpValueArray *
run (GimpProcedure *procedure, GimpProcedureConfig *config, gpointer data)
{
  g_autoptr (GimpImage) image = NULL;
  GimpValueArray *values;
  GError *error = NULL;
  GimpRunMode mode;

  tess_common_start ();
  image = tess_common_read_image (
      config, &mode, _ ("There is no image to look at: open one."), &error);
  if (!image)
    return tess_common_fail (procedure, error);
  if (mode == GIMP_RUN_INTERACTIVE)
    run_viewer (image);
  values = gimp_procedure_new_return_values (procedure, GIMP_PDB_SUCCESS, NULL);
  if (mode == GIMP_RUN_NONINTERACTIVE && !fill_values (image, values, &error))
    {
      gimp_value_array_unref (values);
      return tess_common_fail (procedure, error);
    }
  return values;
}

GimpProcedure *
tess_view_create (GimpPlugIn *plug_in, const gchar *name)
{
  const TessProcedureText text = {
    .menu_label = _ ("360 _Viewer..."),
    .menu_path = "<Image>/Filters/Tessera",
    .blurb = _ ("Look around in a panorama and see whether it closes"),
    .help = _ ("Shows the image as one stands in it, and measures whether a "
               "seam can be found where its left and right edge meet. Without "
               "a dialog the measurement is returned."),
    .sensitive = TESS_SENSITIVE_IMAGE,
  };
  GimpProcedure *procedure
      = tess_common_create (plug_in, name, &text, run, NULL);

  tess_common_declare_image (procedure, _ ("The panorama"));
  gimp_procedure_add_string_return_value (procedure, "seam", _ ("Seam"),
                                          _ ("none, faint or clear"), NULL,
                                          G_PARAM_READWRITE);
  gimp_procedure_add_double_return_value (
      procedure, "line", _ ("Line"),
      _ ("How much the edges differ, over how much columns do elsewhere"), 0.0,
      G_MAXDOUBLE, 0.0, G_PARAM_READWRITE);
  gimp_procedure_add_double_return_value (
      procedure, "tone", _ ("Tone"),
      _ ("The step in tone there, over that elsewhere"), 0.0, G_MAXDOUBLE, 0.0,
      G_PARAM_READWRITE);
  gimp_procedure_add_double_return_value (
      procedure, "tiles", _ ("Tiles"),
      _ ("Energy at the distance of tiles over that beside it"), 0.0,
      G_MAXDOUBLE, 0.0, G_PARAM_READWRITE);
  gimp_procedure_add_string_return_value (procedure, "report", _ ("Report"),
                                          _ ("The same in words"), NULL,
                                          G_PARAM_READWRITE);
  return procedure;
}
