/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/vae-plan.c: passes of tiles through encoder or decoder. */
#include "core/vae-plan.h"

#include <math.h>

#define MIB ((gsize) 1 << 20)
#define DEFAULT_TILE_BYTES (320 * MIB)
#define DEFAULT_CHECKPOINT_BYTES (780 * MIB)
/* A canvas is done whole where its largest maps stay below this. */
#define WHOLE_BYTES (768 * MIB)
/* AUTO: exact statistics may cost this many times the network's own work. */
#define EXACT_COST 7.0
/* ESTIMATE: statistics are exact as long as a pass costs at most this part
 * of the network's own work; all of the low levels do. */
#define CHEAP_PASS 0.1
#define TILE_STEP 8
/* Side of the canvas that the network's own work is told by. */
#define BASE_SIDE 32

typedef struct
{
  TessVaePlan *plan;
  const TessVaeNet *net;
  const TessVaeLimits *limits;
  gdouble base;      /* operations of the network alone */
  gint checkpoint;   /* map, 0: what goes in */
  gboolean estimate; /* allowed to stop gathering */
  gboolean stopped;  /* ... and has */
  TessVaeKeys keys;
  gboolean have_keys; /* of the whole canvas */
} Planner;

gint
tess_vae_plan_n_tiles (const TessVaePlan *plan)
{
  return plan->n_y * plan->n_x;
}

TessVaeRect
tess_vae_plan_tile (const TessVaePlan *plan, gint i)
{
  gint y0 = i / plan->n_x * plan->tile_h, x0 = i % plan->n_x * plan->tile_w;

  return (TessVaeRect) { y0, MIN (y0 + plan->tile_h, plan->canvas.h), x0,
                         MIN (x0 + plan->tile_w, plan->canvas.w) };
}

TessVaeSpan
tess_vae_plan_span (const TessVaePlan *plan, const TessVaePass *pass, gint tile)
{
  return (TessVaeSpan) { .first = pass->first,
                         .last = pass->last,
                         .middle = pass->middle,
                         .canvas = plan->canvas,
                         .tile = tess_vae_plan_tile (plan, tile),
                         .keys = pass->keys };
}

static gsize
map_bytes (const Planner *p, gint unit)
{
  const TessVaeUnit *u = &p->net->units[unit];

  if (unit == 0)
    return 0; /* what goes in is there anyway */
  return (gsize) p->plan->canvas.h * u->scale * p->plan->canvas.w * u->scale
         * u->src_channels * tess_type_size (TESS_VAE_STORAGE);
}

static gboolean
fits (const Planner *p, gint unit)
{
  return map_bytes (p, p->checkpoint) + map_bytes (p, unit)
         <= p->limits->n_bytes_checkpoints;
}

static gdouble
pass_flops (const Planner *p, const TessVaePass *pass)
{
  gdouble sum = 0.0;

  for (gint i = 0; i < tess_vae_plan_n_tiles (p->plan); i++)
    {
      TessVaeSpan span = tess_vae_plan_span (p->plan, pass, i);
      gdouble flops;

      tess_vae_net_estimate (p->net, &span, &flops, NULL);
      sum += flops;
    }
  return sum;
}

/* FALSE where it would be too dear to gather statistics there. */
static gboolean
add_pass (Planner *p, TessVaePass pass)
{
  const TessVaeUnit *units = p->net->units;

  pass.first = p->checkpoint;
  pass.keys = p->keys;
  pass.n_bytes = map_bytes (p, p->checkpoint);
  if (pass.store)
    pass.n_bytes += map_bytes (p, pass.last);
  /* Keys and values are kept while the attention's map is the checkpoint. */
  if (p->keys == TESS_VAE_KEYS_GLOBAL
      && units[p->checkpoint].kind == TESS_VAE_ATTENTION)
    pass.n_bytes += 2 * map_bytes (p, p->checkpoint);
  if (pass.kind == TESS_VAE_PASS_KEYS)
    pass.n_flops = 4.0 * p->plan->canvas.h * p->plan->canvas.w
                   * units[pass.last].channels * units[pass.last].channels;
  else
    pass.n_flops = pass_flops (p, &pass);

  if (pass.kind == TESS_VAE_PASS_STATS && p->estimate
      && pass.n_flops > CHEAP_PASS * p->base)
    return FALSE;
  g_array_append_val (p->plan->passes, pass);
  p->plan->n_flops += pass.n_flops;
  if (pass.store)
    p->checkpoint = pass.last;
  return TRUE;
}

/* The state before unit @u: its statistics, and the state itself if it fits. */
static void
plan_boundary (Planner *p, gint u)
{
  const TessVaeUnit *unit = &p->net->units[u];
  TessVaePass pass = { .kind = TESS_VAE_PASS_STATS,
                       .last = u,
                       .norm = unit->norm,
                       .store = fits (p, u) };

  /* Without its map there are no keys of the whole canvas. */
  if (unit->kind == TESS_VAE_ATTENTION && p->keys == TESS_VAE_KEYS_GLOBAL)
    pass.store = TRUE;
  if (unit->norm >= 0)
    p->stopped = !add_pass (p, pass);
  /* The last map that fits is worth a pass of its own. */
  else if (unit->kind == TESS_VAE_UP && pass.store && !fits (p, u + 1))
    p->stopped = !add_pass (p, pass);
}

static void
plan_passes (Planner *p)
{
  TessVaePlan *plan = p->plan;
  gint norm = p->net->n_norms;
  TessVaePass final
      = { .kind = TESS_VAE_PASS_FINAL, .last = p->net->n_units, .norm = -1 };

  for (gint u = 1; u < p->net->n_units && !p->stopped; u++)
    {
      const TessVaeUnit *unit = &p->net->units[u];

      plan_boundary (p, u);
      if (p->stopped)
        {
          norm = unit->norm >= 0 ? unit->norm : p->net->units[u + 1].norm;
          break;
        }
      if (tess_vae_has_middle (unit->kind))
        {
          TessVaePass middle = { .kind = TESS_VAE_PASS_STATS,
                                 .last = u,
                                 .middle = TRUE,
                                 .norm = unit->norm + 1 };

          p->stopped = !add_pass (p, middle);
          norm = p->stopped ? unit->norm + 1 : norm;
        }
      if (unit->kind == TESS_VAE_ATTENTION && p->keys == TESS_VAE_KEYS_GLOBAL
          && p->checkpoint == u)
        p->have_keys = add_pass (p, (TessVaePass) { .kind = TESS_VAE_PASS_KEYS,
                                                    .last = u,
                                                    .norm = -1 });
    }
  if (p->stopped && !p->have_keys)
    p->keys = TESS_VAE_KEYS_LOCAL;
  plan->n_estimated = p->net->n_norms - norm;
  add_pass (p, final);
}

/* Of the attention: state, keys, values and the state after it. */
static TessVaeKeys
choose_keys (const Planner *p)
{
  for (gint u = 0; u < p->net->n_units; u++)
    if (p->net->units[u].kind == TESS_VAE_ATTENTION)
      return 4 * map_bytes (p, u) <= p->limits->n_bytes_checkpoints
                 ? TESS_VAE_KEYS_GLOBAL
                 : TESS_VAE_KEYS_LOCAL;
  return TESS_VAE_KEYS_LOCAL;
}

static gsize
tile_bytes (const TessVaePlan *plan, const TessVaeNet *net, gint h, gint w)
{
  TessVaeSpan span = { .last = net->n_units,
                       .canvas = plan->canvas,
                       .tile = { 0, h, 0, w },
                       .keys = TESS_VAE_KEYS_GLOBAL };
  gsize n_bytes;

  /* As from the middle of the canvas: with a halo on every side. */
  span.canvas.wrap_x = span.canvas.wrap_x || w < plan->canvas.w;
  span.canvas.wrap_y = span.canvas.wrap_y || h < plan->canvas.h;
  tess_vae_net_estimate (net, &span, NULL, &n_bytes);
  return n_bytes;
}

/* Equal tiles along an axis, none larger than asked for. */
static void
divide (gint side, gint tile, gint *n, gint *size)
{
  *n = (side + tile - 1) / tile;
  *size = (side + *n - 1) / *n;
  *n = (side + *size - 1) / *size;
}

static void
choose_tiles (TessVaePlan *plan,
              const TessVaeNet *net,
              gint tile,
              const TessVaeLimits *limits)
{
  gint h = plan->canvas.h, w = plan->canvas.w;
  gsize most = limits->n_bytes_tile, whole = MAX (WHOLE_BYTES, most);

  /* The largest map of a unit is at most two thirds of all its maps. */
  if (limits->n_bytes_value > 0)
    {
      whole = MIN (whole, limits->n_bytes_value / 2 * 3);
      most = MIN (most, limits->n_bytes_value / 2 * 3);
    }
  if (tile <= 0 && tile_bytes (plan, net, h, w) <= whole)
    tile = MAX (h, w);
  else if (tile <= 0)
    for (tile = TILE_STEP; tile < MAX (h, w); tile += TILE_STEP)
      if (tile_bytes (plan, net, MIN (h, tile + TILE_STEP),
                      MIN (w, tile + TILE_STEP))
          > most)
        break;
  divide (h, tile, &plan->n_y, &plan->tile_h);
  divide (w, tile, &plan->n_x, &plan->tile_w);
  plan->whole = plan->n_y * plan->n_x == 1;
}

/* The canvas shrunk to about a tile, its halo included. */
static void
choose_small (TessVaePlan *plan)
{
  gdouble tile = (gdouble) plan->tile_h * plan->tile_w;
  gdouble scale = sqrt (tile / ((gdouble) plan->canvas.h * plan->canvas.w));

  plan->small_h = MAX (1, (gint) (plan->canvas.h * scale));
  plan->small_w = MAX (1, (gint) (plan->canvas.w * scale));
}

void
tess_vae_plan_init (TessVaePlan *plan,
                    const TessVaeNet *net,
                    gint h,
                    gint w,
                    const TessVaeSettings *settings,
                    const TessVaeLimits *asked)
{
  TessVaeLimits limits = *asked;
  TessVaeSpan all = { .last = net->n_units,
                      .canvas = { BASE_SIDE, BASE_SIDE, FALSE, FALSE },
                      .tile = { 0, BASE_SIDE, 0, BASE_SIDE },
                      .keys = TESS_VAE_KEYS_INLINE };
  Planner p = { .plan = plan, .net = net, .limits = &limits };

  if (limits.n_bytes_tile == 0)
    limits.n_bytes_tile = DEFAULT_TILE_BYTES;
  if (limits.n_bytes_checkpoints == 0)
    limits.n_bytes_checkpoints = DEFAULT_CHECKPOINT_BYTES;
  *plan = (TessVaePlan) {
    .canvas = { h, w, settings->wrap_x, settings->wrap_y },
    .passes = g_array_new (FALSE, FALSE, sizeof (TessVaePass)),
  };
  /* Per cell, without what attention over a large canvas would add. */
  tess_vae_net_estimate (net, &all, &p.base, NULL);
  p.base *= (gdouble) h * w / (BASE_SIDE * BASE_SIDE);
  choose_tiles (plan, net, settings->tile, &limits);
  choose_small (plan);
  if (plan->whole)
    {
      TessVaePass pass = { .kind = TESS_VAE_PASS_FINAL,
                           .last = net->n_units,
                           .norm = -1,
                           .keys = TESS_VAE_KEYS_INLINE };

      pass.n_flops = plan->n_flops = pass_flops (&p, &pass);
      g_array_append_val (plan->passes, pass);
      return;
    }

  /* A picture that is looked at is not shrunk. */
  p.keys = choose_keys (&p);
  p.estimate = settings->mode == TESS_VAE_ESTIMATE && net->looks == NULL;
  plan_passes (&p);
  if (settings->mode == TESS_VAE_AUTO && net->looks == NULL
      && plan->n_flops > EXACT_COST * p.base)
    {
      g_array_set_size (plan->passes, 0);
      plan->n_flops = 0.0;
      p.checkpoint = 0;
      p.have_keys = FALSE;
      p.estimate = TRUE;
      plan_passes (&p);
    }
}

void
tess_vae_plan_finish (TessVaePlan *plan)
{
  g_array_unref (plan->passes);
}
