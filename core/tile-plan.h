/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/tile-plan.h: which tiles cover a canvas.
 *
 * Whole numbers only: no pixels, no device, no files. The same settings give
 * the same plan, the product of a list of tiles along x and one along y. All
 * have one size, so a network is compiled once; only methods whose tiles move
 * have a smaller one in a list, to fill what the others leave. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  TESS_GRID_EVEN,     /* tiles spread evenly over the canvas */
  TESS_GRID_ANCHORED, /* at multiples of the stride, the last at the end */
  TESS_GRID_RING,     /* the canvas closes on itself along this axis */
} TessGrid;

/* Everything in latent cells. */
typedef struct
{
  gint width, height;  /* of the canvas that is wanted, > 0 */
  gint tile_w, tile_h; /* multiples of align */
  gint overlap_x;      /* shared with each neighbour, at least; */
  gint overlap_y;      /* 0 <= overlap < tile */
  gint align;          /* of a tile's sides, 0: 1 */
  TessGrid grid_x, grid_y;
} TessTileSettings;

typedef struct
{
  gint x, y; /* x + w may pass the canvas on a ring: take it modulo */
  gint w, h; /* the plan's tile_w and tile_h, as a rule */
} TessTile;

typedef struct
{
  gint width, height;  /* of the canvas to paint: what was wanted, or one tile
                          where that is more */
  gint tile_w, tile_h; /* smaller than asked where the canvas is smaller */
  gboolean wrap_x, wrap_y;
  gint n_x, n_y;
  gint *starts_x; /* [n_x], rising */
  gint *starts_y; /* [n_y], rising */
  gint *sizes_x;  /* [n_x], up to tile_w; NULL: all as large */
  gint *sizes_y;
  gint apart;   /* from one cell of a tile to the next, 1 as a rule: a view of
                   the canvas that skips some; 0: 1 */
  gint n_tiles; /* n_x * n_y */
} TessTilePlan;

/**
 * tess_tile_plan_new:
 * A canvas smaller than a tile gets a tile of its own size, rounded up to
 * @align, and is padded to it. A ring cannot be padded: its tile is rounded
 * down instead. Every cell is covered.
 *
 * Errors: TESS_ERROR_REQUEST for a tile that is not aligned, an overlap that
 * does not fit it, a ring below @align, more than 2^24 tiles.
 */
TessTilePlan *
tess_tile_plan_new (const TessTileSettings *settings, GError **error);
void tess_tile_plan_free (TessTilePlan *plan); /* may be NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessTilePlan, tess_tile_plan_free)

/* Tiles are counted row by row from the top left. */
static inline TessTile
tess_tile_plan_tile (const TessTilePlan *plan, gint i)
{
  gint x = i % plan->n_x, y = i / plan->n_x;
  TessTile tile = {
    plan->starts_x[x],
    plan->starts_y[y],
    plan->sizes_x ? plan->sizes_x[x] : plan->tile_w,
    plan->sizes_y ? plan->sizes_y[y] : plan->tile_h,
  };

  return tile;
}

/* The canvas's column (row) below the cell @i of a tile that starts at @start:
 * round a ring; else beyond the end of the canvas the last one that the tile
 * has. */
static inline gint
tess_tile_plan_cell (gint start, gint i, gint apart, gint length, gboolean wrap)
{
  gint at = start + i * MAX (apart, 1);

  if (at < length)
    return at;
  return wrap ? at % length
              : at
                    - (at - length + MAX (apart, 1)) / MAX (apart, 1)
                          * MAX (apart, 1);
}

static inline gint
tess_tile_plan_column (const TessTilePlan *plan, TessTile tile, gint i)
{
  return tess_tile_plan_cell (tile.x, i, plan->apart, plan->width,
                              plan->wrap_x);
}

static inline gint
tess_tile_plan_row (const TessTilePlan *plan, TessTile tile, gint i)
{
  return tess_tile_plan_cell (tile.y, i, plan->apart, plan->height,
                              plan->wrap_y);
}

/* Cells that the network sees over cells of the canvas: 1 without overlap. */
gdouble tess_tile_plan_cost (const TessTilePlan *plan);

G_END_DECLS
