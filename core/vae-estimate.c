/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/vae-estimate.c: statistics of group norms over a whole canvas. */
#include "core/vae-estimate.h"
#include "core/ops/ops.h"

#include <math.h>

#define STRIP_ROWS 16 /* of the canvas read at a time */

void
tess_vae_stats_add (TessVaeStats *stats, TessBuffer *tile, gdouble n_cells)
{
  g_autofree gfloat *values = g_new (gfloat, 2 * stats->n_groups);

  if (stats->sums == NULL)
    stats->sums = g_new0 (gdouble, 2 * stats->n_groups);
  tess_buffer_read (tile, 0, 1, values);
  for (gint g = 0; g < stats->n_groups; g++)
    {
      gdouble mean = values[2 * g], variance = values[2 * g + 1];

      stats->sums[2 * g] += n_cells * mean;
      stats->sums[2 * g + 1] += n_cells * (variance + mean * mean);
    }
  stats->n_cells += n_cells;
}

void
tess_vae_stats_write (const TessVaeStats *stats, TessBuffer *dst)
{
  g_autofree gfloat *values = g_new (gfloat, 2 * stats->n_groups);

  g_return_if_fail (stats->n_cells > 0.0);

  for (gint g = 0; g < stats->n_groups; g++)
    {
      gdouble mean = stats->sums[2 * g] / stats->n_cells;
      gdouble square = stats->sums[2 * g + 1] / stats->n_cells;

      values[2 * g] = (gfloat) mean;
      values[2 * g + 1] = (gfloat) MAX (square - mean * mean, 0.0);
    }
  tess_buffer_write (dst, 0, 1, values);
}

void
tess_vae_stats_clear (TessVaeStats *stats)
{
  g_clear_pointer (&stats->sums, g_free);
}

/* A channel of the canvas and of what was picked from it. */
typedef struct
{
  gdouble n, sum, squares, min, max;
} Range;

static void
range_add (Range *range, const gfloat *x, gsize n)
{
  if (n > 0 && range->n == 0.0)
    range->min = range->max = x[0];
  for (gsize i = 0; i < n; i++)
    {
      range->sum += x[i];
      range->squares += (gdouble) x[i] * x[i];
      range->min = MIN (range->min, x[i]);
      range->max = MAX (range->max, x[i]);
    }
  range->n += n;
}

static gdouble
range_mean (const Range *range)
{
  return range->sum / range->n;
}

static gdouble
range_deviation (const Range *range)
{
  gdouble mean = range_mean (range);

  return sqrt (MAX (range->squares / range->n - mean * mean, 0.0));
}

/* Nearest cell of @n for cell @i of @n_small. */
static gint
pick (gint i, gint n_small, gint n)
{
  return (gint) (((gint64) 2 * i + 1) * n / (2 * (gint64) n_small));
}

static void
match (const Range *canvas, gfloat *small, gsize n)
{
  Range range = { 0 };
  gdouble deviation, scale, mean;

  range_add (&range, small, n);
  deviation = range_deviation (&range);
  scale = deviation > 1e-12 ? range_deviation (canvas) / deviation : 1.0;
  mean = range_mean (&range);
  for (gsize i = 0; i < n; i++)
    {
      gdouble x = (small[i] - mean) * scale + range_mean (canvas);

      small[i] = (gfloat) CLAMP (x, canvas->min, canvas->max);
    }
}

/* The shrunken canvas in planes, read strip by strip. */
static gfloat *
shrink (const TessVaeNet *net,
        const TessVaePlan *plan,
        const TessVaeEnds *ends,
        GError **error)
{
  const TessVaeUnit *unit = &net->units[0];
  gint h = plan->canvas.h * unit->scale, w = plan->canvas.w * unit->scale;
  gint sh = plan->small_h * unit->scale, sw = plan->small_w * unit->scale;
  gint n_channels = unit->src_channels, next = 0;
  g_autofree gfloat *strip
      = g_new (gfloat, (gsize) STRIP_ROWS * w * n_channels);
  g_autofree gfloat *small = g_new (gfloat, (gsize) sh * sw * n_channels);
  g_autofree Range *ranges = g_new0 (Range, n_channels);

  for (gint y = 0; y < h; y += STRIP_ROWS)
    {
      TessVaeRect rect = { y, MIN (y + STRIP_ROWS, h), 0, w };
      gint rows = rect.y1 - rect.y0;

      if (!ends->read (&rect, strip, ends->data, error))
        return NULL;
      for (gint c = 0; c < n_channels; c++)
        range_add (&ranges[c], strip + (gsize) c * rows * w, (gsize) rows * w);
      for (; next < sh && pick (next, sh, h) < rect.y1; next++)
        for (gint c = 0; c < n_channels; c++)
          for (gint x = 0; x < sw; x++)
            small[((gsize) c * sh + next) * sw + x]
                = strip[((gsize) c * rows + pick (next, sh, h) - y) * w
                        + pick (x, sw, w)];
    }
  for (gint c = 0; c < n_channels; c++)
    match (&ranges[c], small + (gsize) c * sh * sw, (gsize) sh * sw);
  return g_steal_pointer (&small);
}

/* The whole network over the shrunken canvas; only the norms are kept. */
static TessBuffer *
record_small (const TessVaeNet *net,
              TessBackend *backend,
              const TessVaePlan *plan,
              TessBuffer *const *stats,
              TessProgram *program,
              GError **error)
{
  gint h = plan->small_h, w = plan->small_w;
  const TessVaeUnit *first = &net->units[0];
  TessShape shape
      = { 1, h * first->scale, w * first->scale, first->src_channels };
  TessVaeSpan span = { .last = net->n_units,
                       .canvas = { h, w, FALSE, FALSE },
                       .tile = { 0, h, 0, w },
                       .keys = TESS_VAE_KEYS_INLINE };
  TessVaeBinding binding = { .taps = stats };
  TessVaeRect rect;
  TessBuffer *src = tess_buffer_new (backend, TESS_VAE_STORAGE, &shape, error);

  if (src == NULL)
    return NULL;
  binding.src = tess_input (program, src);
  tess_vae_net_record (net, program, &span, &binding, &rect, NULL);
  return src;
}

gboolean
tess_vae_estimate (const TessVaeNet *net,
                   TessBackend *backend,
                   const TessVaePlan *plan,
                   const TessVaeEnds *ends,
                   TessBuffer *const *stats,
                   GCancellable *cancellable,
                   GError **error)
{
  g_autoptr (TessProgram) program
      = tess_program_new ("vae statistics", TESS_VAE_STORAGE);
  g_autoptr (TessExec) exec = NULL;
  g_autoptr (TessBuffer) src = NULL;
  g_autofree gfloat *small = shrink (net, plan, ends, error);

  if (small == NULL)
    return FALSE;
  src = record_small (net, backend, plan, stats, program, error);
  if (src == NULL)
    return FALSE;
  exec = tess_backend_compile (backend, program, error);
  if (exec == NULL)
    return FALSE;
  tess_buffer_write_nchw (src, 0, 1, small);
  return tess_exec_run (exec, cancellable, error);
}

gboolean
tess_vae_estimate_cost (const TessVaeNet *net,
                        TessBackend *backend,
                        const TessVaePlan *plan,
                        gsize *n_bytes,
                        gsize *weights,
                        GError **error)
{
  g_autoptr (TessProgram) program
      = tess_program_new ("vae statistics", TESS_VAE_STORAGE);
  g_autoptr (TessBuffer) src
      = record_small (net, backend, plan, NULL, program, error);
  TessPlan needed;

  if (src == NULL || !tess_backend_plan (backend, program, &needed, error))
    return FALSE;
  *weights = MAX (*weights, needed.weights);
  if (plan->n_estimated > 0)
    {
      const TessVaeUnit *first = &net->units[0];
      gsize small
          = (gsize) plan->small_h * first->scale * plan->small_w * first->scale;
      gsize strip = (gsize) STRIP_ROWS * plan->canvas.w * first->scale;

      *n_bytes = MAX (*n_bytes, needed.arena
                                    + (2 * small + strip) * first->src_channels
                                          * sizeof (gfloat));
    }
  return TRUE;
}
