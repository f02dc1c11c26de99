/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/upscale-settings.h: what only the studio of pictures painted larger has:
 * what is enlarged and how far, how long it may take, how much may be invented.
 * Each does what ui/studio-settings.h says of rows and sections. */
#pragma once

#include "ui/studio-settings.h"

G_BEGIN_DECLS

void tess_row_upscaler (TessStudioSettings *settings, TessTable *table);
void tess_row_source (TessStudioSettings *settings, TessTable *table);
void tess_row_scale (TessStudioSettings *settings, TessTable *table);
void tess_row_quality (TessStudioSettings *settings, TessTable *table);
void tess_row_fidelity (TessStudioSettings *settings, TessTable *table);
void tess_row_colours (TessStudioSettings *settings, TessTable *table);
/* Of the advanced section: files that are added to a model, own steps. */
void tess_row_upscale_files (TessStudioSettings *settings, TessTable *table);
void tess_row_own_steps (TessStudioSettings *settings, TessTable *table);

/* Of any-size: whether its large picture is upscaled; with the reason where the
 * model cannot. */
void tess_row_second (TessStudioSettings *settings, TessTable *table);

/* Words are not needed: folded away unless there are some. */
void tess_section_words (TessStudioSettings *settings);

/**
 * tess_upscale_size:
 * How large a picture of @from_w x @from_h becomes by the settings of @config:
 * the sides given, one of which tells the other, else "scale".
 */
void tess_upscale_size (
    GObject *config, gint from_w, gint from_h, gint *width, gint *height);

G_END_DECLS
