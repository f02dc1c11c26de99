/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/backend.h: programs on a Vulkan device.
 *
 * A program becomes one command buffer, recorded once and replayed; weights
 * are brought to the device when it is compiled, or, where its memory does
 * not hold them, stay in the computer's and are copied in front of the op
 * that reads them. */
#pragma once

#include "core/backend.h"
#include "gpu/device.h"

G_BEGIN_DECLS

typedef struct
{
  const gchar *device;   /* as tess_gpu_device_new, NULL: TESSERA_DEVICE's, or
                            the preferred one */
  TessType storage;      /* f32 or f16 */
  gsize n_bytes;         /* of its memory at most; 0: what is free */
  gboolean no_special;   /* no 16-bit arithmetic, subgroups or matrices */
  gboolean hidden;       /* as tess_gpu_heap_hide */
  gboolean unproven;     /* take variants that nobody has proved */
  const gchar *variants; /* "conv2d=plain,linear=plain": those and no other
                            for these ops; NULL: TESSERA_GPU_VARIANTS's */
} TessVulkanSettings;

/**
 * tess_backend_vulkan_new:
 * Errors: TESS_ERROR_DEVICE where there is no such device or it cannot be
 * opened; TESS_ERROR_UNSUPPORTED for f16 on a device without it, and where
 * Tessera was built without Vulkan.
 */
TessBackend *
tess_backend_vulkan_new (const TessVulkanSettings *settings, GError **error);

/* What it runs on; NULL for a backend of another kind. */
const TessGpuDevice *tess_backend_vulkan_device (TessBackend *backend);

/* Tells core/devices.h how cards are opened; to be called by a program that
 * shall use them, before its first studio. */
void tess_gpu_register (void);

/* What the proof says, and why: lines of words between tabs. */
void tess_backend_vulkan_describe (TessBackend *backend, GString *lines);

G_END_DECLS
