/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/setting-sections.c: the prompt, and what is folded away below the first
 * page. */
#include "ui/studio-settings.h"

#include <glib/gi18n-lib.h>
#include <libgimp/gimpui.h>
#include "ui/card-row.h"
#include "ui/choices.h"
#include "ui/lora-list.h"
#include "ui/region-list.h"

#define SPACE 6

static const TessScale whole = { 0.0, 1.0, 0.05, 2 };
static const TessScale from_little = { 0.05, 1.0, 0.05, 2 };

static gboolean
has_text (TessStudioSettings *settings, const gchar *property)
{
  g_autofree gchar *text = NULL;

  g_object_get (settings->config, property, &text, NULL);
  return text && *text;
}

void
tess_section_prompts (TessStudioSettings *settings)
{
  GtkWidget *label = gtk_label_new_with_mnemonic (_ ("_Prompt"));
  GtkWidget *view, *negative, *scrolled;

  gtk_label_set_xalign (GTK_LABEL (label), 0.0);
  scrolled = tess_text_view_new (
      settings->config, "prompt", 84,
      _ ("What to paint, in plain words. (word:1.3) gives a word more weight, "
         "(word:0.7) less."),
      &view);
  settings->prompt = view;
  gtk_label_set_mnemonic_widget (GTK_LABEL (label), view);
  gtk_box_pack_start (GTK_BOX (settings->column), label, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (settings->column), scrolled, FALSE, FALSE, 0);

  scrolled = tess_text_view_new (
      settings->config, "negative", 56,
      _ ("What to keep away from, such as “text, blurry”. Needs a guidance "
         "above 1."),
      &negative);
  gtk_box_pack_start (GTK_BOX (settings->column),
                      tess_expander_new (_ ("_Negative prompt"), scrolled,
                                         has_text (settings, "negative")),
                      FALSE, FALSE, 0);
}

void
tess_section_begin (TessStudioSettings *settings)
{
  TessTable table;
  g_autofree gchar *init = NULL;

  if (!settings->image)
    return;
  table = tess_table_new (settings->config);
  g_object_get (settings->config, "init", &init, NULL);
  tess_table_add_choice (
      &table, _ ("_From"), "init",
      _ ("Repaint what is there: for variations, for turning a "
         "sketch into a painting."));
  tess_table_add_scale (
      &table, _ ("St_rength"), "strength", &from_little,
      _ ("How much is painted anew: 0.3 keeps the picture and "
         "changes its details, 0.8 keeps its masses only."));
  gtk_box_pack_start (GTK_BOX (settings->column),
                      tess_expander_new (_ ("_Begin with the image"),
                                         GTK_WIDGET (table.grid),
                                         g_strcmp0 (init, "none") != 0),
                      FALSE, FALSE, 0);
}

void
tess_section_objects (TessStudioSettings *settings)
{
  g_autoptr (GimpLayer) group = NULL;
  GtkWidget *box, *list, *entry;
  TessTable table;

  if (!settings->image)
    return;
  box = gtk_box_new (GTK_ORIENTATION_VERTICAL, SPACE);
  list = tess_region_list_new (settings->image, settings->config);
  entry = gimp_prop_entry_new (settings->config, "selection-prompt", -1);
  table = tess_table_new (settings->config);
  g_object_get (settings->config, "regions", &group, NULL);
  tess_table_add (
      &table, _ ("In the selection"), entry, entry,
      _ ("What to paint inside the selection; the prompt is for the "
         "rest. Empty: the selection is nothing special."));
  tess_table_add_scale (
      &table, _ ("Keep apart"), "bootstrap", &whole,
      _ ("Part of the steps in which objects are painted alone. "
         "Raise it when an object leaves its place or is "
         "missing, lower it when it looks pasted in."));
  gtk_box_pack_start (GTK_BOX (box), list, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (box), GTK_WIDGET (table.grid), FALSE, FALSE, 0);
  gtk_box_pack_start (
      GTK_BOX (settings->column),
      tess_expander_new (_ ("_Objects in their places"), box, group != NULL),
      FALSE, FALSE, 0);
}

static void
add_method (TessTable *table, const gchar *const *methods)
{
  GtkWidget *combo
      = tess_choice_combo_new_of (table->config, "method", methods);

  tess_table_add (
      table, _ ("Method"), combo, combo,
      _ ("How tiles work together. The first one is right nearly always; take "
         "a fast one to try things, or the one that a LoRA was made with."));
}

void
tess_section_advanced (TessStudioSettings *settings)
{
  TessTable table = tess_table_new (settings->config);
  GtkWidget *loras = tess_lora_list_new (settings->config);

  tess_table_add (&table, _ ("LoRAs"), loras, loras, NULL);
  for (const TessRow *row = settings->kind->more_rows; row && *row; row++)
    (*row) (settings, &table);
  if (settings->kind->methods)
    add_method (&table, settings->kind->methods);
  tess_table_add_choice (&table, _ ("Edges that meet"), "wrap",
                         _ ("Left and right for panoramas, all four for "
                            "textures that repeat without a seam."));
  tess_table_add_choice (&table, _ ("Grid"), "grid",
                         _ ("Where tiles lie; seldom worth a change."));
  tess_table_add_spin (
      &table, _ ("Tile"), "tile", 8, 0,
      _ ("Side of a tile in cells of 8 pixels; 0: the size that "
         "the model was trained on, nearly always best."));
  tess_table_add_spin (
      &table, _ ("Overlap"), "overlap", 4, 0,
      _ ("What tiles share, in cells; -1: half a tile. Less is "
         "faster, more hides seams better."));
  tess_table_add_choice (&table, _ ("Tile weight"), "weight",
                         _ ("How much the middle of a tile counts against its "
                            "edge. Uniform is the original MultiDiffusion."));
  tess_table_add_spin (
      &table, _ ("Tiles at once"), "batch", 1, 0,
      _ ("0: what memory allows. The picture is the same, only "
         "speed and memory change."));
  tess_table_add_scale (
      &table, _ ("Guidance rescale"), "guidance-rescale", &whole,
      _ ("Against burnt colors at high guidance, above all with "
         "v models: about 0.7."));
  tess_table_add_scale (
      &table, _ ("Eta"), "eta", &whole,
      _ ("Fresh noise at each step, with DDIM only; 1 is as much "
         "as DDPM."));
  tess_table_add_choice (
      &table, _ ("Spacing"), "spacing",
      _ ("Where the steps lie on the schedule. Change it only "
         "when a model's page says so."));
  tess_table_add_choice (
      &table, _ ("Zero SNR"), "zero-snr",
      _ ("Start from pure noise. Change it only when a model's "
         "page says so."));
  tess_table_add_choice (
      &table, _ ("Prediction"), "prediction",
      _ ("What the network predicts. When a Stable Diffusion 2 "
         "file gives brown mud, try the velocity."));
  tess_table_add_spin (
      &table, _ ("Clip skip"), "clip-skip", 1, 0,
      _ ("Which layer of the text encoder is read: 1 the last, 2 "
         "the one before it, as many fine-tunes ask; 0: the "
         "model's own."));
  tess_table_add_choice (
      &table, _ ("Decoder"), "vae",
      _ ("How the canvas becomes pixels. Exact gives the same as "
         "in one piece; the estimate needs less memory."));
  tess_table_add_choice (&table, _ ("Device"), "device",
                         _ ("What computes. Automatic takes the graphics card "
                            "where there is one that works; change it when a "
                            "picture goes wrong. Plain C is for checking "
                            "only."));
  tess_card_row_add (&table);
  tess_table_add_choice (
      &table, _ ("Precision"), "storage",
      _ ("float16 is for graphics cards, bfloat16 is faster where "
         "the processor has it; the picture differs a little."));
  tess_table_add_spin (
      &table, _ ("Memory, MiB"), "memory", 256, 0,
      _ ("What the job may take; 0: what is free. Lower it when "
         "other programs need room."));
  tess_table_add_switch (
      &table, _ ("Keep the settings with the picture"), "keep-recipe",
      _ ("Prompt, seed and all else as a parasite “tessera-run” of "
         "layer and image. Switch it off for pictures whose "
         "prompt is private."));
  gtk_box_pack_start (
      GTK_BOX (settings->column),
      tess_expander_new (_ ("Ad_vanced"), GTK_WIDGET (table.grid), FALSE),
      FALSE, FALSE, 0);
}
