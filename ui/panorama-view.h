/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/panorama-view.h: a widget in which one stands inside a panorama and looks
 * around: drag, wheel, arrow keys, plus and minus, Home. Drawn by OpenGL where
 * there is some (TESSERA_GL=0: not), else by the processor. */
#pragma once

#include <gtk/gtk.h>
#include "ui/panorama-map.h"

G_BEGIN_DECLS

G_DECLARE_FINAL_TYPE (
    TessPanoramaView, tess_panorama_view, TESS, PANORAMA_VIEW, GtkEventBox)

/* Signal "moved": the camera looks elsewhere. */
GtkWidget *tess_panorama_view_new (void);

/* The panorama, as large as is useful (TESS_PANORAMA_VIEW_SIDE); NULL: none
 * yet. The camera stays. */
#define TESS_PANORAMA_VIEW_SIDE 8192
void
tess_panorama_view_set_picture (TessPanoramaView *view, GdkPixbuf *picture);

const TessCamera *tess_panorama_view_get_camera (TessPanoramaView *view);
void tess_panorama_view_set_camera (TessPanoramaView *view,
                                    const TessCamera *camera);

/* "OpenGL: ..." or "processor", for the log and the report. */
const gchar *tess_panorama_view_renderer (TessPanoramaView *view);

G_END_DECLS
