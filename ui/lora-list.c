/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/lora-list.c: a row per LoRA: name, weight, a button to take it away; a
 * button that adds several at once. */
#include "ui/lora-list.h"

#include <glib/gi18n-lib.h>
#include "core/request.h"

#define PATH "tessera-path"
#define WEIGHT "tessera-weight"

struct _TessLoraList
{
  GtkBox parent;
  GObject *config;
  GtkWidget *rows;
  gboolean busy; /* the property is being set from here */
};

G_DEFINE_TYPE (TessLoraList, tess_lora_list, GTK_TYPE_BOX)

static void
store (TessLoraList *list)
{
  g_autoptr (GString) lines = g_string_new (NULL);
  g_autoptr (GList) rows
      = gtk_container_get_children (GTK_CONTAINER (list->rows));

  for (GList *row = rows; row; row = row->next)
    {
      GtkWidget *line = gtk_bin_get_child (GTK_BIN (row->data));
      const gchar *path = g_object_get_data (G_OBJECT (line), PATH);
      GtkSpinButton *weight = g_object_get_data (G_OBJECT (line), WEIGHT);
      gchar number[G_ASCII_DTOSTR_BUF_SIZE];

      g_ascii_formatd (number, sizeof number, "%.2f",
                       gtk_spin_button_get_value (weight));
      g_string_append_printf (lines, "%s%s:%s", lines->len ? "\n" : "", path,
                              number);
    }
  list->busy = TRUE;
  g_object_set (list->config, "loras", lines->str, NULL);
  list->busy = FALSE;
}

static void
on_remove_clicked (GtkButton *button, TessLoraList *list)
{
  GtkWidget *row
      = gtk_widget_get_ancestor (GTK_WIDGET (button), GTK_TYPE_LIST_BOX_ROW);

  gtk_widget_destroy (row);
  store (list);
  gtk_widget_set_visible (
      list->rows,
      gtk_list_box_get_row_at_index (GTK_LIST_BOX (list->rows), 0) != NULL);
}

static void
add_row (TessLoraList *list, const gchar *path, gdouble strength)
{
  g_autofree gchar *name = g_path_get_basename (path);
  g_autofree gchar *shown = g_filename_display_name (name);
  GtkWidget *line = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  GtkWidget *label = gtk_label_new (shown);
  GtkWidget *weight = gtk_spin_button_new_with_range (-2.0, 2.0, 0.05);
  GtkWidget *remove = gtk_button_new_from_icon_name ("list-remove-symbolic",
                                                     GTK_ICON_SIZE_BUTTON);

  gtk_label_set_xalign (GTK_LABEL (label), 0.0);
  gtk_label_set_ellipsize (GTK_LABEL (label), PANGO_ELLIPSIZE_MIDDLE);
  gtk_widget_set_tooltip_text (label, path);
  gtk_spin_button_set_value (GTK_SPIN_BUTTON (weight), strength);
  gtk_widget_set_tooltip_text (
      weight, _ ("How much it changes the model: 1 as it was trained, less to "
                 "weaken it, 0 not at all"));
  gtk_widget_set_tooltip_text (remove, _ ("Do without this LoRA"));
  g_object_set_data_full (G_OBJECT (line), PATH, g_strdup (path), g_free);
  g_object_set_data (G_OBJECT (line), WEIGHT, weight);
  gtk_box_pack_start (GTK_BOX (line), label, TRUE, TRUE, 4);
  gtk_box_pack_start (GTK_BOX (line), weight, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (line), remove, FALSE, FALSE, 0);
  gtk_list_box_insert (GTK_LIST_BOX (list->rows), line, -1);
  gtk_widget_show_all (gtk_widget_get_parent (line));
  gtk_widget_show (list->rows);
  g_signal_connect_swapped (weight, "value-changed", G_CALLBACK (store), list);
  g_signal_connect (remove, "clicked", G_CALLBACK (on_remove_clicked), list);
}

static void
destroy_child (GtkWidget *child, gpointer data)
{
  gtk_widget_destroy (child);
}

static void
fill (TessLoraList *list)
{
  g_autofree gchar *text = NULL;
  g_auto (GStrv) lines = NULL;

  if (list->busy)
    return;
  g_object_get (list->config, "loras", &text, NULL);
  lines = g_strsplit (text ? text : "", "\n", -1);
  gtk_container_foreach (GTK_CONTAINER (list->rows), destroy_child, NULL);
  gtk_widget_hide (list->rows);
  for (gchar **line = lines; *line; line++)
    {
      gdouble strength;
      g_autofree gchar *path = tess_request_parse_lora (*line, &strength);

      if (path)
        add_row (list, path, strength);
    }
}

static void
add_filter (GtkFileChooser *chooser)
{
  static const gchar *const patterns[]
      = { "*.safetensors", "*.ckpt", "*.pt", "*.pth", "*.bin" };
  GtkFileFilter *filter = gtk_file_filter_new ();

  gtk_file_filter_set_name (filter, _ ("LoRA files"));
  for (guint i = 0; i < G_N_ELEMENTS (patterns); i++)
    gtk_file_filter_add_pattern (filter, patterns[i]);
  gtk_file_chooser_add_filter (chooser, filter);
}

static void
on_add_clicked (GtkButton *button, TessLoraList *list)
{
  GtkWidget *dialog = gtk_file_chooser_dialog_new (
      _ ("Add LoRAs"), GTK_WINDOW (gtk_widget_get_toplevel (GTK_WIDGET (list))),
      GTK_FILE_CHOOSER_ACTION_OPEN, _ ("_Cancel"), GTK_RESPONSE_CANCEL,
      _ ("_Add"), GTK_RESPONSE_ACCEPT, NULL);
  g_autoptr (GSList) names = NULL;

  gtk_file_chooser_set_select_multiple (GTK_FILE_CHOOSER (dialog), TRUE);
  add_filter (GTK_FILE_CHOOSER (dialog));
  if (gtk_dialog_run (GTK_DIALOG (dialog)) == GTK_RESPONSE_ACCEPT)
    names = gtk_file_chooser_get_filenames (GTK_FILE_CHOOSER (dialog));
  gtk_widget_destroy (dialog);
  for (GSList *name = names; name; name = name->next)
    {
      add_row (list, name->data, 1.0);
      g_free (name->data);
    }
  if (names)
    store (list);
}

static void
tess_lora_list_finalize (GObject *object)
{
  g_clear_object (&((TessLoraList *) object)->config);
  G_OBJECT_CLASS (tess_lora_list_parent_class)->finalize (object);
}

static void
tess_lora_list_class_init (TessLoraListClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = tess_lora_list_finalize;
}

static void
tess_lora_list_init (TessLoraList *list)
{
  gtk_orientable_set_orientation (GTK_ORIENTABLE (list),
                                  GTK_ORIENTATION_VERTICAL);
  gtk_box_set_spacing (GTK_BOX (list), 6);
}

GtkWidget *
tess_lora_list_new (GObject *config)
{
  TessLoraList *list = g_object_new (tess_lora_list_get_type (), NULL);
  GtkWidget *add = gtk_button_new_with_mnemonic (_ ("Add Lo_RAs..."));

  list->config = g_object_ref (config);
  list->rows = gtk_list_box_new ();
  gtk_list_box_set_selection_mode (GTK_LIST_BOX (list->rows),
                                   GTK_SELECTION_NONE);
  gtk_widget_set_no_show_all (list->rows, TRUE);
  gtk_widget_set_halign (add, GTK_ALIGN_START);
  gtk_widget_set_tooltip_text (
      add, _ ("Files that change the model: a style, a thing, a person. "
              "Several work together."));
  gtk_box_pack_start (GTK_BOX (list), list->rows, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (list), add, FALSE, FALSE, 0);
  g_signal_connect (add, "clicked", G_CALLBACK (on_add_clicked), list);
  g_signal_connect_object (config, "notify::loras", G_CALLBACK (fill), list,
                           G_CONNECT_SWAPPED);
  fill (list);
  return GTK_WIDGET (list);
}
