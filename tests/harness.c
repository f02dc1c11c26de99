/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/harness.c: main of every unit test; TAP on stdout. */
#define _GNU_SOURCE /* nftw */
#include "tests/harness.h"

#include <ftw.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define SKIP_MARK "TESS-SKIP: "

#ifdef TESS_SANITIZED
/* What GEGL's modules still hold when they are unloaded would be reported as
 * leaks of ours; so none is unloaded. */
__attribute__ ((visibility ("default"))) int dlclose (void *handle);
int
dlclose (void *handle)
{
  return 0;
}
#endif

void
tess_test_add (Suite *suite, const gchar *name, const TTest *test)
{
  TCase *tcase = tcase_create (name);

  tcase_add_test (tcase, test);
  suite_add_tcase (suite, tcase);
}

gchar *
tess_test_data (const gchar *name)
{
  return g_build_filename (g_getenv ("TESS_TEST_DATA"), name, NULL);
}

gchar *
tess_test_shared (const gchar *name)
{
  gchar *path
      = g_build_filename (g_getenv ("TESS_SOURCE"), "..", "shared", name, NULL);

  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    g_clear_pointer (&path, g_free);
  return path;
}

void
tess_test_skip (const gchar *reason)
{
  ck_abort_msg (SKIP_MARK "%s", reason);
}

void
tess_test_fill_disk (gsize n_bytes)
{
  struct rlimit limit;

  signal (SIGXFSZ, SIG_IGN);
  getrlimit (RLIMIT_FSIZE, &limit);
  limit.rlim_cur = n_bytes > 0 ? n_bytes : limit.rlim_max;
  setrlimit (RLIMIT_FSIZE, &limit);
}

gdouble
tess_test_error (const gfloat *a, const gfloat *b, gsize n)
{
  gdouble largest = 0.0, worst = 0.0;

  for (gsize i = 0; i < n; i++)
    {
      if (!isfinite (a[i]))
        return INFINITY;
      largest = fmax (largest, fabs (b[i]));
      worst = fmax (worst, fabs ((gdouble) a[i] - b[i]));
    }
  return largest > 0.0 ? worst / largest : worst;
}

/* Children first. */
static int
remove_one (const char *path, const struct stat *is, int kind, struct FTW *at)
{
  return remove (path);
}

/* What tests make of files, those that failed too, goes with the folder. Not
 * g_get_tmp_dir, which would remember the one outside. */
int
main (void)
{
  g_autofree gchar *folder
      = g_build_filename (g_getenv ("TMPDIR") ? g_getenv ("TMPDIR") : "/tmp",
                          "tess-test-XXXXXX", NULL);
  SRunner *runner;
  TestResult **results;
  int n, n_failed = 0;

  if (mkdtemp (folder) == NULL)
    {
      perror (folder);
      return EXIT_FAILURE;
    }
  g_setenv ("TMPDIR", folder, TRUE);
  runner = srunner_create (tess_test_suite ());
  srunner_run_all (runner, CK_SILENT);
  n = srunner_ntests_run (runner);
  results = srunner_results (runner);
  printf ("1..%d\n", n);
  for (int i = 0; i < n; i++)
    {
      const char *message = tr_msg (results[i]);
      const char *name = tr_tcname (results[i]);
      gboolean skipped = message && g_str_has_prefix (message, SKIP_MARK);

      if (tr_rtype (results[i]) == CK_PASS)
        printf ("ok %d - %s\n", i + 1, name);
      else if (skipped)
        printf ("ok %d - %s # SKIP %s\n", i + 1, name,
                message + strlen (SKIP_MARK));
      else
        {
          n_failed++;
          printf ("not ok %d - %s (%s:%d: %s)\n", i + 1, name,
                  tr_lfile (results[i]), tr_lno (results[i]), message);
        }
    }
  free (results);
  srunner_free (runner);
  nftw (folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
  return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
