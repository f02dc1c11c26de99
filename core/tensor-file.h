/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/tensor-file.h: a file of named tensors, whatever its format. The file
 * is not to be trusted: what is in the table has been checked, lies inside
 * the file and can be read with tess_tensor_read_f32. */
#pragma once

#include "core/tensor.h"

G_BEGIN_DECLS

typedef struct
{
  gchar *path;
  GPtrArray *names;     /* of the tensors, in file order; borrowed */
  GHashTable *tensors;  /* name -> TessTensor; they outlive the table */
  GHashTable *refused;  /* name -> why (of a type that Tessera does not read) */
  GHashTable *metadata; /* what else the file says: text -> text */
} TessTensorFile;

/* The file's bytes, before they are understood. */
typedef struct
{
  GBytes *bytes;
  gboolean mapped; /* read-only, pages may be dropped */
  const gchar *path;
} TessFileBytes;

/**
 * tess_tensor_file_open:
 * Opens safetensors or a zip-with-pickle (.ckpt, .pth, .bin) by its first
 * bytes, mapped into memory: nothing is read but the header.
 * Errors: TESS_ERROR_MODEL, TESS_ERROR_UNSUPPORTED; G_FILE_ERROR.
 */
TessTensorFile *tess_tensor_file_open (const gchar *path, GError **error);
TessTensorFile *
tess_tensor_file_parse (const TessFileBytes *src, GError **error);
void tess_tensor_file_free (TessTensorFile *file); /* may be NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessTensorFile, tess_tensor_file_free)

/* Borrowed; NULL when there is none of that name. */
TessTensor *
tess_tensor_file_get (const TessTensorFile *file, const gchar *name);

/* For readers: an empty table, and a tensor over bytes of the file. Adding a
 * name again is FALSE. */
TessTensorFile *tess_tensor_file_new (const gchar *path);
gboolean tess_tensor_file_add (TessTensorFile *file,
                               const gchar *name,
                               TessTensor *tensor);
TessTensor *tess_file_bytes_tensor (const TessFileBytes *src,
                                    gsize offset,
                                    TessType type,
                                    gint n_dims,
                                    const gint64 *dims);

G_END_DECLS
