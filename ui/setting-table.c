/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/setting-table.c: rows of settings, alike everywhere. */
#include "ui/setting-table.h"

#include <libgimp/gimpui.h>
#include "ui/choices.h"

#define SPACE 6

TessTable
tess_table_new (GObject *config)
{
  TessTable table = { config, GTK_GRID (gtk_grid_new ()), 0 };

  gtk_grid_set_row_spacing (table.grid, SPACE);
  gtk_grid_set_column_spacing (table.grid, 2 * SPACE);
  return table;
}

/* Whether the procedure has the setting at all. */
static gboolean
has (TessTable *table, const gchar *property)
{
  return g_object_class_find_property (G_OBJECT_GET_CLASS (table->config),
                                       property)
         != NULL;
}

void
tess_table_add (TessTable *table,
                const gchar *text,
                GtkWidget *widget,
                GtkWidget *focus,
                const gchar *tip)
{
  GtkWidget *label = gtk_label_new_with_mnemonic (text);

  gtk_label_set_mnemonic_widget (GTK_LABEL (label), focus);
  gtk_label_set_xalign (GTK_LABEL (label), 0.0);
  gtk_widget_set_tooltip_text (label, tip);
  if (tip)
    gtk_widget_set_tooltip_text (focus, tip);
  gtk_widget_set_hexpand (widget, TRUE);
  gtk_grid_attach (table->grid, label, 0, table->row, 1, 1);
  gtk_grid_attach (table->grid, widget, 1, table->row++, 1, 1);
}

void
tess_table_add_wide (TessTable *table, GtkWidget *widget, const gchar *tip)
{
  if (tip)
    gtk_widget_set_tooltip_text (widget, tip);
  gtk_widget_set_hexpand (widget, TRUE);
  gtk_grid_attach (table->grid, widget, 0, table->row++, 2, 1);
}

void
tess_table_add_note (TessTable *table, const gchar *text)
{
  tess_table_add_wide (table, tess_note_new (text), NULL);
}

void
tess_table_add_switch (TessTable *table,
                       const gchar *text,
                       const gchar *property,
                       const gchar *tip)
{
  if (!has (table, property))
    return;
  tess_table_add_wide (
      table, gimp_prop_check_button_new (table->config, property, text), tip);
}

GtkWidget *
tess_table_add_choice (TessTable *table,
                       const gchar *text,
                       const gchar *name,
                       const gchar *tip)
{
  GtkWidget *combo;

  if (!has (table, name))
    return NULL;
  combo = tess_choice_combo_new (table->config, name);
  tess_table_add (table, text, combo, combo, tip);
  return combo;
}

void
tess_table_add_spin (TessTable *table,
                     const gchar *text,
                     const gchar *property,
                     gdouble step,
                     gint digits,
                     const gchar *tip)
{
  GtkWidget *spin;

  if (!has (table, property))
    return;
  spin = gimp_prop_spin_button_new (table->config, property, step, step * 10,
                                    digits);
  gtk_widget_set_halign (spin, GTK_ALIGN_START);
  tess_table_add (table, text, spin, spin, tip);
}

void
tess_table_add_scale (TessTable *table,
                      const gchar *text,
                      const gchar *property,
                      const TessScale *range,
                      const gchar *tip)
{
  GtkWidget *scale;

  if (!has (table, property))
    return;
  scale = gimp_prop_spin_scale_new (table->config, property, range->step,
                                    range->step * 10, range->digits);
  gimp_spin_scale_set_label (GIMP_SPIN_SCALE (scale), NULL);
  gimp_spin_scale_set_scale_limits (GIMP_SPIN_SCALE (scale), range->lower,
                                    range->upper);
  tess_table_add (table, text, scale, scale, tip);
}

GtkWidget *
tess_text_view_new (GObject *config,
                    const gchar *property,
                    gint height,
                    const gchar *tip,
                    GtkWidget **view)
{
  GtkTextBuffer *buffer = gimp_prop_text_buffer_new (config, property, -1);
  GtkWidget *scrolled = gtk_scrolled_window_new (NULL, NULL);

  *view = gtk_text_view_new_with_buffer (buffer);
  gtk_text_view_set_wrap_mode (GTK_TEXT_VIEW (*view), GTK_WRAP_WORD_CHAR);
  gtk_text_view_set_accepts_tab (GTK_TEXT_VIEW (*view), FALSE);
  gtk_text_view_set_left_margin (GTK_TEXT_VIEW (*view), 6);
  gtk_text_view_set_right_margin (GTK_TEXT_VIEW (*view), 6);
  gtk_text_view_set_top_margin (GTK_TEXT_VIEW (*view), 6);
  gtk_text_view_set_bottom_margin (GTK_TEXT_VIEW (*view), 6);
  gtk_widget_set_tooltip_text (*view, tip);
  gtk_scrolled_window_set_shadow_type (GTK_SCROLLED_WINDOW (scrolled),
                                       GTK_SHADOW_IN);
  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (scrolled),
                                  GTK_POLICY_NEVER, GTK_POLICY_AUTOMATIC);
  gtk_widget_set_size_request (scrolled, -1, height);
  gtk_container_add (GTK_CONTAINER (scrolled), *view);
  return scrolled;
}

GtkWidget *
tess_expander_new (const gchar *text, GtkWidget *child, gboolean open)
{
  GtkWidget *expander = gtk_expander_new_with_mnemonic (text);

  gtk_widget_set_margin_top (child, SPACE);
  gtk_widget_set_margin_start (child, 2 * SPACE);
  gtk_expander_set_expanded (GTK_EXPANDER (expander), open);
  gtk_container_add (GTK_CONTAINER (expander), child);
  return expander;
}

GtkWidget *
tess_note_new (const gchar *text)
{
  GtkWidget *label = gtk_label_new (text);

  gtk_label_set_line_wrap (GTK_LABEL (label), TRUE);
  gtk_label_set_max_width_chars (GTK_LABEL (label), 40);
  gtk_label_set_xalign (GTK_LABEL (label), 0.0);
  gtk_style_context_add_class (gtk_widget_get_style_context (label),
                               "dim-label");
  return label;
}
