/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/core/resume.c: jobs that are killed and go on. */
#include "core/error.h"
#include "core/instances.h"
#include "core/job-folder.h"
#include "tests/harness.h"
#include "tests/small-job.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

/* In the format in which the job reads it: babl chooses the way of a
 * conversion by measuring, so its last bits differ between processes. */
static GeglBuffer *
stripes_new (gint width, gint height, const gchar *format)
{
  GeglBuffer *buffer = gegl_buffer_new (GEGL_RECTANGLE (0, 0, width, height),
                                        babl_format (format));
  gint channels = babl_format_get_n_components (babl_format (format));
  g_autofree gfloat *row = g_new (gfloat, (gsize) width * channels);

  for (gint y = 0; y < height; y++)
    {
      for (gint i = 0; i < width * channels; i++)
        row[i] = (gfloat) ((i / channels * 7 + y * 3) % 64) / 64.0f;
      gegl_buffer_set (buffer, GEGL_RECTANGLE (0, y, width, 1), 0, NULL, row,
                       GEGL_AUTO_ROWSTRIDE);
    }
  return buffer;
}

/* One of each kind of thing that a job has to remember. */
static TessRequest *
job_new (gint kind)
{
  TessRequest *request = tess_test_request ();

  request->steps = 3;
  request->width = 96;
  request->height = 48;
  switch (kind)
    {
    case 0: /* a sampler's memory */
      request->method = TESS_TILING_RING;
      request->sampler = TESS_SAMPLER_UNIPC;
      break;
    case 1: /* random numbers after the start */
      request->sampler = TESS_SAMPLER_EULER_ANCESTRAL;
      request->guidance = 1.0;
      break;
    case 2: /* what was said at the step before, tiles that move */
      request->method = TESS_TILING_FSTD;
      request->sampler = TESS_SAMPLER_DDIM;
      break;
    case 3: /* two phases */
      request->method = TESS_TILING_ANY_SIZE;
      request->detail = 0.7;
      break;
    case 4: /* a picture to start from, of which a part is kept; poles */
      request->init = stripes_new (100, 50, "R'G'B' float");
      request->close = 32;
      request->poles = 0.5;
      break;
    case 5: /* a mask, and flat colours */
      {
        g_autoptr (GeglBuffer) mask = stripes_new (72, 36, "Y float");

        tess_request_add_region (request, "a tree", NULL, mask, NULL);
        request->bootstrap = 0.5;
        request->method = TESS_TILING_RING_1;
        request->tile = 8;
      }
      break;
    case 6: /* a picture that steps begin with; three phases */
      request->method = TESS_TILING_ANY_SIZE;
      request->refine = TESS_REFINE_DEMOFUSION;
      break;
    }
  return request;
}

#define N_KINDS 7

typedef struct
{
  gint n, kill_at, n_warnings;
} Killer;

static void
on_progress (const TessProgress *progress, gpointer data)
{
  Killer *killer = data;

  if (++killer->n == killer->kill_at)
    kill (getpid (), SIGKILL);
}

static void
on_warning (const gchar *text, gpointer data)
{
  Killer *killer = data;

  ck_assert_ptr_nonnull (strstr (text, "make room there"));
  killer->n_warnings++;
}

static GeglBuffer *
run_job (TessRequest *request, TessJobFolder *folder, Killer *killer)
{
  g_autoptr (TessStudio) studio = tess_studio_new ();
  g_autoptr (GError) error = NULL;
  const TessJobHooks hooks = { .progress = on_progress,
                               .data = killer,
                               .warning = on_warning,
                               .folder = folder };
  GeglBuffer *picture = tess_studio_run (studio, request, &hooks, NULL, &error);

  ck_no_error (error);
  return picture;
}

/* A process of its own, which kills itself at its @kill_at-th word of
 * progress (0: never). Returns: how many it spoke, 0 where it was killed. */
static gint
run_child (gint kind, const gchar *path, gint kill_at)
{
  pid_t child = fork ();
  gint status;

  if (child == 0)
    {
      g_autoptr (TessRequest) request = job_new (kind);
      TessJobFolder *folder = tess_job_folder_new (path, request, NULL);
      Killer killer = { .kill_at = kill_at };

      if (folder)
        run_job (request, folder, &killer);
      _exit (MIN (killer.n, 255));
    }
  ck_assert_int_eq (waitpid (child, &status, 0), child);
  if (WIFSIGNALED (status))
    return 0;
  ck_assert_int_gt (WEXITSTATUS (status), 0);
  return WEXITSTATUS (status);
}

/* Killed by SIGKILL at any moment, a job goes on to the same picture, bit for
 * bit. The moments are spread by a random number. */
START_TEST (test_killed)
{
  enum
  {
    N = 2
  };
  g_autofree gchar *parent = g_dir_make_tmp ("tess-resume-XXXXXX", NULL);
  gchar *paths[N];
  gint at[N], n;
  g_autoptr (TessRequest) request = NULL;
  g_autoptr (GeglBuffer) whole = NULL;
  g_autofree gfloat *expected = NULL;
  Killer nobody = { 0 };

  paths[0] = g_strdup_printf ("%s/whole", parent);
  n = run_child (_i, paths[0], 0);
  g_free (paths[0]);
  for (gint i = 0; i < N; i++)
    {
      paths[i] = g_strdup_printf ("%s/job-%d", parent, i);
      at[i] = g_random_int_range (i * n / N + 1, (i + 1) * n / N + 1);
      ck_assert_int_eq (run_child (_i, paths[i], at[i]), 0);
    }
  request = job_new (_i);
  whole = run_job (request, NULL, &nobody);
  expected = tess_test_pixels (whole);
  for (gint i = 0; i < N; i++)
    {
      g_autoptr (TessRequest) again = NULL;
      g_autoptr (GeglBuffer) picture = NULL;
      g_autofree gfloat *pixels = NULL;
      g_autofree gchar *a = NULL;
      g_autofree gchar *b = NULL;
      g_autoptr (GError) error = NULL;
      TessJobFolder *folder = tess_job_folder_open (paths[i], &again, &error);
      Killer rest = { 0 };
      gboolean begun;

      ck_no_error (error);
      begun = tess_job_folder_is_begun (folder);
      ck_assert (begun || i == 0);
      picture = run_job (again, folder, &rest);
      pixels = tess_test_pixels (picture);
      ck_assert_msg (
          memcmp (pixels, expected,
                  sizeof *pixels * request->width * request->height * 3)
              == 0,
          "kind %d, killed at %d of %d", _i, at[i], n);
      /* What is told goes on too, rather than starting again. */
      if (begun)
        ck_assert_int_lt (rest.n, nobody.n);
      a = tess_request_to_json (again);
      b = tess_request_to_json (request);
      if (request->regions->len == 0)
        ck_assert_str_eq (a, b);
      tess_job_folder_remove (folder);
      ck_assert (!g_file_test (paths[i], G_FILE_TEST_EXISTS));
      g_free (paths[i]);
    }
  tess_test_remove (parent);
}
END_TEST

/* A second process is kept out, a job is not overwritten, and where nothing
 * can be written that is said. */
START_TEST (test_folders)
{
  g_autofree gchar *parent = g_dir_make_tmp ("tess-resume-XXXXXX", NULL);
  g_autofree gchar *path = g_build_filename (parent, "a", "b", NULL);
  g_autoptr (TessRequest) request = job_new (0);
  g_autoptr (TessRequest) other = NULL;
  g_autoptr (GError) error = NULL;
  TessJobFolder *folder = tess_job_folder_new (path, request, &error);
  TessJobFolder *second;
  TessJobState state;

  ck_no_error (error);
  second = tess_job_folder_open (path, &other, &error);
  ck_assert_ptr_null (second);
  ck_assert (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_BUSY));
  ck_assert_ptr_nonnull (strstr (error->message, "another process"));
  g_clear_error (&error);
  ck_assert (!tess_job_folder_load (folder, &state, &error));
  ck_no_error (error);
  ck_assert (!tess_job_folder_is_begun (folder));
  tess_job_folder_close (folder);

  ck_assert_ptr_null (tess_job_folder_new (path, request, &error));
  ck_assert (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_EXISTS));
  g_clear_error (&error);
  ck_assert_ptr_null (tess_job_folder_new ("/proc/nothing", request, &error));
  ck_assert_ptr_nonnull (strstr (error->message, "choose another folder"));
  g_clear_error (&error);
  ck_assert_ptr_null (tess_job_folder_open (parent, &other, &error));
  ck_assert (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND));

  g_setenv ("XDG_STATE_HOME", parent, TRUE);
  tess_test_remove (parent);
}
END_TEST

/* The newest that nobody works on. */
START_TEST (test_last)
{
  g_autofree gchar *parent = g_dir_make_tmp ("tess-resume-XXXXXX", NULL);
  g_autoptr (TessRequest) request = job_new (0);
  TessJobFolder *folders[6];
  g_autofree gchar *last = NULL;
  gint n = 0;

  g_setenv ("XDG_STATE_HOME", parent, TRUE);
  ck_assert_ptr_null (tess_job_folder_last ());
  for (gint i = 0; i < 6; i++)
    {
      g_autofree gchar *fresh = tess_job_folder_fresh ();

      folders[i] = tess_job_folder_new (fresh, request, NULL);
      ck_assert_ptr_nonnull (folders[i]);
      if (i < 5)
        tess_job_folder_close (folders[i]);
      if (i == 4)
        last = g_strdup (fresh);
      g_usleep (2000);
    }
  {
    g_autofree gchar *found = tess_job_folder_last ();
    g_autofree gchar *jobs = g_path_get_dirname (last);
    g_autoptr (GDir) dir = g_dir_open (jobs, 0, NULL);

    ck_assert_str_eq (found, last);
    while (g_dir_read_name (dir))
      n++;
  }
  ck_assert_int_le (n, 5); /* old ones do not pile up */
  tess_job_folder_close (folders[5]);
  tess_test_remove (parent);
}
END_TEST

/* A full disk: the job goes on without being kept. */
START_TEST (test_full)
{
  g_autofree gchar *parent = g_dir_make_tmp ("tess-resume-XXXXXX", NULL);
  g_autofree gchar *path = g_build_filename (parent, "job", NULL);
  g_autoptr (TessRequest) request = job_new (0);
  g_autoptr (GeglBuffer) whole = NULL;
  g_autoptr (GeglBuffer) picture = NULL;
  g_autofree gfloat *a = NULL;
  g_autofree gfloat *b = NULL;
  struct rlimit limit, full;
  Killer nobody = { 0 }, killer = { 0 };
  TessJobFolder *folder = tess_job_folder_new (path, request, NULL);

  whole = run_job (request, NULL, &nobody);
  signal (SIGXFSZ, SIG_IGN);
  getrlimit (RLIMIT_FSIZE, &limit);
  full = limit;
  full.rlim_cur = 8192;
  setrlimit (RLIMIT_FSIZE, &full);
  picture = run_job (request, folder, &killer);
  setrlimit (RLIMIT_FSIZE, &limit);
  ck_assert_int_eq (killer.n_warnings, 1);
  a = tess_test_pixels (whole);
  b = tess_test_pixels (picture);
  ck_assert_mem_eq (a, b, sizeof *a * request->width * request->height * 3);
  tess_job_folder_remove (folder);
  tess_test_remove (parent);
}
END_TEST

/* Files that were cut short or changed are refused in a sentence. */
START_TEST (test_broken)
{
  static const gchar *const names[]
      = { "state.safetensors", "request.json", "picture-init.safetensors" };
  g_autofree gchar *parent = g_dir_make_tmp ("tess-resume-XXXXXX", NULL);
  g_autofree gchar *path = g_build_filename (parent, "job", NULL);
  g_autofree gchar *file = g_build_filename (path, names[_i], NULL);
  g_autofree gchar *bytes = NULL;
  gsize n = 0;

  ck_assert_int_eq (run_child (4, path, 20), 0);
  ck_assert (g_file_get_contents (file, &bytes, &n, NULL));
  for (gint cut = 0; cut < 16; cut++)
    {
      g_autoptr (TessStudio) studio = tess_studio_new ();
      g_autoptr (TessRequest) request = NULL;
      g_autoptr (GError) error = NULL;
      g_autoptr (TessJobFolder) folder = NULL;
      TessJobState state = { 0 };
      gsize left = n * cut / 16;

      ck_assert (g_file_set_contents (file, bytes, (gssize) left, NULL));
      folder = tess_job_folder_open (path, &request, &error);
      if (folder)
        {
          ck_assert_int_eq (_i, 0);
          ck_assert (!tess_job_folder_load (folder, &state, &error));
        }
      ck_assert (error != NULL);
      tess_job_state_clear (&state);
    }
  tess_test_remove (parent);
}
END_TEST

/* Masks of regions and of instances go on with the job. */
START_TEST (test_masks)
{
  g_autofree gchar *parent = g_dir_make_tmp ("tess-masks-XXXXXX", NULL);
  g_autofree gchar *path = g_build_filename (parent, "job", NULL);
  g_autoptr (TessRequest) request = tess_test_request ();
  g_autoptr (TessRequest) again = NULL;
  g_autoptr (GeglBuffer) region = stripes_new (30, 20, "Y float");
  g_autoptr (GError) error = NULL;
  g_autoptr (TessJobFolder) folder = NULL;
  TessInstance *instance = tess_instance_new ("a boat");
  gfloat before[72 * 36], after[72 * 36];

  instance->mask = stripes_new (72, 36, "Y float");
  tess_request_add_region (request, "a tree", NULL, region, NULL);
  g_ptr_array_add (request->instances, instance);
  folder = tess_job_folder_new (path, request, &error);
  ck_no_error (error);
  tess_job_folder_close (g_steal_pointer (&folder));
  folder = tess_job_folder_open (path, &again, &error);
  ck_no_error (error);
  ck_assert_int_eq (again->instances->len, 1);
  instance = again->instances->pdata[0];
  ck_assert_ptr_nonnull (instance->mask);
  ck_assert_ptr_null (instance->mask_path);
  ck_assert_ptr_nonnull (((TessRegion *) again->regions->pdata[0])->mask);
  gegl_buffer_get (instance->mask, NULL, 1.0, babl_format ("Y float"), after,
                   GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
  instance = request->instances->pdata[0];
  gegl_buffer_get (instance->mask, NULL, 1.0, babl_format ("Y float"), before,
                   GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
  ck_assert_mem_eq (before, after, sizeof before);
  tess_test_remove (parent);
}
END_TEST

Suite *
tess_test_suite (void)
{
  Suite *suite = suite_create ("resume");
  TCase *tcase = tcase_create ("resume");

  tcase_add_unchecked_fixture (tcase, tess_test_make_model,
                               tess_test_drop_model);
  tcase_add_loop_test (tcase, test_killed, 0, N_KINDS);
  tcase_add_test (tcase, test_folders);
  tcase_add_test (tcase, test_masks);
  tcase_add_test (tcase, test_last);
  tcase_add_test (tcase, test_full);
  tcase_add_loop_test (tcase, test_broken, 0, 3);
  suite_add_tcase (suite, tcase);
  return suite;
}
