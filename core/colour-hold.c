/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/colour-hold.c: each region's mean colour held.
 *
 * Means are taken over cells of 16 pixels, so that all but reading and adding
 * is done on a picture of 1/256 of the pixels. What is added is a field of
 * values at the cells' centres, softened there and linear between. Pixels that
 * are cut off already no longer move, so a cell's mean moves by the share of
 * those that are not; that share changes on the way, so the picture is
 * measured anew and the rest is added, a few times. */
#include "core/colour-hold.h"

#include <math.h>
#include <string.h>

#define CELL 16
#define PER_SIDE (TESS_HOLD_SIDE / CELL)
#define BAND 256
#define PASSES 20
#define ROUNDS 200

/* What is aimed at lies a little within what is held. */
#define AIM 0.9

/* A cell is not said to move by less than this share. */
#define LEAST 0.25f

typedef struct
{
  gint w, h;         /* of the picture */
  gint n_x, n_y;     /* cells */
  gint per_x, per_y; /* cells of a region */
  gfloat low, high;
  gdouble most;
  gboolean many; /* cells, so that other threads are worth waking */
} Grid;

static Grid
grid_of (gint w, gint h, const TessEnlarged *style)
{
  gint n_x = (w + CELL - 1) / CELL, n_y = (h + CELL - 1) / CELL;

  return (Grid) {
    .w = w,
    .h = h,
    .n_x = n_x,
    .n_y = n_y,
    .per_x = MIN (PER_SIDE, n_x),
    .per_y = MIN (PER_SIDE, n_y),
    .low = style->low,
    .high = style->high,
    .most = TESS_HOLD_MOST * (style->high - style->low),
    .many = (gsize) n_x * n_y >= 4096,
  };
}

static gint
cell_width (const Grid *grid, gint x)
{
  return MIN (CELL, grid->w - x * CELL);
}

static gint
cell_height (const Grid *grid, gint y)
{
  return MIN (CELL, grid->h - y * CELL);
}

/* Of each cell: the mean of what is seen, and how much of it moves when the
 * field goes up and down. */
typedef struct
{
  gfloat *mean, *up, *down;
} Cells;

/* A row of cells; @rows begin with it. */
static void
measure_cells (const Grid *grid, gint y, const gfloat *rows, Cells cells)
{
  gint height = cell_height (grid, y);

  for (gint x = 0; x < grid->n_x; x++)
    {
      gsize k = (gsize) y * grid->n_x + x;
      gint width = cell_width (grid, x), n_below = 0, n_above = 0;
      gdouble sum = 0.0, n = (gdouble) width * height;

      for (gint i = 0; i < height; i++)
        for (gint j = 0; j < width; j++)
          {
            gfloat v = rows[(gsize) i * grid->w + x * CELL + j];

            sum += CLAMP (v, grid->low, grid->high);
            n_below += v < grid->high;
            n_above += v > grid->low;
          }
      cells.mean[k] = (gfloat) (sum / n);
      if (cells.up != NULL)
        {
          cells.up[k] = (gfloat) (n_below / n);
          cells.down[k] = (gfloat) (n_above / n);
        }
    }
}

/* [channels, n_y, n_x] */
static gboolean
measure_style (const Grid *grid,
               const TessEnlarged *style,
               gint band,
               gfloat *means,
               GCancellable *cancellable,
               GError **error)
{
  gsize n_cells = (gsize) grid->n_x * grid->n_y;
  g_autofree gfloat *rows
      = g_new (gfloat, (gsize) style->channels * band * grid->w);

  for (gint top = 0; top < grid->h; top += band)
    {
      gint n_rows = MIN (band, grid->h - top);
      gint first = top / CELL, last = (top + n_rows + CELL - 1) / CELL;

      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
      tess_enlarged_read (style, 0, top, grid->w, n_rows, rows);
      for (gint c = 0; c < style->channels; c++)
#pragma omp parallel for
        for (gint y = first; y < last; y++)
          measure_cells (grid, y,
                         rows + ((gsize) c * n_rows + y * CELL - top) * grid->w,
                         (Cells) { means + c * n_cells, NULL, NULL });
    }
  return TRUE;
}

/* Along both ways: a x [1, b, 1], the edge going on. */
static void
soften (const Grid *grid, gfloat *cells, gfloat a, gfloat b, gfloat *room)
{
  gint n_x = grid->n_x, n_y = grid->n_y;

  for (gint y = 0; y < n_y; y++)
    for (gint x = 0; x < n_x; x++)
      {
        const gfloat *row = cells + (gsize) y * n_x;

        room[(gsize) y * n_x + x]
            = a
              * (row[MAX (x - 1, 0)] + b * row[x] + row[MIN (x + 1, n_x - 1)]);
      }
  for (gint y = 0; y < n_y; y++)
    for (gint x = 0; x < n_x; x++)
      cells[(gsize) y * n_x + x]
          = a
            * (room[(gsize) MAX (y - 1, 0) * n_x + x]
               + b * room[(gsize) y * n_x + x]
               + room[(gsize) MIN (y + 1, n_y - 1) * n_x + x]);
}

/* What a field becomes as means of cells: softened twice, then the mean over a
 * cell of what is linear between centres. */
static void
soften_all (const Grid *grid, gfloat *cells, gfloat *room)
{
  soften (grid, cells, 0.25f, 2.0f, room);
  soften (grid, cells, 0.25f, 2.0f, room);
  soften (grid, cells, 0.125f, 6.0f, room);
}

/* How far the region whose first cell is (@x, @y) is off by more than @most. */
static gdouble
excess_of (const Grid *grid, const gfloat *off, gint x, gint y, gdouble most)
{
  gdouble sum = 0.0, area = 0.0;

  for (gint i = y; i < y + grid->per_y; i++)
    for (gint j = x; j < x + grid->per_x; j++)
      {
        gdouble n = (gdouble) cell_width (grid, j) * cell_height (grid, i);

        sum += n * off[(gsize) i * grid->n_x + j];
        area += n;
      }
  sum /= area;
  return sum - CLAMP (sum, -most, most);
}

/* Each cell's share: the sum of the excesses of the regions that it belongs
 * to, over the most that these can be. Returns the largest excess. */
static gdouble
find_excess (const Grid *grid, const gfloat *off, gdouble most, gfloat *share)
{
  gint n_x = grid->n_x - grid->per_x + 1, n_y = grid->n_y - grid->per_y + 1;
  g_autofree gfloat *excess = g_new (gfloat, (gsize) n_x * n_y);
  gdouble largest = 0.0;

#pragma omp parallel for reduction(max : largest) if (grid->many)
  for (gint y = 0; y < n_y; y++)
    for (gint x = 0; x < n_x; x++)
      {
        gdouble e = excess_of (grid, off, x, y, most);

        excess[(gsize) y * n_x + x] = (gfloat) e;
        largest = MAX (largest, fabs (e));
      }
  if (share == NULL)
    return largest;
#pragma omp parallel for if (grid->many)
  for (gint y = 0; y < grid->n_y; y++)
    for (gint x = 0; x < grid->n_x; x++)
      {
        gdouble sum = 0.0;

        for (gint i = MAX (y - grid->per_y + 1, 0); i <= MIN (y, n_y - 1); i++)
          for (gint j = MAX (x - grid->per_x + 1, 0); j <= MIN (x, n_x - 1);
               j++)
            sum += excess[(gsize) i * n_x + j];
        share[(gsize) y * grid->n_x + x]
            = (gfloat) (sum / (grid->per_x * grid->per_y));
      }
  return largest;
}

/* @field: what is to be added at the cells' centres so that @off, whose means
 * are less those wanted, comes within what is held. @room: for four times as
 * many cells. The sum of the squares of what is too much is convex: down its
 * slope, with momentum. Source: Nesterov 1983. */
static void
find_field (const Grid *grid, Cells off, gfloat *field, gfloat *room)
{
  gsize n = (gsize) grid->n_x * grid->n_y;
  gfloat *raw = room, *now = raw + n, *share = now + n, *other = share + n;

  memset (field, 0, n * sizeof *field);
  memset (raw, 0, n * sizeof *raw);
  for (gint round = 0; round < ROUNDS; round++)
    {
      gfloat momentum = round / (round + 3.0f);

      memcpy (now, field, n * sizeof *now);
      soften_all (grid, now, other);
      for (gsize i = 0; i < n; i++)
        now[i] += off.mean[i];
      if (find_excess (grid, now, AIM * grid->most, share)
          < (1.0 - AIM) / 2.0 * grid->most)
        break;
      for (gsize i = 0; i < n; i++)
        {
          gfloat next = field[i] - share[i];

          field[i] = next + momentum * (next - raw[i]);
          raw[i] = next;
        }
    }
  for (gint i = 0; i < 2; i++)
    {
      soften (grid, field, 0.25f, 2.0f, other);
      soften (grid, off.up, 0.25f, 2.0f, other);
      soften (grid, off.down, 0.25f, 2.0f, other);
    }
  for (gsize i = 0; i < n; i++)
    field[i] /= MAX ((field[i] > 0.0f ? off.up : off.down)[i], LEAST);
}

/* Between which two cells a pixel lies, and how near the second. */
static gint
between (gint pixel, gint n, gint *second, gfloat *near)
{
  gfloat at = (pixel + 0.5f) / CELL - 0.5f;
  gint first = (gint) floorf (at);

  *near = at - first;
  *second = MIN (first + 1, n - 1);
  return MAX (first, 0);
}

static void
add_field (const Grid *grid, const gfloat *field, gfloat *plane)
{
#pragma omp parallel for
  for (gint y = 0; y < grid->h; y++)
    {
      gfloat *row = plane + (gsize) y * grid->w, down, right;
      gint y1, y0 = between (y, grid->n_y, &y1, &down);
      const gfloat *a = field + (gsize) y0 * grid->n_x;
      const gfloat *b = field + (gsize) y1 * grid->n_x;

      for (gint x = 0; x < grid->w; x++)
        {
          gint x1, x0 = between (x, grid->n_x, &x1, &right);
          gfloat upper = a[x0] + right * (a[x1] - a[x0]);
          gfloat lower = b[x0] + right * (b[x1] - b[x0]);

          row[x] += upper + down * (lower - upper);
        }
    }
}

gboolean
tess_colour_hold (gfloat *planes,
                  gint w,
                  gint h,
                  const TessEnlarged *style,
                  gint band,
                  GCancellable *cancellable,
                  GError **error)
{
  const Grid grid = grid_of (w, h, style);
  gsize n = (gsize) w * h, n_cells = (gsize) grid.n_x * grid.n_y;
  g_autofree gfloat *wanted = g_new (gfloat, style->channels * n_cells);
  g_autofree gfloat *cells = g_new (gfloat, 8 * n_cells);
  const Cells off = { cells, cells + n_cells, cells + 2 * n_cells };
  gfloat *field = cells + 3 * n_cells, *room = cells + 4 * n_cells;

  band = (MAX (band, 0) + CELL - 1) / CELL * CELL;
  if (!measure_style (&grid, style, band > 0 ? band : BAND, wanted, cancellable,
                      error))
    return FALSE;
  for (gint c = 0; c < style->channels; c++)
    for (gint pass = 0; pass < PASSES; pass++)
      {
        gfloat *plane = planes + c * n;

        if (g_cancellable_set_error_if_cancelled (cancellable, error))
          return FALSE;
#pragma omp parallel for
        for (gint y = 0; y < grid.n_y; y++)
          measure_cells (&grid, y, plane + (gsize) y * CELL * w, off);
        for (gsize i = 0; i < n_cells; i++)
          off.mean[i] -= wanted[c * n_cells + i];
        if (find_excess (&grid, off.mean, grid.most, NULL) <= 0.0)
          break;
        find_field (&grid, off, field, room);
        add_field (&grid, field, plane);
      }
  return TRUE;
}
