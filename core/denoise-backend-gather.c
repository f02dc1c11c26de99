/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/denoise-backend-gather.c: what the network is shown: tiles of the
 * canvas; while regions are bootstrapped, each prompt's own part of them on a
 * flat colour. */
#include "core/denoise-backend-private.h"

void
tess_denoise_gather_free (gpointer data)
{
  Gather *gather = data;

  tess_exec_free (gather->exec);
  tess_buffer_unref (gather->shown);
  tess_buffer_unref (gather->backgrounds);
  tess_buffer_unref (gather->masks);
  tess_buffer_unref (gather->places);
  tess_buffer_unref (gather->src);
  g_free (gather);
}

static gboolean
make_buffers (TessDenoiseBackend *self,
              Gather *gather,
              const TessUnetCall *call,
              GError **error)
{
  TessShape shape = { call->n, call->h, call->w, self->job->channels };
  TessBuffer **buffers[]
      = { &gather->masks, &gather->backgrounds, &gather->shown };

  gather->places = tess_denoise_table (self, TESS_I32, call->n, 2, error);
  if (gather->places == NULL)
    return FALSE;
  for (guint i = 0; self->bootstrapped && i < G_N_ELEMENTS (buffers); i++)
    {
      *buffers[i]
          = tess_buffer_new (self->job->backend, TESS_F32, &shape, error);
      if (*buffers[i] == NULL)
        return FALSE;
    }
  return TRUE;
}

static gboolean
compile (TessDenoiseBackend *self,
         Gather *gather,
         const TessUnetCall *call,
         GError **error)
{
  g_autoptr (TessProgram) program = tess_program_new ("gather", TESS_F32);
  gboolean alone = self->bootstrapped;
  TessValue *factor = tess_input (program, self->factor);
  TessValue *tiles = tess_gather (
      program, &(TessGather) {
                   .canvas = tess_input (program, self->canvases[CANVAS_X]),
                   .places = tess_input (program, gather->places),
                   .factor = alone ? tess_input (program, self->one) : factor,
                   .h = call->h,
                   .w = call->w,
               });

  if (alone)
    {
      tiles = tess_scale (
          program, &(TessScale) {
                       .src = tiles,
                       .factor = tess_input (program, gather->masks),
                       .residual = tess_input (program, gather->backgrounds) });
      tess_store (program, tiles, gather->shown);
      tiles = tess_scale (program,
                          &(TessScale) { .src = tiles, .factor = factor });
    }
  tess_store (program, tiles, gather->src);
  gather->exec = tess_backend_compile (self->job->backend, program, error);
  return gather->exec != NULL;
}

static Gather *
gather_of (TessDenoiseBackend *self,
           const TessUnetBatch *batch,
           const TessUnetCall *call,
           GError **error)
{
  Gather *gather;

  for (guint i = 0; i < self->gathers->len; i++)
    {
      gather = self->gathers->pdata[i];
      if (gather->src == batch->src)
        return gather;
    }
  gather = g_new0 (Gather, 1);
  gather->src = tess_buffer_ref (batch->src);
  if (!make_buffers (self, gather, call, error)
      || !compile (self, gather, call, error))
    {
      tess_denoise_gather_free (gather);
      return NULL;
    }
  g_ptr_array_add (self->gathers, gather);
  return gather;
}

/* mask * canvas + (1 - mask) * colour, for a prompt that sees the whole
 * 1 * canvas + 0. */
static void
write_backgrounds (TessDenoiseBackend *self,
                   const Gather *gather,
                   const TessUnetCall *call,
                   const TessSample *samples)
{
  const TessDenoise *job = self->job;
  gsize n = (gsize) job->channels * call->h * call->w;
  g_autofree gfloat *masks = g_new (gfloat, n * call->n);
  g_autofree gfloat *backgrounds = g_new0 (gfloat, n * call->n);
  g_autofree gfloat *colour = g_new (gfloat, n);
  g_autofree gfloat *noise = g_new (gfloat, n);
  g_autofree gfloat *zeros = g_new0 (gfloat, n);

  for (gint i = 0; i < call->n; i++)
    {
      const TessSample *sample = &samples[i];
      gfloat *mask = masks + i * n;

      for (gsize k = 0; k < n; k++)
        mask[k] = 1.0f;
      if (sample->alone == 0)
        continue;
      tess_denoise_background (job, call->step, sample, noise, colour);
      tess_regions_mask (job->regions, job->method->plan, sample->tile,
                         sample->alone, job->channels, zeros, mask);
      tess_regions_mask (job->regions, job->method->plan, sample->tile,
                         sample->alone, job->channels, colour,
                         backgrounds + i * n);
    }
  tess_buffer_write_nchw (gather->masks, 0, call->n, masks);
  tess_buffer_write_nchw (gather->backgrounds, 0, call->n, backgrounds);
}

Gather *
tess_denoise_gather (TessDenoiseBackend *self,
                     const TessUnetBatch *batch,
                     const TessUnetCall *call,
                     const TessSample *samples,
                     GError **error)
{
  const TessTilePlan *plan = self->job->method->plan;
  g_autofree gint32 *places = g_new (gint32, 2 * call->n);
  Gather *gather = gather_of (self, batch, call, error);

  if (gather == NULL)
    return NULL;
  for (gint i = 0; i < call->n; i++)
    {
      TessTile tile = tess_tile_plan_tile (plan, samples[i].tile);

      places[2 * i] = tile.x % plan->width;
      places[2 * i + 1] = tile.y % plan->height;
    }
  tess_buffer_write_i32 (gather->places, places);
  if (self->bootstrapped)
    write_backgrounds (self, gather, call, samples);
  return gather;
}
