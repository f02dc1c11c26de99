/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/multidiffusion.h: the method of Bar-Tal 2023 (MultiDiffusion): tiles
 * that overlap, the same at every step, averaged by weights. On a ring the
 * canvas closes on itself. */
#pragma once

#include "core/denoise.h"

G_BEGIN_DECLS

typedef struct
{
  TessTileSettings tiles;
  TessTileWeight weight;
  gdouble seam_bias; /* as in tess_blend_new */
} TessMultidiffusionSettings;

/* Errors: those of tess_tile_plan_new. */
TessMethod *tess_multidiffusion_new (const TessMultidiffusionSettings *settings,
                                     GError **error);

G_END_DECLS
