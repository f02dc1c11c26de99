/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/model-chooser.h: the models found, and a button that adds a folder where
 * more of them lie; added folders are remembered (ui/settings.h). */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

G_DECLARE_FINAL_TYPE (
    TessModelChooser, tess_model_chooser, TESS, MODEL_CHOOSER, GtkBox)

/* Chooses the string property @property of @config: a model's name, or the
 * path of one that two folders have under the same name. */
GtkWidget *tess_model_chooser_new (GObject *config, const gchar *property);

/* Where only some models will do. Each gets the settings. */
typedef struct
{
  GPtrArray *(*list) (GObject *config); /* of TessModelEntry, transfer full */
  /* The path of the one called @name, which may be empty; NULL: none. */
  gchar *(*resolve) (GObject *config, const gchar *name);
  const gchar *tip, *none; /* N_() */
} TessModelKind;

/* @kind must stay. */
GtkWidget *tess_model_chooser_new_of (GObject *config,
                                      const gchar *property,
                                      const TessModelKind *kind);

/* Lists the models anew. */
void tess_model_chooser_fill (TessModelChooser *chooser);

/* For a label's mnemonic. */
GtkWidget *tess_model_chooser_combo (TessModelChooser *chooser);

G_END_DECLS
