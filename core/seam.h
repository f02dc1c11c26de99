/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/seam.h: can an edge be measured in a finished picture? How strongly
 * each column differs from the next, in detail and in tone, and what that says
 * of the place where a ring closes and of the borders of tiles.
 *
 * No model: pictures are "R'G'B'", 0..1. Memory: one band of 64 pixels over the
 * whole length. Threads: any one per profile.
 * Source: spec tiling 8.2, tests 1 to 3. */
#pragma once

#include <gegl.h>
#include <gio/gio.h>

G_BEGIN_DECLS

#define TESS_SEAM_STRIP 32 /* pixels on each side whose tone is compared */
#define TESS_SEAM_CELL 8   /* many decoders draw the edge of a cell stronger */

typedef struct
{
  gboolean rows;   /* measured across rows (top meets bottom), else columns */
  gboolean sphere; /* columns of an equirectangular picture: a row counts as
                      much as it is long on the sphere, cos (latitude) */
} TessSeamSettings;

/* "Column" stands for row where rows are measured. The last one is compared
 * with the first, as where a ring closes. */
typedef struct
{
  gint n;            /* columns */
  gdouble *gradient; /* [n]: mean |difference| of a column and the next */
  gdouble *tone;     /* [n]: step in tone between the strips on both sides of
                        the same place, their own slopes taken off */
} TessSeamProfile;

/**
 * tess_seam_profile_new:
 * Errors: TESS_ERROR_REQUEST for a picture of less than 128 columns or no
 * rows; G_IO_ERROR_CANCELLED.
 */
TessSeamProfile *tess_seam_profile_new (GeglBuffer *picture,
                                        const TessSeamSettings *settings,
                                        GCancellable *cancellable,
                                        GError **error);
void tess_seam_profile_free (TessSeamProfile *profile); /* may be NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessSeamProfile, tess_seam_profile_free)

/* Energy of the gradients at @period columns and its harmonics over that of
 * the frequencies beside them; about 1 without a pattern. @n: how many columns
 * count, n - 1 where there is no ring. */
gdouble
tess_seam_period (const TessSeamProfile *profile, gint n, gdouble period);

/* Where the last column meets the first. */
typedef struct
{
  gdouble line;         /* gradient there over the median elsewhere */
  gdouble line_percent; /* of other columns that have less, 0..100 */
  gdouble line_beside;  /* gradient there over the mean of the cells on both
                           sides */
  gdouble tone;         /* tone step there over the mean elsewhere */
  gdouble tone_percent;
  gdouble tone_step; /* the step itself, 0..1 */
} TessSeamClosing;

/* Columns are compared with those at the same place in their cells. */
void
tess_seam_closing (const TessSeamProfile *profile, TessSeamClosing *closing);

typedef enum
{
  TESS_SEAM_NONE,  /* not to be told from the rest of the picture */
  TESS_SEAM_FAINT, /* a trained eye may find it */
  TESS_SEAM_CLEAR,
} TessSeamVerdict;

/* A single place of a single picture is a small sample: so not only the ratio
 * counts (1.25 for the line, 1.2 for the tone) but also whether the rest of
 * the picture has as much by itself: 97 in 100 columns have a weaker line, 99
 * a smaller step in tone, which neighbors share since their strips overlap.
 * And a line is stronger than what is beside it, by the same ratio; the slope
 * of a mountain is not. */
TessSeamVerdict tess_seam_judge_line (const TessSeamClosing *closing);
TessSeamVerdict tess_seam_judge_tone (const TessSeamClosing *closing);
TessSeamVerdict tess_seam_judge_period (gdouble period);

G_END_DECLS
