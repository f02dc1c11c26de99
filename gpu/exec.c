/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/exec.c: a program as one command buffer.
 *
 *   arena: | temporaries, each op's scratch, and weights on their way |
 *
 * All programs of a backend share the arena. When a larger one takes its
 * place, those recorded with the old one are recorded anew at their next
 * run. */
#include "gpu/backend-private.h"

#include "core/error.h"
#include "core/memory-plan.h"
#include "gpu/vk-result.h"

#include <glib/gi18n-lib.h>
#include <stdio.h>
#include <string.h>

/* Places of an op in the arena beside its answer. */
#define SCRATCHES (TESS_GPU_SCRATCHES + TESS_GPU_PACKS)

typedef struct
{
  TessExec base;
  TessGpuKernel **kernels; /* one per op */
  gsize n_kernels;
  gsize *offsets; /* of values, then SCRATCHES of each kernel */
  gsize n_bytes_arena;
  gsize n_bytes_weights; /* not yet there when it was made */
  guint n_dispatches;

  VkDescriptorPool pool;
  VkCommandBuffer commands;
  VkQueryPool queries; /* while profiling */
  guint generation;    /* of the arena it was recorded with */
  gboolean recorded;
} GpuExec;

/* Choosing */

static gboolean
is_forced_out (const TessGpuBackend *gpu,
               const TessOp *op,
               const TessGpuVariant *variant)
{
  gsize n = strlen (op->klass->name);

  for (gchar **entry = gpu->forced; entry != NULL && *entry != NULL; entry++)
    if (strncmp (*entry, op->klass->name, n) == 0 && (*entry)[n] == '='
        && !g_str_equal (*entry + n + 1, variant->name))
      return TRUE;
  return FALSE;
}

static gboolean
is_disproved (const TessGpuBackend *gpu,
              const TessOp *op,
              const TessGpuVariant *variant)
{
  const TessGpuVerdict *verdict
      = gpu->proof ? tess_gpu_proof_of (gpu->proof, op->klass, variant) : NULL;

  return gpu->proof != NULL && (verdict == NULL || verdict->wrong);
}

/* What the timed case took for what the variant said that it costs. Costs are
 * made for CPU-type devices, which are shared with whatever else runs: there
 * the time of one run says less than they do. */
static gdouble
cost_factor (const TessGpuBackend *gpu,
             const TessOp *op,
             const TessGpuVariant *variant)
{
  const TessGpuVerdict *verdict
      = gpu->proof && !gpu->device->caps.is_cpu
            ? tess_gpu_proof_of (gpu->proof, op->klass, variant)
            : NULL;

  return verdict != NULL && verdict->cost > 0.0 && verdict->seconds > 0.0
             ? verdict->seconds / verdict->cost
             : 1.0;
}

const TessGpuVariant *
tess_gpu_choose (const TessGpuBackend *gpu, const TessOp *op, TessType storage)
{
  const TessGpuVariant *variant = tess_gpu_op_of (op->klass)->variants;
  const TessGpuVariant *best = NULL;
  const TessGpuCaps *caps = &gpu->device->caps;
  gdouble least = 0.0;

  for (;; variant++)
    {
      gdouble cost;

      if (op->klass == gpu->only_class)
        return gpu->only_variant;
      if (variant[1].name == NULL)
        return best != NULL ? best : variant;
      if (is_disproved (gpu, op, variant))
        continue;
      if (is_forced_out (gpu, op, variant)
          || (variant->refuses != NULL
              && variant->refuses (variant, caps, op, storage) != NULL))
        continue;
      cost = variant->cost != NULL ? variant->cost (variant, caps, op, storage)
                                         * cost_factor (gpu, op, variant)
                                   : G_MAXDOUBLE;
      if (best == NULL || cost < least)
        {
          best = variant;
          least = cost;
        }
    }
}

/* Planning */

static gsize
value_bytes (const TessValue *value)
{
  return tess_shape_n_elements (&value->shape) * tess_type_size (value->type);
}

/* So that every place begins where a binding may. */
static gsize
padded (gsize n)
{
  return (n + TESS_GPU_ALIGN - 1) / TESS_GPU_ALIGN * TESS_GPU_ALIGN;
}

/* An op that is new, and that nobody has brought here yet. */
static gboolean
check_ops (const TessProgram *program, GError **error)
{
  for (guint i = 0; i < program->ops->len; i++)
    {
      const TessOp *op = program->ops->pdata[i];

      if (tess_gpu_op_of (op->klass) != NULL)
        continue;
      g_set_error (error, TESS_ERROR, TESS_ERROR_UNSUPPORTED,
                   _ ("%s needs %s, which graphics cards cannot do yet; choose "
                      "the CPU."),
                   program->name, op->klass->name);
      return FALSE;
    }
  return TRUE;
}

static gboolean
check_values (const TessGpuBackend *gpu,
              const TessProgram *program,
              GError **error)
{
  for (guint i = 0; i < program->values->len; i++)
    {
      const TessValue *value = program->values->pdata[i];
      gsize largest = gpu->device->caps.n_bytes_binding;

      if (value->base == NULL && value_bytes (value) > largest)
        {
          g_set_error (
              error, TESS_ERROR, TESS_ERROR_MEMORY,
              _ ("%s: a value takes %.1f MiB, and %s reads at most %.1f "
                 "as one; choose smaller tiles, fewer at once or the "
                 "CPU."),
              program->name, value_bytes (value) / 0x1p20,
              gpu->device->info.name, largest / 0x1p20);
          return FALSE;
        }
    }
  return TRUE;
}

static void
live_at (TessLife *lives, TessValue *value, gint at)
{
  TessValue *root = tess_value_root (value);
  TessLife *life = &lives[root->index];

  if (root->buffer != NULL)
    return;
  if (life->n_bytes == 0)
    life->first = at;
  life->last = at;
  life->n_bytes = padded (value_bytes (root));
}

static gboolean
is_streamed (const TessGpuKernel *kernel, guint pack)
{
  return kernel->packs[pack] != NULL
         && ((TessGpuPack *) tess_pack_data (kernel->packs[pack]))->streamed;
}

static void
plan_arena (GpuExec *exec, TessProgram *program)
{
  gsize n_values = program->values->len;
  gsize n_lives = n_values + exec->n_kernels * SCRATCHES;
  g_autofree TessLife *lives = g_new0 (TessLife, n_lives);

  for (gsize i = 0; i < exec->n_kernels; i++)
    {
      const TessGpuKernel *kernel = exec->kernels[i];
      const TessOp *op = program->ops->pdata[i];
      TessLife *own = &lives[n_values + i * SCRATCHES];

      for (gint j = 0; j < TESS_MAX_SRC; j++)
        if (op->src[j] != NULL)
          live_at (lives, op->src[j], (gint) i);
      live_at (lives, op->dst, (gint) i);
      for (guint j = 0; j < SCRATCHES; j++)
        {
          own[j].first = own[j].last = (gint) i;
          if (j < kernel->n_scratch)
            own[j].n_bytes = padded (kernel->scratch[j]);
          else if (j >= TESS_GPU_SCRATCHES
                   && is_streamed (kernel, j - TESS_GPU_SCRATCHES))
            own[j].n_bytes
                = padded (kernel->specs[j - TESS_GPU_SCRATCHES].n_bytes);
        }
    }
  exec->n_bytes_arena = tess_memory_plan (lives, n_lives);
  g_free (exec->offsets);
  exec->offsets = g_new (gsize, n_lives);
  for (gsize i = 0; i < n_lives; i++)
    exec->offsets[i] = lives[i].offset;
}

static void
forget_recording (TessGpuBackend *gpu, GpuExec *exec)
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

static void
exec_finish (TessGpuBackend *gpu, GpuExec *exec)
{
  forget_recording (gpu, exec);
  for (gsize i = 0; i < exec->n_kernels; i++)
    tess_gpu_kernel_free (exec->kernels[i]);
  g_free (exec->kernels);
  g_free (exec->offsets);
  g_free (exec);
}

/* Kernels are made and the arena planned; no weights, no pipelines yet. */
static GpuExec *
prepare (TessGpuBackend *gpu, TessProgram *program, GError **error)
{
  GpuExec *exec;
  g_autoptr (GHashTable) seen
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  if (!check_ops (program, error) || !check_values (gpu, program, error))
    return NULL;
  exec = g_new0 (GpuExec, 1);
  exec->n_kernels = program->ops->len;
  exec->kernels = g_new0 (TessGpuKernel *, exec->n_kernels);
  for (gsize i = 0; i < exec->n_kernels; i++)
    {
      const TessOp *op = program->ops->pdata[i];
      const TessGpuVariant *variant
          = tess_gpu_choose (gpu, op, program->storage);
      TessGpuKernel *kernel = tess_gpu_kernel_new (
          op, variant, &gpu->device->caps, program->storage);

      exec->kernels[i] = kernel;
      exec->n_dispatches += kernel->dispatches->len;
      for (guint j = 0; j < kernel->n_packs; j++)
        {
          const TessPackSpec *spec = &kernel->specs[j];

          if (!tess_packs_has (gpu->packs, spec)
              && g_hash_table_add (
                  seen, g_strdup_printf ("%p %s", (void *) spec->weights[0],
                                         spec->layout)))
            exec->n_bytes_weights += padded (spec->n_bytes);
        }
    }
  plan_arena (exec, program);
  return exec;
}

gboolean
tess_gpu_plan (TessBackend *backend,
               TessProgram *program,
               TessPlan *plan,
               GError **error)
{
  TessGpuBackend *gpu = (TessGpuBackend *) backend;
  GpuExec *exec = prepare (gpu, program, error);

  if (exec == NULL)
    return FALSE;
  plan->arena = exec->n_bytes_arena;
  plan->weights = exec->n_bytes_weights;
  exec_finish (gpu, exec);
  return TRUE;
}

/* Compiling */

static gboolean
fill_packs (TessGpuBackend *gpu,
            GpuExec *exec,
            gboolean *streams,
            GError **error)
{
  for (gsize i = 0; i < exec->n_kernels; i++)
    {
      TessGpuKernel *kernel = exec->kernels[i];

      for (guint j = 0; j < kernel->n_packs; j++)
        {
          kernel->packs[j]
              = tess_packs_get (gpu->packs, &kernel->specs[j], error);
          if (kernel->packs[j] == NULL)
            return FALSE;
          *streams |= is_streamed (kernel, j);
        }
    }
  return TRUE;
}

static gboolean
make_pipelines (TessGpuBackend *gpu, GpuExec *exec, GError **error)
{
  for (gsize i = 0; i < exec->n_kernels; i++)
    for (guint j = 0; j < exec->kernels[i]->dispatches->len; j++)
      {
        const TessGpuDispatch *dispatch
            = &g_array_index (exec->kernels[i]->dispatches, TessGpuDispatch, j);

        if (tess_gpu_pipeline_get (gpu->pipelines, dispatch->shader,
                                   dispatch->n_bindings, dispatch->constants,
                                   dispatch->n_constants, error)
            == VK_NULL_HANDLE)
          return FALSE;
      }
  return TRUE;
}

static gboolean
grow_arena (TessGpuBackend *gpu, gsize n_bytes, GError **error)
{
  if (n_bytes <= gpu->arena.n_bytes)
    return TRUE;
  tess_gpu_range_finish (gpu->heap, &gpu->arena);
  gpu->generation++;
  return tess_gpu_range_init (gpu->heap, &gpu->arena, n_bytes, TESS_GPU_LOCAL,
                              "temporaries", error);
}

TessExec *
tess_gpu_compile (TessBackend *backend, TessProgram *program, GError **error)
{
  TessGpuBackend *gpu = (TessGpuBackend *) backend;
  GpuExec *exec = prepare (gpu, program, error);
  gboolean streams = FALSE, ok;

  if (exec == NULL)
    return NULL;
  /* The arena first: weights can do without the device's memory. */
  ok = grow_arena (gpu, exec->n_bytes_arena, error)
       && fill_packs (gpu, exec, &streams, error);
  if (ok && streams)
    {
      plan_arena (exec, program);
      ok = grow_arena (gpu, exec->n_bytes_arena, error);
    }
  if (!ok || !make_pipelines (gpu, exec, error))
    {
      exec_finish (gpu, exec);
      return NULL;
    }
  gpu->n_execs++;
  g_debug ("%s: %" G_GSIZE_FORMAT " ops, %u dispatches, arena %.1f MiB, new "
           "weights %.1f MiB%s",
           program->name, exec->n_kernels, exec->n_dispatches,
           exec->n_bytes_arena / 0x1p20, exec->n_bytes_weights / 0x1p20,
           streams ? ", some of them streamed" : "");
  return &exec->base;
}

void
tess_gpu_exec_free (TessExec *base)
{
  TessGpuBackend *gpu = (TessGpuBackend *) base->backend;

  gpu->n_execs--;
  exec_finish (gpu, (GpuExec *) base);
}

/* Recording */

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
  GpuExec *exec;
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
  return recorder->exec->base.program->values->len + kernel * SCRATCHES
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
      if (is_streamed (kernel, binding->index))
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
  GpuExec *exec = recorder->exec;
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
make_pools (TessGpuBackend *gpu, GpuExec *exec, GError **error)
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

static gboolean
record (TessGpuBackend *gpu, GpuExec *exec, GError **error)
{
  Recorder recorder = {
    .gpu = gpu,
    .exec = exec,
    .touched = g_array_new (FALSE, FALSE, sizeof (Touch)),
  };

  forget_recording (gpu, exec);
  exec->recorded
      = make_pools (gpu, exec, error) && record_all (&recorder, error);
  exec->generation = gpu->generation;
  g_array_unref (recorder.touched);
  if (!exec->recorded)
    forget_recording (gpu, exec);
  return exec->recorded;
}

/* Running */

static void
print_profile (TessGpuBackend *gpu, GpuExec *exec)
{
  guint n = exec->n_dispatches + 1, at = 0;
  g_autofree guint64 *ticks = g_new0 (guint64, n);
  g_autoptr (GHashTable) sums = g_hash_table_new (g_str_hash, g_str_equal);
  GHashTableIter iter;
  gpointer key, value;
  gdouble scale = gpu->device->timestamp_ns * 1e-3; /* us */

  vkGetQueryPoolResults (gpu->device->device, exec->queries, 0, n,
                         n * sizeof *ticks, ticks, sizeof *ticks,
                         VK_QUERY_RESULT_64_BIT | VK_QUERY_RESULT_WAIT_BIT);
  for (gsize i = 0; i < exec->n_kernels; i++)
    {
      const TessGpuKernel *kernel = exec->kernels[i];
      gpointer name = (gpointer) kernel->op->klass->name;
      gsize sum = GPOINTER_TO_SIZE (g_hash_table_lookup (sums, name));
      guint64 first = ticks[at], last = ticks[at += kernel->dispatches->len];
      gdouble us = last > first ? (last - first) * scale : 0.0;
      const TessValue *src = kernel->op->src[0];
      gchar text[2][TESS_SHAPE_CHARS];

      g_hash_table_insert (sums, name, GSIZE_TO_POINTER (sum + (gsize) us));
      g_printerr ("%8.3f ms %-12s %s -> %s %s, %.1f GFLOP/s\n", us * 1e-3,
                  kernel->op->klass->name,
                  src != NULL ? tess_shape_string (&src->shape, text[0]) : "",
                  tess_shape_string (&kernel->op->dst->shape, text[1]),
                  kernel->variant->name,
                  us > 0.0 ? kernel->op->n_flops / us * 1e-3 : 0.0);
    }
  g_hash_table_iter_init (&iter, sums);
  while (g_hash_table_iter_next (&iter, &key, &value))
    g_printerr ("%s: %-12s %9.3f ms\n", exec->base.program->name,
                (const gchar *) key, GPOINTER_TO_SIZE (value) * 1e-3);
}

/* After which a device hangs: far beyond what the slowest takes. */
static gdouble
patience (const TessGpuBackend *gpu, const TessProgram *program)
{
  return 30.0 + program->n_flops / (gpu->device->caps.is_cpu ? 5e7 : 1e10);
}

/* Everything that is to be run is recorded, for an arena that does for all. */
static gboolean
make_ready (TessGpuBackend *gpu,
            const TessTask *tasks,
            gint n_tasks,
            GError **error)
{
  for (gint i = 0; i < n_tasks; i++)
    if (tasks[i].exec != NULL
        && !grow_arena (gpu, ((GpuExec *) tasks[i].exec)->n_bytes_arena, error))
      return FALSE;
  for (gint i = 0; i < n_tasks; i++)
    {
      GpuExec *exec = (GpuExec *) tasks[i].exec;

      if (exec != NULL
          && (!exec->recorded || exec->generation != gpu->generation)
          && !record (gpu, exec, error))
        return FALSE;
    }
  return TRUE;
}

/* Reads, after the submit that brought what was fetched. */
static void
finish_reads (TessGpuBackend *gpu,
              const TessTask *tasks,
              gconstpointer const *fetched,
              gint n_tasks)
{
  for (gint i = 0; i < n_tasks; i++)
    if (fetched[i] != NULL)
      memcpy (tasks[i].host, fetched[i], tasks[i].n_bytes);
  for (gint i = 0; i < n_tasks; i++)
    if (tasks[i].host != NULL && fetched[i] == NULL)
      tess_gpu_queue_read (gpu->queue, tasks[i].src->data, tasks[i].src_offset,
                           tasks[i].n_bytes, tasks[i].host);
}

gboolean
tess_gpu_run (TessBackend *backend,
              const TessTask *tasks,
              gint n_tasks,
              GCancellable *cancellable,
              GError **error)
{
  TessGpuBackend *gpu = (TessGpuBackend *) backend;
  g_autofree gconstpointer *fetched = g_new0 (gconstpointer, n_tasks);
  gdouble seconds = 0.0;

  if (g_cancellable_set_error_if_cancelled (cancellable, error)
      || !make_ready (gpu, tasks, n_tasks, error))
    return FALSE;
  for (gint i = 0; i < n_tasks; i++)
    if (tasks[i].exec != NULL)
      {
        tess_gpu_queue_add (gpu->queue, ((GpuExec *) tasks[i].exec)->commands);
        seconds += patience (gpu, tasks[i].exec->program);
      }
    else if (tasks[i].dst != NULL)
      tess_gpu_queue_copy (gpu->queue, tasks[i].dst->data, tasks[i].dst_offset,
                           tasks[i].src->data, tasks[i].src_offset,
                           tasks[i].n_bytes);
    else
      fetched[i] = tess_gpu_queue_fetch (gpu->queue, tasks[i].src->data,
                                         tasks[i].src_offset, tasks[i].n_bytes);
  if (!tess_gpu_queue_submit (gpu->queue, VK_NULL_HANDLE, seconds, error))
    return FALSE;
  finish_reads (gpu, tasks, fetched, n_tasks);
  for (gint i = 0; i < n_tasks; i++)
    if (tasks[i].exec != NULL
        && ((GpuExec *) tasks[i].exec)->queries != VK_NULL_HANDLE)
      print_profile (gpu, (GpuExec *) tasks[i].exec);
  return !g_cancellable_set_error_if_cancelled (cancellable, error)
         && tess_backend_check (backend, error);
}

gboolean
tess_gpu_exec_run (TessExec *exec, GCancellable *cancellable, GError **error)
{
  return tess_gpu_run (exec->backend, &(TessTask) { .exec = exec }, 1,
                       cancellable, error);
}
