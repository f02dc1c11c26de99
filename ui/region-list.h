/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/region-list.h: objects as layers of a group: what each asks for, and the
 * part of the dialog that shows them. */
#pragma once

#include <gtk/gtk.h>
#include <libgimp/gimp.h>

G_BEGIN_DECLS

/* What a layer of a group asks for: its parasite "tessera-object", else its
 * name without GIMP's " #1" and " copy". (transfer full) */
gchar *tess_region_text (GimpItem *item);

/* The group at the top level called "Tessera objects", borrowed; NULL: there
 * is none. */
GimpItem *tess_regions_find (GimpImage *image);

G_DECLARE_FINAL_TYPE (
    TessRegionList, tess_region_list, TESS, REGION_LIST, GtkBox)

/* Chooses the group that is the property "regions" of @config. */
GtkWidget *tess_region_list_new (GimpImage *image, GObject *config);

/* Looks at the image's layers again. */
void tess_region_list_refresh (TessRegionList *list);

G_END_DECLS
