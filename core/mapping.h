/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/mapping.h: files in memory that another program may cut short.
 *
 * Reading a page of a mapped file that is gone raises SIGBUS, which ends a
 * program. Pages of these mappings read as zeros instead, from the first that
 * could not be read to the end, and whoever has read asks afterwards. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * tess_mapping_new:
 * The file's bytes, mapped and never written to; unmapped with the last
 * reference. An empty file gives empty bytes.
 * Errors: G_FILE_ERROR.
 * Threads: any.
 */
GBytes *tess_mapping_new (const gchar *path, GError **error);

/**
 * tess_mapping_check:
 * FALSE when a page of the mapping that has @address was found missing since
 * it was made: what has been read from it is not what the file had. TRUE
 * where @address is in no mapping.
 * Errors: TESS_ERROR_MODEL, naming the file.
 */
gboolean tess_mapping_check (gconstpointer address, GError **error);

G_END_DECLS
