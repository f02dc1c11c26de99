/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/png-file.h: PNG files <-> GeglBuffer, row by row. */
#pragma once

#include <gegl.h>
#include <gio/gio.h>

G_BEGIN_DECLS

typedef enum
{
  TESS_PNG_PICTURE, /* "R'G'B'A u8" or "R'G'B'A u16" */
  TESS_PNG_MASK,    /* "Y float": the numbers of the file as they are (grey
                       128 is a half), times alpha */
} TessPngKind;

/**
 * tess_png_load:
 * Errors: TESS_ERROR_REQUEST for what is no PNG or a broken one, naming the
 * file; G_FILE_ERROR. The file is not to be trusted.
 */
GeglBuffer *tess_png_load (const gchar *path, TessPngKind kind, GError **error);

typedef struct
{
  gint depth;        /* bits per channel: 8 or 16; 0: 8 */
  const gchar *key;  /* of a text chunk, Latin letters */
  const gchar *text; /* UTF-8, may be NULL: none */
} TessPngSettings;

/**
 * tess_png_save:
 * sRGB, with alpha where @buffer's format has it. Written beside @path under
 * another name and renamed when it is whole, so that no half-written file is
 * left, whatever happens. Errors: G_FILE_ERROR; G_IO_ERROR_CANCELLED.
 */
gboolean tess_png_save (GeglBuffer *buffer,
                        const gchar *path,
                        const TessPngSettings *settings,
                        GCancellable *cancellable,
                        GError **error);

G_END_DECLS
