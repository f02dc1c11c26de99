/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/trial.h: a spot of a picture that is to be painted larger: chosen on the
 * picture, painted before the whole is, compared with what it was. As large as
 * one tile, so that it takes as little as a picture can. */
#pragma once

#include <gtk/gtk.h>
#include "core/request.h"
#include "ui/tile-preview.h"

G_BEGIN_DECLS

typedef struct _TessTrial TessTrial;

/* @preview shows the whole; the spot is where it is pressed. */
TessTrial *tess_trial_new (TessTilePreview *preview);
void tess_trial_free (TessTrial *trial); /* may be NULL */

/* The whole picture and the split view, with a switch between them; the
 * preview is in it. (transfer floating) */
GtkWidget *tess_trial_widget (TessTrial *trial);

/* What is to be enlarged; kept. */
void tess_trial_set_source (TessTrial *trial, GeglBuffer *source);
/* That as a picture: what is shown while nothing is painted. May be NULL. */
GdkPixbuf *tess_trial_picture (TessTrial *trial);
/* How large it becomes, and the side of a spot, both in pixels of the result.
 */
void tess_trial_set_size (TessTrial *trial, gint width, gint height, gint side);

/* The spot alone of what @whole asks for. (transfer full) */
TessRequest *tess_trial_request (TessTrial *trial, const TessRequest *whole);

/* The spot of @request is being painted: it is shown as it was; then what is
 * seen of it so far, then what became of it. */
void tess_trial_begin (TessTrial *trial, const TessRequest *request);
void tess_trial_show_preview (TessTrial *trial, GdkPixbuf *picture);
void tess_trial_show (TessTrial *trial, GeglBuffer *result);

/* The spot of a @result that is whole, by what it was asked for. */
void tess_trial_look (TessTrial *trial,
                      GeglBuffer *result,
                      const TessRequest *request);

/* Back to the whole. */
void tess_trial_show_whole (TessTrial *trial);

G_END_DECLS
