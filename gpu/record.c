/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/record.c: a program's kernels into one command buffer, with a barrier
 * where one meets what another left. */
#include "gpu/exec-private.h"

#include "gpu/vk-result.h"

void
tess_gpu_forget_recording (TessGpuBackend *gpu, TessGpuExec *exec)
{
  VkDevice device = gpu->device->device;

  if (exec->pool != VK_NULL_HANDLE)
    vkDestroyDescriptorPool (device, exec->pool, NULL);
  if (exec->queries != VK_NULL_HANDLE)
    vkDestroyQueryPool (device, exec->queries, NULL);
  tess_gpu_queue_free_commands (gpu->queue, exec->commands);
  exec->pool = VK_NULL_HANDLE;
  exec->queries = VK_NULL_HANDLE;
  exec->commands = VK_NULL_HANDLE;
  exec->recorded = FALSE;
}

/* Bytes that something touches. */
typedef struct
{
  VkBuffer buffer;
  gsize offset, n_bytes;
  gboolean written;
} Touch;

typedef struct
{
  TessGpuBackend *gpu;
  TessGpuExec *exec;
  GArray *touched; /* of Touch, since the last barrier */
  guint n_done;    /* dispatches */
} Recorder;

static Touch
arena_touch (const Recorder *recorder, gsize place)
{
  return (Touch) {
    .buffer = recorder->gpu->arena.buffer,
    .offset = recorder->gpu->arena.offset + recorder->exec->offsets[place],
  };
}

static gsize
own_place (const Recorder *recorder, gsize kernel, guint scratch)
{
  return recorder->exec->base.program->values->len + kernel * TESS_GPU_PLACES
         + scratch;
}

static Touch
touch_of (const Recorder *recorder, gsize i, const TessGpuBinding *binding)
{
  const TessGpuKernel *kernel = recorder->exec->kernels[i];
  const TessGpuRange *range;
  const TessValue *root;
  Touch touch;

  switch (binding->kind)
    {
    case TESS_GPU_SCRATCH:
      touch = arena_touch (recorder, own_place (recorder, i, binding->index));
      break;
    case TESS_GPU_PACK:
      if (tess_gpu_is_streamed (kernel, binding->index))
        {
          touch = arena_touch (
              recorder,
              own_place (recorder, i, TESS_GPU_SCRATCHES + binding->index));
          break;
        }
      range = &((TessGpuPack *) tess_pack_data (kernel->packs[binding->index]))
                   ->range;
      touch = (Touch) { .buffer = range->buffer, .offset = range->offset };
      break;
    case TESS_GPU_VALUE:
    default:
      root = binding->value->base != NULL ? binding->value->base
                                          : binding->value;
      if (root->buffer != NULL)
        {
          range = root->buffer->data;
          touch = (Touch) { .buffer = range->buffer, .offset = range->offset };
        }
      else
        touch = arena_touch (recorder, root->index);
      break;
    }
  touch.offset += binding->offset;
  touch.n_bytes = binding->n_bytes;
  touch.written = binding->written;
  return touch;
}

static gboolean
meets (const Touch *a, const Touch *b)
{
  return (a->written || b->written) && a->buffer == b->buffer
         && a->offset < b->offset + b->n_bytes
         && b->offset < a->offset + a->n_bytes;
}

static void
barrier (Recorder *recorder)
{
  VkMemoryBarrier all = {
    .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
    .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
    .dstAccessMask = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT
                     | VK_ACCESS_TRANSFER_READ_BIT
                     | VK_ACCESS_TRANSFER_WRITE_BIT,
  };
  VkPipelineStageFlags stages
      = VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT;

  vkCmdPipelineBarrier (recorder->exec->commands, stages, stages, 0, 1, &all, 0,
                        NULL, 0, NULL);
  g_array_set_size (recorder->touched, 0);
}

/* A barrier where what comes meets what was since the last one. */
static void
order (Recorder *recorder, const Touch *touches, guint n)
{
  gboolean wait = FALSE;

  for (guint i = 0; i < recorder->touched->len && !wait; i++)
    for (guint j = 0; j < n && !wait; j++)
      wait = meets (&g_array_index (recorder->touched, Touch, i), &touches[j]);
  if (wait)
    barrier (recorder);
  g_array_append_vals (recorder->touched, touches, n);
}

/* Weights that are not on the device come over just before they are read. */
static void
record_streams (Recorder *recorder, gsize i)
{
  const TessGpuKernel *kernel = recorder->exec->kernels[i];

  for (guint j = 0; j < kernel->n_packs; j++)
    {
      const TessGpuPack *pack = tess_pack_data (kernel->packs[j]);
      VkBufferCopy region;
      Touch touch;

      if (!pack->streamed)
        continue;
      touch = arena_touch (recorder,
                           own_place (recorder, i, TESS_GPU_SCRATCHES + j));
      touch.n_bytes = kernel->specs[j].n_bytes;
      touch.written = TRUE;
      order (recorder, &touch, 1);
      region = (VkBufferCopy) { .srcOffset = pack->range.offset,
                                .dstOffset = touch.offset,
                                .size = touch.n_bytes };
      vkCmdCopyBuffer (recorder->exec->commands, pack->range.buffer,
                       touch.buffer, 1, &region);
    }
}

static gboolean
record_dispatch (Recorder *recorder,
                 gsize i,
                 const TessGpuDispatch *dispatch,
                 GError **error)
{
  TessGpuBackend *gpu = recorder->gpu;
  VkDevice device = gpu->device->device;
  VkCommandBuffer commands = recorder->exec->commands;
  guint n = dispatch->n_bindings, n_touches = 0;
  VkDescriptorSetLayout layout = tess_gpu_set_layout (gpu->pipelines, n);
  VkPipelineLayout pipeline_layout
      = tess_gpu_pipeline_layout (gpu->pipelines, n);
  VkDescriptorSetAllocateInfo allocate = {
    .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
    .descriptorPool = recorder->exec->pool,
    .descriptorSetCount = 1,
    .pSetLayouts = &layout,
  };
  VkPipeline pipeline = tess_gpu_pipeline_get (gpu->pipelines, dispatch->shader,
                                               n, dispatch->constants,
                                               dispatch->n_constants, error);
  VkDescriptorBufferInfo infos[TESS_GPU_BINDINGS];
  VkWriteDescriptorSet writes[TESS_GPU_BINDINGS];
  Touch touches[TESS_GPU_BINDINGS];
  VkDescriptorSet set;

  if (pipeline == VK_NULL_HANDLE
      || !TESS_VK (error, vkAllocateDescriptorSets, device, &allocate, &set))
    return FALSE;
  for (guint j = 0; j < n; j++)
    {
      Touch touch = touch_of (recorder, i, &dispatch->bindings[j]);

      infos[j] = (VkDescriptorBufferInfo) { touch.buffer, touch.offset,
                                            touch.n_bytes };
      writes[j] = (VkWriteDescriptorSet) {
        .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
        .dstSet = set,
        .dstBinding = j,
        .descriptorCount = 1,
        .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
        .pBufferInfo = &infos[j],
      };
      if (!dispatch->bindings[j].unread)
        touches[n_touches++] = touch;
    }
  vkUpdateDescriptorSets (device, n, writes, 0, NULL);
  order (recorder, touches, n_touches);
  vkCmdBindPipeline (commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
  vkCmdBindDescriptorSets (commands, VK_PIPELINE_BIND_POINT_COMPUTE,
                           pipeline_layout, 0, 1, &set, 0, NULL);
  if (dispatch->n_push > 0)
    vkCmdPushConstants (commands, pipeline_layout, VK_SHADER_STAGE_COMPUTE_BIT,
                        0, (guint32) dispatch->n_push, dispatch->push);
  vkCmdDispatch (commands, dispatch->groups[0], dispatch->groups[1],
                 dispatch->groups[2]);
  if (recorder->exec->queries != VK_NULL_HANDLE)
    vkCmdWriteTimestamp (commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
                         recorder->exec->queries, ++recorder->n_done);
  return TRUE;
}

static gboolean
record_all (Recorder *recorder, GError **error)
{
  TessGpuExec *exec = recorder->exec;
  VkCommandBufferBeginInfo begin
      = { .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO };
  VkMemoryBarrier host = {
    .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
    .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT,
    .dstAccessMask = VK_ACCESS_HOST_READ_BIT,
  };

  if (!TESS_VK (error, vkBeginCommandBuffer, exec->commands, &begin))
    return FALSE;
  if (exec->queries != VK_NULL_HANDLE)
    {
      vkCmdResetQueryPool (exec->commands, exec->queries, 0,
                           exec->n_dispatches + 1);
      vkCmdWriteTimestamp (exec->commands, VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT,
                           exec->queries, 0);
    }
  barrier (recorder);
  for (gsize i = 0; i < exec->n_kernels; i++)
    {
      GArray *dispatches = exec->kernels[i]->dispatches;

      record_streams (recorder, i);
      for (guint j = 0; j < dispatches->len; j++)
        if (!record_dispatch (recorder, i,
                              &g_array_index (dispatches, TessGpuDispatch, j),
                              error))
          return FALSE;
    }
  vkCmdPipelineBarrier (exec->commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
                        VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &host, 0, NULL, 0,
                        NULL);
  return TESS_VK (error, vkEndCommandBuffer, exec->commands);
}

static gboolean
make_pools (TessGpuBackend *gpu, TessGpuExec *exec, GError **error)
{
  VkDescriptorPoolSize size
      = { .type = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, .descriptorCount = 1 };
  VkDescriptorPoolCreateInfo pool = {
    .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
    .maxSets = MAX (exec->n_dispatches, 1),
    .poolSizeCount = 1,
    .pPoolSizes = &size,
  };
  VkQueryPoolCreateInfo queries = {
    .sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO,
    .queryType = VK_QUERY_TYPE_TIMESTAMP,
    .queryCount = exec->n_dispatches + 1,
  };

  for (gsize i = 0; i < exec->n_kernels; i++)
    for (guint j = 0; j < exec->kernels[i]->dispatches->len; j++)
      size.descriptorCount
          += g_array_index (exec->kernels[i]->dispatches, TessGpuDispatch, j)
                 .n_bindings;
  if (!TESS_VK (error, vkCreateDescriptorPool, gpu->device->device, &pool, NULL,
                &exec->pool)
      || (gpu->profile && gpu->device->timestamp_ns > 0.0
          && !TESS_VK (error, vkCreateQueryPool, gpu->device->device, &queries,
                       NULL, &exec->queries)))
    return FALSE;
  exec->commands = tess_gpu_queue_new_commands (gpu->queue, error);
  return exec->commands != VK_NULL_HANDLE;
}

gboolean
tess_gpu_record (TessGpuBackend *gpu, TessGpuExec *exec, GError **error)
{
  Recorder recorder = {
    .gpu = gpu,
    .exec = exec,
    .touched = g_array_new (FALSE, FALSE, sizeof (Touch)),
  };

  tess_gpu_forget_recording (gpu, exec);
  exec->recorded
      = make_pools (gpu, exec, error) && record_all (&recorder, error);
  exec->generation = gpu->generation;
  g_array_unref (recorder.touched);
  if (!exec->recorded)
    tess_gpu_forget_recording (gpu, exec);
  return exec->recorded;
}
