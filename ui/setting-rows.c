/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/setting-rows.c: the settings of the first page. */
#include "ui/studio-settings.h"

#include <glib/gi18n-lib.h>
#include "ui/model-chooser.h"

#define SPACE 6

void
tess_row_model (TessStudioSettings *settings, TessTable *table)
{
  GtkWidget *chooser = tess_model_chooser_new (settings->config, "model");

  tess_table_add (table, _ ("_Model"), chooser,
                  tess_model_chooser_combo (TESS_MODEL_CHOOSER (chooser)),
                  NULL);
}

/* A menu of sizes. */
static void
on_size_activated (GtkMenuItem *item, TessStudioSettings *settings)
{
  g_object_set (
      settings->config, "width",
      GPOINTER_TO_INT (g_object_get_data (G_OBJECT (item), "width")), "height",
      GPOINTER_TO_INT (g_object_get_data (G_OBJECT (item), "height")), NULL);
}

static void
menu_add_size (GtkWidget *menu,
               TessStudioSettings *settings,
               const gchar *name,
               gint width,
               gint height)
{
  g_autofree gchar *text
      = g_strdup_printf ("%s (%d × %d)", name, width, height);
  GtkWidget *item = gtk_menu_item_new_with_label (text);

  g_object_set_data (G_OBJECT (item), "width", GINT_TO_POINTER (width));
  g_object_set_data (G_OBJECT (item), "height", GINT_TO_POINTER (height));
  g_signal_connect (item, "activate", G_CALLBACK (on_size_activated), settings);
  gtk_menu_shell_append (GTK_MENU_SHELL (menu), item);
}

static void
destroy_child (GtkWidget *child, gpointer data)
{
  gtk_widget_destroy (child);
}

static void
fill_size_menu (GtkWidget *menu, TessStudioSettings *settings)
{
  gboolean selected;
  gint x1, y1, x2, y2;

  gtk_container_foreach (GTK_CONTAINER (menu), destroy_child, NULL);
  if (settings->image && gimp_image_is_valid (settings->image))
    {
      menu_add_size (menu, settings, _ ("Image"),
                     gimp_image_get_width (settings->image),
                     gimp_image_get_height (settings->image));
      if (gimp_selection_bounds (settings->image, &selected, &x1, &y1, &x2, &y2)
          && selected)
        menu_add_size (menu, settings, _ ("Selection"), x2 - x1, y2 - y1);
      gtk_menu_shell_append (GTK_MENU_SHELL (menu),
                             gtk_separator_menu_item_new ());
    }
  for (const TessNamedSize *size = settings->kind->sizes; size->name; size++)
    menu_add_size (menu, settings, _ (size->name), size->width, size->height);
  gtk_widget_show_all (menu);
}

static void
on_size_menu (GtkToggleButton *button, TessStudioSettings *settings)
{
  GtkMenu *menu = gtk_menu_button_get_popup (GTK_MENU_BUTTON (button));

  if (gtk_toggle_button_get_active (button))
    fill_size_menu (GTK_WIDGET (menu), settings);
}

static GtkWidget *
size_spin_new (TessStudioSettings *settings, const gchar *property)
{
  GtkWidget *spin
      = gimp_prop_spin_button_new (settings->config, property, 8, 64, 0);

  gtk_spin_button_set_range (GTK_SPIN_BUTTON (spin), 16, GIMP_MAX_IMAGE_SIZE);
  gtk_entry_set_width_chars (GTK_ENTRY (spin), 5);
  return spin;
}

void
tess_row_size (TessStudioSettings *settings, TessTable *table)
{
  GtkWidget *line = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, SPACE);
  GtkWidget *width = size_spin_new (settings, "width");
  GtkWidget *height = size_spin_new (settings, "height");
  GtkWidget *times = gtk_label_new ("×");
  GtkWidget *menu = gtk_menu_new ();
  GtkWidget *button = gtk_menu_button_new ();

  gtk_widget_set_tooltip_text (
      height, _ ("Height in pixels. Any size works; a large one is painted "
                 "tile by tile."));
  gtk_menu_button_set_popup (GTK_MENU_BUTTON (button), menu);
  gtk_widget_set_tooltip_text (button, _ ("Common sizes, and those of the "
                                          "image and the selection"));
  g_signal_connect (button, "toggled", G_CALLBACK (on_size_menu), settings);
  fill_size_menu (menu, settings);
  gtk_box_pack_start (GTK_BOX (line), width, TRUE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (line), times, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (line), height, TRUE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (line), button, FALSE, FALSE, 0);
  tess_table_add (
      table, _ ("Si_ze"), line, width,
      _ ("Width in pixels. Any size works; a large one is painted tile "
         "by tile."));
}

void
tess_row_steps (TessStudioSettings *settings, TessTable *table)
{
  static const TessScale range = { 1, 60, 1, 0 };

  tess_table_add_scale (
      table, _ ("_Steps"), "steps", &range,
      _ ("More steps take longer and bring finer detail; beyond "
         "30 little changes. 8 to 12 are enough to try things."));
}

void
tess_row_guidance (TessStudioSettings *settings, TessTable *table)
{
  static const TessScale range = { 1, 15, 0.5, 1 };

  tess_table_add_scale (
      table, _ ("G_uidance"), "guidance", &range,
      _ ("How strictly the prompt is followed. Lower it when "
         "colors look burnt, raise it when the prompt is ignored. "
         "1: no guidance, twice as fast."));
}

void
tess_row_sampler (TessStudioSettings *settings, TessTable *table)
{
  tess_table_add_choice (
      table, _ ("Samp_ler"), "sampler",
      _ ("How noise becomes a picture. DPM++ 2M is good in few "
         "steps; ancestral ones vary more."));
}

static gint
random_seed (void)
{
  return g_random_int_range (0, G_MAXINT);
}

static void
on_seed_changed (GtkSpinButton *spin, TessStudioSettings *settings)
{
  if (!gtk_toggle_button_get_active (GTK_TOGGLE_BUTTON (settings->random)))
    g_object_set (settings->config, "seed",
                  gtk_spin_button_get_value_as_int (spin), NULL);
}

static void
on_random_toggled (GtkToggleButton *button, TessStudioSettings *settings)
{
  gboolean random = gtk_toggle_button_get_active (button);

  g_object_set (settings->config, "seed",
                random ? -1
                       : gtk_spin_button_get_value_as_int (
                             GTK_SPIN_BUTTON (settings->seed)),
                NULL);
  gtk_widget_set_sensitive (settings->seed, !random);
}

static void
on_new_seed (GtkButton *button, TessStudioSettings *settings)
{
  gtk_toggle_button_set_active (GTK_TOGGLE_BUTTON (settings->random), FALSE);
  gtk_spin_button_set_value (GTK_SPIN_BUTTON (settings->seed), random_seed ());
}

void
tess_row_seed (TessStudioSettings *settings, TessTable *table)
{
  GtkWidget *line = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, SPACE);
  GtkWidget *button = gtk_button_new_with_mnemonic (_ ("New See_d"));
  gint seed;

  g_object_get (settings->config, "seed", &seed, NULL);
  settings->seed = gtk_spin_button_new_with_range (0, G_MAXINT, 1);
  gtk_entry_set_width_chars (GTK_ENTRY (settings->seed), 10);
  settings->random
      = gtk_check_button_new_with_mnemonic (_ ("A new one for ever_y picture"));
  gtk_spin_button_set_value (GTK_SPIN_BUTTON (settings->seed),
                             seed < 0 ? random_seed () : seed);
  gtk_toggle_button_set_active (GTK_TOGGLE_BUTTON (settings->random), seed < 0);
  gtk_widget_set_sensitive (settings->seed, seed >= 0);
  g_signal_connect (settings->seed, "value-changed",
                    G_CALLBACK (on_seed_changed), settings);
  g_signal_connect (settings->random, "toggled", G_CALLBACK (on_random_toggled),
                    settings);
  g_signal_connect (button, "clicked", G_CALLBACK (on_new_seed), settings);

  gtk_box_pack_start (GTK_BOX (line), settings->seed, TRUE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (line), button, FALSE, FALSE, 0);
  gtk_widget_set_tooltip_text (button,
                               _ ("Another picture of the same, repeatable"));
  tess_table_add (
      table, _ ("Se_ed"), line, settings->seed,
      _ ("The number a picture grows from: the same seed and settings "
         "give the same picture. Keep it to see what a setting "
         "changes."));
  gtk_grid_attach (table->grid, settings->random, 1, table->row++, 1, 1);
}

void
tess_studio_settings_show_seed (GtkWidget *widget, gint64 seed)
{
  TessStudioSettings *settings
      = g_object_get_data (G_OBJECT (widget), "tessera-settings");

  if (!settings->seed)
    return;
  g_signal_handlers_block_by_func (settings->seed, on_seed_changed, settings);
  gtk_spin_button_set_value (GTK_SPIN_BUTTON (settings->seed),
                             (gdouble) (seed & G_MAXINT));
  g_signal_handlers_unblock_by_func (settings->seed, on_seed_changed, settings);
}

void
tess_row_output (TessStudioSettings *settings, TessTable *table)
{
  if (!settings->image)
    return;
  tess_table_add_choice (
      table, _ ("Keep _as"), "output",
      _ ("Where a picture goes when you keep it. A layer comes "
         "above the selected one, with the selection as its "
         "mask; nothing is painted over."));
}
