/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/studio-settings.h: the dialog's column of settings. */
#pragma once

#include <libgimp/gimpui.h>

G_BEGIN_DECLS

/* @image may be NULL: then what concerns an image is left out. All settings
 * are properties of @config and change with it. */
GtkWidget *tess_studio_settings_new (GObject *config, GimpImage *image);

/* Shows the seed of a picture just made. */
void tess_studio_settings_show_seed (GtkWidget *settings, gint64 seed);

G_END_DECLS
