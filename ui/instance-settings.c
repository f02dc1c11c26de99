/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/instance-settings.c: the tab with instances: the list, and what holds for
 * all of them. */
#include <glib/gi18n-lib.h>
#include <libgimp/gimpui.h>
#include "ui/instance-list.h"
#include "ui/studio-settings.h"

#define SPACE 6

static void
add_filter (GtkFileChooser *chooser)
{
  static const gchar *const patterns[] = { "*.pth", "*.safetensors", "*.ckpt" };
  GtkFileFilter *filter = gtk_file_filter_new ();

  gtk_file_filter_set_name (filter, _ ("Weights of InstanceDiffusion"));
  for (guint i = 0; i < G_N_ELEMENTS (patterns); i++)
    gtk_file_filter_add_pattern (filter, patterns[i]);
  gtk_file_chooser_add_filter (chooser, filter);
}

static void
on_browse (GtkButton *button, GObject *config)
{
  GtkWidget *dialog = gtk_file_chooser_dialog_new (
      _ ("Weights for Instances"),
      GTK_WINDOW (gtk_widget_get_toplevel (GTK_WIDGET (button))),
      GTK_FILE_CHOOSER_ACTION_OPEN, _ ("_Cancel"), GTK_RESPONSE_CANCEL,
      _ ("_Open"), GTK_RESPONSE_ACCEPT, NULL);

  add_filter (GTK_FILE_CHOOSER (dialog));
  if (gtk_dialog_run (GTK_DIALOG (dialog)) == GTK_RESPONSE_ACCEPT)
    {
      g_autofree gchar *path
          = gtk_file_chooser_get_filename (GTK_FILE_CHOOSER (dialog));

      g_object_set (config, "instance-model", path, NULL);
    }
  gtk_widget_destroy (dialog);
}

static void
add_weights (TessTable *table)
{
  GtkWidget *line = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, SPACE);
  GtkWidget *entry = gimp_prop_entry_new (table->config, "instance-model", -1);
  GtkWidget *browse = gtk_button_new_from_icon_name ("document-open-symbolic",
                                                     GTK_ICON_SIZE_BUTTON);

  gtk_entry_set_placeholder_text (GTK_ENTRY (entry), _ ("The model's own"));
  gtk_entry_set_width_chars (GTK_ENTRY (entry), 12);
  gtk_widget_set_tooltip_text (browse, _ ("Choose a file"));
  g_signal_connect (browse, "clicked", G_CALLBACK (on_browse), table->config);
  gtk_box_pack_start (GTK_BOX (line), entry, TRUE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (line), browse, FALSE, FALSE, 0);
  tess_table_add (
      table, _ ("_Weights"), line, entry,
      _ ("What teaches a model to put things in places: for a Stable "
         "Diffusion 1 model the file instancediffusion_sd15.pth. Empty where "
         "the model has its own."));
}

void
tess_section_instances (TessStudioSettings *settings)
{
  static const TessScale whole = { 0.0, 1.0, 0.05, 2 };
  TessTable table = tess_table_new (settings->config);

  settings->instances
      = tess_instance_list_new (settings->image, settings->config);
  settings->overlay
      = gtk_check_button_new_with_mnemonic (_ ("_Show them on the picture"));
  gtk_toggle_button_set_active (GTK_TOGGLE_BUTTON (settings->overlay), TRUE);
  tess_table_add_wide (&table, settings->overlay,
                       _ ("Their outlines and texts, over the canvas and what "
                          "is painted; they are never part of the picture"));
  tess_table_add_scale (
      &table, _ ("Strength"), "instance-strength", &whole,
      _ ("Part of the steps in which things are put in their places. Lower it "
         "when they look pasted in, raise it when one is missing."));
  tess_table_add_choice (
      &table, _ ("Own prompts"), "instance-prompts",
      _ ("Paints each by its own text wherever it is, which makes it plainer "
         "and takes longer, or leaves that to the prompt of the picture"));
  tess_table_add_scale (
      &table, _ ("Keep apart"), "instance-apart", &whole,
      _ ("Without prompts of their own: part of the steps in which each is "
         "painted by itself. Raise it when things mix with each other; it "
         "takes longer."));
  add_weights (&table);
  gtk_box_pack_start (GTK_BOX (settings->column), settings->instances, FALSE,
                      FALSE, 0);
  gtk_box_pack_start (GTK_BOX (settings->column), GTK_WIDGET (table.grid),
                      FALSE, FALSE, 0);
}
