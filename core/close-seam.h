/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/close-seam.h: a picture whose edges do not meet, or nearly, is made to
 * close: a band about the seam is painted anew, the rest is kept. */
#pragma once

#include <gegl.h>

G_BEGIN_DECLS

typedef struct
{
  gint band;     /* width in pixels, half on either side of the seam */
  gboolean x, y; /* which edges meet */
} TessCloseSeam;

/* What to start from: each side goes over into the other's mirror image
 * towards the seam, where both are alike. In place. */
void tess_close_seam_mix (const TessCloseSeam *close, GeglBuffer *picture);

/* What is painted: 1 in the middle of the band, 0 outside. @painted:
 * [cells_h, cells_w] of @cell pixels. */
void tess_close_seam_mask (const TessCloseSeam *close,
                           gint cells_w,
                           gint cells_h,
                           gint cell,
                           gfloat *painted);

/* Puts @original back outside the band, to the last bit, and by share within
 * its outer parts. Both are of one size. */
void tess_close_seam_keep (const TessCloseSeam *close,
                           GeglBuffer *painted,
                           GeglBuffer *original);

G_END_DECLS
