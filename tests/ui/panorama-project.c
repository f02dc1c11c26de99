/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/ui/panorama-project.c: cube faces and little planets of a picture
 * whose colors say where on the sphere they are. */
#include "ui/panorama-project.h"
#include "tests/harness.h"

#include <math.h>

#define DEGREES (G_PI / 180.0)
#define W 512
#define H 256
#define N 96

/* x, y, z of each direction, as colors 0..1 of linear light. */
static GeglBuffer *
globe_new (void)
{
  GeglBuffer *globe = gegl_buffer_new (GEGL_RECTANGLE (0, 0, W, H),
                                       babl_format ("R'G'B' float"));
  g_autofree gfloat *v = g_new (gfloat, W * H * 3);

  for (gint y = 0; y < H; y++)
    for (gint x = 0; x < W; x++)
      {
        gdouble lon = 2.0 * G_PI * (x + 0.5) / W - G_PI;
        gdouble lat = G_PI * (0.5 - (y + 0.5) / H);
        gfloat *p = v + 3 * (y * W + x);

        p[0] = (gfloat) (0.5 + 0.5 * cos (lat) * sin (lon));
        p[1] = (gfloat) (0.5 + 0.5 * sin (lat));
        p[2] = (gfloat) (0.5 + 0.5 * cos (lat) * cos (lon));
      }
  gegl_buffer_set (globe, NULL, 0, babl_format ("RGB float"), v,
                   GEGL_AUTO_ROWSTRIDE);
  return globe;
}

static gfloat *
project (const TessCamera *camera, gint side)
{
  g_autoptr (GeglBuffer) globe = globe_new ();
  g_autoptr (TessPanoramaSource) source = tess_panorama_source_new (globe);
  g_autoptr (GeglBuffer) seen
      = tess_panorama_project (source, camera, side, NULL, NULL);
  gfloat *v = g_new (gfloat, (gsize) side * side * 4);

  gegl_buffer_get (seen, NULL, 1.0, babl_format ("RGBA float"), v,
                   GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
  return v;
}

static const TessCamera cameras[] = {
  { 0, 0, 90 * DEGREES },
  { 90 * DEGREES, 0, 90 * DEGREES },
  { 180 * DEGREES, 0, 90 * DEGREES },
  { -90 * DEGREES, 0, 90 * DEGREES },
  { 0, 90 * DEGREES, 90 * DEGREES },
  { 0, -90 * DEGREES, 90 * DEGREES },
  { 40 * DEGREES, -90 * DEGREES, 240 * DEGREES, TRUE },
};

/* Every pixel, those at the edge of the panorama, at its poles and in the
 * middle of the view too. */
START_TEST (test_directions)
{
  for (gint side = N; side <= N + 1; side++) /* a middle pixel, and none */
    {
      g_autofree gfloat *v = project (&cameras[_i], side);
      TessView view;
      gdouble worst = 0.0;

      tess_view_init (&view, &cameras[_i], side, side);
      for (gint i = 0; i < side * side; i++)
        {
          gfloat lon, lat;

          tess_view_look (&view, 2.0F * (i % side + 0.5F) / side - 1.0F,
                          1.0F - 2.0F * (i / side + 0.5F) / side, &lon, &lat);
          ck_assert (v[4 * i + 3] == 1.0F);
          worst = fmax (worst,
                        fabs (v[4 * i] - 0.5 - 0.5 * cos (lat) * sin (lon)));
          worst = fmax (worst, fabs (v[4 * i + 1] - 0.5 - 0.5 * sin (lat)));
          worst = fmax (
              worst, fabs (v[4 * i + 2] - 0.5 - 0.5 * cos (lat) * cos (lon)));
        }
      /* a pixel of the panorama is 0.012 wide */
      ck_assert_msg (worst < 0.002, "%g", worst);
    }
}
END_TEST

/* The columns of two faces that meet are as far apart as columns of one. */
START_TEST (test_faces_meet)
{
  g_autofree gfloat *front = project (&cameras[0], N);
  g_autofree gfloat *right = project (&cameras[1], N);

  for (gint y = 0; y < N; y++)
    {
      const gfloat *a = front + 4 * (y * N + N - 2), *b = a + 4;
      const gfloat *c = right + 4 * (y * N), *d = c + 4;
      gdouble before = b[2] - a[2], across = c[2] - b[2], after = d[2] - c[2];

      ck_assert_double_eq_tol (across, 0.5 * (before + after), 2e-4);
    }
}
END_TEST

static gboolean
stop (gdouble fraction, gpointer data)
{
  *(gint *) data += 1;
  return FALSE;
}

START_TEST (test_stop)
{
  g_autoptr (GeglBuffer) globe = globe_new ();
  g_autoptr (TessPanoramaSource) source = tess_panorama_source_new (globe);
  gint n = 0;

  ck_assert_ptr_null (
      tess_panorama_project (source, &cameras[0], 200, stop, &n));
  ck_assert_int_eq (n, 1);
}
END_TEST

Suite *
tess_test_suite (void)
{
  Suite *suite = suite_create ("ui/panorama-project");
  TCase *cases = tcase_create ("cases");

  gegl_init (NULL, NULL);
  tcase_add_loop_test (cases, test_directions, 0, G_N_ELEMENTS (cameras));
  suite_add_tcase (suite, cases);
  tess_test_add (suite, "cube faces meet", test_faces_meet);
  tess_test_add (suite, "stop", test_stop);
  return suite;
}
