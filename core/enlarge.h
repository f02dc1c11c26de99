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
  gint width, height; /* what it is brought to */
  gint padded_w;      /* at least width and at most twice it less one: beyond */
  gint padded_h;      /* the edge the picture is mirrored, edge not repeated */
  gfloat low, high;   /* numbers are kept within them; both 0: they are not */
} TessEnlarged;

/* [channels, h, w] of a rectangle within padded_w x padded_h. */
void tess_enlarged_read (const TessEnlarged *enlarged,
                         gint x,
                         gint y,
                         gint w,
                         gint h,
                         gfloat *planes);

/**
 * tess_enlarged_sizes:
 * Fills width, height, padded_w and padded_h as StableSR does: sides times
 * max (@scale, @shorter / the shorter side), rounded down; where one of them
 * is no multiple of @align both go beyond the next one. @scale_done, where
 * given, becomes the factor taken.
 * Returns: FALSE where a side would be above 2^20, or mirroring would reach
 * over the picture: it is too thin.
 */
gboolean tess_enlarged_sizes (TessEnlarged *enlarged,
                              gdouble scale,
                              gint shorter,
                              gint align,
                              gdouble *scale_done);

G_END_DECLS
