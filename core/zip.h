/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/zip.h: where a zip archive keeps its members, so that stored ones can
 * be used in place of the mapped file (a library would copy gigabytes).
 * Source: PKWARE's APPNOTE 6.3, sections 4.3 and 4.5.3. */
#pragma once

#include "core/tensor-file.h"

G_BEGIN_DECLS

typedef struct
{
  gchar *name;
  gsize offset;      /* of the data in the file */
  gsize packed_size; /* in the file */
  gsize size;        /* as promised; stored: the same */
  gboolean packed;   /* by deflate */
} TessZipMember;

typedef struct
{
  const TessFileBytes *src;
  GHashTable *members; /* name -> TessZipMember */
} TessZip;

gboolean tess_zip_is (GBytes *bytes);

/**
 * tess_zip_open:
 * Reads the directory. Members lie inside the file, one after another without
 * overlap, under one name each, unencrypted, stored or deflated. @src must
 * outlive the archive.
 * Errors: TESS_ERROR_MODEL.
 */
TessZip *tess_zip_open (const TessFileBytes *src, GError **error);
void tess_zip_free (TessZip *zip); /* may be NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessZip, tess_zip_free)

/**
 * tess_zip_read:
 * The bytes of a member: a part of the file, or inflated to exactly the size
 * it promises, of which @max_size is the most.
 * Errors: TESS_ERROR_MODEL, TESS_ERROR_MEMORY.  (transfer full)
 */
GBytes *tess_zip_read (const TessZip *zip,
                       const TessZipMember *member,
                       gsize max_size,
                       GError **error);

G_END_DECLS
