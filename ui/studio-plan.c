/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/studio-plan.c: what the settings will take, told at each change. */
#include "ui/studio-private.h"

#include "ui/studio-settings.h"
#include "ui/studio-texts.h"

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

void
tess_studio_planned (const TessJobPlan *plan,
                     const GError *error,
                     gpointer data)
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

void
tess_studio_plan_now (Studio *studio)
{
  g_autoptr (GError) error = NULL;
  GeglRectangle area;
  TessRequest *request;

  studio->plan_source = 0;
  request = studio->host.request (TRUE, &area, &error, studio->host.data);
  if (!request)
    {
      tess_studio_planned (NULL, error, studio);
      return;
    }
  if (!tess_result_strip_chosen (TESS_RESULT_STRIP (studio->strip))
      && !tess_worker_is_painting (studio->worker))
    tess_tile_preview_set_size (TESS_TILE_PREVIEW (studio->preview),
                                request->width, request->height);
  studio->planned_w = request->width;
  studio->planned_h = request->height;
  show_instances (studio, request, &area);
  tess_worker_plan (studio->worker, request);
}

static gboolean
on_settled (gpointer data)
{
  tess_studio_plan_now (data);
  return G_SOURCE_REMOVE;
}

void
tess_studio_plan_soon (Studio *studio)
{
  if (studio->kind->resumes)
    return;
  g_clear_handle_id (&studio->plan_source, g_source_remove);
  studio->plan_source = g_timeout_add (TESS_STUDIO_DELAY, on_settled, studio);
}
