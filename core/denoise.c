/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/denoise.c: the loop.
 *
 * What tiles say is summed on the canvas (noise, velocity or picture, as the
 * network predicts), and the sampler steps once on the canvas: so any sampler
 * will do and has one history. That equals MultiDiffusion's stepping of each
 * tile where a tile's input is the canvas. While regions are bootstrapped it
 * is not: each prompt sees its own input. There inputs are averaged by the
 * same weights; a step is a weighted sum of input and output, so the average
 * of steps is the step of averages, for soft masks too.
 *
 * Guidance is taken after the sum. It is a weighted sum as well, so that
 * changes nothing, and a negative prompt that several regions share is asked
 * once per tile. */
#include "core/denoise-private.h"

#include "core/denoise-backend.h"
#include "core/error.h"
#include "core/guidance.h"

#include <glib/gi18n-lib.h>
#include <string.h>

typedef struct
{
  const TessDenoise *job;
  gint step;
  gsize n_canvas, n_tile; /* channels included */
  gfloat *x;
  gfloat *seen; /* of x by the method's wide tiles */

  TessTensor *output;
  TessTensor *extra; /* the negative's output, then noise */
  TessTensor *sum;   /* i64 */
  TessTensor *sum_negative;
  TessTensor *sum_x; /* of inputs, while bootstrapping */

  gfloat *src;
  gfloat *structure;
  gfloat *dst;
  gfloat *share;
  gfloat *background;
  gfloat *noise;
  gint32 *rows;
  gint32 *grounds;
  gfloat *cover;               /* [height, width] where tiles are left out */
  TessDenoiseBackend *backend; /* where the canvas is there; else NULL */
} Loop;

void
tess_method_free (TessMethod *method)
{
  if (method)
    method->free (method);
}

static const TessTilePlan *
plan_of (const TessDenoise *job, const TessSample *sample)
{
  return sample->wide ? job->method->wide : job->method->plan;
}

static TessTile
tile_of (const TessDenoise *job, const TessSample *sample)
{
  return tess_tile_plan_tile (plan_of (job, sample), sample->tile);
}

gboolean
tess_denoise_is_bootstrapped (const TessDenoise *job, gint step)
{
  return job->regions && step < job->regions->n_steps;
}

static void
add_sample (GArray *samples, guint first, const TessSample *sample)
{
  for (guint i = first; i < samples->len; i++)
    {
      TessSample *other = &g_array_index (samples, TessSample, i);

      if (other->alone == sample->alone && other->row == sample->row
          && other->positive == sample->positive)
        {
          other->prompts |= sample->prompts;
          return;
        }
    }
  g_array_append_vals (samples, sample, 1);
}

/* The row of a prompt in a tile. A model that paints a scene by windows is
 * told, where it knows the words, which of them have no horizon. */
static gint32
row_of (const TessDenoise *job, gint n, gint at)
{
  const TessTilePlan *plan = job->method->plan;
  TessTile tile = tess_tile_plan_tile (plan, at);

  if (n > 0 || job->halves == NULL || plan->wrap_y)
    return job->positive[n];
  if (2 * (tile.y + tile.h) <= plan->height)
    return job->halves[0];
  return 2 * tile.y >= plan->height ? job->halves[1] : job->positive[n];
}

/* Everything to be asked about one tile. Prompts that have no cell in it are
 * left out; equal questions are asked once. */
static void
add_tile (const TessDenoise *job,
          gint step,
          gint tile,
          gboolean wide,
          GArray *samples)
{
  const TessSample any = { .tile = tile, .wide = wide };
  TessPrompts present
      = job->regions
            ? tess_regions_present (job->regions, plan_of (job, &any), tile)
            : TESS_PROMPT (0);
  guint first = samples->len;

  for (gint n = 0; n < TESS_MAX_PROMPTS; n++)
    {
      TessSample sample = {
        .tile = tile,
        .wide = wide,
        .alone = tess_denoise_is_bootstrapped (job, step) ? n : 0,
        .prompts = TESS_PROMPT (n),
      };

      if (!(present & TESS_PROMPT (n)))
        continue;
      sample.positive = TRUE;
      sample.row = wide ? job->positive[n] : row_of (job, n, tile);
      sample.ground = job->grounds && !wide ? job->grounds[tile] : 0;
      add_sample (samples, first, &sample);
      if (job->negative == NULL)
        continue;
      sample.positive = FALSE;
      sample.row = job->negative[n];
      sample.ground = 0;
      add_sample (samples, first, &sample);
    }
}

GArray *
tess_denoise_samples (const TessDenoise *job, gint step)
{
  GArray *samples = g_array_new (FALSE, FALSE, sizeof (TessSample));
  const TessTilePlan *plan = job->method->plan;
  gint n_shapes = plan->sizes_x || plan->sizes_y ? 4 : 1;

  for (gint shape = 0; shape < n_shapes; shape++)
    for (gint i = 0; i < plan->n_tiles; i++)
      {
        gint at = job->order ? job->order[i] : i;
        TessTile tile = tess_tile_plan_tile (plan, at);

        if (job->grounds != NULL && job->grounds[at] < 0)
          continue;
        if (n_shapes == 1
            || shape == 2 * (tile.h < plan->tile_h) + (tile.w < plan->tile_w))
          add_tile (job, step, at, FALSE, samples);
      }
  for (gint i = 0; job->method->wide && i < job->method->wide->n_tiles; i++)
    add_tile (job, step, i, TRUE, samples);
  return samples;
}

gint
tess_denoise_n_together (const TessDenoise *job,
                         const GArray *samples,
                         gint first)
{
  gint n = MIN (MAX (job->batch, 1), (gint) samples->len - first);
  TessTile shape = tile_of (job, &g_array_index (samples, TessSample, first));

  for (gint i = 1; i < n; i++)
    {
      TessTile tile
          = tile_of (job, &g_array_index (samples, TessSample, first + i));

      if (tile.w != shape.w || tile.h != shape.h)
        return i;
    }
  return n;
}

static gint
end_of (const TessDenoise *job)
{
  gint n_steps = tess_sampler_n_steps (job->sampler);

  return job->end_step > 0 ? MIN (job->end_step, n_steps) : n_steps;
}

gboolean
tess_denoise_leaves_out (const TessDenoise *job)
{
  for (gint i = 0; job->grounds && i < job->method->plan->n_tiles; i++)
    if (job->grounds[i] < 0)
      return TRUE;
  return FALSE;
}

/* Where cell @x, @y of a tile lies on a canvas that may meet itself. */
static gsize
cell_of (const TessTilePlan *plan, TessTile tile, gint x, gint y)
{
  return (gsize) tess_tile_plan_row (plan, tile, y) * plan->width
         + tess_tile_plan_column (plan, tile, x);
}

/* In doubles: at the corner of a lone tile next to nothing is left. */
void
tess_denoise_cover (const TessDenoise *job, gfloat *dst)
{
  const TessTilePlan *plan = job->method->plan;
  const TessBlend *blend = job->method->blend;
  gsize n = (gsize) plan->width * plan->height;
  g_autofree gdouble *sum = g_new0 (gdouble, n);

  for (gint i = 0; i < plan->n_tiles; i++)
    {
      TessTile tile = tess_tile_plan_tile (plan, i);
      const gdouble *of_x = blend->x + (gsize) (i % plan->n_x) * plan->tile_w;
      const gdouble *of_y = blend->y + (gsize) (i / plan->n_x) * plan->tile_h;

      for (gint y = 0; y < tile.h; y++)
        for (gint x = 0; x < tile.w; x++)
          if (job->grounds == NULL || job->grounds[i] >= 0)
            sum[cell_of (plan, tile, x, y)] += of_y[y] * of_x[x];
    }
  for (gsize i = 0; i < n; i++)
    dst[i] = (gfloat) sum[i];
}

void
tess_denoise_share (const TessDenoise *job,
                    const gfloat *cover,
                    const TessSample *sample,
                    gfloat *dst)
{
  const TessTilePlan *plan = plan_of (job, sample);
  TessTile tile = tess_tile_plan_tile (plan, sample->tile);

  if (job->regions)
    tess_regions_share (job->regions, plan, sample->tile, sample->prompts, dst);
  for (gint y = 0; y < tile.h; y++)
    for (gint x = 0; x < tile.w; x++, dst++)
      {
        gfloat part = cover ? cover[cell_of (plan, tile, x, y)] : 1;

        *dst = part > 0.0f ? (job->regions ? *dst : 1.0f) / part : 0.0f;
      }
}

static void
begin_step (const TessDenoise *job, gint step)
{
  if (job->method->begin_step)
    job->method->begin_step (job->method, step,
                             tess_sampler_n_steps (job->sampler));
}

gint64
tess_denoise_n_samples (const TessDenoise *job)
{
  gint n_steps = end_of (job);
  gint64 n = 0, n_last = 0;

  for (gint step = job->first_step; step < n_steps; step++)
    {
      /* Tiles that stay ask the same, but for the end of bootstrapping. */
      if (job->method->begin_step || step == job->first_step
          || (job->regions && step == job->regions->n_steps))
        {
          g_autoptr (GArray) samples = NULL;

          begin_step (job, step);
          samples = tess_denoise_samples (job, step);
          n_last = samples->len;
        }
      n += n_last;
    }
  return n;
}

gdouble
tess_denoise_cells (const TessDenoise *job)
{
  gint n_steps = tess_sampler_n_steps (job->sampler);
  gdouble sum = 0.0;

  for (gint step = 0; step < n_steps; step++)
    {
      begin_step (job, step);
      sum += tess_tile_plan_cost (job->method->plan);
      if (job->method->wide)
        sum += tess_tile_plan_cost (job->method->wide);
    }
  return sum / n_steps;
}

static gsize
n_canvas_bytes (const TessDenoise *job)
{
  const TessTilePlan *plan = job->method->plan;

  return sizeof (gfloat) * job->channels * plan->width * plan->height;
}

/* Cells of the largest tile, channels included. */
static gsize
n_tile_cells (const TessDenoise *job)
{
  const TessTilePlan *plan = job->method->plan, *wide = job->method->wide;
  gsize n = (gsize) plan->tile_w * plan->tile_h;

  return job->channels
         * (wide ? MAX (n, (gsize) wide->tile_w * wide->tile_h) : n);
}

gsize
tess_denoise_n_bytes (const TessDenoise *job)
{
  const TessTilePlan *plan = job->method->plan, *wide = job->method->wide;
  gsize canvas = n_canvas_bytes (job);
  gsize tile = sizeof (gfloat) * n_tile_cells (job);
  gint n_tiles = plan->n_tiles + (wide ? wide->n_tiles : 0);
  gsize n_sums = 1 + (job->negative != NULL)
                 + (job->regions && job->regions->n_steps > 0);

  /* output, extra, up to three of the sampler's history; sums are 64 bits.
   * Beside a network elsewhere: what is held here and what comes back. */
  return (5 + 2 * n_sums + 2 * (wide != NULL)
          + (job->backend ? 2 * TESS_SAMPLER_MAX_KEPT + 3 : 0))
             * canvas
         + ((2 + (job->structure != NULL)) * MAX (job->batch, 1) + 3) * tile
         + (gsize) n_tiles * 4 * sizeof (TessSample);
}

gboolean
tess_denoise_no_number (gint step, GError **error)
{
  g_set_error (error, TESS_ERROR, TESS_ERROR_MODEL,
               _ ("the model's answer at step %d is not a number; try float32 "
                  "storage, less guidance or another model"),
               step + 1);
  return FALSE;
}

void
tess_denoise_tell (const TessDenoise *job,
                   gint step,
                   gint first,
                   gint n,
                   const GArray *samples)
{
  const TessDenoiseProgress progress = {
    .step = step,
    .n_steps = tess_sampler_n_steps (job->sampler),
    .n_new = n,
    .n_done = first + n,
    .n_samples = samples->len,
  };

  if (job->progress)
    job->progress (&progress, job->data);
}

static gboolean
loop_init (Loop *loop, const TessDenoise *job, TessTensor *x, GError **error)
{
  const TessTilePlan *plan = job->method->plan;
  gsize n_batch = MAX (job->batch, 1);
  gint64 dims[] = { 1, job->channels, plan->height, plan->width };
  gboolean apart = job->regions && job->regions->n_steps > 0;

  loop->job = job;
  loop->x = tess_tensor_f32 (x);
  loop->n_canvas = n_canvas_bytes (job) / sizeof (gfloat);
  loop->n_tile = n_tile_cells (job);
  g_return_val_if_fail (tess_tensor_n_elements (x) == loop->n_canvas, FALSE);

  loop->output = tess_tensor_new (TESS_F32, 4, dims, error);
  loop->extra
      = loop->output ? tess_tensor_new (TESS_F32, 4, dims, error) : NULL;
  loop->sum = loop->extra ? tess_tensor_new (TESS_I64, 4, dims, error) : NULL;
  if (loop->sum == NULL)
    return FALSE;
  if (job->negative)
    {
      loop->sum_negative = tess_tensor_new (TESS_I64, 4, dims, error);
      if (loop->sum_negative == NULL)
        return FALSE;
    }
  if (apart)
    {
      loop->sum_x = tess_tensor_new (TESS_I64, 4, dims, error);
      if (loop->sum_x == NULL)
        return FALSE;
    }
  loop->src = g_new (gfloat, n_batch * loop->n_tile);
  loop->dst = g_new (gfloat, n_batch * loop->n_tile);
  if (job->structure)
    loop->structure = g_new (gfloat, n_batch * loop->n_tile);
  loop->rows = g_new (gint32, n_batch);
  loop->grounds = g_new (gint32, n_batch);
  if (tess_denoise_leaves_out (job))
    {
      loop->cover = g_new (gfloat, (gsize) plan->width * plan->height);
      tess_denoise_cover (job, loop->cover);
    }
  if (job->method->wide)
    loop->seen = g_new (gfloat, loop->n_canvas);
  loop->share = g_new (gfloat, loop->n_tile / job->channels);
  loop->background = g_new (gfloat, loop->n_tile);
  loop->noise = g_new (gfloat, loop->n_tile);
  return TRUE;
}

static void
loop_finish (Loop *loop)
{
  g_clear_pointer (&loop->output, tess_tensor_unref);
  g_clear_pointer (&loop->extra, tess_tensor_unref);
  g_clear_pointer (&loop->sum, tess_tensor_unref);
  g_clear_pointer (&loop->sum_negative, tess_tensor_unref);
  g_clear_pointer (&loop->sum_x, tess_tensor_unref);
  g_clear_pointer (&loop->src, g_free);
  g_clear_pointer (&loop->structure, g_free);
  g_clear_pointer (&loop->dst, g_free);
  g_clear_pointer (&loop->rows, g_free);
  g_clear_pointer (&loop->grounds, g_free);
  g_clear_pointer (&loop->cover, g_free);
  g_clear_pointer (&loop->share, g_free);
  g_clear_pointer (&loop->seen, g_free);
  g_clear_pointer (&loop->background, g_free);
  g_clear_pointer (&loop->noise, g_free);
  g_clear_pointer (&loop->backend, tess_denoise_backend_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Loop, loop_finish)

static gboolean
loop_add (Loop *loop,
          const TessSample *sample,
          const gfloat *cells,
          TessTensor *sum,
          GError **error)
{
  const TessDenoise *job = loop->job;
  const TessTilePlan *plan = plan_of (job, sample);
  gboolean shared = job->regions != NULL || loop->cover != NULL;

  if (shared)
    tess_denoise_share (job, loop->cover, sample, loop->share);
  if (tess_blend_add (sample->wide ? job->method->wide_blend
                                   : job->method->blend,
                      plan, sample->tile, job->channels, cells,
                      shared ? loop->share : NULL, sum->data))
    return TRUE;
  return tess_denoise_no_number (loop->step, error);
}

static gsize
n_cells (const TessDenoise *job, const TessSample *sample)
{
  TessTile tile = tile_of (job, sample);

  return (gsize) job->channels * tile.w * tile.h;
}

void
tess_denoise_background (const TessDenoise *job,
                         gint step,
                         const TessSample *sample,
                         gfloat *noise,
                         gfloat *dst)
{
  const TessRegions *regions = job->regions;
  const TessTilePlan *plan = job->method->plan;
  TessTile tile = tile_of (job, sample);
  gint pick = tess_regions_pick (regions, step, sample->tile, sample->alone);
  const gfloat *src
      = regions->backgrounds
        + (gsize) pick * job->channels * plan->tile_h * plan->tile_w;

  for (gint c = 0; c < job->channels; c++)
    for (gint y = 0; y < tile.h; y++)
      memcpy (dst + ((gsize) c * tile.h + y) * tile.w,
              src + ((gsize) c * plan->tile_h + y) * plan->tile_w,
              tile.w * sizeof *src);
  tess_blend_gather (plan_of (job, sample), sample->tile, job->channels,
                     regions->noise, noise);
  tess_sampler_add_noise (job->sampler, step, dst, noise, dst,
                          n_cells (job, sample));
}

/* What the network is shown, in its own scale. */
static gboolean
loop_gather (Loop *loop, const TessSample *sample, gfloat *src, GError **error)
{
  const TessDenoise *job = loop->job;
  const TessRegions *regions = job->regions;
  const TessTilePlan *plan = plan_of (job, sample);
  gsize n = n_cells (job, sample);

  tess_blend_gather (plan, sample->tile, job->channels,
                     sample->wide ? loop->seen : loop->x, src);
  if (sample->alone > 0)
    {
      tess_denoise_background (job, loop->step, sample, loop->noise,
                               loop->background);
      tess_regions_mask (regions, plan, sample->tile, sample->alone,
                         job->channels, loop->background, src);
    }
  if (tess_denoise_is_bootstrapped (job, loop->step) && sample->positive
      && !loop_add (loop, sample, src, loop->sum_x, error))
    return FALSE;
  tess_sampler_scale_input (job->sampler, loop->step, src, src, n);
  return TRUE;
}

static gboolean
loop_call (Loop *loop,
           const TessSample *samples,
           gint n,
           GCancellable *cancellable,
           GError **error)
{
  const TessDenoise *job = loop->job;
  TessTile shape = tile_of (job, &samples[0]);
  gsize n_tile = n_cells (job, &samples[0]);
  const TessUnetCall call = {
    .n = n,
    .h = shape.h,
    .w = shape.w,
    .step = loop->step,
    .src = loop->src,
    .rows = loop->rows,
    .dst = loop->dst,
    .grounds = loop->grounds,
    .structure = loop->structure,
  };

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  for (gint i = 0; i < n; i++)
    {
      loop->rows[i] = samples[i].row;
      loop->grounds[i] = samples[i].ground;
      if (!loop_gather (loop, &samples[i], loop->src + i * n_tile, error))
        return FALSE;
      if (job->structure)
        tess_blend_gather (plan_of (job, &samples[i]), samples[i].tile,
                           job->channels, job->structure,
                           loop->structure + i * n_tile);
    }
  if (!job->denoiser (&call, job->denoiser_data, cancellable, error))
    return FALSE;
  for (gint i = 0; i < n; i++)
    if (!loop_add (loop, &samples[i], loop->dst + i * n_tile,
                   samples[i].positive ? loop->sum : loop->sum_negative, error))
      return FALSE;
  return TRUE;
}

/* dst = sum; where no tile lies, dst = held, which may be dst. */
static void
loop_read (Loop *loop, const TessTensor *sum, const gfloat *held, gfloat *dst)
{
  const TessTilePlan *plan = loop->job->method->plan;
  const TessBlend *blend = loop->job->method->blend;
  const gint64 *src = sum->data;

  if (blend->gap_x == 0 && blend->gap_y == 0)
    {
      tess_blend_read (src, dst, loop->n_canvas);
      return;
    }
  for (gint row = 0; row < loop->job->channels * plan->height; row++)
    {
      gsize at = (gsize) row * plan->width;
      gint gap = row % plan->height < blend->gap_y ? plan->width : blend->gap_x;

      memmove (dst + at, held + at, gap * sizeof *dst);
      tess_blend_read (src + at + gap, dst + at + gap, plan->width - gap);
    }
}

/* The kept part of the picture, as noisy as the canvas after this step. */
static void
loop_keep (Loop *loop)
{
  const TessDenoise *job = loop->job;
  const TessKeep *keep = job->keep;
  const TessTilePlan *plan = job->method->plan;
  gsize plane = (gsize) plan->width * plan->height;
  gfloat *kept = tess_tensor_f32 (loop->extra);

  if (loop->step + 1 < tess_sampler_n_steps (job->sampler))
    tess_sampler_add_noise (job->sampler, loop->step + 1, keep->x0, keep->noise,
                            kept, loop->n_canvas);
  else
    memcpy (kept, keep->x0, loop->n_canvas * sizeof *kept);
  for (gsize i = 0; i < loop->n_canvas; i++)
    loop->x[i] = kept[i] + keep->painted[i % plane] * (loop->x[i] - kept[i]);
}

/* The picture that the method follows, at the beginning of the step. */
static void
loop_follow (Loop *loop)
{
  const TessDenoise *job = loop->job;
  gfloat share = (gfloat) job->method->following;
  gfloat *noised = tess_tensor_f32 (loop->extra);

  tess_sampler_add_noise (job->sampler, loop->step, job->keep->x0,
                          job->keep->noise, noised, loop->n_canvas);
  for (gsize i = 0; i < loop->n_canvas; i++)
    loop->x[i] += share * (noised[i] - loop->x[i]);
}

/* What this step's sampler adds, given or drawn; NULL: nothing. */
static const gfloat *
step_noise (Loop *loop)
{
  const TessDenoise *job = loop->job;
  gfloat *drawn = tess_tensor_f32 (loop->extra);

  if (!tess_sampler_wants_noise (job->sampler, loop->step))
    return NULL;
  if (job->noise != NULL)
    return job->noise + loop->step * loop->n_canvas;
  tess_random_normal (job->random, drawn, loop->n_canvas);
  return drawn;
}

static void
loop_advance (Loop *loop)
{
  const TessDenoise *job = loop->job;
  gfloat *output = tess_tensor_f32 (loop->output);

  loop_read (loop, loop->sum, output, output);
  if (job->negative)
    {
      gfloat *negative = tess_tensor_f32 (loop->extra);

      loop_read (loop, loop->sum_negative, output, negative);
      tess_guide (output, negative, loop->n_canvas, job->guidance,
                  job->guidance_rescale);
    }
  if (tess_denoise_is_bootstrapped (job, loop->step))
    loop_read (loop, loop->sum_x, loop->x, loop->x);
  if (job->look && (!job->looks || job->looks (loop->step, job->data)))
    job->look (loop->step, loop->x, output, job->data);
  tess_sampler_step (job->sampler, loop->step, output, step_noise (loop),
                     loop->x, loop->n_canvas);
  if (job->keep && job->keep->painted)
    loop_keep (loop);
}

/* The step in this program's memory; by whatever the network runs on. */
static gboolean
step_here (Loop *loop,
           const GArray *samples,
           GCancellable *cancellable,
           GError **error)
{
  const TessDenoise *job = loop->job;

  memset (loop->sum->data, 0, loop->sum->n_bytes);
  if (loop->sum_negative)
    memset (loop->sum_negative->data, 0, loop->sum_negative->n_bytes);
  if (tess_denoise_is_bootstrapped (job, loop->step))
    memset (loop->sum_x->data, 0, loop->sum_x->n_bytes);
  for (gint i = 0, n; i < (gint) samples->len; i += n)
    {
      n = tess_denoise_n_together (job, samples, i);
      if (!loop_call (loop, &g_array_index (samples, TessSample, i), n,
                      cancellable, error))
        return FALSE;
      tess_denoise_tell (job, loop->step, i, n, samples);
    }
  loop_advance (loop);
  return TRUE;
}

/* The step beside the network. Where its backend fails, the step is taken
 * again here, with the same noise: the network's own caller knows what to do
 * about a backend that fails. */
static gboolean
step_there (Loop *loop,
            const GArray *samples,
            GCancellable *cancellable,
            GError **error)
{
  const TessDenoise *job = loop->job;
  TessRandom random = { 0 };
  const gfloat *noise;
  GError *local = NULL;

  if (job->random != NULL)
    random = *job->random;
  noise = step_noise (loop);
  if (tess_denoise_backend_step (loop->backend, loop->step, samples, noise,
                                 loop->x, tess_tensor_f32 (loop->output),
                                 cancellable, &local))
    return TRUE;
  if (!g_error_matches (local, TESS_ERROR, TESS_ERROR_DEVICE)
      && !g_error_matches (local, TESS_ERROR, TESS_ERROR_MEMORY))
    {
      g_propagate_error (error, local);
      return FALSE;
    }
  g_debug ("the canvas leaves the backend: %s", local->message);
  g_error_free (local);
  if (job->random != NULL)
    *job->random = random;
  g_clear_pointer (&loop->backend, tess_denoise_backend_free);
  return step_here (loop, samples, cancellable, error);
}

static gboolean
loop_step (Loop *loop, GCancellable *cancellable, GError **error)
{
  g_autoptr (GArray) samples = NULL;

  begin_step (loop->job, loop->step);
  if (loop->job->method->follows)
    loop_follow (loop);
  if (loop->job->method->wide)
    loop->job->method->see (loop->job->method, loop->job->channels, loop->x,
                            loop->seen);
  samples = tess_denoise_samples (loop->job, loop->step);
  /* Tiles that move may ask for more than the backend takes. */
  if (loop->backend != NULL && !tess_denoise_backend_takes (loop->job))
    g_clear_pointer (&loop->backend, tess_denoise_backend_free);
  return loop->backend != NULL ? step_there (loop, samples, cancellable, error)
                               : step_here (loop, samples, cancellable, error);
}

static gboolean
loop_tell (Loop *loop, GError **error)
{
  const TessDenoise *job = loop->job;
  const TessDenoiseState state = {
    .step = loop->step + 1,
    .x = loop->x,
    .output = job->method->holds ? tess_tensor_f32 (loop->output) : NULL,
  };

  return job->stepped == NULL || job->stepped (&state, job->data, error);
}

gboolean
tess_denoise_run (const TessDenoise *job,
                  TessTensor *x,
                  GCancellable *cancellable,
                  GError **error)
{
  g_auto (Loop) loop = { 0 };

  if (!loop_init (&loop, job, x, error))
    return FALSE;
  loop.step = job->first_step;
  if (job->last_said)
    memcpy (loop.output->data, job->last_said, loop.output->n_bytes);
  if (tess_denoise_backend_takes (job))
    {
      g_autoptr (GError) local = NULL;

      loop.backend = tess_denoise_backend_new (job, loop.x, &local);
      if (loop.backend == NULL)
        g_debug ("the canvas stays here: %s", local->message);
    }
  for (; loop.step < end_of (job); loop.step++)
    if (!loop_step (&loop, cancellable, error) || !loop_tell (&loop, error))
      return FALSE;
  if (job->method->end && loop.step == tess_sampler_n_steps (job->sampler))
    job->method->end (job->method, job->channels, job->keep, loop.x);
  return TRUE;
}
