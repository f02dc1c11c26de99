/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/worker.h: the thread that plans and paints while the main thread keeps
 * GIMP and the dialog answering. One job at a time; the studio behind it keeps
 * the model between jobs.
 *
 * All functions are called on the main thread, whose default main context must
 * run; all callbacks come there. */
#pragma once

#include "core/job-folder.h"

G_BEGIN_DECLS

typedef struct
{
  /* Each may be NULL. @error is NULL where @plan or @result is not. */
  void (*planned) (const TessJobPlan *plan, const GError *error, gpointer data);
  void (*progress) (const TessProgress *progress, gpointer data);
  void (*preview) (GBytes *rgb, gint width, gint height, gpointer data);
  /* Something that does not stop the picture. */
  void (*warning) (const gchar *text, gpointer data);
  /* @request has the seed that was used. @folder: (transfer full), may be
   * NULL: to be removed when the picture is safe. Of a picture that was
   * stopped or failed the job stays on disk if a step of it was done. */
  void (*painted) (GeglBuffer *result,
                   const TessRequest *request,
                   const GeglRectangle *area,
                   TessJobFolder *folder,
                   const GError *error,
                   gpointer data);
} TessWorkerFuncs;

typedef struct _TessWorker TessWorker;

TessWorker *tess_worker_new (const TessWorkerFuncs *funcs, gpointer data);
/* Stops what runs and waits for it; no callback comes afterwards. */
void tess_worker_free (TessWorker *worker); /* may be NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessWorker, tess_worker_free)

/* A plan that was asked for later takes the place of one not yet begun.
 * @request: (transfer full). */
void tess_worker_plan (TessWorker *worker, TessRequest *request);

/* Each paint is answered by one call of painted. @area: where in the image it
 * belongs. @request, @folder: (transfer full); with a folder an earlier job
 * goes on, NULL: a new one is written down where that is possible. */
void tess_worker_paint (TessWorker *worker,
                        TessRequest *request,
                        const GeglRectangle *area,
                        TessJobFolder *folder);

/* The same of what is only to be looked at: it is not written down. */
void tess_worker_try (TessWorker *worker,
                      TessRequest *request,
                      const GeglRectangle *area);

/* The job that was stopped or cut off last, for tess_worker_paint.
 * Errors: TESS_ERROR_REQUEST where there is none. */
TessJobFolder *tess_worker_open_last (TessRequest **request,
                                      GeglRectangle *area,
                                      GError **error);
gboolean tess_worker_is_painting (const TessWorker *worker);

/* The running picture ends within one tile, with G_IO_ERROR_CANCELLED. */
void tess_worker_stop (TessWorker *worker);

G_END_DECLS
