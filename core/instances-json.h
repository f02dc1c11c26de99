/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/instances-json.h: lists of instances as JSON:
 *   [ { "text": "a red barn", "box": [x, y, width, height] },
 *     { "text": "the moon", "point": [x, y] },
 *     { "text": "a path", "scribble": [[x, y], [x, y], ...] },
 *     { "text": "a lake", "mask": "lake.png" } ]
 * in canvas pixels; a mask is a PNG, scaled to the canvas, white where the
 * thing is. A file may be the list, or an object with it as "instances". */
#pragma once

#include <json-glib/json-glib.h>

#include "core/instances.h"

G_BEGIN_DECLS

/* Appends to @dst (element-type TessInstance). Masks' paths are relative to
 * @folder (may be NULL). Errors: TESS_ERROR_REQUEST, naming which and what. */
gboolean tess_instances_read (JsonNode *list,
                              const gchar *folder,
                              GPtrArray *dst,
                              GError **error);

/* @text: JSON itself, or the name of a file with it; empty: none.
 * Errors: G_FILE_ERROR too. */
gboolean
tess_instances_parse (const gchar *text, GPtrArray *dst, GError **error);

/* Buffers are not written, only paths. */
void tess_instances_write (const GPtrArray *instances, JsonBuilder *builder);

G_END_DECLS
