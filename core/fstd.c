/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/fstd.c: tiles side by side, shifted as Any-Size-Diffusion's code does,
 * strips left free included. */
#include "core/moving.h"

#define REST_EVERY 4 /* a step without a shift: all cells are covered */

typedef struct
{
  TessMethod method;
  TessMovingSettings settings;
  TessTilePlan *plan;
  TessBlend *blend;
} Fstd;

static void
shift (gint length, gint tile, gint offset, gint *starts, gint n)
{
  for (gint i = 0; i < n; i++)
    starts[i] = MIN (i * tile + offset, length - tile);
}

static gint
offset_of (const Fstd *self, gint step, gint axis, gint tile)
{
  guint64 place = 2 * (guint64) step + axis;

  if (step % REST_EVERY == 0 || tile < 2)
    return 0;
  return (gint) (tess_random_hash (self->settings.seed, place)
                 % (guint64) (tile / 2));
}

static void
fstd_begin_step (TessMethod *method, gint step, gint n_steps)
{
  Fstd *self = (Fstd *) method;
  TessTilePlan *plan = self->plan;

  shift (plan->width, plan->tile_w, offset_of (self, step, 0, plan->tile_w),
         plan->starts_x, plan->n_x);
  shift (plan->height, plan->tile_h, offset_of (self, step, 1, plan->tile_h),
         plan->starts_y, plan->n_y);
  tess_blend_free (self->blend);
  self->blend = tess_blend_new (plan, self->settings.weight, 0.0);
  method->blend = self->blend;
}

static void
fstd_free (TessMethod *method)
{
  Fstd *self = (Fstd *) method;

  tess_blend_free (self->blend);
  tess_tile_plan_free (self->plan);
  g_free (self);
}

TessMethod *
tess_fstd_new (const TessMovingSettings *settings, GError **error)
{
  TessMovingSettings open = *settings;
  TessTilePlan *plan;
  Fstd *self;

  open.tiles.grid_x = open.tiles.grid_y = TESS_GRID_EVEN;
  plan = tess_moving_plan_new (&open, error);
  if (plan == NULL)
    return NULL;
  self = g_new0 (Fstd, 1);
  self->settings = open;
  self->plan = plan;
  self->method.plan = plan;
  self->method.begin_step = fstd_begin_step;
  self->method.holds = TRUE;
  self->method.free = fstd_free;
  fstd_begin_step (&self->method, 0, 1);
  return &self->method;
}
