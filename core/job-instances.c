/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/job-instances.c: a request's instances on a job's tiles, and what the
 * UNet is told of them. */
#include "core/job.h"

#include "core/error.h"
#include "core/model-layout.h"

#include <glib/gi18n-lib.h>
#include <string.h>

gboolean
tess_job_make_instances (TessJob *job, GError **error)
{
  const TessInstancePlace place = {
    .plan = job->method->plan,
    .width = job->request->width,
    .height = job->request->height,
    .factor = job->factor,
    .config = tess_model_instance (job->studio->model),
  };

  if (job->request->instances->len == 0)
    return TRUE;
  if (place.config == NULL)
    {
      g_set_error (
          error, TESS_ERROR, TESS_ERROR_REQUEST,
          _ ("%s cannot put instances in places; give the weights of "
             "InstanceDiffusion as the instance model, or take regions "
             "instead"),
          tess_model_name (job->studio->model));
      return FALSE;
    }
  job->instances = tess_instances_new (job->request->instances, &place, error);
  return job->instances != NULL;
}

void
tess_job_apart (const TessJob *job, TessMultiInstance *apart)
{
  *apart = (TessMultiInstance) { 0 };
  if (job->instances == NULL)
    return;
  apart->n = job->instances->n;
  if (!tess_job_has_own_prompts (job))
    apart->n_times = (gint) (tess_sampler_n_times (job->sampler)
                             * job->request->instance_apart);
  apart->positive = job->instance_rows;
  apart->grounds = job->instances->alone;
  apart->diffusion = *tess_model_diffusion (job->studio->model);
  apart->settings = tess_job_sampler_settings (job);
}

gint64
tess_job_n_samples (const TessJob *job, const TessDenoise *denoise)
{
  TessMultiInstance apart;

  tess_job_apart (job, &apart);
  return tess_multi_instance_n_samples (denoise, &apart);
}

/* The level of the first transformers on the way down. */
static gint
finest_level (const TessUnetConfig *unet)
{
  gint level = 0;

  while (level < unet->n_levels - 1 && !unet->attention_down[level])
    level++;
  return level;
}

/* The cells of a tile that the finest fusers see, where attention is masked;
 * else none. */
static void
masked_cells (const TessJob *job, gint *h, gint *w)
{
  const TessTilePlan *plan = job->method->plan;
  gint finest = finest_level (tess_model_unet (job->studio->model));
  gboolean masked = tess_model_instance (job->studio->model)->masked;

  *h = masked ? plan->tile_h >> finest : 0;
  *w = masked ? plan->tile_w >> finest : 0;
}

/* Keys and values of all sets, regions where attention is masked (of each cell
 * twice: as they are made, and as the network reads them); the tokenizer, while
 * it works, in float32; and the canvases of instances apart. */
gsize
tess_job_instance_bytes (const TessJob *job, gsize n_bytes_set)
{
  const TessInstanceConfig *config = tess_model_instance (job->studio->model);
  const TessTilePlan *plan = job->method->plan;
  gsize mid, width;
  gint h, w;

  if (job->instances == NULL)
    return 0;
  mid = config->mlp_width;
  width = 4 * (gsize) config->text_width
          + TESS_FOURIER * 2 * (3 + config->n_scribble + config->n_polygon)
          + 4 * config->trunk_channels[config->n_stages - 1];
  masked_cells (job, &h, &w);
  return job->instances->sets->len * (n_bytes_set + 2 * sizeof (gint32) * h * w)
         + sizeof (gfloat) * mid * (width + 5 * (mid + config->token_width))
         + sizeof (gfloat) * 4 * job->channels * plan->width * plan->height;
}

/* What each instance's text says as a whole. */
static gboolean
encode_names (TessJob *job, GCancellable *cancellable, GError **error)
{
  const TessTextConfig *text = tess_model_text (job->studio->model);
  g_autoptr (TessTensor) ids = tess_tensor_new (
      TESS_I32, 2, (gint64[]) { 1, text->n_positions }, error);

  if (ids == NULL)
    return FALSE;
  for (gint k = 0; k < job->instances->n; k++)
    {
      const TessPrompt *prompt = job->prompts->pdata[job->instance_rows[k]];
      TessTensor *pooled = NULL;

      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
      memcpy (ids->data, prompt->ids, ids->n_bytes);
      if (!tess_text_encoder_run (job->studio->text, ids, NULL, NULL, &pooled,
                                  error))
        return FALSE;
      memcpy (job->instances->texts + (gsize) k * text->width, pooled->data,
              text->width * sizeof (gfloat));
      tess_tensor_unref (pooled);
    }
  return TRUE;
}

/* The regions of the cells that the finest fusers see, of each set in turn;
 * NULL where the model was not trained so. */
static gint32 *
make_cells (const TessJob *job, gint *n_cells)
{
  const TessInstanceConfig *config = tess_model_instance (job->studio->model);
  const TessInstances *instances = job->instances;
  gint h, w;
  gint32 *cells;

  masked_cells (job, &h, &w);
  *n_cells = h * w;
  if (*n_cells == 0)
    return NULL;
  cells = g_new (gint32, instances->sets->len * (gsize) *n_cells);
  for (guint i = 0; i < instances->sets->len; i++)
    tess_grounding_cells (config, instances->formats, instances->sets->pdata[i],
                          h, w, cells + i * (gsize) *n_cells);
  return cells;
}

gboolean
tess_job_ground (TessJob *job, GCancellable *cancellable, GError **error)
{
  TessStudio *studio = job->studio;
  gint n_steps = tess_sampler_n_steps (job->sampler);
  g_autofree gdouble *times = g_new (gdouble, n_steps);
  g_autofree gdouble *gates = g_new (gdouble, n_steps);
  g_autofree TessSlots *sets = NULL;
  g_autofree gint32 *cells = NULL;
  g_auto (TessGrounds) grounds = { 0 };
  gint n_cells = 0;
  gboolean ok;

  if (job->instances == NULL)
    return tess_unet_ground (studio->unet, NULL, cancellable, error);
  tess_grounding_gates (tess_sampler_n_times (job->sampler),
                        job->request->instance_strength, 0.0, times);
  for (gint i = 0; i < n_steps; i++)
    gates[i] = times[tess_sampler_time (job->sampler, i)];
  sets = g_new (TessSlots, job->instances->sets->len);
  for (guint i = 0; i < job->instances->sets->len; i++)
    sets[i] = *(const TessSlots *) job->instances->sets->pdata[i];
  cells = make_cells (job, &n_cells);
  ok = encode_names (job, cancellable, error)
       && tess_grounding_run (
           studio->model, studio->backend, job->instances->formats, sets,
           (gint) job->instances->sets->len, &grounds, cancellable, error)
       && tess_unet_ground (studio->unet,
                            &(TessUnetGrounding) { .tokens = grounds.tokens,
                                                   .bias = grounds.bias,
                                                   .gates = gates,
                                                   .cells = cells,
                                                   .regions = grounds.regions,
                                                   .n_cells = n_cells },
                            cancellable, error);
  tess_backend_trim (studio->backend); /* the tokenizer's weights */
  return ok;
}
