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

/* For a label's mnemonic. */
GtkWidget *tess_model_chooser_combo (TessModelChooser *chooser);

G_END_DECLS
