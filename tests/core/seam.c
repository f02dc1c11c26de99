/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/core/seam.c: pictures with and without seams of known size. */
#include "core/seam.h"
#include "core/error.h"
#include "tests/harness.h"

#include <math.h>
#include <string.h>

#define W 512
#define H 192
#define PERIOD 64

typedef struct
{
  gboolean rows;     /* the same picture, turned */
  gdouble turns;     /* of the wave along the ring: whole ones close */
  gdouble step;      /* added from left to right, so that the end jumps */
  gdouble tile_edge; /* added right of each tile border */
  gdouble slope;     /* of a mountain's side over the place where edges meet */
} Made;

#define SIDE 48 /* columns on either side that it is steep */

/* Steepest where the edges meet, level SIDE columns away, and back. */
static gdouble
mountain (gint x)
{
  gdouble d = x < W / 2 ? x + 0.5 : x + 0.5 - W;
  gdouble top = 2.0 * SIDE / 3.0;

  if (fabs (d) < SIDE)
    return d - d * d * d / (3.0 * SIDE * SIDE);
  return copysign (top * (W / 2 - fabs (d)) / (W / 2 - SIDE), d);
}

/* A smooth wave with grain. */
static GeglBuffer *
picture_new (const Made *made)
{
  gint w = made->rows ? H : W, h = made->rows ? W : H;
  GeglBuffer *picture = gegl_buffer_new (GEGL_RECTANGLE (0, 0, w, h),
                                         babl_format ("R'G'B' float"));
  g_autofree gfloat *v = g_new (gfloat, (gsize) w * h * 3);
  GRand *rand = g_rand_new_with_seed (7);

  for (gint x = 0; x < W; x++)
    for (gint y = 0; y < H; y++)
      {
        gdouble u = (gdouble) x / W;
        gdouble tone = 0.5 + 0.2 * sin (2.0 * G_PI * made->turns * u + 0.01 * y)
                       + made->step * u + made->slope * mountain (x)
                       + (x % PERIOD == 0 ? made->tile_edge : 0.0);
        gsize at = made->rows ? (gsize) x * w + y : (gsize) y * w + x;

        for (gint c = 0; c < 3; c++)
          v[at * 3 + c]
              = (gfloat) (tone + g_rand_double_range (rand, -.02, .02));
      }
  gegl_buffer_set (picture, NULL, 0, babl_format ("R'G'B' float"), v,
                   GEGL_AUTO_ROWSTRIDE);
  g_rand_free (rand);
  return picture;
}

static TessSeamProfile *
profile_of (const Made *made)
{
  const TessSeamSettings settings = { .rows = made->rows };
  g_autoptr (GeglBuffer) picture = picture_new (made);
  g_autoptr (GError) error = NULL;
  TessSeamProfile *profile
      = tess_seam_profile_new (picture, &settings, NULL, &error);

  ck_no_error (error);
  ck_assert_int_eq (profile->n, W);
  return profile;
}

static const struct
{
  Made made;
  TessSeamVerdict line, tone;
} closings[] = {
  { { .turns = 2 }, TESS_SEAM_NONE, TESS_SEAM_NONE },
  { { .turns = 2, .rows = TRUE }, TESS_SEAM_NONE, TESS_SEAM_NONE },
  { { .turns = 1.5 }, TESS_SEAM_CLEAR, TESS_SEAM_CLEAR },
  { { .turns = 2, .step = 0.2 }, TESS_SEAM_CLEAR, TESS_SEAM_CLEAR },
  { { .turns = 2, .step = 0.2, .rows = TRUE },
    TESS_SEAM_CLEAR,
    TESS_SEAM_CLEAR },
  /* steeper than any other place, and so is what is beside it */
  { { .turns = 2, .slope = 0.02 }, TESS_SEAM_NONE, TESS_SEAM_NONE },
  { { .turns = 2, .slope = 0.02, .step = 0.2 },
    TESS_SEAM_CLEAR,
    TESS_SEAM_CLEAR },
  /* the grain hides the line; 32 columns on each side still tell the tone */
  { { .turns = 2, .step = 0.012 }, TESS_SEAM_NONE, TESS_SEAM_FAINT },
};

START_TEST (test_closing)
{
  TessSeamClosing closing;
  g_autoptr (TessSeamProfile) profile = profile_of (&closings[_i].made);

  tess_seam_closing (profile, &closing);
  ck_assert_msg (tess_seam_judge_line (&closing) == closings[_i].line
                     && tess_seam_judge_tone (&closing) == closings[_i].tone,
                 "case %d: line %.3f (%.0f %%), tone %.3f (%.0f %%)", _i,
                 closing.line, closing.line_percent, closing.tone,
                 closing.tone_percent);
}
END_TEST

START_TEST (test_step_is_measured)
{
  const Made made = { .turns = 2, .step = 0.1 };
  TessSeamClosing closing;
  g_autoptr (TessSeamProfile) profile = profile_of (&made);

  tess_seam_closing (profile, &closing);
  ck_assert_double_eq_tol (closing.tone_step, 0.1, 0.01);
}
END_TEST

START_TEST (test_period)
{
  const Made with = { .turns = 2, .tile_edge = 0.02 }, without = { .turns = 2 };
  g_autoptr (TessSeamProfile) tiles = profile_of (&with);
  g_autoptr (TessSeamProfile) none = profile_of (&without);

  ck_assert_int_eq (
      tess_seam_judge_period (tess_seam_period (tiles, W, PERIOD)),
      TESS_SEAM_CLEAR);
  ck_assert_int_eq (tess_seam_judge_period (tess_seam_period (none, W, PERIOD)),
                    TESS_SEAM_NONE);
}
END_TEST

/* On the sphere a fault at the poles hardly counts. */
START_TEST (test_sphere)
{
  const Made made = { 0 };
  g_autoptr (GeglBuffer) picture = picture_new (&made);
  g_autofree gfloat *white = g_new (gfloat, (gsize) H * 3);
  gdouble tone[2];

  for (gint i = 0; i < H * 3; i++)
    white[i] = 1.0F;
  for (gint y = 0; y < 2; y++)
    gegl_buffer_set (picture, GEGL_RECTANGLE (W - 40, y * (H - 1), 40, 1), 0,
                     babl_format ("R'G'B' float"), white, GEGL_AUTO_ROWSTRIDE);
  for (gint sphere = 0; sphere < 2; sphere++)
    {
      const TessSeamSettings settings = { .sphere = sphere };
      TessSeamClosing closing;
      g_autoptr (TessSeamProfile) profile
          = tess_seam_profile_new (picture, &settings, NULL, NULL);

      tess_seam_closing (profile, &closing);
      tone[sphere] = closing.tone_step;
    }
  ck_assert_double_lt (tone[1], 0.3 * tone[0]);
}
END_TEST

START_TEST (test_refusals)
{
  const TessSeamSettings settings = { 0 };
  g_autoptr (GeglBuffer) small = gegl_buffer_new (GEGL_RECTANGLE (0, 0, 127, 8),
                                                  babl_format ("R'G'B' float"));
  g_autoptr (GeglBuffer) large = gegl_buffer_new (GEGL_RECTANGLE (0, 0, 128, 8),
                                                  babl_format ("R'G'B' float"));
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (TessSeamProfile) profile = NULL;

  ck_assert_ptr_null (tess_seam_profile_new (small, &settings, NULL, &error));
  ck_assert (g_error_matches (error, TESS_ERROR, TESS_ERROR_REQUEST));
  g_clear_error (&error);
  g_cancellable_cancel (cancellable);
  ck_assert_ptr_null (
      tess_seam_profile_new (large, &settings, cancellable, &error));
  ck_assert (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
  profile = tess_seam_profile_new (large, &settings, NULL, NULL);
  ck_assert_ptr_nonnull (profile);
}
END_TEST

Suite *
tess_test_suite (void)
{
  Suite *suite = suite_create ("core/seam");
  TCase *closing = tcase_create ("closing");

  gegl_init (NULL, NULL);
  tcase_add_loop_test (closing, test_closing, 0, G_N_ELEMENTS (closings));
  suite_add_tcase (suite, closing);
  tess_test_add (suite, "the step is measured", test_step_is_measured);
  tess_test_add (suite, "a period of tiles", test_period);
  tess_test_add (suite, "rows on a sphere", test_sphere);
  tess_test_add (suite, "refusals", test_refusals);
  return suite;
}
