/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/ui/panorama-map.c: what is seen where; no display. */
#include "ui/panorama-map.h"
#include "tests/harness.h"

#include <math.h>

#define DEGREES (G_PI / 180.0)
#define N 65

static const struct
{
  TessCamera camera;
  gfloat x, y;
  gdouble lon, lat; /* degrees */
} looks[] = {
  { { 0, 0, 90 * DEGREES }, 0, 0, 0, 0 },
  { { 0, 0, 90 * DEGREES }, 1, 0, 45, 0 },
  { { 0, 0, 90 * DEGREES }, 0, 1, 0, 45 },
  { { 0, 0, 90 * DEGREES }, 0, -1, 0, -45 },
  { { 30 * DEGREES, 0, 60 * DEGREES }, 1, 0, 60, 0 },
  { { 170 * DEGREES, 0, 60 * DEGREES }, 1, 0, -160, 0 },
  { { 0, 60 * DEGREES, 90 * DEGREES }, 0, 1, 180, 75 },
  { { 20 * DEGREES, -30 * DEGREES, 90 * DEGREES }, 0, 0, 20, -30 },
  /* from above: ahead is up, the edge is half the angle from below */
  { { 0, -90 * DEGREES, 240 * DEGREES, TRUE }, 0, 1, 0, 30 },
  { { 0, -90 * DEGREES, 240 * DEGREES, TRUE }, 1, 0, 90, 30 },
  { { 0, -90 * DEGREES, 180 * DEGREES, TRUE }, 0, 1, 0, 0 },
};

START_TEST (test_look)
{
  TessView view;
  gfloat lon, lat;

  tess_view_init (&view, &looks[_i].camera, 100, 100);
  tess_view_look (&view, looks[_i].x, looks[_i].y, &lon, &lat);
  ck_assert_double_eq_tol (lat / DEGREES, looks[_i].lat, 1e-3);
  ck_assert_double_eq_tol (remainder (lon / DEGREES - looks[_i].lon, 360.0),
                           0.0, 1e-3);
}
END_TEST

/* A picture whose colors are its longitude and latitude, 8 bits each. */
static TessPixels
sphere_new (gint width, gint height)
{
  TessPixels picture
      = { g_malloc ((gsize) width * height * 3), width, height, width * 3 };

  for (gint y = 0; y < height; y++)
    for (gint x = 0; x < width; x++)
      {
        guint8 *p = picture.rgb + (gsize) y * picture.stride + x * 3;

        p[0] = (guint8) (127.5 + 127.0 * cos (2.0 * G_PI * (x + 0.5) / width));
        p[1] = (guint8) (127.5 + 127.0 * sin (2.0 * G_PI * (x + 0.5) / width));
        p[2] = (guint8) (255.0 * (y + 0.5) / height);
      }
  return picture;
}

/* What is drawn is what lies in the direction looked at; the edge at the back
 * is no exception. */
START_TEST (test_draw)
{
  TessPixels picture = sphere_new (1024, 512);
  const TessCamera camera
      = { (_i * 45 - 180) * DEGREES, 10 * DEGREES, 100 * DEGREES, _i % 2 };
  guint32 frame[N * N];
  TessView view;

  tess_view_init (&view, &camera, N, N);
  tess_panorama_draw (&picture, &camera, frame, N, N, N);
  for (gint y = 0; y < N; y++)
    for (gint x = 0; x < N; x++)
      {
        gfloat lon, lat;
        guint32 pixel = frame[y * N + x];

        tess_view_look (&view, 2.0F * (x + 0.5F) / N - 1.0F,
                        1.0F - 2.0F * (y + 0.5F) / N, &lon, &lat);
        ck_assert_double_eq_tol ((gdouble) (pixel >> 16 & 255),
                                 127.0 - 127.0 * cos (lon), 3.0);
        ck_assert_double_eq_tol ((gdouble) (pixel >> 8 & 255),
                                 127.0 - 127.0 * sin (lon), 3.0);
        ck_assert_double_eq_tol ((gdouble) (pixel & 255),
                                 255.0 * (0.5 - lat / G_PI), 3.0);
      }
  g_free (picture.rgb);
}
END_TEST

/* At the back the last column goes over into the first. */
START_TEST (test_back)
{
  guint8 rgb[16 * 8 * 3] = { 0 };
  const TessPixels picture = { rgb, 16, 8, 16 * 3 };
  const TessCamera back = { G_PI, 0, 10 * DEGREES };
  guint32 frame[N * N];

  for (gint y = 0; y < 8; y++)
    rgb[y * 16 * 3] = 255; /* the first column is red */
  tess_panorama_draw (&picture, &back, frame, N, N, N);
  ck_assert_double_eq_tol ((gdouble) (frame[N * N / 2] >> 16), 127.5, 3.0);
}
END_TEST

/* A flat strip leaves the sky dark. */
START_TEST (test_band)
{
  TessPixels picture = sphere_new (1024, 128);
  const TessCamera up = { 0, 80 * DEGREES, 40 * DEGREES };
  const TessCamera ahead = { 0, 0, 20 * DEGREES };
  guint32 frame[N * N];

  ck_assert_double_eq_tol (tess_panorama_span (1024, 128), G_PI / 4.0, 1e-9);
  ck_assert_double_eq_tol (tess_panorama_span (100, 100), G_PI, 1e-9);
  tess_panorama_draw (&picture, &up, frame, N, N, N);
  ck_assert_uint_eq (frame[0], 0x202020);
  tess_panorama_draw (&picture, &ahead, frame, N, N, N);
  ck_assert_uint_ne (frame[0], 0x202020);
  g_free (picture.rgb);
}
END_TEST

START_TEST (test_clamp)
{
  TessCamera camera = { 7.0, 3.0, 9.0 };

  tess_camera_clamp (&camera);
  ck_assert_double_eq_tol (camera.yaw, 7.0 - 2.0 * G_PI, 1e-12);
  ck_assert_double_eq (camera.pitch, G_PI / 2.0);
  ck_assert_double_eq (camera.fov, TESS_CAMERA_FOV_MAX);
}
END_TEST

Suite *
tess_test_suite (void)
{
  Suite *suite = suite_create ("ui/panorama-map");
  TCase *cases = tcase_create ("cases");

  tcase_add_loop_test (cases, test_look, 0, G_N_ELEMENTS (looks));
  tcase_add_loop_test (cases, test_draw, 0, 8);
  suite_add_tcase (suite, cases);
  tess_test_add (suite, "the back is closed", test_back);
  tess_test_add (suite, "a strip is a band", test_band);
  tess_test_add (suite, "bounds", test_clamp);
  return suite;
}
