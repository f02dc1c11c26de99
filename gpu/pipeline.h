/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/pipeline.h: compiled shaders, each made once per device and choice of
 * constants.
 *
 * Every shader has the same interface: storage buffers 0 .. n - 1 of set 0,
 * at most 128 bytes of push constants, specialisation constants of 32 bits
 * numbered from 0. */
#pragma once

#include "gpu/device.h"

G_BEGIN_DECLS

#define TESS_GPU_BINDINGS 10
#define TESS_GPU_CONSTANTS 12
#define TESS_GPU_PUSH 128 /* bytes; what every device has */

/* Made by meson from gpu/shaders/NAME.comp. */
typedef struct
{
  const gchar *name; /* "conv2d f16" */
  const guint32 *words;
  gsize n_bytes;
} TessGpuShader;

typedef struct _TessGpuPipelines TessGpuPipelines;

TessGpuPipelines *
tess_gpu_pipelines_new (TessGpuDevice *device, GError **error);
void tess_gpu_pipelines_free (TessGpuPipelines *pipelines); /* may be NULL */

VkDescriptorSetLayout
tess_gpu_set_layout (const TessGpuPipelines *pipelines, guint n_bindings);
VkPipelineLayout
tess_gpu_pipeline_layout (const TessGpuPipelines *pipelines, guint n_bindings);

/* Owned by @pipelines.  Errors: TESS_ERROR_DEVICE where the driver refuses
 * the shader; TESS_ERROR_MEMORY. */
VkPipeline tess_gpu_pipeline_get (TessGpuPipelines *pipelines,
                                  const TessGpuShader *shader,
                                  guint n_bindings,
                                  const guint32 *constants,
                                  guint n_constants,
                                  GError **error);

G_END_DECLS
