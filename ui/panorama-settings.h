/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/panorama-settings.h: rows and sections that only panoramas have. */
#pragma once

#include "ui/studio-settings.h"

G_BEGIN_DECLS

/* The shape; where it is a full sphere, width and height change together. */
void tess_row_shape (TessStudioSettings *settings, TessTable *table);
/* Words that a LoRA wants to hear first. */
void tess_row_trigger (TessStudioSettings *settings, TessTable *table);
/* An existing picture is made to close. */
void tess_section_close_seam (TessStudioSettings *settings);
void tess_section_poles (TessStudioSettings *settings);

G_END_DECLS
