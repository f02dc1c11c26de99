/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/split-view.h: one picture before and after something was done to it,
 * parted by a line that is drawn with the mouse or moved with the arrow keys.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

G_DECLARE_FINAL_TYPE (
    TessSplitView, tess_split_view, TESS, SPLIT_VIEW, GtkDrawingArea)

/* @hint: a line while there is nothing to compare. */
GtkWidget *tess_split_view_new (const gchar *hint);

/* Both are shown as large as @before, which is enlarged by whole pixels where
 * there is room. @after NULL: not yet; @before NULL: nothing is. */
void
tess_split_view_set (TessSplitView *view, GdkPixbuf *before, GdkPixbuf *after);

G_END_DECLS
