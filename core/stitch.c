/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/stitch.c: eight views of the whole ring and what each weighs.
 *
 * Published canvas, in halves of the panorama:  L | R L | R  with the picture
 * in the middle. Column q of the ring is the picture's. */
#include "core/stitch.h"

#include "core/error.h"

#include <glib/gi18n-lib.h>
#include <string.h>

typedef struct
{
  TessMethod method;
  TessTilePlan *plan;
  TessBlend *blend;
} Stitch;

/* Where column @q of the picture is read on the published canvas: its ends
 * before the last step, its middle at the last. */
static gint
published_column (gint q, gint width, gboolean last)
{
  gint half = width / 2;

  if (last)
    return q + half;
  return q < half ? q + 3 * half : q - half;
}

/* The views of the picture from @q - @q % stride on are the published windows
 * rolled by half a ring. */
static gint
view_of_window (gint window)
{
  return (window + TESS_STITCH_VIEWS / 2) % TESS_STITCH_VIEWS;
}

static void
fill_weights (Stitch *self, gboolean last)
{
  gint w = self->plan->width, stride = w / TESS_STITCH_VIEWS;

  for (gint q = 0; q < w; q++)
    {
      gint column = published_column (q, w, last), n = 0;
      gdouble weights[TESS_STITCH_VIEWS] = { 0 };

      for (gint window = 0; window <= TESS_STITCH_VIEWS; window++)
        if (window * stride <= column && column < window * stride + w)
          {
            weights[view_of_window (window)] += 1.0;
            n++;
          }
      if (!last)
        {
          /* The block of the two ends, denoised twice. */
          weights[view_of_window (TESS_STITCH_VIEWS / 2)] += 2.0;
          n += 2;
        }
      for (gint view = 0; view < TESS_STITCH_VIEWS; view++)
        self->blend->x[(gsize) view * w + (q - view * stride + w) % w]
            = weights[view] / n;
    }
}

static void
stitch_begin_step (TessMethod *method, gint step, gint n_steps)
{
  fill_weights ((Stitch *) method, step == n_steps - 1);
}

static gboolean
stitch_draw (const TessMethod *method,
             TessRandom *random,
             gint channels,
             gfloat *noise,
             GError **error)
{
  const Stitch *self = (const Stitch *) method;
  gint w = self->plan->width;
  gsize n_rows = (gsize) channels * self->plan->height;
  g_autofree gfloat *drawn = g_try_new (gfloat, n_rows * 2 * w);

  if (drawn == NULL)
    {
      g_set_error (
          error, TESS_ERROR, TESS_ERROR_MEMORY,
          _ ("no memory for the noise of %d x %d cells; take a smaller "
             "canvas"),
          2 * w, self->plan->height);
      return FALSE;
    }
  tess_random_normal (random, drawn, n_rows * 2 * w);
  for (gsize row = 0; row < n_rows; row++)
    for (gint q = 0; q < w; q++)
      noise[row * w + q] = drawn[row * 2 * w + published_column (q, w, FALSE)];
  return TRUE;
}

static void
stitch_free (TessMethod *method)
{
  Stitch *self = (Stitch *) method;

  tess_blend_free (self->blend);
  tess_tile_plan_free (self->plan);
  g_free (self);
}

TessMethod *
tess_stitch_new (gint width, gint height, gint align, GError **error)
{
  gint step = MAX (align, TESS_STITCH_VIEWS);
  const TessTileSettings tiles = {
    .width = width,
    .height = height,
    .tile_w = width,
    .tile_h = height,
    .overlap_x = width - width / TESS_STITCH_VIEWS,
    .align = align,
    .grid_x = TESS_GRID_RING,
  };
  Stitch *self;

  if (width % step != 0 || height % align != 0)
    {
      g_set_error (
          error, TESS_ERROR, TESS_ERROR_REQUEST,
          _ ("stitch paints the whole panorama at once and needs %d x %d "
             "cells to be multiples of %d and %d; take another size, or "
             "the method ring"),
          width, height, step, align);
      return NULL;
    }
  self = g_new0 (Stitch, 1);
  self->plan = tess_tile_plan_new (&tiles, error);
  if (self->plan == NULL)
    {
      g_free (self);
      return NULL;
    }
  self->blend = tess_blend_new (self->plan, TESS_WEIGHT_UNIFORM, 0.0);
  fill_weights (self, FALSE);
  self->method.plan = self->plan;
  self->method.blend = self->blend;
  self->method.begin_step = stitch_begin_step;
  self->method.draw = stitch_draw;
  self->method.free = stitch_free;
  return &self->method;
}
