/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/denoise-backend.h: a step of the loop where the network is: tiles
 * gathered, summed and guided, and the sampler's step, as programs of its
 * backend, one submit a call of the network and none beside them.
 *
 * Everything there is a weighted sum of canvases, and the weights come from
 * the plain code: guidance is a factor of a tile's weights, and the sampler's
 * own step, run on the unit canvases, says what it makes of any. So no method
 * and no sampler knows of this. Where guidance is brought back to a spread,
 * that is one number of two canvases more.
 *
 * The canvas and the sampler's memory also come back with each step's last
 * submit, for a card that fails must not cost the picture, and a job can be
 * taken up after any step. */
#pragma once

#include "core/denoise-private.h"

G_BEGIN_DECLS

typedef struct _TessDenoiseBackend TessDenoiseBackend;

/* FALSE where @job has no backend, its tiles leave cells free of which nothing
 * was said before, or its method follows a picture or has a second set of
 * tiles. */
gboolean tess_denoise_backend_takes (const TessDenoise *job);

/* Bytes that the loop will take there, beside the network; 0 where it stays
 * here. */
typedef struct
{
  gsize held;  /* canvases, and what the tiles of a step say */
  gsize arena; /* while the step is taken; the network's own can be there too */
} TessDenoiseCost;

/* @keeps: there will be a part that is kept. The job's begin is not asked
 * for. */
void tess_denoise_backend_cost (const TessDenoise *job,
                                gboolean keeps,
                                TessDenoiseCost *cost);

/**
 * tess_denoise_backend_new:
 * @x: the canvas at the job's first step, [channels, height, width].
 * Errors: TESS_ERROR_MEMORY, TESS_ERROR_DEVICE.
 */
TessDenoiseBackend *tess_denoise_backend_new (const TessDenoise *job,
                                              const gfloat *x,
                                              GError **error);
void tess_denoise_backend_free (TessDenoiseBackend *self); /* may be NULL */

/**
 * tess_denoise_backend_step:
 * One step, told of as the loop tells; @x and the sampler have what it made of
 * them. @noise: unit, NULL where the sampler wants none. @output: as large as
 * @x; what was said, if the method holds.
 * Errors: as tess_denoise_run; then @x and the sampler are as they were.
 */
gboolean tess_denoise_backend_step (TessDenoiseBackend *self,
                                    gint step,
                                    const GArray *samples,
                                    const gfloat *noise,
                                    gfloat *x,
                                    gfloat *output,
                                    GCancellable *cancellable,
                                    GError **error);

G_END_DECLS
