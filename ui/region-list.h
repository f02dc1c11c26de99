/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/region-list.h: the part of the dialog that shows a group's layers as
 * objects in their places: what is painted there, by regions. */
#pragma once

#include <gtk/gtk.h>
#include <libgimp/gimp.h>

G_BEGIN_DECLS

G_DECLARE_FINAL_TYPE (
    TessRegionList, tess_region_list, TESS, REGION_LIST, GtkBox)

/* Chooses the group that is the property "regions" of @config. */
GtkWidget *tess_region_list_new (GimpImage *image, GObject *config);

G_END_DECLS
