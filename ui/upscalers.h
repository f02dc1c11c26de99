/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/upscalers.h: which of the models and files found can paint pictures
 * larger. What a file holds is looked up once a run of the program, as long as
 * the file does not change. */
#pragma once

#include "core/model.h"

G_BEGIN_DECLS

/* Those found that hold all of @holds and nothing of @lacks (TESS_HOLDS_...):
 * (element-type TessModelEntry) (transfer full). */
GPtrArray *tess_upscalers_list (guint holds, guint lacks);

/**
 * tess_upscalers_first:
 * The path of the first model found that can enlarge. Errors:
 * TESS_ERROR_MODEL: there is none, and what to put where. (transfer full)
 */
gchar *tess_upscalers_first (GError **error);

/**
 * tess_upscalers_locate:
 * @path, a path or the name of a file found, becomes a path; empty: NULL.
 * Errors: TESS_ERROR_MODEL: there is no such file.
 */
gboolean tess_upscalers_locate (gchar **path, GError **error);

/* Whether the model at @path can enlarge by itself. */
gboolean tess_upscalers_can (const gchar *path);

/* What tess_upscalers_first says where there is none. (transfer full) */
gchar *tess_upscalers_missing (void);

G_END_DECLS
