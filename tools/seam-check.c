/* SPDX-License-Identifier: GPL-3.0-or-later
 * tools/seam-check.c: can the edges of tiles be measured in a picture?
 *
 * Numbers per axis, over the columns (rows) where tiles begin or end, and
 * over those where one hands over to the next:
 * the gradient across an edge over that elsewhere; the step in tone
 * across an edge over that elsewhere; and the energy of the gradients at the
 * tiles' period over that of its neighbours. All are about 1 in a picture
 * without seams. One picture is a small sample: give several.
 *
 * Tiles begin where latent cells begin, and many decoders draw a cell's edge
 * a little stronger than its inside, tiles or not. So an edge is compared
 * with the other columns at the same place in their cells. */
#include "core/png-file.h"
#include "core/seam.h"
#include "core/tile-plan.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define CELL TESS_SEAM_CELL

enum
{
  ELSEWHERE,
  EDGE,
  HANDOVER,
  N_KINDS
};

#define N_NUMBERS 5

static const struct
{
  const gchar *name;
  gdouble limit;
} numbers[N_NUMBERS] = {
  { "gradient at edges", 1.05 },
  { "tone step at edges", 1.2 },
  { "gradient at hand-overs", 1.05 },
  { "tone step at hand-overs", 1.2 },
  { "period", 2.0 },
};

/* A picture seen along one axis: "columns" run across it. */
typedef struct
{
  TessSeamProfile *profile;
  gboolean wrap; /* the last column meets the first */
} View;

typedef struct
{
  gdouble v[N_NUMBERS];          /* as names; 1: no seam */
  gdouble wrap, wrap_percentile; /* of the edge where a ring closes */
} Result;

static void
mark (guint8 *marks, gint column, gsize n, gboolean wrap, guint8 kind)
{
  if (wrap)
    marks[(column + n) % n] = kind;
  else if (column >= 0 && (gsize) column + 1 < n)
    marks[column] = kind;
}

/* EDGE: a tile begins right of the column, or ends with it. HANDOVER: two
 * neighbours weigh the same within a cell of it. */
static guint8 *
mark_columns (
    const gint *starts, gint n_starts, gint tile, gint n, gboolean wrap)
{
  guint8 *marks = g_new0 (guint8, n);

  for (gint i = 0; i + !wrap < n_starts; i++)
    {
      gint next = i + 1 < n_starts ? starts[i + 1] : starts[0] + n / CELL;
      gint middle = (next + starts[i] + tile) / 2;

      for (gint d = -1; d <= 1; d++)
        mark (marks, (middle + d) * CELL - 1, n, wrap, HANDOVER);
    }
  for (gint i = 0; i < n_starts; i++)
    {
      mark (marks, starts[i] * CELL - 1, n, wrap, EDGE);
      mark (marks, (starts[i] + tile) * CELL - 1, n, wrap, EDGE);
    }
  return marks;
}

/* @v at the columns of one kind over that elsewhere. */
static gdouble
contrast (const gdouble *v,
          const guint8 *marks,
          const View *view,
          guint8 kind,
          gint step)
{
  gint first = view->wrap ? 0 : TESS_SEAM_STRIP;
  gint last = view->profile->n - first - 1;
  gdouble sums[N_KINDS] = { 0 };
  gint counts[N_KINDS] = { 0 };

  for (gint b = (first + step - 1) / step * step + step - 1; b <= last;
       b += step)
    {
      sums[marks[b]] += v[b];
      counts[marks[b]]++;
    }
  if (counts[kind] == 0 || counts[ELSEWHERE] == 0)
    return 1.0;
  return (sums[kind] / counts[kind])
         / MAX (sums[ELSEWHERE] / counts[ELSEWHERE], 1e-12);
}

static Result
check_axis (const View *view, const gint *starts, gint n_starts, gint tile)
{
  gint n = view->profile->n;
  const gdouble *g = view->profile->gradient, *s = view->profile->tone;
  g_autofree guint8 *marks
      = mark_columns (starts, n_starts, tile, n, view->wrap);
  Result r = { .v = { contrast (g, marks, view, EDGE, CELL),
                      contrast (s, marks, view, EDGE, 1),
                      contrast (g, marks, view, HANDOVER, CELL),
                      contrast (s, marks, view, HANDOVER, 1), 1.0 } };

  if (n_starts > 1)
    r.v[4] = tess_seam_period (
        view->profile, view->wrap ? n : n - 1,
        (gdouble) CELL
            * (view->wrap ? (gdouble) n / CELL / n_starts
                          : (gdouble) (starts[n_starts - 1] - starts[0])
                                / (n_starts - 1)));
  if (view->wrap)
    {
      gdouble sum = 0.0;
      gint below = 0, n_cells = n / CELL;

      for (gint b = CELL - 1; b < n; b += CELL)
        {
          below += g[b] < g[n - 1];
          sum += g[b];
        }
      r.wrap = g[n - 1] / (sum / n_cells);
      r.wrap_percentile = 100.0 * below / n_cells;
    }
  return r;
}

typedef struct
{
  Result *results;
  gint n;
} Axis;

/* The mean over pictures, and how sure that is. */
static gboolean
print_axis (const gchar *name, const Axis *axis, gboolean wrap)
{
  gboolean good = TRUE;

  for (gint k = 0; k < N_NUMBERS; k++)
    {
      gdouble limit = numbers[k].limit;
      gdouble sum = 0.0, squares = 0.0, error, mean;

      for (gint i = 0; i < axis->n; i++)
        {
          gdouble v = axis->results[i].v[k];

          sum += v;
          squares += v * v;
        }
      mean = sum / axis->n;
      error = axis->n > 1 ? sqrt (MAX (squares / axis->n - mean * mean, 0.0)
                                  / (axis->n - 1))
                          : 0.0;
      good = good && mean - 2.0 * error <= limit;
      printf ("%-8s %-24s %.3f +- %.3f  (limit %.2f) %s\n", name,
              numbers[k].name, mean, error, limit,
              mean <= limit                 ? "good"
              : mean - 2.0 * error <= limit ? "good within its error"
                                            : "SEAM");
    }
  if (wrap)
    for (gint i = 0; i < axis->n; i++)
      {
        const Result *r = &axis->results[i];
        gboolean ok = r->wrap <= 1.25 || r->wrap_percentile <= 97.0;

        good = good && ok;
        printf ("%-8s closing                  %.3f, above %.1f %% of cells' "
                "edges %s\n",
                name, r->wrap, r->wrap_percentile, ok ? "good" : "SEAM");
      }
  return good;
}

typedef struct
{
  gint tile, overlap;
  gboolean ring;
} Settings;

static gboolean
check_picture (const gchar *path,
               const Settings *settings,
               Axis *columns,
               Axis *rows,
               GError **error)
{
  g_autoptr (GeglBuffer) buffer = tess_png_load (path, TESS_PNG_PICTURE, error);
  g_autoptr (TessTilePlan) plan = NULL;
  TessTileSettings tiles = {
    .tile_w = settings->tile,
    .tile_h = settings->tile,
    .overlap_x = settings->overlap,
    .overlap_y = settings->overlap,
    .align = 8,
    .grid_x = settings->ring ? TESS_GRID_RING : TESS_GRID_EVEN,
  };

  if (buffer == NULL)
    return FALSE;
  tiles.width = (gegl_buffer_get_width (buffer) + CELL - 1) / CELL;
  tiles.height = (gegl_buffer_get_height (buffer) + CELL - 1) / CELL;
  plan = tess_tile_plan_new (&tiles, error);
  if (plan == NULL)
    return FALSE;
  for (gint axis = 0; axis < 2; axis++)
    {
      const TessSeamSettings how = { .rows = axis == 1 };
      View view = { NULL, axis == 0 && settings->ring };
      Axis *to = axis == 0 ? columns : rows;

      if ((axis == 0 ? plan->n_x : plan->n_y) < 2
          || (axis == 0 ? gegl_buffer_get_width (buffer)
                        : gegl_buffer_get_height (buffer))
                 <= 4 * TESS_SEAM_STRIP)
        continue;
      view.profile = tess_seam_profile_new (buffer, &how, NULL, error);
      if (view.profile == NULL)
        return FALSE;
      to->results[to->n++]
          = check_axis (&view, axis == 0 ? plan->starts_x : plan->starts_y,
                        axis == 0 ? plan->n_x : plan->n_y,
                        axis == 0 ? plan->tile_w : plan->tile_h);
      tess_seam_profile_free (view.profile);
    }
  return TRUE;
}

int
main (int argc, char **argv)
{
  Settings settings = { 64, -1, FALSE };
  const GOptionEntry entries[] = {
    { "tile", 0, 0, G_OPTION_ARG_INT, &settings.tile,
      "side of the tiles in latent cells (64)", "N" },
    { "overlap", 0, 0, G_OPTION_ARG_INT, &settings.overlap,
      "of the tiles in latent cells (half a tile)", "N" },
    { "ring", 0, 0, G_OPTION_ARG_NONE, &settings.ring,
      "left and right edge meet", NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context
      = g_option_context_new ("A.png [B.png ...]");
  g_autoptr (GError) error = NULL;
  Axis columns = { 0 }, rows = { 0 };
  gboolean good = TRUE;

  g_option_context_set_summary (
      context, "Measures whether tiles' edges show: the gradient across them, "
               "the step in tone, and the tiles' period. Exit status 1: they "
               "do; 2: wrong usage.");
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error) || argc < 2)
    {
      g_printerr ("%s; --help says more\n",
                  error ? error->message : "a picture is wanted");
      return 2;
    }
  gegl_init (NULL, NULL);
  if (settings.overlap < 0)
    settings.overlap = settings.tile / 2;
  columns.results = g_new (Result, argc);
  rows.results = g_new (Result, argc);
  for (gint i = 1; i < argc; i++)
    if (!check_picture (argv[i], &settings, &columns, &rows, &error))
      {
        g_printerr ("%s\n", error->message);
        return 2;
      }
  if (columns.n > 0)
    good = print_axis ("columns", &columns, settings.ring);
  if (rows.n > 0)
    good = print_axis ("rows", &rows, FALSE) && good;
  g_free (columns.results);
  g_free (rows.results);
  return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
