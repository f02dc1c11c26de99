/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/memory.c: blocks and the ranges in them. */
#include "gpu/memory.h"

#include "core/error.h"
#include "gpu/vk-result.h"

#include <glib/gi18n-lib.h>

#define BLOCK_BYTES ((gsize) 64 << 20)
#define LARGE_BYTES ((gsize) 16 << 20) /* from here on a block of its own */

/* Kept for the driver and for whoever else draws. */
#define MARGIN_BYTES ((gsize) 128 << 20)

typedef struct
{
  gsize begin, end;
} Gap;

struct _TessGpuBlock
{
  VkDeviceMemory memory;
  VkBuffer buffer;
  guint8 *mapped;
  gsize n_bytes;
  TessGpuPlace place;
  GArray *gaps; /* of Gap, in order, no two touch */
};

struct _TessGpuHeap
{
  TessGpuDevice *device; /* borrowed */
  GPtrArray *blocks;
  gboolean hidden;
  gsize limit, n_local, n_bytes;
};

static gsize
aligned (gsize n)
{
  return (MAX (n, 1) + TESS_GPU_ALIGN - 1) / TESS_GPU_ALIGN * TESS_GPU_ALIGN;
}

TessGpuHeap *
tess_gpu_heap_new (TessGpuDevice *device)
{
  TessGpuHeap *heap = g_new0 (TessGpuHeap, 1);

  heap->device = device;
  heap->blocks = g_ptr_array_new ();
  return heap;
}

static void
block_free (TessGpuHeap *heap, TessGpuBlock *block)
{
  VkDevice device = heap->device->device;

  if (block->buffer != VK_NULL_HANDLE)
    vkDestroyBuffer (device, block->buffer, NULL);
  if (block->memory != VK_NULL_HANDLE)
    {
      vkFreeMemory (device, block->memory, NULL); /* unmaps */
      heap->n_bytes -= block->n_bytes;
      if (block->place == TESS_GPU_LOCAL)
        heap->n_local -= block->n_bytes;
    }
  g_array_unref (block->gaps);
  g_free (block);
}

void
tess_gpu_heap_free (TessGpuHeap *heap)
{
  if (heap == NULL)
    return;
  for (guint i = 0; i < heap->blocks->len; i++)
    block_free (heap, heap->blocks->pdata[i]);
  g_ptr_array_unref (heap->blocks);
  g_free (heap);
}

void
tess_gpu_heap_hide (TessGpuHeap *heap)
{
  heap->hidden = TRUE;
}

void
tess_gpu_heap_limit (TessGpuHeap *heap, gsize n_bytes)
{
  heap->limit = n_bytes;
}

gsize
tess_gpu_heap_n_bytes (const TessGpuHeap *heap)
{
  return heap->n_bytes;
}

gsize
tess_gpu_heap_n_bytes_free (const TessGpuHeap *heap)
{
  gsize n_free;

  if (heap->limit > 0)
    return heap->limit > heap->n_local ? heap->limit - heap->n_local : 0;
  n_free = tess_gpu_device_n_bytes_free (heap->device);
  return n_free > MARGIN_BYTES ? n_free - MARGIN_BYTES : 0;
}

/* The memory type with the most of the wanted properties among @bits; the
 * first where several have. */
static gint
choose_type (const TessGpuHeap *heap, TessGpuPlace place, guint32 bits)
{
  const VkPhysicalDeviceMemoryProperties *memory = &heap->device->memory;
  const VkMemoryPropertyFlags visible = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT
                                        | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
  gint best = -1, best_score = -1;

  for (guint32 i = 0; i < memory->memoryTypeCount; i++)
    {
      VkMemoryPropertyFlags flags = memory->memoryTypes[i].propertyFlags;
      gboolean local = (flags & VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT) != 0;
      gboolean seen = (flags & visible) == visible;
      gint score;

      if (!(bits & 1u << i) || (place == TESS_GPU_HOST && !seen))
        continue;
      if (place == TESS_GPU_HOST)
        score = 2 * !local + !!(flags & VK_MEMORY_PROPERTY_HOST_CACHED_BIT);
      else /* a card's window to its memory is small and slow to read */
        score = 4 * local
                + (heap->device->info.kind == TESS_GPU_DISCRETE ? !seen
                                                                : 2 * seen);
      if (score > best_score)
        {
          best = (gint) i;
          best_score = score;
        }
    }
  return best;
}

static gboolean
check_size (const TessGpuHeap *heap,
            gsize n_bytes,
            TessGpuPlace place,
            const gchar *purpose,
            GError **error)
{
  gsize largest = heap->device->caps.n_bytes_block, n_free;

  if (n_bytes > largest)
    {
      g_set_error (
          error, TESS_ERROR, TESS_ERROR_MEMORY,
          _ ("%.1f MiB are wanted for %s, and %s gives at most %.1f at "
             "once; choose smaller tiles or the CPU."),
          n_bytes / 0x1p20, purpose, heap->device->info.name, largest / 0x1p20);
      return FALSE;
    }
  if (place == TESS_GPU_HOST)
    return TRUE;
  n_free = tess_gpu_heap_n_bytes_free (heap);
  if (n_bytes > n_free)
    {
      g_set_error (
          error, TESS_ERROR, TESS_ERROR_MEMORY,
          _ ("%.1f MiB are wanted for %s, and %s has %.1f free; choose "
             "smaller tiles, fewer at once or the CPU."),
          n_bytes / 0x1p20, purpose, heap->device->info.name, n_free / 0x1p20);
      return FALSE;
    }
  return TRUE;
}

static gboolean
block_fill (TessGpuHeap *heap, TessGpuBlock *block, GError **error)
{
  VkDevice device = heap->device->device;
  VkBufferCreateInfo buffer = {
    .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
    .size = block->n_bytes,
    .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT
             | VK_BUFFER_USAGE_TRANSFER_SRC_BIT
             | VK_BUFFER_USAGE_TRANSFER_DST_BIT,
  };
  VkMemoryAllocateInfo allocate
      = { .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO };
  VkMemoryRequirements needs;
  gint type;
  gboolean visible;
  void *mapped = NULL;

  if (!TESS_VK (error, vkCreateBuffer, device, &buffer, NULL, &block->buffer))
    return FALSE;
  vkGetBufferMemoryRequirements (device, block->buffer, &needs);
  type = choose_type (heap, block->place, needs.memoryTypeBits);
  if (type < 0)
    {
      g_set_error (error, TESS_ERROR, TESS_ERROR_DEVICE,
                   _ ("%s has no memory that both sides see; choose the CPU."),
                   heap->device->info.name);
      return FALSE;
    }
  allocate.allocationSize = needs.size;
  allocate.memoryTypeIndex = (guint32) type;
  if (!TESS_VK (error, vkAllocateMemory, device, &allocate, NULL,
                &block->memory))
    return FALSE;
  heap->n_bytes += block->n_bytes;
  if (block->place == TESS_GPU_LOCAL)
    heap->n_local += block->n_bytes;
  visible = (heap->device->memory.memoryTypes[type].propertyFlags
             & VK_MEMORY_PROPERTY_HOST_COHERENT_BIT)
            && !(heap->hidden && block->place == TESS_GPU_LOCAL);
  if (!TESS_VK (error, vkBindBufferMemory, device, block->buffer, block->memory,
                0)
      || (visible
          && !TESS_VK (error, vkMapMemory, device, block->memory, 0,
                       VK_WHOLE_SIZE, 0, &mapped)))
    return FALSE;
  block->mapped = mapped;
  return TRUE;
}

static TessGpuBlock *
block_new (TessGpuHeap *heap, gsize n_bytes, TessGpuPlace place, GError **error)
{
  TessGpuBlock *block = g_new0 (TessGpuBlock, 1);
  Gap all = { 0, n_bytes };

  block->n_bytes = n_bytes;
  block->place = place;
  block->gaps = g_array_new (FALSE, FALSE, sizeof (Gap));
  if (!block_fill (heap, block, error))
    {
      block_free (heap, block);
      return NULL;
    }
  g_array_append_val (block->gaps, all);
  g_ptr_array_add (heap->blocks, block);
  return block;
}

/* The first gap that is large enough. */
static gboolean
block_take (TessGpuBlock *block, gsize n_bytes, TessGpuRange *range)
{
  for (guint i = 0; i < block->gaps->len; i++)
    {
      Gap *gap = &g_array_index (block->gaps, Gap, i);

      if (gap->end - gap->begin < n_bytes)
        continue;
      *range = (TessGpuRange) {
        .block = block,
        .buffer = block->buffer,
        .offset = gap->begin,
        .mapped = block->mapped ? block->mapped + gap->begin : NULL,
      };
      gap->begin += n_bytes;
      if (gap->begin == gap->end)
        g_array_remove_index (block->gaps, i);
      return TRUE;
    }
  return FALSE;
}

gboolean
tess_gpu_range_init (TessGpuHeap *heap,
                     TessGpuRange *range,
                     gsize n_bytes,
                     TessGpuPlace place,
                     const gchar *purpose,
                     GError **error)
{
  gsize size = aligned (n_bytes);
  TessGpuBlock *block;

  *range = (TessGpuRange) { 0 };
  for (guint i = 0; size < LARGE_BYTES && i < heap->blocks->len; i++)
    {
      block = heap->blocks->pdata[i];
      if (block->place == place && block_take (block, size, range))
        {
          range->n_bytes = n_bytes;
          return TRUE;
        }
    }
  if (!check_size (heap, size, place, purpose, error))
    return FALSE;
  if (size < LARGE_BYTES
      && (place == TESS_GPU_HOST
          || tess_gpu_heap_n_bytes_free (heap) >= BLOCK_BYTES))
    block = block_new (heap, BLOCK_BYTES, place, error);
  else
    block = block_new (heap, size, place, error);
  if (block == NULL)
    return FALSE;
  block_take (block, size, range);
  range->n_bytes = n_bytes;
  return TRUE;
}

void
tess_gpu_range_finish (TessGpuHeap *heap, TessGpuRange *range)
{
  TessGpuBlock *block = range->block;
  Gap gap = { range->offset, range->offset + aligned (range->n_bytes) };
  guint i = 0;

  if (block == NULL)
    return;
  *range = (TessGpuRange) { 0 };
  while (i < block->gaps->len
         && g_array_index (block->gaps, Gap, i).begin < gap.begin)
    i++;
  g_array_insert_val (block->gaps, i, gap);
  for (i = 0; i + 1 < block->gaps->len;)
    {
      Gap *a = &g_array_index (block->gaps, Gap, i), *b = a + 1;

      if (a->end == b->begin)
        {
          a->end = b->end;
          g_array_remove_index (block->gaps, i + 1);
        }
      else
        i++;
    }
  if (g_array_index (block->gaps, Gap, 0).end
          - g_array_index (block->gaps, Gap, 0).begin
      == block->n_bytes)
    {
      g_ptr_array_remove (heap->blocks, block);
      block_free (heap, block);
    }
}
