/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/command.c: recording copies, submitting, waiting. */
#include "gpu/command.h"

#include "core/error.h"
#include "gpu/vk-result.h"

#include <string.h>

#define STAGING_BYTES ((gsize) 16 << 20)
#define COPY_SECONDS 60.0

struct _TessGpuQueue
{
  TessGpuDevice *device; /* borrowed */
  TessGpuHeap *heap;     /* borrowed */
  VkCommandPool pool;
  GArray *copies;   /* of VkCommandBuffer, used again after each submit */
  guint n_copies;   /* of them in use */
  gboolean is_open; /* the last of these */
  GArray *list;     /* of VkCommandBuffer: what is submitted next */
  VkFence fence;
  TessGpuRange staging; /* made when first wanted */
  gsize n_staged;
  guint64 n_submits;
  GError *fault;
};

VkCommandBuffer
tess_gpu_queue_new_commands (TessGpuQueue *queue, GError **error)
{
  VkCommandBufferAllocateInfo allocate = {
    .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
    .commandPool = queue->pool,
    .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
    .commandBufferCount = 1,
  };
  VkCommandBuffer commands = VK_NULL_HANDLE;

  return TESS_VK (error, vkAllocateCommandBuffers, queue->device->device,
                  &allocate, &commands)
             ? commands
             : VK_NULL_HANDLE;
}

void
tess_gpu_queue_free_commands (TessGpuQueue *queue, VkCommandBuffer commands)
{
  if (commands != VK_NULL_HANDLE)
    vkFreeCommandBuffers (queue->device->device, queue->pool, 1, &commands);
}

TessGpuQueue *
tess_gpu_queue_new (TessGpuDevice *device, TessGpuHeap *heap, GError **error)
{
  TessGpuQueue *queue = g_new0 (TessGpuQueue, 1);
  VkCommandPoolCreateInfo pool = {
    .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
    .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT,
    .queueFamilyIndex = device->family,
  };
  VkFenceCreateInfo fence = { .sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO };

  queue->device = device;
  queue->heap = heap;
  queue->copies = g_array_new (FALSE, FALSE, sizeof (VkCommandBuffer));
  queue->list = g_array_new (FALSE, FALSE, sizeof (VkCommandBuffer));
  if (!TESS_VK (error, vkCreateCommandPool, device->device, &pool, NULL,
                &queue->pool)
      || !TESS_VK (error, vkCreateFence, device->device, &fence, NULL,
                   &queue->fence))
    {
      tess_gpu_queue_free (queue);
      return NULL;
    }
  return queue;
}

void
tess_gpu_queue_free (TessGpuQueue *queue)
{
  if (queue == NULL)
    return;
  tess_gpu_range_finish (queue->heap, &queue->staging);
  if (queue->fence != VK_NULL_HANDLE)
    vkDestroyFence (queue->device->device, queue->fence, NULL);
  if (queue->pool != VK_NULL_HANDLE)
    vkDestroyCommandPool (queue->device->device, queue->pool, NULL);
  g_array_unref (queue->copies);
  g_array_unref (queue->list);
  g_clear_error (&queue->fault);
  g_free (queue);
}

guint64
tess_gpu_queue_n_submits (const TessGpuQueue *queue)
{
  return queue->n_submits;
}

const GError *
tess_gpu_queue_fault (const TessGpuQueue *queue)
{
  return queue->fault;
}

/* Everything before is seen by everything after. */
static void
barrier (VkCommandBuffer commands)
{
  VkMemoryBarrier all = {
    .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
    .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
    .dstAccessMask = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT
                     | VK_ACCESS_TRANSFER_READ_BIT
                     | VK_ACCESS_TRANSFER_WRITE_BIT | VK_ACCESS_HOST_READ_BIT,
  };
  VkPipelineStageFlags stages
      = VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT;

  vkCmdPipelineBarrier (commands, stages, stages | VK_PIPELINE_STAGE_HOST_BIT,
                        0, 1, &all, 0, NULL, 0, NULL);
}

/* The one that is open. */
static VkCommandBuffer
copies_of (const TessGpuQueue *queue)
{
  return g_array_index (queue->copies, VkCommandBuffer, queue->n_copies - 1);
}

static gboolean
open_copies (TessGpuQueue *queue)
{
  VkCommandBufferBeginInfo begin = {
    .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
    .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT,
  };

  if (queue->fault != NULL)
    return FALSE;
  if (queue->is_open)
    return TRUE;
  if (queue->n_copies == queue->copies->len)
    {
      VkCommandBuffer commands
          = tess_gpu_queue_new_commands (queue, &queue->fault);

      if (commands == VK_NULL_HANDLE)
        return FALSE;
      g_array_append_val (queue->copies, commands);
    }
  queue->n_copies++;
  if (!TESS_VK (&queue->fault, vkBeginCommandBuffer, copies_of (queue), &begin))
    return FALSE;
  queue->is_open = TRUE;
  return TRUE;
}

static gboolean
close_copies (TessGpuQueue *queue)
{
  VkCommandBuffer commands;

  if (queue->fault != NULL)
    return FALSE;
  if (!queue->is_open)
    return TRUE;
  commands = copies_of (queue);
  barrier (commands);
  queue->is_open = FALSE;
  if (!TESS_VK (&queue->fault, vkEndCommandBuffer, commands))
    return FALSE;
  g_array_append_val (queue->list, commands);
  return TRUE;
}

void
tess_gpu_queue_add (TessGpuQueue *queue, VkCommandBuffer commands)
{
  if (close_copies (queue))
    g_array_append_val (queue->list, commands);
}

static gboolean
waits (const TessGpuQueue *queue)
{
  return queue->is_open || queue->list->len > 0;
}

static gboolean
wait_for_fence (TessGpuQueue *queue, gdouble seconds)
{
  VkDevice device = queue->device->device;
  guint64 time_ns = (guint64) (seconds * 1e9);
  VkResult result
      = tess_vk_shall_fail ("vkWaitForFences")
            ? tess_vk_failure ()
            : vkWaitForFences (device, 1, &queue->fence, TRUE, time_ns);

  if (result != VK_SUCCESS)
    vkDeviceWaitIdle (device); /* nothing may be freed before */
  return tess_vk_ok (result, "vkWaitForFences", &queue->fault)
         && TESS_VK (&queue->fault, vkResetFences, device, 1, &queue->fence);
}

static gboolean
submit (TessGpuQueue *queue, VkCommandBuffer commands, gdouble seconds)
{
  VkSubmitInfo info = { .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO };
  gboolean done;

  if (!close_copies (queue))
    return FALSE;
  if (commands != VK_NULL_HANDLE)
    g_array_append_val (queue->list, commands);
  queue->n_staged = 0;
  info.commandBufferCount = queue->list->len;
  info.pCommandBuffers = (VkCommandBuffer *) queue->list->data;
  if (info.commandBufferCount == 0)
    return TRUE;
  queue->n_submits++;
  done = TESS_VK (&queue->fault, vkQueueSubmit, queue->device->queue, 1, &info,
                  queue->fence)
         && wait_for_fence (queue, seconds);
  g_array_set_size (queue->list, 0);
  queue->n_copies = 0;
  return done;
}

gboolean
tess_gpu_queue_submit (TessGpuQueue *queue,
                       VkCommandBuffer commands,
                       gdouble seconds,
                       GError **error)
{
  if (submit (queue, commands, seconds))
    return TRUE;
  queue->device->lost = TRUE;
  if (error != NULL)
    *error = g_error_copy (queue->fault);
  return FALSE;
}

/* A place for at most @n_bytes in host memory; how many there are. */
static gsize
stage (TessGpuQueue *queue, gsize n_bytes)
{
  if (queue->staging.block == NULL
      && !tess_gpu_range_init (queue->heap, &queue->staging, STAGING_BYTES,
                               TESS_GPU_HOST, "copies", &queue->fault))
    return 0;
  if (queue->n_staged == queue->staging.n_bytes
      && !submit (queue, VK_NULL_HANDLE, COPY_SECONDS))
    return 0;
  return MIN (n_bytes, queue->staging.n_bytes - queue->n_staged);
}

static void
copy (TessGpuQueue *queue,
      VkBuffer dst,
      gsize dst_offset,
      VkBuffer src,
      gsize src_offset,
      gsize n_bytes)
{
  VkBufferCopy region
      = { .srcOffset = src_offset, .dstOffset = dst_offset, .size = n_bytes };

  barrier (copies_of (queue));
  vkCmdCopyBuffer (copies_of (queue), src, dst, 1, &region);
}

void
tess_gpu_queue_write (TessGpuQueue *queue,
                      const TessGpuRange *range,
                      gsize offset,
                      gsize n_bytes,
                      gconstpointer src)
{
  if (range->mapped != NULL)
    {
      memcpy (range->mapped + offset, src, n_bytes);
      return;
    }
  for (gsize done = 0, n; done < n_bytes; done += n)
    {
      n = queue->fault == NULL ? stage (queue, n_bytes - done) : 0;
      if (n == 0 || !open_copies (queue))
        return;
      memcpy (queue->staging.mapped + queue->n_staged,
              (const guint8 *) src + done, n);
      copy (queue, range->buffer, range->offset + offset + done,
            queue->staging.buffer, queue->staging.offset + queue->n_staged, n);
      queue->n_staged += n;
    }
}

void
tess_gpu_queue_read (TessGpuQueue *queue,
                     const TessGpuRange *range,
                     gsize offset,
                     gsize n_bytes,
                     gpointer dst)
{
  if (range->mapped != NULL)
    {
      if (waits (queue))
        submit (queue, VK_NULL_HANDLE, COPY_SECONDS);
      memcpy (dst, range->mapped + offset, n_bytes);
      return;
    }
  for (gsize done = 0, n; done < n_bytes; done += n)
    {
      gsize at;

      n = queue->fault == NULL ? stage (queue, n_bytes - done) : 0;
      if (n == 0 || !open_copies (queue))
        return;
      at = queue->n_staged;
      copy (queue, queue->staging.buffer, queue->staging.offset + at,
            range->buffer, range->offset + offset + done, n);
      if (!submit (queue, VK_NULL_HANDLE, COPY_SECONDS))
        return;
      memcpy ((guint8 *) dst + done, queue->staging.mapped + at, n);
    }
}

gconstpointer
tess_gpu_queue_fetch (TessGpuQueue *queue,
                      const TessGpuRange *range,
                      gsize offset,
                      gsize n_bytes)
{
  gsize at = queue->n_staged;

  if (range->mapped != NULL)
    return range->mapped + offset;
  if (queue->fault != NULL
      || (queue->staging.block != NULL && at == queue->staging.n_bytes)
      || stage (queue, n_bytes) < n_bytes || !open_copies (queue))
    return NULL;
  at = queue->n_staged;
  copy (queue, queue->staging.buffer, queue->staging.offset + at, range->buffer,
        range->offset + offset, n_bytes);
  queue->n_staged += n_bytes;
  return queue->staging.mapped + at;
}

void
tess_gpu_queue_copy (TessGpuQueue *queue,
                     const TessGpuRange *dst,
                     gsize dst_offset,
                     const TessGpuRange *src,
                     gsize src_offset,
                     gsize n_bytes)
{
  if (dst->mapped != NULL && src->mapped != NULL && !waits (queue))
    memmove (dst->mapped + dst_offset, src->mapped + src_offset, n_bytes);
  else if (open_copies (queue))
    copy (queue, dst->buffer, dst->offset + dst_offset, src->buffer,
          src->offset + src_offset, n_bytes);
}

void
tess_gpu_queue_zero (TessGpuQueue *queue, const TessGpuRange *range)
{
  if (range->mapped != NULL)
    memset (range->mapped, 0, range->n_bytes);
  else if (open_copies (queue))
    {
      barrier (copies_of (queue));
      vkCmdFillBuffer (copies_of (queue), range->buffer, range->offset,
                       (range->n_bytes + 3) / 4 * 4, 0);
    }
}
