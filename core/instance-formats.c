/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/instance-formats.c: points of masks and strokes. */
#include "core/instance-formats.h"

#include "core/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static gint
pick_hashed (gint i, gint n, gpointer data)
{
  const TessMask *mask = data;
  guint64 seed = ((guint64) mask->w << 32) + (guint64) mask->h;

  return (gint) (tess_random_hash (seed, (guint64) i) % (guint64) n);
}

/* --- outlines ------------------------------------------------------------ */

/* Pieces of outlines that grow at both ends while squares of 2 x 2 cells are
 * looked at row by row. A point is a cell of the mask with a border of one. */
typedef struct
{
  GArray *points;      /* of Node */
  GArray *chains;      /* of Chain, in the order in which they began */
  gint *starts, *ends; /* of each cell: the chain that begins, ends there, -1 */
  gint w;              /* with the border */
} Tracer;

typedef struct
{
  gint cell, next;
} Node;

typedef struct
{
  gint first, last; /* nodes; first -1: joined to another */
} Chain;

static gint
new_node (Tracer *tracer, gint cell, gint next)
{
  Node node = { cell, next };

  g_array_append_val (tracer->points, node);
  return (gint) tracer->points->len - 1;
}

static Node *
node_at (Tracer *tracer, gint i)
{
  return &g_array_index (tracer->points, Node, i);
}

static Chain *
chain_at (Tracer *tracer, gint i)
{
  return &g_array_index (tracer->chains, Chain, i);
}

static void
append_point (Tracer *tracer, gint chain, gint cell)
{
  gint node = new_node (tracer, cell, -1);

  node_at (tracer, chain_at (tracer, chain)->last)->next = node;
  chain_at (tracer, chain)->last = node;
}

/* The chain that ends where @tail begins and @tail; the older one stays. */
static void
join (Tracer *tracer, gint head, gint tail)
{
  Chain *a = chain_at (tracer, head), *b = chain_at (tracer, tail);
  gint kept = MIN (head, tail), gone = MAX (head, tail);
  gint first = a->first, last = b->last;

  node_at (tracer, a->last)->next = b->first;
  *chain_at (tracer, gone) = (Chain) { -1, -1 };
  *chain_at (tracer, kept) = (Chain) { first, last };
  tracer->starts[node_at (tracer, first)->cell] = kept;
  tracer->ends[node_at (tracer, last)->cell] = kept;
}

static void
add_segment (Tracer *tracer, gint from, gint to)
{
  gint tail, head;

  if (from == to)
    return;
  tail = tracer->starts[to];
  tracer->starts[to] = -1;
  head = tracer->ends[from];
  tracer->ends[from] = -1;
  if (tail >= 0 && head >= 0 && tail == head)
    append_point (tracer, head, to);
  else if (tail >= 0 && head >= 0)
    join (tracer, head, tail);
  else if (tail < 0 && head < 0)
    {
      Chain chain;

      chain.last = new_node (tracer, to, -1);
      chain.first = new_node (tracer, from, chain.last);
      g_array_append_val (tracer->chains, chain);
      tracer->starts[from] = tracer->ends[to] = (gint) tracer->chains->len - 1;
    }
  else if (tail >= 0)
    {
      gint first = new_node (tracer, from, chain_at (tracer, tail)->first);

      chain_at (tracer, tail)->first = first;
      tracer->starts[from] = tail;
    }
  else
    {
      append_point (tracer, head, to);
      tracer->ends[to] = head;
    }
}

static gboolean
is_inside (const TessMask *mask, gint x, gint y)
{
  return x >= 1 && y >= 1 && x <= mask->w && y <= mask->h
         && mask->cells[(gsize) (y - 1) * mask->w + x - 1] != 0;
}

/* The segments of one square, inside on the left of them; of two in a saddle
 * the outside is one. Bits: top left 1, top right 2, bottom left 4, right 8. */
static void
add_square (Tracer *tracer, const TessMask *mask, gint x, gint y)
{
  enum
  {
    NONE,
    TOP,
    BOTTOM,
    LEFT,
    RIGHT
  };
  static const guint8 cases[16][4] = {
    [1] = { TOP, LEFT },
    [2] = { RIGHT, TOP },
    [3] = { RIGHT, LEFT },
    [4] = { LEFT, BOTTOM },
    [5] = { TOP, BOTTOM },
    [6] = { RIGHT, TOP, LEFT, BOTTOM },
    [7] = { RIGHT, BOTTOM },
    [8] = { BOTTOM, RIGHT },
    [9] = { TOP, LEFT, BOTTOM, RIGHT },
    [10] = { BOTTOM, TOP },
    [11] = { BOTTOM, LEFT },
    [12] = { LEFT, RIGHT },
    [13] = { TOP, RIGHT },
    [14] = { LEFT, TOP },
  };
  gboolean ul = is_inside (mask, x, y), ur = is_inside (mask, x + 1, y);
  gboolean ll = is_inside (mask, x, y + 1), lr = is_inside (mask, x + 1, y + 1);
  const guint8 *sides = cases[ul + 2 * ur + 4 * ll + 8 * lr];
  gint at = y * tracer->w + x, below = at + tracer->w;
  /* An edge's point is its cell outside. */
  const gint points[] = { [TOP] = ul ? at + 1 : at,
                          [BOTTOM] = ll ? below + 1 : below,
                          [LEFT] = ul ? below : at,
                          [RIGHT] = ur ? below + 1 : at + 1 };

  for (gint i = 0; i < 4 && sides[i] != NONE; i += 2)
    add_segment (tracer, points[sides[i]], points[sides[i + 1]]);
}

GArray *
tess_mask_outlines (const TessMask *mask, GArray **lengths)
{
  gsize n = (gsize) (mask->w + 2) * (mask->h + 2);
  GArray *all = g_array_new (FALSE, FALSE, sizeof (gint));
  Tracer tracer = {
    .points = g_array_new (FALSE, FALSE, sizeof (Node)),
    .chains = g_array_new (FALSE, FALSE, sizeof (Chain)),
    .starts = g_new (gint, n),
    .ends = g_new (gint, n),
    .w = mask->w + 2,
  };

  memset (tracer.starts, 0xff, n * sizeof (gint));
  memset (tracer.ends, 0xff, n * sizeof (gint));
  if (lengths)
    *lengths = g_array_new (FALSE, FALSE, sizeof (gint));
  for (gint y = 0; y <= mask->h; y++)
    for (gint x = 0; x <= mask->w; x++)
      add_square (&tracer, mask, x, y);
  for (guint i = 0; i < tracer.chains->len; i++)
    {
      guint before = all->len;
      gint count;

      for (gint k = chain_at (&tracer, (gint) i)->first; k >= 0;
           k = node_at (&tracer, k)->next)
        {
          gint point[] = { node_at (&tracer, k)->cell % tracer.w,
                           node_at (&tracer, k)->cell / tracer.w };

          g_array_append_vals (all, point, 2);
        }
      count = (gint) (all->len - before) / 2;
      if (count < 3)
        g_array_set_size (all, before);
      else if (lengths)
        g_array_append_val (*lengths, count);
    }
  g_array_unref (tracer.points);
  g_array_unref (tracer.chains);
  g_free (tracer.starts);
  g_free (tracer.ends);
  return all;
}

/* --- points -------------------------------------------------------------- */

typedef struct
{
  gfloat x, y;
  gdouble far;
  gint place;
} Point;

static gint
nearer (gconstpointer a, gconstpointer b)
{
  const Point *p = a, *q = b;

  if (p->far != q->far)
    return p->far < q->far ? -1 : 1;
  return p->place - q->place;
}

/* By distance from (@x, @y), equal ones in the order they had. */
static void
sort_points (Point *points, gint n, gdouble x, gdouble y)
{
  for (gint i = 0; i < n; i++)
    {
      points[i].far = hypot (points[i].x - x, points[i].y - y);
      points[i].place = i;
    }
  qsort (points, n, sizeof *points, nearer);
}

static void
write_points (const Point *points, gint n, gfloat *dst)
{
  for (gint i = 0; i < n; i++)
    {
      dst[2 * i] = points[i].x;
      dst[2 * i + 1] = points[i].y;
    }
}

static void
sort_numbers (gfloat *numbers, gint n)
{
  g_autofree Point *points = g_new0 (Point, n);

  for (gint i = 0; i < n; i++)
    points[i] = (Point) { numbers[2 * i], numbers[2 * i + 1], 0.0, 0 };
  sort_points (points, n, 0.0, 0.0);
  write_points (points, n, numbers);
}

/* Cells of the mask row by row. (transfer full) */
static Point *
list_cells (const TessMask *mask, gint *n)
{
  gsize size = (gsize) mask->w * mask->h;
  Point *points;

  *n = 0;
  for (gsize i = 0; i < size; i++)
    *n += mask->cells[i] != 0;
  points = g_new0 (Point, MAX (*n, 1));
  for (gsize i = 0, k = 0; i < size; i++)
    if (mask->cells[i] != 0)
      points[k++]
          = (Point) { (gfloat) (i % mask->w), (gfloat) (i / mask->w), 0.0, 0 };
  return points;
}

void
tess_mask_interior (
    const TessMask *mask, gint n, TessPick pick, gpointer data, gfloat *dst)
{
  gint n_cells;
  g_autofree Point *cells = list_cells (mask, &n_cells);
  gdouble x = 0.0, y = 0.0;
  gint part = n_cells / n;

  memset (dst, 0, 2 * n * sizeof *dst);
  if (n_cells == 0)
    return;
  if (pick == NULL)
    pick = pick_hashed, data = (gpointer) mask;
  for (gint i = 0; i < n_cells; i++)
    {
      x += cells[i].x;
      y += cells[i].y;
    }
  if (part > 0)
    sort_points (cells, n_cells, x / n_cells, y / n_cells);
  for (gint i = 0; i < n; i++)
    write_points (
        &cells[part > 0 ? i * part + part / 2 : pick (i, n_cells, data)], 1,
        dst + 2 * i);
}

void
tess_mask_polygon (
    const TessMask *mask, gint n, TessPick pick, gpointer data, gfloat *dst)
{
  g_autoptr (GArray) outlines = tess_mask_outlines (mask, NULL);
  gint n_outline = n / 2, n_points = (gint) outlines->len / 2;

  memset (dst, 0, 2 * n * sizeof *dst);
  if (n_points == 0)
    return;
  /* Points equally far stay in this order: inside, then on the outlines. */
  tess_mask_interior (mask, n - n_outline, pick, data, dst);
  for (gint i = 0; i < n_outline; i++)
    {
      gdouble step = n_outline > 1 ? (n_points - 1.0) / (n_outline - 1) : 0.0;
      gint at = i == n_outline - 1 ? n_points - 1 : (gint) (i * step);
      gfloat *point = dst + 2 * (n - n_outline + i);

      point[0] = (gfloat) g_array_index (outlines, gint, 2 * at);
      point[1] = (gfloat) g_array_index (outlines, gint, 2 * at + 1);
    }
  sort_numbers (dst, n);
}

void
tess_mask_scribble (
    const TessMask *mask, gint n, TessPick pick, gpointer data, gfloat *dst)
{
  gint n_cells;
  g_autofree Point *cells = list_cells (mask, &n_cells);

  memset (dst, 0, 2 * n * sizeof *dst);
  if (n_cells == 0)
    return;
  if (pick == NULL)
    pick = pick_hashed, data = (gpointer) mask;
  for (gint i = 0; i < n; i++)
    write_points (&cells[pick (i, n_cells, data)], 1, dst + 2 * i);
  sort_numbers (dst, n);
}

void
tess_stroke_resample (const gfloat *points, gint n_points, gint n, gfloat *dst)
{
  g_autofree gfloat *sorted = g_memdup2 (points, 2 * n_points * sizeof *points);

  memset (dst, 0, 2 * n * sizeof *dst);
  if (n_points == 0)
    return;
  sort_numbers (sorted, n_points);
  for (gint i = 0; i < n; i++)
    {
      gint at = n_points >= n ? i * (n_points / n) : i * n_points / n;

      memcpy (dst + 2 * i, sorted + 2 * at, 2 * sizeof *dst);
    }
  sort_numbers (dst, n);
}

gboolean
tess_mask_bounds (const TessMask *mask, gint bounds[4])
{
  bounds[0] = mask->w;
  bounds[1] = mask->h;
  bounds[2] = bounds[3] = 0;
  for (gint y = 0; y < mask->h; y++)
    for (gint x = 0; x < mask->w; x++)
      if (mask->cells[(gsize) y * mask->w + x] != 0)
        {
          bounds[0] = MIN (bounds[0], x);
          bounds[1] = MIN (bounds[1], y);
          bounds[2] = MAX (bounds[2], x + 1);
          bounds[3] = MAX (bounds[3], y + 1);
        }
  return bounds[2] > bounds[0];
}
