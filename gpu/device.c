/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/device.c: listing, choosing and opening devices. */
#include "gpu/device.h"

#include "core/error.h"
#include "gpu/instance.h"
#include "gpu/pipeline.h"
#include "gpu/vk-result.h"

#include <glib/gi18n-lib.h>
#include <stdlib.h>
#include <string.h>

#define MAX_DEVICES 32
#define MAX_FAMILIES 32
#define MAX_MATRICES 128

/* Of an NVIDIA, AMD or Intel card: a value of more than that is never made
 * anyway. */
#define LARGEST_BLOCK ((gsize) 4 << 30)

static void
info_clear (TessGpuInfo *info)
{
  g_clear_pointer (&info->name, g_free);
  g_clear_pointer (&info->driver, g_free);
  g_clear_pointer (&info->refused, g_free);
}

static void
info_free (gpointer data)
{
  info_clear (data);
  g_free (data);
}

const gchar *
tess_gpu_kind_name (TessGpuKind kind)
{
  switch (kind)
    {
    case TESS_GPU_DISCRETE:
      return "discrete";
    case TESS_GPU_INTEGRATED:
      return "integrated";
    case TESS_GPU_VIRTUAL:
      return "virtual";
    case TESS_GPU_CPU:
      return "software";
    case TESS_GPU_OTHER:
      break;
    }
  return "other";
}

static TessGpuKind
kind_of (VkPhysicalDeviceType type)
{
  switch (type)
    {
    case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU:
      return TESS_GPU_DISCRETE;
    case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU:
      return TESS_GPU_INTEGRATED;
    case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU:
      return TESS_GPU_VIRTUAL;
    case VK_PHYSICAL_DEVICE_TYPE_CPU:
      return TESS_GPU_CPU;
    default:
      return TESS_GPU_OTHER;
    }
}

/* What is asked of a physical device, in one piece: the structs point at each
 * other. */
typedef struct
{
  VkPhysicalDeviceProperties2 props;
  VkPhysicalDeviceVulkan11Properties props11;
  VkPhysicalDeviceVulkan12Properties props12;
  VkPhysicalDeviceSubgroupSizeControlProperties sizes;
  VkPhysicalDeviceMaintenance4Properties maintenance4;
  VkPhysicalDeviceFeatures2 features;
  VkPhysicalDeviceVulkan11Features features11;
  VkPhysicalDeviceVulkan12Features features12;
  VkPhysicalDeviceCooperativeMatrixFeaturesKHR matrix;
  gboolean has_budget, has_matrix, has_sizes, has_maintenance4;
} Facts;

static gboolean
has_extension (const VkExtensionProperties *list, guint32 n, const gchar *name)
{
  for (guint32 i = 0; i < n; i++)
    if (strcmp (list[i].extensionName, name) == 0)
      return TRUE;
  return FALSE;
}

static void
find_extensions (VkPhysicalDevice physical, Facts *facts)
{
  g_autofree VkExtensionProperties *list = NULL;
  guint32 n = 0;

  vkEnumerateDeviceExtensionProperties (physical, NULL, &n, NULL);
  list = g_new0 (VkExtensionProperties, n + 1);
  vkEnumerateDeviceExtensionProperties (physical, NULL, &n, list);
  facts->has_budget
      = has_extension (list, n, VK_EXT_MEMORY_BUDGET_EXTENSION_NAME);
  facts->has_matrix
      = has_extension (list, n, VK_KHR_COOPERATIVE_MATRIX_EXTENSION_NAME);
  facts->has_sizes
      = has_extension (list, n, VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME);
  facts->has_maintenance4
      = has_extension (list, n, VK_KHR_MAINTENANCE_4_EXTENSION_NAME);
}

static void
find_facts (VkPhysicalDevice physical, Facts *facts)
{
  *facts = (Facts) { 0 };
  find_extensions (physical, facts);
  facts->props.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2;
  facts->props11.sType
      = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_PROPERTIES;
  facts->props12.sType
      = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_PROPERTIES;
  facts->sizes.sType
      = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_PROPERTIES;
  facts->maintenance4.sType
      = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_4_PROPERTIES;
  facts->features.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2;
  facts->features11.sType
      = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES;
  facts->features12.sType
      = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES;
  facts->matrix.sType
      = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR;

  vkGetPhysicalDeviceProperties (physical, &facts->props.properties);
  if (facts->props.properties.apiVersion < VK_API_VERSION_1_2)
    return;
  facts->props.pNext = &facts->props11;
  facts->props11.pNext = &facts->props12;
  if (facts->has_sizes)
    {
      facts->sizes.pNext = facts->props12.pNext;
      facts->props12.pNext = &facts->sizes;
    }
  if (facts->has_maintenance4)
    {
      facts->maintenance4.pNext = facts->props12.pNext;
      facts->props12.pNext = &facts->maintenance4;
    }
  vkGetPhysicalDeviceProperties2 (physical, &facts->props);
  facts->features.pNext = &facts->features11;
  facts->features11.pNext = &facts->features12;
  if (facts->has_matrix)
    facts->features12.pNext = &facts->matrix;
  vkGetPhysicalDeviceFeatures2 (physical, &facts->features);
}

/* A queue family that computes; one that does nothing else is left alone: it
 * is no faster, and drivers test it less. */
static gboolean
find_family (VkPhysicalDevice physical, guint32 *family, guint32 *bits)
{
  VkQueueFamilyProperties list[MAX_FAMILIES];
  guint32 n = MAX_FAMILIES;

  vkGetPhysicalDeviceQueueFamilyProperties (physical, &n, list);
  for (guint32 i = 0; i < n; i++)
    if (list[i].queueFlags & VK_QUEUE_COMPUTE_BIT)
      {
        *family = i;
        *bits = list[i].timestampValidBits;
        return TRUE;
      }
  return FALSE;
}

static gsize
memory_size (VkPhysicalDevice physical, gboolean has_budget, gsize *n_free)
{
  VkPhysicalDeviceMemoryBudgetPropertiesEXT budget = {
    .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT,
  };
  VkPhysicalDeviceMemoryProperties2 memory = {
    .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2,
    .pNext = has_budget ? &budget : NULL,
  };
  gsize largest = 0;

  *n_free = 0;
  vkGetPhysicalDeviceMemoryProperties2 (physical, &memory);
  for (guint32 i = 0; i < memory.memoryProperties.memoryHeapCount; i++)
    {
      const VkMemoryHeap *heap = &memory.memoryProperties.memoryHeaps[i];

      if (!(heap->flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT)
          || heap->size < largest)
        continue;
      largest = heap->size;
      *n_free = heap->size;
      if (has_budget)
        *n_free = budget.heapBudget[i] > budget.heapUsage[i]
                      ? budget.heapBudget[i] - budget.heapUsage[i]
                      : 0;
    }
  return largest;
}

static void
info_init (TessGpuInfo *info, VkPhysicalDevice physical, const Facts *facts)
{
  const VkPhysicalDeviceProperties *props = &facts->props.properties;
  guint32 family, bits;

  *info = (TessGpuInfo) {
    .name = g_strdup (props->deviceName),
    .driver = g_strdup_printf ("%s %s", facts->props12.driverName,
                               facts->props12.driverInfo),
    .kind = kind_of (props->deviceType),
    .driver_version = props->driverVersion,
  };
  memcpy (info->uuid, facts->props11.deviceUUID, sizeof info->uuid);
  if (props->apiVersion < VK_API_VERSION_1_2)
    info->refused
        = g_strdup_printf ("its driver has Vulkan %u.%u, 1.2 is needed",
                           VK_API_VERSION_MAJOR (props->apiVersion),
                           VK_API_VERSION_MINOR (props->apiVersion));
  else if (props->limits.maxPerStageDescriptorStorageBuffers < TESS_GPU_BINDINGS
           || props->limits.maxPushConstantsSize < TESS_GPU_PUSH)
    info->refused = g_strdup_printf (
        "a shader of its reads at most %u buffers, %d are needed",
        props->limits.maxPerStageDescriptorStorageBuffers, TESS_GPU_BINDINGS);
  else if (!find_family (physical, &family, &bits))
    info->refused = g_strdup ("it has no compute queue");
  else
    info->n_bytes
        = memory_size (physical, facts->has_budget, &info->n_bytes_free);
}

/* Best first; equal ones in the loader's order. */
static guint32
list_physical (VkInstance instance, VkPhysicalDevice *list)
{
  VkPhysicalDevice found[MAX_DEVICES];
  guint32 n = MAX_DEVICES, n_list = 0;

  if (vkEnumeratePhysicalDevices (instance, &n, found) < 0)
    return 0;
  for (gint kind = TESS_GPU_DISCRETE; kind <= TESS_GPU_CPU; kind++)
    for (guint32 i = 0; i < n; i++)
      {
        VkPhysicalDeviceProperties props;

        vkGetPhysicalDeviceProperties (found[i], &props);
        if ((gint) kind_of (props.deviceType) == kind)
          list[n_list++] = found[i];
      }
  return n_list;
}

static GPtrArray *
list_infos (const VkPhysicalDevice *list, guint32 n)
{
  GPtrArray *infos = g_ptr_array_new_with_free_func (info_free);

  for (guint32 i = 0; i < n; i++)
    {
      TessGpuInfo *info = g_new (TessGpuInfo, 1);
      Facts facts;

      find_facts (list[i], &facts);
      info_init (info, list[i], &facts);
      g_ptr_array_add (infos, info);
    }
  return infos;
}

GPtrArray *
tess_gpu_list (void)
{
  VkPhysicalDevice list[MAX_DEVICES];
  VkInstance instance = tess_vk_instance_get (NULL);
  GPtrArray *infos;

  if (instance == VK_NULL_HANDLE)
    return list_infos (NULL, 0);
  infos = list_infos (list, list_physical (instance, list));
  tess_vk_instance_release ();
  return infos;
}

/* Opening */

/* How well a card fits @wanted: 0: not at all, 1: a part of its name, 2: its
 * whole name or its place. "3080" is no place. */
static gint
fits (const TessGpuInfo *info, guint place, const gchar *wanted)
{
  g_autofree gchar *name = g_utf8_casefold (info->name, -1);
  g_autofree gchar *part = NULL;
  gchar *end = NULL;
  guint64 number;

  if (wanted == NULL)
    return info->kind != TESS_GPU_CPU && info->refused == NULL;
  number = g_ascii_strtoull (wanted, &end, 10);
  if (end != wanted && *end == '\0' && number < MAX_DEVICES)
    return number == place ? 2 : 0;
  part = g_utf8_casefold (wanted, -1);
  return g_str_equal (name, part) ? 2 : strstr (name, part) != NULL;
}

gint
tess_gpu_pick (const GPtrArray *infos, const gchar *wanted)
{
  gint chosen = -1, best = 0;

  for (guint i = 0; i < infos->len; i++)
    {
      gint fit = fits (infos->pdata[i], i, wanted);

      if (fit > best)
        {
          chosen = (gint) i;
          best = fit;
        }
    }
  return chosen;
}

static gboolean
choose (VkInstance instance,
        const gchar *wanted,
        TessGpuDevice *device,
        Facts *facts,
        GError **error)
{
  VkPhysicalDevice list[MAX_DEVICES];
  guint32 n = list_physical (instance, list);
  g_autoptr (GPtrArray) infos = list_infos (list, n);
  g_autoptr (GString) names = g_string_new (NULL);
  gint chosen = tess_gpu_pick (infos, wanted);

  if (chosen >= 0)
    {
      device->physical = list[chosen];
      find_facts (device->physical, facts);
      info_init (&device->info, device->physical, facts);
      if (device->info.refused == NULL)
        return TRUE;
      g_set_error (error, TESS_ERROR, TESS_ERROR_DEVICE,
                   _ ("%s cannot be used: %s; choose another device or the "
                      "CPU."),
                   device->info.name, device->info.refused);
      return FALSE;
    }
  for (guint32 i = 0; i < n; i++)
    {
      const TessGpuInfo *info = infos->pdata[i];

      g_string_append_printf (names, "%s%s", i > 0 ? ", " : "", info->name);
    }
  if (wanted != NULL)
    g_set_error (error, TESS_ERROR, TESS_ERROR_DEVICE,
                 _ ("there is no Vulkan device \"%s\"; choose the CPU%s%s."),
                 wanted, n > 0 ? " or one of: " : "", names->str);
  else
    g_set_error (error, TESS_ERROR, TESS_ERROR_DEVICE,
                 _ ("there is no graphics card that Vulkan can use%s%s; choose "
                    "the CPU."),
                 n > 0 ? ", only " : "", names->str);
  return FALSE;
}

static void
find_matrices (TessGpuDevice *device, const Facts *facts)
{
  VkCooperativeMatrixPropertiesKHR list[MAX_MATRICES];
  TessGpuCaps *caps = &device->caps;
  guint32 n = MAX_MATRICES;

  if (!facts->has_matrix || !facts->matrix.cooperativeMatrix
      || !facts->features12.vulkanMemoryModel
      || !facts->features12.shaderFloat16)
    return;
  for (guint32 i = 0; i < n; i++)
    list[i] = (VkCooperativeMatrixPropertiesKHR) {
      .sType = VK_STRUCTURE_TYPE_COOPERATIVE_MATRIX_PROPERTIES_KHR,
    };
  if (vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR (device->physical, &n,
                                                         list)
      < 0)
    return;
  for (guint32 i = 0; i < n && caps->n_matrices < G_N_ELEMENTS (caps->matrices);
       i++)
    if (list[i].AType == VK_COMPONENT_TYPE_FLOAT16_KHR
        && list[i].BType == VK_COMPONENT_TYPE_FLOAT16_KHR
        && list[i].CType == VK_COMPONENT_TYPE_FLOAT32_KHR
        && list[i].ResultType == VK_COMPONENT_TYPE_FLOAT32_KHR
        && list[i].scope == VK_SCOPE_SUBGROUP_KHR
        && !list[i].saturatingAccumulation)
      caps->matrices[caps->n_matrices++] = (TessGpuMatrix) {
        list[i].MSize,
        list[i].NSize,
        list[i].KSize,
      };
}

static void
find_caps (TessGpuDevice *device, const Facts *facts, gboolean no_special)
{
  const VkPhysicalDeviceLimits *limits = &facts->props.properties.limits;
  TessGpuCaps *caps = &device->caps;
  gsize largest = facts->props11.maxMemoryAllocationSize;

  if (facts->has_maintenance4 && facts->maintenance4.maxBufferSize > 0)
    largest = MIN (largest, facts->maintenance4.maxBufferSize);
  *caps = (TessGpuCaps) {
    .f16_storage = facts->features11.storageBuffer16BitAccess,
    .i64 = facts->features.features.shaderInt64,
    .f64 = facts->features.features.shaderFloat64,
    .subgroup_size = facts->props11.subgroupSize,
    .n_shared = limits->maxComputeSharedMemorySize,
    .n_threads = MIN (limits->maxComputeWorkGroupInvocations,
                      limits->maxComputeWorkGroupSize[0]),
    .n_bytes_binding = limits->maxStorageBufferRange,
    .n_bytes_block = MIN (largest, LARGEST_BLOCK),
    .align = MAX (limits->minStorageBufferOffsetAlignment, 16),
    .is_cpu = device->info.kind == TESS_GPU_CPU,
  };
  caps->subgroup_min = caps->subgroup_max = caps->subgroup_size;
  if (no_special)
    return;
  caps->f16_math = caps->f16_storage && facts->features12.shaderFloat16;
  caps->subgroups
      = (facts->props11.subgroupSupportedStages & VK_SHADER_STAGE_COMPUTE_BIT)
        && (facts->props11.subgroupSupportedOperations
            & VK_SUBGROUP_FEATURE_ARITHMETIC_BIT)
        && (facts->props11.subgroupSupportedOperations
            & VK_SUBGROUP_FEATURE_SHUFFLE_BIT);
  if (facts->has_sizes && facts->sizes.minSubgroupSize > 0)
    {
      caps->subgroup_min = facts->sizes.minSubgroupSize;
      caps->subgroup_max = facts->sizes.maxSubgroupSize;
    }
  find_matrices (device, facts);
}

static gboolean
open_device (TessGpuDevice *device, const Facts *facts, GError **error)
{
  const TessGpuCaps *caps = &device->caps;
  gfloat priority = 1.0f;
  const gchar *extensions[4];
  guint32 n_extensions = 0;
  VkPhysicalDeviceCooperativeMatrixFeaturesKHR matrix = {
    .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR,
    .cooperativeMatrix = TRUE,
  };
  VkPhysicalDeviceVulkan12Features features12 = {
    .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES,
    .pNext = caps->n_matrices > 0 ? &matrix : NULL,
    .shaderFloat16 = caps->f16_math,
    .vulkanMemoryModel
    = caps->n_matrices > 0 || facts->features12.vulkanMemoryModel,
    .vulkanMemoryModelDeviceScope
    = facts->features12.vulkanMemoryModelDeviceScope,
    /* what validation's checks inside of shaders want as well */
    .bufferDeviceAddress = facts->features12.bufferDeviceAddress,
    .timelineSemaphore = facts->features12.timelineSemaphore,
    .storageBuffer8BitAccess = facts->features12.storageBuffer8BitAccess,
    .scalarBlockLayout = facts->features12.scalarBlockLayout,
  };
  VkPhysicalDeviceVulkan11Features features11 = {
    .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES,
    .pNext = &features12,
    .storageBuffer16BitAccess = caps->f16_storage,
  };
  VkPhysicalDeviceFeatures2 features = {
    .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2,
    .pNext = &features11,
    .features.shaderInt64 = caps->i64,
    .features.shaderFloat64 = caps->f64,
  };
  VkDeviceQueueCreateInfo queue = {
    .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
    .queueCount = 1,
    .pQueuePriorities = &priority,
  };
  VkDeviceCreateInfo create = {
    .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
    .pNext = &features,
    .queueCreateInfoCount = 1,
    .pQueueCreateInfos = &queue,
    .ppEnabledExtensionNames = extensions,
  };
  guint32 bits = 0;

  if (facts->has_budget)
    extensions[n_extensions++] = VK_EXT_MEMORY_BUDGET_EXTENSION_NAME;
  if (caps->n_matrices > 0)
    extensions[n_extensions++] = VK_KHR_COOPERATIVE_MATRIX_EXTENSION_NAME;
  find_family (device->physical, &device->family, &bits);
  queue.queueFamilyIndex = device->family;
  create.enabledExtensionCount = n_extensions;
  if (!TESS_VK (error, vkCreateDevice, device->physical, &create, NULL,
                &device->device))
    return FALSE;
  vkGetDeviceQueue (device->device, device->family, 0, &device->queue);
  device->has_budget = facts->has_budget;
  device->timestamp_ns
      = bits > 0 ? facts->props.properties.limits.timestampPeriod : 0.0;
  vkGetPhysicalDeviceMemoryProperties (device->physical, &device->memory);
  return TRUE;
}

TessGpuDevice *
tess_gpu_device_new (const gchar *wanted, gboolean no_special, GError **error)
{
  VkInstance instance = tess_vk_instance_get (error);
  TessGpuDevice *device;
  Facts facts;

  if (instance == VK_NULL_HANDLE)
    return NULL;
  device = g_new0 (TessGpuDevice, 1);
  if (!choose (instance, wanted, device, &facts, error))
    goto fail;
  find_caps (device, &facts, no_special);
  if (!open_device (device, &facts, error))
    goto fail;
  return device;

fail:
  tess_gpu_device_free (device);
  return NULL;
}

void
tess_gpu_device_free (TessGpuDevice *device)
{
  if (device == NULL)
    return;
  if (device->device != VK_NULL_HANDLE)
    vkDestroyDevice (device->device, NULL);
  info_clear (&device->info);
  g_free (device);
  tess_vk_instance_release ();
}

gsize
tess_gpu_device_n_bytes_free (const TessGpuDevice *device)
{
  gsize n_free;

  memory_size (device->physical, device->has_budget, &n_free);
  return n_free;
}
