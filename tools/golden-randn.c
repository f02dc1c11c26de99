/* SPDX-License-Identifier: GPL-3.0-or-later
 * tools/golden-randn.c: torch.manual_seed (S); torch.randn (shape), stored as
 * randn.seedS.SHAPE. The error is counted in units of the last place. */
#include "core/random.h"
#include "tools/golden.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Floats in the order of their values. */
static gint64
rank (gfloat x)
{
  gint32 bits;

  memcpy (&bits, &x, sizeof bits);
  return bits >= 0 ? bits : (gint64) G_MININT32 - bits;
}

static void
check (Golden *golden, const TessTensorFile *file, const gchar *name)
{
  guint64 seed = strtoull (name + strlen ("randn.seed"), NULL, 10);
  gsize n = 0;
  g_autofree gfloat *expected = golden_read (file, name, &n);
  g_autofree gfloat *values = g_new (gfloat, n);
  TessRandom random;
  gdouble worst = 0.0;

  tess_random_init (&random, seed);
  tess_random_normal (&random, values, n);
  for (gsize i = 0; i < n; i++)
    worst
        = fmax (worst, (gdouble) llabs (rank (values[i]) - rank (expected[i])));
  golden_result (golden, name, worst, 1.0);
}

void
golden_randn (Golden *golden, const gchar *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TessTensorFile) file = tess_tensor_file_open (path, &error);

  if (file == NULL)
    {
      golden_fail (golden, path, g_steal_pointer (&error));
      return;
    }
  for (guint i = 0; i < file->names->len; i++)
    {
      const gchar *name = g_ptr_array_index (file->names, i);

      if (g_str_has_prefix (name, "randn.seed") && golden_wants (golden, name))
        check (golden, file, name);
    }
}
