/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/regions.h: prompts that hold for a part of the canvas.
 *
 * Prompt 0 is the background: it fills what no mask covers. Where masks
 * overlap, prompts share the cell. In the first steps (bootstrapping) each
 * other prompt sees its own part of the canvas alone on a flat colour, which
 * makes a thing fit its mask; afterwards all see the whole.
 * Source: Bar-Tal 2023 (MultiDiffusion), region_based.py. */
#pragma once

#include "core/blend.h"

G_BEGIN_DECLS

#define TESS_MAX_PROMPTS 64 /* the background included */

/* Bit n: prompt n. */
typedef guint64 TessPrompts;
#define TESS_PROMPT(n) ((TessPrompts) 1 << (n))

/* Which background prompt @prompt (1 and up) gets in tile @tile of @step. */
typedef gint (*TessRegionPick) (gint step,
                                gint tile,
                                gint prompt,
                                gpointer data);

typedef struct
{
  gint n_prompts;
  gint width, height; /* of the canvas, in cells */
  gfloat *masks;      /* [n_prompts, height, width], 0..1 */
  gfloat *shares;     /* as masks, sums over the prompts are 1 */

  /* Bootstrapping; set by the caller. */
  gint n_steps;              /* that it lasts, 0: none */
  gint n_backgrounds;        /* > 0 where n_steps is */
  const gfloat *backgrounds; /* [n_backgrounds, channels, tile_h, tile_w], no
                                noise; borrowed */
  const gfloat *noise;       /* unit, [channels, height, width]; borrowed */
  TessRegionPick pick;       /* NULL: a hash of seed and place */
  gpointer pick_data;
  guint64 seed;
} TessRegions;

/**
 * tess_regions_new:
 * @masks: [n_masks, height, width], 0..1; copied. Makes prompt 0's mask and
 * the shares.
 * Errors: TESS_ERROR_REQUEST for too many; TESS_ERROR_MEMORY.
 */
TessRegions *tess_regions_new (
    gint n_masks, gint width, gint height, const gfloat *masks, GError **error);
void tess_regions_free (TessRegions *regions); /* may be NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessRegions, tess_regions_free)

/* Those that have a cell in tile @tile. */
TessPrompts tess_regions_present (const TessRegions *regions,
                                  const TessTilePlan *plan,
                                  gint tile);

gint tess_regions_pick (const TessRegions *regions,
                        gint step,
                        gint tile,
                        gint prompt);

/* src = mask * src + (1 - mask) * background at the cells of tile @tile;
 * both [channels, h, w] of the tile in the same scale. */
void tess_regions_mask (const TessRegions *regions,
                        const TessTilePlan *plan,
                        gint tile,
                        gint prompt,
                        gint channels,
                        const gfloat *background,
                        gfloat *src);

/* dst = sum of the shares of the prompts in @prompts at the cells of tile
 * @tile: [h, w] of it. */
void tess_regions_share (const TessRegions *regions,
                         const TessTilePlan *plan,
                         gint tile,
                         TessPrompts prompts,
                         gfloat *dst);

G_END_DECLS
