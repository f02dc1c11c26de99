/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/exec.c: a program as one command buffer: planned, compiled, run.
 *
 *   arena: | temporaries, each op's scratch, and weights on their way |
 *
 * All programs of a backend share the arena. When a larger one takes its
 * place, those recorded with the old one are recorded anew at their next
 * run. */
#include "gpu/exec-private.h"

#include "core/error.h"
#include "core/memory-plan.h"
#include "gpu/vk-result.h"

#include <glib/gi18n-lib.h>
#include <stdio.h>
#include <string.h>

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

static void
plan_arena (TessGpuExec *exec, TessProgram *program)
{
  gsize n_values = program->values->len;
  gsize n_lives = n_values + exec->n_kernels * TESS_GPU_PLACES;
  g_autofree TessLife *lives = g_new0 (TessLife, n_lives);

  for (gsize i = 0; i < exec->n_kernels; i++)
    {
      const TessGpuKernel *kernel = exec->kernels[i];
      const TessOp *op = program->ops->pdata[i];
      TessLife *own = &lives[n_values + i * TESS_GPU_PLACES];

      for (gint j = 0; j < TESS_MAX_SRC; j++)
        if (op->src[j] != NULL)
          live_at (lives, op->src[j], (gint) i);
      live_at (lives, op->dst, (gint) i);
      for (guint j = 0; j < TESS_GPU_PLACES; j++)
        {
          own[j].first = own[j].last = (gint) i;
          if (j < kernel->n_scratch)
            own[j].n_bytes = padded (kernel->scratch[j]);
          else if (j >= TESS_GPU_SCRATCHES
                   && tess_gpu_is_streamed (kernel, j - TESS_GPU_SCRATCHES))
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
exec_finish (TessGpuBackend *gpu, TessGpuExec *exec)
{
  tess_gpu_forget_recording (gpu, exec);
  for (gsize i = 0; i < exec->n_kernels; i++)
    tess_gpu_kernel_free (exec->kernels[i]);
  g_free (exec->kernels);
  g_free (exec->offsets);
  g_free (exec);
}

/* Kernels are made and the arena planned; no weights, no pipelines yet. */
static TessGpuExec *
prepare (TessGpuBackend *gpu, TessProgram *program, GError **error)
{
  TessGpuExec *exec;
  g_autoptr (GHashTable) seen
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  if (!check_ops (program, error) || !check_values (gpu, program, error))
    return NULL;
  exec = g_new0 (TessGpuExec, 1);
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
  TessGpuExec *exec = prepare (gpu, program, error);

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
            TessGpuExec *exec,
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
          *streams |= tess_gpu_is_streamed (kernel, j);
        }
    }
  return TRUE;
}

static gboolean
make_pipelines (TessGpuBackend *gpu, TessGpuExec *exec, GError **error)
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
  TessGpuExec *exec = prepare (gpu, program, error);
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
  exec_finish (gpu, (TessGpuExec *) base);
}

/* Running */

static void
print_profile (TessGpuBackend *gpu, TessGpuExec *exec)
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

/* After which a device hangs: far beyond what the slowest takes. One that is
 * the processor waits for whatever else runs there: at a load of twenty and
 * the lowest priority a step took fifty times as long. */
static gdouble
patience (const TessGpuBackend *gpu, const TessProgram *program)
{
  return gpu->device->caps.is_cpu ? 1800.0 + program->n_flops / 1e6
                                  : 30.0 + program->n_flops / 1e10;
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
        && !grow_arena (gpu, ((TessGpuExec *) tasks[i].exec)->n_bytes_arena,
                        error))
      return FALSE;
  for (gint i = 0; i < n_tasks; i++)
    {
      TessGpuExec *exec = (TessGpuExec *) tasks[i].exec;

      if (exec != NULL
          && (!exec->recorded || exec->generation != gpu->generation)
          && !tess_gpu_record (gpu, exec, error))
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
        tess_gpu_queue_add (gpu->queue,
                            ((TessGpuExec *) tasks[i].exec)->commands);
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
        && ((TessGpuExec *) tasks[i].exec)->queries != VK_NULL_HANDLE)
      print_profile (gpu, (TessGpuExec *) tasks[i].exec);
  return !g_cancellable_set_error_if_cancelled (cancellable, error)
         && tess_backend_check (backend, error);
}

gboolean
tess_gpu_exec_run (TessExec *exec, GCancellable *cancellable, GError **error)
{
  return tess_gpu_run (exec->backend, &(TessTask) { .exec = exec }, 1,
                       cancellable, error);
}
