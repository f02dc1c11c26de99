/* SPDX-License-Identifier: GPL-3.0-or-later
 * tools/check-golden.c: every case of a folder of reference results through
 * the real engine; families are told by what lies in the folder. */
#include "tools/golden.h"

#include "gpu/backend.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

gboolean
golden_wants (const Golden *golden, const gchar *name)
{
  return golden->only == NULL || strstr (name, golden->only) != NULL;
}

void
golden_result (Golden *golden,
               const gchar *name,
               gdouble error,
               gdouble tolerance)
{
  gboolean passed = isfinite (error) && error <= tolerance;

  if (passed)
    golden->n_passed++;
  else
    golden->n_failed++;
  if (isfinite (tolerance))
    printf ("%s  %-52s error %.3g, tolerance %.3g\n",
            passed ? "passed " : "FAILED ", name, error, tolerance);
  else
    printf ("%s  %-52s error %.3g, reported only\n",
            passed ? "passed " : "FAILED ", name, error);
  fflush (stdout);
}

void
golden_skip (Golden *golden, const gchar *name, const gchar *reason)
{
  golden->n_skipped++;
  printf ("skipped  %-52s %s\n", name, reason);
}

void
golden_fail (Golden *golden, const gchar *name, GError *error)
{
  golden->n_failed++;
  printf ("FAILED   %-52s %s\n", name, error->message);
  g_error_free (error);
}

gboolean
golden_is_half (const Golden *golden)
{
  return tess_backend_storage (golden->backend) != TESS_F32;
}

gdouble
golden_one_call (const Golden *golden)
{
  return golden_is_half (golden) ? GOLDEN_HALF : GOLDEN_ONE_CALL;
}

gdouble
golden_sampler (const Golden *golden)
{
  switch (tess_backend_storage (golden->backend))
    {
    case TESS_F32:
      return GOLDEN_SAMPLER;
    case TESS_F16:
      return GOLDEN_HALF;
    default:
      return INFINITY;
    }
}

gdouble
golden_absolute (const gfloat *a, const gfloat *b, gsize n)
{
  gdouble worst = 0.0;

  for (gsize i = 0; i < n; i++)
    {
      if (!isfinite (a[i]))
        return INFINITY;
      worst = fmax (worst, fabs ((gdouble) a[i] - b[i]));
    }
  return worst;
}

gdouble
golden_relative (const gfloat *a, const gfloat *b, gsize n)
{
  gdouble largest = 0.0;

  for (gsize i = 0; i < n; i++)
    largest = fmax (largest, fabs (b[i]));
  return golden_absolute (a, b, n) / (largest > 0.0 ? largest : 1.0);
}

gdouble
golden_elementwise (const gfloat *a, const gfloat *b, gsize n)
{
  gdouble worst = 0.0;

  for (gsize i = 0; i < n; i++)
    {
      gdouble d = fabs ((gdouble) a[i] - b[i]);

      if (d > 0.0)
        worst = fmax (worst, b[i] != 0.0f ? d / fabs (b[i]) : INFINITY);
      if (!isfinite (a[i]))
        return INFINITY;
    }
  return worst;
}

gfloat *
golden_read (const TessTensorFile *file, const gchar *name, gsize *n)
{
  TessTensor *tensor = tess_tensor_file_get (file, name);
  gfloat *values;

  if (tensor == NULL)
    return NULL;
  *n = tess_tensor_n_elements (tensor);
  values = g_new (gfloat, *n);
  tess_tensor_read_f32 (tensor, 0, *n, values);
  return values;
}

static gboolean
has_file (const gchar *folder, const gchar *name)
{
  g_autofree gchar *path = g_build_filename (folder, name, NULL);

  return g_file_test (path, G_FILE_TEST_IS_REGULAR);
}

/* Tensors by the name of what made them: PyTorch's generator. */
static gboolean
is_randn (const gchar *path)
{
  g_autoptr (TessTensorFile) file = tess_tensor_file_open (path, NULL);

  return file != NULL && file->names->len > 0
         && g_str_has_prefix (g_ptr_array_index (file->names, 0), "randn.seed");
}

static gint
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const gchar *const *) a, *(const gchar *const *) b);
}

static GPtrArray *
list_folder (const gchar *folder, GError **error)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, error);
  GPtrArray *names;
  const gchar *name;

  if (dir == NULL)
    return NULL;
  names = g_ptr_array_new_with_free_func (g_free);
  while ((name = g_dir_read_name (dir)) != NULL)
    g_ptr_array_add (names, g_strdup (name));
  g_ptr_array_sort (names, compare_names);
  return names;
}

static void
check_file (Golden *golden, const gchar *path)
{
  if (g_str_has_suffix (path, ".safetensors") && is_randn (path))
    golden_randn (golden, path);
  else if (g_str_has_suffix (path, ".json")
           && !g_str_has_suffix (path, ".tensors.json"))
    golden_synthetic (golden, path);
}

static gboolean
check_folder (Golden *golden, const gchar *folder, GError **error)
{
  g_autoptr (GPtrArray) names = list_folder (folder, error);

  if (names == NULL)
    return FALSE;
  if (has_file (folder, "golden.json")
      && has_file (folder, "golden.safetensors"))
    {
      golden_sd (golden, folder);
      return TRUE;
    }
  for (guint i = 0; i < names->len; i++)
    {
      g_autofree gchar *path
          = g_build_filename (folder, g_ptr_array_index (names, i), NULL);

      if (!g_file_test (path, G_FILE_TEST_IS_DIR))
        check_file (golden, path);
      else if (!check_folder (golden, path, error))
        return FALSE;
    }
  return TRUE;
}

static TessBackend *
open_backend (const gchar *name, const gchar *storage, GError **error)
{
  TessCpuSettings settings = { .storage = TESS_F32 };
  TessVulkanSettings gpu = { .storage = TESS_F32 };

  if (g_str_equal (storage, "bf16"))
    settings.storage = gpu.storage = TESS_BF16;
  else if (g_str_equal (storage, "f16"))
    settings.storage = gpu.storage = TESS_F16;
  else if (!g_str_equal (storage, "f32"))
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   "--storage is f32, f16 or bf16, not %s", storage);
      return NULL;
    }
  if (g_str_equal (name, "vulkan") && gpu.storage != TESS_BF16)
    return tess_backend_vulkan_new (&gpu, error);
  if (g_str_equal (name, "cpu") && settings.storage != TESS_F16)
    return tess_backend_cpu_new (&settings, error);
  if (g_str_equal (name, "plain") && settings.storage == TESS_F32)
    return tess_backend_plain_new ();
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
               "no backend %s with %s; there are plain (f32), cpu (f32, "
               "bf16) and vulkan (f32, f16)",
               name, storage);
  return NULL;
}

int
main (int argc, char **argv)
{
  g_autofree gchar *backend = g_strdup ("cpu");
  g_autofree gchar *storage = g_strdup ("f32");
  g_autofree gchar *only = NULL;
  const GOptionEntry entries[] = {
    { "backend", 'b', 0, G_OPTION_ARG_STRING, &backend,
      "plain, cpu (default) or vulkan (on TESSERA_DEVICE)", "NAME" },
    { "storage", 's', 0, G_OPTION_ARG_STRING, &storage,
      "f32 (default), f16 or bf16", "TYPE" },
    { "only", 'o', 0, G_OPTION_ARG_STRING, &only,
      "cases with this in their names", "TEXT" },
    { NULL },
  };
  g_autoptr (GOptionContext) context
      = g_option_context_new ("DIR - check against reference results");
  g_autoptr (GError) error = NULL;
  Golden golden = { 0 };
  gboolean ok;

  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_set_summary (
      context,
      "Runs every case below DIR through the engine and prints its error and\n"
      "the tolerance. Exit status: 0 when no case failed, 1 when one did,\n"
      "2 when the folder could not be read.");
  ok = g_option_context_parse (context, &argc, &argv, &error);
  if (ok && argc != 2)
    {
      g_set_error (&error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                   "one folder is wanted; see --help");
      ok = FALSE;
    }
  golden.only = only;
  ok = ok && (golden.backend = open_backend (backend, storage, &error)) != NULL;
  if (ok)
    {
      printf ("%s\n", tess_backend_name (golden.backend));
      golden.is_card = g_str_equal (backend, "vulkan");
      ok = check_folder (&golden, argv[1], &error);
    }
  tess_backend_unref (golden.backend);
  if (tess_gpu_n_messages () > 0)
    golden_fail (&golden, "validation layer",
                 g_error_new (G_IO_ERROR, G_IO_ERROR_FAILED,
                              "%d messages; see above",
                              tess_gpu_n_messages ()));
  if (!ok)
    {
      fprintf (stderr, "check-golden: %s\n", error->message);
      return 2;
    }
  if (golden.n_skipped > 0)
    printf ("%d skipped\n", golden.n_skipped);
  printf ("%d passed, %d failed\n", golden.n_passed, golden.n_failed);
  return golden.n_failed == 0 ? 0 : 1;
}
