/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/studio.c: what happens in the dialog: paint, stop, go on, look, keep. */
#include "ui/studio-private.h"

#include <glib/gi18n-lib.h>
#include "ui/questions.h"
#include "ui/settings.h"
#include "ui/studio-settings.h"
#include "ui/studio-texts.h"
#include "ui/viewer.h"

#define ALIVE_EVERY 1 /* s between looks whether GIMP lives */

/* The viewer shows the chosen picture, unless one is being painted. */
static void
update_viewer (Studio *studio)
{
  TessResult *chosen
      = tess_result_strip_chosen (TESS_RESULT_STRIP (studio->strip));

  if (!studio->viewer || tess_worker_is_painting (studio->worker))
    return;
  if (chosen && chosen->buffer == studio->viewed)
    return;
  studio->viewed = chosen ? chosen->buffer : NULL;
  if (chosen)
    tess_viewer_set_picture (TESS_VIEWER (studio->viewer), chosen->buffer, 0);
  else
    tess_viewer_set_none (TESS_VIEWER (studio->viewer),
                          _ ("Nothing is painted yet."));
}

static void
turn_chosen (gpointer data)
{
  Studio *studio = data;
  TessResultStrip *strip = TESS_RESULT_STRIP (studio->strip);
  TessResult *chosen = tess_result_strip_chosen (strip);
  g_autoptr (GeglBuffer) turned = NULL;

  if (!chosen || tess_worker_is_painting (studio->worker))
    return;
  turned = tess_viewer_turn (chosen->buffer);
  tess_result_strip_replace (strip, turned);
}

static void
look_around (Studio *studio)
{
  const TessViewerHost host = { .turn = turn_chosen, .data = studio };

  if (!studio->viewer)
    {
      studio->viewer = tess_viewer_new (&host);
      gtk_window_set_transient_for (GTK_WINDOW (studio->viewer),
                                    GTK_WINDOW (studio->dialog));
      update_viewer (studio);
    }
  gtk_window_present (GTK_WINDOW (studio->viewer));
}

static void
on_chosen (TessResultStrip *strip, Studio *studio)
{
  TessResult *chosen = tess_result_strip_chosen (strip);

  if (chosen && !tess_worker_is_painting (studio->worker))
    {
      TessTilePreview *preview = TESS_TILE_PREVIEW (studio->preview);

      tess_tile_preview_set_size (preview, chosen->area.width,
                                  chosen->area.height);
      tess_tile_preview_set_picture (preview, chosen->picture);
    }
  update_viewer (studio);
  tess_studio_update_buttons (studio);
}

/* Not while the dialog is being made: a large picture takes a moment. */
static gboolean
read_source (gpointer data)
{
  Studio *studio = data;
  GeglRectangle area;
  g_autoptr (TessRequest) whole
      = studio->host.request (FALSE, &area, NULL, studio->host.data);

  studio->source_source = 0;
  if (!whole || !whole->init)
    return G_SOURCE_REMOVE;
  tess_trial_set_source (studio->trial, whole->init);
  if (!tess_result_strip_chosen (TESS_RESULT_STRIP (studio->strip))
      && !tess_worker_is_painting (studio->worker))
    tess_studio_show_unpainted (studio);
  return G_SOURCE_REMOVE;
}

static void
read_source_soon (Studio *studio)
{
  if (studio->trial && studio->source_source == 0)
    studio->source_source
        = g_timeout_add (TESS_STUDIO_DELAY, read_source, studio);
}

static void
on_config_changed (GObject *config, GParamSpec *pspec, Studio *studio)
{
  if (g_strcmp0 (pspec->name, "output") == 0)
    tess_studio_update_keep_label (studio);
  if (g_strcmp0 (pspec->name, "source") == 0
      || g_strcmp0 (pspec->name, "model") == 0)
    read_source_soon (studio);
  tess_studio_plan_soon (studio);
}

static void
on_progress (const TessProgress *progress, gpointer data)
{
  Studio *studio = data;
  g_autofree gchar *text = tess_studio_progress_text (progress);

  gtk_progress_bar_set_text (GTK_PROGRESS_BAR (studio->progress), text);
  tess_studio_show_fraction (studio, progress->fraction);
}

static void
on_preview (GBytes *rgb, gint width, gint height, gpointer data)
{
  Studio *studio = data;
  g_autoptr (GdkPixbuf) picture = gdk_pixbuf_new_from_bytes (
      rgb, GDK_COLORSPACE_RGB, FALSE, 8, width, height, width * 3);

  if (studio->trying)
    {
      tess_trial_show_preview (studio->trial, picture);
      return;
    }
  tess_tile_preview_set_picture (TESS_TILE_PREVIEW (studio->preview), picture);
  studio->viewed = NULL;
  if (studio->viewer)
    tess_viewer_set_preview (TESS_VIEWER (studio->viewer), picture);
}

static void
on_painted (GeglBuffer *result,
            const TessRequest *request,
            const GeglRectangle *area,
            TessJobFolder *folder,
            const GError *error,
            gpointer data)
{
  Studio *studio = data;
  TessResultStrip *strip = TESS_RESULT_STRIP (studio->strip);
  gboolean tried = studio->trying;

  studio->trying = FALSE;
  if (result && tried)
    {
      studio->painted_any = TRUE;
      tess_studio_settings_show_seed (studio->settings, request->seed);
      tess_trial_show (studio->trial, result);
      tess_studio_update_buttons (studio);
      return;
    }
  if (result)
    {
      studio->painted_any = TRUE;
      tess_studio_settings_show_seed (studio->settings, request->seed);
      tess_result_strip_add (strip, result, request, area, folder);
      return;
    }
  if (tess_result_strip_chosen (strip))
    on_chosen (strip, studio);
  else
    {
      tess_studio_show_unpainted (studio);
      update_viewer (studio);
    }
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    tess_studio_say (studio,
                     !tried && tess_studio_can_resume ()
                         ? _ ("Stopped; the image is as it was. “Resume Last "
                              "Job” goes on from here.")
                         : _ ("Stopped; the image is as it was."));
  else
    tess_studio_say_error (studio, error);
  tess_studio_update_buttons (studio);
}

static void
begin_progress (Studio *studio)
{
  tess_studio_show_fraction (studio, 0.0);
  gtk_progress_bar_set_text (GTK_PROGRESS_BAR (studio->progress),
                             _ ("Reading the model"));
  tess_studio_update_buttons (studio);
}

/* @request, @folder: (transfer full). */
static void
paint (Studio *studio,
       TessRequest *request,
       const GeglRectangle *area,
       TessJobFolder *folder)
{
  TessTilePreview *preview = TESS_TILE_PREVIEW (studio->preview);

  tess_studio_say (studio, NULL);
  tess_tile_preview_set_size (preview, area->width, area->height);
  tess_studio_show_unpainted (studio);
  tess_tile_preview_set_hint (preview, NULL);
  if (studio->trial)
    tess_trial_show_whole (studio->trial);
  tess_worker_paint (studio->worker, request, area, folder);
  begin_progress (studio);
}

/* FALSE: a question about the model had no answer. */
static gboolean
knows_model (Studio *studio, const TessRequest *request)
{
  if (!studio->guessed || request->prediction > 0 || !request->model)
    return TRUE;
  if (!tess_ask_prediction (GTK_WINDOW (studio->dialog), request->model))
    return FALSE;
  studio->guessed = FALSE;
  tess_studio_plan_soon (studio);
  return TRUE;
}

static void
generate (Studio *studio)
{
  g_autoptr (GError) error = NULL;
  GeglRectangle area;
  TessRequest *request
      = studio->host.request (FALSE, &area, &error, studio->host.data);

  if (!request)
    {
      tess_studio_say_error (studio, error);
      return;
    }
  if (!knows_model (studio, request))
    {
      tess_request_free (request);
      return;
    }
  if (!studio->kind->extent)
    tess_settings_set_prompts (request->prompt, request->negative);
  paint (studio, request, &area, NULL);
}

/* The spot alone, to be looked at. */
static void
try_spot (Studio *studio)
{
  g_autoptr (GError) error = NULL;
  GeglRectangle area;
  g_autoptr (TessRequest) whole
      = studio->host.request (FALSE, &area, &error, studio->host.data);
  TessRequest *spot;

  if (!whole)
    {
      tess_studio_say_error (studio, error);
      return;
    }
  if (!knows_model (studio, whole))
    return;
  tess_studio_say (studio, NULL);
  tess_trial_set_source (studio->trial, whole->init);
  spot = tess_trial_request (studio->trial, whole);
  tess_trial_begin (studio->trial, spot);
  studio->trying = TRUE;
  tess_worker_try (studio->worker, spot,
                   GEGL_RECTANGLE (0, 0, spot->width, spot->height));
  begin_progress (studio);
}

/* Of a picture that is painted already the spot can be seen at once. */
static void
on_picked (TessTilePreview *preview, gdouble x, gdouble y, Studio *studio)
{
  TessResult *chosen
      = tess_result_strip_chosen (TESS_RESULT_STRIP (studio->strip));

  if (studio->trial && chosen && chosen->request->init
      && chosen->request->method == TESS_TILING_UPSCALE
      && !tess_worker_is_painting (studio->worker))
    tess_trial_look (studio->trial, chosen->buffer, chosen->request);
}

static void
resume (Studio *studio)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *text = NULL;
  GeglRectangle area;
  TessRequest *request = NULL;
  TessJobFolder *folder = tess_worker_open_last (&request, &area, &error);

  if (!folder)
    {
      tess_studio_say_error (studio, error);
      tess_studio_update_buttons (studio);
      return;
    }
  text = g_strdup_printf (_ ("Goes on with: %s"),
                          request->prompt && *request->prompt
                              ? request->prompt
                              : _ ("(no prompt)"));
  paint (studio, request, &area, folder);
  tess_studio_say (studio, text);
}

/* In the color of errors only where it is one. */
static void
on_warning (const gchar *text, gpointer data)
{
  tess_studio_say (data, text);
}

static gboolean
keep (Studio *studio)
{
  TessResultStrip *strip = TESS_RESULT_STRIP (studio->strip);
  TessResult *chosen = tess_result_strip_chosen (strip);
  g_autoptr (GError) error = NULL;

  if (!chosen)
    return TRUE;
  if (!studio->host.keep (chosen->buffer, chosen->request, &chosen->area,
                          &error, studio->host.data))
    {
      tess_studio_say_error (studio, error);
      return FALSE;
    }
  tess_studio_say (studio, NULL);
  tess_result_strip_mark_kept (strip);
  return TRUE;
}

/* A picture that took minutes should not go by a slip. */
static gboolean
may_close (Studio *studio)
{
  TessResultStrip *strip = TESS_RESULT_STRIP (studio->strip);
  gint answer;

  if (!tess_result_strip_chosen (strip) || tess_result_strip_any_kept (strip))
    return TRUE;
  answer = tess_ask_keep (GTK_WINDOW (studio->dialog));
  if (answer == GTK_RESPONSE_YES)
    return keep (studio);
  return answer == GTK_RESPONSE_NO;
}

static void
on_response (GtkDialog *dialog, gint response, Studio *studio)
{
  switch (response)
    {
    case RESPONSE_GENERATE:
      if (!tess_worker_is_painting (studio->worker))
        generate (studio);
      break;
    case RESPONSE_STOP:
      tess_worker_stop (studio->worker);
      gtk_progress_bar_set_text (GTK_PROGRESS_BAR (studio->progress),
                                 _ ("Stopping"));
      break;
    case RESPONSE_KEEP:
      keep (studio);
      break;
    case RESPONSE_RESUME:
      if (!tess_worker_is_painting (studio->worker))
        resume (studio);
      break;
    case RESPONSE_TRY:
      if (!tess_worker_is_painting (studio->worker))
        try_spot (studio);
      break;
    case RESPONSE_LOOK:
      look_around (studio);
      break;
    default:
      if (may_close (studio))
        g_main_loop_quit (studio->loop);
      break;
    }
}

/* Ours to decide what happens; GTK would destroy the window. */
static gboolean
on_delete (GtkWidget *widget, GdkEvent *event, Studio *studio)
{
  return TRUE;
}

/* A plug-in that calls nothing of GIMP's does not notice when it is gone. */
static gboolean
look_alive (gpointer data)
{
  Studio *studio = data;

  if (getppid () == studio->gimp)
    return G_SOURCE_CONTINUE;
  tess_worker_stop (studio->worker);
  tess_result_strip_leave_jobs (TESS_RESULT_STRIP (studio->strip));
  g_main_loop_quit (studio->loop);
  return G_SOURCE_CONTINUE;
}

static void
connect_signals (Studio *studio)
{
  const TessStudioSettings *made = tess_studio_settings_get (studio->settings);

  if (made->instances)
    {
      studio->instances = TESS_INSTANCE_LIST (made->instances);
      g_signal_connect_swapped (made->instances, "changed",
                                G_CALLBACK (tess_studio_plan_soon), studio);
      g_signal_connect_swapped (made->overlay, "toggled",
                                G_CALLBACK (tess_studio_plan_soon), studio);
    }
  if (made->prompt)
    gtk_widget_grab_focus (made->prompt);
  /* After the trial, which moves the spot. */
  g_signal_connect (studio->preview, "picked", G_CALLBACK (on_picked), studio);
  g_signal_connect (studio->strip, "chosen", G_CALLBACK (on_chosen), studio);
  g_signal_connect (studio->dialog, "response", G_CALLBACK (on_response),
                    studio);
  g_signal_connect (studio->dialog, "delete-event", G_CALLBACK (on_delete),
                    studio);
}

gboolean
tess_studio_dialog_run (GObject *config,
                        const TessStudioKind *kind,
                        const TessStudioHost *host)
{
  static const TessWorkerFuncs funcs = { .planned = tess_studio_planned,
                                         .progress = on_progress,
                                         .preview = on_preview,
                                         .warning = on_warning,
                                         .painted = on_painted };
  Studio studio
      = { .config = config, .kind = kind, .host = *host, .gimp = getppid () };
  guint alive;
  gulong changed;

  studio.worker = tess_worker_new (&funcs, &studio);
  studio.loop = g_main_loop_new (NULL, FALSE);
  tess_studio_build (&studio);
  connect_signals (&studio);
  tess_studio_update_keep_label (&studio);
  tess_studio_update_buttons (&studio);
  changed = g_signal_connect (config, "notify", G_CALLBACK (on_config_changed),
                              &studio);
  if (!kind->resumes)
    tess_studio_plan_now (&studio);
  read_source_soon (&studio);
  alive = g_timeout_add_seconds (ALIVE_EVERY, look_alive, &studio);

  gtk_widget_show (studio.dialog);
  if (kind->resumes)
    resume (&studio);
  g_main_loop_run (studio.loop);

  g_signal_handler_disconnect (config, changed);
  g_clear_handle_id (&studio.plan_source, g_source_remove);
  g_clear_handle_id (&studio.source_source, g_source_remove);
  g_source_remove (alive);
  tess_worker_free (studio.worker);
  tess_trial_free (studio.trial);
  g_clear_pointer (&studio.viewer, gtk_widget_destroy);
  gtk_widget_destroy (studio.dialog);
  g_main_loop_unref (studio.loop);
  return studio.painted_any;
}
