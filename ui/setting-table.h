/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/setting-table.h: rows of settings: a label with a mnemonic, a widget tied
 * to a property of the procedure's settings, and the line that says what it
 * does and when to change it. Texts are translated by the caller. A setting
 * that the procedure does not have gets no row, so that procedures can share
 * what makes the rows. */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

typedef struct
{
  GObject *config; /* borrowed: whose properties the widgets show */
  GtkGrid *grid;
  gint row; /* the next one */
} TessTable;

TessTable tess_table_new (GObject *config);

/* @focus: what the mnemonic leads to, inside of @widget. @tip may be NULL. */
void tess_table_add (TessTable *table,
                     const gchar *text,
                     GtkWidget *widget,
                     GtkWidget *focus,
                     const gchar *tip);
/* Over both columns. */
void
tess_table_add_wide (TessTable *table, GtkWidget *widget, const gchar *tip);
/* A line of explanation over both columns. */
void tess_table_add_note (TessTable *table, const gchar *text);
/* A setting that takes one of a few words (ui/choices.h). Returns the combo
 * box, NULL where there is no such setting. */
GtkWidget *tess_table_add_choice (TessTable *table,
                                  const gchar *text,
                                  const gchar *name,
                                  const gchar *tip);
void tess_table_add_spin (TessTable *table,
                          const gchar *text,
                          const gchar *property,
                          gdouble step,
                          gint digits,
                          const gchar *tip);
/* text: that of the switch itself. */
void tess_table_add_switch (TessTable *table,
                            const gchar *text,
                            const gchar *property,
                            const gchar *tip);

/* Where a slider ends; other numbers that the setting takes can be typed. */
typedef struct
{
  gdouble lower, upper;
  gdouble step;
  gint digits;
} TessScale;

void tess_table_add_scale (TessTable *table,
                           const gchar *text,
                           const gchar *property,
                           const TessScale *range,
                           const gchar *tip);

/* Several lines of text that scroll, @height pixels of them; @view: what has
 * the focus. */
GtkWidget *tess_text_view_new (GObject *config,
                               const gchar *property,
                               gint height,
                               const gchar *tip,
                               GtkWidget **view);

/* What is folded away until its title is pressed. */
GtkWidget *
tess_expander_new (const gchar *text, GtkWidget *child, gboolean open);

/* A paragraph in a quieter color. */
GtkWidget *tess_note_new (const gchar *text);

G_END_DECLS
