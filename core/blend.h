/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/blend.h: what each cell of a tile weighs, and the weighted sum.
 *
 * Weights are a product of one along x and one along y, and so is their sum
 * over a plan, so they are brought to sum 1 along each axis alone, in double:
 * no underflow in the corners, no canvas of sums.
 *
 * Sums are kept in whole numbers (2^-40), so a result is the same bits
 * whatever the order of the tiles and however many are made at once. */
#pragma once

#include "core/tile-plan.h"

G_BEGIN_DECLS

typedef enum
{
  TESS_WEIGHT_GAUSSIAN, /* sigma 0.1 of the tile's side */
  TESS_WEIGHT_UNIFORM,
  TESS_WEIGHT_QUARTIC, /* (1 - u^2)^2 */
} TessTileWeight;

typedef struct
{
  gdouble *x; /* [plan->n_x, plan->tile_w], sums over a column's tiles are 1 */
  gdouble *y; /* [plan->n_y, plan->tile_h] */
  gint gap_x, gap_y; /* columns and rows before the first tile, 0 as a rule */
} TessBlend;

/* What cell @i of @n along an axis weighs before sums are brought to 1; the
 * middle lies @bias cells beyond (n - 1) / 2. */
gdouble tess_tile_weight (TessTileWeight weight, gint i, gint n, gdouble bias);

/* @seam_bias: cells by which the centre along y lies lower (StableSR: 0.5).
 * Sources: Jimenez 2023 (Mixture of Diffusers), Wang 2023 (StableSR). */
TessBlend *tess_blend_new (const TessTilePlan *plan,
                           TessTileWeight weight,
                           gdouble seam_bias);
void tess_blend_free (TessBlend *blend); /* may be NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessBlend, tess_blend_free)

/* Cells of tile @i: [channels, height, width] -> [channels, h, w] of it. */
void tess_blend_gather (const TessTilePlan *plan,
                        gint i,
                        gint channels,
                        const gfloat *canvas,
                        gfloat *dst);

/**
 * tess_blend_add:
 * sum += weight * share * src at the cells of tile @i. @share: one plane
 * [h, w] of the tile, may be NULL: 1. @sum: [channels, height, width].
 * Returns: FALSE where @src is not finite or beyond a million.
 */
gboolean tess_blend_add (const TessBlend *blend,
                         const TessTilePlan *plan,
                         gint i,
                         gint channels,
                         const gfloat *src,
                         const gfloat *share,
                         gint64 *sum);

/* dst = sum, in float32. */
void tess_blend_read (const gint64 *sum, gfloat *dst, gsize n);

G_END_DECLS
