/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/small-job.h: what tests of whole jobs share: a small model of random
 * weights in a folder of its own, and a request that paints with it in well
 * under a second. */
#pragma once

#include "core/generate.h"

G_BEGIN_DECLS

extern gchar *tess_test_model; /* its file; merges.txt lies beside it */

/* Unchecked fixtures: a plain model, or one that has StableSR's additions. */
void tess_test_make_model (void);
void tess_test_make_upscaler (void);
void tess_test_drop_model (void);

TessRequest *tess_test_request (void);

/* "R'G'B' float" of the whole buffer. */
gfloat *tess_test_pixels (GeglBuffer *buffer);

/* A file, or a folder and all in it. */
void tess_test_remove (const gchar *path);

G_END_DECLS
