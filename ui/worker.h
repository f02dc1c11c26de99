/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/worker.h: the thread that plans and paints while the main thread keeps
 * GIMP and the dialog answering. One job at a time; the studio behind it keeps
 * the model between jobs.
 *
 * All functions are called on the main thread, whose default main context must
 * run; all callbacks come there. */
#pragma once

#include "core/generate.h"

G_BEGIN_DECLS

typedef struct
{
  /* Each may be NULL. @error is NULL where @plan or @result is not. */
  void (*planned) (const TessJobPlan *plan, const GError *error, gpointer data);
  void (*progress) (const TessProgress *progress, gpointer data);
  void (*preview) (GBytes *rgb, gint width, gint height, gpointer data);
  /* @request has the seed that was used. */
  void (*painted) (GeglBuffer *result,
                   const TessRequest *request,
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

/* Each paint is answered by one call of painted. @request: (transfer full). */
void tess_worker_paint (TessWorker *worker, TessRequest *request);
gboolean tess_worker_is_painting (const TessWorker *worker);

/* The running picture ends within one tile, with G_IO_ERROR_CANCELLED. */
void tess_worker_stop (TessWorker *worker);

G_END_DECLS
