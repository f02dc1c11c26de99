/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/studio-settings.c: the dialog's column of settings, put together as the
 * kind of studio says. */
#include "ui/studio-settings.h"

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

GtkWidget *
tess_studio_settings_new (GObject *config,
                          GimpImage *image,
                          const TessStudioKind *kind)
{
  TessStudioSettings *settings = g_new0 (TessStudioSettings, 1);
  GtkWidget *scrolled = gtk_scrolled_window_new (NULL, NULL);

  settings->config = g_object_ref (config);
  settings->image = image;
  settings->kind = kind;
  settings->column = gtk_box_new (GTK_ORIENTATION_VERTICAL, SPACE);
  gtk_container_set_border_width (GTK_CONTAINER (settings->column), 2);
  gtk_widget_set_margin_end (settings->column, 2 * SPACE);
  if (!kind->resumes)
    tess_section_prompts (settings);
  add_first_page (settings);
  for (const TessSection *section = kind->sections; *section; section++)
    (*section) (settings);

  gtk_container_add (GTK_CONTAINER (scrolled), settings->column);
  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (scrolled),
                                  GTK_POLICY_NEVER, GTK_POLICY_AUTOMATIC);
  gtk_scrolled_window_set_overlay_scrolling (GTK_SCROLLED_WINDOW (scrolled),
                                             FALSE);
  gtk_widget_set_size_request (scrolled, COLUMN_WIDTH, -1);
  /* Else it takes from the picture's room, since its children expand. */
  gtk_widget_set_hexpand (scrolled, FALSE);
  g_object_set_data_full (G_OBJECT (scrolled), "tessera-settings", settings,
                          (GDestroyNotify) settings_free);
  gtk_widget_show_all (scrolled);
  return scrolled;
}
