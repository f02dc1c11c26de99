/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/denoise-backend.c: the canvas beside the network.
 *
 * Each call of the network is followed by a copy of what it says to the
 * sample's place among all of the step's; the last by one program that sums
 * them, in the samples' order, and takes the sampler's step. */
#include "core/denoise-backend.h"

#include "core/ops/ops.h"

#include <math.h>
#include <string.h>

#define LARGEST 0x1p20f /* as in core/blend.c */

/* The canvases that a step is made of. */
enum
{
  CANVAS_X,
  CANVAS_OUTPUT,
  CANVAS_NOISE,
  CANVAS_KEPT, /* predictions of this step and those before, then the other */
  CANVAS_BEFORE = CANVAS_KEPT + TESS_SAMPLER_MAX_KEPT - 1,
  N_CANVASES
};
G_STATIC_ASSERT (N_CANVASES == TESS_MIX_MAX);

/* Rows of weights begin where a binding may, without a copy. */
#define ROW 64

/* What fills the source of calls of one size. */
typedef struct
{
  TessBuffer *src; /* the batch's */
  TessBuffer *places;
  TessExec *exec;
} Gather;

struct _TessDenoiseBackend
{
  const TessDenoise *job;
  gsize n_canvas;                    /* channels included */
  gboolean is_kept[N_CANVASES];      /* changes with the step */
  TessBuffer *canvases[N_CANVASES];  /* NULL: this sampler has none */
  gfloat *held[N_CANVASES];          /* those kept, after the last step */
  gfloat *read;                      /* channels last */
  gint numbers[2];                   /* of the sampler's memory */
  TessBuffer *factor;                /* of a network's input */
  TessBuffer *weights;               /* [1, 1, N_CANVASES, ROW] */
  GPtrArray *gathers;                /* of Gather */
  gint n_slots;                      /* samples that there is room for */
  TessBuffer *said;                  /* [n_slots, tile_h, tile_w, channels] */
  TessBuffer *places;                /* [1, 1, n_slots, 4] */
  TessBuffer *weights_x, *weights_y; /* [1, 1, n_slots, side] */
  gboolean told;                     /* these three, for tiles that stay */
  TessExec *advance;
};

gboolean
tess_denoise_backend_takes (const TessDenoise *job)
{
  const TessMethod *method = job->method;

  if (job->backend == NULL || job->begin == NULL || job->regions != NULL
      || job->keep != NULL || method->holds || method->wide != NULL
      || (job->negative != NULL && job->guidance_rescale > 0.0)
      || method->blend->gap_x > 0 || method->blend->gap_y > 0)
    return FALSE;
  for (gint i = 0; job->grounds != NULL && i < method->plan->n_tiles; i++)
    if (job->grounds[i] < 0)
      return FALSE;
  return TRUE;
}

static void
gather_free (gpointer data)
{
  Gather *gather = data;

  tess_exec_free (gather->exec);
  tess_buffer_unref (gather->places);
  tess_buffer_unref (gather->src);
  g_free (gather);
}

static void
drop_slots (TessDenoiseBackend *self)
{
  g_clear_pointer (&self->advance, tess_exec_free);
  g_clear_pointer (&self->said, tess_buffer_unref);
  g_clear_pointer (&self->places, tess_buffer_unref);
  g_clear_pointer (&self->weights_x, tess_buffer_unref);
  g_clear_pointer (&self->weights_y, tess_buffer_unref);
  self->n_slots = 0;
  self->told = FALSE;
}

void
tess_denoise_backend_free (TessDenoiseBackend *self)
{
  if (self == NULL)
    return;
  drop_slots (self);
  g_ptr_array_unref (self->gathers);
  for (gint i = 0; i < N_CANVASES; i++)
    {
      tess_buffer_unref (self->canvases[i]);
      g_free (self->held[i]);
    }
  tess_buffer_unref (self->factor);
  tess_buffer_unref (self->weights);
  g_free (self->read);
  g_free (self);
}

static TessBuffer *
new_table (TessDenoiseBackend *self,
           TessType type,
           gint n,
           gint length,
           GError **error)
{
  TessShape shape = { 1, 1, n, length };

  return tess_buffer_new (self->job->backend, type, &shape, error);
}

static gboolean
make_canvases (TessDenoiseBackend *self, GError **error)
{
  const TessTilePlan *plan = self->job->method->plan;
  TessShape shape = { 1, plan->height, plan->width, self->job->channels };

  self->factor = new_table (self, TESS_F32, 1, 1, error);
  if (self->factor == NULL)
    return FALSE;
  self->weights = new_table (self, TESS_F32, N_CANVASES, ROW, error);
  if (self->weights == NULL)
    return FALSE;
  for (gint i = 0; i < N_CANVASES; i++)
    {
      if (i != CANVAS_OUTPUT && i != CANVAS_NOISE && !self->is_kept[i])
        continue;
      self->canvases[i]
          = tess_buffer_new (self->job->backend, TESS_F32, &shape, error);
      if (self->canvases[i] == NULL)
        return FALSE;
      if (self->is_kept[i])
        self->held[i] = g_new0 (gfloat, self->n_canvas);
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
  gint n_kept;

  self->job = job;
  self->n_canvas = (gsize) job->channels * plan->height * plan->width;
  self->gathers = g_ptr_array_new_with_free_func (gather_free);
  self->read = g_new (gfloat, self->n_canvas);
  self->is_kept[CANVAS_X] = TRUE;
  n_kept = tess_sampler_n_kept (job->sampler, &self->is_kept[CANVAS_BEFORE]);
  for (gint i = 0; i < n_kept; i++)
    self->is_kept[CANVAS_KEPT + i] = TRUE;
  if (!make_canvases (self, error))
    {
      tess_denoise_backend_free (self);
      return NULL;
    }
  memcpy (self->held[CANVAS_X], x, self->n_canvas * sizeof *x);
  tess_buffer_write_nchw (self->canvases[CANVAS_X], 0, 1, x);
  write_memory (self);
  return self;
}

/* Sums, guides and steps: all of it from the canvases as they were, then all
 * of it to where they are. */
static gboolean
compile_advance (TessDenoiseBackend *self, GError **error)
{
  const TessTilePlan *plan = self->job->method->plan;
  g_autoptr (TessProgram) program = tess_program_new ("step", TESS_F32);
  TessValue *weights = tess_input (program, self->weights);
  TessValue *next[N_CANVASES] = { NULL };
  TessMix mix = { .n_src = 0 };
  const TessShape row = { 1, 1, 1, N_CANVASES };
  TessValue *output = tess_fuse (
      program, &(TessFuse) { .tiles = tess_input (program, self->said),
                             .places = tess_input (program, self->places),
                             .weights_x = tess_input (program, self->weights_x),
                             .weights_y = tess_input (program, self->weights_y),
                             .height = plan->height,
                             .width = plan->width });

  for (gint i = 0; i < N_CANVASES; i++)
    mix.src[i] = i == CANVAS_OUTPUT  ? output
                 : self->canvases[i] ? tess_input (program, self->canvases[i])
                                     : output; /* weighs nothing */
  mix.n_src = N_CANVASES;
  for (gint i = 0; i < N_CANVASES; i++)
    if (self->is_kept[i])
      {
        mix.weights = tess_view (program, weights, (gsize) i * ROW, &row);
        next[i] = tess_mix (program, &mix);
      }
  next[CANVAS_OUTPUT] = output;
  for (gint i = 0; i < N_CANVASES; i++)
    if (next[i] != NULL)
      tess_store (program, next[i], self->canvases[i]);
  self->advance = tess_backend_compile (self->job->backend, program, error);
  return self->advance != NULL;
}

/* Room for @n samples. */
static gboolean
make_slots (TessDenoiseBackend *self, gint n, GError **error)
{
  const TessTilePlan *plan = self->job->method->plan;
  TessShape shape = { n, plan->tile_h, plan->tile_w, self->job->channels };

  if (n <= self->n_slots)
    return TRUE;
  drop_slots (self);
  self->said = tess_buffer_new (self->job->backend, TESS_F32, &shape, error);
  if (self->said == NULL)
    return FALSE;
  self->places = new_table (self, TESS_I32, n, 4, error);
  if (self->places == NULL)
    return FALSE;
  self->weights_x = new_table (self, TESS_F32, n, plan->tile_w, error);
  if (self->weights_x == NULL)
    return FALSE;
  self->weights_y = new_table (self, TESS_F32, n, plan->tile_h, error);
  if (self->weights_y == NULL || !compile_advance (self, error))
    return FALSE;
  self->n_slots = n;
  return TRUE;
}

/* Where each sample lies and what it weighs: guidance is a factor of that. */
static void
write_slots (TessDenoiseBackend *self, const GArray *samples)
{
  const TessDenoise *job = self->job;
  const TessTilePlan *plan = job->method->plan;
  const TessBlend *blend = job->method->blend;
  g_autofree gint32 *places = g_new0 (gint32, 4 * self->n_slots);
  g_autofree gfloat *x = g_new0 (gfloat, (gsize) self->n_slots * plan->tile_w);
  g_autofree gfloat *y = g_new0 (gfloat, (gsize) self->n_slots * plan->tile_h);

  for (guint i = 0; i < samples->len; i++)
    {
      const TessSample *sample = &g_array_index (samples, TessSample, i);
      TessTile tile = tess_tile_plan_tile (plan, sample->tile);
      const gdouble *of_x
          = blend->x + (gsize) (sample->tile % plan->n_x) * plan->tile_w;
      const gdouble *of_y
          = blend->y + (gsize) (sample->tile / plan->n_x) * plan->tile_h;
      gdouble factor = job->negative == NULL ? 1.0
                       : sample->positive    ? job->guidance
                                             : 1.0 - job->guidance;

      places[4 * i] = tile.x % plan->width;
      places[4 * i + 1] = tile.y % plan->height;
      places[4 * i + 2] = tile.w;
      places[4 * i + 3] = tile.h;
      for (gint k = 0; k < plan->tile_w; k++)
        x[i * (gsize) plan->tile_w + k] = (gfloat) of_x[k];
      for (gint k = 0; k < plan->tile_h; k++)
        y[i * (gsize) plan->tile_h + k] = (gfloat) (factor * of_y[k]);
    }
  tess_buffer_write_i32 (self->places, places);
  tess_buffer_write (self->weights_x, 0, 1, x);
  tess_buffer_write (self->weights_y, 0, 1, y);
  self->told = job->method->begin_step == NULL;
}

static Gather *
gather_of (TessDenoiseBackend *self,
           const TessUnetBatch *batch,
           const TessUnetCall *call,
           GError **error)
{
  g_autoptr (TessProgram) program = NULL;
  TessValue *tiles;
  Gather *gather;

  for (guint i = 0; i < self->gathers->len; i++)
    {
      gather = self->gathers->pdata[i];
      if (gather->src == batch->src)
        return gather;
    }
  gather = g_new0 (Gather, 1);
  gather->src = tess_buffer_ref (batch->src);
  gather->places = new_table (self, TESS_I32, call->n, 2, error);
  if (gather->places == NULL)
    {
      gather_free (gather);
      return NULL;
    }
  program = tess_program_new ("gather", TESS_F32);
  tiles = tess_gather (
      program,
      &(TessGather) { .canvas = tess_input (program, self->canvases[CANVAS_X]),
                      .places = tess_input (program, gather->places),
                      .factor = tess_input (program, self->factor),
                      .h = call->h,
                      .w = call->w });
  tess_store (program, tiles, gather->src);
  gather->exec = tess_backend_compile (self->job->backend, program, error);
  if (gather->exec == NULL)
    {
      gather_free (gather);
      return NULL;
    }
  g_ptr_array_add (self->gathers, gather);
  return gather;
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
  gfloat units[N_CANVASES][N_CANVASES] = { 0 };
  gfloat rows[N_CANVASES][ROW] = { 0 };
  TessSamplerMemory memory = { .n = N_CANVASES };

  for (gint i = 0; i < N_CANVASES; i++)
    units[i][i] = 1.0f;
  memcpy (memory.numbers, self->numbers, sizeof memory.numbers);
  for (gint i = 0; i < TESS_SAMPLER_MAX_KEPT; i++)
    memory.canvases[i] = units[CANVAS_KEPT + i];
  tess_sampler_restore (sampler, &memory);
  tess_sampler_step (sampler, step, units[CANVAS_OUTPUT],
                     noisy ? units[CANVAS_NOISE] : NULL, units[CANVAS_X],
                     N_CANVASES);
  tess_sampler_remember (sampler, after);
  memcpy (rows[CANVAS_X], units[CANVAS_X], sizeof units[CANVAS_X]);
  for (gint i = 0; i < TESS_SAMPLER_MAX_KEPT; i++)
    if (after->canvases[i] != NULL)
      memcpy (rows[CANVAS_KEPT + i], after->canvases[i],
              N_CANVASES * sizeof (gfloat));
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
  g_autofree gint32 *places = g_new (gint32, 2 * n);
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
  g_autofree TessTask *tasks = g_new (TessTask, 3 + n + N_CANVASES);
  gint n_tasks = 0;
  TessUnetBatch batch;
  Gather *gather;

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  for (gint i = 0; i < n; i++)
    {
      const TessSample *sample
          = &g_array_index (samples, TessSample, first + i);
      TessTile tile = tess_tile_plan_tile (plan, sample->tile);

      rows[i] = sample->row;
      grounds[i] = sample->ground;
      places[2 * i] = tile.x % plan->width;
      places[2 * i + 1] = tile.y % plan->height;
      if (structure != NULL)
        tess_blend_gather (plan, sample->tile, job->channels, job->structure,
                           structure + i * n_sample);
    }
  if (!job->begin (&call, job->denoiser_data, &batch, error))
    return FALSE;
  gather = gather_of (self, &batch, &call, error);
  if (gather == NULL)
    return FALSE;
  tess_buffer_write_i32 (gather->places, places);
  tasks[n_tasks++] = (TessTask) { .exec = gather->exec };
  tasks[n_tasks++] = (TessTask) { .exec = batch.exec };
  for (gint i = 0; i < n; i++)
    tasks[n_tasks++] = (TessTask) { .src = batch.dst,
                                    .src_offset = i * n_tile,
                                    .dst = self->said,
                                    .dst_offset = (first + i) * n_slot,
                                    .n_bytes = n_tile };
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

gboolean
tess_denoise_backend_step (TessDenoiseBackend *self,
                           gint step,
                           const GArray *samples,
                           const gfloat *noise,
                           gfloat *x,
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

  if (!make_slots (self, (gint) samples->len, error))
    return FALSE;
  if (!self->told)
    write_slots (self, samples);
  tess_sampler_scale_input (job->sampler, step, &one, &factor, 1);
  tess_buffer_write (self->factor, 0, 1, &factor);
  if (noise != NULL)
    tess_buffer_write_nchw (self->canvases[CANVAS_NOISE], 0, 1, noise);
  write_weights (self, step, noise != NULL, &after);

  for (gint i = 0; i < N_CANVASES; i++)
    if (self->is_kept[i] || (looks && i == CANVAS_OUTPUT))
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
  if (looks)
    {
      to_planes (self, back.canvases[CANVAS_OUTPUT], self->read);
      job->look (step, x, self->read, job->data);
    }
  for (gint i = 0; i < N_CANVASES; i++)
    if (self->is_kept[i])
      to_planes (self, back.canvases[i], self->held[i]);
  memcpy (self->numbers, after.numbers, sizeof after.numbers);
  memcpy (x, self->held[CANVAS_X], n_bytes);
  restore (self);
  return TRUE;
}
