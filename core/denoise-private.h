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
  guint32 prompts; /* whose shares of the canvas it speaks for */
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

/* The fault of a network that says what is no number; FALSE. */
gboolean tess_denoise_no_number (gint step, GError **error);

G_END_DECLS
