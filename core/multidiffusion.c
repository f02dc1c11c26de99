/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/multidiffusion.c: one plan and one set of weights for all steps. */
#include "core/multidiffusion.h"

typedef struct
{
  TessMethod method;
  TessTilePlan *plan;
  TessBlend *blend;
} Multidiffusion;

static void
multidiffusion_free (TessMethod *method)
{
  Multidiffusion *self = (Multidiffusion *) method;

  tess_blend_free (self->blend);
  tess_tile_plan_free (self->plan);
  g_free (self);
}

TessMethod *
tess_multidiffusion_new (const TessMultidiffusionSettings *settings,
                         GError **error)
{
  TessTilePlan *plan = tess_tile_plan_new (&settings->tiles, error);
  Multidiffusion *self;

  if (plan == NULL)
    return NULL;
  self = g_new0 (Multidiffusion, 1);
  self->plan = plan;
  self->blend = tess_blend_new (plan, settings->weight, settings->seam_bias);
  self->method.plan = self->plan;
  self->method.blend = self->blend;
  self->method.free = multidiffusion_free;
  return &self->method;
}
