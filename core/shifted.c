/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/shifted.c: tiles side by side that shift from step to step. */
#include "core/moving.h"

/* Tiles that may be added to those that a canvas needs, on average; more on
 * a small one, where a shift costs more and edges would stay too long. */
#define EXTRA 0.125
#define EXTRA_SMALL 0.5
#define SMALL 16 /* tiles */

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
  plan->starts_x = g_renew (gint, plan->starts_x, plan->n_x + 1);
  plan->starts_y = g_renew (gint, plan->starts_y, plan->n_y + 1);
  return plan;
}

static Axis
axis_of (const TessTilePlan *plan, gboolean y)
{
  Axis axis = { y ? plan->height : plan->width, y ? plan->tile_h : plan->tile_w,
                y ? plan->wrap_y : plan->wrap_x, 0, 0 };

  axis.n = (axis.length + axis.tile - 1) / axis.tile;
  axis.slack = axis.n * axis.tile - axis.length;
  return axis;
}

/* What a shift beyond the slack adds, in parts of a row. */
static gdouble
extra_of (const Axis *axis)
{
  return axis->ring || axis->n == 1 ? 0.0 : 1.0 / axis->n;
}

/* Which axes may shift at @step without going beyond that on average; those
 * of earlier steps are worked out again, so that a step depends on nothing
 * but its number. */
static void
choose_axes (const Axis axes[2], gint step, gboolean may[2])
{
  gdouble x = extra_of (&axes[0]), y = extra_of (&axes[1]);
  gdouble both = (1.0 + x) * (1.0 + y) - 1.0, credit = 0.0;
  gdouble extra = axes[0].n * axes[1].n < SMALL ? EXTRA_SMALL : EXTRA;

  for (gint i = 0; i <= step; i++)
    {
      gint first = i % 2; /* which is asked first */

      credit = MIN (credit + extra, both + extra);
      may[0] = may[1] = both <= credit;
      if (!may[0])
        {
          may[first] = extra_of (&axes[first]) <= credit;
          may[!first] = extra_of (&axes[!first]) == 0.0
                        || (!may[first] && extra_of (&axes[!first]) <= credit);
        }
      credit -= (1.0 + (may[0] ? x : 0.0)) * (1.0 + (may[1] ? y : 0.0)) - 1.0;
    }
}

static void
shift (const Axis *axis, gint offset, gint *starts, gint *n)
{
  gint last = axis->length - axis->tile, i;

  if (axis->ring)
    {
      *n = axis->n;
      for (i = 0; i < axis->n; i++)
        starts[i] = (gint) (((gint64) i * axis->length / axis->n + offset)
                            % axis->length);
      return;
    }
  starts[0] = 0;
  for (i = 1; axis->n > 1 && starts[i - 1] < last; i++)
    starts[i] = MIN (i * axis->tile - offset, last);
  *n = i;
}

static void
shifted_begin_step (TessMethod *method, gint step, gint n_steps)
{
  Shifted *self = (Shifted *) method;
  TessTilePlan *plan = self->plan;
  const Axis axes[2] = { axis_of (plan, FALSE), axis_of (plan, TRUE) };
  gint offsets[2];
  gboolean may[2];

  choose_axes (axes, step, may);
  for (gint k = 0; k < 2; k++)
    {
      gint range = axes[k].ring ? axes[k].length
                   : may[k]     ? axes[k].tile
                                : axes[k].slack + 1;

      offsets[k] = (gint) (tess_random_hash (self->settings.seed,
                                             2 * (guint64) step + k)
                           % (guint64) range);
    }
  shift (&axes[0], offsets[0], plan->starts_x, &plan->n_x);
  shift (&axes[1], offsets[1], plan->starts_y, &plan->n_y);
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
  self->plan = plan;
  self->method.plan = plan;
  self->method.begin_step = shifted_begin_step;
  self->method.free = shifted_free;
  shifted_begin_step (&self->method, 0, 1);
  return &self->method;
}
