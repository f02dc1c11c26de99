/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/denoise-backend.c: the canvas beside the network.
 *
 * Each call of the network is followed by a copy of what it says to the
 * sample's place among all of the step's; the last by one program that sums
 * them, in the samples' order, and takes the sampler's step. */
#include "core/denoise-backend-private.h"

#include <math.h>
#include <string.h>

#define LARGEST 0x1p20f /* as in core/blend.c */

static gboolean
takes_method (const TessMethod *method)
{
  return method->wide == NULL && !method->follows
         && (method->holds
             || (method->blend->gap_x == 0 && method->blend->gap_y == 0));
}

gboolean
tess_denoise_backend_takes (const TessDenoise *job)
{
  return job->backend != NULL && job->begin != NULL
         && takes_method (job->method);
}

void
tess_denoise_backend_free (TessDenoiseBackend *self)
{
  if (self == NULL)
    return;
  tess_denoise_drop_slots (self);
  g_ptr_array_unref (self->gathers);
  for (gint i = 0; i < N_CANVASES; i++)
    {
      tess_buffer_unref (self->canvases[i]);
      g_free (self->held[i]);
    }
  for (gint i = 0; i < N_MAPS; i++)
    tess_buffer_unref (self->maps[i]);
  tess_buffer_unref (self->factor);
  tess_buffer_unref (self->one);
  tess_buffer_unref (self->weights);
  g_free (self->read);
  g_free (self);
}

TessBuffer *
tess_denoise_table (const TessDenoiseBackend *self,
                    TessType type,
                    gint n,
                    gint length,
                    GError **error)
{
  TessShape shape = { 1, 1, n, length };

  return tess_buffer_new (self->job->backend, type, &shape, error);
}

static gboolean
make_tables (TessDenoiseBackend *self, GError **error)
{
  const gfloat one = 1.0f;

  self->factor = tess_denoise_table (self, TESS_F32, 1, 1, error);
  if (self->factor == NULL)
    return FALSE;
  self->one = tess_denoise_table (self, TESS_F32, 1, 1, error);
  if (self->one == NULL)
    return FALSE;
  tess_buffer_write (self->one, 0, 1, &one);
  self->weights = tess_denoise_table (self, TESS_F32, N_ROWS, ROW, error);
  return self->weights != NULL;
}

static TessBuffer *
new_canvas (TessDenoiseBackend *self, GError **error)
{
  const TessTilePlan *plan = self->job->method->plan;
  TessShape shape = { 1, plan->height, plan->width, self->job->channels };

  return tess_buffer_new (self->job->backend, TESS_F32, &shape, error);
}

static void
list_kept (const TessDenoise *job, gboolean *is_kept)
{
  gint n = tess_sampler_n_kept (job->sampler, &is_kept[CANVAS_BEFORE]);

  is_kept[CANVAS_X] = TRUE;
  for (gint i = 0; i < n; i++)
    is_kept[CANVAS_KEPT + i] = TRUE;
}

static gboolean
has_canvas (const TessDenoise *job, const gboolean *is_kept, gint i)
{
  return i == CANVAS_OUTPUT || i == CANVAS_NOISE || is_kept[i]
         || (i == CANVAS_SHOWN && job->regions != NULL
             && job->regions->n_steps > 0);
}

void
tess_denoise_backend_cost (const TessDenoise *job,
                           gboolean keeps,
                           TessDenoiseCost *cost)
{
  const TessTilePlan *plan = job->method->plan;
  gsize canvas = sizeof (gfloat) * job->channels * plan->width * plan->height;
  gboolean is_kept[N_CANVASES] = { FALSE };
  gboolean alone = job->regions != NULL && job->regions->n_steps > 0;
  gboolean apart = job->negative != NULL && job->guidance_rescale > 0.0;
  gsize n_canvases = keeps ? 3 : 0, n_next = 1;

  *cost = (TessDenoiseCost) { 0 };
  if (job->backend == NULL || !takes_method (job->method))
    return;
  list_kept (job, is_kept);
  for (gint i = 0; i < N_CANVASES; i++)
    {
      n_canvases += has_canvas (job, is_kept, i);
      n_next += is_kept[i];
    }
  n_canvases += job->method->holds;
  cost->held = n_canvases * canvas + sizeof (gfloat) * (N_ROWS * ROW + 2)
               + tess_denoise_slot_bytes (job);
  /* The sum of tiles, or two and the two that guidance makes of them; what
   * was shown; the next of each; what it is put together of. */
  cost->arena = (n_next + (apart ? 4 : 0) + alone + job->method->holds
                 + (keeps ? 3 : 0))
                * canvas;
}

static gboolean
make_canvases (TessDenoiseBackend *self, GError **error)
{
  for (gint i = 0; i < N_CANVASES; i++)
    {
      if (!has_canvas (self->job, self->is_kept, i))
        continue;
      self->canvases[i] = new_canvas (self, error);
      if (self->canvases[i] == NULL)
        return FALSE;
      if (self->is_kept[i])
        self->held[i] = g_new0 (gfloat, self->n_canvas);
    }
  return TRUE;
}

/* A plane, the same in each channel. */
static void
write_plane (TessDenoiseBackend *self, gint map, const gfloat *plane)
{
  gint c = self->job->channels;

  for (gsize i = 0; i < self->n_canvas; i++)
    self->read[i] = plane[i / c];
  tess_buffer_write (self->maps[map], 0, 1, self->read);
}

static gboolean
make_maps (TessDenoiseBackend *self, GError **error)
{
  const TessKeep *keep = self->job->keep;
  gboolean keeps = keep != NULL && keep->painted != NULL;

  for (gint i = 0; i < N_MAPS; i++)
    if ((i == MAP_GAPS ? self->job->method->holds : keeps)
        && (self->maps[i] = new_canvas (self, error)) == NULL)
      return FALSE;
  if (keeps)
    {
      write_plane (self, MAP_PAINTED, keep->painted);
      tess_buffer_write_nchw (self->maps[MAP_PICTURE], 0, 1, keep->x0);
      tess_buffer_write_nchw (self->maps[MAP_NOISE], 0, 1, keep->noise);
    }
  return TRUE;
}

/* The sampler's memory, as a run that is taken up has it. */
static void
write_memory (TessDenoiseBackend *self)
{
  TessSamplerMemory memory;

  tess_sampler_remember (self->job->sampler, &memory);
  memcpy (self->numbers, memory.numbers, sizeof memory.numbers);
  for (gint i = 0; i < TESS_SAMPLER_MAX_KEPT; i++)
    if (memory.canvases[i] != NULL && memory.n == self->n_canvas
        && self->held[CANVAS_KEPT + i] != NULL)
      {
        memcpy (self->held[CANVAS_KEPT + i], memory.canvases[i],
                self->n_canvas * sizeof (gfloat));
        tess_buffer_write_nchw (self->canvases[CANVAS_KEPT + i], 0, 1,
                                memory.canvases[i]);
      }
}

TessDenoiseBackend *
tess_denoise_backend_new (const TessDenoise *job,
                          const gfloat *x,
                          GError **error)
{
  const TessTilePlan *plan = job->method->plan;
  TessDenoiseBackend *self = g_new0 (TessDenoiseBackend, 1);

  self->job = job;
  self->n_canvas = (gsize) job->channels * plan->height * plan->width;
  self->gathers = g_ptr_array_new_with_free_func (tess_denoise_gather_free);
  self->read = g_new (gfloat, self->n_canvas);
  list_kept (job, self->is_kept);
  if (!make_tables (self, error) || !make_canvases (self, error)
      || !make_maps (self, error))
    {
      tess_denoise_backend_free (self);
      return NULL;
    }
  memcpy (self->held[CANVAS_X], x, self->n_canvas * sizeof *x);
  tess_buffer_write_nchw (self->canvases[CANVAS_X], 0, 1, x);
  if (job->last_said != NULL)
    tess_buffer_write_nchw (self->canvases[CANVAS_OUTPUT], 0, 1,
                            job->last_said);
  write_memory (self);
  return self;
}

/* The weights of sums of two. */
static void
write_pairs (const TessDenoise *job, gint step, gfloat (*rows)[ROW])
{
  const gfloat one = 1.0f, zero = 0.0f;
  gfloat *kept = rows[ROW_KEEP];

  rows[ROW_GUIDE][0] = (gfloat) job->guidance;
  rows[ROW_GUIDE][1] = (gfloat) (1.0 - job->guidance);
  rows[ROW_MINUS][0] = 1.0f;
  rows[ROW_MINUS][1] = -1.0f;
  kept[0] = 1.0f;
  if (job->keep == NULL || step + 1 >= tess_sampler_n_steps (job->sampler))
    return;
  tess_sampler_add_noise (job->sampler, step + 1, &one, &zero, &kept[0], 1);
  tess_sampler_add_noise (job->sampler, step + 1, &zero, &one, &kept[1], 1);
}

/* What the sampler's step makes of the unit canvases says what it makes of
 * any; it needs no more than their weights. */
static void
write_weights (TessDenoiseBackend *self,
               gint step,
               gboolean noisy,
               TessSamplerMemory *after)
{
  TessSampler *sampler = self->job->sampler;
  gfloat units[N_MIXED][N_MIXED] = { 0 };
  gfloat rows[N_ROWS][ROW] = { 0 };
  TessSamplerMemory memory = { .n = N_MIXED };

  for (gint i = 0; i < N_MIXED; i++)
    units[i][i] = 1.0f;
  memcpy (memory.numbers, self->numbers, sizeof memory.numbers);
  for (gint i = 0; i < TESS_SAMPLER_MAX_KEPT; i++)
    memory.canvases[i] = units[CANVAS_KEPT + i];
  tess_sampler_restore (sampler, &memory);
  tess_sampler_step (sampler, step, units[CANVAS_OUTPUT],
                     noisy ? units[CANVAS_NOISE] : NULL, units[CANVAS_X],
                     N_MIXED);
  tess_sampler_remember (sampler, after);
  memcpy (rows[CANVAS_X], units[CANVAS_X], sizeof units[CANVAS_X]);
  for (gint i = 0; i < TESS_SAMPLER_MAX_KEPT; i++)
    if (after->canvases[i] != NULL)
      memcpy (rows[CANVAS_KEPT + i], after->canvases[i],
              N_MIXED * sizeof (gfloat));
  write_pairs (self->job, step, rows);
  tess_buffer_write (self->weights, 0, 1, rows[0]);
}

/* The sampler as it is after the last step that is done. */
static void
restore (TessDenoiseBackend *self)
{
  TessSamplerMemory memory = { .n = self->n_canvas };

  memcpy (memory.numbers, self->numbers, sizeof memory.numbers);
  for (gint i = 0; i < TESS_SAMPLER_MAX_KEPT; i++)
    memory.canvases[i] = self->held[CANVAS_KEPT + i];
  tess_sampler_restore (self->job->sampler, &memory);
}

static void
to_planes (const TessDenoiseBackend *self, const gfloat *src, gfloat *dst)
{
  gsize c = self->job->channels, n = self->n_canvas / c;

  for (gsize k = 0; k < c; k++)
    for (gsize i = 0; i < n; i++)
      dst[k * n + i] = src[i * c + k];
}

static gboolean
is_sound (const gfloat *x, gsize n)
{
  gboolean sound = TRUE;

  for (gsize i = 0; i < n; i++)
    sound &= fabsf (x[i]) <= LARGEST; /* FALSE for NaN too */
  return sound;
}

/* Every canvas that comes back with the last call's submit. */
typedef struct
{
  gfloat *canvases[N_CANVASES]; /* channels last; NULL: not read */
} Back;

static void
back_finish (Back *back)
{
  for (gint i = 0; i < N_CANVASES; i++)
    g_free (back->canvases[i]);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Back, back_finish)

static gboolean
run_call (TessDenoiseBackend *self,
          gint step,
          gint first,
          gint n,
          const GArray *samples,
          const Back *back, /* NULL: more calls follow */
          GCancellable *cancellable,
          GError **error)
{
  const TessDenoise *job = self->job;
  const TessTilePlan *plan = job->method->plan;
  TessTile shape = tess_tile_plan_tile (
      plan, g_array_index (samples, TessSample, first).tile);
  gsize n_cell = job->channels * sizeof (gfloat);
  gsize n_slot = (gsize) plan->tile_h * plan->tile_w * n_cell;
  gsize n_tile = (gsize) shape.h * shape.w * n_cell;
  g_autofree gint32 *rows = g_new (gint32, n);
  g_autofree gint32 *grounds = g_new (gint32, n);
  gsize n_sample = n_tile / sizeof (gfloat);
  g_autofree gfloat *structure
      = job->structure ? g_new (gfloat, n * n_sample) : NULL;
  const TessUnetCall call = {
    .n = n,
    .h = shape.h,
    .w = shape.w,
    .step = step,
    .rows = rows,
    .grounds = grounds,
    .structure = structure,
  };
  g_autofree TessTask *tasks = g_new (TessTask, 3 + 2 * n + N_CANVASES);
  gint n_tasks = 0;
  TessUnetBatch batch;
  Gather *gather;

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  for (gint i = 0; i < n; i++)
    {
      const TessSample *sample
          = &g_array_index (samples, TessSample, first + i);

      rows[i] = sample->row;
      grounds[i] = sample->ground;
      if (structure != NULL)
        tess_blend_gather (plan, sample->tile, job->channels, job->structure,
                           structure + i * n_sample);
    }
  if (!job->begin (&call, job->denoiser_data, &batch, error))
    return FALSE;
  gather = tess_denoise_gather (
      self, &batch, &call, &g_array_index (samples, TessSample, first), error);
  if (gather == NULL)
    return FALSE;
  tasks[n_tasks++] = (TessTask) { .exec = gather->exec };
  tasks[n_tasks++] = (TessTask) { .exec = batch.exec };
  for (gint i = 0; i < n; i++)
    {
      TessTask copy = { .src = batch.dst,
                        .src_offset = i * n_tile,
                        .dst = self->said,
                        .dst_offset = (first + i) * n_slot,
                        .n_bytes = n_tile };

      tasks[n_tasks++] = copy;
      if (!self->bootstrapped)
        continue;
      copy.src = gather->shown;
      copy.dst = self->shown;
      tasks[n_tasks++] = copy;
    }
  if (back != NULL)
    tasks[n_tasks++] = (TessTask) { .exec = self->advance };
  for (gint i = 0; back != NULL && i < N_CANVASES; i++)
    if (back->canvases[i] != NULL)
      tasks[n_tasks++]
          = (TessTask) { .src = self->canvases[i],
                         .host = back->canvases[i],
                         .n_bytes = self->n_canvas * sizeof (gfloat) };
  return tess_backend_run (job->backend, tasks, n_tasks, cancellable, error);
}

static gboolean
run_calls (TessDenoiseBackend *self,
           gint step,
           const GArray *samples,
           const Back *back,
           GCancellable *cancellable,
           GError **error)
{
  for (gint i = 0, n; i < (gint) samples->len; i += n)
    {
      n = tess_denoise_n_together (self->job, samples, i);
      if (!run_call (self, step, i, n, samples,
                     i + n == (gint) samples->len ? back : NULL, cancellable,
                     error))
        return FALSE;
      tess_denoise_tell (self->job, step, i, n, samples);
    }
  return TRUE;
}

/* The programs of steps in which regions see themselves alone are others. */
static void
enter_phase (TessDenoiseBackend *self, gint step)
{
  gboolean bootstrapped = tess_denoise_is_bootstrapped (self->job, step);

  if (bootstrapped == self->bootstrapped)
    return;
  tess_denoise_drop_slots (self);
  g_ptr_array_set_size (self->gathers, 0);
  self->bootstrapped = bootstrapped;
}

gboolean
tess_denoise_backend_step (TessDenoiseBackend *self,
                           gint step,
                           const GArray *samples,
                           const gfloat *noise,
                           gfloat *x,
                           gfloat *output,
                           GCancellable *cancellable,
                           GError **error)
{
  const TessDenoise *job = self->job;
  gsize n_bytes = self->n_canvas * sizeof (gfloat);
  gfloat one = 1.0f, factor;
  g_auto (Back) back = { { NULL } };
  TessSamplerMemory after;
  gboolean looks = job->look != NULL
                   && (job->looks == NULL || job->looks (step, job->data));
  gboolean holds = job->method->holds;

  enter_phase (self, step);
  if (!tess_denoise_make_slots (self, samples, error))
    return FALSE;
  tess_sampler_scale_input (job->sampler, step, &one, &factor, 1);
  tess_buffer_write (self->factor, 0, 1, &factor);
  if (noise != NULL)
    tess_buffer_write_nchw (self->canvases[CANVAS_NOISE], 0, 1, noise);
  write_weights (self, step, noise != NULL, &after);

  for (gint i = 0; i < N_CANVASES; i++)
    if (self->is_kept[i] || (i == CANVAS_OUTPUT && (looks || holds))
        || (i == CANVAS_SHOWN && looks && self->bootstrapped))
      back.canvases[i] = g_new (gfloat, self->n_canvas);
  if (!run_calls (self, step, samples, &back, cancellable, error))
    {
      restore (self);
      return FALSE;
    }
  if (!is_sound (back.canvases[CANVAS_X], self->n_canvas))
    {
      restore (self);
      return tess_denoise_no_number (step, error);
    }
  if (looks || holds)
    to_planes (self, back.canvases[CANVAS_OUTPUT], output);
  if (looks)
    {
      if (self->bootstrapped)
        to_planes (self, back.canvases[CANVAS_SHOWN], x);
      job->look (step, x, output, job->data);
    }
  for (gint i = 0; i < N_CANVASES; i++)
    if (self->is_kept[i])
      to_planes (self, back.canvases[i], self->held[i]);
  memcpy (self->numbers, after.numbers, sizeof after.numbers);
  memcpy (x, self->held[CANVAS_X], n_bytes);
  restore (self);
  return TRUE;
}
