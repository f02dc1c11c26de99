/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/studio-texts.h: what the dialog says of a job in one line: what it will
 * take, how far it is. */
#pragma once

#include "core/generate.h"

G_BEGIN_DECLS

/* Size, tiles, memory, time, device. @width, @height: of the picture, which
 * may be less than what is painted. (transfer full) */
gchar *tess_studio_plan_text (const TessJobPlan *plan, gint width, gint height);

/* (transfer full) */
gchar *tess_studio_progress_text (const TessProgress *progress);

G_END_DECLS
