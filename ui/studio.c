/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/studio.c: the dialog and what happens in it: plan at each change, paint,
 * stop, keep. */
#include "ui/studio.h"

#include <string.h>
#include <unistd.h>
#include <glib/gi18n-lib.h>
#include "ui/instance-list.h"
#include "ui/questions.h"
#include "ui/result-strip.h"
#include "ui/settings.h"
#include "ui/studio-texts.h"
#include "ui/tile-preview.h"
#include "ui/trial.h"
#include "ui/viewer.h"
#include "ui/worker.h"

#define PLAN_DELAY 250 /* ms without a change before it is planned */
#define ALIVE_EVERY 1  /* s between looks whether GIMP lives */

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

static void
show_message (Studio *studio, const gchar *text)
{
  gtk_label_set_text (GTK_LABEL (studio->message), text ? text : "");
  gtk_widget_set_visible (studio->message, text != NULL);
}

static void
show_error (Studio *studio, const GError *error)
{
  show_message (studio, error->message);
  if (studio->host.failed)
    studio->host.failed (error, studio->host.data);
}

/* How far it is can be seen in the list of windows too. */
static void
show_fraction (Studio *studio, gdouble fraction)
{
  g_autofree gchar *title = g_strdup_printf (
      "%d %% – %s", (gint) (fraction * 100), _ (studio->kind->title));

  gtk_progress_bar_set_fraction (GTK_PROGRESS_BAR (studio->progress),
                                 CLAMP (fraction, 0.0, 1.0));
  gtk_window_set_title (GTK_WINDOW (studio->dialog), title);
}

static GtkWidget *
button_of (Studio *studio, gint response)
{
  return gtk_dialog_get_widget_for_response (GTK_DIALOG (studio->dialog),
                                             response);
}

static gboolean
can_resume (void)
{
  g_autofree gchar *path = tess_job_folder_last ();

  return path != NULL;
}

/* Which buttons there are at the moment. */
static void
update_buttons (Studio *studio)
{
  gboolean painting = tess_worker_is_painting (studio->worker);
  TessResult *chosen
      = tess_result_strip_chosen (TESS_RESULT_STRIP (studio->strip));

  gtk_widget_set_visible (button_of (studio, RESPONSE_GENERATE),
                          !painting && !studio->kind->resumes);
  gtk_widget_set_visible (button_of (studio, RESPONSE_RESUME),
                          !painting && can_resume ());
  gtk_widget_set_visible (button_of (studio, RESPONSE_STOP), painting);
  if (studio->trial)
    gtk_widget_set_visible (button_of (studio, RESPONSE_TRY), !painting);
  gtk_widget_set_sensitive (button_of (studio, RESPONSE_KEEP),
                            chosen && !chosen->kept && !painting);
  gtk_widget_set_opacity (studio->progress, painting ? 1.0 : 0.0);
  if (!painting)
    gtk_window_set_title (GTK_WINDOW (studio->dialog), _ (studio->kind->title));
  gtk_dialog_set_default_response (GTK_DIALOG (studio->dialog),
                                   painting ? RESPONSE_STOP
                                            : RESPONSE_GENERATE);
}

static void
update_keep_label (Studio *studio)
{
  g_autofree gchar *output = NULL;
  gboolean layer;

  if (studio->host.image)
    g_object_get (studio->config, "output", &output, NULL);
  layer = output && strcmp (output, "image") != 0;
  gtk_button_set_label (GTK_BUTTON (button_of (studio, RESPONSE_KEEP)),
                        layer ? _ ("_Keep as Layer") : _ ("_Keep as Image"));
}

/* What is to be enlarged, or nothing. */
static void
show_unpainted (Studio *studio)
{
  tess_tile_preview_set_picture (
      TESS_TILE_PREVIEW (studio->preview),
      studio->trial ? tess_trial_picture (studio->trial) : NULL);
}

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
  update_buttons (studio);
}

/* On the canvas that @request would have. */
static void
show_instances (Studio *studio,
                const TessRequest *request,
                const GeglRectangle *area)
{
  GtkWidget *overlay = tess_studio_settings_get (studio->settings)->overlay;
  gboolean wrap_x, wrap_y;

  if (!studio->instances)
    return;
  tess_request_wraps (request, &wrap_x, &wrap_y);
  tess_instance_list_set_canvas (studio->instances, area, wrap_x, wrap_y);
  tess_tile_preview_set_marks (
      TESS_TILE_PREVIEW (studio->preview),
      gtk_toggle_button_get_active (GTK_TOGGLE_BUTTON (overlay))
          ? tess_instance_list_marks (studio->instances)
          : NULL,
      area->width, area->height, wrap_x, wrap_y);
}

/* Of the plan, or that there is none. */
static void
warn_of_instances (Studio *studio, const GError *error)
{
  if (studio->instances)
    tess_instance_list_set_warning (studio->instances,
                                    error ? error->message : NULL);
}

/* One line: what the settings will take. */
static void
on_planned (const TessJobPlan *plan, const GError *error, gpointer data)
{
  Studio *studio = data;
  g_autofree gchar *line = NULL;

  warn_of_instances (studio, error);
  if (error)
    {
      gtk_label_set_text (GTK_LABEL (studio->plan), error->message);
      return;
    }
  studio->guessed = plan->prediction_guessed;
  if (studio->instances)
    tess_instance_list_set_names (studio->instances, plan->names);
  line = tess_studio_plan_text (plan, studio->planned_w, studio->planned_h);
  gtk_label_set_text (GTK_LABEL (studio->plan), line);

  if (studio->trial)
    tess_trial_set_size (studio->trial, studio->planned_w, studio->planned_h,
                         plan->tile_w * (plan->width / plan->cells_w));
  if (plan->tile_w > 0 && plan->tile_h > 0)
    tess_tile_preview_set_tiles (
        TESS_TILE_PREVIEW (studio->preview),
        (plan->cells_w + plan->tile_w - 1) / plan->tile_w,
        (plan->cells_h + plan->tile_h - 1) / plan->tile_h);
}

static gboolean
plan_now (gpointer data)
{
  Studio *studio = data;
  g_autoptr (GError) error = NULL;
  GeglRectangle area;
  TessRequest *request;

  studio->plan_source = 0;
  request = studio->host.request (TRUE, &area, &error, studio->host.data);
  if (!request)
    {
      on_planned (NULL, error, studio);
      return G_SOURCE_REMOVE;
    }
  if (!tess_result_strip_chosen (TESS_RESULT_STRIP (studio->strip))
      && !tess_worker_is_painting (studio->worker))
    tess_tile_preview_set_size (TESS_TILE_PREVIEW (studio->preview),
                                request->width, request->height);
  studio->planned_w = request->width;
  studio->planned_h = request->height;
  show_instances (studio, request, &area);
  tess_worker_plan (studio->worker, request);
  return G_SOURCE_REMOVE;
}

static void
plan_soon (Studio *studio)
{
  if (studio->kind->resumes)
    return;
  g_clear_handle_id (&studio->plan_source, g_source_remove);
  studio->plan_source = g_timeout_add (PLAN_DELAY, plan_now, studio);
}

static void read_source_soon (Studio *studio);

static void
on_config_changed (GObject *config, GParamSpec *pspec, Studio *studio)
{
  if (g_strcmp0 (pspec->name, "output") == 0)
    update_keep_label (studio);
  if (g_strcmp0 (pspec->name, "source") == 0
      || g_strcmp0 (pspec->name, "model") == 0)
    read_source_soon (studio);
  plan_soon (studio);
}

static void
on_progress (const TessProgress *progress, gpointer data)
{
  Studio *studio = data;
  g_autofree gchar *text = tess_studio_progress_text (progress);

  gtk_progress_bar_set_text (GTK_PROGRESS_BAR (studio->progress), text);
  show_fraction (studio, progress->fraction);
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
      update_buttons (studio);
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
      show_unpainted (studio);
      update_viewer (studio);
    }
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    show_message (studio,
                  !tried && can_resume ()
                      ? _ ("Stopped; the image is as it was. “Resume Last "
                           "Job” goes on from here.")
                      : _ ("Stopped; the image is as it was."));
  else
    show_error (studio, error);
  update_buttons (studio);
}

static void
begin_progress (Studio *studio)
{
  show_fraction (studio, 0.0);
  gtk_progress_bar_set_text (GTK_PROGRESS_BAR (studio->progress),
                             _ ("Reading the model"));
  update_buttons (studio);
}

/* @request, @folder: (transfer full). */
static void
paint (Studio *studio,
       TessRequest *request,
       const GeglRectangle *area,
       TessJobFolder *folder)
{
  TessTilePreview *preview = TESS_TILE_PREVIEW (studio->preview);

  show_message (studio, NULL);
  tess_tile_preview_set_size (preview, area->width, area->height);
  show_unpainted (studio);
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
  plan_soon (studio);
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
      show_error (studio, error);
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
      show_error (studio, error);
      return;
    }
  if (!knows_model (studio, whole))
    return;
  show_message (studio, NULL);
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
    show_unpainted (studio);
  return G_SOURCE_REMOVE;
}

static void
read_source_soon (Studio *studio)
{
  if (studio->trial && studio->source_source == 0)
    studio->source_source = g_timeout_add (PLAN_DELAY, read_source, studio);
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
      show_error (studio, error);
      update_buttons (studio);
      return;
    }
  text = g_strdup_printf (_ ("Goes on with: %s"),
                          request->prompt && *request->prompt
                              ? request->prompt
                              : _ ("(no prompt)"));
  paint (studio, request, &area, folder);
  show_message (studio, text);
}

/* In the color of errors only where it is one. */
static void
on_warning (const gchar *text, gpointer data)
{
  show_message (data, text);
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
      show_error (studio, error);
      return FALSE;
    }
  show_message (studio, NULL);
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

static GtkWidget *
label_new (const gchar *style_class)
{
  GtkWidget *label = gtk_label_new (NULL);

  gtk_label_set_xalign (GTK_LABEL (label), 0.0);
  gtk_label_set_line_wrap (GTK_LABEL (label), TRUE);
  gtk_label_set_selectable (GTK_LABEL (label), TRUE);
  gtk_widget_set_can_focus (label, FALSE);
  gtk_label_set_max_width_chars (GTK_LABEL (label), 60);
  if (style_class)
    gtk_style_context_add_class (gtk_widget_get_style_context (label),
                                 style_class);
  return label;
}

static GtkWidget *
picture_side_new (Studio *studio)
{
  GtkWidget *side = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  GtkWidget *frame = gtk_frame_new (NULL);
  g_autofree gchar *hint = NULL;

  studio->preview = tess_tile_preview_new ();
  if (studio->host.image)
    hint = g_strconcat (
        _ (studio->kind->hint), "\n",
        _ ("The image does not change until you keep a picture."), NULL);
  tess_tile_preview_set_hint (TESS_TILE_PREVIEW (studio->preview),
                              hint ? hint : _ (studio->kind->hint));
  if (studio->kind->extent)
    studio->trial = tess_trial_new (TESS_TILE_PREVIEW (studio->preview));
  /* After the trial, which moves the spot. */
  g_signal_connect (studio->preview, "picked", G_CALLBACK (on_picked), studio);
  gtk_container_add (GTK_CONTAINER (frame),
                     studio->trial ? tess_trial_widget (studio->trial)
                                   : studio->preview);
  studio->strip = tess_result_strip_new ();
  studio->plan = label_new ("dim-label");
  studio->message = label_new (GTK_STYLE_CLASS_ERROR);
  studio->progress = gtk_progress_bar_new ();
  gtk_progress_bar_set_show_text (GTK_PROGRESS_BAR (studio->progress), TRUE);

  gtk_box_pack_start (GTK_BOX (side), frame, TRUE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (side), studio->strip, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (side), studio->message, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (side), studio->plan, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (side), studio->progress, FALSE, FALSE, 0);
  gtk_widget_show_all (side);
  gtk_widget_set_no_show_all (studio->message, TRUE);
  gtk_widget_hide (studio->message);
  g_signal_connect (studio->strip, "chosen", G_CALLBACK (on_chosen), studio);
  return side;
}

/* On the other side, away from those that do something to the picture. */
static void
add_aside (Studio *studio, const gchar *text, gint response, const gchar *tip)
{
  GtkWidget *button
      = gtk_dialog_add_button (GTK_DIALOG (studio->dialog), text, response);
  GtkWidget *box = gtk_widget_get_parent (button);

  gtk_widget_set_tooltip_text (button, tip);
  if (GTK_IS_BUTTON_BOX (box))
    gtk_button_box_set_child_secondary (GTK_BUTTON_BOX (box), button, TRUE);
}

static void
build (Studio *studio)
{
  GtkWidget *columns = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);
  const TessStudioSettings *made;
  GtkWidget *content;

  studio->dialog = gimp_dialog_new (
      _ (studio->kind->title), studio->kind->role, NULL, 0, NULL, NULL,
      _ ("_Close"), GTK_RESPONSE_CLOSE, _ ("_Keep as Layer"), RESPONSE_KEEP,
      _ ("S_top"), RESPONSE_STOP,
      studio->kind->action ? _ (studio->kind->action) : _ ("_Generate"),
      RESPONSE_GENERATE, NULL);
  if (studio->kind->all_around)
    add_aside (studio, _ ("_360 View"), RESPONSE_LOOK,
               _ ("Look around in the picture, also while it is being painted, "
                  "and see whether it closes"));
  if (studio->kind->extent)
    add_aside (studio, _ ("Pa_int the Spot"), RESPONSE_TRY,
               _ ("Paints only the spot that is marked on the picture, to see "
                  "before and after side by side"));
  add_aside (studio, _ ("Resume Last _Job"), RESPONSE_RESUME,
             _ ("Goes on with the picture that was stopped or cut off last, "
                "from its last step: the same picture as if it had never "
                "stopped"));
  gtk_window_set_default_size (GTK_WINDOW (studio->dialog), 1040, 720);
  gimp_window_set_transient (GTK_WINDOW (studio->dialog));

  studio->settings = tess_studio_settings_new (
      studio->config, studio->host.image, studio->kind);
  made = tess_studio_settings_get (studio->settings);
  if (made->instances)
    {
      studio->instances = TESS_INSTANCE_LIST (made->instances);
      g_signal_connect_swapped (made->instances, "changed",
                                G_CALLBACK (plan_soon), studio);
      g_signal_connect_swapped (made->overlay, "toggled",
                                G_CALLBACK (plan_soon), studio);
    }
  content = gtk_dialog_get_content_area (GTK_DIALOG (studio->dialog));
  gtk_container_set_border_width (GTK_CONTAINER (columns), 12);
  gtk_box_pack_start (GTK_BOX (columns), studio->settings, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (columns), picture_side_new (studio), TRUE, TRUE,
                      0);
  gtk_box_pack_start (GTK_BOX (content), columns, TRUE, TRUE, 0);
  gtk_widget_show (columns);
  if (made->prompt)
    gtk_widget_grab_focus (made->prompt);
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
  static const TessWorkerFuncs funcs = { .planned = on_planned,
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
  build (&studio);
  update_keep_label (&studio);
  update_buttons (&studio);
  changed = g_signal_connect (config, "notify", G_CALLBACK (on_config_changed),
                              &studio);
  if (!kind->resumes)
    plan_now (&studio);
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
