/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/ops/vulkan.c: every op of the Vulkan backend, in float32 and float16,
 * under the validation layer, on the device that TESSERA_DEVICE names
 * (llvmpipe where it names none). */
#include "gpu/backend.h"
#include "tests/ops/rows.h"

#include <stdlib.h>

/* In float32 sums of a few thousand products; float16 rounds each result to
 * 11 bits (2^-12 relative: 6e-8 squared), and what comes in between. */
#define BOUND_F32 1e-11
#define BOUND_F16 1e-6

static TessBackend *
open_vulkan (const TessOpsBackend *entry, GError **error)
{
  TessVulkanSettings settings = { .storage = entry->storage,
                                  .hidden = entry->choice == 1,
                                  .unproven = TRUE };

  return tess_backend_vulkan_new (&settings, error);
}

const TessOpsBackend *
tess_ops_backends (void)
{
  static const TessOpsBackend backends[] = {
    { "f32", open_vulkan, TESS_F32, BOUND_F32 },
    { "f16, memory not seen", open_vulkan, TESS_F16, BOUND_F16, 1 },
    { NULL },
  };

  return backends;
}

void
tess_ops_check (void)
{
  ck_assert_int_eq (tess_gpu_n_messages (), 0);
}

Suite *
tess_test_suite (void)
{
  Suite *suite = suite_create ("vulkan");

  g_setenv ("TESSERA_DEVICE", "llvmpipe", FALSE);
  g_setenv ("TESSERA_GPU_VALIDATION", "1", FALSE);
  g_setenv ("TESSERA_GPU_CACHE", "0", FALSE);
  tess_ops_add_rows (suite);
  return suite;
}
