/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/stitch.h: StitchDiffusion as published, in closed form.
 *
 * The published loop works on a canvas of twice the panorama, whose middle is
 * overwritten by its two ends before each step; so its state is one ring, and
 * of its 11 calls per step 8 differ: the whole panorama, seen from 8 yaws an
 * eighth apart. Here the canvas is that ring, in the order of the picture
 * that is cut out at the end, and the 8 views are averaged with the weights
 * that the published loop comes to: more for views near the ends, those of
 * the middle cut at the last step.
 * Source: Wang 2024 (StitchDiffusion), README.md. */
#pragma once

#include "core/denoise.h"

G_BEGIN_DECLS

#define TESS_STITCH_VIEWS 8

/**
 * tess_stitch_new:
 * @width, @height of the ring in cells; both multiples of @align, and the
 * width of 8. Noise is drawn for the published canvas of twice the width.
 * Errors: TESS_ERROR_REQUEST for other sizes.
 */
TessMethod *
tess_stitch_new (gint width, gint height, gint align, GError **error);

G_END_DECLS
