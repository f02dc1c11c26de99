/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/upscale-settings.c: settings of pictures painted larger. */
#include "ui/upscale-settings.h"

#include <math.h>
#include <glib/gi18n-lib.h>
#include "ui/model-chooser.h"
#include "ui/models.h"
#include "ui/upscalers.h"

#define SPACE 6

void
tess_upscale_size (
    GObject *config, gint from_w, gint from_h, gint *width, gint *height)
{
  gdouble scale;
  gint w, h;

  g_object_get (config, "scale", &scale, "width", &w, "height", &h, NULL);
  if (w > 0)
    scale = (gdouble) w / from_w;
  else if (h > 0)
    scale = (gdouble) h / from_h;
  if (w <= 0)
    w = (gint) CLAMP (floor (from_w * scale), 1, GIMP_MAX_IMAGE_SIZE);
  if (h <= 0)
    h = (gint) CLAMP (floor (from_h * scale), 1, GIMP_MAX_IMAGE_SIZE);
  *width = w;
  *height = h;
}

/* --- the model and what is added to it ------------------------------------ */

static gboolean
has_addition (GObject *config)
{
  g_autofree gchar *path = NULL;

  g_object_get (config, "upscale-model", &path, NULL);
  return path && *path;
}

/* Those that can, or any where the weights come from another file. */
static GPtrArray *
list_upscalers (GObject *config)
{
  return tess_upscalers_list (has_addition (config)
                                  ? TESS_HOLDS_MODEL
                                  : TESS_HOLDS_MODEL | TESS_HOLDS_STRUCTURE,
                              0);
}

static gchar *
resolve_upscaler (GObject *config, const gchar *name)
{
  if ((name == NULL || *name == '\0') && !has_addition (config))
    return tess_upscalers_first (NULL);
  return tess_models_resolve (name, NULL);
}

void
tess_row_upscaler (TessStudioSettings *settings, TessTable *table)
{
  static const TessModelKind kind = {
    .list = list_upscalers,
    .resolve = resolve_upscaler,
    .tip = N_ ("What paints: models that StableSR's weights belong to. With "
               "weights of another file, under Advanced, any Stable Diffusion "
               "2.1."),
    .none = N_ ("No model that can upscale"),
  };
  GtkWidget *chooser
      = tess_model_chooser_new_of (settings->config, "model", &kind);

  tess_table_add (table, _ ("_Model"), chooser,
                  tess_model_chooser_combo (TESS_MODEL_CHOOSER (chooser)),
                  NULL);
  g_signal_connect_object (settings->config, "notify::upscale-model",
                           G_CALLBACK (tess_model_chooser_fill), chooser,
                           G_CONNECT_SWAPPED);
}

static void
on_file (GtkComboBox *combo, GObject *config)
{
  const gchar *property = g_object_get_data (G_OBJECT (combo), "property");
  const gchar *id = gtk_combo_box_get_active_id (combo);

  if (id)
    g_object_set (config, property, id, NULL);
}

/* A file that holds @holds and no model, or the model's own. */
static void
add_file (TessTable *table,
          const gchar *text,
          const gchar *property,
          guint holds,
          const gchar *tip)
{
  GtkWidget *combo = gtk_combo_box_text_new ();
  GtkComboBoxText *rows = GTK_COMBO_BOX_TEXT (combo);
  g_autoptr (GPtrArray) files = tess_upscalers_list (holds, TESS_HOLDS_MODEL);
  g_autofree gchar *chosen = NULL;

  g_object_get (table->config, property, &chosen, NULL);
  gtk_combo_box_text_append (rows, "", _ ("The model's own"));
  for (guint i = 0; i < files->len; i++)
    {
      const TessModelEntry *entry = files->pdata[i];

      gtk_combo_box_text_append (rows, entry->path, entry->name);
    }
  if (!gtk_combo_box_set_active_id (GTK_COMBO_BOX (combo),
                                    chosen ? chosen : ""))
    {
      gtk_combo_box_text_append (rows, chosen, chosen);
      gtk_combo_box_set_active_id (GTK_COMBO_BOX (combo), chosen);
    }
  g_object_set_data (G_OBJECT (combo), "property", (gpointer) property);
  g_signal_connect (combo, "changed", G_CALLBACK (on_file), table->config);
  tess_table_add (table, text, combo, combo, tip);
}

void
tess_row_upscale_files (TessStudioSettings *settings, TessTable *table)
{
  add_file (table, _ ("Weights"), "upscale-model", TESS_HOLDS_STRUCTURE,
            _ ("StableSR's module as a file of its own, for a Stable Diffusion "
               "2.1 that has none."));
  add_file (table, _ ("Decoder's weights"), "upscale-decoder",
            TESS_HOLDS_FUSION,
            _ ("vqgan_cfw_00011.ckpt: what makes the decoder look at the "
               "picture, so that fidelity has a say. Made for the model of 512 "
               "pixels."));
}

/* --- what and how far ------------------------------------------------------
 */

void
tess_row_source (TessStudioSettings *settings, TessTable *table)
{
  tess_table_add_choice (
      table, _ ("W_hat"), "source",
      _ ("What becomes larger; of it only the selection, where something is "
         "selected. What is transparent stays so."));
}

typedef struct
{
  TessStudioSettings *settings;
  GtkWidget *sides[2]; /* width, height */
  GtkWidget *shape;    /* whether one side tells the other */
  gboolean showing;
} Size;

static void
show_size (Size *size)
{
  TessStudioSettings *settings = size->settings;
  gint from_w, from_h, shown[2];

  if (!settings->kind->extent (settings->config, settings->image, &from_w,
                               &from_h))
    return;
  tess_upscale_size (settings->config, from_w, from_h, &shown[0], &shown[1]);
  size->showing = TRUE;
  for (gint i = 0; i < 2; i++)
    gtk_spin_button_set_value (GTK_SPIN_BUTTON (size->sides[i]), shown[i]);
  size->showing = FALSE;
}

/* A scale is another way to say it: then no side is given. */
static void
on_scale (Size *size)
{
  g_object_set (size->settings->config, "width", 0, "height", 0, NULL);
  show_size (size);
}

static void
on_side (GtkSpinButton *spin, Size *size)
{
  GObject *config = size->settings->config;
  gboolean keep
      = gtk_toggle_button_get_active (GTK_TOGGLE_BUTTON (size->shape));
  gint value[2];

  if (size->showing)
    return;
  for (gint i = 0; i < 2; i++)
    value[i] = keep && GTK_WIDGET (spin) != size->sides[i]
                   ? 0
                   : gtk_spin_button_get_value_as_int (
                         GTK_SPIN_BUTTON (size->sides[i]));
  g_object_set (config, "width", value[0], "height", value[1], NULL);
  show_size (size);
}

static void
on_shape (GtkToggleButton *shape, Size *size)
{
  if (gtk_toggle_button_get_active (shape))
    on_side (GTK_SPIN_BUTTON (size->sides[0]), size);
}

static GtkWidget *
side_new (Size *size, gint i)
{
  size->sides[i] = gtk_spin_button_new_with_range (1, GIMP_MAX_IMAGE_SIZE, 1);
  gtk_entry_set_width_chars (GTK_ENTRY (size->sides[i]), 6);
  return size->sides[i];
}

void
tess_row_scale (TessStudioSettings *settings, TessTable *table)
{
  Size *size = g_new0 (Size, 1);
  GtkWidget *line = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, SPACE);
  GtkWidget *scale
      = gimp_prop_spin_button_new (settings->config, "scale", 1, 1, 2);
  gint w, h;

  *size = (Size) { .settings = settings };
  g_object_get (settings->config, "width", &w, "height", &h, NULL);
  size->shape = gtk_check_button_new_with_label (_ ("Keep the shape"));
  gtk_toggle_button_set_active (GTK_TOGGLE_BUTTON (size->shape),
                                w == 0 || h == 0);
  gtk_spin_button_set_range (GTK_SPIN_BUTTON (scale), 0.25, 16.0);
  tess_table_add (table, _ ("_Scale"), scale, scale,
                  _ ("How many times larger. 4 is what the weights were made "
                     "for; 1 keeps the size and mends what is blurred."));
  gtk_box_pack_start (GTK_BOX (line), side_new (size, 0), TRUE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (line), gtk_label_new ("×"), FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (line), side_new (size, 1), TRUE, TRUE, 0);
  tess_table_add (table, _ ("Si_ze"), line, size->sides[0],
                  _ ("The result in pixels, where it has to be exact."));
  gtk_grid_attach (table->grid, size->shape, 1, table->row++, 1, 1);
  show_size (size);
  for (gint i = 0; i < 2; i++)
    g_signal_connect (size->sides[i], "value-changed", G_CALLBACK (on_side),
                      size);
  g_signal_connect (size->shape, "toggled", G_CALLBACK (on_shape), size);
  g_object_set_data_full (G_OBJECT (line), "tessera-size", size, g_free);
  g_signal_connect_data (scale, "value-changed", G_CALLBACK (on_scale), size,
                         NULL, G_CONNECT_SWAPPED);
}

/* --- how well --------------------------------------------------------------
 */

void
tess_row_quality (TessStudioSettings *settings, TessTable *table)
{
  tess_table_add_choice (
      table, _ ("_Quality"), "quality",
      _ ("How long it may take. Try a spot with Quick or Fast, then paint the "
         "whole with Good; Reference is as published, and seldom worth its "
         "time."));
}

void
tess_row_fidelity (TessStudioSettings *settings, TessTable *table)
{
  static const TessScale range = { 0.0, 1.0, 0.05, 2 };

  tess_table_add_scale (
      table, _ ("_Fidelity"), "fidelity", &range,
      _ ("How much the decoder keeps to the picture. Raise it where faces or "
         "letters change, lower it where the result stays blurred. Without "
         "effect where the model's decoder does not look at the picture."));
}

void
tess_row_colours (TessStudioSettings *settings, TessTable *table)
{
  tess_table_add_choice (
      table, _ ("C_olors"), "colours",
      _ ("How colors are brought back to those of the picture, which the model "
         "would shift. Wavelet is right nearly always."));
}

/* The reason stands where the choice cannot be made. */
static void
on_second_model (GObject *config, GParamSpec *pspec, GtkWidget *combo)
{
  GtkWidget *reason = g_object_get_data (G_OBJECT (combo), "tessera-reason");
  g_autofree gchar *model = NULL;
  g_autofree gchar *path = NULL;
  gboolean can;

  g_object_get (config, "model", &model, NULL);
  path = tess_models_resolve (model, NULL);
  can = path && tess_upscalers_can (path);
  gtk_widget_set_sensitive (combo, can);
  gtk_widget_set_visible (reason, !can);
}

void
tess_row_second (TessStudioSettings *settings, TessTable *table)
{
  GtkWidget *combo = tess_table_add_choice (
      table, _ ("Large picture"), "second",
      _ ("How the large picture is made of the small one: upscaled it keeps to "
         "it and is sharp; painted anew it changes as far as Detail says."));
  GtkWidget *reason
      = tess_note_new (_ ("This model has no weights for upscaling: the large "
                          "picture is painted anew."));

  tess_table_add_wide (table, reason, NULL);
  gtk_widget_show_all (reason);
  gtk_widget_set_no_show_all (reason, TRUE);
  g_object_set_data (G_OBJECT (combo), "tessera-reason", reason);
  g_signal_connect_object (settings->config, "notify::model",
                           G_CALLBACK (on_second_model), combo, 0);
  on_second_model (settings->config, NULL, combo);
}

void
tess_row_own_steps (TessStudioSettings *settings, TessTable *table)
{
  tess_table_add_spin (table, _ ("Steps"), "steps", 1, 0,
                       _ ("0: as the quality says."));
}

void
tess_section_words (TessStudioSettings *settings)
{
  static const TessScale range = { 1, 15, 0.5, 1 };
  TessTable table = tess_table_new (settings->config);
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, SPACE);
  g_autofree gchar *prompt = NULL;
  GtkWidget *view;

  g_object_get (settings->config, "prompt", &prompt, NULL);
  gtk_box_pack_start (
      GTK_BOX (box),
      tess_text_view_new (settings->config, "prompt", 56,
                          _ ("What the picture shows. Nothing need be said; "
                             "words help where a thing is hard to make out."),
                          &view),
      FALSE, FALSE, 0);
  tess_table_add_wide (
      &table,
      tess_text_view_new (settings->config, "negative", 56,
                          _ ("What to keep away from, such as “painting, "
                             "cartoon”. Needs a guidance above 1."),
                          &view),
      NULL);
  tess_table_add_scale (&table, _ ("Guidance"), "guidance", &range,
                        _ ("How strictly the words are followed; 1: as they "
                           "come, twice as fast."));
  gtk_box_pack_start (GTK_BOX (box), GTK_WIDGET (table.grid), FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (settings->column),
                      tess_expander_new (_ ("_Prompt"), box, prompt && *prompt),
                      FALSE, FALSE, 0);
}
