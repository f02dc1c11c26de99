/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/instance-list.h: the part of the dialog that shows a group's layers as
 * instances: a thumbnail, the text, by what the place is told, and what is
 * wrong with it. What is changed here is changed in the image. Emits "changed"
 * when instances may have become others. */
#pragma once

#include "ui/instance-sketch.h"
#include "ui/tile-preview.h"

G_BEGIN_DECLS

G_DECLARE_FINAL_TYPE (
    TessInstanceList, tess_instance_list, TESS, INSTANCE_LIST, GtkBox)

/* Chooses the group that is the property "instance-layers" of @config. */
GtkWidget *tess_instance_list_new (GimpImage *image, GObject *config);

/* Looks at the image's layers again. */
void tess_instance_list_refresh (TessInstanceList *list);

/* What will be painted: @area in pixels of the image; its edges meet or not.
 * Warnings follow. */
void tess_instance_list_set_canvas (TessInstanceList *list,
                                    const GeglRectangle *area,
                                    gboolean wrap_x,
                                    gboolean wrap_y);

/* What the plan has to say; NULL: nothing. Shown while there are instances. */
void tess_instance_list_set_warning (TessInstanceList *list, const gchar *text);

/* All that the model can put into places, "tree, house"; NULL: anything. */
void tess_instance_list_set_names (TessInstanceList *list, const gchar *names);

/* What to draw over the picture: (element-type TessMark) (transfer full). */
GPtrArray *tess_instance_list_marks (TessInstanceList *list);

/* Visible instances. */
gint tess_instance_list_n (TessInstanceList *list);

G_END_DECLS
