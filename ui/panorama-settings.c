/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/panorama-settings.c: what a panorama can be told beside the rest. */
#include "ui/panorama-settings.h"

#include <glib/gi18n-lib.h>
#include "ui/choices.h"

#define SPACE 6
#define BAND 256 /* pixels, when the seam's closing is switched on */

static gboolean
is_sphere (GObject *config)
{
  g_autofree gchar *shape = NULL;

  g_object_get (config, "shape", &shape, NULL);
  return g_strcmp0 (shape, "sphere") == 0;
}

static void
follow_width (GObject *config)
{
  gint width, height;

  g_object_get (config, "width", &width, "height", &height, NULL);
  if (is_sphere (config) && width > 0 && height != width / 2)
    g_object_set (config, "height", width / 2, NULL);
}

static void
on_width_or_shape (GObject *config, GParamSpec *pspec, GtkWidget *widget)
{
  follow_width (config);
}

static void
on_height (GObject *config, GParamSpec *pspec, GtkWidget *widget)
{
  gint width, height;

  g_object_get (config, "width", &width, "height", &height, NULL);
  if (is_sphere (config) && height > 0 && width / 2 != height)
    g_object_set (config, "width", 2 * height, NULL);
}

void
tess_row_shape (TessStudioSettings *settings, TessTable *table)
{
  GtkWidget *combo = tess_table_add_choice (
      table, _ ("S_hape"), "shape",
      _ ("A full sphere shows sky and ground too and is twice as wide as high. "
         "A strip all around closes as well; in a wide one the ends stay open. "
         "A texture can be laid beside itself."));

  follow_width (settings->config);
  g_signal_connect_object (settings->config, "notify::shape",
                           G_CALLBACK (on_width_or_shape), combo, 0);
  g_signal_connect_object (settings->config, "notify::width",
                           G_CALLBACK (on_width_or_shape), combo, 0);
  g_signal_connect_object (settings->config, "notify::height",
                           G_CALLBACK (on_height), combo, 0);
}

void
tess_row_trigger (TessStudioSettings *settings, TessTable *table)
{
  GtkWidget *entry = gimp_prop_entry_new (settings->config, "trigger", -1);

  tess_table_add (
      table, _ ("LoRA's words"), entry, entry,
      _ ("Put first in the prompt when there is a LoRA: what it was trained to "
         "hear. StitchDiffusion's is “360-degree panoramic image”."));
}

/* The number is the setting; the switch is 0 or something. */
typedef struct
{
  GObject *config;
  const gchar *property;
  GtkWidget *toggle;
  GtkWidget *rows;
  gdouble usual;
} Switched;

static gdouble
get_number (Switched *s)
{
  g_auto (GValue) value = G_VALUE_INIT;

  g_value_init (&value, G_TYPE_DOUBLE);
  g_object_get_property (s->config, s->property, &value);
  return g_value_get_double (&value);
}

static void
on_toggled (GtkToggleButton *toggle, Switched *s)
{
  gboolean on = gtk_toggle_button_get_active (toggle);
  g_auto (GValue) value = G_VALUE_INIT;

  gtk_widget_set_sensitive (s->rows, on);
  if (on == (get_number (s) > 0.0))
    return;
  g_value_init (&value, G_TYPE_DOUBLE);
  g_value_set_double (&value, on ? s->usual : 0.0);
  g_object_set_property (s->config, s->property, &value);
}

static void
on_number (GObject *config, GParamSpec *pspec, GtkWidget *toggle)
{
  Switched *s = g_object_get_data (G_OBJECT (toggle), "tessera-switched");

  gtk_toggle_button_set_active (GTK_TOGGLE_BUTTON (toggle),
                                get_number (s) > 0.0);
}

/* A note, a switch and the @rows that it makes sensitive. */
static void
add_switched (TessStudioSettings *settings,
              const gchar *title,
              const gchar *note,
              const gchar *text,
              TessTable *rows,
              const gchar *property,
              gdouble usual)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, SPACE);
  GtkWidget *toggle = gtk_check_button_new_with_mnemonic (text);
  g_autofree gchar *detail = g_strconcat ("notify::", property, NULL);
  Switched *s = g_new0 (Switched, 1);

  *s = (Switched) { settings->config, property, toggle, GTK_WIDGET (rows->grid),
                    usual };
  g_object_set_data_full (G_OBJECT (toggle), "tessera-switched", s, g_free);
  gtk_box_pack_start (GTK_BOX (box), tess_note_new (note), FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (box), toggle, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (box), s->rows, FALSE, FALSE, 0);
  gtk_widget_set_margin_start (s->rows, 4 * SPACE);
  g_signal_connect (toggle, "toggled", G_CALLBACK (on_toggled), s);
  g_signal_connect_object (settings->config, detail, G_CALLBACK (on_number),
                           toggle, 0);
  gtk_toggle_button_set_active (GTK_TOGGLE_BUTTON (toggle),
                                get_number (s) > 0.0);
  gtk_widget_set_sensitive (s->rows, get_number (s) > 0.0);
  gtk_box_pack_start (GTK_BOX (settings->column),
                      tess_expander_new (title, box, get_number (s) > 0.0),
                      FALSE, FALSE, 0);
}

void
tess_section_close_seam (TessStudioSettings *settings)
{
  TessTable table;

  if (!settings->image)
    return;
  table = tess_table_new (settings->config);
  tess_table_add_spin (&table, _ ("Band, pixels"), "close", 64, 0,
                       _ ("How wide a band about the seam is painted. Wider "
                          "when the two sides have little in common."));
  add_switched (settings, _ ("Close the seam of this image"),
                _ ("For a photograph or painting that nearly goes around: only "
                   "a band where its edges meet is painted, the rest stays as "
                   "it is. Say in the prompt what the picture shows."),
                _ ("Paint only about the seam"), &table, "close", BAND);
}

void
tess_section_poles (TessStudioSettings *settings)
{
  static const TessScale range = { 0.05, 1.0, 0.05, 2 };
  TessTable table = tess_table_new (settings->config);

  tess_table_add_scale (&table, _ ("How much"), "poles", &range,
                        _ ("0.4 keeps what is there and straightens it; more "
                           "invents anew."));
  add_switched (settings, _ ("Zenith and nadir"),
                _ ("Straight up and down a panorama is easily pinched. Both "
                   "are painted once more as they are seen, which takes two "
                   "more pictures. For full spheres."),
                _ ("Repaint zenith and nadir"), &table, "poles", 0.4);
}
