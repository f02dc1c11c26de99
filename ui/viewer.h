/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/viewer.h: the 360 viewer: a window in which one stands in a panorama,
 * with the seam meter and a button that turns the seam to the middle. */
#pragma once

#include <libgimp/gimpui.h>
#include "ui/panorama-view.h"

G_BEGIN_DECLS

typedef struct
{
  /* The button was pressed: roll the picture by half its width and give it
   * back with tess_viewer_set_picture. NULL: there is no button. */
  void (*turn) (gpointer data);
  /* The user closes the window; by default it is only hidden. May be NULL. */
  void (*closed) (gpointer data);
  gpointer data;
} TessViewerHost;

G_DECLARE_FINAL_TYPE (TessViewer, tess_viewer, TESS, VIEWER, GtkWindow)

/* Not shown yet; destroyed by gtk_widget_destroy. */
GtkWidget *tess_viewer_new (const TessViewerHost *host);

/* While it is being painted: small and rough; nothing is measured. */
void tess_viewer_set_preview (TessViewer *viewer, GdkPixbuf *picture);

/* A picture that is done, a private buffer: shown sharp, and measured.
 * @period_px: between tiles, 0: not known. NULL: none, @why says so. */
void tess_viewer_set_picture (TessViewer *viewer,
                              GeglBuffer *picture,
                              gint period_px);
void tess_viewer_set_none (TessViewer *viewer, const gchar *why);

/* @picture with its right half left of its left half: a new buffer of the same
 * format. */
GeglBuffer *tess_viewer_turn (GeglBuffer *picture);

G_END_DECLS
