/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/core/gpu.c: the Vulkan backend beside its ops: choosing a device, the
 * proof, memory that does not do, every Vulkan call failing, and a job that
 * loses its card. On llvmpipe, under the validation layer. */
#include "core/devices.h"
#include "core/error.h"
#include "core/generate.h"
#include "gpu/backend.h"
#include "gpu/prove.h"
#include "gpu/vk-result.h"
#include "tests/harness.h"
#include "tests/ops/rows.h"

#include <math.h>
#include <string.h>

static TessBackend *
open_backend (gsize n_bytes, gboolean hidden, GError **error)
{
  TessVulkanSettings settings
      = { .n_bytes = n_bytes, .hidden = hidden, .unproven = TRUE };

  return tess_backend_vulkan_new (&settings, error);
}

/* One convolution and its answer; NULL with @error where something fails. */
static gfloat *
run_program (TessBackend *backend, gsize *n, GError **error)
{
  g_autoptr (GPtrArray) weights
      = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_weight_free);
  g_autoptr (TessBuffer) dst = NULL;
  g_autoptr (TessProgram) program
      = tess_ops_program (backend, weights, &dst, error);
  g_autoptr (TessExec) exec
      = program ? tess_backend_compile (backend, program, error) : NULL;
  gfloat *numbers;

  if (exec == NULL || !tess_exec_run (exec, NULL, error))
    return NULL;
  *n = tess_shape_n_elements (tess_buffer_shape (dst));
  numbers = g_new (gfloat, *n);
  tess_buffer_read (dst, 0, tess_buffer_shape (dst)->n, numbers);
  return numbers;
}

START_TEST (no_such_device)
{
  TessVulkanSettings settings = { .device = "Voodoo", .unproven = TRUE };
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) list = tess_gpu_list ();

  ck_assert_uint_gt (list->len, 0);
  ck_assert_ptr_null (tess_backend_vulkan_new (&settings, &error));
  ck_assert (g_error_matches (error, TESS_ERROR, TESS_ERROR_DEVICE));
  ck_assert_ptr_nonnull (strstr (error->message, "Voodoo"));
  ck_assert_ptr_nonnull (strstr (error->message, "llvmpipe"));
}
END_TEST

START_TEST (picked_card)
{
  TessGpuInfo cards[] = {
    { .name = (gchar *) "GeForce RTX 3080 Ti", .kind = TESS_GPU_DISCRETE },
    { .name = (gchar *) "GeForce RTX 3080", .kind = TESS_GPU_DISCRETE },
    { .name = (gchar *) "llvmpipe (256 bits)", .kind = TESS_GPU_CPU },
  };
  g_autoptr (GPtrArray) infos = g_ptr_array_new ();

  ck_assert_int_eq (tess_gpu_pick (infos, NULL), -1);
  for (guint i = 0; i < G_N_ELEMENTS (cards); i++)
    g_ptr_array_add (infos, &cards[i]);
  ck_assert_int_eq (tess_gpu_pick (infos, NULL), 0);
  ck_assert_int_eq (tess_gpu_pick (infos, "3080"), 0);
  ck_assert_int_eq (tess_gpu_pick (infos, "geforce rtx 3080"), 1);
  ck_assert_int_eq (tess_gpu_pick (infos, "1"), 1);
  ck_assert_int_eq (tess_gpu_pick (infos, "LLVMpipe"), 2);
  ck_assert_int_eq (tess_gpu_pick (infos, "3"), -1);
  ck_assert_int_eq (tess_gpu_pick (infos, "Voodoo"), -1);
  cards[0].refused = (gchar *) "it has no compute queue";
  ck_assert_int_eq (tess_gpu_pick (infos, NULL), 1);
  ck_assert_int_eq (tess_gpu_pick (infos, "0"), 0); /* and is told why not */
  cards[1].refused = cards[0].refused;
  ck_assert_int_eq (tess_gpu_pick (infos, NULL), -1);
}
END_TEST

/* A setting names the card too, by its name or its place in the list, and goes
 * before the variable. */
START_TEST (named_card)
{
  g_autoptr (TessRequest) request = tess_request_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (TessBackend) backend = NULL;
  g_autoptr (GPtrArray) list = tess_gpu_list ();

  tess_gpu_register ();
  g_setenv ("TESSERA_GPU_PROOF", "0", TRUE);
  g_setenv ("TESSERA_DEVICE", "Voodoo", TRUE);
  ck_assert (tess_request_set (request, "device", "gpu", &error));
  ck_assert_ptr_null (tess_device_open (request, &error));
  ck_assert_ptr_nonnull (strstr (error->message, "Voodoo"));
  g_clear_error (&error);
  ck_assert (tess_request_set (request, "card", "LLVMpipe", &error));
  backend = tess_device_open (request, &error);
  ck_no_error (error);
  ck_assert (tess_device_is_gpu (backend));
  g_clear_pointer (&backend, tess_backend_unref);
  for (guint i = 0; i < list->len; i++)
    {
      g_autofree gchar *place = g_strdup_printf ("%u", i);
      const TessGpuInfo *info = list->pdata[i];

      if (info->refused != NULL)
        continue;
      ck_assert (tess_request_set (request, "card", place, &error));
      backend = tess_device_open (request, &error);
      ck_no_error (error);
      ck_assert_str_eq (tess_backend_vulkan_device (backend)->info.name,
                        info->name);
      g_clear_pointer (&backend, tess_backend_unref);
    }
  ck_assert (tess_request_set (request, "card", "Matrox", &error));
  ck_assert_ptr_null (tess_device_open (request, &error));
  ck_assert_ptr_nonnull (strstr (error->message, "Matrox"));
}
END_TEST

/* Weights that stay in the computer's memory change nothing. */
START_TEST (little_memory)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TessBackend) all = open_backend (0, FALSE, &error);
  g_autofree gfloat *a = NULL;
  gsize n, tight = 0;

  a = run_program (all, &n, &error);
  ck_no_error (error);
  for (gsize limit = 64 << 10; tight == 0; limit += 64 << 10)
    {
      g_autoptr (TessBackend) little = open_backend (limit, TRUE, &error);
      g_autofree gfloat *b = run_program (little, &n, &error);

      if (b == NULL)
        {
          ck_assert (g_error_matches (error, TESS_ERROR, TESS_ERROR_MEMORY));
          g_clear_error (&error);
          ck_assert_uint_lt (limit, 16 << 20);
          continue;
        }
      tight = limit;
      ck_assert_mem_eq (a, b, n * sizeof *a);
    }
  /* the weights alone are 216 KiB */
  ck_assert_uint_gt (tight, 64 << 10);
  ck_assert_uint_lt (tight, 600 << 10);
  ck_assert_int_eq (tess_gpu_n_messages (), 0);
}
END_TEST

/* Each call refused in turn: an error every time, and nothing is lost: the
 * layer would tell of what is left when its device goes. */
START_TEST (each_call_fails)
{
  VkResult failure
      = _i == 0 ? VK_ERROR_OUT_OF_DEVICE_MEMORY : VK_ERROR_DEVICE_LOST;
  gint n_failed = 0;

  for (;; n_failed++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (TessBackend) backend = NULL;
      g_autofree gfloat *numbers = NULL;
      gsize n;

      tess_vk_fail_at (n_failed + 1, NULL, failure);
      backend = open_backend (0, TRUE, &error);
      if (backend != NULL)
        numbers = run_program (backend, &n, &error);
      if (!tess_vk_has_failed ())
        {
          ck_no_error (error);
          break;
        }
      if (numbers == NULL)
        ck_assert_int_eq (error->domain, TESS_ERROR);
      else /* the last copy, which no submit has followed */
        ck_assert (!tess_backend_check (backend, NULL));
    }
  tess_vk_fail_at (0, NULL, VK_SUCCESS);
  ck_assert_int_gt (n_failed, 30);
  ck_assert_int_eq (tess_gpu_n_messages (), 0);
}
END_TEST

/* A variant that is wrong is named, and another takes its place. */
START_TEST (wrong_variant)
{
  g_autoptr (GError) error = NULL;
  TessVulkanSettings settings = { 0 };
  g_autoptr (TessBackend) backend = NULL;
  g_autoptr (GString) lines = g_string_new (NULL);

  tess_gpu_proof_spoil ("linear", "lanes 8x4");
  backend = tess_backend_vulkan_new (&settings, &error);
  ck_no_error (error);
  tess_backend_vulkan_describe (backend, lines);
  ck_assert_ptr_nonnull (
      strstr (lines->str, "lanes 8x4\tNOT USED: wrong result"));
  ck_assert_ptr_nonnull (strstr (lines->str, "lanes 16x4\tright"));
  g_clear_pointer (&backend, tess_backend_unref);

  tess_gpu_proof_spoil ("add", "plain");
  ck_assert_ptr_null (tess_backend_vulkan_new (&settings, &error));
  ck_assert (g_error_matches (error, TESS_ERROR, TESS_ERROR_DEVICE));
  ck_assert_ptr_nonnull (strstr (error->message, "driver"));
  tess_gpu_proof_spoil (NULL, NULL);
}
END_TEST

static void
on_warning (const gchar *text, gpointer data)
{
  *(gint *) data += strstr (text, "llvmpipe") != NULL;
}

/* 64 x 64 pixels of Horizon, in 8 bits; NULL with @error. */
static guint8 *
paint (const gchar *device, gint *n_warnings, GError **error)
{
  g_autoptr (TessStudio) studio = tess_studio_new ();
  g_autoptr (TessRequest) request = tess_request_new ();
  g_autofree gchar *model
      = g_build_filename (g_getenv ("TESS_SOURCE"), "models", "horizon", NULL);
  const gchar *settings[][2] = {
    { "model", model },     { "device", device }, { "storage", "float32" },
    { "prompt", "a lake" }, { "width", "64" },    { "height", "64" },
    { "tile", "8" },        { "steps", "2" },     { "seed", "5" },
  };
  TessJobHooks hooks = { .warning = on_warning, .data = n_warnings };
  g_autoptr (GeglBuffer) picture = NULL;
  guint8 *rgb;

  for (guint i = 0; i < G_N_ELEMENTS (settings); i++)
    ck_assert (
        tess_request_set (request, settings[i][0], settings[i][1], error));
  picture = tess_studio_run (studio, request, &hooks, NULL, error);
  if (picture == NULL)
    return NULL;
  rgb = g_new0 (guint8, 64 * 64 * 3);
  gegl_buffer_get (picture, NULL, 1.0, babl_format ("R'G'B' u8"), rgb,
                   GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
  return rgb;
}

static gint
largest_difference (const guint8 *a, const guint8 *b)
{
  gint largest = 0;

  for (gint i = 0; i < 64 * 64 * 3; i++)
    largest = MAX (largest, ABS (a[i] - b[i]));
  return largest;
}

static guint8 *
paint_well (const gchar *device, gint *n_warnings)
{
  GError *error = NULL;
  guint8 *rgb = paint (device, n_warnings, &error);

  ck_no_error (error);
  return rgb;
}

/* The card's picture is the processor's; also when the card is lost, at each
 * submit in turn: of the texts, of a step, of the decoder. One warning then. */
START_TEST (lost_at_each_submit)
{
  gint n_none = 0;
  g_autofree guint8 *a = paint_well ("cpu", &n_none);

  g_setenv ("TESSERA_GPU_PROOF", "0", TRUE);
  tess_gpu_register ();
  for (gint nth = 1;; nth++)
    {
      gint n_warnings = 0;
      g_autofree guint8 *b = NULL;

      tess_vk_fail_at (nth, "vkQueueSubmit", VK_ERROR_DEVICE_LOST);
      b = paint_well ("gpu", &n_warnings);
      ck_assert_int_le (largest_difference (a, b), 3);
      ck_assert_int_eq (n_warnings, tess_vk_has_failed ());
      ck_assert_int_eq (tess_gpu_n_messages (), 0);
      if (tess_vk_has_failed ())
        continue;
      ck_assert_int_gt (nth, 5);
      break;
    }
  tess_vk_fail_at (0, NULL, VK_SUCCESS);
}
END_TEST

/* Memory that is refused, each time that a picture asks for it in turn: the
 * same picture, or one sentence that says what to do. */
START_TEST (no_memory)
{
  gint n_warnings = 0, n_pictures = 0;
  g_autofree guint8 *a = paint_well ("cpu", &n_warnings);

  g_setenv ("TESSERA_GPU_PROOF", "0", TRUE);
  tess_gpu_register ();
  for (gint nth = 1;; nth++)
    {
      GError *error = NULL;
      g_autofree guint8 *b = NULL;

      tess_vk_fail_at (nth, "vkAllocateMemory", VK_ERROR_OUT_OF_DEVICE_MEMORY);
      b = paint ("gpu", &n_warnings, &error);
      ck_assert_int_eq (tess_gpu_n_messages (), 0);
      if (b != NULL)
        ck_assert_int_le (largest_difference (a, b), 3);
      else
        {
          ck_assert (g_error_matches (error, TESS_ERROR, TESS_ERROR_MEMORY));
          ck_assert_ptr_nonnull (strstr (error->message, "choose"));
          g_clear_error (&error);
        }
      n_pictures += b != NULL;
      if (!tess_vk_has_failed ())
        break;
    }
  tess_vk_fail_at (0, NULL, VK_SUCCESS);
  ck_assert_int_gt (n_pictures, 0);
}
END_TEST

/* What tests/ops/row.c asks of a test program that runs its rows. */
const TessOpsBackend *
tess_ops_backends (void)
{
  static const TessOpsBackend none = { NULL };

  return &none;
}

void
tess_ops_check (void)
{
}

Suite *
tess_test_suite (void)
{
  Suite *suite = suite_create ("gpu");
  TCase *tc = tcase_create ("gpu");

  g_setenv ("TESSERA_DEVICE", "llvmpipe", FALSE);
  g_setenv ("TESSERA_GPU_VALIDATION", "1", FALSE);
  g_setenv ("TESSERA_GPU_CACHE", "0", TRUE);
  gegl_init (NULL, NULL);
  tcase_add_test (tc, no_such_device);
  tcase_add_test (tc, picked_card);
  tcase_add_test (tc, named_card);
  tcase_add_test (tc, little_memory);
  tcase_add_loop_test (tc, each_call_fails, 0, 2);
  tcase_add_test (tc, wrong_variant);
  suite_add_tcase (suite, tc);
  tess_test_add (suite, "lost_at_each_submit", lost_at_each_submit);
  tess_test_add (suite, "no_memory", no_memory);
  return suite;
}
