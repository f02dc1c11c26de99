/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/studio.h: the dialog: write, generate, look, change, generate again,
 * keep. It stays open and keeps the model loaded between pictures.
 *
 * The dialog knows settings and pictures; what it takes to read from and write
 * to a GIMP image is told by a host. */
#pragma once

#include <libgimp/gimpui.h>
#include "core/generate.h"
#include "ui/studio-settings.h"

G_BEGIN_DECLS

typedef struct
{
  GimpImage *image; /* NULL: pictures become images of their own */

  /* The request that the settings make. @tiny: for a plan, which happens at
   * each change: without pixels of layers. @area: where it belongs. */
  TessRequest *(*request) (gboolean tiny,
                           GeglRectangle *area,
                           GError **error,
                           gpointer data);
  /* Into the image, or a new one. */
  gboolean (*keep) (GeglBuffer *result,
                    const TessRequest *request,
                    const GeglRectangle *area,
                    GError **error,
                    gpointer data);
  /* For the report: whatever the dialog had to say as an error. */
  void (*failed) (const GError *error, gpointer data);
  gpointer data;
} TessStudioHost;

/**
 * tess_studio_dialog_run:
 * Shows the dialog of that @kind until it is closed. @config is the
 * procedure's.
 * Returns: whether anything was painted, so that the settings are worth
 * remembering.
 */
gboolean tess_studio_dialog_run (GObject *config,
                                 const TessStudioKind *kind,
                                 const TessStudioHost *host);

G_END_DECLS
