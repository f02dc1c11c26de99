/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/denoise-backend-sum.c: what the tiles of a step say and weigh, and the
 * program that sums them, guides, and takes the sampler's step: all of it
 * from the canvases as they were, then all of it to where they are. */
#include "core/denoise-backend-private.h"

/* Guidance and its spread are asked of two sums. */
static gboolean
is_apart (const TessDenoise *job)
{
  return job->negative != NULL && job->guidance_rescale > 0.0;
}

static gboolean
has_sum (const TessDenoiseBackend *self, gint sum)
{
  return sum == SUM_SAID || (sum == SUM_NEGATIVE && is_apart (self->job))
         || (sum == SUM_SHOWN && self->bootstrapped);
}

void
tess_denoise_drop_slots (TessDenoiseBackend *self)
{
  g_clear_pointer (&self->advance, tess_exec_free);
  g_clear_pointer (&self->said, tess_buffer_unref);
  g_clear_pointer (&self->shown, tess_buffer_unref);
  g_clear_pointer (&self->shares, tess_buffer_unref);
  g_clear_pointer (&self->places, tess_buffer_unref);
  g_clear_pointer (&self->weights_x, tess_buffer_unref);
  for (gint i = 0; i < N_SUMS; i++)
    g_clear_pointer (&self->weights_y[i], tess_buffer_unref);
  self->n_slots = 0;
  self->told = FALSE;
}

/* The program */

static TessValue *
row_of (TessDenoiseBackend *self, TessProgram *program, gint row)
{
  const TessShape shape = { 1, 1, 1, TESS_MIX_MAX };

  return tess_view (program, tess_input (program, self->weights),
                    (gsize) row * ROW, &shape);
}

static TessValue *
mix_two (TessDenoiseBackend *self,
         TessProgram *program,
         TessValue *a,
         TessValue *b,
         gint row)
{
  return tess_mix (program,
                   &(TessMix) { .src = { a, b },
                                .n_src = 2,
                                .weights = row_of (self, program, row) });
}

static TessValue *
scale (TessDenoiseBackend *self,
       TessProgram *program,
       TessValue *src,
       gint map,
       TessValue *residual)
{
  return tess_scale (
      program, &(TessScale) { .src = src,
                              .factor = tess_input (program, self->maps[map]),
                              .residual = residual });
}

/* A sum of tiles; where none lies, what @held has. */
static TessValue *
fuse (TessDenoiseBackend *self, TessProgram *program, gint sum, gint held)
{
  const TessTilePlan *plan = self->job->method->plan;
  TessBuffer *tiles = sum == SUM_SHOWN ? self->shown : self->said;
  TessValue *value = tess_fuse (
      program,
      &(TessFuse) { .tiles = tess_input (program, tiles),
                    .places = tess_input (program, self->places),
                    .weights_x = tess_input (program, self->weights_x),
                    .weights_y = tess_input (program, self->weights_y[sum]),
                    .shares
                    = self->shares ? tess_input (program, self->shares) : NULL,
                    .height = plan->height,
                    .width = plan->width });

  if (self->maps[MAP_GAPS] != NULL)
    value = scale (self, program, tess_input (program, self->canvases[held]),
                   MAP_GAPS, value);
  return value;
}

static TessValue *
spread (TessProgram *program, TessValue *src)
{
  return tess_group_stats (program,
                           &(TessGroupStats) { .src = src, .n_groups = 1 });
}

static TessValue *
record_output (TessDenoiseBackend *self, TessProgram *program)
{
  TessValue *output = fuse (self, program, SUM_SAID, CANVAS_OUTPUT);
  TessValue *guided;

  if (!is_apart (self->job))
    return output;
  guided
      = mix_two (self, program, output,
                 fuse (self, program, SUM_NEGATIVE, CANVAS_OUTPUT), ROW_GUIDE);
  return tess_rescale (
      program,
      &(TessRescale) { .src = guided,
                       .stats = spread (program, guided),
                       .like = spread (program, output),
                       .amount = (gfloat) self->job->guidance_rescale });
}

/* kept + painted * (x - kept) */
static TessValue *
record_keep (TessDenoiseBackend *self, TessProgram *program, TessValue *x)
{
  TessValue *kept
      = mix_two (self, program, tess_input (program, self->maps[MAP_PICTURE]),
                 tess_input (program, self->maps[MAP_NOISE]), ROW_KEEP);

  return scale (self, program, mix_two (self, program, x, kept, ROW_MINUS),
                MAP_PAINTED, kept);
}

static gboolean
compile_advance (TessDenoiseBackend *self, GError **error)
{
  g_autoptr (TessProgram) program = tess_program_new ("step", TESS_F32);
  TessValue *next[N_CANVASES] = { NULL };
  TessMix mix = { .n_src = N_MIXED };
  TessValue *output = record_output (self, program);

  for (gint i = 0; i < N_MIXED; i++)
    mix.src[i] = i == CANVAS_OUTPUT  ? output
                 : self->canvases[i] ? tess_input (program, self->canvases[i])
                                     : output; /* weighs nothing */
  if (self->bootstrapped)
    mix.src[CANVAS_X] = next[CANVAS_SHOWN]
        = fuse (self, program, SUM_SHOWN, CANVAS_X);
  for (gint i = 0; i < N_MIXED; i++)
    if (self->is_kept[i])
      {
        mix.weights = row_of (self, program, i);
        next[i] = tess_mix (program, &mix);
      }
  if (self->maps[MAP_PAINTED] != NULL)
    next[CANVAS_X] = record_keep (self, program, next[CANVAS_X]);
  next[CANVAS_OUTPUT] = output;
  for (gint i = 0; i < N_CANVASES; i++)
    if (next[i] != NULL)
      tess_store (program, next[i], self->canvases[i]);
  self->advance = tess_backend_compile (self->job->backend, program, error);
  return self->advance != NULL;
}

/* The slots */

static gboolean
make_tables (TessDenoiseBackend *self, gint n, GError **error)
{
  const TessDenoise *job = self->job;
  const TessTilePlan *plan = job->method->plan;
  TessShape shape = { n, plan->tile_h, plan->tile_w, job->channels };
  TessShape plane = { n, plan->tile_h, plan->tile_w, 1 };

  self->said = tess_buffer_new (job->backend, TESS_F32, &shape, error);
  if (self->said == NULL)
    return FALSE;
  if (self->bootstrapped
      && (self->shown = tess_buffer_new (job->backend, TESS_F32, &shape, error))
             == NULL)
    return FALSE;
  if ((job->regions || tess_denoise_leaves_out (job))
      && (self->shares
          = tess_buffer_new (job->backend, TESS_F32, &plane, error))
             == NULL)
    return FALSE;
  self->places = tess_denoise_table (self, TESS_I32, n, 4, error);
  if (self->places == NULL)
    return FALSE;
  self->weights_x = tess_denoise_table (self, TESS_F32, n, plan->tile_w, error);
  if (self->weights_x == NULL)
    return FALSE;
  for (gint i = 0; i < N_SUMS; i++)
    if (has_sum (self, i)
        && (self->weights_y[i]
            = tess_denoise_table (self, TESS_F32, n, plan->tile_h, error))
               == NULL)
      return FALSE;
  return TRUE;
}

/* What a sample's weights are multiplied by in each of the sums. */
static gdouble
factor_in (const TessDenoise *job, gint sum, const TessSample *sample)
{
  gboolean wanted = job->negative == NULL || sample->positive;

  switch (sum)
    {
    case SUM_NEGATIVE:
      return !wanted;
    case SUM_SHOWN:
      return wanted;
    case SUM_SAID:
    default:
      if (job->negative == NULL || is_apart (job))
        return wanted;
      return wanted ? job->guidance : 1.0 - job->guidance;
    }
}

static void
write_places (TessDenoiseBackend *self, const GArray *samples)
{
  const TessTilePlan *plan = self->job->method->plan;
  const TessBlend *blend = self->job->method->blend;
  gsize w = plan->tile_w;
  g_autofree gint32 *places = g_new0 (gint32, 4 * self->n_slots);
  g_autofree gfloat *x = g_new0 (gfloat, self->n_slots * w);

  for (guint i = 0; i < samples->len; i++)
    {
      gint at = g_array_index (samples, TessSample, i).tile;
      TessTile tile = tess_tile_plan_tile (plan, at);

      places[4 * i] = tile.x % plan->width;
      places[4 * i + 1] = tile.y % plan->height;
      places[4 * i + 2] = tile.w;
      places[4 * i + 3] = tile.h;
      for (gsize k = 0; k < w; k++)
        x[i * w + k] = (gfloat) blend->x[(at % plan->n_x) * w + k];
    }
  tess_buffer_write_i32 (self->places, places);
  tess_buffer_write (self->weights_x, 0, 1, x);
}

static void
write_weights_y (TessDenoiseBackend *self, const GArray *samples, gint sum)
{
  const TessTilePlan *plan = self->job->method->plan;
  const TessBlend *blend = self->job->method->blend;
  gsize h = plan->tile_h;
  g_autofree gfloat *y = g_new0 (gfloat, self->n_slots * h);

  for (guint i = 0; i < samples->len; i++)
    {
      const TessSample *sample = &g_array_index (samples, TessSample, i);
      gdouble factor = factor_in (self->job, sum, sample);

      for (gsize k = 0; k < h; k++)
        y[i * h + k]
            = (gfloat) (factor * blend->y[(sample->tile / plan->n_x) * h + k]);
    }
  tess_buffer_write (self->weights_y[sum], 0, 1, y);
}

static void
write_shares (TessDenoiseBackend *self, const GArray *samples)
{
  const TessTilePlan *plan = self->job->method->plan;
  g_autofree gfloat *share
      = g_new0 (gfloat, (gsize) plan->tile_w * plan->tile_h);
  g_autofree gfloat *cover = NULL;

  if (tess_denoise_leaves_out (self->job))
    {
      cover = g_new (gfloat, (gsize) plan->width * plan->height);
      tess_denoise_cover (self->job, cover);
    }

  for (guint i = 0; i < samples->len; i++)
    {
      const TessSample *sample = &g_array_index (samples, TessSample, i);

      tess_denoise_share (self->job, cover, sample, share);
      tess_buffer_write (self->shares, (gint) i, 1, share);
    }
}

static void
write_gaps (TessDenoiseBackend *self)
{
  const TessTilePlan *plan = self->job->method->plan;
  const TessBlend *blend = self->job->method->blend;
  gint c = self->job->channels;

  for (gsize i = 0; i < self->n_canvas; i++)
    {
      gint x = (gint) (i / c % plan->width), y = (gint) (i / c / plan->width);

      self->read[i] = x < blend->gap_x || y < blend->gap_y ? 1.0f : 0.0f;
    }
  tess_buffer_write (self->maps[MAP_GAPS], 0, 1, self->read);
}

/* The first step has the most: prompts that see themselves alone. Calls are of
 * one size, and often a smaller one at the end; with tiles of several shapes
 * there are more. */
gsize
tess_denoise_slot_bytes (const TessDenoise *job)
{
  const TessTilePlan *plan = job->method->plan;
  g_autoptr (GArray) samples = tess_denoise_samples (job, job->first_step);
  gboolean alone = job->regions != NULL && job->regions->n_steps > 0;
  gboolean shared = job->regions != NULL || tess_denoise_leaves_out (job);
  gsize n_sums = 1 + is_apart (job) + alone;
  gsize cells = (gsize) plan->tile_w * plan->tile_h, c = job->channels;
  gsize slot = c * cells * (alone ? 2 : 1) + (shared ? cells : 0) + 4
               + plan->tile_w + n_sums * plan->tile_h;
  gsize n_shapes = plan->sizes_x || plan->sizes_y ? 4 : 1;
  gsize calls = MAX (job->batch, 1)
                * (4 * n_shapes + (alone ? (1 + n_shapes) * 3 * c * cells : 0));

  return sizeof (gfloat) * (samples->len * slot + calls);
}

gboolean
tess_denoise_make_slots (TessDenoiseBackend *self,
                         const GArray *samples,
                         GError **error)
{
  gint n = (gint) samples->len;

  if (n > self->n_slots)
    {
      tess_denoise_drop_slots (self);
      if (!make_tables (self, n, error) || !compile_advance (self, error))
        return FALSE;
      self->n_slots = n;
    }
  if (self->told)
    return TRUE;
  write_places (self, samples);
  for (gint i = 0; i < N_SUMS; i++)
    if (self->weights_y[i] != NULL)
      write_weights_y (self, samples, i);
  if (self->shares != NULL)
    write_shares (self, samples);
  if (self->maps[MAP_GAPS] != NULL)
    write_gaps (self);
  self->told = self->job->method->begin_step == NULL;
  return TRUE;
}
