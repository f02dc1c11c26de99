/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/absent.c: what is answered where Tessera was built without Vulkan. */
#include "gpu/backend.h"

#include "core/error.h"

#include <glib/gi18n-lib.h>

TessBackend *
tess_backend_vulkan_new (const TessVulkanSettings *settings, GError **error)
{
  g_set_error (
      error, TESS_ERROR, TESS_ERROR_UNSUPPORTED,
      _ ("This Tessera was built without Vulkan; choose the CPU, or build "
         "it with -Dvulkan=enabled."));
  return NULL;
}

const TessGpuDevice *
tess_backend_vulkan_device (TessBackend *backend)
{
  return NULL;
}

void
tess_gpu_register (void)
{
}

void
tess_backend_vulkan_describe (TessBackend *backend, GString *lines)
{
}

gint
tess_gpu_n_messages (void)
{
  return 0;
}
