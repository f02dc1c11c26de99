/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/region-list.c: regions as rows with a thumbnail and their words. */
#include "ui/region-list.h"

#include <glib/gi18n-lib.h>
#include <libgimp/gimpui.h>
#include "ui/group-chooser.h"
#include "ui/object-layers.h"
#include "ui/setting-table.h"

#define THUMBNAIL 40
#define ROW_HEIGHT (THUMBNAIL + 4)
#define LIST_HEIGHT (4 * ROW_HEIGHT)

struct _TessRegionList
{
  GtkBox parent;
  GtkWidget *chooser;
  GtkWidget *rows;
  GtkWidget *scrolled;
  GtkWidget *hint;
};

G_DEFINE_TYPE (TessRegionList, tess_region_list, GTK_TYPE_BOX)

static GtkWidget *
row_new (GimpItem *item)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 8);
  g_autofree gchar *text = tess_object_text (item);
  g_autoptr (GdkPixbuf) thumbnail = gimp_drawable_get_thumbnail (
      GIMP_DRAWABLE (item), THUMBNAIL, THUMBNAIL, GIMP_PIXBUF_SMALL_CHECKS);
  GtkWidget *picture = gtk_image_new_from_pixbuf (thumbnail);
  GtkWidget *label = gtk_label_new (text);

  gtk_widget_set_size_request (picture, THUMBNAIL, THUMBNAIL);
  gtk_label_set_xalign (GTK_LABEL (label), 0.0);
  gtk_label_set_line_wrap (GTK_LABEL (label), TRUE);
  gtk_label_set_max_width_chars (GTK_LABEL (label), 30);
  gtk_widget_set_sensitive (label, gimp_item_get_visible (item));
  gtk_box_pack_start (GTK_BOX (box), picture, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (box), label, TRUE, TRUE, 0);
  gtk_widget_set_margin_start (box, 4);
  gtk_widget_show_all (box);
  return box;
}

static void
destroy_child (GtkWidget *child, gpointer data)
{
  gtk_widget_destroy (child);
}

static void
fill_rows (TessRegionList *list)
{
  g_autofree GimpItem **children
      = tess_group_chooser_children (TESS_GROUP_CHOOSER (list->chooser));
  gint n = 0;

  gtk_container_foreach (GTK_CONTAINER (list->rows), destroy_child, NULL);
  for (; children && children[n]; n++)
    gtk_list_box_insert (GTK_LIST_BOX (list->rows), row_new (children[n]), -1);
  /* The column it is in scrolls, and so gives it no more than its minimum. */
  gtk_scrolled_window_set_min_content_height (
      GTK_SCROLLED_WINDOW (list->scrolled), MIN (n * ROW_HEIGHT, LIST_HEIGHT));
  gtk_widget_set_visible (list->scrolled, n > 0);
  gtk_widget_set_visible (list->hint, n == 0);
}

static void
tess_region_list_class_init (TessRegionListClass *klass)
{
}

static void
tess_region_list_init (TessRegionList *list)
{
  gtk_orientable_set_orientation (GTK_ORIENTABLE (list),
                                  GTK_ORIENTATION_VERTICAL);
  gtk_box_set_spacing (GTK_BOX (list), 6);
}

GtkWidget *
tess_region_list_new (GimpImage *image, GObject *config)
{
  TessRegionList *list = g_object_new (tess_region_list_get_type (), NULL);

  list->chooser = tess_group_chooser_new (
      image, config, "regions",
      _ ("A layer group: each of its layers is an object, its name what is "
         "painted there, its mask or alpha the place. Use it to put things "
         "where you want them."));
  list->rows = gtk_list_box_new ();
  gtk_list_box_set_selection_mode (GTK_LIST_BOX (list->rows),
                                   GTK_SELECTION_NONE);
  list->scrolled = gtk_scrolled_window_new (NULL, NULL);
  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (list->scrolled),
                                  GTK_POLICY_NEVER, GTK_POLICY_AUTOMATIC);
  gtk_scrolled_window_set_shadow_type (GTK_SCROLLED_WINDOW (list->scrolled),
                                       GTK_SHADOW_IN);
  gtk_container_add (GTK_CONTAINER (list->scrolled), list->rows);

  list->hint = tess_note_new (
      _ ("Put layers named after what they show, “a red boat”, into a group "
         "“Tessera objects”, and paint where each belongs."));

  gtk_box_pack_start (GTK_BOX (list), list->chooser, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (list), list->scrolled, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (list), list->hint, FALSE, FALSE, 0);
  gtk_widget_show_all (list->rows);
  gtk_widget_set_no_show_all (list->scrolled, TRUE);
  gtk_widget_set_no_show_all (list->hint, TRUE);

  g_signal_connect_swapped (list->chooser, "chosen", G_CALLBACK (fill_rows),
                            list);
  tess_group_chooser_refresh (TESS_GROUP_CHOOSER (list->chooser));
  return GTK_WIDGET (list);
}
