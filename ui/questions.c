/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/questions.c: dialogs with a few buttons. */
#include "ui/questions.h"

#include <glib/gi18n-lib.h>
#include "core/model.h"
#include "core/told.h"

gboolean
tess_ask_prediction (GtkWindow *parent, const gchar *path)
{
  g_autofree gchar *name = g_path_get_basename (path);
  GtkWidget *question = gtk_message_dialog_new (
      parent, GTK_DIALOG_MODAL, GTK_MESSAGE_QUESTION, GTK_BUTTONS_NONE,
      _ ("What does “%s” predict?"), name);
  gint answer;

  gtk_message_dialog_format_secondary_text (
      GTK_MESSAGE_DIALOG (question), "%s",
      _ ("The file does not say it; the page that it came from does. Models of "
         "768 pixels predict velocity (v), those of 512 pixels (base) noise "
         "(eps). Where the picture turns to brown mud it was the other one. "
         "The answer is remembered for this file."));
  gtk_window_set_title (GTK_WINDOW (question), _ ("Noise or Velocity"));
  gtk_dialog_add_buttons (GTK_DIALOG (question), _ ("_Back"),
                          GTK_RESPONSE_CANCEL, _ ("_Noise, 512 pixels"),
                          1 + TESS_PREDICTION_EPS, _ ("_Velocity, 768 pixels"),
                          1 + TESS_PREDICTION_V, NULL);
  answer = gtk_dialog_run (GTK_DIALOG (question));
  gtk_widget_destroy (question);
  if (answer <= 0)
    return FALSE;
  tess_tell_prediction (path, answer);
  return TRUE;
}

gint
tess_ask_keep (GtkWindow *parent)
{
  GtkWidget *question = gtk_message_dialog_new (
      parent, GTK_DIALOG_MODAL, GTK_MESSAGE_QUESTION, GTK_BUTTONS_NONE, "%s",
      _ ("Close without keeping a picture?"));
  gint answer;

  gtk_dialog_add_buttons (GTK_DIALOG (question), _ ("_Back"),
                          GTK_RESPONSE_CANCEL, _ ("_Close Without Keeping"),
                          GTK_RESPONSE_NO, _ ("_Keep and Close"),
                          GTK_RESPONSE_YES, NULL);
  gtk_dialog_set_default_response (GTK_DIALOG (question), GTK_RESPONSE_YES);
  answer = gtk_dialog_run (GTK_DIALOG (question));
  gtk_widget_destroy (question);
  return answer;
}
