/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/json-file.h: JSON that is not to be trusted. */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/**
 * tess_json_parse:
 * Text of at most 16 MiB, nested at most 32 deep, whose root is an object.
 * @path is named in errors.  (transfer full)
 * Errors: TESS_ERROR_MODEL; tess_json_load: G_FILE_ERROR too.
 */
JsonNode *tess_json_parse (const gchar *text,
                           gsize length,
                           const gchar *path,
                           GError **error);
JsonNode *tess_json_load (const gchar *path, GError **error);

G_END_DECLS
