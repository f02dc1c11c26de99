/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/tile-plan.c: the builders of one axis, and their product.
 *
 * MultiDiffusion's own builder (starts at multiples of the stride while a
 * whole tile fits) leaves the end of a canvas uncovered when the stride does
 * not divide it; it is not here. Where it covers everything, even and anchored
 * give its list. */
#include "core/tile-plan.h"

#include "core/error.h"

#include <glib/gi18n-lib.h>

#define MAX_TILES (1 << 24)

typedef struct
{
  const gchar *name; /* "width" */
  gint length, tile, overlap, align;
  TessGrid grid;
  gint n;
  gint *starts;
} Axis;

static gboolean
axis_fit (Axis *axis, GError **error)
{
  gint asked = axis->tile;

  if (asked < axis->align || asked % axis->align != 0)
    {
      gint below = MAX (asked / axis->align, 1) * axis->align;

      g_set_error (
          error, TESS_ERROR, TESS_ERROR_REQUEST,
          _ ("a tile's %s of %d cells is not a multiple of the %d that "
             "this model needs; take %d or %d"),
          axis->name, asked, axis->align, below, below + axis->align);
      return FALSE;
    }
  if (axis->overlap < 0 || axis->overlap >= asked)
    {
      g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
                   _ ("an overlap of %d cells does not fit a tile's %s of %d; "
                      "take 0 to %d"),
                   axis->overlap, axis->name, asked, asked - 1);
      return FALSE;
    }
  if (axis->length >= asked)
    return TRUE;
  if (axis->grid != TESS_GRID_RING)
    {
      axis->tile = (axis->length + axis->align - 1) / axis->align * axis->align;
      axis->length = axis->tile;
      axis->overlap = 0;
      return TRUE;
    }
  axis->tile = axis->length / axis->align * axis->align;
  axis->overlap = (gint) ((gint64) axis->overlap * axis->tile / asked);
  if (axis->tile == 0)
    {
      g_set_error (
          error, TESS_ERROR, TESS_ERROR_REQUEST,
          _ ("a canvas that closes on itself needs a %s of at least %d "
             "cells, this one has %d"),
          axis->name, axis->align, axis->length);
      return FALSE;
    }
  return TRUE;
}

static gint
ceil_div (gint a, gint b)
{
  return (a + b - 1) / b;
}

static void
axis_count (Axis *axis)
{
  gint stride = axis->tile - axis->overlap;

  if (axis->grid == TESS_GRID_RING)
    axis->n = ceil_div (axis->length, stride);
  else
    axis->n = 1 + ceil_div (axis->length - axis->tile, stride);
}

static void
axis_build (Axis *axis)
{
  gint64 rest = axis->length - axis->tile;
  gint stride = axis->tile - axis->overlap;

  axis->starts = g_new (gint, axis->n);
  for (gint i = 0; i < axis->n; i++)
    switch (axis->grid)
      {
      case TESS_GRID_EVEN:
        axis->starts[i] = axis->n == 1 ? 0 : (gint) (i * rest / (axis->n - 1));
        break;
      case TESS_GRID_ANCHORED:
        axis->starts[i] = MIN (i * stride, (gint) rest);
        break;
      case TESS_GRID_RING:
        axis->starts[i] = (gint) ((gint64) i * axis->length / axis->n);
        break;
      }
}

/* A gap would come out as cells that are never painted. */
static gboolean
axis_is_covered (const Axis *axis)
{
  gint end = 0;

  for (gint i = 0; i < axis->n; i++)
    {
      if (axis->starts[i] > end)
        return FALSE;
      end = axis->starts[i] + axis->tile;
    }
  return end >= axis->length && axis->starts[0] == 0;
}

TessTilePlan *
tess_tile_plan_new (const TessTileSettings *settings, GError **error)
{
  gint align = MAX (settings->align, 1);
  Axis x = { "width", settings->width, settings->tile_w, settings->overlap_x,
             align,   settings->grid_x };
  Axis y = { "height", settings->height, settings->tile_h, settings->overlap_y,
             align,    settings->grid_y };
  TessTilePlan *plan;

  g_return_val_if_fail (settings->width > 0 && settings->height > 0, NULL);
  if (!axis_fit (&x, error) || !axis_fit (&y, error))
    return NULL;
  axis_count (&x);
  axis_count (&y);
  if ((gint64) x.n * y.n > MAX_TILES)
    {
      g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
                   _ ("the canvas would take %d x %d tiles; take a smaller "
                      "overlap or a smaller canvas"),
                   x.n, y.n);
      return NULL;
    }
  axis_build (&x);
  axis_build (&y);
  g_assert (axis_is_covered (&x) && axis_is_covered (&y));

  plan = g_new0 (TessTilePlan, 1);
  plan->width = x.length;
  plan->height = y.length;
  plan->tile_w = x.tile;
  plan->tile_h = y.tile;
  plan->wrap_x = settings->grid_x == TESS_GRID_RING;
  plan->wrap_y = settings->grid_y == TESS_GRID_RING;
  plan->n_x = x.n;
  plan->n_y = y.n;
  plan->starts_x = x.starts;
  plan->starts_y = y.starts;
  plan->n_tiles = x.n * y.n;
  return plan;
}

void
tess_tile_plan_free (TessTilePlan *plan)
{
  if (plan == NULL)
    return;
  g_free (plan->starts_x);
  g_free (plan->starts_y);
  g_free (plan->sizes_x);
  g_free (plan->sizes_y);
  g_free (plan);
}

gdouble
tess_tile_plan_cost (const TessTilePlan *plan)
{
  gdouble cells = 0.0;

  for (gint i = 0; i < plan->n_tiles; i++)
    {
      TessTile tile = tess_tile_plan_tile (plan, i);

      cells += (gdouble) tile.w * tile.h;
    }
  return cells / ((gdouble) plan->width * plan->height);
}
