/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/core/grounding.c: instances: against what trains them, and how their
 * weights come from files. */
#include "core/error.h"
#include "core/grounding-net.h"
#include "core/grounding.h"
#include "core/model-private.h"
#include "core/model-synthetic.h"
#include "core/tensor-file.h"
#include "core/unet.h"
#include "tests/harness.h"
#include "tests/small-instance.h"

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

static TessTensor *
formula (const TessLayoutEntry *entry)
{
  TessTensor *tensor
      = tess_formula_tensor (entry->name, entry->n_dims, entry->dims, NULL);

  ck_assert_ptr_nonnull (tensor);
  return tensor;
}

/* A UNet of Horizon's shape, weights from their names. */
static TessModel *
new_base (void)
{
  g_autofree gchar *path
      = g_build_filename (g_getenv ("TESS_SOURCE"), "models", "horizon", NULL);
  g_autoptr (TessModel) horizon = tess_model_open (path, NULL);
  TessModel *model = tess_model_new_empty ("formula");
  g_autoptr (GArray) layout = NULL;

  ck_assert_ptr_nonnull (horizon);
  model->config = horizon->config;
  memset (&model->config.instance, 0, sizeof model->config.instance);
  layout = tess_layout_unet (&model->config.unet);
  for (guint i = 0; i < layout->len; i++)
    {
      const TessLayoutEntry *entry
          = &g_array_index (layout, TessLayoutEntry, i);
      g_autoptr (TessTensor) tensor = formula (entry);

      tess_model_take_weight (model, TESS_PART_UNET, entry, tensor);
    }
  return model;
}

/* A folder of such an addition. */
static gchar *
write_addition (const TessModel *base,
                const TessInstanceConfig *config,
                guint n_missing)
{
  gchar *folder = g_dir_make_tmp ("tessera-instance-XXXXXX", NULL);
  g_autoptr (GError) error = NULL;

  ck_assert (tess_test_write_instance (folder, &base->config.unet, config,
                                       n_missing, "[\"box\", \"mask\"]",
                                       &error));
  return folder;
}

static void
remove_addition (const gchar *folder)
{
  static const gchar *const names[]
      = { "diffusion_pytorch_model.safetensors", "config.json" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree gchar *path = g_build_filename (folder, names[i], NULL);

      g_unlink (path);
    }
  g_rmdir (folder);
}

/* The scene of tools/train/make_instance_golden.py. */
typedef struct
{
  gfloat text[3][128], polygons[2][128], scribble[40];
  guint8 masks[2][256][256];
  TessSlot slots[3];
} Scene;

static void
scene_init (Scene *scene)
{
  static const gfloat boxes[3][4] = { { 0.1f, 0.2f, 0.6f, 0.9f },
                                      { 0.5f, 0.0f, 1.0f, 0.5f },
                                      { 0.0f, 0.75f, 0.25f, 1.0f } };
  static const gfloat points[3][2]
      = { { 0.35f, 0.55f }, { 0.75f, 0.25f }, { 0.125f, 0.875f } };

  memset (scene, 0, sizeof *scene);
  tess_formula_values ("input:text", 0.0, sqrt (3.0), 0, 3 * 128,
                       scene->text[0]);
  tess_formula_values ("input:polygon", 0.5, 0.5, 0, 2 * 128,
                       scene->polygons[0]);
  tess_formula_values ("input:scribble", 0.5, 0.5, 0, 40, scene->scribble);
  for (gint y = 0; y < 256; y++)
    for (gint x = 0; x < 256; x++)
      {
        scene->masks[0][y][x] = y >= 64 && y < 128 && x >= 32 && x < 128;
        scene->masks[1][y][x] = y < 128 && x >= 128;
      }
  for (gint i = 0; i < 3; i++)
    {
      TessSlot *slot = &scene->slots[i];

      slot->used = TRUE;
      slot->text = scene->text[i];
      memcpy (slot->box, boxes[i], sizeof slot->box);
      memcpy (slot->point, points[i], sizeof slot->point);
      slot->polygon = i < 2 ? scene->polygons[i] : NULL;
      slot->scribble = i == 2 ? scene->scribble : NULL;
      slot->mask = i < 2 ? &scene->masks[i][0][0] : NULL;
    }
}

static void
compare (const TessTensorFile *file,
         const gchar *name,
         const gfloat *values,
         gdouble bound)
{
  const TessTensor *tensor = tess_tensor_file_get (file, name);
  gdouble error;

  ck_assert_ptr_nonnull (tensor);
  error
      = tess_test_error (values, tensor->data, tess_tensor_n_elements (tensor));
  ck_assert_msg (error < bound, "%s: error %g", name, error);
}

static void
check_tokens (const TessTensorFile *file,
              const gchar *name,
              const TessGrounds *grounds,
              gint n_filled)
{
  const TessTensor *all = tess_tensor_file_get (file, name);
  gfloat *expanded;
  const gfloat *src = grounds->tokens->data;

  ck_assert_ptr_nonnull (all);
  expanded = g_new (gfloat, tess_tensor_n_elements (all));
  for (gint i = 0; i < 136; i++)
    {
      gint kind = i / 30, slot = i % 30;
      gint row = i < 120 ? kind * (n_filled + 1) + MIN (slot, n_filled)
                         : 4 * (n_filled + 1) + i - 120;

      memcpy (expanded + i * 128, src + row * 128, 128 * sizeof *src);
    }
  compare (file, name, expanded, 2e-5);
  g_free (expanded);
}

START_TEST (as_trained)
{
  static const struct
  {
    const gchar *name;
    gint n;
    TessFormat formats;
    gboolean masked;
  } cases[] = {
    { "all", 3,
      TESS_FORMAT_BOX | TESS_FORMAT_POINT | TESS_FORMAT_SCRIBBLE
          | TESS_FORMAT_MASK },
    { "null", 0,
      TESS_FORMAT_BOX | TESS_FORMAT_POINT | TESS_FORMAT_SCRIBBLE
          | TESS_FORMAT_MASK },
    { "box", 3, TESS_FORMAT_BOX | TESS_FORMAT_POINT },
    { "masked.all", 3,
      TESS_FORMAT_BOX | TESS_FORMAT_POINT | TESS_FORMAT_SCRIBBLE
          | TESS_FORMAT_MASK,
      TRUE },
    { "masked.box", 3, TESS_FORMAT_BOX | TESS_FORMAT_POINT, TRUE },
    { "masked.null", 0, TESS_FORMAT_BOX, TRUE },
  };
  static const gint sizes[2][2] = { { 32, 32 }, { 16, 64 } };
  g_autofree gchar *data = tess_test_data ("instance/horizon.safetensors");
  g_autoptr (GError) error = NULL;
  g_autoptr (TessTensorFile) file = tess_tensor_file_open (data, &error);
  g_autoptr (TessBackend) backend = tess_backend_cpu_new (NULL, &error);
  g_autoptr (TessModel) model = new_base ();
  g_autofree gchar *folder = write_addition (model, &tess_test_instance, 0);
  g_autoptr (TessUnet) unet = NULL;
  g_autoptr (TessTensor) context
      = tess_tensor_new (TESS_F32, 3, (gint64[]) { 1, 77, 128 }, NULL);
  g_autofree Scene *scene = g_new (Scene, 1);
  const gdouble timestep = 500.0, gate = 1.0;

  ck_no_error (error);
  ck_assert (tess_model_add_instances (model, folder, &error));
  ck_assert_int_eq (tess_model_instance (model)->formats,
                    TESS_FORMAT_BOX | TESS_FORMAT_MASK);
  ck_assert_str_eq (tess_model_instance (model)->names, "tree, house");
  remove_addition (folder);
  scene_init (scene);
  tess_formula_values ("input:context", 0.0, sqrt (3.0), 0, 77 * 128,
                       tess_tensor_f32 (context));
  unet = tess_unet_new (model, backend, &error);
  ck_assert (tess_unet_condition (unet, context, &timestep, 1, NULL, &error));
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      TessSlots set = { cases[i].n, scene->slots };
      g_auto (TessGrounds) grounds = { 0 };

      ck_assert (tess_grounding_run (model, backend, cases[i].formats, &set, 1,
                                     &grounds, NULL, &error));
      ck_assert_int_eq (grounds.n_tokens, 4 * (cases[i].n + 1) + 16);
      if (!cases[i].masked)
        {
          g_autofree gchar *tokens
              = g_strconcat (cases[i].name, ".tokens", NULL);

          check_tokens (file, tokens, &grounds, cases[i].n);
        }
      for (gint k = 0; k < 2; k++)
        {
          gint h = sizes[k][0], w = sizes[k][1];
          g_autofree gchar *name
              = g_strdup_printf ("%s.%dx%d", cases[i].name, h, w);
          gint32 cells[256]; /* half as many on each axis */
          TessUnetGrounding grounding = { .tokens = grounds.tokens,
                                          .bias = grounds.bias,
                                          .gates = &gate };
          g_autofree gchar *src_name = g_strdup_printf ("input:x.%dx%d", h, w);
          g_autofree gfloat *src = g_new (gfloat, 4 * h * w);
          g_autofree gfloat *dst = g_new (gfloat, 4 * h * w);

          if (cases[i].masked)
            {
              tess_grounding_cells (&tess_test_instance, cases[i].formats, &set,
                                    h / 2, w / 2, cells);
              grounding.cells = cells;
              grounding.regions = grounds.regions;
              grounding.n_cells = G_N_ELEMENTS (cells);
            }
          ck_assert (tess_unet_ground (unet, &grounding, NULL, &error));
          tess_formula_values (src_name, 0.0, sqrt (3.0), 0, 4 * h * w, src);
          ck_assert (tess_unet_run (
              unet,
              &(TessUnetCall) {
                  .n = 1, .h = h, .w = w, .src = src, .dst = dst },
              NULL, &error));
          compare (file, name, dst, 2e-5);
        }
    }
}
END_TEST

/* Two samples with two sets of tokens are each as alone; a step with its
 * fusers off is not as without the addition, for ScaleU remains; taking the
 * addition away gives the first answer back to the bit. */
START_TEST (sets_and_steps)
{
  enum
  {
    N = 4 * 16 * 16
  };
  g_autoptr (GError) error = NULL;
  g_autoptr (TessBackend) backend = tess_backend_cpu_new (NULL, &error);
  g_autoptr (TessModel) model = new_base ();
  g_autofree gchar *folder = write_addition (model, &tess_test_instance, 0);
  g_autoptr (TessUnet) unet = NULL;
  g_autoptr (TessTensor) context
      = tess_tensor_new (TESS_F32, 3, (gint64[]) { 1, 77, 128 }, NULL);
  g_autofree Scene *scene = g_new (Scene, 1);
  const gdouble timesteps[2] = { 500.0, 500.0 }, gates[2] = { 1.0, 0.0 };
  TessSlots sets[2];
  g_auto (TessGrounds) grounds = { 0 };
  g_autofree gfloat *src = g_new (gfloat, 2 * N);
  g_autofree gfloat *without = g_new (gfloat, 2 * N);
  g_autofree gfloat *both = g_new (gfloat, 2 * N);
  g_autofree gfloat *other = g_new (gfloat, 2 * N);
  TessUnetCall call = { .n = 2, .h = 16, .w = 16, .src = src };

  ck_assert (tess_model_add_instances (model, folder, &error));
  remove_addition (folder);
  scene_init (scene);
  sets[0] = (TessSlots) { 3, scene->slots };
  sets[1] = (TessSlots) { 1, scene->slots + 1 };
  tess_formula_values ("input:x", 0.0, sqrt (3.0), 0, 2 * N, src);
  unet = tess_unet_new (model, backend, &error);
  ck_assert (tess_unet_condition (unet, context, timesteps, 2, NULL, &error));
  call.dst = without;
  ck_assert (tess_unet_run (unet, &call, NULL, &error));
  ck_assert (tess_grounding_run (model, backend,
                                 TESS_FORMAT_BOX | TESS_FORMAT_MASK, sets, 2,
                                 &grounds, NULL, &error));
  ck_assert (tess_unet_ground (unet,
                               &(TessUnetGrounding) { .tokens = grounds.tokens,
                                                      .bias = grounds.bias,
                                                      .gates = gates },
                               NULL, &error));
  call.grounds = (gint32[]) { 1, 0 };
  call.dst = both;
  ck_assert (tess_unet_run (unet, &call, NULL, &error));
  call.n = 1;
  call.dst = other;
  ck_assert (tess_unet_run (unet, &call, NULL, &error));
  ck_assert_double_lt (tess_test_error (other, both, N), 1e-5);
  call.src = src + N;
  ck_assert (tess_unet_run (unet, &call, NULL, &error));
  ck_assert_double_gt (tess_test_error (other, both + N, N), 1e-4);
  call.grounds = NULL;
  ck_assert (tess_unet_run (unet, &call, NULL, &error));
  ck_assert_double_lt (tess_test_error (other, both + N, N), 1e-5);

  call.n = 2;
  call.src = src;
  call.step = 1;
  ck_assert (tess_unet_run (unet, &call, NULL, &error));
  ck_assert_double_gt (tess_test_error (other, without, 2 * N), 1e-3);
  ck_assert_double_gt (tess_test_error (other, both, 2 * N), 1e-3);
  ck_assert (tess_unet_ground (unet, NULL, NULL, &error));
  ck_assert (tess_unet_run (unet, &call, NULL, &error));
  ck_assert_mem_eq (other, without, 2 * N * sizeof *other);
}
END_TEST

/* A weak one's tokens score less, and its mask is weaker. */
START_TEST (strength)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TessBackend) backend = tess_backend_cpu_new (NULL, &error);
  g_autoptr (TessModel) model = new_base ();
  g_autofree gchar *folder = write_addition (model, &tess_test_instance, 0);
  g_autofree Scene *scene = g_new (Scene, 1);
  TessSlots set;
  g_auto (TessGrounds) all = { 0 }, weak = { 0 };
  const gint n_rows = 4 * (3 + 1); /* one of the four empty */

  ck_assert (tess_model_add_instances (model, folder, &error));
  remove_addition (folder);
  scene_init (scene);
  set = (TessSlots) { 3, scene->slots };
  ck_assert (tess_grounding_run (model, backend,
                                 TESS_FORMAT_BOX | TESS_FORMAT_MASK, &set, 1,
                                 &all, NULL, &error));
  scene->slots[1].bias = -2.0f;
  ck_assert (tess_grounding_run (model, backend,
                                 TESS_FORMAT_BOX | TESS_FORMAT_MASK, &set, 1,
                                 &weak, NULL, &error));
  for (gint i = 0; i < weak.n_tokens; i++)
    ck_assert_float_eq (tess_tensor_f32 (weak.bias)[i]
                            - tess_tensor_f32 (all.bias)[i],
                        i < n_rows && i % 4 == 1 ? -2.0f : 0.0f);
  ck_assert_mem_eq (tess_tensor_f32 (all.tokens), tess_tensor_f32 (weak.tokens),
                    n_rows * 128 * sizeof (gfloat));
  ck_assert_double_gt (
      tess_test_error (tess_tensor_f32 (all.tokens) + n_rows * 128,
                       tess_tensor_f32 (weak.tokens) + n_rows * 128, 16 * 128),
      1e-4);
}
END_TEST

/* The published file, then the three that it was cut into. */
START_TEST (published_container)
{
  static const gchar *const containers[]
      = { "instance/published.pth", "instance/split",
          "instance/split/fusers.ckpt" };
  g_autofree gchar *path = tess_test_data (containers[_i]);
  g_autoptr (GError) error = NULL;
  g_autoptr (TessModel) model = tess_model_new_empty ("base");
  g_autoptr (GArray) layout = NULL;
  const TessInstanceConfig *config;

  model->config.unet = (TessUnetConfig) { .in_channels = 4,
                                          .out_channels = 4,
                                          .n_levels = 2,
                                          .channels = { 8, 16 },
                                          .attention_down = { TRUE, TRUE },
                                          .attention_up = { TRUE, TRUE },
                                          .n_heads = { 2, 2 },
                                          .depth = { 1, 1 },
                                          .layers_per_block = 1,
                                          .mid_attention = TRUE,
                                          .context_width = 24,
                                          .norm_groups = 4 };
  ck_assert (tess_model_add_instances (model, path, &error));
  config = tess_model_instance (model);
  ck_assert_int_eq (config->n_slots, 4);
  ck_assert_int_eq (config->mask_side, 64);
  ck_assert_int_eq (config->trunk_depths[2], 2);
  ck_assert_int_eq (config->n_polygon, 3);
  layout = tess_layout_instance (&model->config.unet, config);
  for (guint i = 0; i < layout->len; i++)
    {
      const TessLayoutEntry *entry
          = &g_array_index (layout, TessLayoutEntry, i);
      const TessWeight *weight
          = tess_model_weight (model, TESS_PART_INSTANCE, entry->name, &error);
      g_autoptr (TessTensor) expected = formula (entry);
      g_autofree gfloat *values = NULL;
      gsize n = tess_tensor_n_elements (expected);

      ck_no_error (error);
      values = g_new (gfloat, n);
      tess_tensor_read_f32 (weight->tensor, 0, n, values);
      ck_assert_mem_eq (values, expected->data, n * sizeof *values);
    }
}
END_TEST

static void
assert_refused (TessModel *model, const gchar *path, const gchar *word)
{
  g_autoptr (GError) error = NULL;

  ck_assert (!tess_model_add_instances (model, path, &error));
  ck_assert_msg (strstr (error->message, word) != NULL, "%s", error->message);
  ck_assert_ptr_null (tess_model_instance (model));
}

START_TEST (refused)
{
  g_autofree gchar *published = tess_test_data ("instance/published.pth");
  g_autofree gchar *other = tess_test_data ("instance/horizon.safetensors");
  g_autoptr (TessBackend) backend = tess_backend_plain_new ();
  g_autoptr (TessModel) model = new_base ();
  g_autofree gchar *folder = write_addition (model, &tess_test_instance, 1);
  g_autoptr (GError) error = NULL;
  TessSlots none = { 0 }, many = { .n = 31 };
  g_auto (TessGrounds) grounds = { 0 };

  ck_assert (!tess_grounding_run (model, backend, 0, &none, 1, &grounds, NULL,
                                  &error));
  ck_assert_ptr_nonnull (strstr (error->message, "InstanceDiffusion"));
  g_clear_error (&error);
  assert_refused (model, published, "reads texts of 24");
  assert_refused (model, other, "no weights of InstanceDiffusion");
  assert_refused (model, "/nowhere", "/nowhere");
  assert_refused (model, folder, "scaleu_s_5");
  remove_addition (folder);
  model->config.instance = tess_test_instance;
  ck_assert (!tess_grounding_run (model, backend, 0, &many, 1, &grounds, NULL,
                                  &error));
  ck_assert_ptr_nonnull (strstr (error->message, "31 instances"));
}
END_TEST

/* A mask's cells are those that it touches, a box's whole ones, and one at
 * least; without any region every cell sees everything. */
START_TEST (cells_of_tile)
{
  g_autofree guint8 *mask = g_new0 (guint8, 256 * 256);
  const TessSlot slots[] = {
    { .used = TRUE, .box = { 0, 0, 1, 1 }, .mask = mask },
    { .used = TRUE, .box = { 0.5f, 0.5f, 1, 0.99f } },
    { .used = TRUE, .box = { 0.3f, 0.3f, 0.31f, 0.31f } },
    { .used = TRUE, .without = TESS_FORMAT_BOX, .point = { 0.9f, 0.1f } },
  };
  const gint32 wanted[] = {
    0, 1, 0, 0, /* the mask's pixels at 64..127 */
    0, 4, 0, 0, 0, 0, 2, 2, 0, 0, 2, 2,
  };
  TessSlots set = { 4, slots };
  gint32 cells[16];

  memset (mask + 64, 1, 64);
  tess_grounding_cells (&tess_test_instance, TESS_FORMAT_BOX | TESS_FORMAT_MASK,
                        &set, 4, 4, cells);
  ck_assert_mem_eq (cells, wanted, sizeof cells);
  set = (TessSlots) { 1, &slots[3] };
  tess_grounding_cells (&tess_test_instance, TESS_FORMAT_BOX, &set, 4, 4,
                        cells);
  for (gint i = 0; i < 16; i++)
    ck_assert_int_eq (cells[i], TESS_ALL_REGIONS);
}
END_TEST

START_TEST (gates)
{
  gdouble strengths[50], few[7];

  tess_grounding_gates (50, 0.75, 0.0, strengths);
  for (gint i = 0; i < 50; i++)
    ck_assert_double_eq (strengths[i], i < 37);
  tess_grounding_gates (7, 0.4, 0.35, few);
  ck_assert_double_eq (few[1], 1.0);
  ck_assert_double_eq (few[2], 0.5);
  ck_assert_double_eq (few[3], 0.0);
  ck_assert_double_eq (few[6], 0.0);
}
END_TEST

Suite *
tess_test_suite (void)
{
  Suite *suite = suite_create ("grounding");
  TCase *tcase;

  tess_test_add (suite, "as trained", as_trained);
  tess_test_add (suite, "sets and steps", sets_and_steps);
  tess_test_add (suite, "strength", strength);
  tcase = tcase_create ("published container");
  tcase_add_loop_test (tcase, published_container, 0, 3);
  suite_add_tcase (suite, tcase);
  tess_test_add (suite, "refused", refused);
  tess_test_add (suite, "cells of a tile", cells_of_tile);
  tess_test_add (suite, "gates", gates);
  return suite;
}
