/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/core/tile-plan.c: the grids of core/tile-plan.h. */
#include "core/error.h"
#include "core/tile-plan.h"
#include "tests/harness.h"

static TessTilePlan *
plan_new (gint h, gint w, gint tile, gint overlap, TessGrid grid)
{
  const TessTileSettings settings = {
    .width = w,
    .height = h,
    .tile_w = tile,
    .tile_h = tile,
    .overlap_x = overlap,
    .overlap_y = overlap,
    .align = 8,
    .grid_x = grid,
    .grid_y = grid == TESS_GRID_RING ? TESS_GRID_EVEN : grid,
  };
  g_autoptr (GError) error = NULL;
  TessTilePlan *plan = tess_tile_plan_new (&settings, &error);

  ck_no_error (error);
  return plan;
}

/* get_views of MultiDiffusion (omerbt/MultiDiffusion@69bcdce, panorama.py)
 * where its stride divides the rest: rows of top, left. */
static const struct
{
  gint h, w, tile, stride, n;
  gint views[25][2];
} upstream[] = {
  { 64, 256, 64, 8, 25, { { 0, 0 },   { 0, 8 },   { 0, 16 },  { 0, 24 },
                          { 0, 32 },  { 0, 40 },  { 0, 48 },  { 0, 56 },
                          { 0, 64 },  { 0, 72 },  { 0, 80 },  { 0, 88 },
                          { 0, 96 },  { 0, 104 }, { 0, 112 }, { 0, 120 },
                          { 0, 128 }, { 0, 136 }, { 0, 144 }, { 0, 152 },
                          { 0, 160 }, { 0, 168 }, { 0, 176 }, { 0, 184 },
                          { 0, 192 } } },
  { 64, 64, 64, 8, 1, { { 0, 0 } } },
  { 96, 64, 64, 8, 5, { { 0, 0 }, { 8, 0 }, { 16, 0 }, { 24, 0 }, { 32, 0 } } },
  { 16,
    40,
    16,
    4,
    7,
    { { 0, 0 },
      { 0, 4 },
      { 0, 8 },
      { 0, 12 },
      { 0, 16 },
      { 0, 20 },
      { 0, 24 } } },
  { 24,
    32,
    16,
    8,
    6,
    { { 0, 0 }, { 0, 8 }, { 0, 16 }, { 8, 0 }, { 8, 8 }, { 8, 16 } } },
};

START_TEST (test_upstream_views)
{
  static const TessGrid grids[] = { TESS_GRID_EVEN, TESS_GRID_ANCHORED };

  for (guint g = 0; g < G_N_ELEMENTS (grids); g++)
    for (guint k = 0; k < G_N_ELEMENTS (upstream); k++)
      {
        gint tile = upstream[k].tile;
        g_autoptr (TessTilePlan) plan
            = plan_new (upstream[k].h, upstream[k].w, tile,
                        tile - upstream[k].stride, grids[g]);

        ck_assert_int_eq (plan->n_tiles, upstream[k].n);
        for (gint i = 0; i < plan->n_tiles; i++)
          {
            TessTile t = tess_tile_plan_tile (plan, i);

            ck_assert_int_eq (t.y, upstream[k].views[i][0]);
            ck_assert_int_eq (t.x, upstream[k].views[i][1]);
          }
      }
}
END_TEST

/* Every cell of every size is covered, and no tile leaves the canvas. */
START_TEST (test_coverage)
{
  static const gint overlaps[] = { 0, 1, 3, 8, 12, 15 };

  for (gint grid = TESS_GRID_EVEN; grid <= TESS_GRID_RING; grid++)
    for (gint w = 8; w < 90; w++)
      for (guint o = 0; o < G_N_ELEMENTS (overlaps); o++)
        {
          gint h = 3 + (w * 7) % 40;
          g_autoptr (TessTilePlan) plan
              = plan_new (h, w, 16, overlaps[o], (TessGrid) grid);
          g_autofree gint *counts = g_new0 (gint, plan->width * plan->height);

          ck_assert_int_ge (plan->width, w);
          ck_assert_int_ge (plan->height, h);
          ck_assert_int_eq (plan->tile_w % 8, 0);
          ck_assert_int_eq (plan->tile_h % 8, 0);
          for (gint i = 0; i < plan->n_tiles; i++)
            {
              TessTile t = tess_tile_plan_tile (plan, i);

              ck_assert_int_le (t.y + plan->tile_h, plan->height);
              if (!plan->wrap_x)
                ck_assert_int_le (t.x + plan->tile_w, plan->width);
              for (gint y = 0; y < plan->tile_h; y++)
                for (gint x = 0; x < plan->tile_w; x++)
                  counts[(t.y + y) * plan->width + (t.x + x) % plan->width]++;
            }
          for (gint i = 0; i < plan->width * plan->height; i++)
            ck_assert_int_ge (counts[i], 1);
        }
}
END_TEST

START_TEST (test_small_canvas)
{
  g_autoptr (TessTilePlan) flat = plan_new (37, 50, 64, 32, TESS_GRID_EVEN);
  g_autoptr (TessTilePlan) ring = plan_new (37, 50, 64, 32, TESS_GRID_RING);

  ck_assert_int_eq (flat->n_tiles, 1);
  ck_assert_int_eq (flat->tile_w, 56);
  ck_assert_int_eq (flat->tile_h, 40);
  ck_assert_int_eq (flat->width, 56);
  ck_assert_int_eq (flat->height, 40);
  /* A ring is not padded: its period is the picture. */
  ck_assert_int_eq (ring->width, 50);
  ck_assert_int_eq (ring->tile_w, 48);
  ck_assert_int_ge (ring->n_x, 2);
}
END_TEST

/* The even grid's overlap is at least the one asked for. */
START_TEST (test_even_overlap)
{
  for (gint w = 64; w < 400; w++)
    {
      g_autoptr (TessTilePlan) plan = plan_new (64, w, 64, 24, TESS_GRID_EVEN);

      for (gint i = 1; i < plan->n_x; i++)
        ck_assert_int_le (plan->starts_x[i] - plan->starts_x[i - 1], 40);
    }
}
END_TEST

/* Spec 8.2, 9: what overlap costs; half-overlapping tiles stay within 4. */
START_TEST (test_overlap_cost)
{
  g_autoptr (TessTilePlan) one = plan_new (128, 128, 64, 32, TESS_GRID_EVEN);
  g_autoptr (TessTilePlan) big = plan_new (1024, 1024, 64, 32, TESS_GRID_EVEN);
  g_autoptr (TessTilePlan) none = plan_new (256, 256, 64, 0, TESS_GRID_EVEN);

  ck_assert_int_eq (one->n_tiles, 9);
  ck_assert_double_eq_tol (tess_tile_plan_cost (one), 2.25, 1e-12);
  ck_assert_double_le (tess_tile_plan_cost (big), 4.0);
  ck_assert_double_eq_tol (tess_tile_plan_cost (none), 1.0, 1e-12);
}
END_TEST

START_TEST (test_refused)
{
  static const TessTileSettings bad[] = {
    { 64, 64, 60, 64, 8, 8, 8, TESS_GRID_EVEN, TESS_GRID_EVEN },
    { 64, 64, 64, 4, 2, 2, 8, TESS_GRID_EVEN, TESS_GRID_EVEN },
    { 64, 64, 64, 64, 64, 8, 8, TESS_GRID_EVEN, TESS_GRID_EVEN },
    { 64, 64, 64, 64, 8, -1, 8, TESS_GRID_EVEN, TESS_GRID_EVEN },
    { 7, 64, 64, 64, 8, 8, 8, TESS_GRID_RING, TESS_GRID_EVEN },
    { 32768, 32768, 64, 64, 63, 63, 8, TESS_GRID_EVEN, TESS_GRID_EVEN },
  };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;

      ck_assert_ptr_null (tess_tile_plan_new (&bad[i], &error));
      ck_assert (g_error_matches (error, TESS_ERROR, TESS_ERROR_REQUEST));
    }
}
END_TEST

Suite *
tess_test_suite (void)
{
  Suite *suite = suite_create ("tile-plan");
  TCase *tcase = tcase_create ("tile-plan");

  tcase_add_test (tcase, test_upstream_views);
  tcase_add_test (tcase, test_coverage);
  tcase_add_test (tcase, test_small_canvas);
  tcase_add_test (tcase, test_even_overlap);
  tcase_add_test (tcase, test_overlap_cost);
  tcase_add_test (tcase, test_refused);
  suite_add_tcase (suite, tcase);
  return suite;
}
