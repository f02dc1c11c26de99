/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/result-strip.c: thumbnails as radio buttons. */
#include "ui/result-strip.h"

#include <glib/gi18n-lib.h>
#include "ui/pixbufs.h"

#define MAX_RESULTS 12
#define PICTURE_SIDE 1024
#define THUMB_W 112
#define THUMB_H 56

struct _TessResultStrip
{
  GtkBox parent;
  GtkWidget *scrolled;
  GtkWidget *row;
  GPtrArray *results; /* of TessResult */
  GPtrArray *buttons; /* borrowed, as results */
  TessResult *chosen;
  gboolean any_kept;
};

G_DEFINE_TYPE (TessResultStrip, tess_result_strip, GTK_TYPE_BOX)

static guint signal_chosen;

static void
result_free (TessResult *result)
{
  g_clear_object (&result->buffer);
  g_clear_pointer (&result->request, tess_request_free);
  g_clear_object (&result->picture);
  g_clear_pointer (&result->folder, tess_job_folder_remove);
  g_free (result);
}

static void
on_toggled (GtkToggleButton *button, TessResultStrip *strip)
{
  if (!gtk_toggle_button_get_active (button))
    return;
  strip->chosen = g_object_get_data (G_OBJECT (button), "tessera-result");
  g_signal_emit (strip, signal_chosen, 0);
}

static GdkPixbuf *
thumbnail_of (const TessResult *result)
{
  gdouble scale = MIN ((gdouble) THUMB_W / result->area.width,
                       (gdouble) THUMB_H / result->area.height);

  return gdk_pixbuf_scale_simple (
      result->picture, MAX ((gint) (result->area.width * scale), 1),
      MAX ((gint) (result->area.height * scale), 1), GDK_INTERP_BILINEAR);
}

static GtkWidget *
button_new (TessResultStrip *strip, TessResult *result)
{
  g_autoptr (GdkPixbuf) thumbnail = thumbnail_of (result);
  GtkWidget *first = strip->buttons->len > 0 ? strip->buttons->pdata[0] : NULL;
  GtkWidget *button = gtk_radio_button_new_from_widget (
      first ? GTK_RADIO_BUTTON (first) : NULL);
  g_autofree gchar *seed
      = g_strdup_printf ("%" G_GINT64_FORMAT, result->request->seed);
  g_autofree gchar *line = g_strdup_printf (_ ("Seed %s"), seed);
  g_autofree gchar *tip = g_strdup_printf (
      "%s\n%s", line, result->request->prompt ? result->request->prompt : "");

  gtk_toggle_button_set_mode (GTK_TOGGLE_BUTTON (button), FALSE);
  gtk_container_add (GTK_CONTAINER (button),
                     gtk_image_new_from_pixbuf (thumbnail));
  gtk_widget_set_tooltip_text (button, tip);
  g_object_set_data (G_OBJECT (button), "tessera-result", result);
  g_signal_connect (button, "toggled", G_CALLBACK (on_toggled), strip);
  gtk_box_pack_start (GTK_BOX (strip->row), button, FALSE, FALSE, 0);
  gtk_widget_show_all (button);
  return button;
}

void
tess_result_strip_add (TessResultStrip *strip,
                       GeglBuffer *buffer,
                       const TessRequest *request,
                       const GeglRectangle *area,
                       TessJobFolder *folder)
{
  TessResult *result = g_new0 (TessResult, 1);
  GtkWidget *button;
  GtkAdjustment *adjustment;

  result->buffer = g_object_ref (buffer);
  result->request = tess_request_dup (request);
  result->area = *area;
  result->folder = folder;
  result->picture = tess_pixbuf_shrunk (buffer, PICTURE_SIDE);
  button = button_new (strip, result);
  g_ptr_array_add (strip->results, result);
  g_ptr_array_add (strip->buttons, button);
  gtk_widget_set_visible (strip->scrolled, strip->results->len > 1);

  strip->chosen = result;
  gtk_toggle_button_set_active (GTK_TOGGLE_BUTTON (button), TRUE);
  if (strip->results->len > MAX_RESULTS)
    {
      gtk_widget_destroy (strip->buttons->pdata[0]);
      g_ptr_array_remove_index (strip->buttons, 0);
      g_ptr_array_remove_index (strip->results, 0);
    }
  adjustment = gtk_scrolled_window_get_hadjustment (
      GTK_SCROLLED_WINDOW (strip->scrolled));
  gtk_adjustment_set_value (adjustment, gtk_adjustment_get_upper (adjustment));
  g_signal_emit (strip, signal_chosen, 0);
}

void
tess_result_strip_replace (TessResultStrip *strip, GeglBuffer *buffer)
{
  TessResult *result = strip->chosen;
  g_autoptr (GdkPixbuf) thumbnail = NULL;
  guint i;

  if (!result || !g_ptr_array_find (strip->results, result, &i))
    return;
  g_set_object (&result->buffer, buffer);
  g_object_unref (result->picture);
  result->picture = tess_pixbuf_shrunk (buffer, PICTURE_SIDE);
  result->kept = FALSE;
  thumbnail = thumbnail_of (result);
  gtk_image_set_from_pixbuf (
      GTK_IMAGE (gtk_bin_get_child (GTK_BIN (strip->buttons->pdata[i]))),
      thumbnail);
  g_signal_emit (strip, signal_chosen, 0);
}

TessResult *
tess_result_strip_chosen (TessResultStrip *strip)
{
  return strip->chosen;
}

void
tess_result_strip_mark_kept (TessResultStrip *strip)
{
  if (!strip->chosen)
    return;
  strip->chosen->kept = TRUE;
  g_clear_pointer (&strip->chosen->folder, tess_job_folder_remove);
  strip->any_kept = TRUE;
  g_signal_emit (strip, signal_chosen, 0);
}

gboolean
tess_result_strip_any_kept (TessResultStrip *strip)
{
  return strip->any_kept;
}

void
tess_result_strip_leave_jobs (TessResultStrip *strip)
{
  for (guint i = 0; i < strip->results->len; i++)
    {
      TessResult *result = strip->results->pdata[i];

      g_clear_pointer (&result->folder, tess_job_folder_close);
    }
}

static void
tess_result_strip_finalize (GObject *object)
{
  TessResultStrip *strip = TESS_RESULT_STRIP (object);

  g_ptr_array_unref (strip->buttons);
  g_ptr_array_unref (strip->results);
  G_OBJECT_CLASS (tess_result_strip_parent_class)->finalize (object);
}

static void
tess_result_strip_class_init (TessResultStripClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = tess_result_strip_finalize;
  signal_chosen
      = g_signal_new ("chosen", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0,
                      NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
tess_result_strip_init (TessResultStrip *strip)
{
  strip->results
      = g_ptr_array_new_with_free_func ((GDestroyNotify) result_free);
  strip->buttons = g_ptr_array_new ();
  strip->row = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 4);
  strip->scrolled = gtk_scrolled_window_new (NULL, NULL);
  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (strip->scrolled),
                                  GTK_POLICY_AUTOMATIC, GTK_POLICY_NEVER);
  gtk_container_add (GTK_CONTAINER (strip->scrolled), strip->row);
  gtk_box_pack_start (GTK_BOX (strip), strip->scrolled, TRUE, TRUE, 0);
  gtk_widget_show_all (strip->scrolled);
  gtk_widget_set_no_show_all (strip->scrolled, TRUE);
  gtk_widget_hide (strip->scrolled);
}

GtkWidget *
tess_result_strip_new (void)
{
  return g_object_new (tess_result_strip_get_type (), NULL);
}
