/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/studio-settings.c: the dialog's column of settings, put together as the
 * kind of studio says. */
#include "ui/studio-settings.h"

#include <glib/gi18n-lib.h>

#define DATA "tessera-settings"
#define SPACE 6
#define COLUMN_WIDTH 360

static void
settings_free (TessStudioSettings *settings)
{
  g_object_unref (settings->config);
  g_free (settings);
}

static void
add_first_page (TessStudioSettings *settings)
{
  TessTable table = tess_table_new (settings->config);

  for (const TessRow *row = settings->kind->rows; *row; row++)
    (*row) (settings, &table);
  gtk_box_pack_start (GTK_BOX (settings->column), GTK_WIDGET (table.grid),
                      FALSE, FALSE, 0);
}

/* A column of its own that scrolls; sections go there from now on. */
static GtkWidget *
add_column (TessStudioSettings *settings)
{
  GtkWidget *scrolled = gtk_scrolled_window_new (NULL, NULL);

  settings->column = gtk_box_new (GTK_ORIENTATION_VERTICAL, SPACE);
  gtk_container_set_border_width (GTK_CONTAINER (settings->column), 2);
  gtk_widget_set_margin_end (settings->column, 2 * SPACE);
  gtk_container_add (GTK_CONTAINER (scrolled), settings->column);
  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (scrolled),
                                  GTK_POLICY_NEVER, GTK_POLICY_AUTOMATIC);
  gtk_scrolled_window_set_overlay_scrolling (GTK_SCROLLED_WINDOW (scrolled),
                                             FALSE);
  return scrolled;
}

static void
add_sections (TessStudioSettings *settings)
{
  add_first_page (settings);
  for (const TessSection *section = settings->kind->sections; *section;
       section++)
    (*section) (settings);
}

/* GTK's own way takes two presses where the focus is outside of the tabs. */
static gboolean
on_tab_mnemonic (GtkWidget *label, gboolean cycling, GtkWidget *page)
{
  GtkNotebook *tabs = GTK_NOTEBOOK (gtk_widget_get_parent (page));

  gtk_notebook_set_current_page (tabs, gtk_notebook_page_num (tabs, page));
  /* From outside, so that the first has it. */
  gtk_widget_grab_focus (GTK_WIDGET (tabs));
  gtk_widget_child_focus (page, GTK_DIR_TAB_FORWARD);
  return TRUE;
}

static void
append_page (GtkWidget *tabs, GtkWidget *page, const gchar *title)
{
  GtkWidget *label = gtk_label_new_with_mnemonic (title);

  g_signal_connect (label, "mnemonic-activate", G_CALLBACK (on_tab_mnemonic),
                    page);
  gtk_notebook_append_page (GTK_NOTEBOOK (tabs), page, label);
}

/* Without an image there are no layers, and so no second tab. */
static GtkWidget *
add_tabs (TessStudioSettings *settings)
{
  GtkWidget *tabs = gtk_notebook_new ();
  GtkWidget *page = add_column (settings);

  gtk_container_set_border_width (GTK_CONTAINER (settings->column), SPACE);
  add_sections (settings);
  append_page (tabs, page, _ ("S_ettings"));
  page = add_column (settings);
  gtk_container_set_border_width (GTK_CONTAINER (settings->column), SPACE);
  tess_section_instances (settings);
  append_page (tabs, page, _ ("_Instances"));
  return tabs;
}

GtkWidget *
tess_studio_settings_new (GObject *config,
                          GimpImage *image,
                          const TessStudioKind *kind)
{
  TessStudioSettings *settings = g_new0 (TessStudioSettings, 1);
  GtkWidget *side = gtk_box_new (GTK_ORIENTATION_VERTICAL, SPACE);
  GtkWidget *rest;

  settings->config = g_object_ref (config);
  settings->image = image;
  settings->kind = kind;
  settings->column = side;
  if (!kind->resumes && !kind->extent)
    tess_section_prompts (settings);
  if (kind->instances && image)
    rest = add_tabs (settings);
  else
    {
      rest = add_column (settings);
      add_sections (settings);
    }
  gtk_box_pack_start (GTK_BOX (side), rest, TRUE, TRUE, 0);
  gtk_widget_set_size_request (side, COLUMN_WIDTH, -1);
  /* Else it takes from the picture's room, since its children expand. */
  gtk_widget_set_hexpand (side, FALSE);
  g_object_set_data_full (G_OBJECT (side), DATA, settings,
                          (GDestroyNotify) settings_free);
  gtk_widget_show_all (side);
  return side;
}

const TessStudioSettings *
tess_studio_settings_get (GtkWidget *settings)
{
  return g_object_get_data (G_OBJECT (settings), DATA);
}
