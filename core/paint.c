/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/paint.c: one phase of a job. */
#include "core/paint.h"

#include "core/canvas.h"
#include "core/close-seam.h"
#include "core/devices.h"
#include "core/error.h"
#include "core/preview.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

/* Previews may take this part of what the UNet does. */
#define PREVIEW_SHARE 0.04

typedef struct
{
  TessPaint *args;
  TessJob *job;
  TessProgressMeter *meter;
  TessRandom random;
  TessCloseSeam close;
  GeglBuffer *init;   /* as large as the request; while it is needed */
  TessTensor *latent; /* the canvas */
  TessTensor *noise;  /* unit, what the canvas started from */
  TessTensor *clean;  /* init's latent, and what of it is painted */
  TessTensor *painted;
  TessKeep keep;
  TessTensor *backgrounds;
  TessTensor *structure; /* latent of the picture to be enlarged */
  TessTensor *seen;      /* what the network sees, for previews */
  TessPreview *preview;
} Way;

static void
way_finish (Way *way)
{
  g_clear_object (&way->init);
  g_clear_pointer (&way->latent, tess_tensor_unref);
  g_clear_pointer (&way->noise, tess_tensor_unref);
  g_clear_pointer (&way->clean, tess_tensor_unref);
  g_clear_pointer (&way->painted, tess_tensor_unref);
  g_clear_pointer (&way->backgrounds, tess_tensor_unref);
  g_clear_pointer (&way->structure, tess_tensor_unref);
  g_clear_pointer (&way->seen, tess_tensor_unref);
  g_clear_pointer (&way->preview, tess_preview_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Way, way_finish)

static gboolean
stopped (Way *way, GError **error)
{
  return g_cancellable_set_error_if_cancelled (way->args->cancellable, error);
}

/* Contexts of all texts, and what the UNet keeps of them and of the steps. */
static gboolean
encode_texts (Way *way, GError **error)
{
  TessJob *job = way->job;
  gint n_steps = tess_sampler_n_steps (job->sampler);
  g_autofree gdouble *timesteps = g_new (gdouble, n_steps);
  g_autoptr (TessTensor) contexts = NULL;

  for (guint i = 0; i < job->prompts->len; i++)
    {
      g_autoptr (TessTensor) context = NULL;

      if (stopped (way, error))
        return FALSE;
      context = tess_text_encode (job->studio->text, job->prompts->pdata[i],
                                  job->request->clip_skip, error);
      if (context == NULL)
        return FALSE;
      if (contexts == NULL)
        {
          gint64 dims[]
              = { job->prompts->len, context->dims[1], context->dims[2] };

          contexts = tess_tensor_new (TESS_F32, 3, dims, error);
          if (contexts == NULL)
            return FALSE;
        }
      memcpy ((guint8 *) contexts->data + i * context->n_bytes, context->data,
              context->n_bytes);
    }
  for (gint i = 0; i < n_steps; i++)
    timesteps[i] = tess_sampler_timestep (job->sampler, i);
  return tess_unet_condition (job->studio->unet, contexts, timesteps, n_steps,
                              way->args->cancellable, error)
         && tess_unet_structure (job->studio->unet, job->upscale != NULL,
                                 way->args->cancellable, error)
         && tess_job_ground (job, way->args->cancellable, error);
}

/* A graphics card that fails costs time, not the picture: TRUE, @error taken,
 * when everything is ready to do the same again on the processor. */
static gboolean
left_gpu (Way *way, GError **error)
{
  const TessJobHooks *hooks = way->args->hooks;
  g_autofree gchar *text = NULL;
  g_autoptr (GError) fault = NULL;

  if (!g_error_matches (*error, TESS_ERROR, TESS_ERROR_DEVICE)
      || !tess_device_is_gpu (way->job->studio->backend))
    return FALSE;
  fault = g_steal_pointer (error);
  text = g_strdup_printf (_ ("%s: %s The processor goes on from here."),
                          tess_backend_name (way->job->studio->backend),
                          fault->message);
  g_clear_pointer (&way->preview, tess_preview_free);
  if (!tess_studio_leave_gpu (way->job->studio, way->job->request, error))
    return FALSE;
  if (hooks && hooks->warning)
    hooks->warning (text, hooks->data);
  else
    g_message ("%s", text);
  return TRUE;
}

/* Contexts, with a second try on the processor. */
static gboolean
prepare_texts (Way *way, GError **error)
{
  GError *local = NULL;

  if (encode_texts (way, &local)
      || (left_gpu (way, &local) && encode_texts (way, &local)))
    return TRUE;
  g_propagate_error (error, local);
  return FALSE;
}

static gboolean
read_picture (gint x,
              gint y,
              gint w,
              gint h,
              gfloat *planes,
              gpointer data,
              GError **error)
{
  tess_canvas_read (data, x, y, w, h, planes);
  return TRUE;
}

static void
on_coded (gdouble fraction, gpointer data)
{
  Way *way = data;

  tess_progress_coded (way->meter, fraction);
}

/* What the networks look at at every step: the encoder's mean, so that a job
 * that goes on sees the same. */
static gboolean
encode_structure (Way *way, GError **error)
{
  TessJob *job = way->job;
  const TessVaeConfig *config = tess_model_vae (job->studio->model);
  TessEnlarged *picture = &job->upscale->picture;
  const TessVaeSettings settings = { .mode = job->vae.mode,
                                     .cancellable = way->args->cancellable,
                                     .progress = on_coded,
                                     .progress_data = way };
  GError *local = NULL;

  if (!tess_upscale_load (job->upscale, error))
    return FALSE;
  tess_progress_begin (way->meter, TESS_STAGE_ENCODE);
  if (!tess_vae_encode (job->studio->vae, picture->padded_w, picture->padded_h,
                        tess_upscale_read, job->upscale, &settings,
                        &way->structure, NULL, &local)
      && !(left_gpu (way, &local) && prepare_texts (way, &local)
           && tess_vae_encode (job->studio->vae, picture->padded_w,
                               picture->padded_h, tess_upscale_read,
                               job->upscale, &settings, &way->structure, NULL,
                               &local)))
    {
      g_propagate_error (error, local);
      return FALSE;
    }
  for (gsize i = 0; i < tess_tensor_n_elements (way->structure); i++)
    {
      gfloat *z = tess_tensor_f32 (way->structure) + i;

      *z = (*z - config->shift_factor) * config->scaling_factor;
    }
  return TRUE;
}

/* What the encoder says about @picture, drawn from by @random, in the scale
 * of the UNet's latents: [channels, height / factor, width / factor].
 * @canvas: it is the canvas's own; its edges meet as that's, and how far it is
 * is told. */
static gboolean
encode_picture (Way *way,
                GeglBuffer *picture,
                gint width,
                gint height,
                gboolean canvas,
                TessRandom *random,
                gfloat *dst,
                GError **error)
{
  const TessVaeConfig *config = tess_model_vae (way->job->studio->model);
  const TessVaeSettings settings = {
    .mode = way->job->vae.mode,
    .wrap_x = canvas && way->job->vae.wrap_x,
    .wrap_y = canvas && way->job->vae.wrap_y,
    .cancellable = way->args->cancellable,
    .progress = canvas ? on_coded : NULL,
    .progress_data = way,
  };
  g_autoptr (TessTensor) mean = NULL;
  g_autoptr (TessTensor) logvar = NULL;
  GError *local = NULL;
  gsize n;

  if (!tess_vae_encode (way->job->studio->vae, width, height, read_picture,
                        picture, &settings, &mean, &logvar, &local)
      && !(left_gpu (way, &local) && prepare_texts (way, &local)
           && tess_vae_encode (way->job->studio->vae, width, height,
                               read_picture, picture, &settings, &mean, &logvar,
                               &local)))
    {
      g_propagate_error (error, local);
      return FALSE;
    }
  n = tess_tensor_n_elements (mean);
  tess_random_normal (random, dst, n);
  for (gsize i = 0; i < n; i++)
    {
      gfloat v = tess_tensor_f32 (logvar)[i];
      gfloat z = tess_tensor_f32 (mean)[i]
                 + expf (0.5f * CLAMP (v, -30.0f, 20.0f)) * dst[i];

      dst[i] = (z - config->shift_factor) * config->scaling_factor;
    }
  return TRUE;
}

/* Whether the loop needs the picture that it started from. */
static gboolean
keeps (const Way *way)
{
  return way->close.band > 0 || way->job->method->follows;
}

/* What a kept part of the picture needs beside the canvas. */
static gboolean
start_keep (Way *way, GError **error)
{
  const TessTilePlan *tiles = way->job->method->plan;

  way->clean = tess_tensor_new_nchw (1, way->job->channels, tiles->height,
                                     tiles->width, error);
  if (way->clean == NULL)
    return FALSE;
  memcpy (way->clean->data, way->latent->data, way->clean->n_bytes);
  if (way->close.band == 0)
    return TRUE;
  way->painted
      = tess_tensor_new_nchw (1, 1, tiles->height, tiles->width, error);
  if (way->painted == NULL)
    return FALSE;
  tess_close_seam_mask (&way->close, tiles->width, tiles->height,
                        way->job->factor, tess_tensor_f32 (way->painted));
  return TRUE;
}

static gboolean
start_picture (Way *way, GError **error)
{
  TessJob *job = way->job;
  g_autoptr (GeglBuffer) picture = tess_canvas_scaled (
      job->init, job->request->width, job->request->height, job->vae.wrap_x,
      job->vae.wrap_y, error);

  if (picture == NULL)
    return FALSE;
  g_clear_object (&job->init);
  tess_progress_begin (way->meter, TESS_STAGE_ENCODE);
  if (way->close.band > 0)
    {
      way->init = gegl_buffer_dup (picture);
      tess_close_seam_mix (&way->close, picture);
    }
  return encode_picture (way, picture, job->plan.width, job->plan.height, TRUE,
                         &way->random, tess_tensor_f32 (way->latent), error)
         && (!keeps (way) || start_keep (way, error));
}

/* Whether what the canvas started from is needed after the first step. */
static gboolean
wants_start (const Way *way)
{
  return keeps (way) || (way->job->regions && way->job->regions->n_steps > 0);
}

/* The canvas before the first step. Numbers are drawn in the order of the
 * reference pipelines: the encoder's, then the noise, then that of steps. */
static gboolean
start_canvas (Way *way, GError **error)
{
  TessJob *job = way->job;
  const TessTilePlan *tiles = job->method->plan;
  gboolean given = job->init != NULL && job->upscale == NULL;
  g_autoptr (TessTensor) noise = tess_tensor_new_nchw (
      1, job->channels, tiles->height, tiles->width, error);
  gsize n;

  if (noise == NULL)
    return FALSE;
  way->latent = tess_tensor_new_nchw (1, job->channels, tiles->height,
                                      tiles->width, error);
  if (way->latent == NULL)
    return FALSE;
  if (job->upscale && !encode_structure (way, error))
    return FALSE;
  if (way->args->state && !wants_start (way))
    return TRUE; /* it is taken up where it was */
  if (given && !start_picture (way, error))
    return FALSE;
  n = tess_tensor_n_elements (noise);
  if (job->method->draw == NULL)
    tess_random_normal (&way->random, tess_tensor_f32 (noise), n);
  else if (!job->method->draw (job->method, &way->random, job->channels,
                               tess_tensor_f32 (noise), error))
    return FALSE;
  if (job->upscale)
    tess_sampler_begin_noise (job->sampler, tess_tensor_f32 (way->structure),
                              tess_tensor_f32 (noise),
                              tess_tensor_f32 (way->latent), n);
  else if (given)
    tess_sampler_add_noise (job->sampler, 0, tess_tensor_f32 (way->latent),
                            tess_tensor_f32 (noise),
                            tess_tensor_f32 (way->latent), n);
  else
    for (gsize i = 0; i < n; i++)
      tess_tensor_f32 (way->latent)[i]
          = tess_tensor_f32 (noise)[i]
            * (gfloat) tess_sampler_init_sigma (job->sampler);
  if ((job->regions && job->regions->n_steps > 0) || way->clean)
    way->noise = g_steal_pointer (&noise);
  return TRUE;
}

/* Flat colours for regions to be seen on, encoded. They have random numbers
 * of their own, so that regions do not change the canvas's. */
static gboolean
make_backgrounds (Way *way, GError **error)
{
  TessJob *job = way->job;
  const TessTilePlan *tiles = job->method->plan;
  TessRegions *regions = job->regions;
  gint width = tiles->tile_w * job->factor;
  gint height = tiles->tile_h * job->factor;
  gsize n = (gsize) job->channels * tiles->tile_w * tiles->tile_h;
  TessRandom random;

  if (regions == NULL || regions->n_steps == 0)
    return TRUE;
  way->backgrounds
      = tess_tensor_new_nchw (regions->n_backgrounds, job->channels,
                              tiles->tile_h, tiles->tile_w, error);
  if (way->backgrounds == NULL)
    return FALSE;
  tess_random_init (&random, (guint64) job->request->seed ^ 0x5DEECE66Du);
  for (gint i = 0; i < regions->n_backgrounds; i++)
    {
      g_autoptr (GeglBuffer) flat = tess_canvas_new (width, height);
      gfloat rgb[3];

      tess_random_uniform (&random, rgb, 3);
      tess_canvas_fill (flat, rgb);
      if (!encode_picture (way, flat, width, height, FALSE, &random,
                           tess_tensor_f32 (way->backgrounds) + i * n, error))
        return FALSE;
    }
  regions->backgrounds = tess_tensor_f32 (way->backgrounds);
  regions->noise = tess_tensor_f32 (way->noise);
  regions->seed = (guint64) job->request->seed;
  return TRUE;
}

static void
on_sampled (const TessDenoiseProgress *progress, gpointer data)
{
  Way *way = data;

  tess_progress_sampled (way->meter, progress, way->job->plan.n_tiles);
}

static gboolean
looks (gint step, gpointer data)
{
  const Way *way = data;

  return way->preview != NULL
         && (step + 1) % way->args->hooks->preview_every == 0;
}

static void
on_look (gint step, const gfloat *x, const gfloat *output, gpointer data)
{
  Way *way = data;
  gint64 began = g_get_monotonic_time ();
  gint width, height;
  const guint8 *rgb;

  tess_sampler_predict_x0 (way->job->sampler, step, x, output,
                           tess_tensor_f32 (way->seen),
                           tess_tensor_n_elements (way->seen));
  rgb = tess_preview_make (way->preview, tess_tensor_f32 (way->seen),
                           way->args->cancellable, &width, &height);
  if (rgb)
    way->args->hooks->preview (rgb, width, height, way->args->hooks->data);
  way->meter->pause += g_get_monotonic_time () - began;
}

static gboolean
run_unet (const TessUnetCall *call,
          gpointer data,
          GCancellable *cancellable,
          GError **error)
{
  Way *way = data;
  GError *local = NULL;

  if (tess_unet_run (way->job->studio->unet, call, cancellable, &local)
      || (left_gpu (way, &local) && prepare_texts (way, &local)
          && tess_unet_run (way->job->studio->unet, call, cancellable, &local)))
    return TRUE;
  g_propagate_error (error, local);
  return FALSE;
}

static gboolean
begin_unet (const TessUnetCall *call,
            gpointer data,
            TessUnetBatch *batch,
            GError **error)
{
  const Way *way = data;

  if (!tess_device_is_gpu (way->job->studio->backend))
    {
      g_set_error (error, TESS_ERROR, TESS_ERROR_DEVICE,
                   _ ("the network is on the processor by now"));
      return FALSE;
    }
  return tess_unet_begin (way->job->studio->unet, call, batch, error);
}

static void
open_preview (Way *way)
{
  TessJob *job = way->job;
  const TessTilePlan *tiles = job->method->plan;

  if (way->args->hooks == NULL || way->args->hooks->preview == NULL
      || way->args->hooks->preview_every <= 0)
    return;
  way->seen = tess_tensor_new_nchw (1, job->channels, tiles->height,
                                    tiles->width, NULL);
  if (way->seen == NULL)
    return;
  way->preview = tess_preview_new (
      job->studio->vae, tess_model_vae (job->studio->model), tiles->width,
      tiles->height, PREVIEW_SHARE * job->plan.n_calls * job->n_flops_sample,
      MAX (job->plan.n_steps / way->args->hooks->preview_every, 1));
}

/* Writes down where the loop is. A full disk must not cost the picture. */
static gboolean
on_stepped (const TessDenoiseState *state, gpointer data, GError **error)
{
  Way *way = data;
  TessPaint *args = way->args;
  TessJobState saved
      = { .phase = args->phase, .step = state->step, .random = way->random };
  g_autoptr (GError) local = NULL;
  gint64 began = g_get_monotonic_time ();
  g_autoptr (TessTensor) output = NULL;

  if (args->folder == NULL)
    return TRUE;
  saved.x = way->latent;
  if (state->output)
    output = tess_tensor_new_wrapped (TESS_F32, way->latent->n_dims,
                                      way->latent->dims,
                                      (gpointer) state->output, NULL, NULL);
  saved.output = output;
  tess_sampler_remember (way->job->sampler, &saved.memory);
  if (!tess_job_folder_save (args->folder, &saved, &local))
    {
      args->folder = NULL;
      if (args->hooks && args->hooks->warning)
        args->hooks->warning (local->message, args->hooks->data);
    }
  way->meter->pause += g_get_monotonic_time () - began;
  return TRUE;
}

/* Takes up the canvas, the random numbers and the sampler's memory. */
static gboolean
go_on (Way *way, TessDenoise *denoise, GError **error)
{
  TessJobState *state = way->args->state;
  gint n_steps = tess_sampler_n_steps (way->job->sampler);

  if (state == NULL)
    return TRUE;
  if (tess_tensor_n_elements (state->x) != tess_tensor_n_elements (way->latent)
      || state->step > n_steps
      || (way->job->method->holds && state->output == NULL)
      || (state->output
          && tess_tensor_n_elements (state->output)
                 != tess_tensor_n_elements (way->latent))
      || !tess_sampler_restore (way->job->sampler, &state->memory))
    {
      g_set_error (
          error, TESS_ERROR, TESS_ERROR_REQUEST,
          _ ("what was kept of the job is of another canvas or sampler; "
             "start the picture anew"));
      return FALSE;
    }
  memcpy (way->latent->data, state->x->data, way->latent->n_bytes);
  way->random = state->random;
  denoise->first_step = state->step;
  denoise->last_said = state->output ? tess_tensor_f32 (state->output) : NULL;
  way->meter->n_done
      = way->meter->n_samples - tess_job_n_samples (way->job, denoise);
  return TRUE;
}

static gboolean
sample (Way *way, GError **error)
{
  TessDenoise denoise;
  TessMultiInstance apart;
  gboolean good;

  tess_progress_begin (way->meter, TESS_STAGE_SAMPLE);
  open_preview (way);
  tess_job_denoise (way->job, &denoise);
  tess_job_apart (way->job, &apart);
  denoise.denoiser = run_unet;
  denoise.denoiser_data = way;
  denoise.begin = begin_unet;
  denoise.random = &way->random;
  denoise.progress = on_sampled;
  denoise.looks = looks;
  denoise.look = on_look;
  denoise.stepped = on_stepped;
  denoise.data = way;
  if (way->structure)
    denoise.structure = tess_tensor_f32 (way->structure);
  if (way->clean)
    {
      way->keep
          = (TessKeep) { way->painted ? tess_tensor_f32 (way->painted) : NULL,
                         tess_tensor_f32 (way->clean),
                         tess_tensor_f32 (way->noise) };
      denoise.keep = &way->keep;
    }
  good = go_on (way, &denoise, error)
         && tess_multi_instance_run (&denoise, &apart, way->latent,
                                     way->args->cancellable, error);
  g_clear_pointer (&way->seen, tess_tensor_unref);
  g_clear_pointer (&way->noise, tess_tensor_unref);
  g_clear_pointer (&way->clean, tess_tensor_unref);
  g_clear_pointer (&way->backgrounds, tess_tensor_unref);
  g_clear_pointer (&way->structure, tess_tensor_unref);
  return good;
}

static gboolean
write_picture (gint x,
               gint y,
               gint w,
               gint h,
               const gfloat *planes,
               gpointer data,
               GError **error)
{
  tess_canvas_write (data, x, y, w, h, planes);
  return TRUE;
}

/* A part of the enlarged canvas, in planes. */
static gboolean
write_planes (gint x,
              gint y,
              gint w,
              gint h,
              const gfloat *planes,
              gpointer data,
              GError **error)
{
  TessTensor *canvas = data;

  for (gint c = 0; c < canvas->dims[1]; c++)
    for (gint i = 0; i < h; i++, planes += w)
      memcpy (tess_tensor_f32 (canvas)
                  + ((gsize) c * canvas->dims[2] + y + i) * canvas->dims[3] + x,
              planes, w * sizeof *planes);
  return TRUE;
}

/* The decoder may look at the picture; then colours are brought back. */
static GeglBuffer *
decode_enlarged (Way *way, const TessVaeSettings *settings, GError **error)
{
  TessJob *job = way->job;
  const TessVaeLook look = { job->fidelity, tess_upscale_read, job->upscale };
  const TessEnlarged *picture = &job->upscale->picture;
  GError *local = NULL;
  g_autoptr (TessTensor) canvas = tess_tensor_new_nchw (
      1, 3, picture->padded_h, picture->padded_w, error);

  if (canvas == NULL)
    return NULL;
  if (tess_vae_decode_fused (job->studio->vae, way->latent, &look, settings,
                             write_planes, canvas, &local)
      || (left_gpu (way, &local)
          && tess_vae_decode_fused (job->studio->vae, way->latent, &look,
                                    settings, write_planes, canvas, &local)))
    return tess_upscale_finish (job->upscale, job->request->colours,
                                tess_tensor_f32 (canvas),
                                way->args->cancellable, error);
  g_propagate_error (error, local);
  return NULL;
}

static GeglBuffer *
decode (Way *way, GError **error)
{
  TessJob *job = way->job;
  const TessVaeConfig *config = tess_model_vae (job->studio->model);
  gfloat *z = tess_tensor_f32 (way->latent);
  TessVaeSettings settings = job->vae;
  GError *local = NULL;
  g_autoptr (GeglBuffer) canvas = NULL;

  tess_progress_begin (way->meter, TESS_STAGE_DECODE);
  for (gsize i = 0; i < tess_tensor_n_elements (way->latent); i++)
    z[i] = z[i] / config->scaling_factor + config->shift_factor;
  settings.cancellable = way->args->cancellable;
  settings.progress = on_coded;
  settings.progress_data = way;
  if (job->upscale)
    {
      canvas = decode_enlarged (way, &settings, error);
      if (canvas != NULL)
        tess_progress_coded (way->meter, 1.0);
      return g_steal_pointer (&canvas);
    }
  canvas = tess_canvas_new (job->request->width, job->request->height);
  if (!tess_vae_decode (job->studio->vae, way->latent, &settings, write_picture,
                        canvas, &local)
      && !(left_gpu (way, &local)
           && tess_vae_decode (job->studio->vae, way->latent, &settings,
                               write_picture, canvas, &local)))
    {
      g_propagate_error (error, local);
      return NULL;
    }
  if (way->init)
    tess_close_seam_keep (&way->close, canvas, way->init);
  tess_progress_coded (way->meter, 1.0);
  return g_steal_pointer (&canvas);
}

GeglBuffer *
tess_paint (TessPaint *paint, GError **error)
{
  g_auto (Way) way
      = { .args = paint, .job = paint->job, .meter = paint->meter };

  if (stopped (&way, error))
    return NULL;
  way.close = (TessCloseSeam) { way.job->request->close, way.job->vae.wrap_x,
                                way.job->vae.wrap_y };
  tess_progress_begin (way.meter, TESS_STAGE_LOAD);
  tess_random_init (&way.random, (guint64) way.job->request->seed);
  if (!prepare_texts (&way, error) || !start_canvas (&way, error)
      || !make_backgrounds (&way, error) || !sample (&way, error))
    return NULL;
  return decode (&way, error);
}
