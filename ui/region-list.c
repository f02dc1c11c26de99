/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/region-list.c: regions as rows with a thumbnail and their words. */
#include "ui/region-list.h"

#include <string.h>
#include <glib/gi18n-lib.h>
#include <libgimp/gimpui.h>

#define GROUP_NAME "Tessera objects"
#define OBJECT_PARASITE "tessera-object"
#define THUMBNAIL 40
#define ROW_HEIGHT (THUMBNAIL + 4)
#define LIST_HEIGHT (4 * ROW_HEIGHT)

/* " #12" and " copy" at the end are GIMP's, not the artist's. */
static gboolean
strip_suffix (gchar *name)
{
  gsize length = strlen (name);
  gchar *hash = strrchr (name, '#');

  if (g_str_has_suffix (name, " copy") && length > 5)
    {
      name[length - 5] = '\0';
      return TRUE;
    }
  if (hash && hash > name + 1 && hash[-1] == ' ' && hash[1]
      && strspn (hash + 1, "0123456789") == strlen (hash + 1))
    {
      hash[-1] = '\0';
      return TRUE;
    }
  return FALSE;
}

gchar *
tess_region_text (GimpItem *item)
{
  GimpParasite *parasite = gimp_item_get_parasite (item, OBJECT_PARASITE);
  gchar *text;

  if (parasite)
    {
      guint32 size;
      gconstpointer data = gimp_parasite_get_data (parasite, &size);

      text = g_strndup (data, size);
      gimp_parasite_free (parasite);
      if (*text && g_utf8_validate (text, -1, NULL))
        return text;
      g_free (text);
    }
  text = gimp_item_get_name (item);
  while (strip_suffix (text))
    ;
  return text;
}

GimpItem *
tess_regions_find (GimpImage *image)
{
  g_autofree GimpLayer **layers = gimp_image_get_layers (image);

  for (gint i = 0; layers && layers[i]; i++)
    {
      g_autofree gchar *name = gimp_item_get_name (GIMP_ITEM (layers[i]));

      if (gimp_item_is_group (GIMP_ITEM (layers[i]))
          && g_ascii_strcasecmp (name, GROUP_NAME) == 0)
        return GIMP_ITEM (layers[i]);
    }
  return NULL;
}

struct _TessRegionList
{
  GtkBox parent;
  GimpImage *image;
  GObject *config;
  GtkWidget *combo;
  GtkWidget *rows;
  GtkWidget *scrolled;
  GtkWidget *hint;
};

G_DEFINE_TYPE (TessRegionList, tess_region_list, GTK_TYPE_BOX)

static GtkWidget *
row_new (GimpItem *item)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 8);
  g_autofree gchar *text = tess_region_text (item);
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
  g_autoptr (GimpLayer) group = NULL;
  g_autofree GimpItem **children = NULL;
  gint n = 0;

  gtk_container_foreach (GTK_CONTAINER (list->rows), destroy_child, NULL);
  g_object_get (list->config, "regions", &group, NULL);
  if (group && gimp_item_is_valid (GIMP_ITEM (group))
      && gimp_item_is_group (GIMP_ITEM (group)))
    children = gimp_item_get_children (GIMP_ITEM (group));
  for (; children && children[n]; n++)
    gtk_list_box_insert (GTK_LIST_BOX (list->rows), row_new (children[n]), -1);
  /* The column it is in scrolls, and so gives it no more than its minimum. */
  gtk_scrolled_window_set_min_content_height (
      GTK_SCROLLED_WINDOW (list->scrolled), MIN (n * ROW_HEIGHT, LIST_HEIGHT));
  gtk_widget_set_visible (list->scrolled, n > 0);
  gtk_widget_set_visible (list->hint, n == 0);
}

static void
on_group_changed (GtkComboBox *combo, TessRegionList *list)
{
  const gchar *id = gtk_combo_box_get_active_id (combo);
  GimpItem *item = id && *id ? gimp_item_get_by_id (atoi (id)) : NULL;

  g_object_set (list->config, "regions", item, NULL);
  fill_rows (list);
}

/* Groups at any depth, as "outer / inner". */
static void
add_groups (TessRegionList *list, GimpItem **items, const gchar *prefix)
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

        gtk_combo_box_text_append (GTK_COMBO_BOX_TEXT (list->combo), id, path);
        add_groups (list, children, inner);
      }
}

void
tess_region_list_refresh (TessRegionList *list)
{
  g_autofree GimpLayer **layers = NULL;
  g_autoptr (GimpLayer) group = NULL;
  g_autofree gchar *id = NULL;

  if (!gimp_image_is_valid (list->image))
    return;
  g_object_get (list->config, "regions", &group, NULL);
  if (group && gimp_item_is_valid (GIMP_ITEM (group)))
    id = g_strdup_printf ("%d", gimp_item_get_id (GIMP_ITEM (group)));
  layers = gimp_image_get_layers (list->image);

  g_signal_handlers_block_by_func (list->combo, on_group_changed, list);
  gtk_combo_box_text_remove_all (GTK_COMBO_BOX_TEXT (list->combo));
  gtk_combo_box_text_append (GTK_COMBO_BOX_TEXT (list->combo), "",
                             _ ("No group"));
  add_groups (list, (GimpItem **) layers, "");
  if (!id || !gtk_combo_box_set_active_id (GTK_COMBO_BOX (list->combo), id))
    gtk_combo_box_set_active (GTK_COMBO_BOX (list->combo), 0);
  g_signal_handlers_unblock_by_func (list->combo, on_group_changed, list);
  on_group_changed (GTK_COMBO_BOX (list->combo), list);
}

static void
tess_region_list_finalize (GObject *object)
{
  TessRegionList *list = (TessRegionList *) object;

  g_clear_object (&list->config);
  G_OBJECT_CLASS (tess_region_list_parent_class)->finalize (object);
}

static void
tess_region_list_class_init (TessRegionListClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = tess_region_list_finalize;
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
  GtkWidget *line = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  GtkWidget *refresh = gtk_button_new_from_icon_name ("view-refresh-symbolic",
                                                      GTK_ICON_SIZE_BUTTON);

  list->image = image;
  list->config = g_object_ref (config);
  list->combo = gtk_combo_box_text_new ();
  gtk_widget_set_tooltip_text (list->combo,
                               _ ("A layer group: each of its layers is an "
                                  "object, its name what is painted there, its "
                                  "mask or alpha the place. Use it to put "
                                  "things where you want them."));
  gtk_widget_set_tooltip_text (refresh,
                               _ ("Look at the layers again, after changing "
                                  "them in the image"));
  gtk_box_pack_start (GTK_BOX (line), list->combo, TRUE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (line), refresh, FALSE, FALSE, 0);

  list->rows = gtk_list_box_new ();
  gtk_list_box_set_selection_mode (GTK_LIST_BOX (list->rows),
                                   GTK_SELECTION_NONE);
  list->scrolled = gtk_scrolled_window_new (NULL, NULL);
  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (list->scrolled),
                                  GTK_POLICY_NEVER, GTK_POLICY_AUTOMATIC);
  gtk_scrolled_window_set_shadow_type (GTK_SCROLLED_WINDOW (list->scrolled),
                                       GTK_SHADOW_IN);
  gtk_container_add (GTK_CONTAINER (list->scrolled), list->rows);

  list->hint = gtk_label_new (
      _ ("Put layers named after what they show, “a red boat”, into a group "
         "“Tessera objects”, and paint where each belongs."));
  gtk_label_set_line_wrap (GTK_LABEL (list->hint), TRUE);
  gtk_label_set_max_width_chars (GTK_LABEL (list->hint), 40);
  gtk_label_set_xalign (GTK_LABEL (list->hint), 0.0);
  gtk_style_context_add_class (gtk_widget_get_style_context (list->hint),
                               "dim-label");

  gtk_box_pack_start (GTK_BOX (list), line, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (list), list->scrolled, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (list), list->hint, FALSE, FALSE, 0);
  gtk_widget_show_all (line);
  gtk_widget_show_all (list->rows);
  gtk_widget_set_no_show_all (list->scrolled, TRUE);
  gtk_widget_set_no_show_all (list->hint, TRUE);

  g_signal_connect (list->combo, "changed", G_CALLBACK (on_group_changed),
                    list);
  g_signal_connect_swapped (refresh, "clicked",
                            G_CALLBACK (tess_region_list_refresh), list);
  tess_region_list_refresh (list);
  return GTK_WIDGET (list);
}
