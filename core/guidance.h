/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/guidance.h: away from what is not wanted.
 * Sources: Ho 2022 (classifier-free guidance), Lin 2023 section 3.4
 * (rescale); agrees with the pipelines of diffusers. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * tess_guide:
 * output = negative + guidance * (output - negative), over the whole canvas
 * of one sample; then by @rescale (0: not, 1: fully) brought back to the
 * standard deviation that output had before.
 */
void tess_guide (gfloat *output,
                 const gfloat *negative,
                 gsize n,
                 gdouble guidance,
                 gdouble rescale);

G_END_DECLS
