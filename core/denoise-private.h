/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/denoise-private.h: what the loop's own files share. */
#pragma once

#include "core/denoise.h"

G_BEGIN_DECLS

/* One sample of the network. */
typedef struct
{
  gint tile;
  gboolean wide; /* of the method's second set */
  gint alone; /* the prompt that sees its region alone; 0: all see the canvas */
  gint32 row;
  gint32 ground;
  gboolean positive;
  TessPrompts prompts; /* whose shares of the canvas it speaks for */
} TessSample;

/* How many samples from @first on go into one call: of one shape. */
gint tess_denoise_n_together (const TessDenoise *job,
                              const GArray *samples, /* of TessSample */
                              gint first);

/* Tells of a call that was: samples @first to @first + @n. */
void tess_denoise_tell (const TessDenoise *job,
                        gint step,
                        gint first,
                        gint n,
                        const GArray *samples);

/* Everything to be asked at @step: of TessSample, tiles of one shape one after
 * another, for they can be asked together. (transfer full) */
GArray *tess_denoise_samples (const TessDenoise *job, gint step);

/* Regions still see themselves alone at @step. */
gboolean tess_denoise_is_bootstrapped (const TessDenoise *job, gint step);

/* What stands beside a prompt that sees its region alone: a flat colour as
 * noisy as the canvas, [channels, h, w] of the tile; @noise: as much room. */
void tess_denoise_background (const TessDenoise *job,
                              gint step,
                              const TessSample *sample,
                              gfloat *noise,
                              gfloat *dst);

/* TRUE where a tile is left out. */
gboolean tess_denoise_leaves_out (const TessDenoise *job);

/* A factor of what a sample says of its tile's cells, [h, w]: its prompts'
 * share of them; one over @cover (tess_denoise_cover; NULL: 1), so that some
 * tiles speak of a cell as if there were no others. */
void tess_denoise_share (const TessDenoise *job,
                         const gfloat *cover,
                         const TessSample *sample,
                         gfloat *dst);

/* The fault of a network that says what is no number; FALSE. */
gboolean tess_denoise_no_number (gint step, GError **error);

G_END_DECLS
