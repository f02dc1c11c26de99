/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/quality.h: how much time an enlarged picture may take: presets of its
 * steps and of how its tiles lie.
 * Source: Wang 2023 (StableSR), 4.1: 200 steps; Zheng 2023 (Any-Size-
 * Diffusion), 3.2: tiles side by side that shift. */
#pragma once

#include "core/request.h"

G_BEGIN_DECLS

typedef enum
{
  TESS_QUALITY_REFERENCE, /* 200 steps, as published */
  TESS_QUALITY_GOOD,      /* 50 */
  TESS_QUALITY_QUICK,     /* 20 */
  TESS_QUALITY_FAST,      /* 20, tiles that shift: a third of the calls */
} TessQuality;

/* Their words: "reference", "good", "quick", "fast"; ends with a NULL nick. */
const TessChoice *tess_qualities (void);

/* Sets steps and refine. */
void tess_quality_apply (TessQuality quality, TessRequest *request);

G_END_DECLS
