/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/upscale.h: a picture to be painted larger: what the networks are shown
 * of it, and what becomes of what they painted.
 * Source: Wang 2023 (StableSR). */
#pragma once

#include <gegl.h>
#include "core/colour-fix.h"

G_BEGIN_DECLS

typedef struct
{
  TessEnlarged picture; /* R'G'B' of -1..1; where it lets through, what is
                           near; brought to the canvas */
  TessEnlarged alpha;   /* 0..1, brought to the result; src NULL: opaque */
  /* What of R'G'B' is above 1 and below 0 (bright lights, colours that sRGB
   * has not), which networks do not see; brought to the result; src NULL:
   * nothing is. */
  TessEnlarged above, below;
  gint width, height; /* of the result in pixels */
  GeglBuffer *src;
  gfloat *planes; /* the numbers of all; NULL until they are loaded */
} TessUpscale;

/**
 * tess_upscale_new:
 * The sizes; no pixel of @src is read yet. The canvas is as large as the
 * result, or larger where the result's shorter side is below @window pixels,
 * which networks were trained on, but not above four windows for that; then
 * mirrored to multiples of @align and to a window at least.
 * Memory: keeps a reference of @src.
 * Errors: TESS_ERROR_REQUEST for an empty buffer.
 */
TessUpscale *tess_upscale_new (GeglBuffer *src,
                               gint width,
                               gint height,
                               gint window,
                               gint align,
                               GError **error);
void tess_upscale_free (TessUpscale *upscale); /* may be NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessUpscale, tess_upscale_free)

/* Reads the pixels, once. Errors: TESS_ERROR_MEMORY. */
gboolean tess_upscale_load (TessUpscale *upscale, GError **error);

/* A TessVaeSource, with the upscale as data, which must be loaded. */
gboolean tess_upscale_read (gint x,
                            gint y,
                            gint w,
                            gint h,
                            gfloat *planes,
                            gpointer data,
                            GError **error);

/**
 * tess_upscale_finish:
 * What was painted, [3, padded_h, padded_w] of the canvas (changed), with its
 * colours brought back and, unless they are kept as painted, held region by
 * region (core/colour-hold.h); without what was mirrored, at the result's size:
 * "R'G'B' float", or "R'G'B'A float" where the picture lets through; in 0..1
 * but for what the picture has beyond.
 * Errors: G_IO_ERROR_CANCELLED.
 */
GeglBuffer *tess_upscale_finish (const TessUpscale *upscale,
                                 TessColourFix fix,
                                 gfloat *planes,
                                 GCancellable *cancellable,
                                 GError **error);

/* Bytes that it holds when loaded, and that the painted canvas takes beside the
 * result. Until then what its format allows for counts. */
gsize tess_upscale_n_bytes (const TessUpscale *upscale);

G_END_DECLS
