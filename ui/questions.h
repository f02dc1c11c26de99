/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/questions.h: what the studio asks before it goes on. */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* Whether the network in the file @path predicts noise or velocity, which the
 * file does not say; the answer is remembered for it (core/told.h). FALSE:
 * there was none. */
gboolean tess_ask_prediction (GtkWindow *parent, const gchar *path);

/* Closing would lose a picture: GTK_RESPONSE_YES: keep it, GTK_RESPONSE_NO: let
 * it go, else stay. */
gint tess_ask_keep (GtkWindow *parent);

G_END_DECLS
