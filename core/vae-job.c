/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/vae-job.c: one canvas through encoder or decoder, pass by pass.
 *
 * Tiles that lie alike to the edges share one program. They are done one kind
 * after another, so that one program and its buffers are there at a time. */
#include "core/vae-job.h"
#include "core/error.h"
#include "core/ops/ops.h"
#include "core/vae-estimate.h"
#include "core/vae-fusion.h"

#include <string.h>

typedef struct
{
  const TessVaeNet *net;
  TessBackend *backend;
  const TessVaePlan *plan;
  const TessVaeEnds *ends;
  const TessVaeSettings *settings;
  TessBuffer **stats;     /* per norm, of the whole canvas; NULL: plan->whole */
  TessVaeMap *checkpoint; /* NULL: map 0 */
  TessVaeMap *next;       /* being stored by this pass */
  TessBuffer *k, *v;      /* [1, 1, cells, c] of the whole canvas */
  gdouble n_flops_done;
  gint gather; /* of the encoder: statistics up to this map alone; 0: all */
  TessVaeFactors factors;   /* of a decoder that looks at a picture */
  TessBuffer **pixel_stats; /* of its encoder, as @stats; NULL: plan->whole */
} Job;

/* One kind of tile of one pass. */
typedef struct
{
  TessVaeRect src_rect; /* of map @first, for the tile that it was made for */
  gint n_src, n_dst;    /* elements */
  TessBuffer *src;
  TessBuffer *pixels; /* of the picture looked at, NULL: not wanted */
  gint n_pixels;
  TessBuffer *dst;   /* the tile's own part, NULL: not wanted */
  TessBuffer *stats; /* its statistics, NULL: not wanted */
  TessBuffer *k, *v; /* its keys */
  TessProgram *program;
  TessExec *exec;
} Kind;

static void
kind_free (Kind *kind)
{
  tess_exec_free (kind->exec);
  tess_program_unref (kind->program);
  tess_buffer_unref (kind->src);
  tess_buffer_unref (kind->pixels);
  tess_buffer_unref (kind->dst);
  tess_buffer_unref (kind->stats);
  tess_buffer_unref (kind->k);
  tess_buffer_unref (kind->v);
  g_free (kind);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Kind, kind_free)

static gint
rect_h (const TessVaeRect *rect)
{
  return rect->y1 - rect->y0;
}

static gint
rect_w (const TessVaeRect *rect)
{
  return rect->x1 - rect->x0;
}

static TessBuffer *
new_buffer (Job *job,
            TessType type,
            const TessVaeRect *rect,
            gint channels,
            GError **error)
{
  TessShape shape = { 1, rect_h (rect), rect_w (rect), channels };

  return tess_buffer_new (job->backend, type, &shape, error);
}

/* Channels of what a pass ends at. */
static gint
dst_channels (const TessVaeNet *net, const TessVaePass *pass)
{
  const TessVaeUnit *unit = &net->units[pass->last];

  return pass->middle ? unit->channels : unit->src_channels;
}

/* Statistics over, and a copy of, the tile's own part of state @x. */
static gboolean
record_end (Job *job,
            const TessVaePass *pass,
            const TessVaeSpan *span,
            const TessVaeRect *rect,
            TessValue *x,
            TessValue *normed,
            Kind *kind,
            GError **error)
{
  TessProgram *program = kind->program;
  gint n_groups = job->net->config->norm_groups;
  gint channels = dst_channels (job->net, pass);
  TessVaeRect own = tess_vae_net_owned (job->net, pass->last, &span->tile);
  TessType type
      = pass->kind == TESS_VAE_PASS_FINAL ? TESS_F32 : TESS_VAE_STORAGE;

  if (pass->norm >= 0)
    {
      TessGroupStats over = { .src = normed,
                              .n_groups = n_groups,
                              .y0 = own.y0 - rect->y0,
                              .y1 = own.y1 - rect->y0,
                              .x0 = own.x0 - rect->x0,
                              .x1 = own.x1 - rect->x0 };

      kind->stats = tess_buffer_new (job->backend, TESS_F32,
                                     &(TessShape) { 1, 1, n_groups, 2 }, error);
      if (kind->stats == NULL)
        return FALSE;
      tess_store (program, tess_group_stats (program, &over), kind->stats);
    }
  if ((!pass->store && pass->kind != TESS_VAE_PASS_FINAL) || job->gather > 0)
    return TRUE;

  kind->dst = new_buffer (job, type, &own, channels, error);
  if (kind->dst == NULL)
    return FALSE;
  kind->n_dst = rect_h (&own) * rect_w (&own) * channels;
  if (!tess_vae_rect_equal (&own, rect))
    x = tess_crop (program, x, own.y0 - rect->y0, own.x0 - rect->x0,
                   rect_h (&own), rect_w (&own));
  tess_store (program, x, kind->dst);
  return TRUE;
}

static gboolean
record_keys (Job *job,
             const TessVaePass *pass,
             const TessVaeRect *own,
             Kind *kind,
             GError **error)
{
  const TessVaeUnit *unit = &job->net->units[pass->last];
  TessType type = TESS_VAE_STORAGE;
  TessValue *k, *v;

  kind->k = new_buffer (job, type, own, unit->channels, error);
  if (kind->k == NULL)
    return FALSE;
  kind->v = new_buffer (job, type, own, unit->channels, error);
  if (kind->v == NULL)
    return FALSE;
  tess_vae_net_record_keys (job->net, kind->program, pass->last,
                            tess_input (kind->program, kind->src),
                            job->stats[unit->norm], &k, &v);
  tess_store (kind->program, k, kind->k);
  tess_store (kind->program, v, kind->v);
  return TRUE;
}

/* The part of the picture that a tile's fusions look at; FALSE: none do. */
static gboolean
picture_rect (const TessVaeNet *net, const TessVaeSpan *span, TessVaeRect *rect)
{
  g_autofree TessVaeRect *needs = NULL;
  g_autofree TessVaeRect *of = NULL;

  if (net->looks == NULL)
    return FALSE;
  needs = g_new (TessVaeRect, net->n_units + 1);
  of = g_new (TessVaeRect, net->looks->n_units + 1);
  tess_vae_net_needs (net, span, needs);
  if (tess_vae_fusion_needs (net, span, needs, of) == 0)
    return FALSE;
  *rect = of[0];
  return TRUE;
}

static gboolean
make_pixels (Job *job,
             const TessVaeSpan *span,
             Kind *kind,
             TessVaeBinding *binding,
             GError **error)
{
  TessVaeRect rect;

  if (!picture_rect (job->net, span, &rect))
    return TRUE;
  kind->n_pixels = rect_h (&rect) * rect_w (&rect)
                   * job->net->looks->units[0].src_channels;
  kind->pixels = new_buffer (job, TESS_VAE_STORAGE, &rect,
                             job->net->looks->units[0].src_channels, error);
  if (kind->pixels == NULL)
    return FALSE;
  binding->pixels = tess_input (kind->program, kind->pixels);
  return TRUE;
}

/* Buffers and program of the kind that @tile is of. */
static Kind *
record_kind (Job *job, const TessVaePass *pass, gint tile, GError **error)
{
  TessVaeSpan span = tess_vae_plan_span (job->plan, pass, tile);
  const TessVaeUnit *first = &job->net->units[pass->first];
  g_autofree TessVaeRect *needs = g_new (TessVaeRect, job->net->n_units + 1);
  g_autoptr (Kind) kind = g_new0 (Kind, 1);
  TessType storage = TESS_VAE_STORAGE;
  gboolean tapped = job->gather > 0 && job->plan->whole;
  TessVaeBinding binding = { .stats = tapped ? NULL : job->stats,
                             .taps = tapped ? job->stats : NULL,
                             .k = job->k,
                             .v = job->v,
                             .fusion = &job->factors,
                             .pixel_stats = job->pixel_stats };
  TessVaeRect rect;
  gboolean ok;

  tess_vae_net_needs (job->net, &span, needs);
  kind->src_rect = needs[pass->first];
  kind->n_src = rect_h (&kind->src_rect) * rect_w (&kind->src_rect)
                * first->src_channels;
  kind->program = tess_program_new (
      job->net->encoder ? "vae encoder" : "vae decoder", storage);
  kind->src
      = new_buffer (job, storage, &kind->src_rect, first->src_channels, error);
  if (kind->src == NULL)
    return NULL;

  if (pass->kind == TESS_VAE_PASS_KEYS)
    ok = record_keys (job, pass, &kind->src_rect, kind, error);
  else
    {
      TessValue *x, *normed = NULL;

      if (!make_pixels (job, &span, kind, &binding, error))
        return NULL;
      binding.src = tess_input (kind->program, kind->src);
      x = tess_vae_net_record (job->net, kind->program, &span, &binding, &rect,
                               &normed);
      ok = record_end (job, pass, &span, &rect, x, normed, kind, error);
    }
  return ok ? g_steal_pointer (&kind) : NULL;
}

/* Whether what tiles need of maps up to @last lies alike to them. */
static gboolean
lie_alike (const TessVaeNet *net,
           const TessVaeSpan *a,
           const TessVaeSpan *b,
           gint first,
           gint last,
           const TessVaeRect *needs_a,
           const TessVaeRect *needs_b)
{
  for (gint u = first; u <= last; u++)
    {
      gint scale = net->units[u].scale;
      gint dy = (b->tile.y0 - a->tile.y0) * scale;
      gint dx = (b->tile.x0 - a->tile.x0) * scale;
      TessVaeRect moved = { needs_a[u].y0 + dy, needs_a[u].y1 + dy,
                            needs_a[u].x0 + dx, needs_a[u].x1 + dx };

      if (!tess_vae_rect_equal (&moved, &needs_b[u]))
        return FALSE;
    }
  return TRUE;
}

/* Whether two tiles may share a program: what every unit of it reads lies
 * alike to the tile. */
static gboolean
same_kind (const TessVaeNet *net,
           const TessVaeSpan *a,
           const TessVaeSpan *b,
           TessVaeRect *needs_a,
           TessVaeRect *needs_b)
{
  if (rect_h (&a->tile) != rect_h (&b->tile)
      || rect_w (&a->tile) != rect_w (&b->tile))
    return FALSE;
  tess_vae_net_needs (net, a, needs_a);
  tess_vae_net_needs (net, b, needs_b);
  if (!lie_alike (net, a, b, a->first, a->last, needs_a, needs_b))
    return FALSE;
  if (net->looks != NULL)
    {
      g_autofree TessVaeRect *of_a
          = g_new (TessVaeRect, net->looks->n_units + 1);
      g_autofree TessVaeRect *of_b
          = g_new (TessVaeRect, net->looks->n_units + 1);
      gint last = tess_vae_fusion_needs (net, a, needs_a, of_a);

      tess_vae_fusion_needs (net, b, needs_b, of_b);
      return last == 0 || lie_alike (net->looks, a, b, 0, last, of_a, of_b);
    }
  return TRUE;
}

static gint
modulo (gint a, gint n)
{
  return (a % n + n) % n;
}

/* Planes of @rect of map 0, or of the picture that is looked at; over the edge
 * from the other side. */
static gboolean
read_planes (Job *job,
             gboolean look,
             const TessVaeRect *rect,
             gfloat *planes,
             GError **error)
{
  const TessVaeNet *net = look ? job->net->looks : job->net;
  const TessVaeUnit *unit = &net->units[0];
  gboolean (*read) (const TessVaeRect *, gfloat *, gpointer, GError **)
      = look ? job->ends->look : job->ends->read;
  gint map_h = job->plan->canvas.h * unit->scale;
  gint map_w = job->plan->canvas.w * unit->scale;
  gint h = rect_h (rect), w = rect_w (rect);
  g_autofree gfloat *part = NULL;

  if (rect->y0 >= 0 && rect->y1 <= map_h && rect->x0 >= 0 && rect->x1 <= map_w)
    return read (rect, planes, job->ends->data, error);

  part = g_new (gfloat, (gsize) h * w * unit->src_channels);
  for (gint y = 0, ph; y < h; y += ph)
    {
      gint y_map = modulo (rect->y0 + y, map_h);

      ph = MIN (h - y, map_h - y_map);
      for (gint x = 0, pw; x < w; x += pw)
        {
          gint x_map = modulo (rect->x0 + x, map_w);
          TessVaeRect piece;

          pw = MIN (w - x, map_w - x_map);
          piece = (TessVaeRect) { y_map, y_map + ph, x_map, x_map + pw };
          if (!read (&piece, part, job->ends->data, error))
            return FALSE;
          for (gint c = 0; c < unit->src_channels; c++)
            for (gint i = 0; i < ph; i++)
              memcpy (planes + ((gsize) c * h + y + i) * w + x,
                      part + ((gsize) c * ph + i) * pw, pw * sizeof *part);
        }
    }
  return TRUE;
}

static gboolean
load_tile (Job *job,
           const TessVaePass *pass,
           const TessVaeRect *rect,
           const Kind *kind,
           GError **error)
{
  g_autofree gfloat *cells = g_new (gfloat, kind->n_src);

  if (pass->first == 0)
    {
      if (!read_planes (job, FALSE, rect, cells, error))
        return FALSE;
      tess_buffer_write_nchw (kind->src, 0, 1, cells);
      return TRUE;
    }
  tess_vae_map_read (job->checkpoint, rect, cells);
  tess_buffer_write (kind->src, 0, 1, cells);
  return TRUE;
}

static gboolean
load_pixels (Job *job,
             const TessVaePass *pass,
             gint tile,
             const Kind *kind,
             GError **error)
{
  TessVaeSpan span = tess_vae_plan_span (job->plan, pass, tile);
  g_autofree gfloat *pixels = NULL;
  TessVaeRect rect;

  if (kind->pixels == NULL || !picture_rect (job->net, &span, &rect))
    return TRUE;
  pixels = g_new (gfloat, kind->n_pixels);
  if (!read_planes (job, TRUE, &rect, pixels, error))
    return FALSE;
  tess_buffer_write_nchw (kind->pixels, 0, 1, pixels);
  return TRUE;
}

/* Keys and values go one tile after another: their order means nothing. */
static void
keep_keys (Job *job, const TessVaePass *pass, gint tile, const Kind *kind)
{
  gsize size = tess_type_size (TESS_VAE_STORAGE);
  gsize channels = job->net->units[pass->last].channels, before = 0, n;
  TessVaeRect own = tess_vae_plan_tile (job->plan, tile);

  for (gint i = 0; i < tile; i++)
    {
      TessVaeRect other = tess_vae_plan_tile (job->plan, i);

      before += (gsize) rect_h (&other) * rect_w (&other);
    }
  n = (gsize) rect_h (&own) * rect_w (&own);
  tess_buffer_copy (job->k, before * channels * size, kind->k, 0,
                    n * channels * size);
  tess_buffer_copy (job->v, before * channels * size, kind->v, 0,
                    n * channels * size);
}

static gboolean
save_tile (Job *job,
           const TessVaePass *pass,
           gint tile,
           const Kind *kind,
           TessVaeStats *sums,
           GError **error)
{
  TessVaeRect rect = tess_vae_plan_tile (job->plan, tile);
  TessVaeRect own = tess_vae_net_owned (job->net, pass->last, &rect);
  g_autofree gfloat *cells = NULL;

  if (pass->kind == TESS_VAE_PASS_KEYS)
    keep_keys (job, pass, tile, kind);
  if (kind->stats != NULL)
    tess_vae_stats_add (sums, kind->stats,
                        (gdouble) rect_h (&own) * rect_w (&own));
  if (kind->dst == NULL)
    return tess_backend_check (job->backend, error);

  cells = g_new (gfloat, kind->n_dst);
  if (pass->kind == TESS_VAE_PASS_FINAL)
    {
      tess_buffer_read_nchw (kind->dst, 0, 1, cells);
      return tess_backend_check (job->backend, error)
             && job->ends->write (&own, cells, job->ends->data, error);
    }
  tess_buffer_read (kind->dst, 0, 1, cells);
  tess_vae_map_write (job->next, &own, cells);
  return tess_backend_check (job->backend, error);
}

static gboolean
run_tile (Job *job,
          const TessVaePass *pass,
          gint tile,
          const Kind *kind,
          TessVaeRect rect,
          TessVaeStats *sums,
          GError **error)
{
  const TessVaeSettings *settings = job->settings;

  if (g_cancellable_set_error_if_cancelled (settings->cancellable, error)
      || !load_tile (job, pass, &rect, kind, error)
      || !load_pixels (job, pass, tile, kind, error)
      || !tess_exec_run (kind->exec, settings->cancellable, error)
      || !save_tile (job, pass, tile, kind, sums, error))
    return FALSE;

  job->n_flops_done += pass->n_flops / tess_vae_plan_n_tiles (job->plan);
  if (settings->progress != NULL)
    settings->progress (MIN (1.0, job->n_flops_done / job->plan->n_flops),
                        settings->progress_data);
  return TRUE;
}

/* All tiles that @tile stands for, from it on; they are marked as done. */
static gboolean
run_kind (Job *job,
          const TessVaePass *pass,
          gint tile,
          gboolean *done,
          TessVaeStats *sums,
          GError **error)
{
  g_autofree TessVaeRect *needs_a = g_new (TessVaeRect, job->net->n_units + 1);
  g_autofree TessVaeRect *needs_b = g_new (TessVaeRect, job->net->n_units + 1);
  TessVaeSpan span = tess_vae_plan_span (job->plan, pass, tile);
  g_autoptr (Kind) kind = record_kind (job, pass, tile, error);

  if (kind == NULL)
    return FALSE;
  kind->exec = tess_backend_compile (job->backend, kind->program, error);
  if (kind->exec == NULL)
    return FALSE;
  for (gint i = tile; i < tess_vae_plan_n_tiles (job->plan); i++)
    {
      TessVaeSpan other = tess_vae_plan_span (job->plan, pass, i);

      if (done[i] || !same_kind (job->net, &span, &other, needs_a, needs_b))
        continue;
      done[i] = TRUE;
      if (!run_tile (job, pass, i, kind, needs_b[pass->first], sums, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
make_keys (Job *job, gint unit, GError **error)
{
  TessShape shape = { 1, 1, job->plan->canvas.h * job->plan->canvas.w,
                      job->net->units[unit].channels };
  TessType type = TESS_VAE_STORAGE;

  job->k = tess_buffer_new (job->backend, type, &shape, error);
  if (job->k == NULL)
    return FALSE;
  job->v = tess_buffer_new (job->backend, type, &shape, error);
  return job->v != NULL;
}

static gboolean
make_next (Job *job, const TessVaePass *pass, GError **error)
{
  const TessVaeUnit *unit = &job->net->units[pass->last];

  job->next = tess_vae_map_new (
      TESS_VAE_STORAGE, job->plan->canvas.h * unit->scale,
      job->plan->canvas.w * unit->scale, unit->src_channels, error);
  return job->next != NULL;
}

static gboolean
run_pass (Job *job, const TessVaePass *pass, GError **error)
{
  gint n_tiles = tess_vae_plan_n_tiles (job->plan);
  g_autofree gboolean *done = g_new0 (gboolean, n_tiles);
  g_auto (TessVaeStats) sums = { .n_groups = job->net->config->norm_groups };

  if ((pass->kind == TESS_VAE_PASS_KEYS && !make_keys (job, pass->last, error))
      || (pass->store && !make_next (job, pass, error)))
    return FALSE;
  for (gint i = 0; i < n_tiles; i++)
    if (!done[i] && !run_kind (job, pass, i, done, &sums, error))
      return FALSE;

  if (pass->norm >= 0)
    tess_vae_stats_write (&sums, job->stats[pass->norm]);
  if (pass->store)
    {
      tess_vae_map_free (job->checkpoint);
      job->checkpoint = g_steal_pointer (&job->next);
      g_clear_pointer (&job->k, tess_buffer_unref);
      g_clear_pointer (&job->v, tess_buffer_unref);
    }
  return TRUE;
}

static void
free_stats (const TessVaeNet *net, TessBuffer **stats)
{
  for (gint i = 0; stats != NULL && i < net->n_norms; i++)
    tess_buffer_unref (stats[i]);
  g_free (stats);
}

/* NULL with the error. */
static TessBuffer **
new_stats (const TessVaeNet *net, TessBackend *backend, GError **error)
{
  TessShape shape = { 1, 1, net->config->norm_groups, 2 };
  TessBuffer **stats = g_new0 (TessBuffer *, net->n_norms);

  for (gint i = 0; i < net->n_norms; i++)
    {
      stats[i] = tess_buffer_new (backend, TESS_F32, &shape, error);
      if (stats[i] == NULL)
        {
          free_stats (net, stats);
          return NULL;
        }
    }
  return stats;
}

static gboolean
make_stats (Job *job, GError **error)
{
  if (job->plan->whole && job->gather == 0)
    return TRUE;
  job->stats = new_stats (job->net, job->backend, error);
  return job->stats != NULL;
}

static void
job_finish (Job *job)
{
  free_stats (job->net, job->stats);
  if (job->net->looks != NULL)
    free_stats (job->net->looks, job->pixel_stats);
  tess_buffer_unref (job->factors.fifth);
  tess_buffer_unref (job->factors.fidelity);
  tess_vae_map_free (job->checkpoint);
  tess_vae_map_free (job->next);
  tess_buffer_unref (job->k);
  tess_buffer_unref (job->v);
}

static TessBuffer *
make_factor (TessBackend *backend, gdouble number, GError **error)
{
  TessShape shape = { 1, 1, 1, 1 };
  TessBuffer *buffer = tess_buffer_new (backend, TESS_F32, &shape, error);
  gfloat value = (gfloat) number;

  if (buffer != NULL)
    tess_buffer_write (buffer, 0, 1, &value);
  return buffer;
}

/* What norms of the encoder that looks at the picture are to take: they are
 * the whole picture's, whatever part a tile sees. */
static gboolean
gather_pixel_stats (Job *job, GError **error)
{
  const TessVaeNet *encoder = job->net->looks;
  const TessVaeSettings settings
      = { .mode = TESS_VAE_EXACT,
          .wrap_x = job->plan->canvas.wrap_x,
          .wrap_y = job->plan->canvas.wrap_y,
          .cancellable = job->settings->cancellable };
  const TessVaeLimits limits
      = { .n_bytes_value = tess_backend_n_bytes_value (job->backend) };
  const TessVaeEnds ends = { .read = job->ends->look, .data = job->ends->data };
  TessVaePlan plan;
  Job look = { .net = encoder,
               .backend = job->backend,
               .plan = &plan,
               .ends = &ends,
               .settings = &settings,
               .gather = tess_vae_fusion_deepest (job->net) };
  gboolean ok;

  tess_vae_plan_init (&plan, encoder, job->plan->canvas.h, job->plan->canvas.w,
                      &settings, &limits);
  ok = make_stats (&look, error);
  for (guint i = 0; ok && i < plan.passes->len; i++)
    {
      TessVaePass pass = g_array_index (plan.passes, TessVaePass, i);

      if (plan.whole)
        pass.last = look.gather;
      if (pass.last <= look.gather)
        ok = run_pass (&look, &pass, error);
    }
  if (ok)
    job->pixel_stats = g_steal_pointer (&look.stats);
  job_finish (&look);
  tess_vae_plan_finish (&plan);
  return ok;
}

static gboolean
make_factors (Job *job, gdouble fidelity, GError **error)
{
  if (job->net->looks == NULL)
    return TRUE;
  job->factors.fifth = make_factor (job->backend, 0.2, error);
  if (job->factors.fifth == NULL)
    return FALSE;
  job->factors.fidelity = make_factor (job->backend, fidelity, error);
  return job->factors.fidelity != NULL;
}

gboolean
tess_vae_job_run (const TessVaeNet *net,
                  TessBackend *backend,
                  const TessVaePlan *plan,
                  const TessVaeEnds *ends,
                  const TessVaeSettings *settings,
                  GError **error)
{
  Job job = { .net = net,
              .backend = backend,
              .plan = plan,
              .ends = ends,
              .settings = settings };
  gboolean ok = make_stats (&job, error)
                && make_factors (&job, ends->fidelity, error)
                && (net->looks == NULL || plan->whole
                    || gather_pixel_stats (&job, error));

  g_debug ("vae %s: %d x %d cells, %d x %d tiles of %d x %d, %u passes, "
           "%d norms estimated, %.3g operations",
           net->encoder ? "encoder" : "decoder", plan->canvas.w, plan->canvas.h,
           plan->n_x, plan->n_y, plan->tile_w, plan->tile_h, plan->passes->len,
           plan->n_estimated, plan->n_flops);
  if (ok && plan->n_estimated > 0)
    ok = tess_vae_estimate (net, backend, plan, ends, job.stats,
                            settings->cancellable, error);
  for (guint i = 0; ok && i < plan->passes->len; i++)
    ok = run_pass (&job, &g_array_index (plan->passes, TessVaePass, i), error);
  job_finish (&job);
  return ok;
}

/* The tile with the widest halo. */
static gint
largest_tile (Job *job, const TessVaePass *pass)
{
  g_autofree TessVaeRect *needs = g_new (TessVaeRect, job->net->n_units + 1);
  gdouble largest = 0.0;
  gint best = 0;

  for (gint i = 0; i < tess_vae_plan_n_tiles (job->plan); i++)
    {
      TessVaeSpan span = tess_vae_plan_span (job->plan, pass, i);
      gdouble size;

      tess_vae_net_needs (job->net, &span, needs);
      size = (gdouble) rect_h (&needs[pass->first])
             * rect_w (&needs[pass->first]);
      if (size > largest)
        {
          largest = size;
          best = i;
        }
    }
  return best;
}

/* Of one pass: what is kept meanwhile, the tile's buffers, its staging in
 * host memory and the arena. */
static gboolean
pass_cost (Job *job,
           const TessVaePass *pass,
           gsize *n_bytes,
           gsize *weights,
           GError **error)
{
  gsize size = tess_type_size (TESS_VAE_STORAGE);
  g_autoptr (Kind) kind
      = record_kind (job, pass, largest_tile (job, pass), error);
  TessPlan plan;
  gsize total;

  if (kind == NULL
      || !tess_backend_plan (job->backend, kind->program, &plan, error))
    return FALSE;
  total = pass->n_bytes + plan.arena + kind->n_src * size;
  total += kind->n_pixels * (size + sizeof (gfloat));
  total += MAX ((gsize) kind->n_src, (gsize) kind->n_dst) * sizeof (gfloat);
  if (kind->dst != NULL)
    total += kind->n_dst
             * (pass->kind == TESS_VAE_PASS_FINAL ? sizeof (gfloat) : size);
  *n_bytes = MAX (*n_bytes, total);
  *weights = MAX (*weights, plan.weights);
  return TRUE;
}

gboolean
tess_vae_job_cost (const TessVaeNet *net,
                   TessBackend *backend,
                   const TessVaePlan *plan,
                   gsize *n_bytes,
                   gsize *weights,
                   GError **error)
{
  Job job = { .net = net, .backend = backend, .plan = plan };
  gboolean ok = make_stats (&job, error) && make_factors (&job, 0.0, error);

  if (ok && net->looks != NULL && !plan->whole)
    {
      job.pixel_stats = new_stats (net->looks, backend, error);
      ok = job.pixel_stats != NULL;
    }

  *n_bytes = *weights = 0;
  for (guint i = 0; ok && i < plan->passes->len; i++)
    {
      const TessVaePass *pass = &g_array_index (plan->passes, TessVaePass, i);
      const TessVaePass *after = pass + 1;

      /* Of the passes from one checkpoint the longest needs most. */
      if (i + 1 < plan->passes->len && after->first == pass->first
          && pass->kind == TESS_VAE_PASS_STATS && !pass->store)
        continue;
      if (pass->keys == TESS_VAE_KEYS_GLOBAL && job.k == NULL
          && net->units[pass->first].kind == TESS_VAE_ATTENTION)
        ok = make_keys (&job, pass->first, error);
      ok = ok && pass_cost (&job, pass, n_bytes, weights, error);
    }
  if (ok && net->looks == NULL)
    ok = tess_vae_estimate_cost (net, backend, plan, n_bytes, weights, error);
  job_finish (&job);
  return ok;
}
