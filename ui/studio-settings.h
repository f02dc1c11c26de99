/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/studio-settings.h: the dialog's column of settings, and how a plug-in
 * says what is in its own: first the prompt, then a few rows, then sections
 * that are folded away. All settings are properties of the procedure's
 * configuration and change with it. */
#pragma once

#include <libgimp/gimpui.h>
#include "ui/setting-table.h"

G_BEGIN_DECLS

typedef struct _TessStudioKind TessStudioKind;

typedef struct
{
  GObject *config;
  GimpImage *image; /* NULL: what concerns an image is left out */
  const TessStudioKind *kind;
  GtkWidget *column;    /* box that sections are packed into */
  GtkWidget *prompt;    /* where writing begins; NULL: there is none */
  GtkWidget *seed;      /* spin button */
  GtkWidget *random;    /* check button */
  GtkWidget *instances; /* TessInstanceList; NULL: there is none */
  GtkWidget *overlay;   /* check button: it shows on the picture */
} TessStudioSettings;

/* Adds a row to the first page, or nothing where it does not apply. */
typedef void (*TessRow) (TessStudioSettings *settings, TessTable *table);
/* Adds an expander to the column, or nothing. */
typedef void (*TessSection) (TessStudioSettings *settings);

typedef struct
{
  const gchar *name; /* N_() */
  gint width, height;
} TessNamedSize;

/* What makes the studio that of one plug-in. Texts are marked with N_(). */
struct _TessStudioKind
{
  const gchar *title;          /* of the window */
  const gchar *action;         /* of the button that paints; NULL: _Generate */
  const gchar *role;           /* of the window, for the desktop */
  const gchar *hint;           /* while there is no picture */
  const TessRow *rows;         /* ends with NULL */
  const TessRow *more_rows;    /* first in the advanced section; may be NULL */
  const TessSection *sections; /* ends with NULL */
  const gchar *const *methods; /* to choose from; NULL: there is no choice */
  const TessNamedSize *sizes;  /* ends with a NULL name */
  gboolean instances;          /* the tab for them is there */
  gboolean resumes;    /* no settings: goes on with the last job at once */
  gboolean all_around; /* its pictures close: the 360 viewer is there */
  /* Where a picture that is there is painted larger, else NULL: how large it
   * is, by the settings and what is selected now. Such a studio does not begin
   * with words. FALSE: there is none. */
  gboolean (*extent) (GObject *config,
                      GimpImage *image,
                      gint *width,
                      gint *height);
};

/* Rows that several plug-ins have (ui/setting-rows.c). */
void tess_row_model (TessStudioSettings *settings, TessTable *table);
void tess_row_size (TessStudioSettings *settings, TessTable *table);
void tess_row_steps (TessStudioSettings *settings, TessTable *table);
void tess_row_guidance (TessStudioSettings *settings, TessTable *table);
void tess_row_sampler (TessStudioSettings *settings, TessTable *table);
void tess_row_seed (TessStudioSettings *settings, TessTable *table);
void tess_row_output (TessStudioSettings *settings, TessTable *table);

/* Sections that several plug-ins have (ui/setting-sections.c). In
 * tess_section_advanced a setting that the procedure lacks has no row. */
void tess_section_prompts (TessStudioSettings *settings);
void tess_section_begin (TessStudioSettings *settings);
void tess_section_objects (TessStudioSettings *settings);
/* What is on the second tab (ui/instance-settings.c). */
void tess_section_instances (TessStudioSettings *settings);
void tess_section_advanced (TessStudioSettings *settings);

/* @kind must outlive the widget; @image may be NULL. */
GtkWidget *tess_studio_settings_new (GObject *config,
                                     GimpImage *image,
                                     const TessStudioKind *kind);

/* Shows the seed of a picture just made. */
void tess_studio_settings_show_seed (GtkWidget *settings, gint64 seed);

/* Borrowed; lives as long as the widget. */
const TessStudioSettings *tess_studio_settings_get (GtkWidget *settings);

G_END_DECLS
