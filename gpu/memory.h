/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/memory.h: ranges of the device's memory.
 *
 *   block: | range | free | range | range | free |
 *
 * A block is one allocation with one VkBuffer over it. Small ranges share
 * blocks, so that there are few of them (drivers allow 4096); a large range
 * has a block of its own. Ranges begin at multiples of 256 bytes, which every
 * device takes as the first byte of a binding. */
#pragma once

#include "gpu/device.h"

G_BEGIN_DECLS

#define TESS_GPU_ALIGN 256

typedef struct _TessGpuHeap TessGpuHeap;   /* all blocks of a device */
typedef struct _TessGpuBlock TessGpuBlock; /* one of them */

typedef enum
{
  TESS_GPU_LOCAL, /* the device's own; mapped where that costs nothing */
  TESS_GPU_HOST,  /* the computer's, always mapped */
} TessGpuPlace;

/* Embedded in its owner; zeroed: none. */
typedef struct
{
  TessGpuBlock *block;
  VkBuffer buffer;
  gsize offset; /* in buffer */
  gsize n_bytes;
  guint8 *mapped; /* its first byte, coherent; NULL: not to be seen */
} TessGpuRange;

TessGpuHeap *tess_gpu_heap_new (TessGpuDevice *device);
void tess_gpu_heap_free (TessGpuHeap *heap); /* may be NULL; no range is left */

/* Never mapped in the device's own memory, as on a card with a bus between:
 * for tests on devices where all is one. */
void tess_gpu_heap_hide (TessGpuHeap *heap);

/* At most this many bytes of TESS_GPU_LOCAL; 0: what the driver tells. */
void tess_gpu_heap_limit (TessGpuHeap *heap, gsize n_bytes);

/**
 * tess_gpu_range_init:
 * What is in it is not told.
 * @purpose is for the message: "weights".
 * Errors: TESS_ERROR_MEMORY with the numbers.
 */
gboolean tess_gpu_range_init (TessGpuHeap *heap,
                              TessGpuRange *range,
                              gsize n_bytes,
                              TessGpuPlace place,
                              const gchar *purpose,
                              GError **error);
void tess_gpu_range_finish (TessGpuHeap *heap, TessGpuRange *range);

/* Bytes of TESS_GPU_LOCAL that can still be had. */
gsize tess_gpu_heap_n_bytes_free (const TessGpuHeap *heap);
gsize tess_gpu_heap_n_bytes (const TessGpuHeap *heap); /* taken so far */

G_END_DECLS
