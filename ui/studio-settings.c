/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/studio-settings.c: few settings first, the rest folded away; each says
 * what it does and when to change it. */
#include "ui/studio-settings.h"

#include <glib/gi18n-lib.h>
#include "ui/choices.h"
#include "ui/model-chooser.h"
#include "ui/region-list.h"

#define SPACE 6
#define COLUMN_WIDTH 360

typedef struct
{
  GObject *config;
  GimpImage *image;
  GtkWidget *column;
  GtkWidget *seed;   /* spin button */
  GtkWidget *random; /* check button */
} Settings;

/* A grid of labels and widgets. */
typedef struct
{
  GtkGrid *grid;
  gint row;
} Table;

static Table
table_new (void)
{
  Table table = { GTK_GRID (gtk_grid_new ()), 0 };

  gtk_grid_set_row_spacing (table.grid, SPACE);
  gtk_grid_set_column_spacing (table.grid, 2 * SPACE);
  return table;
}

static void
table_add (Table *table,
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

static void
table_add_wide (Table *table, GtkWidget *widget, const gchar *tip)
{
  if (tip)
    gtk_widget_set_tooltip_text (widget, tip);
  gtk_widget_set_hexpand (widget, TRUE);
  gtk_grid_attach (table->grid, widget, 0, table->row++, 2, 1);
}

static void
table_add_choice (Table *table,
                  Settings *settings,
                  const gchar *text,
                  const gchar *name,
                  const gchar *tip)
{
  GtkWidget *combo = tess_choice_combo_new (settings->config, name);

  table_add (table, text, combo, combo, tip);
}

static void
table_add_spin (Table *table,
                Settings *settings,
                const gchar *text,
                const gchar *property,
                gdouble step,
                gint digits,
                const gchar *tip)
{
  GtkWidget *spin = gimp_prop_spin_button_new (settings->config, property, step,
                                               step * 10, digits);

  gtk_widget_set_halign (spin, GTK_ALIGN_START);
  table_add (table, text, spin, spin, tip);
}

/* A slider that shows its own label; @upper: where the slider ends, though
 * larger numbers can be typed. */
static void
table_add_scale (Table *table,
                 Settings *settings,
                 const gchar *text,
                 const gchar *property,
                 gdouble step,
                 gint digits,
                 gdouble lower,
                 gdouble upper,
                 const gchar *tip)
{
  GtkWidget *scale = gimp_prop_spin_scale_new (settings->config, property, step,
                                               step * 10, digits);

  gimp_spin_scale_set_label (GIMP_SPIN_SCALE (scale), NULL);
  gimp_spin_scale_set_scale_limits (GIMP_SPIN_SCALE (scale), lower, upper);
  table_add (table, text, scale, scale, tip);
}

static GtkWidget *
text_view_new (Settings *settings,
               const gchar *property,
               gint height,
               const gchar *tip,
               GtkWidget **view)
{
  GtkTextBuffer *buffer
      = gimp_prop_text_buffer_new (settings->config, property, -1);
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

static GtkWidget *
expander_new (const gchar *text, GtkWidget *child, gboolean open)
{
  GtkWidget *expander = gtk_expander_new_with_mnemonic (text);

  gtk_widget_set_margin_top (child, SPACE);
  gtk_widget_set_margin_start (child, 2 * SPACE);
  gtk_expander_set_expanded (GTK_EXPANDER (expander), open);
  gtk_container_add (GTK_CONTAINER (expander), child);
  return expander;
}

static gboolean
has_text (Settings *settings, const gchar *property)
{
  g_autofree gchar *text = NULL;

  g_object_get (settings->config, property, &text, NULL);
  return text && *text;
}

static void
add_prompts (Settings *settings)
{
  GtkWidget *label = gtk_label_new_with_mnemonic (_ ("_Prompt"));
  GtkWidget *view, *negative, *scrolled;

  gtk_label_set_xalign (GTK_LABEL (label), 0.0);
  scrolled = text_view_new (
      settings, "prompt", 84,
      _ ("What to paint, in plain words. (word:1.3) gives a word more weight, "
         "(word:0.7) less."),
      &view);
  gtk_label_set_mnemonic_widget (GTK_LABEL (label), view);
  gtk_box_pack_start (GTK_BOX (settings->column), label, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (settings->column), scrolled, FALSE, FALSE, 0);

  scrolled = text_view_new (
      settings, "negative", 56,
      _ ("What to keep away from, such as “text, blurry”. Needs a guidance "
         "above 1."),
      &negative);
  gtk_box_pack_start (GTK_BOX (settings->column),
                      expander_new (_ ("_Negative prompt"), scrolled,
                                    has_text (settings, "negative")),
                      FALSE, FALSE, 0);
}

/* A menu of sizes. */
static void
on_size_activated (GtkMenuItem *item, Settings *settings)
{
  g_object_set (
      settings->config, "width",
      GPOINTER_TO_INT (g_object_get_data (G_OBJECT (item), "width")), "height",
      GPOINTER_TO_INT (g_object_get_data (G_OBJECT (item), "height")), NULL);
}

static void
menu_add_size (GtkWidget *menu,
               Settings *settings,
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
fill_size_menu (GtkWidget *menu, Settings *settings)
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
  menu_add_size (menu, settings, _ ("Square"), 512, 512);
  menu_add_size (menu, settings, _ ("Landscape"), 768, 512);
  menu_add_size (menu, settings, _ ("Portrait"), 512, 768);
  menu_add_size (menu, settings, _ ("Wide"), 1024, 512);
  menu_add_size (menu, settings, _ ("Panorama"), 1536, 512);
  menu_add_size (menu, settings, _ ("Poster"), 2048, 1536);
  gtk_widget_show_all (menu);
}

static void
on_size_menu (GtkToggleButton *button, Settings *settings)
{
  GtkMenu *menu = gtk_menu_button_get_popup (GTK_MENU_BUTTON (button));

  if (gtk_toggle_button_get_active (button))
    fill_size_menu (GTK_WIDGET (menu), settings);
}

static GtkWidget *
size_spin_new (Settings *settings, const gchar *property)
{
  GtkWidget *spin
      = gimp_prop_spin_button_new (settings->config, property, 8, 64, 0);

  gtk_spin_button_set_range (GTK_SPIN_BUTTON (spin), 16, GIMP_MAX_IMAGE_SIZE);
  gtk_entry_set_width_chars (GTK_ENTRY (spin), 5);
  return spin;
}

static void
add_size (Settings *settings, Table *table)
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
  table_add (table, _ ("Si_ze"), line, width,
             _ ("Width in pixels. Any size works; a large one is painted tile "
                "by tile."));
}

static gint
random_seed (void)
{
  return g_random_int_range (0, G_MAXINT);
}

static void
on_seed_changed (GtkSpinButton *spin, Settings *settings)
{
  if (!gtk_toggle_button_get_active (GTK_TOGGLE_BUTTON (settings->random)))
    g_object_set (settings->config, "seed",
                  gtk_spin_button_get_value_as_int (spin), NULL);
}

static void
on_random_toggled (GtkToggleButton *button, Settings *settings)
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
on_new_seed (GtkButton *button, Settings *settings)
{
  gtk_toggle_button_set_active (GTK_TOGGLE_BUTTON (settings->random), FALSE);
  gtk_spin_button_set_value (GTK_SPIN_BUTTON (settings->seed), random_seed ());
}

static void
add_seed (Settings *settings, Table *table)
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
  table_add (table, _ ("Se_ed"), line, settings->seed,
             _ ("The number a picture grows from: the same seed and settings "
                "give the same picture. Keep it to see what a setting "
                "changes."));
  gtk_grid_attach (table->grid, settings->random, 1, table->row++, 1, 1);
}

static void
add_main (Settings *settings)
{
  Table table = table_new ();
  GtkWidget *chooser = tess_model_chooser_new (settings->config, "model");

  table_add (&table, _ ("_Model"), chooser,
             tess_model_chooser_combo (TESS_MODEL_CHOOSER (chooser)), NULL);
  add_size (settings, &table);
  table_add_scale (&table, settings, _ ("_Steps"), "steps", 1, 0, 1, 60,
                   _ ("More steps take longer and bring finer detail; beyond "
                      "30 little changes. 8 to 12 are enough to try things."));
  table_add_scale (&table, settings, _ ("G_uidance"), "guidance", 0.5, 1, 1, 15,
                   _ ("How strictly the prompt is followed. Lower it when "
                      "colors look burnt, raise it when the prompt is ignored. "
                      "1: no guidance, twice as fast."));
  table_add_choice (&table, settings, _ ("Samp_ler"), "sampler",
                    _ ("How noise becomes a picture. DPM++ 2M is good in few "
                       "steps; ancestral ones vary more."));
  add_seed (settings, &table);
  if (settings->image)
    table_add_choice (&table, settings, _ ("Keep _as"), "output",
                      _ ("Where a picture goes when you keep it. A layer comes "
                         "above the selected one, with the selection as its "
                         "mask; nothing is painted over."));
  gtk_box_pack_start (GTK_BOX (settings->column), GTK_WIDGET (table.grid),
                      FALSE, FALSE, 0);
}

static void
add_begin (Settings *settings)
{
  Table table = table_new ();
  g_autofree gchar *init = NULL;

  g_object_get (settings->config, "init", &init, NULL);
  table_add_choice (&table, settings, _ ("_From"), "init",
                    _ ("Repaint what is there: for variations, for turning a "
                       "sketch into a painting."));
  table_add_scale (&table, settings, _ ("St_rength"), "strength", 0.05, 2, 0.05,
                   1.0,
                   _ ("How much is painted anew: 0.3 keeps the picture and "
                      "changes its details, 0.8 keeps its masses only."));
  gtk_box_pack_start (GTK_BOX (settings->column),
                      expander_new (_ ("_Begin with the image"),
                                    GTK_WIDGET (table.grid),
                                    g_strcmp0 (init, "none") != 0),
                      FALSE, FALSE, 0);
}

static void
add_objects (Settings *settings)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, SPACE);
  GtkWidget *list = tess_region_list_new (settings->image, settings->config);
  Table table = table_new ();
  GtkWidget *entry
      = gimp_prop_entry_new (settings->config, "selection-prompt", -1);
  g_autoptr (GimpLayer) group = NULL;

  g_object_get (settings->config, "regions", &group, NULL);
  table_add (&table, _ ("_In the selection"), entry, entry,
             _ ("What to paint inside the selection; the prompt is for the "
                "rest. Empty: the selection is nothing special."));
  table_add_scale (&table, settings, _ ("Keep apart"), "bootstrap", 0.05, 2,
                   0.0, 1.0,
                   _ ("Part of the steps in which objects are painted alone. "
                      "Raise it when an object leaves its place or is "
                      "missing, lower it when it looks pasted in."));
  gtk_box_pack_start (GTK_BOX (box), list, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (box), GTK_WIDGET (table.grid), FALSE, FALSE, 0);
  gtk_box_pack_start (
      GTK_BOX (settings->column),
      expander_new (_ ("_Objects in their places"), box, group != NULL), FALSE,
      FALSE, 0);
}

static void
add_advanced (Settings *settings)
{
  Table table = table_new ();
  GtkWidget *view, *scrolled;

  scrolled = text_view_new (
      settings, "loras", 48,
      _ ("LoRA files that change the model, one a line: /path/file.safetensors "
         "or /path/file.safetensors:0.8 to weaken it."),
      &view);
  table_add (&table, _ ("LoRAs"), scrolled, view, NULL);
  table_add_choice (&table, settings, _ ("Grid"), "grid",
                    _ ("Where tiles lie. A ring makes left and right edge "
                       "meet: for panoramas all around."));
  table_add_spin (&table, settings, _ ("Tile"), "tile", 8, 0,
                  _ ("Side of a tile in cells of 8 pixels; 0: the size that "
                     "the model was trained on, nearly always best."));
  table_add_spin (&table, settings, _ ("Overlap"), "overlap", 4, 0,
                  _ ("What tiles share, in cells; -1: half a tile. Less is "
                     "faster, more hides seams better."));
  table_add_choice (&table, settings, _ ("Tile weight"), "weight",
                    _ ("How much the middle of a tile counts against its "
                       "edge. Uniform is the original MultiDiffusion."));
  table_add_spin (&table, settings, _ ("Tiles at once"), "batch", 1, 0,
                  _ ("0: what memory allows. The picture is the same, only "
                     "speed and memory change."));
  table_add_scale (&table, settings, _ ("Guidance rescale"), "guidance-rescale",
                   0.05, 2, 0.0, 1.0,
                   _ ("Against burnt colors at high guidance, above all with "
                      "v models: about 0.7."));
  table_add_scale (&table, settings, _ ("Eta"), "eta", 0.05, 2, 0.0, 1.0,
                   _ ("Fresh noise at each step, with DDIM only; 1 is as much "
                      "as DDPM."));
  table_add_choice (&table, settings, _ ("Spacing"), "spacing",
                    _ ("Where the steps lie on the schedule. Change it only "
                       "when a model's page says so."));
  table_add_choice (&table, settings, _ ("Zero SNR"), "zero-snr",
                    _ ("Start from pure noise. Change it only when a model's "
                       "page says so."));
  table_add_choice (&table, settings, _ ("Prediction"), "prediction",
                    _ ("What the network predicts. When a Stable Diffusion 2 "
                       "file gives brown mud, try the velocity."));
  table_add_spin (&table, settings, _ ("Clip skip"), "clip-skip", 1, 0,
                  _ ("Which layer of the text encoder is read: 1 the last, 2 "
                     "the one before it, as many fine-tunes ask; 0: the "
                     "model's own."));
  table_add_choice (&table, settings, _ ("Decoder"), "vae",
                    _ ("How the canvas becomes pixels. Exact gives the same as "
                       "in one piece; the estimate needs less memory."));
  table_add_choice (&table, settings, _ ("Device"), "device",
                    _ ("What computes. Plain C is for checking only."));
  table_add_choice (&table, settings, _ ("Precision"), "storage",
                    _ ("bfloat16 is faster where the processor has it; the "
                       "picture differs a little."));
  table_add_spin (&table, settings, _ ("Memory, MiB"), "memory", 256, 0,
                  _ ("What the job may take; 0: what is free. Lower it when "
                     "other programs need room."));
  table_add_wide (
      &table,
      gimp_prop_check_button_new (settings->config, "keep-recipe",
                                  _ ("Keep the settings with the picture")),
      _ ("Prompt, seed and all else as a parasite “tessera-run” of "
         "layer and image. Switch it off for pictures whose "
         "prompt is private."));
  gtk_box_pack_start (
      GTK_BOX (settings->column),
      expander_new (_ ("Ad_vanced"), GTK_WIDGET (table.grid), FALSE), FALSE,
      FALSE, 0);
}

static void
settings_free (Settings *settings)
{
  g_object_unref (settings->config);
  g_free (settings);
}

GtkWidget *
tess_studio_settings_new (GObject *config, GimpImage *image)
{
  Settings *settings = g_new0 (Settings, 1);
  GtkWidget *scrolled = gtk_scrolled_window_new (NULL, NULL);

  settings->config = g_object_ref (config);
  settings->image = image;
  settings->column = gtk_box_new (GTK_ORIENTATION_VERTICAL, SPACE);
  gtk_container_set_border_width (GTK_CONTAINER (settings->column), 2);
  gtk_widget_set_margin_end (settings->column, 2 * SPACE);
  add_prompts (settings);
  add_main (settings);
  if (image)
    {
      add_begin (settings);
      add_objects (settings);
    }
  add_advanced (settings);

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

void
tess_studio_settings_show_seed (GtkWidget *widget, gint64 seed)
{
  Settings *settings
      = g_object_get_data (G_OBJECT (widget), "tessera-settings");

  g_signal_handlers_block_by_func (settings->seed, on_seed_changed, settings);
  gtk_spin_button_set_value (GTK_SPIN_BUTTON (settings->seed),
                             (gdouble) (seed & G_MAXINT));
  g_signal_handlers_unblock_by_func (settings->seed, on_seed_changed, settings);
}
