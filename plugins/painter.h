/* SPDX-License-Identifier: GPL-3.0-or-later
 * plugins/painter.h: what the procedures that paint have in common: the same
 * settings and studio, with a dialog or in batch, results as layers or images.
 * A plug-in is a description: one thin file. */
#pragma once

#include <libgimp/gimp.h>
#include "core/request.h"
#include "ui/studio.h"

G_BEGIN_DECLS

/* Texts are marked with N_(). */
typedef struct
{
  const gchar *menu_label, *menu_path;
  const gchar *blurb, *help; /* for the procedure browser */
  gboolean for_image; /* takes an image and may start from it; else each call
                         makes a new one */
  const TessStudioKind *studio;

  /* Each may be NULL. */
  /* The settings that only this procedure has, beside those of
   * tess_arguments_declare. */
  void (*declare) (GimpProcedure *procedure);
  /* From those to the @request, which has everything else already. @image may
   * be NULL. */
  gboolean (*read) (GObject *config,
                    GimpImage *image,
                    TessRequest *request,
                    GError **error);
} TessPainter;

/* The procedure @name. @painter must stay. */
GimpProcedure *tess_painter_create (GimpPlugIn *plug_in,
                                    const gchar *name,
                                    const TessPainter *painter);

G_END_DECLS
