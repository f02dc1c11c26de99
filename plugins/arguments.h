/* SPDX-License-Identifier: GPL-3.0-or-later
 * plugins/arguments.h: what a painting procedure can be told, declared once,
 * and from there to a request. Names are an interface: never rename one.
 * docs/gimp.md lists them. */
#pragma once

#include <libgimp/gimp.h>
#include "core/request.h"

G_BEGIN_DECLS

/* Declares run-mode, the image and the group of regions (where @for_image)
 * and every setting. */
void tess_arguments_declare (GimpProcedure *procedure, gboolean for_image);

/**
 * tess_arguments_read:
 * Everything of the request that does not need the image: text, model (found
 * by name, made a path), numbers, words, LoRAs. Width and height are as
 * written, 0 for "as the image".
 * Errors: TESS_ERROR_REQUEST that names the argument; TESS_ERROR_MODEL when
 * there is no model of that name.
 */
TessRequest *tess_arguments_read (GObject *config, GError **error);

/* "file" or "file:weight", one a line, appended to the request. */
gboolean tess_arguments_read_loras (TessRequest *request,
                                    const gchar *lines,
                                    GError **error);

/* Words of arguments that concern the image only. */
gboolean tess_arguments_read_word (GObject *config,
                                   const gchar *name,
                                   gint *value,
                                   GError **error);

G_END_DECLS
