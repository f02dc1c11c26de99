/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/worker.c: a queue of tasks for one thread; answers come back as idle
 * calls. Progress and previews come faster than GTK may want them, so only the
 * latest of each waits in a slot. */
#include "ui/worker.h"

#include <stdio.h>
#include <string.h>
#include <glib/gi18n-lib.h>
#include "core/error.h"

#define NOTE_PLACE "place" /* of the picture in its image: x y width height */

typedef struct
{
  TessWorker *worker;
  enum
  {
    TASK_PLAN,
    TASK_PAINT,
    TASK_QUIT
  } kind;
  gint serial; /* of a plan */
  TessRequest *request;
  GeglRectangle area; /* of a picture, as the rest */
  TessJobFolder *folder;
  gboolean passing; /* it is not written down */
  GCancellable *cancellable;
  /* the answer */
  TessJobPlan plan;
  GeglBuffer *result;
  GError *error;
} Task;

struct _TessWorker
{
  TessWorkerFuncs funcs;
  gpointer data;

  GThread *thread;
  GAsyncQueue *tasks;
  GMainContext *context;

  gint plan_serial; /* atomic: the newest plan asked for */
  gint n_painting;  /* main thread only */
  GCancellable *cancellable;

  GMutex mutex; /* the slots, the list of answers on their way */
  TessProgress progress;
  gboolean has_progress;
  GBytes *preview;
  gint preview_w, preview_h;
  gchar *warning;
  GSource *slot_source;
  GList *answers; /* of GSource */
};

static void
task_free (Task *task)
{
  g_clear_pointer (&task->request, tess_request_free);
  g_clear_object (&task->cancellable);
  g_clear_pointer (&task->folder, tess_job_folder_close);
  tess_job_plan_clear (&task->plan);
  g_clear_object (&task->result);
  g_clear_error (&task->error);
  g_free (task);
}

static gboolean
deliver_slots (gpointer data)
{
  TessWorker *worker = data;
  TessProgress progress;
  gboolean has_progress;
  g_autoptr (GBytes) preview = NULL;
  g_autofree gchar *warning = NULL;
  gint width, height;

  g_mutex_lock (&worker->mutex);
  progress = worker->progress;
  has_progress = worker->has_progress;
  preview = g_steal_pointer (&worker->preview);
  warning = g_steal_pointer (&worker->warning);
  width = worker->preview_w;
  height = worker->preview_h;
  worker->has_progress = FALSE;
  g_clear_pointer (&worker->slot_source, g_source_unref);
  g_mutex_unlock (&worker->mutex);

  if (worker->n_painting == 0)
    return G_SOURCE_REMOVE;
  if (has_progress && worker->funcs.progress)
    worker->funcs.progress (&progress, worker->data);
  if (preview && worker->funcs.preview)
    worker->funcs.preview (preview, width, height, worker->data);
  if (warning && worker->funcs.warning)
    worker->funcs.warning (warning, worker->data);
  return G_SOURCE_REMOVE;
}

/* With the mutex held. */
static void
post_slots (TessWorker *worker)
{
  if (worker->slot_source)
    return;
  worker->slot_source = g_idle_source_new ();
  g_source_set_callback (worker->slot_source, deliver_slots, worker, NULL);
  g_source_attach (worker->slot_source, worker->context);
}

static void
on_progress (const TessProgress *progress, gpointer data)
{
  TessWorker *worker = data;

  g_mutex_lock (&worker->mutex);
  worker->progress = *progress;
  worker->has_progress = TRUE;
  post_slots (worker);
  g_mutex_unlock (&worker->mutex);
}

static void
on_preview (const guint8 *rgb, gint width, gint height, gpointer data)
{
  TessWorker *worker = data;

  g_mutex_lock (&worker->mutex);
  g_clear_pointer (&worker->preview, g_bytes_unref);
  worker->preview = g_bytes_new (rgb, (gsize) width * height * 3);
  worker->preview_w = width;
  worker->preview_h = height;
  post_slots (worker);
  g_mutex_unlock (&worker->mutex);
}

static void
on_warning (const gchar *text, gpointer data)
{
  TessWorker *worker = data;

  g_debug ("%s", text);
  g_mutex_lock (&worker->mutex);
  g_free (worker->warning);
  worker->warning = g_strdup (text);
  post_slots (worker);
  g_mutex_unlock (&worker->mutex);
}

static gboolean
deliver_answer (gpointer data)
{
  Task *task = data;
  TessWorker *worker = task->worker;
  GSource *source = g_main_current_source ();

  g_mutex_lock (&worker->mutex);
  worker->answers = g_list_remove (worker->answers, source);
  g_mutex_unlock (&worker->mutex);
  g_source_unref (source);

  if (task->kind == TASK_PAINT)
    {
      worker->n_painting--;
      if (worker->cancellable == task->cancellable)
        g_clear_object (&worker->cancellable);
      if (worker->funcs.painted)
        worker->funcs.painted (task->result, task->request, &task->area,
                               g_steal_pointer (&task->folder), task->error,
                               worker->data);
    }
  else if (task->serial == g_atomic_int_get (&worker->plan_serial)
           && worker->funcs.planned)
    worker->funcs.planned (task->error ? NULL : &task->plan, task->error,
                           worker->data);
  return G_SOURCE_REMOVE;
}

static void
post_answer (Task *task)
{
  TessWorker *worker = task->worker;
  GSource *source = g_idle_source_new ();

  g_source_set_callback (source, deliver_answer, task,
                         (GDestroyNotify) task_free);
  g_mutex_lock (&worker->mutex);
  worker->answers = g_list_prepend (worker->answers, source);
  g_source_attach (source, worker->context);
  g_mutex_unlock (&worker->mutex);
}

/* A disk that is full or must not be written to stops no picture. */
static TessJobFolder *
new_folder (Task *task)
{
  g_autofree gchar *path = tess_job_folder_fresh ();
  g_autofree gchar *place
      = g_strdup_printf ("%d %d %d %d", task->area.x, task->area.y,
                         task->area.width, task->area.height);
  g_autoptr (GError) error = NULL;
  g_autoptr (TessJobFolder) folder
      = tess_job_folder_new (path, task->request, &error);

  if (folder && tess_job_folder_note (folder, NOTE_PLACE, place, &error))
    return g_steal_pointer (&folder);
  g_clear_pointer (&folder, tess_job_folder_remove);
  on_warning (error->message, task->worker);
  return NULL;
}

static void
paint (Task *task, TessStudio *studio)
{
  TessWorker *worker = task->worker;
  TessJobHooks hooks = {
    .progress = on_progress,
    .preview = worker->funcs.preview ? on_preview : NULL,
    .preview_every = 1,
    .warning = on_warning,
    .data = worker,
  };

  if (!task->folder && !task->passing)
    task->folder = new_folder (task);
  hooks.folder = task->folder;
  task->result = tess_studio_run (studio, task->request, &hooks,
                                  task->cancellable, &task->error);
  if (task->result || !task->folder)
    return;
  if (tess_job_folder_is_begun (task->folder))
    g_clear_pointer (&task->folder, tess_job_folder_close);
  else
    g_clear_pointer (&task->folder, tess_job_folder_remove);
}

static gpointer
run (gpointer data)
{
  TessWorker *worker = data;
  g_autoptr (TessStudio) studio = tess_studio_new ();

  for (;;)
    {
      Task *task = g_async_queue_pop (worker->tasks);

      switch (task->kind)
        {
        case TASK_QUIT:
          task_free (task);
          return NULL;

        case TASK_PLAN:
          if (task->serial != g_atomic_int_get (&worker->plan_serial))
            {
              task_free (task);
              continue;
            }
          tess_studio_plan (studio, task->request, &task->plan, &task->error);
          break;

        case TASK_PAINT:
          paint (task, studio);
          break;
        }
      post_answer (task);
    }
}

TessWorker *
tess_worker_new (const TessWorkerFuncs *funcs, gpointer data)
{
  TessWorker *worker = g_new0 (TessWorker, 1);

  worker->funcs = *funcs;
  worker->data = data;
  worker->tasks = g_async_queue_new_full ((GDestroyNotify) task_free);
  worker->context = g_main_context_ref_thread_default ();
  g_mutex_init (&worker->mutex);
  worker->thread = g_thread_new ("tessera-worker", run, worker);
  return worker;
}

static void
push (TessWorker *worker, Task task)
{
  task.worker = worker;
  g_async_queue_push (worker->tasks, g_memdup2 (&task, sizeof task));
}

void
tess_worker_plan (TessWorker *worker, TessRequest *request)
{
  gint serial = g_atomic_int_add (&worker->plan_serial, 1) + 1;

  push (worker,
        (Task) { .kind = TASK_PLAN, .request = request, .serial = serial });
}

static void
push_paint (TessWorker *worker, Task task)
{
  g_set_object (&worker->cancellable, NULL);
  worker->cancellable = g_cancellable_new ();
  worker->n_painting++;
  task.kind = TASK_PAINT;
  task.cancellable = g_object_ref (worker->cancellable);
  push (worker, task);
}

void
tess_worker_paint (TessWorker *worker,
                   TessRequest *request,
                   const GeglRectangle *area,
                   TessJobFolder *folder)
{
  push_paint (worker,
              (Task) { .request = request, .area = *area, .folder = folder });
}

void
tess_worker_try (TessWorker *worker,
                 TessRequest *request,
                 const GeglRectangle *area)
{
  push_paint (worker,
              (Task) { .request = request, .area = *area, .passing = TRUE });
}

TessJobFolder *
tess_worker_open_last (TessRequest **request,
                       GeglRectangle *area,
                       GError **error)
{
  g_autofree gchar *path = tess_job_folder_last ();
  g_autofree gchar *place = NULL;
  TessJobFolder *folder;
  GeglRectangle a;

  if (!path)
    {
      g_set_error_literal (error, TESS_ERROR, TESS_ERROR_REQUEST,
                           _ ("There is no job to resume: none was stopped or "
                              "cut off."));
      return NULL;
    }
  folder = tess_job_folder_open (path, request, error);
  if (!folder)
    return NULL;
  place = tess_job_folder_read_note (folder, NOTE_PLACE);
  if (!place
      || sscanf (place, "%d %d %d %d", &a.x, &a.y, &a.width, &a.height) != 4)
    a.x = a.y = 0;
  a.width = (*request)->width;
  a.height = (*request)->height;
  *area = a;
  return folder;
}

gboolean
tess_worker_is_painting (const TessWorker *worker)
{
  return worker->n_painting > 0;
}

void
tess_worker_stop (TessWorker *worker)
{
  if (worker->cancellable)
    g_cancellable_cancel (worker->cancellable);
}

void
tess_worker_free (TessWorker *worker)
{
  if (!worker)
    return;
  tess_worker_stop (worker);
  push (worker, (Task) { .kind = TASK_QUIT });
  g_thread_join (worker->thread);

  if (worker->slot_source)
    {
      g_source_destroy (worker->slot_source);
      g_source_unref (worker->slot_source);
    }
  for (GList *i = worker->answers; i; i = i->next)
    {
      g_source_destroy (i->data);
      g_source_unref (i->data);
    }
  g_list_free (worker->answers);
  g_clear_pointer (&worker->preview, g_bytes_unref);
  g_free (worker->warning);
  g_clear_object (&worker->cancellable);
  g_async_queue_unref (worker->tasks);
  g_main_context_unref (worker->context);
  g_mutex_clear (&worker->mutex);
  g_free (worker);
}
