/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/studio-window.c: the dialog's widgets, and what they show. */
#include "ui/studio-private.h"

#include <string.h>
#include <glib/gi18n-lib.h>
#include "ui/studio-settings.h"

void
tess_studio_say (Studio *studio, const gchar *text)
{
  gtk_label_set_text (GTK_LABEL (studio->message), text ? text : "");
  gtk_widget_set_visible (studio->message, text != NULL);
}

void
tess_studio_say_error (Studio *studio, const GError *error)
{
  tess_studio_say (studio, error->message);
  if (studio->host.failed)
    studio->host.failed (error, studio->host.data);
}

/* How far it is can be seen in the list of windows too. */
void
tess_studio_show_fraction (Studio *studio, gdouble fraction)
{
  g_autofree gchar *title = g_strdup_printf (
      "%d %% – %s", (gint) (fraction * 100), _ (studio->kind->title));

  gtk_progress_bar_set_fraction (GTK_PROGRESS_BAR (studio->progress),
                                 CLAMP (fraction, 0.0, 1.0));
  gtk_window_set_title (GTK_WINDOW (studio->dialog), title);
}

static GtkWidget *
button_of (Studio *studio, gint response)
{
  return gtk_dialog_get_widget_for_response (GTK_DIALOG (studio->dialog),
                                             response);
}

gboolean
tess_studio_can_resume (void)
{
  g_autofree gchar *path = tess_job_folder_last ();

  return path != NULL;
}

void
tess_studio_update_buttons (Studio *studio)
{
  gboolean painting = tess_worker_is_painting (studio->worker);
  TessResult *chosen
      = tess_result_strip_chosen (TESS_RESULT_STRIP (studio->strip));

  gtk_widget_set_visible (button_of (studio, RESPONSE_GENERATE),
                          !painting && !studio->kind->resumes);
  gtk_widget_set_visible (button_of (studio, RESPONSE_RESUME),
                          !painting && tess_studio_can_resume ());
  gtk_widget_set_visible (button_of (studio, RESPONSE_STOP), painting);
  if (studio->trial)
    gtk_widget_set_visible (button_of (studio, RESPONSE_TRY), !painting);
  gtk_widget_set_sensitive (button_of (studio, RESPONSE_KEEP),
                            chosen && !chosen->kept && !painting);
  gtk_widget_set_opacity (studio->progress, painting ? 1.0 : 0.0);
  if (!painting)
    gtk_window_set_title (GTK_WINDOW (studio->dialog), _ (studio->kind->title));
  gtk_dialog_set_default_response (GTK_DIALOG (studio->dialog),
                                   painting ? RESPONSE_STOP
                                            : RESPONSE_GENERATE);
}

void
tess_studio_update_keep_label (Studio *studio)
{
  g_autofree gchar *output = NULL;
  gboolean layer;

  if (studio->host.image)
    g_object_get (studio->config, "output", &output, NULL);
  layer = output && strcmp (output, "image") != 0;
  gtk_button_set_label (GTK_BUTTON (button_of (studio, RESPONSE_KEEP)),
                        layer ? _ ("_Keep as Layer") : _ ("_Keep as Image"));
}

void
tess_studio_show_unpainted (Studio *studio)
{
  tess_tile_preview_set_picture (
      TESS_TILE_PREVIEW (studio->preview),
      studio->trial ? tess_trial_picture (studio->trial) : NULL);
}

static GtkWidget *
label_new (const gchar *style_class)
{
  GtkWidget *label = gtk_label_new (NULL);

  gtk_label_set_xalign (GTK_LABEL (label), 0.0);
  gtk_label_set_line_wrap (GTK_LABEL (label), TRUE);
  gtk_label_set_selectable (GTK_LABEL (label), TRUE);
  gtk_widget_set_can_focus (label, FALSE);
  gtk_label_set_max_width_chars (GTK_LABEL (label), 60);
  if (style_class)
    gtk_style_context_add_class (gtk_widget_get_style_context (label),
                                 style_class);
  return label;
}

static GtkWidget *
picture_side_new (Studio *studio)
{
  GtkWidget *side = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  GtkWidget *frame = gtk_frame_new (NULL);
  g_autofree gchar *hint = NULL;

  studio->preview = tess_tile_preview_new ();
  if (studio->host.image)
    hint = g_strconcat (
        _ (studio->kind->hint), "\n",
        _ ("The image does not change until you keep a picture."), NULL);
  tess_tile_preview_set_hint (TESS_TILE_PREVIEW (studio->preview),
                              hint ? hint : _ (studio->kind->hint));
  if (studio->kind->extent)
    studio->trial = tess_trial_new (TESS_TILE_PREVIEW (studio->preview));
  gtk_container_add (GTK_CONTAINER (frame),
                     studio->trial ? tess_trial_widget (studio->trial)
                                   : studio->preview);
  studio->strip = tess_result_strip_new ();
  studio->plan = label_new ("dim-label");
  studio->message = label_new (GTK_STYLE_CLASS_ERROR);
  studio->progress = gtk_progress_bar_new ();
  gtk_progress_bar_set_show_text (GTK_PROGRESS_BAR (studio->progress), TRUE);

  gtk_box_pack_start (GTK_BOX (side), frame, TRUE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (side), studio->strip, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (side), studio->message, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (side), studio->plan, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (side), studio->progress, FALSE, FALSE, 0);
  gtk_widget_show_all (side);
  gtk_widget_set_no_show_all (studio->message, TRUE);
  gtk_widget_hide (studio->message);
  return side;
}

/* On the other side, away from those that do something to the picture. */
static void
add_aside (Studio *studio, const gchar *text, gint response, const gchar *tip)
{
  GtkWidget *button
      = gtk_dialog_add_button (GTK_DIALOG (studio->dialog), text, response);
  GtkWidget *box = gtk_widget_get_parent (button);

  gtk_widget_set_tooltip_text (button, tip);
  if (GTK_IS_BUTTON_BOX (box))
    gtk_button_box_set_child_secondary (GTK_BUTTON_BOX (box), button, TRUE);
}

void
tess_studio_build (Studio *studio)
{
  GtkWidget *columns = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);
  GtkWidget *content;

  studio->dialog = gimp_dialog_new (
      _ (studio->kind->title), studio->kind->role, NULL, 0, NULL, NULL,
      _ ("_Close"), GTK_RESPONSE_CLOSE, _ ("_Keep as Layer"), RESPONSE_KEEP,
      _ ("S_top"), RESPONSE_STOP,
      studio->kind->action ? _ (studio->kind->action) : _ ("_Generate"),
      RESPONSE_GENERATE, NULL);
  if (studio->kind->all_around)
    add_aside (studio, _ ("_360 View"), RESPONSE_LOOK,
               _ ("Look around in the picture, also while it is being painted, "
                  "and see whether it closes"));
  if (studio->kind->extent)
    add_aside (studio, _ ("Pa_int the Spot"), RESPONSE_TRY,
               _ ("Paints only the spot that is marked on the picture, to see "
                  "before and after side by side"));
  add_aside (studio, _ ("Resume Last _Job"), RESPONSE_RESUME,
             _ ("Goes on with the picture that was stopped or cut off last, "
                "from its last step: the same picture as if it had never "
                "stopped"));
  gtk_window_set_default_size (GTK_WINDOW (studio->dialog), 1040, 720);
  gimp_window_set_transient (GTK_WINDOW (studio->dialog));

  studio->settings = tess_studio_settings_new (
      studio->config, studio->host.image, studio->kind);
  content = gtk_dialog_get_content_area (GTK_DIALOG (studio->dialog));
  gtk_container_set_border_width (GTK_CONTAINER (columns), 12);
  gtk_box_pack_start (GTK_BOX (columns), studio->settings, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (columns), picture_side_new (studio), TRUE, TRUE,
                      0);
  gtk_box_pack_start (GTK_BOX (content), columns, TRUE, TRUE, 0);
  gtk_widget_show (columns);
}
