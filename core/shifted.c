/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/shifted.c: tiles side by side that shift from step to step. */
#include "core/moving.h"

/* With fewer tiles in a row the small one is a quarter of a tile, else half:
 * so both axes together cost an eighth at most from four tiles on. */
#define MANY 8

typedef struct
{
  TessMethod method;
  TessMovingSettings settings;
  TessTilePlan *plan;
  TessBlend *blend;
} Shifted;

/* One axis. */
typedef struct
{
  gint length, tile;
  gboolean ring;
  gint n;     /* tiles that cover it */
  gint slack; /* by how much those may shift */
  gint small; /* side of the tile that fills what a shift leaves */
} Axis;

TessTilePlan *
tess_moving_plan_new (const TessMovingSettings *settings, GError **error)
{
  TessTileSettings tiles = settings->tiles;
  TessTilePlan *plan;

  tiles.overlap_x = tiles.overlap_y = 0;
  plan = tess_tile_plan_new (&tiles, error);
  if (plan == NULL)
    return NULL;
  return plan;
}

static Axis
axis_of (const TessTilePlan *plan, gboolean y, gint align)
{
  Axis axis = { y ? plan->height : plan->width, y ? plan->tile_h : plan->tile_w,
                y ? plan->wrap_y : plan->wrap_x };
  gint part;

  axis.n = (axis.length + axis.tile - 1) / axis.tile;
  axis.slack = axis.n * axis.tile - axis.length;
  part = axis.tile / (axis.n < MANY ? 4 : 2);
  axis.small = MIN ((part + align - 1) / align * align, axis.tile);
  return axis;
}

/* Tiles from @offset on, the last one held at the end; in front of them a
 * small one. Turned round, the small one is at the end. */
static void
shift_from (const Axis *axis,
            gint offset,
            gboolean turned,
            gint *starts,
            gint *sizes,
            gint *n)
{
  gint last = axis->length - axis->tile, i = 0, at = offset;

  if (offset > 0)
    {
      starts[i] = 0;
      sizes[i++] = axis->small;
    }
  for (;; at += axis->tile)
    {
      starts[i] = MIN (at, last);
      sizes[i++] = axis->tile;
      if (at >= last)
        break;
    }
  *n = i;
  if (turned)
    for (i = 0; i < *n; i++)
      starts[i] = axis->length - starts[i] - sizes[i];
}

static void
shift (const Axis *axis, guint64 random, gint *starts, gint *sizes, gint *n)
{
  if (axis->ring)
    {
      gint offset = (gint) (random % (guint64) axis->length);

      *n = axis->n;
      for (gint i = 0; i < axis->n; i++)
        {
          starts[i] = (gint) (((gint64) i * axis->length / axis->n + offset)
                              % axis->length);
          sizes[i] = axis->tile;
        }
      return;
    }
  shift_from (axis,
              axis->n == 1 ? 0
                           : (gint) (random / 2 % (guint64) (axis->small + 1)),
              random % 2, starts, sizes, n);
}

static void
shifted_begin_step (TessMethod *method, gint step, gint n_steps)
{
  Shifted *self = (Shifted *) method;
  TessTilePlan *plan = self->plan;
  gint align = MAX (self->settings.tiles.align, 1);
  const Axis x = axis_of (plan, FALSE, align), y = axis_of (plan, TRUE, align);
  guint64 seed = self->settings.seed, place = 2 * (guint64) step;

  shift (&x, tess_random_hash (seed, place), plan->starts_x, plan->sizes_x,
         &plan->n_x);
  shift (&y, tess_random_hash (seed, place + 1), plan->starts_y, plan->sizes_y,
         &plan->n_y);
  plan->n_tiles = plan->n_x * plan->n_y;
  tess_blend_free (self->blend);
  self->blend = tess_blend_new (plan, self->settings.weight, 0.0);
  method->blend = self->blend;
}

static void
shifted_free (TessMethod *method)
{
  Shifted *self = (Shifted *) method;

  tess_blend_free (self->blend);
  tess_tile_plan_free (self->plan);
  g_free (self);
}

TessMethod *
tess_shifted_new (const TessMovingSettings *settings, GError **error)
{
  TessTilePlan *plan = tess_moving_plan_new (settings, error);
  Shifted *self;

  if (plan == NULL)
    return NULL;
  self = g_new0 (Shifted, 1);
  self->settings = *settings;
  /* one more, at most, than without a shift, and the small one */
  plan->starts_x = g_renew (gint, plan->starts_x, plan->n_x + 2);
  plan->starts_y = g_renew (gint, plan->starts_y, plan->n_y + 2);
  plan->sizes_x = g_new (gint, plan->n_x + 2);
  plan->sizes_y = g_new (gint, plan->n_y + 2);
  self->plan = plan;
  self->method.plan = plan;
  self->method.begin_step = shifted_begin_step;
  self->method.free = shifted_free;
  shifted_begin_step (&self->method, 0, 1);
  return &self->method;
}
