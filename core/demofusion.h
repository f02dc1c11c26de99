/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/demofusion.h: one phase of DemoFusion: a picture that is there, painted
 * n times as large with nothing in it twice.
 *
 * With c = (1 + cos (pi (1 - t / n_train))) / 2, which falls from 1 to 0:
 *   - a step begins with the part c^p of the picture, noised to its t: large
 *     forms stay;
 *   - the part 1 - c of the say have overlapping tiles, each moved a little
 *     at every step;
 *   - the part c have n x n views of the whole canvas that skip n - 1 cells of
 *     n in each direction, and see it blurred, so that all of them see one
 *     composition;
 *   - at the end mean and spread are those of the picture again.
 * The published loop steps each tile and averages; since a step is a weighted
 * sum, averaging what is said comes to the same.
 *
 * The picture is enlarged in pixels and encoded, where the published code
 * enlarges its latent. The blur's kernel is cut where the canvas ends, where
 * the published one counts zeros. On an axis that closes on itself tiles turn
 * by any offset, and so do the views.
 * Source: Du 2024 (DemoFusion), 3.2 to 3.4. */
#pragma once

#include "core/denoise.h"

G_BEGIN_DECLS

typedef struct
{
  TessTileSettings tiles; /* an overlap of half the tile: as published */
  TessTileWeight weight;  /* published: uniform */
  gint n;                 /* how many times larger, >= 1 */
  gdouble power;          /* p; 0: 3, as published */
  const gdouble *times;   /* [n_steps], of the sampler's steps over those of
                             training: 1 .. 0; copied */
  gint n_steps;
  guint64 seed; /* of where tiles lie */
} TessDemofusionSettings;

/**
 * tess_demofusion_new:
 * A TessKeep with the enlarged picture is to be given to the loop.
 * Memory: one plane of the canvas at each step, beside what the loop takes.
 * Errors: those of tess_tile_plan_new.
 */
TessMethod *
tess_demofusion_new (const TessDemofusionSettings *settings, GError **error);

/**
 * tess_demofusion_blur:
 * dst = src [channels, height, width] of @plan's canvas under a Gaussian of
 * @sigma cells, cut at @reach cells, with the mean and the spread of src.
 */
void tess_demofusion_blur (const TessTilePlan *plan,
                           gint channels,
                           gint reach,
                           gdouble sigma,
                           const gfloat *src,
                           gfloat *dst);

G_END_DECLS
