/* SPDX-License-Identifier: GPL-3.0-or-later
 * plugins/painter.h: what the procedures that paint have in common: the same
 * settings and studio, with a dialog or in batch, results as layers or images.
 * A plug-in is a description: one thin file. */
#pragma once

#include <libgimp/gimp.h>
#include "core/request.h"
#include "plugins/arguments.h"
#include "ui/studio.h"

G_BEGIN_DECLS

/* Texts are marked with N_(). */
typedef struct
{
  const gchar *menu_label, *menu_path;
  const gchar *blurb, *help;     /* for the procedure browser */
  guint sets;                    /* of plugins/arguments.h; without
                                    TESS_ARGUMENTS_IMAGE each call makes an image */
  const TessStandard *standards; /* may be NULL */
  gint width, height; /* pixels where nothing says so; 0: 768 x 512 */
  gboolean whole;     /* paints the whole image, whatever is selected */
  gboolean enlarges;  /* what is there becomes larger: "source" says what */
  gboolean resumes;   /* has no settings: goes on with the last job */
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
  /* Before the dialog opens: settings that fit the @image (may be NULL). */
  void (*prepare) (GObject *config, GimpImage *image);
  /* Whether the picture of @request is a panorama, which its image is to say
   * in its metadata; NULL: tess_gpano_suits. */
  gboolean (*panorama) (GObject *config, const TessRequest *request);
  /* Of the picture: 0 where it is not given, which the other side may tell;
   * what stays 0 is as in @from, the part of the image that is meant. */
  void (*size) (GObject *config,
                const GeglRectangle *from,
                gint *width,
                gint *height);
} TessPainter;

/* The procedure @name. @painter must stay. */
GimpProcedure *tess_painter_create (GimpPlugIn *plug_in,
                                    const gchar *name,
                                    const TessPainter *painter);

G_END_DECLS
