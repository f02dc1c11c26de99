/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/tile-preview.h: the canvas at the size there is: how tiles will cover it,
 * the picture being made, the picture made. */
#pragma once

#include <gtk/gtk.h>
#include "core/generate.h"

G_BEGIN_DECLS

G_DECLARE_FINAL_TYPE (
    TessTilePreview, tess_tile_preview, TESS, TILE_PREVIEW, GtkDrawingArea)

/* Signal "picked" (x, y, both 0..1 of the canvas): it was pressed there. */
GtkWidget *tess_tile_preview_new (void);

/* The canvas in pixels: its shape is shown while there is no picture. */
void
tess_tile_preview_set_size (TessTilePreview *preview, gint width, gint height);

/* How many tiles there are along each side, 0: none are drawn. */
void tess_tile_preview_set_tiles (TessTilePreview *preview, gint n_x, gint n_y);

/* NULL: the empty canvas again. */
void
tess_tile_preview_set_picture (TessTilePreview *preview, GdkPixbuf *picture);

/* Something drawn over canvas and picture, with its name. */
typedef struct
{
  gchar *text;
  GPtrArray *lines; /* of GArray of gdouble, x and y in turn, in pixels of the
                       canvas; a line of one point is a point */
  gboolean closed;  /* each line ends where it begins */
} TessMark;

void tess_mark_free (gpointer mark);

/* A line as a path of @cr, @scale times as large, from @origin on. */
void tess_mark_draw_line (cairo_t *cr,
                          const GArray *line,
                          const gdouble origin[2],
                          gdouble scale,
                          gboolean closed);

/* Replaces those before. (element-type TessMark) (transfer full), may be NULL.
 * They show as long as the canvas is @width x @height; where edges meet
 * (@wrap_x, @wrap_y) what passes one comes in at the other. */
void tess_tile_preview_set_marks (TessTilePreview *preview,
                                  GPtrArray *marks,
                                  gint width,
                                  gint height,
                                  gboolean wrap_x,
                                  gboolean wrap_y);

/* A line in the middle of the empty canvas. */
void tess_tile_preview_set_hint (TessTilePreview *preview, const gchar *hint);

G_END_DECLS
