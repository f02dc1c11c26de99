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
 * with the other columns at the same place in their cells. What it is beside
 * the median of all columns is told too, with the same of cells' edges where
 * no tile has one: the two differ by what the tiles do, and only by that. */
#include "core/png-file.h"
#include "core/random.h"
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

#define N_NUMBERS 7

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
  { "edges over all columns", 0.0 }, /* told, not judged */
  { "other cells over all columns", 0.0 },
};

/* A picture seen along one axis: "columns" run across it. */
typedef struct
{
  TessSeamProfile *profile;
  gboolean wrap; /* the last column meets the first */
} View;

typedef struct
{
  gdouble v[N_NUMBERS]; /* as names; 1: no seam */
} Result;

/* The place where the last column meets the first. */
#define N_CLOSING 6

static const struct
{
  const gchar *name;
  gdouble limit;
} closings[N_CLOSING] = {
  { "gradient", 1.25 },          /* over the median of all columns */
  { "percentile", 97.0 },        /* of all columns */
  { "gradient in cells", 1.25 }, /* over the mean of cells' edges */
  { "percentile in cells", 97.0 },
  { "tone step", 1.2 }, /* over the mean of all columns */
  /* The mean of cells' edges over the median of all columns: what the first
   * number would be at any of them. Told, not judged. */
  { "gradient of cells", 0.0 },
};

typedef struct
{
  gdouble v[N_CLOSING];
  /* The first number at each cell's edge, the fifth at each column. */
  gdouble *lines, *tones;
  gint n_lines, n_tones;
} Closing;

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

static gint
compare_numbers (gconstpointer a, gconstpointer b)
{
  gdouble u = *(const gdouble *) a, v = *(const gdouble *) b;

  return (u > v) - (u < v);
}

static gdouble
median_of (const gdouble *v, gint n)
{
  g_autofree gdouble *sorted = g_memdup2 (v, n * sizeof *v);

  qsort (sorted, n, sizeof *sorted, compare_numbers);
  return MAX (sorted[n / 2], 1e-12);
}

/* The mean at the cells' edges of one kind over the median of all columns. */
static gdouble
over_all (const gdouble *v, const guint8 *marks, gint n, guint8 kind)
{
  gdouble sum = 0.0;
  gint count = 0;

  for (gint b = CELL - 1; b < n; b += CELL)
    if (marks[b] == kind)
      {
        sum += v[b];
        count++;
      }
  return count > 0 ? sum / count / median_of (v, n) : 1.0;
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
                      contrast (s, marks, view, HANDOVER, 1), 1.0,
                      over_all (g, marks, n - !view->wrap, EDGE),
                      over_all (g, marks, n - !view->wrap, ELSEWHERE) } };

  if (n_starts > 1)
    r.v[4] = tess_seam_period (
        view->profile, view->wrap ? n : n - 1,
        (gdouble) CELL
            * (view->wrap ? (gdouble) n / CELL / n_starts
                          : (gdouble) (starts[n_starts - 1] - starts[0])
                                / (n_starts - 1)));
  return r;
}

/* Column @n - 1's value over that of every @step-th column: over their median
 * or mean, and as a percentile. */
static void
rank_last (const gdouble *v,
           gint n,
           gint step,
           gboolean median,
           gdouble *ratio,
           gdouble *percentile)
{
  g_autofree gdouble *sorted = g_new (gdouble, n / step);
  gdouble sum = 0.0;
  gint m = 0, below = 0;

  for (gint b = step - 1; b < n; b += step)
    {
      sorted[m++] = v[b];
      sum += v[b];
      below += v[b] < v[n - 1];
    }
  qsort (sorted, m, sizeof *sorted, compare_numbers);
  *ratio = v[n - 1] / MAX (median ? sorted[m / 2] : sum / m, 1e-12);
  if (percentile)
    *percentile = 100.0 * below / m;
}

static Closing
check_closing (const TessSeamProfile *profile)
{
  gint n = profile->n;
  gdouble median = median_of (profile->gradient, n), mean = 0.0;
  Closing r;

  rank_last (profile->gradient, n, 1, TRUE, &r.v[0], &r.v[1]);
  rank_last (profile->gradient, n, CELL, FALSE, &r.v[2], &r.v[3]);
  rank_last (profile->tone, n, 1, FALSE, &r.v[4], NULL);
  r.n_lines = n / CELL;
  r.lines = g_new (gdouble, r.n_lines);
  r.n_tones = n;
  r.tones = g_new (gdouble, n);
  r.v[5] = 0.0;
  for (gint i = 0; i < r.n_lines; i++)
    {
      r.lines[i] = profile->gradient[(i + 1) * CELL - 1] / median;
      r.v[5] += r.lines[i] / r.n_lines;
    }
  for (gint i = 0; i < n; i++)
    mean += profile->tone[i] / n;
  for (gint i = 0; i < n; i++)
    r.tones[i] = profile->tone[i] / MAX (mean, 1e-12);
  return r;
}

/* In how many of many draws, in percent, one place of each picture taken by
 * chance has as much on average as those where edges meet. */
static gdouble
chance (const Closing *all, gint n, gboolean tone)
{
  const gint n_draws = 20000;
  gdouble sum = 0.0;
  gint as_much = 0;

  for (gint i = 0; i < n; i++)
    sum += all[i].v[tone ? 4 : 0];
  for (gint k = 0; k < n_draws; k++)
    {
      gdouble drawn = 0.0;

      for (gint i = 0; i < n; i++)
        {
          guint64 random = tess_random_hash (1, (guint64) k * n + i);

          drawn += tone ? all[i].tones[random % (guint64) all[i].n_tones]
                        : all[i].lines[random % (guint64) all[i].n_lines];
        }
      as_much += drawn >= sum;
    }
  return 100.0 * as_much / n_draws;
}

static void
closings_free (Closing *all, gint n)
{
  for (gint i = 0; i < n; i++)
    {
      g_free (all[i].lines);
      g_free (all[i].tones);
    }
  g_free (all);
}

/* The gradients of the first @strip columns over those of the last: a method
 * that leaves them to chance shows there. */
static gdouble
check_strip (const TessSeamProfile *profile, gint strip)
{
  const gdouble *g = profile->gradient;
  gdouble first = 0.0, last = 0.0;

  for (gint b = 0; b < strip; b++)
    {
      first += g[b];
      last += g[profile->n - 2 - b];
    }
  return first / MAX (last, 1e-12);
}

typedef struct
{
  Result *results;
  gint n;
  Closing *closings;
  gint n_closings;
  gdouble *strips;
  gint n_strips;
} Axis;

/* The mean over pictures, and how sure that is; @limit 0: not judged. */
static gboolean
print_number (const gchar *axis,
              const gchar *name,
              gdouble limit,
              const gdouble *values,
              gint n,
              gsize stride)
{
  gdouble sum = 0.0, squares = 0.0, error, mean;

  for (gint i = 0; i < n; i++)
    {
      gdouble v = values[i * stride];

      sum += v;
      squares += v * v;
    }
  mean = sum / n;
  error = n > 1 ? sqrt (MAX (squares / n - mean * mean, 0.0) / (n - 1)) : 0.0;
  if (limit <= 0.0)
    {
      printf ("%-8s %-30s %.3f +- %.3f\n", axis, name, mean, error);
      return TRUE;
    }
  printf ("%-8s %-30s %.3f +- %.3f  (limit %.2f) %s\n", axis, name, mean, error,
          limit,
          mean <= limit                 ? "good"
          : mean - 2.0 * error <= limit ? "good within its error"
                                        : "SEAM");
  return mean - 2.0 * error <= limit;
}

static gboolean
print_axis (const gchar *name, const Axis *axis)
{
  gboolean good = TRUE;

  for (gint k = 0; axis->n > 0 && k < N_NUMBERS; k++)
    good = print_number (name, numbers[k].name, numbers[k].limit,
                         &axis->results[0].v[k], axis->n, N_NUMBERS)
           && good;
  for (gint k = 0; axis->n_closings > 0 && k < N_CLOSING; k++)
    {
      g_autofree gchar *full = g_strdup_printf ("closing %s", closings[k].name);

      good = print_number (name, full, closings[k].limit,
                           &axis->closings[0].v[k], axis->n_closings,
                           sizeof *axis->closings / sizeof (gdouble))
             && good;
    }
  for (gint tone = 0; axis->n_closings > 0 && tone < 2; tone++)
    printf ("%-8s %-30s %.1f %%\n", name,
            tone ? "closing tone step by chance" : "closing gradient by chance",
            chance (axis->closings, axis->n_closings, tone));
  if (axis->n_strips > 0)
    good = print_number (name, "gradient in the first strip", 1.05,
                         axis->strips, axis->n_strips, 1)
           && good;
  return good;
}

typedef struct
{
  gint tile, overlap, strip;
  gboolean ring, closing, rows, sphere;
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
      const TessSeamSettings how
          = { .rows = axis == 1, .sphere = axis == 0 && settings->sphere };
      View view = { NULL, axis == 0 && settings->ring };
      Axis *to = axis == 0 ? columns : rows;
      gboolean closes
          = axis == 0 ? settings->ring || settings->closing : settings->rows;
      gint n_starts = axis == 0 ? plan->n_x : plan->n_y;

      if ((n_starts < 2 && !closes)
          || (axis == 0 ? gegl_buffer_get_width (buffer)
                        : gegl_buffer_get_height (buffer))
                 <= 4 * TESS_SEAM_STRIP)
        continue;
      view.profile = tess_seam_profile_new (buffer, &how, NULL, error);
      if (view.profile == NULL)
        return FALSE;
      if (n_starts > 1)
        to->results[to->n++]
            = check_axis (&view, axis == 0 ? plan->starts_x : plan->starts_y,
                          n_starts, axis == 0 ? plan->tile_w : plan->tile_h);
      if (closes)
        to->closings[to->n_closings++] = check_closing (view.profile);
      if (settings->strip > 0 && view.profile->n > 2 * settings->strip)
        to->strips[to->n_strips++]
            = check_strip (view.profile, settings->strip);
      tess_seam_profile_free (view.profile);
    }
  return TRUE;
}

int
main (int argc, char **argv)
{
  Settings settings = { .tile = 64, .overlap = -1 };
  const GOptionEntry entries[] = {
    { "tile", 0, 0, G_OPTION_ARG_INT, &settings.tile,
      "side of the tiles in latent cells (64)", "N" },
    { "overlap", 0, 0, G_OPTION_ARG_INT, &settings.overlap,
      "of the tiles in latent cells (half a tile)", "N" },
    { "ring", 0, 0, G_OPTION_ARG_NONE, &settings.ring,
      "left and right edge meet, and tiles lie so", NULL },
    { "closing", 0, 0, G_OPTION_ARG_NONE, &settings.closing,
      "measure where left and right edge meet, wherever tiles lie", NULL },
    { "sphere", 0, 0, G_OPTION_ARG_NONE, &settings.sphere,
      "in columns a row counts as much as it is long on the sphere", NULL },
    { "strip", 0, 0, G_OPTION_ARG_INT, &settings.strip,
      "compare so many pixels at the left (top) with those at the other side",
      "N" },
    { "closing-rows", 0, 0, G_OPTION_ARG_NONE, &settings.rows,
      "the same for top and bottom", NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context
      = g_option_context_new ("A.png [B.png ...]");
  g_autoptr (GError) error = NULL;
  Axis columns = { 0 }, rows = { 0 };
  gboolean good;

  g_option_context_set_summary (
      context, "Measures whether tiles' edges show: the gradient across them, "
               "the step in tone, and the tiles' period; and whether the "
               "place shows where edges meet. Exit status 1: they do; 2: "
               "wrong usage.");
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
  columns.closings = g_new (Closing, argc);
  rows.closings = g_new (Closing, argc);
  columns.strips = g_new (gdouble, argc);
  rows.strips = g_new (gdouble, argc);
  for (gint i = 1; i < argc; i++)
    if (!check_picture (argv[i], &settings, &columns, &rows, &error))
      {
        g_printerr ("%s\n", error->message);
        return 2;
      }
  good = print_axis ("columns", &columns);
  good = print_axis ("rows", &rows) && good;
  g_free (columns.results);
  g_free (rows.results);
  closings_free (columns.closings, columns.n_closings);
  closings_free (rows.closings, rows.n_closings);
  g_free (columns.strips);
  g_free (rows.strips);
  return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
