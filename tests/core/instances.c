/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/core/instances.c: named things on large canvases, with a network that
 * is a formula: each is painted exactly inside its mask, whatever the tiles;
 * and lists of them as JSON. */
#include "core/canvas.h"
#include "core/error.h"
#include "core/instances-json.h"
#include "core/model-config.h"
#include "core/multi-instance.h"
#include "core/multidiffusion.h"
#include "core/phase.h"
#include "core/request.h"
#include "tests/harness.h"

#include <math.h>
#include <string.h>

#define FACTOR 8
#define TILE 64

static const TessInstanceConfig config = {
  .n_slots = 30,
  .text_width = 4,
  .token_width = 4,
  .mlp_width = 4,
  .n_scribble = 20,
  .n_polygon = 16,
  .mask_side = 512,
  .n_stages = 4,
  .trunk_channels = { 1, 1, 1, 1 },
  .formats = TESS_FORMAT_BOX | TESS_FORMAT_POINT | TESS_FORMAT_SCRIBBLE
             | TESS_FORMAT_MASK,
};

typedef struct
{
  TessMethod *method;
  TessInstancePlace place;
  GPtrArray *given;
  TessInstances *instances;
  gint64 n_calls;
} World;

static void
world_init (World *world, gint width, gint height, gboolean ring)
{
  const TessMultidiffusionSettings settings = {
    .tiles = { .width = width / FACTOR,
               .height = height / FACTOR,
               .tile_w = TILE,
               .tile_h = TILE,
               .overlap_x = TILE / 2,
               .overlap_y = TILE / 2,
               .align = 8,
               .grid_x = ring ? TESS_GRID_RING : TESS_GRID_EVEN },
  };

  memset (world, 0, sizeof *world);
  world->method = tess_multidiffusion_new (&settings, NULL);
  ck_assert_ptr_nonnull (world->method);
  world->place = (TessInstancePlace) { .plan = world->method->plan,
                                       .width = width,
                                       .height = height,
                                       .factor = FACTOR,
                                       .config = &config };
  world->given
      = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_instance_free);
}

static void
world_finish (World *world)
{
  tess_method_free (world->method);
  tess_instances_free (world->instances);
  g_ptr_array_unref (world->given);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (World, world_finish)

/* A mask of whole cells: @w x @h pixels at @x, @y, over the seam too. */
static void
add_mask (World *world, const gchar *text, gint x, gint y, gint w, gint h)
{
  gint width = world->place.width, height = world->place.height;
  TessInstance *instance = tess_instance_new (text);
  g_autofree gfloat *values = g_new0 (gfloat, (gsize) width * height);
  GeglRectangle rect = { 0, 0, width, height };

  for (gint i = 0; i < w * h; i++)
    values[(gsize) (y + i / w) * width + (x + i % w) % width] = 1.0f;
  instance->mask = gegl_buffer_new (&rect, babl_format ("Y float"));
  gegl_buffer_set (instance->mask, &rect, 0, babl_format ("Y float"), values,
                   GEGL_AUTO_ROWSTRIDE);
  g_ptr_array_add (world->given, instance);
}

static void
add_box (World *world, const gchar *text, gint x, gint y, gint w, gint h)
{
  TessInstance *instance = tess_instance_new (text);

  instance->has_box = TRUE;
  instance->box[0] = x;
  instance->box[1] = y;
  instance->box[2] = x + w;
  instance->box[3] = y + h;
  g_ptr_array_add (world->given, instance);
}

static void
make (World *world)
{
  GError *error = NULL;

  world->instances = tess_instances_new (world->given, &world->place, &error);
  ck_no_error (error);
}

static gint
which (const World *world, const TessSlot *slot)
{
  return (gint) ((slot->text - world->instances->texts) / config.text_width);
}

/* Says the picture itself: each cell the number of the instance there, 0
 * where there is none; a place where two lie would be seen as their sum. */
static gboolean
paint (const TessUnetCall *call,
       gpointer data,
       GCancellable *cancellable,
       GError **error)
{
  World *world = data;
  gsize n = (gsize) call->h * call->w;

  memset (call->dst, 0, call->n * 4 * n * sizeof *call->dst);
  world->n_calls += call->n;
  for (gint i = 0; i < call->n; i++)
    {
      const TessSlots *set = world->instances->sets->pdata[call->grounds[i]];

      for (gint k = 0; k < set->n; k++)
        for (gsize cell = 0; cell < n; cell++)
          {
            gint x = (gint) (((cell % call->w) + 0.5) * config.mask_side
                             / call->w);
            gint y = (gint) (((cell / call->w) + 0.5) * config.mask_side
                             / call->h);
            const TessSlot *slot = &set->slots[k];

            if (slot->mask[y * config.mask_side + x])
              for (gint c = 0; c < 4; c++)
                call->dst[(i * 4 + c) * n + cell] += 1 + which (world, slot);
          }
    }
  return TRUE;
}

/* Paints the world; (transfer full). */
static TessTensor *
run (World *world, TessDenoiser denoiser, gint n_steps, gint n_apart)
{
  const TessTilePlan *plan = world->method->plan;
  gint32 rows[64], positive = 1, negative = 0;
  TessMultiInstance apart
      = { .n = world->instances->n,
          .n_times = n_apart,
          .positive = rows,
          .grounds = world->instances->alone,
          .settings = { .kind = TESS_SAMPLER_DDIM, .n_steps = n_steps } };
  g_autoptr (TessSampler) sampler = NULL;
  g_autoptr (GError) error = NULL;
  TessTensor *x
      = tess_tensor_new_nchw (1, 4, plan->height, plan->width, &error);
  TessDenoise job = { .method = world->method,
                      .denoiser = denoiser,
                      .denoiser_data = world,
                      .channels = 4,
                      .batch = 3,
                      .positive = &positive,
                      .negative = denoiser == paint ? NULL : &negative,
                      .guidance = 2.0,
                      .grounds = world->instances->tiles };

  tess_config_default_diffusion (&apart.diffusion);
  apart.diffusion.prediction = TESS_PREDICTION_X0;
  apart.diffusion.set_alpha_to_one = TRUE;
  sampler = tess_sampler_new (&apart.diffusion, &apart.settings, &error);
  ck_no_error (error);
  job.sampler = sampler;
  for (gint k = 0; k < 64; k++)
    rows[k] = 2 + k;
  for (gsize i = 0; i < tess_tensor_n_elements (x); i++)
    tess_tensor_f32 (x)[i] = (gfloat) (i % 97) / 97.0f - 0.5f;
  world->n_calls = 0;
  ck_assert (tess_multi_instance_run (&job, &apart, x, NULL, &error));
  ck_assert_int_eq (world->n_calls,
                    tess_multi_instance_n_samples (&job, &apart));
  return x;
}

/* Each cell of the canvas has the number of the instance whose mask it is in,
 * to the last bit of a sum of weights. */
static void
assert_painted (World *world, const TessTensor *x)
{
  const TessTilePlan *plan = world->method->plan;
  gsize n = (gsize) plan->width * plan->height;
  g_autofree gfloat *expected = g_new0 (gfloat, n);

  for (guint k = 0; k < world->given->len; k++)
    {
      const TessInstance *instance = world->given->pdata[k];
      g_autofree gfloat *mask = g_new (gfloat, n);

      ck_assert (tess_canvas_read_mask (instance->mask, world->place.width,
                                        world->place.height, FACTOR,
                                        plan->width, plan->height, mask, NULL));
      for (gsize i = 0; i < n; i++)
        expected[i] += mask[i] > 0.5f ? k + 1 : 0;
    }
  for (gsize i = 0; i < n; i++)
    ck_assert_float_eq_tol (((const gfloat *) x->data)[i], expected[i], 1e-4f);
}

START_TEST (over_four_tiles)
{
  g_auto (World) world = { 0 };
  g_autoptr (TessTensor) x = NULL;

  world_init (&world, 1024, 1024, FALSE);
  add_mask (&world, "lake", 240, 248, 520, 480);
  add_mask (&world, "barn", 800, 40, 64, 96);
  make (&world);
  ck_assert_int_eq (world.method->plan->n_tiles, 9);
  for (gint apart = 0; apart < 3; apart += 2)
    {
      g_clear_pointer (&x, tess_tensor_unref);
      x = run (&world, paint, 4, apart);
      assert_painted (&world, x);
    }
}
END_TEST

START_TEST (across_the_seam)
{
  g_auto (World) world = { 0 };
  g_autoptr (TessTensor) x = NULL;
  gint n_both = 0;

  world_init (&world, 1536, 512, TRUE);
  add_mask (&world, "cliff", 1400, 200, 320, 136);
  add_box (&world, "moon", 1500, 40, 80, 80);
  make (&world);
  /* In tiles that lie across the seam the box is whole. */
  for (gint t = 0; t < world.method->plan->n_tiles; t++)
    {
      TessTile tile = tess_tile_plan_tile (world.method->plan, t);
      const TessSlots *set
          = world.instances->sets->pdata[world.instances->tiles[t]];
      gint left = tile.x * FACTOR;

      for (gint i = 0; i < set->n; i++)
        if (which (&world, &set->slots[i]) == 1 && left <= 1500
            && left + 512 >= 1580)
          {
            ck_assert_float_eq_tol (set->slots[i].box[0],
                                    (1500 - left) / 512.0f, 1e-6f);
            ck_assert_float_eq_tol (set->slots[i].box[2],
                                    (1580 - left) / 512.0f, 1e-6f);
            n_both++;
          }
    }
  ck_assert_int_gt (n_both, 0);
  g_ptr_array_set_size (world.given, 1);
  g_clear_pointer (&world.instances, tess_instances_free);
  make (&world);
  x = run (&world, paint, 3, 1);
  assert_painted (&world, x);
}
END_TEST

START_TEST (forty_five)
{
  g_auto (World) world = { 0 };
  g_autoptr (TessTensor) x = NULL;
  gint n_most = 0;

  world_init (&world, 4096, 512, FALSE);
  for (gint i = 0; i < 45; i++)
    add_mask (&world, "thing", 24 + 88 * i, 16 + 72 * (i % 6), 80, 64);
  make (&world);
  for (guint s = 0; s < world.instances->sets->len; s++)
    n_most = MAX (n_most, ((TessSlots *) world.instances->sets->pdata[s])->n);
  ck_assert_int_eq (n_most, world.instances->n_most);
  ck_assert_int_le (n_most, 8);
  x = run (&world, paint, 2, 1);
  assert_painted (&world, x);
}
END_TEST

/* The same of every cell, by the text alone. */
static gboolean
speak (const TessUnetCall *call,
       gpointer data,
       GCancellable *cancellable,
       GError **error)
{
  gsize n = 4 * (gsize) call->h * call->w;

  ((World *) data)->n_calls += call->n;
  for (gsize i = 0; i < call->n * n; i++)
    call->dst[i]
        = 0.3f * call->src[i] + 0.1f * call->rows[i / n] * (call->step + 1);
  return TRUE;
}

/* An instance that lies on every tile counts once, as on a canvas of one
 * tile; cells that no tile of it has are the picture's alone. */
START_TEST (mean_of_canvases)
{
  g_auto (World) one = { 0 };
  g_auto (World) many = { 0 };
  g_autoptr (TessTensor) a = NULL;
  g_autoptr (TessTensor) b = NULL;
  g_autoptr (TessTensor) c = NULL;
  g_autoptr (TessTensor) alone = NULL;

  world_init (&one, 512, 512, FALSE);
  world_init (&many, 1024, 512, FALSE);
  add_box (&one, "sky", 0, 0, 512, 200);
  add_box (&many, "sky", 0, 0, 1024, 200);
  make (&one);
  make (&many);
  a = run (&one, speak, 3, 2);
  b = run (&many, speak, 3, 2);
  /* What is said does not depend on the place; noise repeats every 97. */
  for (gint i = 0; i < 64 * 64; i++)
    {
      const gfloat *p = a->data, *q = b->data;
      gint y = i / 64, x = i % 64;
      gint at = y * 128 + x, same = (at % 97);

      ck_assert_float_eq_tol (q[at], p[same], 1e-5f);
    }
  g_ptr_array_set_size (many.given, 0);
  add_box (&many, "tree", 100, 100, 100, 100);
  g_clear_pointer (&many.instances, tess_instances_free);
  make (&many);
  c = run (&many, speak, 3, 2);
  alone = run (&many, speak, 3, 0);
  for (gint y = 0; y < 64; y++)
    {
      const gfloat *p = c->data, *q = alone->data, *all = b->data;

      ck_assert_float_eq_tol (p[y * 128 + 127], q[y * 128 + 127], 1e-6f);
      ck_assert_float_eq_tol (p[y * 128], all[y * 128], 1e-5f);
      ck_assert_float_ne (p[y * 128], q[y * 128]);
    }
}
END_TEST

START_TEST (places)
{
  g_auto (World) world = { 0 };
  TessInstance *stroke = tess_instance_new ("road");
  TessInstance *point = tess_instance_new ("gull");
  const gdouble line[] = { 100, 400, 300, 400 };
  const TessSlots *set;

  world_init (&world, 512, 512, FALSE);
  stroke->stroke = g_array_new (FALSE, FALSE, sizeof (gdouble));
  g_array_append_vals (stroke->stroke, line, 4);
  point->has_point = TRUE;
  point->point[0] = 256;
  point->point[1] = 128;
  g_ptr_array_add (world.given, stroke);
  g_ptr_array_add (world.given, point);
  add_box (&world, "hill", 128, 256, 1000, 128);
  ((TessInstance *) world.given->pdata[2])->strength = 0.5;
  make (&world);
  set = world.instances->sets->pdata[world.instances->tiles[0]];
  ck_assert_int_eq (set->n, 3);
  ck_assert_float_eq_tol (set->slots[0].scribble[0], 100 / 512.0f, 0.02f);
  ck_assert_float_eq_tol (set->slots[0].box[1], 396 / 512.0f, 1e-5f);
  ck_assert_float_eq (set->slots[1].point[1], 0.25f);
  ck_assert_int_eq (set->slots[1].without, TESS_FORMAT_BOX);
  ck_assert_float_eq (set->slots[2].box[2], 1.0f);
  ck_assert_float_eq (set->slots[2].point[0], 0.625f);
  ck_assert_float_eq (set->slots[1].bias, 0.0f);
  ck_assert_float_eq_tol (set->slots[2].bias, logf (0.5f), 1e-6f);
  ck_assert_int_eq (world.instances->formats,
                    TESS_FORMAT_BOX | TESS_FORMAT_POINT | TESS_FORMAT_SCRIBBLE);
}
END_TEST

static void
assert_refused (World *world, const gchar *words)
{
  g_autoptr (GError) error = NULL;

  ck_assert_ptr_null (tess_instances_new (world->given, &world->place, &error));
  ck_assert (g_error_matches (error, TESS_ERROR, TESS_ERROR_REQUEST));
  ck_assert_msg (strstr (error->message, words) != NULL, "%s", error->message);
}

START_TEST (refused)
{
  g_auto (World) world = { 0 };

  world_init (&world, 512, 512, FALSE);
  add_box (&world, "hill", 600, 0, 100, 100);
  assert_refused (&world, "\"hill\" lies outside");
  g_ptr_array_set_size (world.given, 0);
  add_mask (&world, "pond", 0, 0, 0, 0);
  assert_refused (&world, "mask of \"pond\" is empty");
  g_ptr_array_set_size (world.given, 0);
  add_box (&world, "  ", 0, 0, 100, 100);
  assert_refused (&world, "no text");
  g_ptr_array_set_size (world.given, 0);
  add_box (&world, "hill", 0, 0, 100, 100);
  ((TessInstance *) world.given->pdata[0])->strength = 0.0;
  assert_refused (&world, "strength of \"hill\" is 0");
  g_ptr_array_set_size (world.given, 0);
  for (gint i = 0; i < 31; i++)
    add_box (&world, "dot", 10 * i, 10, 8, 8);
  assert_refused (&world, "31 instances lie in the tile at 0, 0");
}
END_TEST

START_TEST (json)
{
  static const struct
  {
    const gchar *json, *words;
  } bad[] = {
    { "[{\"text\": \"a\"}]", "instance 1: \"box, point, scribble or mask\"" },
    { "[{\"box\": [1,2,3,4]}]", "\"text\" must be given" },
    { "[{\"text\": \"a\", \"box\": [1,2,3]}]", "[x, y, width, height]" },
    { "[{\"text\": \"a\", \"box\": [1,2,0,4]}]", "wider and higher" },
    { "[{\"text\": \"a\", \"point\": [1,\"2\"]}]", "[x, y] in pixels" },
    { "[{\"text\": \"a\", \"point\": [1,1e9]}]", "[x, y] in pixels" },
    { "[{\"text\": \"a\", \"bbox\": [1,2,3,4]}]", "unknown member \"bbox\"" },
    { "[{\"text\": \"a\", \"strength\": \"1\"}]", "must be a number" },
    { "[{\"text\": 3}]", "\"text\" must be a text" },
    { "[3]", "list of objects" },
    { "{\"a\": 1}", "must be a list" },
    { "[", "not JSON" },
    { "/nowhere/x.json", "/nowhere/x.json" },
  };
  static const gchar good[]
      = "{\"instances\": [{\"text\": \"a\", \"box\": [1, 2, 3.5, 4]}, "
        "{\"text\": \"b\", \"point\": [5, 6]}, {\"text\": \"c\", "
        "\"scribble\": [[1, 2], [3, 4]], \"strength\": 0.5}, {\"text\": \"d\", "
        "\"mask\": "
        "\"/d.png\"}]}";
  g_autoptr (TessRequest) request = tess_request_new ();
  g_autoptr (TessRequest) again = NULL;
  g_autofree gchar *written = NULL;
  const TessInstance *first, *third, *fourth;
  GError *error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GPtrArray) list = g_ptr_array_new_with_free_func (
          (GDestroyNotify) tess_instance_free);
      g_autoptr (GError) local = NULL;

      ck_assert (!tess_instances_parse (bad[i].json, list, &local));
      ck_assert_msg (strstr (local->message, bad[i].words) != NULL, "%s: %s",
                     bad[i].json, local->message);
    }
  ck_assert (tess_instances_parse (good, request->instances, &error));
  ck_assert (tess_instances_parse ("  ", request->instances, &error));
  written = tess_request_to_json (request);
  again = tess_request_from_json (written, NULL, &error);
  ck_no_error (error);
  ck_assert_int_eq (again->instances->len, 4);
  first = again->instances->pdata[0];
  third = again->instances->pdata[2];
  fourth = again->instances->pdata[3];
  ck_assert_str_eq (first->text, "a");
  ck_assert_double_eq (first->box[2], 4.5);
  ck_assert_int_eq (third->stroke->len, 4);
  ck_assert_double_eq (first->strength, 1.0);
  ck_assert_double_eq (third->strength, 0.5);
  ck_assert_str_eq (fourth->mask_path, "/d.png");
  again->method = TESS_TILING_SHIFTED;
  ck_assert (!tess_request_check (again, &error));
  ck_assert_ptr_nonnull (strstr (error->message, "tiles that stay"));
  g_clear_error (&error);
}
END_TEST

/* Small first, then large: each thing keeps its place in the picture, and both
 * have tiles that stay. */
START_TEST (any_size)
{
  static const TessPhaseModel model
      = { .window = 64, .align = 8, .factor = FACTOR };
  g_autoptr (TessRequest) request = tess_request_new ();
  g_autoptr (GPtrArray) phases = NULL;
  g_auto (World) world = { 0 };
  const TessPhase *first, *large;
  const gdouble line[] = { 512, 512, 2048, 1024 };
  TessInstance *stroke = tess_instance_new ("road");
  const TessInstance *box;

  request->width = 2048;
  request->height = 1024;
  request->method = TESS_TILING_ANY_SIZE;
  stroke->stroke = g_array_new (FALSE, FALSE, sizeof (gdouble));
  g_array_append_vals (stroke->stroke, line, 4);
  g_ptr_array_add (request->instances, stroke);
  world_init (&world, 2048, 1024, FALSE);
  add_box (&world, "hill", 512, 256, 512, 768);
  g_ptr_array_add (request->instances,
                   g_ptr_array_steal_index (world.given, 0));
  ck_assert (tess_request_check (request, NULL));
  phases = tess_phases_new (request, &model);
  ck_assert_int_eq (phases->len, 2);
  first = phases->pdata[0];
  large = phases->pdata[1];
  ck_assert_int_eq (first->request->method, TESS_TILING_MULTIDIFFUSION);
  ck_assert_int_eq (large->request->method, TESS_TILING_MULTIDIFFUSION);
  ck_assert_int_ge (first->request->tile * FACTOR, first->request->width);
  box = first->request->instances->pdata[1];
  ck_assert_double_eq_tol (box->box[2], first->request->width / 2.0, 1e-9);
  ck_assert_double_eq_tol (box->box[3], first->request->height, 1e-9);
  box = first->request->instances->pdata[0];
  ck_assert_double_eq_tol (g_array_index (box->stroke, gdouble, 0),
                           first->request->width / 4.0, 1e-9);
  ck_assert_double_eq_tol (g_array_index (box->stroke, gdouble, 1),
                           first->request->height / 2.0, 1e-9);
  box = large->request->instances->pdata[0];
  ck_assert_double_eq (g_array_index (box->stroke, gdouble, 0), 512);
  ck_assert_int_eq (
      ((TessInstance *) large->request->instances->pdata[1])->box[3], 1024);
}
END_TEST

Suite *
tess_test_suite (void)
{
  Suite *suite = suite_create ("instances");

  gegl_init (NULL, NULL);
  tess_test_add (suite, "over four tiles", over_four_tiles);
  tess_test_add (suite, "across the seam", across_the_seam);
  tess_test_add (suite, "forty-five on 4096 pixels", forty_five);
  tess_test_add (suite, "the mean of canvases", mean_of_canvases);
  tess_test_add (suite, "boxes, points, strokes", places);
  tess_test_add (suite, "refused", refused);
  tess_test_add (suite, "any size", any_size);
  tess_test_add (suite, "JSON", json);
  return suite;
}
