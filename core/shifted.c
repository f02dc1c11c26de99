/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/shifted.c: tiles side by side that shift from step to step.
 *
 * What a step's edges leave is smoothed by the next ones, which have theirs
 * elsewhere. Nothing comes after the last step: side by side its tiles leave
 * lines three times as strong as the picture's own. So there they overlap. */
#include "core/moving.h"

/* Of the canvas the small tile covers this part at most, as far as tiles may
 * be as small: both axes together cost a sixteenth. */
#define SMALL 32
#define LAST_OVERLAP 4 /* part of a tile, at the last step */

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
  gint n;      /* tiles that cover it */
  gint small;  /* side of the tile that fills what a shift leaves */
  gint stride; /* of the last step's tiles */
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
  gint part = MIN (axis.length / SMALL, axis.tile / 2);

  axis.n = (axis.length + axis.tile - 1) / axis.tile;
  axis.small = MIN (MAX (part / align, 1) * align, axis.tile);
  axis.stride = axis.tile - axis.tile / LAST_OVERLAP;
  return axis;
}

/* Tiles of the last step. */
static gint
n_last (const Axis *axis)
{
  gint rest = axis->ring ? axis->length : axis->length - axis->tile;

  return axis->n == 1 ? 1
                      : !axis->ring + (rest + axis->stride - 1) / axis->stride;
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

/* Tiles as far from each other as can be, a ring's turned by any offset. */
static void
spread (const Axis *axis, guint64 random, gint n, gint *starts, gint *sizes)
{
  gint offset = (gint) (random % (guint64) axis->length);
  gint rest = axis->length - axis->tile;

  for (gint i = 0; i < n; i++)
    {
      if (axis->ring)
        starts[i]
            = (gint) (((gint64) i * axis->length / n + offset) % axis->length);
      else
        starts[i] = n == 1 ? 0 : (gint) ((gint64) i * rest / (n - 1));
      sizes[i] = axis->tile;
    }
}

static void
shift (const Axis *axis,
       guint64 random,
       gboolean last,
       gint *starts,
       gint *sizes,
       gint *n)
{
  if (axis->ring || last)
    {
      *n = last ? n_last (axis) : axis->n;
      spread (axis, random, *n, starts, sizes);
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
  gboolean last = step == n_steps - 1;

  shift (&x, tess_random_hash (seed, place), last, plan->starts_x,
         plan->sizes_x, &plan->n_x);
  shift (&y, tess_random_hash (seed, place + 1), last, plan->starts_y,
         plan->sizes_y, &plan->n_y);
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

/* One tile more, at most, than without a shift, and the small one; or those of
 * the last step. */
static void
make_room (Axis axis, gint **starts, gint **sizes)
{
  gint n = MAX (axis.n + 2, n_last (&axis));

  *starts = g_renew (gint, *starts, n);
  *sizes = g_new (gint, n);
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
  make_room (axis_of (plan, FALSE, MAX (settings->tiles.align, 1)),
             &plan->starts_x, &plan->sizes_x);
  make_room (axis_of (plan, TRUE, MAX (settings->tiles.align, 1)),
             &plan->starts_y, &plan->sizes_y);
  self->plan = plan;
  self->method.plan = plan;
  self->method.begin_step = shifted_begin_step;
  self->method.free = shifted_free;
  shifted_begin_step (&self->method, 0, 2);
  return &self->method;
}
