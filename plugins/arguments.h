/* SPDX-License-Identifier: GPL-3.0-or-later
 * plugins/arguments.h: what a painting procedure can be told, declared once,
 * and from there to a request. Names are an interface: never rename one.
 * docs/gimp.md lists them. */
#pragma once

#include <libgimp/gimp.h>
#include "core/request.h"

G_BEGIN_DECLS

/* Settings that not all procedures have. */
enum
{
  TESS_ARGUMENTS_IMAGE = 1 << 0,   /* image, output */
  TESS_ARGUMENTS_METHOD = 1 << 1,  /* method */
  TESS_ARGUMENTS_WRAP = 1 << 2,    /* wrap */
  TESS_ARGUMENTS_REFINE = 1 << 3,  /* refine, detail: any-size */
  TESS_ARGUMENTS_PAINT = 1 << 4,   /* what a picture painted anew has: steps,
                                      instances, the noise; with
                                      TESS_ARGUMENTS_IMAGE init and regions */
  TESS_ARGUMENTS_ENLARGE = 1 << 5, /* what one painted larger has instead:
                                      source, scale, quality, fidelity */
};

/* A default that is another one in this procedure. */
typedef struct
{
  const gchar *name, *word;
} TessStandard;

/* Declares run-mode, what the @sets have and every setting that all have.
 * @standards ends with a NULL name, may be NULL. */
void tess_arguments_declare (GimpProcedure *procedure,
                             guint sets,
                             const TessStandard *standards);

/* Parts of it, for procedures that have less: run-mode and, with
 * TESS_ARGUMENTS_IMAGE, the image; whether the settings are kept. */
void tess_arguments_declare_run (GimpProcedure *procedure, guint sets);
void tess_arguments_declare_recipe (GimpProcedure *procedure);

/* A setting that takes one of the words of ui/choices.h. */
void tess_arguments_declare_word (GimpProcedure *procedure,
                                  const gchar *name,
                                  const gchar *label,
                                  const gchar *blurb,
                                  const gchar *standard);

gboolean tess_arguments_has (GObject *config, const gchar *name);

/**
 * tess_arguments_read:
 * Everything of the request that does not need the image: text, model (found
 * by name, made a path), numbers, words, LoRAs. Width and height are as
 * written, 0 for "as the image".
 * Errors: TESS_ERROR_REQUEST that names the argument; TESS_ERROR_MODEL when
 * there is no model of that name.
 */
TessRequest *tess_arguments_read (GObject *config, GError **error);

/* "file" or "file:weight", one a line, appended to the request. */
gboolean tess_arguments_read_loras (TessRequest *request,
                                    const gchar *lines,
                                    GError **error);

/* Words of arguments that concern the image only. */
gboolean tess_arguments_read_word (GObject *config,
                                   const gchar *name,
                                   gint *value,
                                   GError **error);

G_END_DECLS
