/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/command.h: what the device is told to do, and when it is done.
 *
 * Copies between host and device wait in command buffers of their own until
 * the next submit, which takes them along, and so do programs that were added:
 * writing a tile, running a network and reading its answer is one submit.
 * Faults stick: after the first the queue does nothing, and every submit
 * answers with that fault. */
#pragma once

#include "gpu/memory.h"

G_BEGIN_DECLS

typedef struct _TessGpuQueue TessGpuQueue;

TessGpuQueue *
tess_gpu_queue_new (TessGpuDevice *device, TessGpuHeap *heap, GError **error);
void tess_gpu_queue_free (TessGpuQueue *queue); /* may be NULL */

/* A command buffer that is recorded once and submitted many times; freed with
 * vkFreeCommandBuffers on the queue's pool. */
VkCommandBuffer
tess_gpu_queue_new_commands (TessGpuQueue *queue, GError **error);
void
tess_gpu_queue_free_commands (TessGpuQueue *queue, VkCommandBuffer commands);

/* Bytes of a range; the copy is made before what is submitted next. */
void tess_gpu_queue_write (TessGpuQueue *queue,
                           const TessGpuRange *range,
                           gsize offset,
                           gsize n_bytes,
                           gconstpointer src);
void tess_gpu_queue_copy (TessGpuQueue *queue,
                          const TessGpuRange *dst,
                          gsize dst_offset,
                          const TessGpuRange *src,
                          gsize src_offset,
                          gsize n_bytes);
void tess_gpu_queue_zero (TessGpuQueue *queue, const TessGpuRange *range);

/* The same the other way; submits what waits, and waits for it. */
void tess_gpu_queue_read (TessGpuQueue *queue,
                          const TessGpuRange *range,
                          gsize offset,
                          gsize n_bytes,
                          gpointer dst);

/* @commands, after what waits, with the next submit. Until then nothing is
 * written from the host. */
void tess_gpu_queue_add (TessGpuQueue *queue, VkCommandBuffer commands);

/* A read with the next submit: where its bytes will lie until something else
 * is written or read; NULL where there is no place for them in one piece, and
 * tess_gpu_queue_read is to be asked after it. */
gconstpointer tess_gpu_queue_fetch (TessGpuQueue *queue,
                                    const TessGpuRange *range,
                                    gsize offset,
                                    gsize n_bytes);

/**
 * tess_gpu_queue_submit:
 * What waits, then @commands (VK_NULL_HANDLE: only that); returns when it is
 * done. @seconds: after which the device is taken for hanging.
 * Errors: TESS_ERROR_DEVICE when it is lost or hangs, the same ever after.
 */
gboolean tess_gpu_queue_submit (TessGpuQueue *queue,
                                VkCommandBuffer commands,
                                gdouble seconds,
                                GError **error);
guint64 tess_gpu_queue_n_submits (const TessGpuQueue *queue);

/* NULL: none yet. */
const GError *tess_gpu_queue_fault (const TessGpuQueue *queue);

G_END_DECLS
