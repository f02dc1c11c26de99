/* SPDX-License-Identifier: GPL-3.0-or-later
 * tools/image-diff.c: how far two PNG pictures are apart. */
#include "core/png-file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct
{
  gdouble largest, sum, squares;
  gint64 n;
} Difference;

static GeglBuffer *
load (const gchar *path)
{
  g_autoptr (GError) error = NULL;
  GeglBuffer *buffer = tess_png_load (path, TESS_PNG_PICTURE, &error);

  if (buffer == NULL)
    g_printerr ("%s\n", error->message);
  return buffer;
}

static Difference
compare (GeglBuffer *a, GeglBuffer *b)
{
  const Babl *format = babl_format ("R'G'B' float");
  gint width = gegl_buffer_get_width (a);
  g_autofree gfloat *row_a = g_new (gfloat, (gsize) width * 3);
  g_autofree gfloat *row_b = g_new (gfloat, (gsize) width * 3);
  Difference d = { 0 };

  for (gint y = 0; y < gegl_buffer_get_height (a); y++)
    {
      const GeglRectangle rect = { 0, y, width, 1 };

      gegl_buffer_get (a, &rect, 1.0, format, row_a, GEGL_AUTO_ROWSTRIDE,
                       GEGL_ABYSS_NONE);
      gegl_buffer_get (b, &rect, 1.0, format, row_b, GEGL_AUTO_ROWSTRIDE,
                       GEGL_ABYSS_NONE);
      for (gint i = 0; i < width * 3; i++)
        {
          gdouble v = fabs ((gdouble) row_a[i] - row_b[i]);

          d.largest = fmax (d.largest, v);
          d.sum += v;
          d.squares += v * v;
        }
      d.n += width * 3;
    }
  return d;
}

int
main (int argc, char **argv)
{
  gdouble max = -1.0, mean = -1.0;
  const GOptionEntry entries[] = {
    { "max", 0, 0, G_OPTION_ARG_DOUBLE, &max,
      "exit status 1 where any channel differs by more, in 255ths", "X" },
    { "mean", 0, 0, G_OPTION_ARG_DOUBLE, &mean,
      "exit status 1 where they differ by more on average, in 255ths", "X" },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("A.png B.png");
  g_autoptr (GError) error = NULL;
  g_autoptr (GeglBuffer) a = NULL;
  g_autoptr (GeglBuffer) b = NULL;
  Difference d;

  g_option_context_set_summary (
      context, "Prints the largest and the mean difference of two pictures in "
               "255ths, and their PSNR. Exit status 2: they cannot be "
               "compared.");
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error) || argc != 3)
    {
      g_printerr ("%s; --help says more\n",
                  error ? error->message : "two pictures are wanted");
      return 2;
    }
  gegl_init (NULL, NULL);
  a = load (argv[1]);
  b = load (argv[2]);
  if (a == NULL || b == NULL)
    return 2;
  if (gegl_buffer_get_width (a) != gegl_buffer_get_width (b)
      || gegl_buffer_get_height (a) != gegl_buffer_get_height (b))
    {
      g_printerr ("%d x %d and %d x %d pixels cannot be compared\n",
                  gegl_buffer_get_width (a), gegl_buffer_get_height (a),
                  gegl_buffer_get_width (b), gegl_buffer_get_height (b));
      return 2;
    }
  d = compare (a, b);
  printf ("max %.3f  mean %.4f  psnr %.2f dB\n", d.largest * 255.0,
          d.sum / d.n * 255.0,
          d.squares > 0.0 ? -10.0 * log10 (d.squares / d.n) : INFINITY);
  return (max >= 0.0 && d.largest * 255.0 > max)
                 || (mean >= 0.0 && d.sum / d.n * 255.0 > mean)
             ? EXIT_FAILURE
             : EXIT_SUCCESS;
}
