/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/result-strip.h: the pictures painted while the dialog is open, newest
 * last, one of them chosen to be looked at and kept. */
#pragma once

#include <gtk/gtk.h>
#include "core/job-folder.h"

G_BEGIN_DECLS

typedef struct
{
  GeglBuffer *buffer;
  TessRequest *request;  /* with the seed that was used */
  GeglRectangle area;    /* where it belongs in the image */
  GdkPixbuf *picture;    /* as large as a screen at most */
  TessJobFolder *folder; /* NULL, or what brings it back after a crash */
  gboolean kept;
} TessResult;

G_DECLARE_FINAL_TYPE (
    TessResultStrip, tess_result_strip, TESS, RESULT_STRIP, GtkBox)

/* Signal "chosen": another picture was chosen. */
GtkWidget *tess_result_strip_new (void);

/* Adds a picture and chooses it; beyond a dozen the oldest is dropped.
 * @folder: (transfer full), may be NULL; removed when the picture is kept or
 * dropped. */
void tess_result_strip_add (TessResultStrip *strip,
                            GeglBuffer *buffer,
                            const TessRequest *request,
                            const GeglRectangle *area,
                            TessJobFolder *folder);

/* Another @buffer of the same size for the chosen one. */
void tess_result_strip_replace (TessResultStrip *strip, GeglBuffer *buffer);

/* Borrowed; NULL while there is none. */
TessResult *tess_result_strip_chosen (TessResultStrip *strip);

/* GIMP is gone: what was not kept stays on disk, to be resumed. */
void tess_result_strip_leave_jobs (TessResultStrip *strip);

/* Marks the chosen one as kept. */
void tess_result_strip_mark_kept (TessResultStrip *strip);
gboolean tess_result_strip_any_kept (TessResultStrip *strip);

G_END_DECLS
