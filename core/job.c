/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/job.c: from a request to tiles, texts and masks. */
#include "core/job.h"

#include "core/devices.h"
#include "core/error.h"
#include "core/job-plan.h"
#include "core/png-file.h"

#include <glib/gi18n-lib.h>

/* Sides of an upscaling's canvas are multiples of so many cells. */
#define UPSCALE_CELLS 4

TessSamplerSettings
tess_job_sampler_settings (const TessJob *job)
{
  const TessRequest *request = job->request;

  return (TessSamplerSettings) {
    .kind = request->sampler,
    .n_steps = request->steps,
    .strength = job->init && job->upscale == NULL ? request->strength : 0.0,
    .eta = request->eta,
    .spacing = job->upscale != NULL && request->spacing == 0
                   ? 1 + TESS_SPACING_LINSPACE
                   : request->spacing,
    .zero_snr = request->zero_snr,
    .pairing = job->upscale != NULL && request->sampler == TESS_SAMPLER_DDIM
                   ? TESS_PAIRING_CHAIN
                   : TESS_PAIRING_STRIDE,
  };
}

static gboolean
make_sampler (TessJob *job, GError **error)
{
  const TessSamplerSettings settings = tess_job_sampler_settings (job);

  job->sampler = tess_sampler_new (tess_model_diffusion (job->studio->model),
                                   &settings, error);
  return job->sampler != NULL;
}

static gint32
text_row (GPtrArray *texts, const gchar *text)
{
  if (text == NULL)
    text = "";
  for (guint i = 0; i < texts->len; i++)
    if (g_str_equal (texts->pdata[i], text))
      return (gint32) i;
  g_ptr_array_add (texts, (gpointer) text);
  return (gint32) texts->len - 1;
}

/* @words with the prompt in the place of each %. */
static gchar *
with_words (const gchar *prompt, const gchar *words)
{
  g_auto (GStrv) parts = g_strsplit (words, "%", -1);

  return g_strjoinv (prompt ? prompt : "", parts);
}

static TessPrompt *
parse (const TessJob *job, const gchar *text, gint min_chunks)
{
  const TessTextConfig *config = tess_model_text (job->studio->model);
  const TessPromptSettings settings = {
    .n_positions = config->n_positions,
    .pad_id = config->pad_id,
    .min_chunks = min_chunks,
  };

  return tess_prompt_parse (job->studio->tokenizer, text, &settings);
}

static void
make_texts (TessJob *job)
{
  const TessRequest *request = job->request;
  const TessTextConfig *words = tess_model_text (job->studio->model);
  gint n_chunks = 1;
  g_autoptr (GPtrArray) texts = g_ptr_array_new ();
  g_autofree gchar *above = NULL, *below = NULL;
  gboolean guided = request->guidance > 1.0;

  job->positive = g_new0 (gint32, TESS_MAX_PROMPTS);
  job->negative = guided ? g_new0 (gint32, TESS_MAX_PROMPTS) : NULL;
  job->positive[0] = text_row (texts, request->prompt);
  if (guided)
    job->negative[0] = text_row (texts, request->negative);
  for (guint i = 0; i < job->parts->len; i++)
    {
      const TessJobPart *part = &g_array_index (job->parts, TessJobPart, i);

      job->positive[1 + i] = text_row (texts, part->prompt);
      if (guided)
        job->negative[1 + i] = text_row (texts, part->negative);
    }
  if (words->words_above[0] && words->words_below[0] && job->init == NULL)
    {
      above = with_words (request->prompt, words->words_above);
      below = with_words (request->prompt, words->words_below);
      job->halves = g_new (gint32, 2);
      job->halves[0] = text_row (texts, above);
      job->halves[1] = text_row (texts, below);
    }
  job->instance_rows = g_new0 (gint32, MAX (request->instances->len, 1));
  for (guint i = 0; i < request->instances->len; i++)
    job->instance_rows[i] = text_row (
        texts, ((const TessInstance *) request->instances->pdata[i])->text);
  for (guint i = 0; i < texts->len; i++)
    {
      g_autoptr (TessPrompt) prompt = parse (job, texts->pdata[i], 1);

      n_chunks = MAX (n_chunks, prompt->n_chunks);
    }
  job->prompts
      = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_prompt_free);
  for (guint i = 0; i < texts->len; i++)
    g_ptr_array_add (job->prompts, parse (job, texts->pdata[i], n_chunks));
}

static gboolean
open_init (TessJob *job, GError **error)
{
  if (job->request->init)
    job->init = g_object_ref (job->request->init);
  else if (job->request->init_path)
    {
      job->init
          = tess_png_load (job->request->init_path, TESS_PNG_PICTURE, error);
      return job->init != NULL;
    }
  return TRUE;
}

/* The picture on its canvas. */
static gboolean
make_upscale (TessJob *job, GError **error)
{
  const TessRequest *request = job->request;
  TessModel *model = job->studio->model;

  if (request->method != TESS_TILING_UPSCALE)
    return TRUE;
  if (tess_model_structure (model) == NULL)
    {
      g_set_error (error, TESS_ERROR, TESS_ERROR_MODEL,
                   _ ("%s cannot enlarge pictures; give StableSR's weights as "
                      "upscale-model, or take a model that has them"),
                   tess_model_name (model));
      return FALSE;
    }
  job->fidelity = tess_model_fusion (model) ? request->fidelity : 0.0;
  if (job->fidelity < request->fidelity)
    g_debug ("the decoder has no fusions: fidelity is 0");
  job->upscale = tess_upscale_new (job->init, request->width, request->height,
                                   tess_job_window (job) * job->factor,
                                   UPSCALE_CELLS * job->factor, error);
  return job->upscale != NULL;
}

gboolean
tess_job_init (TessJob *job,
               TessStudio *studio,
               const TessRequest *request,
               gsize n_bytes_free,
               GError **error)
{
  *job = (TessJob) {
    .studio = studio,
    .request = request,
    .n_bytes_free = n_bytes_free,
  };
  job->factor = tess_vae_factor (studio->vae);
  job->channels = tess_model_vae (studio->model)->latent_channels;
  if (!open_init (job, error) || !make_upscale (job, error)
      || !make_sampler (job, error) || !tess_job_make_method (job, error)
      || !tess_job_make_parts (job, error))
    return FALSE;
  make_texts (job);
  return tess_job_make_regions (job, error)
         && tess_job_make_instances (job, error)
         && tess_job_make_plan (job, error);
}

void
tess_job_finish (TessJob *job)
{
  g_clear_pointer (&job->method, tess_method_free);
  g_clear_pointer (&job->sampler, tess_sampler_free);
  g_clear_pointer (&job->parts, g_array_unref);
  g_clear_pointer (&job->regions, tess_regions_free);
  g_clear_pointer (&job->instances, tess_instances_free);
  g_clear_pointer (&job->instance_rows, g_free);
  g_clear_pointer (&job->prompts, g_ptr_array_unref);
  g_clear_pointer (&job->positive, g_free);
  g_clear_pointer (&job->negative, g_free);
  g_clear_pointer (&job->halves, g_free);
  g_clear_object (&job->init);
  g_clear_pointer (&job->upscale, tess_upscale_free);
  tess_job_plan_clear (&job->plan);
}

void
tess_job_denoise (const TessJob *job, TessDenoise *denoise)
{
  *denoise = (TessDenoise) {
    .method = job->method,
    .sampler = job->sampler,
    .channels = job->channels,
    .batch = job->plan.batch,
    .positive = job->positive,
    .negative = job->negative,
    .halves = job->halves,
    .guidance = job->request->guidance,
    .guidance_rescale = job->request->guidance_rescale,
    .regions = job->regions,
    .backend
    = tess_device_is_gpu (job->studio->backend) ? job->studio->backend : NULL,
    .grounds = job->instances ? job->instances->tiles : NULL,
  };
}
