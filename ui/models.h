/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/models.h: the models that this user can paint with: those that
 * core/model.h finds, and those in folders added in the dialog. */
#pragma once

#include "core/model.h"

G_BEGIN_DECLS

/* (element-type TessModelEntry) (transfer full) */
GPtrArray *tess_models_list (void);

/**
 * tess_models_resolve:
 * The path of the model called @name: a name in the list or a path. Empty or
 * NULL: Horizon, else the first found.
 * Errors: TESS_ERROR_MODEL saying what there is, or where to put one.
 */
gchar *tess_models_resolve (const gchar *name, GError **error);

/* The folder that new models are best put into. (transfer full) */
gchar *tess_models_user_folder (void);

G_END_DECLS
