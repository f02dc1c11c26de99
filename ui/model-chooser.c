/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/model-chooser.c: a combo box of models and a button for folders. */
#include "ui/model-chooser.h"

#include <string.h>
#include <glib/gi18n-lib.h>
#include <libgimp/gimpui.h>
#include "ui/models.h"
#include "ui/settings.h"

struct _TessModelChooser
{
  GtkBox parent;
  GObject *config;
  gchar *property;
  const TessModelKind *kind;
  GtkWidget *combo;
};

G_DEFINE_TYPE (TessModelChooser, tess_model_chooser, GTK_TYPE_BOX)

static void
on_changed (GtkComboBox *combo, TessModelChooser *chooser)
{
  const gchar *id = gtk_combo_box_get_active_id (combo);

  if (id)
    g_object_set (chooser->config, chooser->property, id, NULL);
}

static gboolean
name_is_taken (GPtrArray *models, guint i)
{
  const TessModelEntry *entry = models->pdata[i];

  for (guint j = 0; j < i; j++)
    if (g_str_equal (((TessModelEntry *) models->pdata[j])->name, entry->name))
      return TRUE;
  return FALSE;
}

static GPtrArray *
list_all (GObject *config)
{
  return tess_models_list ();
}

static gchar *
resolve_any (GObject *config, const gchar *name)
{
  return tess_models_resolve (name, NULL);
}

void
tess_model_chooser_fill (TessModelChooser *chooser)
{
  GtkComboBoxText *combo = GTK_COMBO_BOX_TEXT (chooser->combo);
  g_autoptr (GPtrArray) models = chooser->kind->list (chooser->config);
  g_autofree gchar *wanted = NULL;
  g_autofree gchar *path = NULL;
  gint active = -1;

  g_object_get (chooser->config, chooser->property, &wanted, NULL);
  path = chooser->kind->resolve (chooser->config, wanted);
  if (!path)
    path = chooser->kind->resolve (chooser->config, NULL);

  g_signal_handlers_block_by_func (combo, on_changed, chooser);
  gtk_combo_box_text_remove_all (combo);
  for (guint i = 0; i < models->len; i++)
    {
      const TessModelEntry *entry = models->pdata[i];
      gboolean taken = name_is_taken (models, i);
      g_autofree gchar *label
          = taken ? g_strdup_printf ("%s (%s)", entry->name, entry->path)
                  : g_strdup (entry->name);

      gtk_combo_box_text_append (combo, taken ? entry->path : entry->name,
                                 label);
      if (g_strcmp0 (path, entry->path) == 0)
        active = (gint) i;
    }
  if (path && active < 0)
    {
      gtk_combo_box_text_append (combo, path, path);
      active = (gint) models->len;
    }
  if (!path)
    {
      gtk_combo_box_text_append (combo, NULL, _ (chooser->kind->none));
      active = 0;
    }
  g_signal_handlers_unblock_by_func (combo, on_changed, chooser);
  gtk_combo_box_set_active (GTK_COMBO_BOX (combo), active);
}

static void
show_error (TessModelChooser *chooser, const gchar *message)
{
  GtkWidget *dialog = gtk_message_dialog_new (
      GTK_WINDOW (gtk_widget_get_toplevel (GTK_WIDGET (chooser))),
      GTK_DIALOG_MODAL, GTK_MESSAGE_ERROR, GTK_BUTTONS_CLOSE, "%s", message);

  gtk_dialog_run (GTK_DIALOG (dialog));
  gtk_widget_destroy (dialog);
}

static void
add_folder (TessModelChooser *chooser, const gchar *folder)
{
  g_autoptr (GPtrArray) before = tess_models_list ();
  g_autoptr (GPtrArray) after = NULL;
  g_autoptr (GError) error = NULL;

  if (!tess_settings_add_folder (folder, &error))
    {
      show_error (chooser, error->message);
      return;
    }
  after = tess_models_list ();
  if (after->len <= before->len)
    {
      g_autofree gchar *message = g_strdup_printf (
          _ ("No model was found in %s. A model is a folder with a "
             "model_index.json, or a file that ends in .safetensors, .ckpt or "
             ".pth."),
          folder);

      tess_settings_remove_folder (folder, NULL);
      show_error (chooser, message);
      return;
    }
  tess_model_chooser_fill (chooser);
}

static void
on_add_clicked (GtkButton *button, TessModelChooser *chooser)
{
  GtkWidget *dialog = gtk_file_chooser_dialog_new (
      _ ("Add a Folder With Models"),
      GTK_WINDOW (gtk_widget_get_toplevel (GTK_WIDGET (chooser))),
      GTK_FILE_CHOOSER_ACTION_SELECT_FOLDER, _ ("_Cancel"), GTK_RESPONSE_CANCEL,
      _ ("_Add"), GTK_RESPONSE_ACCEPT, NULL);

  /* Not among the files used last: no folder is there. */
  gtk_file_chooser_set_current_folder (GTK_FILE_CHOOSER (dialog),
                                       g_get_home_dir ());
  if (gtk_dialog_run (GTK_DIALOG (dialog)) == GTK_RESPONSE_ACCEPT)
    {
      g_autofree gchar *folder
          = gtk_file_chooser_get_filename (GTK_FILE_CHOOSER (dialog));

      gtk_widget_destroy (dialog);
      if (folder)
        add_folder (chooser, folder);
      return;
    }
  gtk_widget_destroy (dialog);
}

static void
tess_model_chooser_finalize (GObject *object)
{
  TessModelChooser *chooser = TESS_MODEL_CHOOSER (object);

  g_clear_object (&chooser->config);
  g_clear_pointer (&chooser->property, g_free);
  G_OBJECT_CLASS (tess_model_chooser_parent_class)->finalize (object);
}

static void
tess_model_chooser_class_init (TessModelChooserClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = tess_model_chooser_finalize;
}

static void
tess_model_chooser_init (TessModelChooser *chooser)
{
  gtk_box_set_spacing (GTK_BOX (chooser), 6);
}

GtkWidget *
tess_model_chooser_new (GObject *config, const gchar *property)
{
  static const TessModelKind kind = {
    .list = list_all,
    .resolve = resolve_any,
    .tip = N_ ("What paints. Horizon comes with Tessera and knows landscapes; "
               "any Stable Diffusion 1 or 2 model paints more."),
    .none = N_ ("No model found yet"),
  };

  return tess_model_chooser_new_of (config, property, &kind);
}

GtkWidget *
tess_model_chooser_new_of (GObject *config,
                           const gchar *property,
                           const TessModelKind *kind)
{
  TessModelChooser *chooser
      = g_object_new (tess_model_chooser_get_type (), NULL);
  g_autofree gchar *folder = tess_models_user_folder ();
  g_autofree gchar *tip = g_strdup_printf (
      _ ("Add a folder where you keep models; it is remembered. Without it "
         "models are looked for in %s, and where ComfyUI and A1111 keep "
         "theirs."),
      folder);
  GtkWidget *button = gtk_button_new_from_icon_name ("folder-new-symbolic",
                                                     GTK_ICON_SIZE_BUTTON);

  chooser->config = g_object_ref (config);
  chooser->property = g_strdup (property);
  chooser->kind = kind;
  chooser->combo = gtk_combo_box_text_new ();
  gtk_widget_set_tooltip_text (chooser->combo, _ (kind->tip));
  gtk_widget_set_tooltip_text (button, tip);
  gtk_box_pack_start (GTK_BOX (chooser), chooser->combo, TRUE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (chooser), button, FALSE, FALSE, 0);
  gtk_widget_show_all (GTK_WIDGET (chooser));

  g_signal_connect (chooser->combo, "changed", G_CALLBACK (on_changed),
                    chooser);
  g_signal_connect (button, "clicked", G_CALLBACK (on_add_clicked), chooser);
  tess_model_chooser_fill (chooser);
  return GTK_WIDGET (chooser);
}

GtkWidget *
tess_model_chooser_combo (TessModelChooser *chooser)
{
  return chooser->combo;
}
