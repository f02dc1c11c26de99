/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/core/blend.c: weights and sums of core/blend.h. */
#include "core/blend.h"
#include "tests/harness.h"

#include <math.h>
#include <string.h>

static TessTilePlan *
plan_new (gint w, gint h, gint tile, gint overlap, TessGrid grid)
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
    .grid_y = grid == TESS_GRID_RING ? TESS_GRID_ANCHORED : grid,
  };

  return tess_tile_plan_new (&settings, NULL);
}

static gfloat *
canvas_new (gsize n, guint32 seed)
{
  GRand *rand = g_rand_new_with_seed (seed);
  gfloat *canvas = g_new (gfloat, n);

  for (gsize i = 0; i < n; i++)
    canvas[i] = (gfloat) g_rand_double_range (rand, -5.0, 5.0);
  g_rand_free (rand);
  return canvas;
}

typedef void (*TileFunc) (gint tile, gfloat *cells, gsize n);

/* Gathers every tile, changes it, sums it up, in the order given. */
static gfloat *
fuse (const TessTilePlan *plan,
      TessTileWeight weight,
      gdouble bias,
      const gfloat *canvas,
      TileFunc func,
      const gint *order)
{
  g_autoptr (TessBlend) blend = tess_blend_new (plan, weight, bias);
  gsize n = (gsize) 2 * plan->width * plan->height;
  gsize n_tile = (gsize) 2 * plan->tile_w * plan->tile_h;
  g_autofree gint64 *sum = g_new0 (gint64, n);
  g_autofree gfloat *cells = g_new (gfloat, n_tile);
  gfloat *dst = g_new (gfloat, n);

  for (gint k = 0; k < plan->n_tiles; k++)
    {
      gint i = order ? order[k] : k;

      tess_blend_gather (plan, i, 2, canvas, cells);
      if (func)
        func (i, cells, n_tile);
      ck_assert (tess_blend_add (blend, plan, i, 2, cells, NULL, sum));
    }
  tess_blend_read (sum, dst, n);
  return dst;
}

static void
fill_with_one (gint tile, gfloat *cells, gsize n)
{
  for (gsize i = 0; i < n; i++)
    cells[i] = 1.0f;
}

static void
square (gint tile, gfloat *cells, gsize n)
{
  for (gsize i = 0; i < n; i++)
    cells[i] = cells[i] * cells[i] - 1.0f;
}

/* Spec 8.2, 6: a function of each cell alone comes out as if untiled, for
 * every grid, weight and overlap; constants come out as they are. */
START_TEST (test_identity)
{
  static const gint overlaps[] = { 0, 5, 8, 15 };

  for (gint grid = TESS_GRID_EVEN; grid <= TESS_GRID_RING; grid++)
    for (gint weight = 0; weight <= TESS_WEIGHT_QUARTIC; weight++)
      for (guint o = 0; o < G_N_ELEMENTS (overlaps); o++)
        for (gint bias = 0; bias < 2; bias++)
          for (gint w = 16; w <= 61; w += 15)
            {
              g_autoptr (TessTilePlan) plan
                  = plan_new (w, 75 - w, 16, overlaps[o], (TessGrid) grid);
              gsize n = (gsize) 2 * plan->width * plan->height;
              g_autofree gfloat *canvas = canvas_new (n, w);
              g_autofree gfloat *same = fuse (plan, (TessTileWeight) weight,
                                              0.5 * bias, canvas, square, NULL);
              g_autofree gfloat *ones
                  = fuse (plan, (TessTileWeight) weight, 0.5 * bias, canvas,
                          fill_with_one, NULL);

              square (0, canvas, n);
              for (gsize i = 0; i < n; i++)
                {
                  ck_assert_float_eq_tol (same[i], canvas[i], 2e-6f);
                  ck_assert_float_eq_tol (ones[i], 1.0f, 1e-7f);
                }
            }
}
END_TEST

static void
mark (gint tile, gfloat *cells, gsize n)
{
  for (gsize i = 0; i < n; i++)
    cells[i] = sinf (cells[i] * (gfloat) (tile + 1)) * 3.0f;
}

/* Spec 8.2, 8: any order of tiles, the same bits. */
START_TEST (test_order)
{
  g_autoptr (TessTilePlan) plan = plan_new (70, 50, 16, 10, TESS_GRID_RING);
  gsize n = (gsize) 2 * plan->width * plan->height;
  g_autofree gfloat *canvas = canvas_new (n, 9);
  g_autofree gint *order = g_new (gint, plan->n_tiles);
  g_autofree gfloat *straight
      = fuse (plan, TESS_WEIGHT_GAUSSIAN, 0.0, canvas, mark, NULL);
  GRand *rand = g_rand_new_with_seed (3);

  for (gint round = 0; round < 20; round++)
    {
      for (gint i = 0; i < plan->n_tiles; i++)
        {
          gint j = g_rand_int_range (rand, 0, i + 1);

          order[i] = order[j];
          order[j] = i;
        }
      {
        g_autofree gfloat *shuffled
            = fuse (plan, TESS_WEIGHT_GAUSSIAN, 0.0, canvas, mark, order);

        ck_assert_mem_eq (straight, shuffled, n * sizeof *straight);
      }
    }
  g_rand_free (rand);
}
END_TEST

/* A tile's corner weighs 1.4e-11 of its centre and still gives the cell its
 * whole value where no other tile covers it. */
START_TEST (test_corner)
{
  g_autoptr (TessTilePlan) plan = plan_new (320, 320, 256, 128, TESS_GRID_EVEN);
  gsize n = (gsize) 2 * plan->width * plan->height;
  g_autofree gfloat *canvas = canvas_new (n, 5);
  g_autofree gfloat *same
      = fuse (plan, TESS_WEIGHT_GAUSSIAN, 0.0, canvas, NULL, NULL);

  ck_assert_float_eq_tol (same[0], canvas[0], 1e-6f);
  ck_assert_float_eq_tol (same[n - 1], canvas[n - 1], 1e-6f);
}
END_TEST

/* The Gaussian of StableSR and Mixture of Diffusers, before it is brought to
 * sum 1: two tiles side by side, weights at one row. */
START_TEST (test_gaussian)
{
  g_autoptr (TessTilePlan) plan = plan_new (24, 16, 16, 8, TESS_GRID_EVEN);
  g_autoptr (TessBlend) blend
      = tess_blend_new (plan, TESS_WEIGHT_GAUSSIAN, 0.0);

  for (gint x = 8; x < 16; x++)
    {
      gdouble a = (x - 7.5) / 16.0, b = (x - 8 - 7.5) / 16.0;
      gdouble left = exp (-a * a / 0.02), right = exp (-b * b / 0.02);

      ck_assert_double_eq_tol (blend->x[x], left / (left + right), 1e-12);
      ck_assert_double_eq_tol (blend->x[16 + x - 8], right / (left + right),
                               1e-12);
    }
  ck_assert_double_eq (blend->x[0], 1.0);
}
END_TEST

START_TEST (test_not_finite)
{
  static const gfloat bad[] = { NAN, INFINITY, -INFINITY, 3e6f };
  g_autoptr (TessTilePlan) plan = plan_new (24, 16, 16, 8, TESS_GRID_EVEN);
  g_autoptr (TessBlend) blend = tess_blend_new (plan, TESS_WEIGHT_UNIFORM, 0.0);
  gint64 sum[24 * 16] = { 0 };
  gfloat cells[16 * 16] = { 0 };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      cells[100] = bad[i];
      ck_assert (!tess_blend_add (blend, plan, 1, 1, cells, NULL, sum));
    }
  cells[100] = 5e5f; /* large: the slow way */
  ck_assert (tess_blend_add (blend, plan, 1, 1, cells, NULL, sum));
}
END_TEST

Suite *
tess_test_suite (void)
{
  Suite *suite = suite_create ("blend");
  TCase *tcase = tcase_create ("blend");

  tcase_add_test (tcase, test_identity);
  tcase_add_test (tcase, test_order);
  tcase_add_test (tcase, test_corner);
  tcase_add_test (tcase, test_gaussian);
  tcase_add_test (tcase, test_not_finite);
  suite_add_tcase (suite, tcase);
  return suite;
}
