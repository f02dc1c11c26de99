/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/card-row.c: which graphics card computes. */
#include "ui/card-row.h"

#include <gio/gio.h>
#include <glib/gi18n-lib.h>
#include "core/devices.h"

typedef struct
{
  GObject *config;   /* borrowed: outlives the dialog */
  GtkWidget *label;  /* borrowed, as the combo */
  gboolean was_seen; /* the cards are looked for */
} CardRow;

/* Which card is nobody's concern where the processor computes. */
static gboolean
is_of_use (GBinding *binding, const GValue *from, GValue *to, gpointer data)
{
  const gchar *device = g_value_get_string (from);

  g_value_set_boolean (to, g_strcmp0 (device, "cpu") != 0
                               && g_strcmp0 (device, "plain") != 0);
  return TRUE;
}

static gboolean
has_card (GPtrArray *cards, const gchar *wanted)
{
  for (guint i = 0; i < cards->len; i++)
    if (g_str_equal (((const TessCard *) cards->pdata[i])->card, wanted))
      return TRUE;
  return FALSE;
}

static void
found_cards (GObject *source, GAsyncResult *result, gpointer data)
{
  CardRow *row = data;
  GtkComboBoxText *combo = GTK_COMBO_BOX_TEXT (source);
  g_autoptr (GPtrArray) cards
      = g_task_propagate_pointer (G_TASK (result), NULL);
  g_autofree gchar *wanted = NULL;
  gboolean is_chosen;

  if (gtk_widget_in_destruction (GTK_WIDGET (combo))
      || gtk_widget_get_parent (GTK_WIDGET (combo)) == NULL)
    return;
  g_object_get (row->config, "card", &wanted, NULL);
  is_chosen = wanted != NULL && *wanted;
  if (cards->len < 2 && !is_chosen)
    return;
  gtk_combo_box_text_append (combo, "", _ ("Automatic"));
  for (guint i = 0; i < cards->len; i++)
    {
      const TessCard *card = cards->pdata[i];

      gtk_combo_box_text_append (combo, card->card, card->name);
    }
  if (is_chosen && !has_card (cards, wanted))
    gtk_combo_box_text_append (combo, wanted, wanted);
  g_object_bind_property (row->config, "card", combo, "active-id",
                          G_BINDING_BIDIRECTIONAL | G_BINDING_SYNC_CREATE);
  gtk_widget_show (row->label);
  gtk_widget_show (GTK_WIDGET (combo));
}

static void
look_for_cards (GTask *task, gpointer source, gpointer data, GCancellable *c)
{
  g_task_return_pointer (task, tess_devices_cards (),
                         (GDestroyNotify) g_ptr_array_unref);
}

static void
table_is_seen (GtkWidget *grid, GtkWidget *combo)
{
  CardRow *row = g_object_get_data (G_OBJECT (combo), "row");
  g_autoptr (GTask) task = NULL;

  if (row->was_seen)
    return;
  row->was_seen = TRUE;
  task = g_task_new (combo, NULL, found_cards, row);
  g_task_run_in_thread (task, look_for_cards);
}

void
tess_card_row_add (TessTable *table)
{
  GtkWidget *combo;
  CardRow *row;

  if (g_object_class_find_property (G_OBJECT_GET_CLASS (table->config), "card")
      == NULL)
    return;
  combo = gtk_combo_box_text_new ();
  tess_table_add (table, _ ("Grap_hics card"), combo, combo,
                  _ ("Which one computes. Automatic takes the fastest kind "
                     "that works; choose another when that one is to be "
                     "left alone."));
  row = g_new0 (CardRow, 1);
  row->config = table->config;
  row->label = gtk_grid_get_child_at (table->grid, 0, table->row - 1);
  g_object_set_data_full (G_OBJECT (combo), "row", row, g_free);
  gtk_widget_set_no_show_all (combo, TRUE);
  gtk_widget_set_no_show_all (row->label, TRUE);
  g_object_bind_property_full (table->config, "device", combo, "sensitive",
                               G_BINDING_SYNC_CREATE, is_of_use, NULL, NULL,
                               NULL);
  g_signal_connect (table->grid, "map", G_CALLBACK (table_is_seen), combo);
}
