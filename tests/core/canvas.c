/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/core/canvas.c: pixels in and out, scaling, PNG files. */
#include "core/canvas.h"
#include "core/error.h"
#include "core/png-file.h"
#include "tests/harness.h"

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

static void
start (void)
{
  gegl_init (NULL, NULL);
}

static void
get_floats (GeglBuffer *buffer, const gchar *format, gfloat *dst)
{
  gegl_buffer_get (buffer, NULL, 1.0, babl_format (format), dst,
                   GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
}

/* -1..1 to 0..1, clamped; what lies outside is dropped. */
START_TEST (test_write)
{
  g_autoptr (GeglBuffer) canvas = tess_canvas_new (5, 3);
  gfloat planes[3 * 4 * 4], pixels[5 * 3 * 3], back[3 * 5 * 3];

  for (gint i = 0; i < 3 * 16; i++)
    planes[i] = (gfloat) (i / 16) - 1.0f; /* -1, 0, 1 */
  planes[0] = -7.0f;
  planes[47] = 7.0f;
  tess_canvas_write (canvas, 3, 1, 4, 4, planes);
  get_floats (canvas, "R'G'B' float", pixels);
  for (gint y = 0; y < 3; y++)
    for (gint x = 0; x < 5; x++)
      for (gint c = 0; c < 3; c++)
        ck_assert_float_eq_tol (pixels[(y * 5 + x) * 3 + c],
                                x >= 3 && y >= 1 ? 0.5f * c : 0.0f, 1e-6f);
  tess_canvas_read (canvas, 3, 2, 5, 3, back);
  for (gint i = 0; i < 15; i++) /* beyond the edge the edge goes on */
    ck_assert_float_eq_tol (back[30 + i], 1.0f, 1e-6f);
}
END_TEST

START_TEST (test_scaled)
{
  static const gint sizes[][2]
      = { { 40, 30 }, { 80, 61 }, { 13, 7 }, { 1, 1 }, { 40, 7 } };
  g_autoptr (GeglBuffer) src = tess_canvas_new (40, 30);
  gfloat pixels[40 * 30 * 3];

  for (gint i = 0; i < 40 * 30; i++)
    for (gint c = 0; c < 3; c++)
      pixels[i * 3 + c] = (gfloat) ((i % 40 + 0.5) / 40.0);
  gegl_buffer_set (src, NULL, 0, babl_format ("R'G'B' float"), pixels,
                   GEGL_AUTO_ROWSTRIDE);
  for (guint k = 0; k < G_N_ELEMENTS (sizes); k++)
    {
      gint w = sizes[k][0], h = sizes[k][1];
      g_autoptr (GeglBuffer) dst
          = tess_canvas_scaled (src, w, h, FALSE, FALSE, NULL);
      g_autofree gfloat *got = g_new (gfloat, w * h * 3);

      get_floats (dst, "R'G'B' float", got);
      ck_assert_int_eq (gegl_buffer_get_width (dst), w);
      for (gint i = 0; i < w * h; i++)
        {
          gdouble x = (i % w + 0.5) / w;

          /* A ramp stays a ramp but for the edges' reach. */
          if (x > 3.0 / MIN (w, 40) && x < 1.0 - 3.0 / MIN (w, 40))
            ck_assert_float_eq_tol (got[i * 3 + 1], (gfloat) x, 2e-3f);
        }
    }
}
END_TEST

/* The share of each cell, for masks of any size; beyond the picture the last
 * cell goes on. */
START_TEST (test_mask)
{
  g_autoptr (GeglBuffer) mask = gegl_buffer_new (GEGL_RECTANGLE (7, 9, 32, 16),
                                                 babl_format ("Y float"));
  gfloat pixels[32 * 16], cells[5 * 2], small[5 * 2];

  for (gint i = 0; i < 32 * 16; i++)
    pixels[i] = i % 32 < 12 ? 1.0f : 0.0f;
  gegl_buffer_set (mask, NULL, 0, NULL, pixels, GEGL_AUTO_ROWSTRIDE);
  ck_assert (tess_canvas_read_mask (mask, 32, 16, 8, 5, 2, cells, NULL));
  ck_assert (tess_canvas_read_mask (mask, 16, 8, 8, 5, 2, small, NULL));
  for (gint y = 0; y < 2; y++)
    {
      static const gfloat expected[] = { 1.0f, 0.5f, 0.0f, 0.0f, 0.0f };

      for (gint x = 0; x < 5; x++)
        ck_assert_float_eq_tol (cells[y * 5 + x], expected[x], 1e-6f);
      ck_assert_float_eq_tol (small[y * 5], 0.75f, 1e-6f);
      ck_assert_float_eq_tol (small[y * 5 + 1], 0.0f, 1e-6f);
    }
}
END_TEST

static gchar *
folder_new (void)
{
  return g_dir_make_tmp ("tess-canvas-XXXXXX", NULL);
}

static void
folder_check_and_remove (const gchar *folder, guint n_expected)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const gchar *name;
  guint n = 0;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree gchar *path = g_build_filename (folder, name, NULL);

      n++;
      g_unlink (path);
    }
  g_rmdir (folder);
  ck_assert_uint_eq (n, n_expected);
}

START_TEST (test_png)
{
  static const gint depths[] = { 8, 16 };
  g_autofree gchar *folder = folder_new ();
  g_autofree gchar *path = g_build_filename (folder, "a.png", NULL);
  g_autoptr (GeglBuffer) canvas = tess_canvas_new (37, 21);
  g_autoptr (GError) error = NULL;
  gfloat pixels[37 * 21 * 3], got[37 * 21 * 3];

  for (gint i = 0; i < 37 * 21 * 3; i++)
    pixels[i] = (gfloat) (i % 251) / 250.0f;
  gegl_buffer_set (canvas, NULL, 0, NULL, pixels, GEGL_AUTO_ROWSTRIDE);
  for (guint k = 0; k < G_N_ELEMENTS (depths); k++)
    {
      const TessPngSettings settings
          = { depths[k], "Tessera", "{ \"prompt\": \"é\" }" };
      g_autoptr (GeglBuffer) back = NULL;

      ck_assert (tess_png_save (canvas, path, &settings, NULL, &error));
      back = tess_png_load (path, TESS_PNG_PICTURE, &error);
      ck_no_error (error);
      ck_assert_int_eq (gegl_buffer_get_width (back), 37);
      get_floats (back, "R'G'B' float", got);
      for (gint i = 0; i < 37 * 21 * 3; i++)
        ck_assert_float_eq_tol (got[i], pixels[i],
                                depths[k] == 8 ? 0.51f / 255 : 0.6f / 65535);
    }
  folder_check_and_remove (folder, 1);
}
END_TEST

/* The numbers of a grey picture are the mask, not its light. */
START_TEST (test_png_mask)
{
  g_autofree gchar *folder = folder_new ();
  g_autofree gchar *path = g_build_filename (folder, "m.png", NULL);
  g_autoptr (GeglBuffer) canvas = tess_canvas_new (8, 8);
  g_autoptr (GeglBuffer) back = NULL;
  const TessPngSettings settings = { 0 };
  gfloat grey[3] = { 0.5f, 0.5f, 0.5f }, got[64];

  gegl_buffer_set_color_from_pixel (canvas, NULL, grey,
                                    babl_format ("R'G'B' float"));
  ck_assert (tess_png_save (canvas, path, &settings, NULL, NULL));
  back = tess_png_load (path, TESS_PNG_MASK, NULL);
  get_floats (back, "Y float", got);
  ck_assert_float_eq_tol (got[9], 0.5f, 2e-3f);
  folder_check_and_remove (folder, 1);
}
END_TEST

/* Cancelled or impossible: no file, no part of one, the old one untouched. */
START_TEST (test_png_stopped)
{
  g_autofree gchar *folder = folder_new ();
  g_autofree gchar *path = g_build_filename (folder, "a.png", NULL);
  g_autofree gchar *nowhere = g_build_filename (folder, "no", "a.png", NULL);
  g_autoptr (GeglBuffer) canvas = tess_canvas_new (16, 16);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  g_autofree gchar *text = NULL;
  const TessPngSettings settings = { 0 };

  g_file_set_contents (path, "old", -1, NULL);
  g_cancellable_cancel (cancellable);
  ck_assert (!tess_png_save (canvas, path, &settings, cancellable, &error));
  ck_assert (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
  g_file_get_contents (path, &text, NULL, NULL);
  ck_assert_str_eq (text, "old");
  g_clear_error (&error);
  ck_assert (!tess_png_save (canvas, nowhere, &settings, NULL, &error));
  ck_assert (error->domain == G_FILE_ERROR);
  folder_check_and_remove (folder, 1);
}
END_TEST

/* A full disk: the old picture stays, and no part of the new one. */
START_TEST (test_png_full)
{
  g_autofree gchar *folder = folder_new ();
  g_autofree gchar *path = g_build_filename (folder, "a.png", NULL);
  g_autoptr (GeglBuffer) canvas = tess_canvas_new (256, 256);
  g_autofree gfloat *noise = g_new (gfloat, 256 * 256 * 3);
  g_autoptr (GError) error = NULL;
  g_autofree gchar *text = NULL;
  const TessPngSettings settings = { 0 };

  for (guint i = 0; i < 256 * 256 * 3; i++)
    noise[i] = (i * 2654435761u >> 8) / 16777216.0f;
  gegl_buffer_set (canvas, NULL, 0, babl_format ("R'G'B' float"), noise,
                   GEGL_AUTO_ROWSTRIDE);
  g_file_set_contents (path, "old", -1, NULL);
  tess_test_fill_disk (4096);
  ck_assert (!tess_png_save (canvas, path, &settings, NULL, &error));
  tess_test_fill_disk (0);
  ck_assert (error->domain == G_FILE_ERROR);
  g_file_get_contents (path, &text, NULL, NULL);
  ck_assert_str_eq (text, "old");
  folder_check_and_remove (folder, 1);
}
END_TEST

/* Cut short anywhere, or with any byte changed, a file is refused or read,
 * never worse. */
START_TEST (test_png_hostile)
{
  g_autofree gchar *folder = folder_new ();
  g_autofree gchar *path = g_build_filename (folder, "a.png", NULL);
  g_autoptr (GeglBuffer) canvas = tess_canvas_new (16, 16);
  const TessPngSettings settings = { .key = "Tessera", .text = "text" };
  g_autofree gchar *bytes = NULL;
  gsize n;

  ck_assert (tess_png_save (canvas, path, &settings, NULL, NULL));
  g_file_get_contents (path, &bytes, &n, NULL);
  for (gsize i = 0; i < n; i++)
    for (gint change = 0; change < 2; change++)
      {
        g_autoptr (GError) error = NULL;
        g_autoptr (GeglBuffer) buffer = NULL;

        bytes[i] ^= change ? 0x55 : 0;
        g_file_set_contents (path, bytes, (gssize) (change ? n : i), NULL);
        buffer = tess_png_load (path, (TessPngKind) (i % 2), &error);
        bytes[i] ^= change ? 0x55 : 0;
        ck_assert ((buffer == NULL) == (error != NULL));
        if (!change)
          ck_assert (g_error_matches (error, TESS_ERROR, TESS_ERROR_REQUEST));
      }
  folder_check_and_remove (folder, 1);
}
END_TEST

Suite *
tess_test_suite (void)
{
  Suite *suite = suite_create ("canvas");
  TCase *tcase = tcase_create ("canvas");

  tcase_add_checked_fixture (tcase, start, NULL);
  tcase_add_test (tcase, test_write);
  tcase_add_test (tcase, test_scaled);
  tcase_add_test (tcase, test_mask);
  tcase_add_test (tcase, test_png);
  tcase_add_test (tcase, test_png_mask);
  tcase_add_test (tcase, test_png_stopped);
  tcase_add_test (tcase, test_png_full);
  tcase_add_test (tcase, test_png_hostile);
  suite_add_tcase (suite, tcase);
  return suite;
}
