/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/choices.h: settings that take one of a few words: labels for the words
 * of core/request.h, and the words that concern GIMP only.
 *
 * In the procedures they are string arguments rather than GIMP's choice
 * arguments on purpose: of an unknown word a choice silently makes its default
 * in the caller already, so that the plug-in never learns of it. */
#pragma once

#include <gtk/gtk.h>
#include "core/request.h"

G_BEGIN_DECLS

typedef enum
{
  TESS_INIT_NONE,
  TESS_INIT_LAYER,
  TESS_INIT_VISIBLE,
} TessInit;

typedef enum
{
  TESS_OUTPUT_LAYER,
  TESS_OUTPUT_IMAGE,
} TessOutput;

/* What is painted larger. */
typedef enum
{
  TESS_SOURCE_VISIBLE,
  TESS_SOURCE_LAYER,
} TessSource;

/* What a panorama shall be. */
typedef enum
{
  TESS_PANORAMA_SPHERE,    /* all around, up and down: twice as wide as high */
  TESS_PANORAMA_RING,      /* a strip all around */
  TESS_PANORAMA_WIDE,      /* wide; its ends do not meet */
  TESS_PANORAMA_TEXTURE_X, /* can be laid side by side */
  TESS_PANORAMA_TEXTURE_Y, /* one above the other */
  TESS_PANORAMA_TEXTURE,   /* both */
} TessPanoramaShape;

/* What becomes of a panorama. */
typedef enum
{
  TESS_PROJECTION_CUBE,
  TESS_PROJECTION_PLANET,
  TESS_PROJECTION_VIEW,
} TessProjection;

/* The words of a setting: of a field of the request, of "init" (here: from
 * which layer), "source", "output", "shape", "projection" or "quality". They
 * end with a NULL nick. */
const TessChoice *tess_choices_of (const gchar *name);

/**
 * tess_choice_parse:
 * Errors: TESS_ERROR_REQUEST that lists the words there are.
 */
gboolean tess_choice_parse (const gchar *name,
                            const gchar *nick,
                            gint *value,
                            GError **error);

/* "one, two or three" for documentation. (transfer full) */
gchar *tess_choice_words (const gchar *name);

/* A combo box of labels, tied to the string property @name of @config. */
GtkWidget *tess_choice_combo_new (GObject *config, const gchar *name);
/* The same with some of the words only: @nicks ends with NULL. */
GtkWidget *tess_choice_combo_new_of (GObject *config,
                                     const gchar *name,
                                     const gchar *const *nicks);

G_END_DECLS
