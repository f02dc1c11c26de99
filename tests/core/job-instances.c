/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/core/job-instances.c: whole jobs with instances, on a small model of
 * random weights: what the weights ask for, and prompts of their own. */
#include "core/error.h"
#include "core/generate.h"
#include "core/instances.h"
#include "core/model-private.h"
#include "core/regions.h"
#include "tests/harness.h"
#include "tests/small-instance.h"
#include "tests/small-job.h"

#include <string.h>

static gchar *weights;

/* Writes the folder of @weights, which do as @masked and @prompts say. */
static void
write_weights (gboolean masked, gboolean prompts)
{
  TessInstanceConfig config = tess_test_instance;
  g_autoptr (GError) error = NULL;
  g_autoptr (TessModel) model = tess_model_open (tess_test_model, &error);

  ck_no_error (error);
  config.text_width = config.token_width = model->config.text.width;
  config.masked = masked;
  config.prompts = prompts;
  ck_assert (tess_test_write_instance (weights, &model->config.unet, &config, 0,
                                       "[\"box\", \"point\", \"mask\"]",
                                       &error));
}

static void
make (void)
{
  tess_test_make_model ();
  weights = g_dir_make_tmp ("tessera-instance-XXXXXX", NULL);
}

static void
drop (void)
{
  tess_test_remove (weights);
  g_clear_pointer (&weights, g_free);
  tess_test_drop_model ();
}

static TessRequest *
request_new (void)
{
  TessRequest *request = tess_test_request ();

  request->instance_model = g_strdup (weights);
  return request;
}

static TessInstance *
add_box (TessRequest *request, const gchar *text, const gdouble *box)
{
  TessInstance *instance = tess_instance_new (text);

  instance->has_box = TRUE;
  memcpy (instance->box, box, sizeof instance->box);
  g_ptr_array_add (request->instances, instance);
  return instance;
}

/* A picture of 1 where one of @n boxes is, over the seam too. */
static GeglBuffer *
picture_of (const TessRequest *request, const gdouble (*boxes)[4], gint n)
{
  gint width = request->width, height = request->height;
  const GeglRectangle rect = { 0, 0, width, height };
  GeglBuffer *mask = gegl_buffer_new (&rect, babl_format ("Y float"));
  g_autofree gfloat *values = g_new0 (gfloat, (gsize) width * height);

  for (gint k = 0; k < n; k++)
    for (gint y = (gint) boxes[k][1]; y < MIN (boxes[k][3], height); y++)
      for (gint x = (gint) boxes[k][0]; x < boxes[k][2]; x++)
        values[(gsize) y * width + (x + width) % width] = 1.0f;
  gegl_buffer_set (mask, &rect, 0, babl_format ("Y float"), values,
                   GEGL_AUTO_ROWSTRIDE);
  return mask;
}

static gfloat *
paint (TessRequest *request)
{
  g_autoptr (TessStudio) studio = tess_studio_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GeglBuffer) picture
      = tess_studio_run (studio, request, NULL, NULL, &error);

  ck_no_error (error);
  return tess_test_pixels (picture);
}

/* Weights that were trained with masked attention are asked with it. */
START_TEST (masked)
{
  static const gdouble box[] = { 20, 40, 90, 120 };
  gfloat *pictures[3];
  gsize n = 0;

  for (gint i = 0; i < 3; i++)
    {
      g_autoptr (TessRequest) request = request_new ();

      write_weights (i > 0, FALSE);
      add_box (request, "a tree", box);
      n = (gsize) request->width * request->height * 3;
      pictures[i] = paint (request);
    }
  ck_assert_double_gt (tess_test_error (pictures[1], pictures[0], n), 1e-3);
  ck_assert_double_lt (tess_test_error (pictures[2], pictures[1], n), 1e-6);
  for (gint i = 0; i < 3; i++)
    g_free (pictures[i]);
}
END_TEST

static const struct
{
  gboolean ring, as_mask;
  gint n; /* boxes, all of the same text */
  gdouble boxes[2][4];
} cases[] = {
  { FALSE, FALSE, 1, { { 20, 40, 90, 120 } } }, /* the canvas ends at 75 */
  { TRUE, FALSE, 1, { { 130, 10, 171, 60 } } }, /* and at 152 */
  { TRUE, FALSE, 1, { { -30, 10, 25, 60 } } },
  { FALSE, TRUE, 1, { { 33, 11, 77, 50 } } },
  { FALSE, FALSE, 2, { { 5, 5, 64, 64 }, { 40, 32, 120, 70 } } },
};

static TessRequest *
request_of_case (gint i)
{
  TessRequest *request = request_new ();

  if (cases[i].ring)
    {
      request->method = TESS_TILING_RING;
      request->width = 152;
    }
  for (gint k = 0; k < cases[i].n; k++)
    {
      TessInstance *instance = add_box (request, "a tree", cases[i].boxes[k]);

      if (!cases[i].as_mask)
        continue;
      instance->has_box = FALSE;
      memset (instance->box, 0, sizeof instance->box);
      instance->mask = picture_of (request, cases[i].boxes + k, 1);
    }
  return request;
}

/* Prompts of instances are regions of their texts where they are, whether
 * asked for or needed by the weights; those of one text are one region. */
START_TEST (own_prompts)
{
  g_autoptr (TessRequest) without = request_of_case (_i);
  g_autoptr (TessRequest) asked = request_of_case (_i);
  g_autoptr (TessRequest) needed = request_of_case (_i);
  g_autoptr (TessRequest) regions = request_of_case (_i);
  g_autoptr (GeglBuffer) mask
      = picture_of (regions, cases[_i].boxes, cases[_i].n);
  gsize n = (gsize) without->width * without->height * 3;
  g_autofree gfloat *expected = NULL, *plain = NULL, *got = NULL, *said = NULL;

  write_weights (FALSE, FALSE);
  without->instance_apart = regions->instance_apart = 0.0;
  tess_request_add_region (regions, "a tree", NULL, mask, NULL);
  asked->instance_prompts = 1;
  plain = paint (without);
  expected = paint (regions);
  got = paint (asked);
  write_weights (FALSE, TRUE);
  said = paint (needed);
  ck_assert_double_lt (tess_test_error (got, expected, n), 1e-5);
  ck_assert_double_lt (tess_test_error (said, got, n), 1e-6);
  ck_assert_double_gt (tess_test_error (got, plain, n), 1e-3);
  needed->instance_prompts = -1;
  needed->instance_apart = 0.0;
  g_free (said);
  said = paint (needed);
  ck_assert_double_lt (tess_test_error (said, plain, n), 1e-6);
}
END_TEST

/* An instance lies before a region; the rest of that is as it was. */
START_TEST (before_region)
{
  static const gdouble whole[][4] = { { 0, 0, 150, 75 } };
  static const gdouble around[][4] = { { 0, 0, 48, 75 },
                                       { 48, 0, 104, 16 },
                                       { 48, 64, 104, 75 },
                                       { 104, 0, 150, 75 } };
  static const gdouble inside[][4] = { { 48, 16, 104, 64 } };
  gfloat *pictures[2];
  gsize n = 0;

  write_weights (FALSE, FALSE);
  for (gint i = 0; i < 2; i++)
    {
      g_autoptr (TessRequest) request = request_new ();
      g_autoptr (GeglBuffer) all = picture_of (request, whole, 1);
      g_autoptr (GeglBuffer) rest = picture_of (request, around, 4);
      g_autoptr (GeglBuffer) own = picture_of (request, inside, 1);

      n = (gsize) request->width * request->height * 3;
      add_box (request, "a tree", inside[0]);
      request->instance_apart = 0.0;
      request->instance_prompts = i == 0 ? 1 : -1;
      tess_request_add_region (request, "snow", NULL, i == 0 ? all : rest,
                               NULL);
      if (i == 1)
        tess_request_add_region (request, "a tree", NULL, own, NULL);
      pictures[i] = paint (request);
    }
  ck_assert_double_lt (tess_test_error (pictures[0], pictures[1], n), 1e-5);
  g_free (pictures[0]);
  g_free (pictures[1]);
}
END_TEST

/* What has no area has no prompt, and is painted apart as ever. */
START_TEST (point)
{
  gfloat *pictures[2];
  gsize n = 0;

  for (gint i = 0; i < 2; i++)
    {
      g_autoptr (TessRequest) request = request_new ();
      TessInstance *instance = tess_instance_new ("a tree");

      write_weights (FALSE, i > 0);
      instance->has_point = TRUE;
      instance->point[0] = instance->point[1] = 40.0;
      g_ptr_array_add (request->instances, instance);
      request->instance_apart = 0.7;
      n = (gsize) request->width * request->height * 3;
      pictures[i] = paint (request);
    }
  ck_assert_double_lt (tess_test_error (pictures[1], pictures[0], n), 1e-6);
  g_free (pictures[0]);
  g_free (pictures[1]);
}
END_TEST

START_TEST (too_many)
{
  static const gdouble box[] = { 20, 40, 90, 60 };
  g_autoptr (TessRequest) request = request_new ();
  g_autoptr (TessStudio) studio = tess_studio_new ();
  g_autoptr (GError) error = NULL;

  write_weights (FALSE, TRUE);
  for (gint i = 0; i < TESS_MAX_PROMPTS; i++)
    {
      g_autofree gchar *text = g_strdup_printf ("a tree, %d", i);

      add_box (request, text, box);
    }
  ck_assert_ptr_null (tess_studio_run (studio, request, NULL, NULL, &error));
  ck_assert (g_error_matches (error, TESS_ERROR, TESS_ERROR_REQUEST));
  ck_assert_ptr_nonnull (strstr (error->message, "instance-prompts no"));
}
END_TEST

Suite *
tess_test_suite (void)
{
  Suite *suite = suite_create ("job-instances");
  TCase *tcase = tcase_create ("job-instances");

  tcase_add_unchecked_fixture (tcase, make, drop);
  tcase_add_test (tcase, masked);
  tcase_add_loop_test (tcase, own_prompts, 0, G_N_ELEMENTS (cases));
  tcase_add_test (tcase, before_region);
  tcase_add_test (tcase, point);
  tcase_add_test (tcase, too_many);
  suite_add_tcase (suite, tcase);
  return suite;
}
