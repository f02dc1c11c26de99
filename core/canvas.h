/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/canvas.h: GeglBuffer <-> planes of numbers: formats, value range,
 * scaling. */
#pragma once

#include <gegl.h>
#include "core/tensor.h"

G_BEGIN_DECLS

/* A new "R'G'B' float" buffer from (0, 0). */
GeglBuffer *tess_canvas_new (gint width, gint height);

/**
 * tess_canvas_write:
 * @planes: [3, h, w] of about -1..1, at (x, y); what lies outside the canvas
 * is dropped, values become 0..1.
 */
/* @rgb of R'G'B' in every pixel of @canvas. GEGL's own fill goes through a
 * colour, whose conversions differ in the last bit from process to process. */
void tess_canvas_fill (GeglBuffer *canvas, const gfloat rgb[3]);

void tess_canvas_write (
    GeglBuffer *canvas, gint x, gint y, gint w, gint h, const gfloat *planes);

/* The other way; beyond the edge the edge goes on. */
void tess_canvas_read (
    GeglBuffer *canvas, gint x, gint y, gint w, gint h, gfloat *planes);

/**
 * tess_canvas_scaled:
 * @buffer's extent brought to width x height from (0, 0), in "R'G'B' float";
 * a mean over the area where it shrinks, cubic where it grows.
 * Errors: TESS_ERROR_REQUEST for an empty buffer.
 */
GeglBuffer *tess_canvas_scaled (GeglBuffer *buffer,
                                gint width,
                                gint height,
                                gboolean wrap_x, /* edges meet */
                                gboolean wrap_y,
                                GError **error);

/**
 * tess_canvas_read_mask:
 * "Y float" of @mask, whose extent is stretched over width x height pixels,
 * as the mean over each cell of @cell pixels: @dst is [cells_h, cells_w].
 * Cells beyond the picture get what the last one has.
 */
gboolean tess_canvas_read_mask (GeglBuffer *mask,
                                gint width,
                                gint height,
                                gint cell,
                                gint cells_w,
                                gint cells_h,
                                gfloat *dst,
                                GError **error);

G_END_DECLS
