/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/group-chooser.c: layer groups in a combo box. */
#include "ui/group-chooser.h"

#include <stdlib.h>
#include <glib/gi18n-lib.h>

struct _TessGroupChooser
{
  GtkBox parent;
  GimpImage *image;
  GObject *config;
  const gchar *property; /* interned */
  GtkWidget *combo;
};

G_DEFINE_TYPE (TessGroupChooser, tess_group_chooser, GTK_TYPE_BOX)

static guint chosen_signal;

static void
on_changed (GtkComboBox *combo, TessGroupChooser *chooser)
{
  const gchar *id = gtk_combo_box_get_active_id (combo);
  GimpItem *item = id && *id ? gimp_item_get_by_id (atoi (id)) : NULL;
  g_autoptr (GimpLayer) before = NULL;

  g_object_get (chooser->config, chooser->property, &before, NULL);
  if ((GimpItem *) before != item)
    g_object_set (chooser->config, chooser->property, item, NULL);
  g_signal_emit (chooser, chosen_signal, 0);
}

/* Groups at any depth, as "outer / inner". */
static void
add_groups (TessGroupChooser *chooser, GimpItem **items, const gchar *prefix)
{
  for (gint i = 0; items && items[i]; i++)
    if (gimp_item_is_group (items[i]))
      {
        g_autofree GimpItem **children = gimp_item_get_children (items[i]);
        g_autofree gchar *name = gimp_item_get_name (items[i]);
        g_autofree gchar *path = g_strconcat (prefix, name, NULL);
        g_autofree gchar *inner = g_strconcat (path, " / ", NULL);
        g_autofree gchar *id
            = g_strdup_printf ("%d", gimp_item_get_id (items[i]));

        gtk_combo_box_text_append (GTK_COMBO_BOX_TEXT (chooser->combo), id,
                                   path);
        add_groups (chooser, children, inner);
      }
}

void
tess_group_chooser_refresh (TessGroupChooser *chooser)
{
  GtkComboBoxText *combo = GTK_COMBO_BOX_TEXT (chooser->combo);
  g_autofree GimpLayer **layers = NULL;
  g_autoptr (GimpLayer) group = NULL;
  g_autofree gchar *id = NULL;

  if (!gimp_image_is_valid (chooser->image))
    return;
  g_object_get (chooser->config, chooser->property, &group, NULL);
  if (group && gimp_item_is_valid (GIMP_ITEM (group)))
    id = g_strdup_printf ("%d", gimp_item_get_id (GIMP_ITEM (group)));
  layers = gimp_image_get_layers (chooser->image);

  g_signal_handlers_block_by_func (combo, on_changed, chooser);
  gtk_combo_box_text_remove_all (combo);
  gtk_combo_box_text_append (combo, "", _ ("No group"));
  add_groups (chooser, (GimpItem **) layers, "");
  if (!id || !gtk_combo_box_set_active_id (GTK_COMBO_BOX (combo), id))
    gtk_combo_box_set_active (GTK_COMBO_BOX (combo), 0);
  g_signal_handlers_unblock_by_func (combo, on_changed, chooser);
  on_changed (GTK_COMBO_BOX (combo), chooser);
}

GimpItem **
tess_group_chooser_children (TessGroupChooser *chooser)
{
  g_autoptr (GimpLayer) group = NULL;

  g_object_get (chooser->config, chooser->property, &group, NULL);
  if (!group || !gimp_item_is_valid (GIMP_ITEM (group))
      || !gimp_item_is_group (GIMP_ITEM (group)))
    return NULL;
  return gimp_item_get_children (GIMP_ITEM (group));
}

static void
tess_group_chooser_finalize (GObject *object)
{
  g_clear_object (&TESS_GROUP_CHOOSER (object)->config);
  G_OBJECT_CLASS (tess_group_chooser_parent_class)->finalize (object);
}

static void
tess_group_chooser_class_init (TessGroupChooserClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = tess_group_chooser_finalize;
  chosen_signal
      = g_signal_new ("chosen", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0,
                      NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
tess_group_chooser_init (TessGroupChooser *chooser)
{
  gtk_box_set_spacing (GTK_BOX (chooser), 6);
}

GtkWidget *
tess_group_chooser_new (GimpImage *image,
                        GObject *config,
                        const gchar *property,
                        const gchar *tip)
{
  TessGroupChooser *chooser
      = g_object_new (tess_group_chooser_get_type (), NULL);
  GtkWidget *refresh = gtk_button_new_from_icon_name ("view-refresh-symbolic",
                                                      GTK_ICON_SIZE_BUTTON);

  chooser->image = image;
  chooser->config = g_object_ref (config);
  chooser->property = g_intern_string (property);
  chooser->combo = gtk_combo_box_text_new ();
  gtk_widget_set_tooltip_text (chooser->combo, tip);
  gtk_widget_set_tooltip_text (refresh,
                               _ ("Look at the layers again, after changing "
                                  "them in the image"));
  gtk_box_pack_start (GTK_BOX (chooser), chooser->combo, TRUE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (chooser), refresh, FALSE, FALSE, 0);
  g_signal_connect (chooser->combo, "changed", G_CALLBACK (on_changed),
                    chooser);
  g_signal_connect_swapped (refresh, "clicked",
                            G_CALLBACK (tess_group_chooser_refresh), chooser);
  gtk_widget_show_all (GTK_WIDGET (chooser));
  return GTK_WIDGET (chooser);
}
