/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/colour-fix.h: colours of a painted picture brought back to those of the
 * picture that it came from. All over the whole picture; memory for a band of
 * it.
 * Sources: Wang 2023 (StableSR), 3.3 (AdaIN: Huang 2017, eq. 8); its code
 * (wavelet). */
#pragma once

#include <gio/gio.h>
#include "core/enlarge.h"

G_BEGIN_DECLS

typedef enum
{
  TESS_COLOUR_WAVELET, /* what is coarser than about 32 pixels is taken from
                          where the picture came from */
  TESS_COLOUR_ADAIN,   /* mean and deviation of each channel are */
  TESS_COLOUR_KEEP,
  TESS_N_COLOUR_FIXES
} TessColourFix;

/* How far the wavelet looks each side: 1 + 2 + 4 + 8 + 16. */
#define TESS_WAVELET_REACH 31

/* The coarse part of a plane: five times [1 2 1] x [1 2 1] / 16, each twice as
 * wide as the one before, the edge going on. In place. */
void tess_wavelet_low (gfloat *plane, gint w, gint h);

/**
 * tess_colour_fix:
 * @planes: [style->channels, h, w], w and h at most the style's padded sides;
 * changed in place. @style: where it came from, in the same range.
 * @band: rows at a time, 0: 256; the result is the same.
 * Errors: G_IO_ERROR_CANCELLED.
 */
gboolean tess_colour_fix (TessColourFix fix,
                          gfloat *planes,
                          gint w,
                          gint h,
                          const TessEnlarged *style,
                          gint band,
                          GCancellable *cancellable,
                          GError **error);

G_END_DECLS
