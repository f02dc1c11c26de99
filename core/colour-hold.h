/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/colour-hold.h: the last word on a painted picture's colours: each
 * region's mean, as it will be seen, stays near that of the picture that it
 * came from, whatever brought the colours back before. */
#pragma once

#include <gio/gio.h>
#include "core/enlarge.h"

G_BEGIN_DECLS

/* A region's side in pixels, and how far its mean may be off, of the range
 * from low to high. */
#define TESS_HOLD_SIDE 64
#define TESS_HOLD_MOST (1.5 / 255.0)

/**
 * tess_colour_hold:
 * @planes: [style->channels, h, w], w and h at most the style's padded sides;
 * changed in place. @style: where it came from, in the same range; its low and
 * high are where what is painted will be cut off.
 * The mean over any square of TESS_HOLD_SIDE pixels that begins at a multiple
 * of a quarter of it, after cutting off, is brought to within TESS_HOLD_MOST
 * of the style's by adding a soft field; nothing is added where all is so.
 * Three or four passes are usual and twelve where most is cut off; no more than
 * twenty are made, so what is a whole range beyond black or white all over a
 * region may stay off: bring the colours back first (core/colour-fix.h).
 * @band: rows at a time, rounded up to whole cells, 0: 256; the result is the
 * same.
 * Memory: a band of the style, and 1/256 of the planes a few times over.
 * Errors: G_IO_ERROR_CANCELLED.
 */
gboolean tess_colour_hold (gfloat *planes,
                           gint w,
                           gint h,
                           const TessEnlarged *style,
                           gint band,
                           GCancellable *cancellable,
                           GError **error);

G_END_DECLS
