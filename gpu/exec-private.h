/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/exec-private.h: a compiled program, shared by exec.c (which plans,
 * compiles and runs) and record.c. */
#pragma once

#include "gpu/backend-private.h"

G_BEGIN_DECLS

/* Places of an op in the arena beside its answer. */
#define TESS_GPU_PLACES (TESS_GPU_SCRATCHES + TESS_GPU_PACKS)

typedef struct
{
  TessExec base;
  TessGpuKernel **kernels; /* one per op */
  gsize n_kernels;
  gsize *offsets; /* of values, then TESS_GPU_PLACES of each kernel */
  gsize n_bytes_arena;
  gsize n_bytes_weights; /* not yet there when it was made */
  guint n_dispatches;

  VkDescriptorPool pool;
  VkCommandBuffer commands;
  VkQueryPool queries; /* while profiling */
  guint generation;    /* of the arena it was recorded with */
  gboolean recorded;
} TessGpuExec;

/* Its weights @pack lie in the computer's memory and come over in front of the
 * op that reads them. */
static inline gboolean
tess_gpu_is_streamed (const TessGpuKernel *kernel, guint pack)
{
  return kernel->packs[pack] != NULL
         && ((TessGpuPack *) tess_pack_data (kernel->packs[pack]))->streamed;
}

/* Into one command buffer, for the arena as it is now. */
gboolean
tess_gpu_record (TessGpuBackend *gpu, TessGpuExec *exec, GError **error);
void tess_gpu_forget_recording (TessGpuBackend *gpu, TessGpuExec *exec);

G_END_DECLS
