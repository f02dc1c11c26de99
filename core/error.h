/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/error.h: the one error domain of Tessera.
 *
 * Whoever finds a fault writes the message, with the numbers in it, in one
 * sentence that says what to do; everyone above passes it on untouched.
 * Cancelling is G_IO_ERROR_CANCELLED; files that cannot be opened or written
 * keep their G_FILE_ERROR or G_IO_ERROR. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Chosen by what the user can do about it. */
typedef enum
{
  TESS_ERROR_MODEL,       /* pick another model file, or mend this one */
  TESS_ERROR_MEMORY,      /* smaller tile, smaller canvas, fewer at once */
  TESS_ERROR_DEVICE,      /* use the CPU */
  TESS_ERROR_SHAPE,       /* a size does not fit another */
  TESS_ERROR_REQUEST,     /* change the setting that the message names */
  TESS_ERROR_UNSUPPORTED, /* not known to this version */
} TessError;

#define TESS_ERROR (tess_error_quark ())
GQuark tess_error_quark (void);

G_END_DECLS
