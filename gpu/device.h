/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/device.h: which devices there are, and one of them opened.
 *
 * Needed: Vulkan 1.2 with a compute queue. Used where it is there: 16-bit
 * storage and arithmetic, cooperative matrices, memory budgets. */
#pragma once

#include <glib.h>
#include <volk.h>

G_BEGIN_DECLS

typedef enum
{
  TESS_GPU_DISCRETE, /* in the order of preference */
  TESS_GPU_INTEGRATED,
  TESS_GPU_VIRTUAL,
  TESS_GPU_OTHER,
  TESS_GPU_CPU, /* only when asked for by name */
} TessGpuKind;

typedef struct
{
  gchar *name;   /* "AMD Radeon RX 7900 XTX (RADV NAVI31)" */
  gchar *driver; /* "radv Mesa 25.0.7" */
  TessGpuKind kind;
  guint8 uuid[VK_UUID_SIZE];
  guint32 driver_version;
  gsize n_bytes, n_bytes_free; /* of its own memory */
  gchar *refused;              /* why it cannot be used; NULL: it can */
} TessGpuInfo;

/**
 * tess_gpu_list:
 * TessGpuInfo of every device, the preferred one first; empty where there is
 * no Vulkan. (transfer full)
 */
GPtrArray *tess_gpu_list (void);

/* Which of TessGpuInfo @wanted means, as tess_gpu_device_new() says: the first
 * whose whole name or place it is, else the first that has it in its name. -1:
 * none. */
gint tess_gpu_pick (const GPtrArray *infos, const gchar *wanted);

const gchar *tess_gpu_kind_name (TessGpuKind kind);

/* One of VK_KHR_cooperative_matrix's shapes with sums in f32: dst [m, n] +=
 * a [m, k] b [k, n] of 16-bit floats. */
typedef struct
{
  guint32 m, n, k;
} TessGpuMatrix;

/* What variants ask before they take an op. */
typedef struct
{
  gboolean f16_storage; /* 16-bit floats in buffers */
  gboolean f16_math;    /* ... and in arithmetic */
  gboolean i64, f64;
  gboolean subgroups; /* arithmetic and shuffles in compute shaders */
  guint32 subgroup_size, subgroup_min, subgroup_max;
  guint32 n_shared;  /* bytes of shared memory of a group */
  guint32 n_threads; /* of a group */
  TessGpuMatrix matrices[16];
  guint n_matrices;
  gsize n_bytes_binding; /* of one value */
  gsize n_bytes_block;   /* of one allocation */
  gsize align;           /* of a binding's first byte */
  gboolean is_cpu;
} TessGpuCaps;

typedef struct
{
  TessGpuInfo info;
  TessGpuCaps caps;
  VkPhysicalDevice physical;
  VkDevice device;
  VkQueue queue;
  guint32 family;
  gdouble timestamp_ns; /* of one tick; 0: none */
  gboolean has_budget, lost;
  VkPhysicalDeviceMemoryProperties memory;
} TessGpuDevice;

/**
 * tess_gpu_device_new:
 * @wanted: a device's name or part of it, or its place in the list ("0");
 * NULL: the preferred one that is no CPU.
 * @no_special: forget everything that is not needed, to test plain variants.
 * Errors: TESS_ERROR_DEVICE, naming the devices that there are.
 * Threads: a device is used by one thread at a time.
 */
TessGpuDevice *
tess_gpu_device_new (const gchar *wanted, gboolean no_special, GError **error);
void tess_gpu_device_free (TessGpuDevice *device); /* may be NULL */

/* Bytes of its own memory that are free now, as far as the driver tells. */
gsize tess_gpu_device_n_bytes_free (const TessGpuDevice *device);

/* TESSERA_GPU_VALIDATION=1 (or "gpu", with checks inside of shaders): the
 * Khronos validation layer's messages so far. */
gint tess_gpu_n_messages (void);

G_END_DECLS
