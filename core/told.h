/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/told.h: what a person said of a model file because the file does not
 * say it. Kept in tessera/models.ini of the user's configuration folder, by the
 * file's name and size, so that it holds where the file is moved to. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What the network in the file @path predicts, as TessRequest's prediction: 1 +
 * TessPrediction; 0: nothing was said. */
gint tess_told_prediction (const gchar *path);

/* Remembers it; failing to write is told by g_debug only. */
void tess_tell_prediction (const gchar *path, gint prediction);

G_END_DECLS
