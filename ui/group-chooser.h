/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/group-chooser.h: the image's layer groups in a combo box, and a button
 * that looks at the layers again. Emits "chosen" when another group is chosen
 * and when the layers are looked at again. */
#pragma once

#include <gtk/gtk.h>
#include <libgimp/gimp.h>

G_BEGIN_DECLS

G_DECLARE_FINAL_TYPE (
    TessGroupChooser, tess_group_chooser, TESS, GROUP_CHOOSER, GtkBox)

/* Chooses the layer property @property of @config. */
GtkWidget *tess_group_chooser_new (GimpImage *image,
                                   GObject *config,
                                   const gchar *property,
                                   const gchar *tip);

/* Looks at the image's layers again. */
void tess_group_chooser_refresh (TessGroupChooser *chooser);

/* The layers of the group, ends with NULL; NULL: there is no group. The array
 * is the caller's, its items are borrowed. */
GimpItem **tess_group_chooser_children (TessGroupChooser *chooser);

G_END_DECLS
