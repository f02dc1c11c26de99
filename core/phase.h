/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/phase.h: the pictures that a request takes, one after another: a small
 * one first and then the same large, or larger and larger (any-size), views of
 * the poles after a panorama. Each is a request complete in itself; most jobs
 * are one phase. */
#pragma once

#include "core/request.h"

G_BEGIN_DECLS

typedef struct
{
  TessRequest *request; /* of one stage: no any-size, no poles */
  gboolean follows;     /* starts from the picture so far */
  gint pole;            /* 0: its picture is the picture so far from then on;
                           1, -1: it repaints the zenith, the nadir of that */
} TessPhase;

typedef struct
{
  gint window;       /* side of what the model was trained on, in cells */
  gint align;        /* of a tile's sides, in cells */
  gint factor;       /* pixels per cell */
  gboolean upscales; /* it has StableSR's weights, good for any-size */
} TessPhaseModel;

/**
 * tess_phases_new:
 * With instances all tiles stay where they are, in any-size too.
 * Returns: (transfer full): of TessPhase, one at least. Where a phase follows,
 * its init is a stand-in of one pixel until it is set.
 */
GPtrArray *
tess_phases_new (const TessRequest *request, const TessPhaseModel *model);

/* How many times larger than that a picture is, rounded up, 1 at least. */
gint tess_phase_times (const TessPhaseModel *model, gint width, gint height);

/**
 * tess_phase_native_size:
 * The size in cells nearest in shape to @width x @height on which a model
 * composes best: as many cells as its window, sides in steps of 8 cells (4
 * and less where @align is less). Wider than 4:1 it grows in length.
 * For 64 and 128 cells these are the usual sizes of SD (512 x 512, 704 x 384)
 * and SDXL (1024 x 1024, 1344 x 768).
 * Source: Zheng 2023 (Any-Size-Diffusion), section 3.1, argmin of the ratio.
 */
void tess_phase_native_size (const TessPhaseModel *model,
                             gint width,
                             gint height,
                             gint *cells_w,
                             gint *cells_h);

G_END_DECLS
