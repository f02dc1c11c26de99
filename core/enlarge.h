/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/enlarge.h: a picture brought to another size, part by part: what is
 * asked for is worked out, so that the large picture needs no memory.
 * Cubic convolution with A = -0.75 and half-pixel centres, the edge going on,
 * no averaging where it shrinks; agrees with PyTorch's bicubic interpolate.
 * Source: Keys 1981, eq. 15. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  const gfloat *src; /* [channels, src_h, src_w], borrowed */
  gint channels;
  gint src_w, src_h;
  gint width, height;      /* what it is brought to */
  gint padded_w, padded_h; /* at least that: beyond the edge the picture is
                              mirrored, edge not repeated, as often as needed;
                              one cell is repeated */
  gfloat low, high; /* numbers are kept within them; both 0: they are not */
} TessEnlarged;

/* [channels, h, w] of a rectangle within padded_w x padded_h. */
void tess_enlarged_read (const TessEnlarged *enlarged,
                         gint x,
                         gint y,
                         gint w,
                         gint h,
                         gfloat *planes);

/* Fills padded_w and padded_h: where a side is no multiple of @align both go
 * beyond to the next one, as StableSR does; none is below @least, a multiple
 * of @align. */
void tess_enlarged_pad (TessEnlarged *enlarged, gint align, gint least);

/**
 * tess_enlarged_sizes:
 * Fills width, height, padded_w and padded_h as StableSR does: sides times
 * max (@scale, @shorter / the shorter side), rounded down, padded.
 * Returns: FALSE where a side would be above 2^20.
 */
gboolean tess_enlarged_sizes (TessEnlarged *enlarged,
                              gdouble scale,
                              gint shorter,
                              gint align);

G_END_DECLS
