/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/vk-result.c: what Vulkan answers, as a GError. */
#include "gpu/vk-result.h"

#include "core/error.h"

#include <glib/gi18n-lib.h>
#include <string.h>

static struct
{
  gint left; /* calls until the one that fails; 0: none will */
  const gchar *only;
  VkResult failure;
  gboolean has_failed;
} faults;

static const gchar *
result_text (VkResult result)
{
  switch (result)
    {
    case VK_ERROR_OUT_OF_HOST_MEMORY:
      return "the computer's memory is full";
    case VK_ERROR_OUT_OF_DEVICE_MEMORY:
    case VK_ERROR_OUT_OF_POOL_MEMORY:
    case VK_ERROR_FRAGMENTED_POOL:
    case VK_ERROR_FRAGMENTATION:
    case VK_ERROR_TOO_MANY_OBJECTS:
      return "the graphics card's memory is full";
    case VK_ERROR_DEVICE_LOST:
      return "the graphics card stopped answering";
    case VK_ERROR_INCOMPATIBLE_DRIVER:
      return "there is no driver for Vulkan";
    case VK_TIMEOUT:
      return "the graphics card takes far too long";
    case VK_ERROR_INITIALIZATION_FAILED:
      return "the driver could not start";
    default:
      return "the driver failed";
    }
}

static gboolean
is_memory (VkResult result)
{
  return result == VK_ERROR_OUT_OF_HOST_MEMORY
         || result == VK_ERROR_OUT_OF_DEVICE_MEMORY
         || result == VK_ERROR_OUT_OF_POOL_MEMORY
         || result == VK_ERROR_FRAGMENTED_POOL
         || result == VK_ERROR_FRAGMENTATION
         || result == VK_ERROR_TOO_MANY_OBJECTS;
}

gboolean
tess_vk_ok (VkResult result, const gchar *what, GError **error)
{
  if (result == VK_SUCCESS || result == VK_INCOMPLETE)
    return TRUE;
  if (is_memory (result))
    g_set_error (
        error, TESS_ERROR, TESS_ERROR_MEMORY,
        _ ("%s (%s, %d); choose smaller tiles, a smaller picture or the "
           "CPU."),
        result_text (result), what, (gint) result);
  else
    g_set_error (error, TESS_ERROR, TESS_ERROR_DEVICE,
                 _ ("%s (%s, %d); choose the CPU as the device."),
                 result_text (result), what, (gint) result);
  return FALSE;
}

void
tess_vk_fail_at (gint nth, const gchar *only, VkResult failure)
{
  faults.left = nth;
  faults.only = only;
  faults.failure = failure;
  faults.has_failed = FALSE;
}

gboolean
tess_vk_has_failed (void)
{
  return faults.has_failed;
}

gboolean
tess_vk_shall_fail (const gchar *name)
{
  if (faults.left == 0 || (faults.only && strstr (name, faults.only) == NULL)
      || --faults.left > 0)
    return FALSE;
  faults.has_failed = TRUE;
  return TRUE;
}

VkResult
tess_vk_failure (void)
{
  return faults.failure;
}
