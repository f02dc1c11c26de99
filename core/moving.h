/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/moving.h: methods whose tiles hardly overlap but lie elsewhere at each
 * step, so that no edge stays where it was. About one sample of the network
 * per cell, where overlapping tiles take two to four. */
#pragma once

#include "core/denoise.h"

G_BEGIN_DECLS

typedef struct
{
  TessTileSettings tiles; /* the overlaps are not read */
  TessTileWeight weight;  /* where two tiles meet or overlap */
  guint64 seed;           /* of the places; they depend on it and the step */
} TessMovingSettings;

/**
 * tess_shifted_new:
 * On an axis that closes on itself (TESS_GRID_RING) the tiles turn by any
 * offset. On another one they shift by up to half a tile (less where that
 * would be more than a 32nd of the canvas) to either side, and a small tile of
 * that size fills what they leave at one end: both axes together ask for a
 * sixteenth more than the canvas has. At the last step tiles overlap by a
 * quarter, in order to leave no edges: that one asks for half as much again to
 * twice as much. Every cell is covered at every step.
 * One tile as large as a ring: a panorama asked at a random yaw.
 * Sources: Frolov 2024 (SpotDiffusion), turned back; Zheng 2023
 * (Any-Size-Diffusion), its gaps closed.
 * Errors: those of tess_tile_plan_new.
 */
TessMethod *
tess_shifted_new (const TessMovingSettings *settings, GError **error);

/**
 * tess_fstd_new:
 * Fast seamless tiled diffusion as published, for comparison: tiles side by
 * side, shifted down and right by 0 to half a tile, not at every fourth step;
 * the strips left free at the top and left keep what was said of them before.
 * Source: Zheng 2023 (Any-Size-Diffusion), ddpm.py.
 */
TessMethod *tess_fstd_new (const TessMovingSettings *settings, GError **error);

/* For both: a plan of tiles side by side that may be moved. */
TessTilePlan *
tess_moving_plan_new (const TessMovingSettings *settings, GError **error);

G_END_DECLS
