/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/tile-preview.h: the canvas at the size there is: how tiles will cover it,
 * the picture being made, the picture made. */
#pragma once

#include <gtk/gtk.h>
#include "core/generate.h"

G_BEGIN_DECLS

G_DECLARE_FINAL_TYPE (
    TessTilePreview, tess_tile_preview, TESS, TILE_PREVIEW, GtkDrawingArea)

GtkWidget *tess_tile_preview_new (void);

/* The canvas in pixels: its shape is shown while there is no picture. */
void
tess_tile_preview_set_size (TessTilePreview *preview, gint width, gint height);

/* How many tiles there are along each side, 0: none are drawn. */
void tess_tile_preview_set_tiles (TessTilePreview *preview, gint n_x, gint n_y);

/* NULL: the empty canvas again. */
void
tess_tile_preview_set_picture (TessTilePreview *preview, GdkPixbuf *picture);

/* A line in the middle of the empty canvas. */
void tess_tile_preview_set_hint (TessTilePreview *preview, const gchar *hint);

G_END_DECLS
