/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/studio-private.h: what the files of the dialog share: studio.c (what
 * happens in it), studio-plan.c (what the settings will take), studio-window.c
 * (its widgets). */
#pragma once

#include <unistd.h>

#include "ui/instance-list.h"
#include "ui/result-strip.h"
#include "ui/studio.h"
#include "ui/tile-preview.h"
#include "ui/trial.h"
#include "ui/worker.h"

G_BEGIN_DECLS

/* ms without a change before anything is worked out anew */
#define TESS_STUDIO_DELAY 250

enum
{
  RESPONSE_GENERATE = 1,
  RESPONSE_STOP,
  RESPONSE_KEEP,
  RESPONSE_LOOK,
  RESPONSE_RESUME,
  RESPONSE_TRY,
};

typedef struct
{
  GObject *config;
  const TessStudioKind *kind;
  TessStudioHost host;
  TessWorker *worker;
  GMainLoop *loop;
  pid_t gimp;

  GtkWidget *dialog;
  GtkWidget *settings;
  TessInstanceList *instances; /* NULL: there is none */
  GtkWidget *preview;
  TessTrial *trial; /* NULL: nothing is enlarged */
  gboolean trying;  /* what is painted is its spot */
  GtkWidget *strip;
  GtkWidget *plan;     /* label */
  GtkWidget *progress; /* bar */
  GtkWidget *message;  /* label, for errors */
  GtkWidget *viewer;   /* NULL until it is asked for */
  GeglBuffer *viewed;  /* what it shows; only to be compared */

  guint plan_source;
  guint source_source;       /* will read what is to be enlarged */
  gint planned_w, planned_h; /* of the request that was planned last */
  gboolean guessed;          /* what its model predicts */
  gboolean painted_any;
} Studio;

/* --- studio-window.c ----------------------------------------------------- */

/* Dialog, settings, picture side; connects nothing. */
void tess_studio_build (Studio *studio);

/* NULL: nothing. */
void tess_studio_say (Studio *studio, const gchar *text);
/* The host is told as well. */
void tess_studio_say_error (Studio *studio, const GError *error);
void tess_studio_show_fraction (Studio *studio, gdouble fraction);
/* What is to be enlarged, or nothing. */
void tess_studio_show_unpainted (Studio *studio);

/* Which buttons there are at the moment, and what keeping will do. */
void tess_studio_update_buttons (Studio *studio);
void tess_studio_update_keep_label (Studio *studio);
gboolean tess_studio_can_resume (void);

/* --- studio-plan.c ------------------------------------------------------- */

void tess_studio_plan_now (Studio *studio);
/* When nothing has changed for a moment. */
void tess_studio_plan_soon (Studio *studio);
/* One line: what the settings will take. */
void tess_studio_planned (const TessJobPlan *plan,
                          const GError *error,
                          gpointer studio);

G_END_DECLS
