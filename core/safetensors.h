/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/safetensors.h: the safetensors format, read and written.
 *
 * Eight bytes N (little endian), N bytes of JSON, then the tensors' bytes
 * without gaps. Source: the format's own README (huggingface/safetensors). */
#pragma once

#include "core/tensor-file.h"

G_BEGIN_DECLS

#define TESS_SAFETENSORS_MAX_HEADER 100000000 /* bytes, as the reference */

/* tess_tensor_file_open() for this format alone. */
TessTensorFile *tess_safetensors_open (const gchar *path, GError **error);
TessTensorFile *
tess_safetensors_parse (const TessFileBytes *src, GError **error);

/**
 * tess_safetensors_write:
 * Writes tensors one after another as @fill delivers them, so that files
 * larger than memory can be made. @fill writes the n_bytes of tensor @i.
 * Errors: G_IO_ERROR.
 */
typedef struct
{
  const gchar *name;
  TessType type;
  gint n_dims;
  gint64 dims[TESS_MAX_DIMS];
} TessSafetensorsEntry;
typedef void (*TessSafetensorsFill) (gint i,
                                     gpointer dst,
                                     gsize n_bytes,
                                     gpointer data);
gboolean tess_safetensors_write (const gchar *path,
                                 const TessSafetensorsEntry *entries,
                                 gint n_entries,
                                 GHashTable *metadata, /* may be NULL */
                                 TessSafetensorsFill fill,
                                 gpointer data,
                                 GError **error);

G_END_DECLS
