/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/instance-list.c: instances as rows. The image does not tell a plug-in of
 * changes, so its layers are looked at again whenever the dialog gets the
 * focus; rows are made anew only when something is different. */
#include "ui/instance-list.h"

#include <math.h>
#include <string.h>
#include <glib/gi18n-lib.h>
#include <libgimp/gimpui.h>
#include "ui/group-chooser.h"
#include "ui/setting-table.h"

#define THUMBNAIL 56

typedef struct
{
  TessInstanceList *list;
  gint id;
  gchar *text;
  gboolean visible;
  TessPlaced chosen;
  TessSketch *sketch;
  GdkPixbuf *thumbnail;
  gint strength; /* the layer's opacity in percent */
  GtkWidget *picture, *entry, *combo, *spin;
  GtkWidget *warning, *words; /* a line, and its label */
} Row;

struct _TessInstanceList
{
  GtkBox parent;
  GtkWidget *chooser;
  GtkWidget *rows;
  GtkWidget *frame; /* round them */
  GtkWidget *hint, *names;
  GtkWidget *warning, *words; /* of the plan: a line, and its label */
  GPtrArray *all;             /* of Row */
  gchar *state;               /* what they show, to be compared */
  GeglRectangle area;
  gboolean wrap_x, wrap_y;
  gboolean busy; /* widgets are being set from here */
};

G_DEFINE_TYPE (TessInstanceList, tess_instance_list, GTK_TYPE_BOX)

static guint changed_signal;

static const gchar *const labels[TESS_N_PLACED] = {
  N_ ("Automatic"), N_ ("Box"), N_ ("Mask"), N_ ("Scribble"), N_ ("Point"),
};

static void
row_free (gpointer data)
{
  Row *row = data;

  g_free (row->text);
  tess_sketch_free (row->sketch);
  g_clear_object (&row->thumbnail);
  g_free (row);
}

/* NULL: it was deleted in the image. */
static GimpItem *
item_of (const Row *row)
{
  return gimp_item_id_is_valid (row->id) ? gimp_item_get_by_id (row->id) : NULL;
}

static gboolean
is_painted (const Row *row)
{
  return row->visible && row->strength > 0;
}

/* Along an axis that closes nothing is outside. */
static gboolean
is_outside (const TessInstanceList *list, const TessSketch *sketch)
{
  const GeglRectangle *a = &list->area;
  const gdouble *b = sketch->bounds;

  return (!list->wrap_x && (b[2] < a->x || b[0] >= a->x + a->width))
         || (!list->wrap_y && (b[3] < a->y || b[1] >= a->y + a->height));
}

static const gchar *
warning_of (const Row *row)
{
  if (!row->visible)
    return NULL;
  if (row->strength <= 0)
    return _ ("It is not painted: no strength");
  if (row->sketch->empty && row->sketch->placed == TESS_PLACED_MASK)
    return _ ("The mask is empty");
  if (row->sketch->empty)
    return _ ("Nothing is painted there");
  if (row->list->area.width > 0 && is_outside (row->list, row->sketch))
    return _ ("Outside of the canvas");
  return NULL;
}

static void
show_warning (Row *row)
{
  const gchar *text = warning_of (row);

  gtk_label_set_text (GTK_LABEL (row->words), text ? text : "");
  gtk_widget_set_visible (row->warning, text != NULL);
}

static void
show_placed (Row *row)
{
  GtkComboBoxText *combo = GTK_COMBO_BOX_TEXT (row->combo);
  g_autofree gchar *automatic = g_strdup_printf (
      row->chosen == TESS_PLACED_AUTO ? _ ("Automatic: %s") : "%s",
      row->chosen == TESS_PLACED_AUTO ? _ (labels[row->sketch->placed])
                                      : _ (labels[TESS_PLACED_AUTO]));

  row->list->busy = TRUE;
  gtk_combo_box_text_remove_all (combo);
  gtk_combo_box_text_append_text (combo, automatic);
  for (gint i = TESS_PLACED_AUTO + 1; i < TESS_N_PLACED; i++)
    gtk_combo_box_text_append_text (combo, _ (labels[i]));
  gtk_combo_box_set_active (GTK_COMBO_BOX (combo), row->chosen);
  row->list->busy = FALSE;
}

/* A path is drawn, since its layer shows nothing of it. */
static GdkPixbuf *
draw_lines (const TessSketch *sketch)
{
  const gdouble *b = sketch->bounds;
  gdouble scale = (THUMBNAIL - 12) / MAX (MAX (b[2] - b[0], b[3] - b[1]), 1.0);
  cairo_surface_t *surface
      = cairo_image_surface_create (CAIRO_FORMAT_RGB24, THUMBNAIL, THUMBNAIL);
  cairo_t *cr = cairo_create (surface);
  GdkPixbuf *pixbuf;

  cairo_set_source_rgb (cr, 1.0, 1.0, 1.0);
  cairo_paint (cr);
  cairo_set_source_rgb (cr, 0.0, 0.0, 0.0);
  cairo_set_line_width (cr, 2.0);
  cairo_translate (cr, (THUMBNAIL - (b[2] - b[0]) * scale) / 2,
                   (THUMBNAIL - (b[3] - b[1]) * scale) / 2);
  for (guint i = 0; i < sketch->lines->len; i++)
    tess_mark_draw_line (cr, sketch->lines->pdata[i], b, scale, sketch->closed);
  cairo_stroke (cr);
  cairo_destroy (cr);
  pixbuf = gdk_pixbuf_get_from_surface (surface, 0, 0, THUMBNAIL, THUMBNAIL);
  cairo_surface_destroy (surface);
  return pixbuf;
}

static void
show_picture (Row *row, GimpItem *item)
{
  g_clear_object (&row->thumbnail);
  row->thumbnail
      = row->sketch->by_path
            ? draw_lines (row->sketch)
            : gimp_drawable_get_thumbnail (GIMP_DRAWABLE (item), THUMBNAIL,
                                           THUMBNAIL, GIMP_PIXBUF_SMALL_CHECKS);
  if (row->picture)
    gtk_image_set_from_pixbuf (GTK_IMAGE (row->picture), row->thumbnail);
}

/* --- what the artist changes --------------------------------------------- */

static void
changed (TessInstanceList *list)
{
  g_clear_pointer (&list->state, g_free);
  g_signal_emit (list, changed_signal, 0);
}

static void
take_text (Row *row)
{
  const gchar *text = gtk_entry_get_text (GTK_ENTRY (row->entry));
  GimpItem *item = item_of (row);

  if (row->list->busy || !item || strcmp (text, row->text) == 0)
    return;
  if (tess_object_set_text (item, text))
    {
      g_free (row->text);
      row->text = tess_object_text (item);
      gimp_displays_flush ();
      changed (row->list);
    }
  gtk_entry_set_text (GTK_ENTRY (row->entry), row->text);
}

static gboolean
on_entry_left (GtkWidget *entry, GdkEvent *event, Row *row)
{
  take_text (row);
  return GDK_EVENT_PROPAGATE;
}

static void
on_placed (GtkComboBox *combo, Row *row)
{
  gint active = gtk_combo_box_get_active (combo);
  GimpItem *item = item_of (row);

  if (row->list->busy || active < 0 || !item)
    return;
  row->chosen = (TessPlaced) active;
  tess_object_set_placed (item, row->chosen);
  tess_sketch_free (row->sketch);
  row->sketch = tess_sketch_new (item);
  show_picture (row, item);
  show_warning (row);
  changed (row->list);
}

static void
on_strength (GtkSpinButton *spin, Row *row)
{
  GimpItem *item = item_of (row);

  if (row->list->busy || !item)
    return;
  row->strength = gtk_spin_button_get_value_as_int (spin);
  gimp_layer_set_opacity (GIMP_LAYER (item), row->strength);
  show_warning (row);
  gimp_displays_flush ();
  changed (row->list);
}

static void
on_visible (GtkToggleButton *button, Row *row)
{
  GimpItem *item = item_of (row);

  if (!item)
    return;
  row->visible = gtk_toggle_button_get_active (button);
  gimp_item_set_visible (item, row->visible);
  gtk_widget_set_sensitive (row->entry, row->visible);
  gtk_widget_set_sensitive (row->combo, row->visible);
  gtk_widget_set_sensitive (row->spin, row->visible);
  show_warning (row);
  gimp_displays_flush ();
  changed (row->list);
}

/* --- rows ---------------------------------------------------------------- */

/* Hidden until it is shown. */
static GtkWidget *
warning_new (GtkWidget **words)
{
  GtkWidget *line = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  GtkWidget *icon
      = gtk_image_new_from_icon_name ("dialog-warning", GTK_ICON_SIZE_MENU);

  *words = gtk_label_new (NULL);
  gtk_label_set_line_wrap (GTK_LABEL (*words), TRUE);
  gtk_label_set_max_width_chars (GTK_LABEL (*words), 36);
  gtk_label_set_xalign (GTK_LABEL (*words), 0.0);
  gtk_widget_set_valign (icon, GTK_ALIGN_START);
  gtk_box_pack_start (GTK_BOX (line), icon, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (line), *words, TRUE, TRUE, 0);
  gtk_widget_show_all (line);
  gtk_widget_set_no_show_all (line, TRUE);
  gtk_widget_hide (line);
  return line;
}

static GtkWidget *
row_widget (Row *row)
{
  GtkWidget *line = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 8);
  GtkWidget *column = gtk_box_new (GTK_ORIENTATION_VERTICAL, 2);
  GtkWidget *how = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 4);
  GtkWidget *visible = gtk_check_button_new ();

  row->picture = gtk_image_new_from_pixbuf (row->thumbnail);
  row->entry = gtk_entry_new ();
  row->combo = gtk_combo_box_text_new ();
  row->spin = gtk_spin_button_new_with_range (0, 100, 5);
  row->warning = warning_new (&row->words);
  gtk_toggle_button_set_active (GTK_TOGGLE_BUTTON (visible), row->visible);
  gtk_widget_set_tooltip_text (visible,
                               _ ("Whether it is painted: the layer is visible "
                                  "in the image"));
  gtk_widget_set_size_request (row->picture, THUMBNAIL, THUMBNAIL);
  gtk_entry_set_text (GTK_ENTRY (row->entry), row->text);
  gtk_entry_set_width_chars (GTK_ENTRY (row->entry), 12);
  gtk_widget_set_tooltip_text (
      row->entry, _ ("What is painted there; Enter renames the layer"));
  gtk_widget_set_tooltip_text (
      row->combo,
      _ ("By what its place is told: the exact shape, only a box round it, a "
         "few strokes, or a point"));
  gtk_spin_button_set_value (GTK_SPIN_BUTTON (row->spin), row->strength);
  gtk_widget_set_tooltip_text (
      row->spin, _ ("How much the picture heeds it, in percent: the layer's "
                    "opacity"));
  show_placed (row);
  gtk_container_set_border_width (GTK_CONTAINER (line), 4);
  gtk_box_pack_start (GTK_BOX (column), row->entry, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (how), row->combo, TRUE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (how), row->spin, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (column), how, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (column), row->warning, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (line), visible, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (line), row->picture, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (line), column, TRUE, TRUE, 0);
  gtk_widget_set_sensitive (row->entry, row->visible);
  gtk_widget_set_sensitive (row->combo, row->visible);
  gtk_widget_set_sensitive (row->spin, row->visible);
  gtk_widget_show_all (line);
  show_warning (row);
  g_signal_connect (visible, "toggled", G_CALLBACK (on_visible), row);
  g_signal_connect_swapped (row->entry, "activate", G_CALLBACK (take_text),
                            row);
  g_signal_connect (row->entry, "focus-out-event", G_CALLBACK (on_entry_left),
                    row);
  g_signal_connect (row->combo, "changed", G_CALLBACK (on_placed), row);
  g_signal_connect (row->spin, "value-changed", G_CALLBACK (on_strength), row);
  return line;
}

static Row *
row_new (TessInstanceList *list, GimpItem *item)
{
  Row *row = g_new0 (Row, 1);

  row->list = list;
  row->id = gimp_item_get_id (item);
  row->text = tess_object_text (item);
  row->visible = gimp_item_get_visible (item);
  row->chosen = tess_object_placed (item);
  row->strength = (gint) rint (gimp_layer_get_opacity (GIMP_LAYER (item)));
  row->sketch = tess_sketch_new (item);
  show_picture (row, item);
  return row;
}

static void
describe (const Row *row, GString *state)
{
  g_autofree gchar *pixels = NULL;

  if (row->thumbnail)
    {
      g_autoptr (GBytes) bytes = gdk_pixbuf_read_pixel_bytes (row->thumbnail);

      pixels = g_compute_checksum_for_bytes (G_CHECKSUM_MD5, bytes);
    }
  g_string_append_printf (state, "%d %d %d %d %d %d %s %s\n", row->id,
                          row->visible, row->chosen, row->strength,
                          row->sketch->placed, row->sketch->empty, row->text,
                          pixels ? pixels : "");
  for (guint i = 0; i < row->sketch->lines->len; i++)
    {
      const GArray *line = row->sketch->lines->pdata[i];
      g_autofree gchar *points = g_compute_checksum_for_data (
          G_CHECKSUM_MD5, (const guchar *) line->data,
          line->len * sizeof (gdouble));

      g_string_append (state, points);
    }
}

static void
destroy_child (GtkWidget *child, gpointer data)
{
  gtk_widget_destroy (child);
}

static void
show_rows (TessInstanceList *list)
{
  guint n = list->all->len;

  gtk_container_foreach (GTK_CONTAINER (list->rows), destroy_child, NULL);
  for (guint i = 0; i < n; i++)
    {
      if (i > 0)
        {
          GtkWidget *line = gtk_separator_new (GTK_ORIENTATION_HORIZONTAL);

          gtk_widget_show (line);
          gtk_box_pack_start (GTK_BOX (list->rows), line, FALSE, FALSE, 0);
        }
      gtk_box_pack_start (GTK_BOX (list->rows),
                          row_widget (list->all->pdata[i]), FALSE, FALSE, 0);
    }
  gtk_widget_set_visible (list->frame, n > 0);
  gtk_widget_set_visible (list->hint, n == 0);
}

static void
look (TessInstanceList *list)
{
  g_autofree GimpItem **children
      = tess_group_chooser_children (TESS_GROUP_CHOOSER (list->chooser));
  g_autoptr (GPtrArray) all = g_ptr_array_new_with_free_func (row_free);
  g_autoptr (GString) state = g_string_new (NULL);

  for (gint i = 0; children && children[i]; i++)
    {
      Row *row = row_new (list, children[i]);

      g_ptr_array_add (all, row);
      describe (row, state);
    }
  if (g_strcmp0 (state->str, list->state) == 0)
    return;
  g_free (list->state);
  list->state = g_strdup (state->str);
  /* Entries that lose the focus on their way out would be taken. */
  list->busy = TRUE;
  gtk_container_foreach (GTK_CONTAINER (list->rows), destroy_child, NULL);
  list->busy = FALSE;
  g_ptr_array_unref (list->all);
  list->all = g_steal_pointer (&all);
  show_rows (list);
  for (guint i = 0; i < list->all->len; i++)
    {
      const Row *row = list->all->pdata[i];

      g_debug ("instance “%s”: %s%s, %.0f %.0f %.0f %.0f", row->text,
               row->visible ? "" : "hidden, ", labels[row->sketch->placed],
               row->sketch->bounds[0], row->sketch->bounds[1],
               row->sketch->bounds[2], row->sketch->bounds[3]);
    }
  g_signal_emit (list, changed_signal, 0);
}

void
tess_instance_list_refresh (TessInstanceList *list)
{
  tess_group_chooser_refresh (TESS_GROUP_CHOOSER (list->chooser));
}

void
tess_instance_list_set_canvas (TessInstanceList *list,
                               const GeglRectangle *area,
                               gboolean wrap_x,
                               gboolean wrap_y)
{
  list->area = *area;
  list->wrap_x = wrap_x;
  list->wrap_y = wrap_y;
  for (guint i = 0; i < list->all->len; i++)
    {
      const Row *row = list->all->pdata[i];

      show_warning (list->all->pdata[i]);
      if (warning_of (row))
        g_debug ("instance “%s”: %s, warning: %s", row->text,
                 labels[row->sketch->placed], warning_of (row));
    }
}

void
tess_instance_list_set_warning (TessInstanceList *list, const gchar *text)
{
  gboolean shown = text && tess_instance_list_n (list) > 0;

  gtk_label_set_text (GTK_LABEL (list->words), shown ? text : "");
  gtk_widget_set_visible (list->warning, shown);
}

void
tess_instance_list_set_names (TessInstanceList *list, const gchar *names)
{
  g_autofree gchar *text
      = names
            ? g_strdup_printf (_ ("This model has learnt to place: %s."), names)
            : NULL;

  if (text)
    gtk_label_set_text (GTK_LABEL (list->names), text);
  gtk_widget_set_visible (list->names, text != NULL);
}

gint
tess_instance_list_n (TessInstanceList *list)
{
  gint n = 0;

  for (guint i = 0; i < list->all->len; i++)
    n += is_painted (list->all->pdata[i]);
  return n;
}

static GPtrArray *
lines_on_canvas (const TessInstanceList *list, const GPtrArray *lines)
{
  GPtrArray *moved
      = g_ptr_array_new_with_free_func ((GDestroyNotify) g_array_unref);

  for (guint i = 0; i < lines->len; i++)
    {
      GArray *line = g_array_copy (lines->pdata[i]);

      for (guint k = 0; k < line->len; k++)
        g_array_index (line, gdouble, k)
            -= k % 2 == 0 ? list->area.x : list->area.y;
      g_ptr_array_add (moved, line);
    }
  return moved;
}

GPtrArray *
tess_instance_list_marks (TessInstanceList *list)
{
  GPtrArray *marks = g_ptr_array_new_with_free_func (tess_mark_free);

  for (guint i = 0; i < list->all->len; i++)
    {
      const Row *row = list->all->pdata[i];
      TessMark *mark;

      if (!is_painted (row) || row->sketch->empty
          || is_outside (list, row->sketch))
        continue;
      mark = g_new0 (TessMark, 1);
      mark->text = g_strdup (row->text);
      mark->closed = row->sketch->closed;
      mark->lines = lines_on_canvas (list, row->sketch->lines);
      g_ptr_array_add (marks, mark);
    }
  return marks;
}

/* --- the widget ---------------------------------------------------------- */

static gboolean
on_focus (TessInstanceList *list)
{
  tess_instance_list_refresh (list);
  return GDK_EVENT_PROPAGATE;
}

static void
on_hierarchy (GtkWidget *widget, GtkWidget *before, gpointer data)
{
  GtkWidget *window = gtk_widget_get_toplevel (widget);

  if (GTK_IS_WINDOW (window) && window != before)
    g_signal_connect_object (window, "focus-in-event", G_CALLBACK (on_focus),
                             widget, G_CONNECT_SWAPPED);
}

static void
tess_instance_list_finalize (GObject *object)
{
  TessInstanceList *list = TESS_INSTANCE_LIST (object);

  g_ptr_array_unref (list->all);
  g_free (list->state);
  G_OBJECT_CLASS (tess_instance_list_parent_class)->finalize (object);
}

static void
tess_instance_list_class_init (TessInstanceListClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = tess_instance_list_finalize;
  changed_signal
      = g_signal_new ("changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST,
                      0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
tess_instance_list_init (TessInstanceList *list)
{
  gtk_orientable_set_orientation (GTK_ORIENTABLE (list),
                                  GTK_ORIENTATION_VERTICAL);
  gtk_box_set_spacing (GTK_BOX (list), 6);
  list->all = g_ptr_array_new_with_free_func (row_free);
}

GtkWidget *
tess_instance_list_new (GimpImage *image, GObject *config)
{
  TessInstanceList *list = g_object_new (tess_instance_list_get_type (), NULL);

  list->chooser = tess_group_chooser_new (
      image, config, "instance-layers",
      _ ("A layer group: each of its visible layers is one thing, painted "
         "where the layer says."));
  list->rows = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  list->frame = gtk_frame_new (NULL);
  gtk_frame_set_shadow_type (GTK_FRAME (list->frame), GTK_SHADOW_IN);
  gtk_container_add (GTK_CONTAINER (list->frame), list->rows);
  list->hint = tess_note_new (
      _ ("Put one layer for each thing into a group “Tessera instances” and "
         "name it after what it shows, “a red boat”.\n\n"
         "A layer that is filled is a box. One that is painted on, or has a "
         "mask, is that shape. A path of the same name is a scribble, or a "
         "point where it has a single anchor."));
  list->names = tess_note_new ("");
  list->warning = warning_new (&list->words);
  gtk_box_pack_start (GTK_BOX (list), list->chooser, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (list), list->warning, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (list), list->frame, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (list), list->hint, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (list), list->names, FALSE, FALSE, 0);
  gtk_widget_show_all (list->rows);
  gtk_widget_set_no_show_all (list->frame, TRUE);
  gtk_widget_set_no_show_all (list->hint, TRUE);
  gtk_widget_set_no_show_all (list->names, TRUE);
  g_signal_connect_swapped (list->chooser, "chosen", G_CALLBACK (look), list);
  g_signal_connect (list, "hierarchy-changed", G_CALLBACK (on_hierarchy), NULL);
  show_rows (list);
  tess_instance_list_refresh (list);
  return GTK_WIDGET (list);
}
