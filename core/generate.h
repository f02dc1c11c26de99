/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/generate.h: the job: the whole way from a request to pixels.
 *
 * A studio keeps what is expensive between pictures (the opened model, its
 * weights in the device's layout, compiled programs). A plan says what a
 * request will cost before anything is started. */
#pragma once

#include "core/request.h"

G_BEGIN_DECLS

typedef struct _TessStudio TessStudio;

TessStudio *tess_studio_new (void);
void tess_studio_free (TessStudio *studio); /* may be NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessStudio, tess_studio_free)

typedef struct
{
  gint width, height;    /* painted, before cropping to the request */
  gint cells_w, cells_h; /* of the latent canvas */
  gint n_tiles;
  gint tile_w, tile_h; /* in latent cells */
  gint batch;          /* samples of the UNet at once: a tile with guidance is
                          two */
  gint n_steps;
  gint n_calls;             /* UNet samples in all */
  gdouble samples_per_cell; /* of the canvas, at each step, by the area of
                               tiles; guidance and regions not counted */
  gsize n_bytes; /* peak of the process, what it holds now included */
  gsize n_bytes_weights;
  gsize n_bytes_free; /* of the machine now, or the request's limit */
  gdouble n_flops;
  gdouble seconds;     /* estimate; 0: not known yet on this machine */
  const gchar *device; /* "cpu, float32" */
  gchar *model;        /* name */
  /* Nothing says whether its file predicts eps or v; what such files mostly do
   * is taken. Once said (core/told.h, a request's prediction) it is known. */
  gboolean prediction_guessed;
  gchar *names; /* all that instances may show, "tree, house"; NULL: whatever
                   the model can paint, or it takes no instances */
} TessJobPlan;

void tess_job_plan_clear (TessJobPlan *plan);

/**
 * tess_studio_plan:
 * What @request will take. Opens the model's headers, reads no weights.
 * Errors: TESS_ERROR_MEMORY with the numbers and the setting that would make
 * it fit; TESS_ERROR_REQUEST; TESS_ERROR_MODEL.
 */
gboolean tess_studio_plan (TessStudio *studio,
                           const TessRequest *request,
                           TessJobPlan *plan,
                           GError **error);

typedef enum
{
  TESS_STAGE_LOAD,   /* weights, text */
  TESS_STAGE_ENCODE, /* the picture given, or painted before */
  TESS_STAGE_SAMPLE, /* step of n_steps, tile of n_tiles */
  TESS_STAGE_DECODE,
} TessStage;

typedef struct
{
  TessStage stage;
  gint phase, n_phases; /* pictures that are painted one after another */
  gint step, n_steps;
  gint tile, n_tiles;   /* of this step */
  gdouble fraction;     /* of the whole job, 0..1 */
  gdouble seconds_left; /* < 0: not known yet */
} TessProgress;

typedef struct _TessJobFolder TessJobFolder; /* core/job-folder.h */

/* All called on the thread that runs the job. */
typedef struct
{
  void (*progress) (const TessProgress *progress, gpointer data);
  /* A small picture of what is being made: 8-bit RGB, rows of width * 3. */
  void (*preview) (const guint8 *rgb, gint width, gint height, gpointer data);
  gint preview_every; /* steps; 0: never */
  gpointer data;
  /* Something that does not stop the job: it can no longer be resumed. */
  void (*warning) (const gchar *text, gpointer data);
  /* Where the job is written down after each step, so that it can be resumed:
   * one begun with tess_job_folder_new, or opened to go on; borrowed. What it
   * holds is of the request that is run. The caller removes it when the
   * picture is safe. NULL: nowhere. */
  TessJobFolder *folder;
} TessJobHooks;

/**
 * tess_studio_run:
 * Paints. The result is a new GeglBuffer of "R'G'B' float" ("R'G'B'A float"
 * where a picture that lets through is enlarged), exactly
 * request->width x request->height from (0, 0). request->seed is written
 * back. Runs on any one thread; a second job of the same studio waits.
 * @hooks and @cancellable may be NULL; cancelling answers within one tile and
 * leaves nothing behind but the job's folder. A job that goes on from its
 * folder paints the same picture to the last bit in float32.
 * Errors: those of the plan; G_IO_ERROR_CANCELLED.
 */
GeglBuffer *tess_studio_run (TessStudio *studio,
                             TessRequest *request,
                             const TessJobHooks *hooks,
                             GCancellable *cancellable,
                             GError **error);

G_END_DECLS
