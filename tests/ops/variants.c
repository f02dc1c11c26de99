/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/ops/variants.c: rows of the ops that have several variants, each
 * variant forced in turn, on the device that TESSERA_DEVICE names (llvmpipe
 * where it names none). A row that a variant refuses goes to the plain one.
 * tests/ops/vulkan.c has all rows, by the variants that are chosen. */
#include "gpu/backend.h"
#include "tests/ops/rows.h"

#include <stdlib.h>
#include <string.h>

/* As in tests/ops/vulkan.c. */
#define BOUND_F32 1e-11
#define BOUND_F16 1e-6

static TessBackend *
open_forced (const TessOpsBackend *entry, GError **error)
{
  g_autofree gchar *forced
      = g_strdup_printf ("conv2d=%s,linear=%s,attention=%s", entry->name,
                         entry->name, entry->name);
  TessVulkanSettings settings
      = { .storage = entry->storage, .unproven = TRUE, .variants = forced };

  return tess_backend_vulkan_new (&settings, error);
}

#define IN_F16(name) { name, open_forced, TESS_F16, BOUND_F16 }
#define IN_BOTH(name) { name, open_forced, TESS_F32, BOUND_F32 }, IN_F16 (name)

static const TessOpsBackend products[] = {
  IN_F16 ("matrices 128x128"), IN_F16 ("matrices 64x64"),
  IN_F16 ("matrices 32x32"),   IN_BOTH ("tiles 128x128"),
  IN_BOTH ("tiles 64x64"),     IN_BOTH ("tiles 16x64"),
  IN_BOTH ("lanes 16x4"),      IN_BOTH ("lanes 8x4"),
  IN_BOTH ("plain"),           { NULL },
};

static const TessOpsBackend attention[] = {
  IN_F16 ("matrices"), IN_BOTH ("tiles"), IN_BOTH ("lanes"),
  IN_BOTH ("plain"),   { NULL },
};

static const TessOpsBackend *current;

static void
take_products (void)
{
  current = products;
}

static void
take_attention (void)
{
  current = attention;
}

const TessOpsBackend *
tess_ops_backends (void)
{
  return current;
}

void
tess_ops_check (void)
{
  ck_assert_int_eq (tess_gpu_n_messages (), 0);
}

Suite *
tess_test_suite (void)
{
  Suite *suite = suite_create ("variants");
  TCase *tc;

  g_setenv ("TESSERA_DEVICE", "llvmpipe", FALSE);
  g_setenv ("TESSERA_GPU_VALIDATION", "1", FALSE);
  g_setenv ("TESSERA_GPU_CACHE", "0", FALSE);
  tc = tess_ops_add_some (suite, "conv2d", (const gint[]) { 8, 13, -1 });
  tcase_add_unchecked_fixture (tc, take_products, NULL);
  tc = tess_ops_add_some (suite, "linear", (const gint[]) { 0, 9, 10, -1 });
  tcase_add_unchecked_fixture (tc, take_products, NULL);
  tc = tess_ops_add_some (suite, "attention", (const gint[]) { 3, 8, -1 });
  tcase_add_unchecked_fixture (tc, take_attention, NULL);
  return suite;
}
