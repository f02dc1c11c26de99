/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/generate.c: the job; read this first.
 *
 * A request is one picture, or a few after another (core/phase.h). Each is
 * planned before anything starts, then painted (core/paint.h):
 * prompt + canvas -> text encoder -> noise, or the encoded picture to start
 * from -> the loop over steps and tiles -> decoder by tiles -> GeglBuffer. */
#include "core/generate.h"

#include "core/job-folder.h"
#include "core/job-plan.h"
#include "core/paint.h"
#include "core/phase.h"
#include "core/poles.h"

#include <glib/gi18n-lib.h>
#include <stdlib.h>

#define NOTE_FREE "free-memory"
#define NOTE_MODEL "model"
#define NOTE_STORAGE "storage"

typedef struct
{
  TessStudio *studio;
  GPtrArray *phases;  /* of TessPhase */
  TessJobPlan *plans; /* [phases->len] */
  gsize n_bytes_free; /* when the job was begun */
} Session;

static void
session_finish (Session *session)
{
  for (guint i = 0; session->plans && i < session->phases->len; i++)
    tess_job_plan_clear (&session->plans[i]);
  g_free (session->plans);
  g_clear_pointer (&session->phases, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Session, session_finish)

void
tess_job_plan_clear (TessJobPlan *plan)
{
  g_clear_pointer (&plan->model, g_free);
  g_clear_pointer (&plan->names, g_free);
}

static const TessPhase *
phase_at (const Session *session, guint i)
{
  return session->phases->pdata[i];
}

/* What each phase will take; all must fit before the first one starts. */
static gboolean
plan_phases (Session *session, GError **error)
{
  session->plans = g_new0 (TessJobPlan, session->phases->len);
  for (guint i = 0; i < session->phases->len; i++)
    {
      TessJob job = { 0 };
      gboolean good = tess_job_init (&job, session->studio,
                                     phase_at (session, i)->request,
                                     session->n_bytes_free, error);

      session->plans[i] = job.plan;
      job.plan.model = job.plan.names = NULL;
      tess_job_finish (&job);
      if (!good)
        return FALSE;
    }
  return TRUE;
}

static gboolean
session_init (Session *session,
              TessStudio *studio,
              const TessRequest *request,
              GError **error)
{
  const TessStructureConfig *structure;
  TessPhaseModel model;

  session->studio = studio;
  if (!tess_request_check (request, error)
      || !tess_studio_open (studio, request, error))
    return FALSE;
  structure = tess_model_structure (studio->model);
  model = (TessPhaseModel) {
    .window = tess_model_unet (studio->model)->sample_size,
    .align = tess_unet_align (studio->unet),
    .factor = tess_vae_factor (studio->vae),
    .upscales = structure != NULL && !structure->aside,
  };
  session->phases = tess_phases_new (request, &model);
  return plan_phases (session, error);
}

/* The plan of the largest phase, with the work of all. */
static void
sum_plans (const Session *session, TessJobPlan *plan)
{
  const TessJobPlan *main = &session->plans[0];
  gboolean known = TRUE;

  for (guint i = 0; i < session->phases->len; i++)
    if (session->plans[i].width >= main->width
        && phase_at (session, i)->pole == 0)
      main = &session->plans[i];
  *plan = *main;
  plan->model = g_strdup (main->model);
  plan->names = g_strdup (main->names);
  plan->n_calls = 0;
  plan->n_bytes = 0;
  plan->n_flops = plan->seconds = 0.0;
  for (guint i = 0; i < session->phases->len; i++)
    {
      const TessJobPlan *phase = &session->plans[i];

      plan->n_calls
          = (gint) MIN ((gint64) plan->n_calls + phase->n_calls, G_MAXINT);
      plan->n_bytes = MAX (plan->n_bytes, phase->n_bytes);
      plan->n_flops += phase->n_flops;
      plan->seconds += phase->seconds;
      known = known && phase->seconds > 0.0;
    }
  if (!known)
    plan->seconds = 0.0;
}

gboolean
tess_studio_plan (TessStudio *studio,
                  const TessRequest *request,
                  TessJobPlan *plan,
                  GError **error)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&studio->lock);
  g_auto (Session) session = { 0 };

  (void) locker;
  *plan = (TessJobPlan) { 0 };
  if (session_init (&session, studio, request, error))
    {
      sum_plans (&session, plan);
      return TRUE;
    }
  if (session.plans)
    {
      /* What did not fit, for those who show it. */
      *plan = session.plans[0];
      session.plans[0].model = session.plans[0].names = NULL;
    }
  return FALSE;
}

/* --- painting ------------------------------------------------------------ */

static gchar *
phase_name (guint i)
{
  return g_strdup_printf ("phase-%u", i);
}

static gboolean
write_notes (Session *session, TessJobFolder *folder, GError **error)
{
  g_autofree gchar *bytes = NULL;
  g_autofree gchar *storage = NULL;

  session->n_bytes_free = tess_free_memory ();
  bytes = g_strdup_printf ("%" G_GSIZE_FORMAT, session->n_bytes_free);
  storage = g_strdup_printf (
      "%d", 1 + tess_backend_storage (session->studio->backend));
  return tess_job_folder_note (folder, NOTE_FREE, bytes, error)
         && tess_job_folder_note (folder, NOTE_STORAGE, storage, error)
         && tess_job_folder_note (folder, NOTE_MODEL,
                                  session->studio->model_key, error);
}

/* What was chosen when the job began decides the last bits of the picture:
 * how numbers are stored, and by the memory that was free how much is done at
 * once. And the model must be the same file. @request is the job's own. */
static gboolean
take_up_notes (Session *session,
               TessJobFolder *folder,
               TessRequest *request,
               GError **error)
{
  g_autofree gchar *bytes = tess_job_folder_read_note (folder, NOTE_FREE);
  g_autofree gchar *storage = tess_job_folder_read_note (folder, NOTE_STORAGE);
  g_autofree gchar *model = tess_job_folder_read_note (folder, NOTE_MODEL);

  if (storage && request->storage == 0)
    request->storage = (gint) g_ascii_strtoll (storage, NULL, 10);
  if (!tess_studio_open (session->studio, request, error))
    return FALSE;
  if (bytes == NULL || storage == NULL || model == NULL)
    return write_notes (session, folder, error);
  session->n_bytes_free = (gsize) g_ascii_strtoull (bytes, NULL, 10);
  if (g_str_equal (model, session->studio->model_key))
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED,
               _ ("the job in %s was begun with another model (%s); put that "
                  "back, or start the picture anew"),
               tess_job_folder_path (folder), model);
  return FALSE;
}

/* The first phase to be painted, and the picture so far. */
static gboolean
find_place (const Session *session,
            TessJobFolder *folder,
            guint *first,
            GeglBuffer **picture,
            TessJobState *state,
            GError **error)
{
  GError *local = NULL;

  *first = 0;
  for (guint i = session->phases->len - 1; i-- > 0 && *picture == NULL;)
    {
      g_autofree gchar *name = phase_name (i);

      *picture = tess_job_folder_load_picture (folder, name, &local);
      if (local)
        {
          g_propagate_error (error, local);
          return FALSE;
        }
      if (*picture)
        *first = i + 1;
    }
  if (!tess_job_folder_load (folder, state, &local) && local)
    {
      g_propagate_error (error, local);
      return FALSE;
    }
  return TRUE;
}

/* Flops before phase @i over all, and the seconds after it. */
static void
place_meter (const Session *session, guint i, TessProgressMeter *meter)
{
  gdouble all = 0.0, before = 0.0, after = 0.0;

  for (guint k = 0; k < session->phases->len; k++)
    {
      all += session->plans[k].n_flops;
      if (k < i)
        before += session->plans[k].n_flops;
      if (k > i)
        after += session->plans[k].seconds;
    }
  meter->now.phase = (gint) i;
  meter->now.n_phases = (gint) session->phases->len;
  meter->before = before / MAX (all, 1.0);
  meter->share = session->plans[i].n_flops / MAX (all, 1.0);
  meter->seconds_after = after;
}

static GeglBuffer *
paint_phase (Session *session,
             guint i,
             TessPaint *paint,
             GeglBuffer *so_far,
             GError **error)
{
  const TessPhase *phase = phase_at (session, i);
  TessJob job = { 0 };
  TessProgressMeter meter;
  GeglBuffer *picture = NULL;

  if (phase->follows)
    {
      g_clear_object (&phase->request->init);
      phase->request->init = phase->pole
                                 ? tess_pole_view_new (so_far, phase->pole,
                                                       phase->request->width)
                                 : g_object_ref (so_far);
    }
  if (tess_job_init (&job, session->studio, phase->request,
                     session->n_bytes_free, error))
    {
      tess_progress_init (&meter, &job, paint->hooks);
      place_meter (session, i, &meter);
      paint->job = &job;
      paint->phase = (gint) i;
      paint->meter = &meter;
      picture = tess_paint (paint, error);
      if (picture)
        tess_progress_keep (&meter);
    }
  tess_job_finish (&job);
  if (phase->follows)
    g_clear_object (&phase->request->init);
  if (picture && phase->pole)
    {
      tess_pole_view_put (so_far, phase->pole, picture);
      g_object_unref (picture);
      picture = g_object_ref (so_far);
    }
  return picture;
}

/* A phase that is done need not be painted again. */
static void
keep_phase (TessPaint *paint, guint i, GeglBuffer *picture)
{
  g_autofree gchar *name = phase_name (i);
  g_autoptr (GError) error = NULL;

  if (paint->folder == NULL
      || tess_job_folder_save_picture (paint->folder, name, picture, &error))
    return;
  paint->folder = NULL;
  if (paint->hooks && paint->hooks->warning)
    paint->hooks->warning (error->message, paint->hooks->data);
}

static GeglBuffer *
paint_phases (Session *session, TessPaint *paint, GError **error)
{
  g_autoptr (GeglBuffer) picture = NULL;
  TessJobState state = { 0 };
  guint first = 0;

  if (paint->folder
      && !find_place (session, paint->folder, &first, &picture, &state, error))
    return NULL;
  for (guint i = first; i < session->phases->len; i++)
    {
      GeglBuffer *next;

      paint->state = state.x && state.phase == (gint) i ? &state : NULL;
      next = paint_phase (session, i, paint, picture, error);
      tess_job_state_clear (&state);
      g_clear_object (&picture);
      if (next == NULL)
        return NULL;
      picture = next;
      if (i + 1 < session->phases->len)
        keep_phase (paint, i, picture);
    }
  return g_steal_pointer (&picture);
}

GeglBuffer *
tess_studio_run (TessStudio *studio,
                 TessRequest *request,
                 const TessJobHooks *hooks,
                 GCancellable *cancellable,
                 GError **error)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&studio->lock);
  g_auto (Session) session = { .studio = studio };
  g_autoptr (TessRequest) own = NULL;
  TessPaint paint = { .hooks = hooks,
                      .cancellable = cancellable,
                      .folder = hooks ? hooks->folder : NULL };

  (void) locker;
  if (request->seed < 0)
    request->seed = g_random_int ();
  own = tess_request_dup (request);
  if (g_cancellable_set_error_if_cancelled (cancellable, error)
      || !tess_request_check (own, error)
      || (paint.folder && !take_up_notes (&session, paint.folder, own, error))
      || !session_init (&session, studio, own, error))
    return NULL;
  return paint_phases (&session, &paint, error);
}
