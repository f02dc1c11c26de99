/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/host.c: programs in host memory. */
#include "core/host.h"
#include "core/error.h"
#include "core/memory-plan.h"
#include "core/memory.h"

#include <omp.h>
#include <string.h>
#include <time.h>

typedef struct
{
  TessExec base;
  TessKernel **kernels; /* one per op */
  gsize n_kernels;
  gsize *offsets; /* of values, then of each kernel's scratch */
  gsize n_bytes_arena;
  gsize n_bytes_weights; /* not yet there when it was made */
} HostExec;

gpointer
tess_host_data (const TessHostRun *run, const TessValue *value)
{
  const TessValue *root = value->base != NULL ? value->base : value;
  guint8 *data = root->buffer != NULL ? root->buffer->data
                                      : run->arena + run->offsets[root->index];

  return data + value->first * tess_type_size (value->type);
}

/* Buffers */

static gboolean
buffer_init (TessBuffer *buffer, GError **error)
{
  buffer->data = tess_memory_new (buffer->n_bytes, "buffers", error);
  return buffer->data != NULL;
}

static void
buffer_finish (TessBuffer *buffer)
{
  tess_memory_free (buffer->data, buffer->n_bytes);
}

static void
buffer_write (TessBuffer *buffer,
              gsize offset,
              gsize n_bytes,
              gconstpointer src)
{
  memcpy ((guint8 *) buffer->data + offset, src, n_bytes);
}

static void
buffer_read (TessBuffer *buffer, gsize offset, gsize n_bytes, gpointer dst)
{
  memcpy (dst, (const guint8 *) buffer->data + offset, n_bytes);
}

static void
buffer_copy (TessBuffer *dst,
             gsize dst_offset,
             TessBuffer *src,
             gsize src_offset,
             gsize n_bytes)
{
  memmove ((guint8 *) dst->data + dst_offset,
           (const guint8 *) src->data + src_offset, n_bytes);
}

/* Compiling */

static gboolean
is_forced_plain (const TessHostBackend *host, const TessOp *op)
{
  return host->forced_plain != NULL
         && g_strv_contains ((const gchar *const *) host->forced_plain,
                             op->klass->name);
}

/* Below this a second thread costs more than it does: waking it and waiting
 * for it takes as long as the work, and far longer on a busy machine. */
#define SMALL_FLOPS 4e6
#define SMALL_ELEMENTS 32768

static gint
threads_for (const TessHostBackend *host, const TessOp *op)
{
  gsize n = tess_shape_n_elements (&op->dst->shape);

  for (gint i = 0; i < TESS_MAX_SRC; i++)
    if (op->src[i] != NULL)
      n = MAX (n, tess_shape_n_elements (&op->src[i]->shape));
  return op->n_flops < SMALL_FLOPS && n < SMALL_ELEMENTS ? 1 : host->n_threads;
}

static TessKernel *
make_kernel (TessHostBackend *host, const TessOp *op)
{
  const TessKernelMaker *maker = host->makers;
  gint n_threads = threads_for (host, op);
  TessKernel *kernel = NULL;

  omp_set_num_threads (n_threads);

  for (; maker != NULL && maker->klass != NULL && kernel == NULL; maker++)
    if (maker->klass == op->klass && !is_forced_plain (host, op))
      kernel = maker->make (host, op);
  if (kernel == NULL)
    kernel = tess_plain_kernel_new (op);
  kernel->op = op;
  kernel->n_threads = n_threads;
  if (host->makers != NULL)
    {
      gchar text[2][TESS_SHAPE_CHARS];

      g_debug ("%s %s -> %s: %s", op->klass->name,
               op->src[0] ? tess_shape_string (&op->src[0]->shape, text[0])
                          : "",
               tess_shape_string (&op->dst->shape, text[1]), kernel->variant);
    }
  return kernel;
}

void
tess_kernel_free (TessKernel *kernel)
{
  if (kernel == NULL)
    return;
  if (kernel->finish != NULL)
    kernel->finish (kernel);
  for (gint i = 0; i < TESS_KERNEL_PACKS; i++)
    {
      tess_pack_unref (kernel->packs[i]);
      tess_pack_spec_clear (&kernel->specs[i]);
    }
  g_free (kernel);
}

/* Forgets the specs once every pack is there. */
static gboolean
fill_packs (TessHostBackend *host, TessKernel *kernel, GError **error)
{
  for (gint i = 0; i < TESS_KERNEL_PACKS; i++)
    {
      if (kernel->specs[i].weights[0] == NULL)
        continue;
      kernel->packs[i] = tess_packs_get (host->packs, &kernel->specs[i], error);
      if (kernel->packs[i] == NULL)
        return FALSE;
      tess_pack_spec_clear (&kernel->specs[i]);
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
  life->n_bytes
      = tess_shape_n_elements (&root->shape) * tess_type_size (root->type);
}

static void
plan_arena (HostExec *exec, TessProgram *program)
{
  gsize n_values = program->values->len, n_ops = program->ops->len;
  g_autofree TessLife *lives = g_new0 (TessLife, n_values + n_ops);

  for (gsize i = 0; i < n_ops; i++)
    {
      const TessOp *op = program->ops->pdata[i];

      for (gint j = 0; j < TESS_MAX_SRC; j++)
        if (op->src[j] != NULL)
          live_at (lives, op->src[j], (gint) i);
      live_at (lives, op->dst, (gint) i);
      lives[n_values + i] = (TessLife) {
        .n_bytes = exec->kernels[i]->n_scratch,
        .first = (gint) i,
        .last = (gint) i,
      };
    }
  exec->n_bytes_arena = tess_memory_plan (lives, n_values + n_ops);
  exec->offsets = g_new (gsize, n_values + n_ops);
  for (gsize i = 0; i < n_values + n_ops; i++)
    exec->offsets[i] = lives[i].offset;
}

static void
host_exec_finish (HostExec *exec)
{
  for (gsize i = 0; i < exec->n_kernels; i++)
    tess_kernel_free (exec->kernels[i]);
  g_free (exec->kernels);
  g_free (exec->offsets);
  g_free (exec);
}

/* Kernels are made and the arena planned; no weights, no arena yet. */
static HostExec *
prepare (TessHostBackend *host, TessProgram *program)
{
  HostExec *exec = g_new0 (HostExec, 1);
  gint n_threads = omp_get_max_threads ();
  g_autoptr (GHashTable) seen
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  exec->n_kernels = program->ops->len;
  exec->kernels = g_new0 (TessKernel *, exec->n_kernels);
  for (gsize i = 0; i < exec->n_kernels; i++)
    {
      TessKernel *kernel = make_kernel (host, program->ops->pdata[i]);

      exec->kernels[i] = kernel;
      for (gint j = 0; j < TESS_KERNEL_PACKS; j++)
        {
          TessPackSpec *spec = &kernel->specs[j];

          if (spec->weights[0] != NULL && !tess_packs_has (host->packs, spec)
              && g_hash_table_add (
                  seen,
                  g_strdup_printf ("%p %p %s", (void *) spec->weights[0],
                                   (void *) spec->weights[1], spec->layout)))
            exec->n_bytes_weights += spec->n_bytes;
        }
    }
  plan_arena (exec, program);
  omp_set_num_threads (n_threads);
  return exec;
}

/* The arena is shared by all execs; what is in it means nothing between runs,
 * so a larger one simply takes its place. */
static gboolean
grow_arena (TessHostBackend *host, gsize n_bytes, GError **error)
{
  if (n_bytes <= host->n_bytes_arena)
    return TRUE;
  tess_memory_free (host->arena, host->n_bytes_arena);
  host->n_bytes_arena = 0;
  host->arena = tess_memory_new (n_bytes, "temporaries", error);
  if (host->arena == NULL)
    return FALSE;
  host->n_bytes_arena = n_bytes;
  tess_memory_spoil (host->arena, n_bytes);
  return TRUE;
}

static TessExec *
host_compile (TessBackend *backend, TessProgram *program, GError **error)
{
  TessHostBackend *host = (TessHostBackend *) backend;
  gint64 start = g_get_monotonic_time (), prepared;
  HostExec *exec = prepare (host, program);
  gint n_threads = omp_get_max_threads ();
  gboolean ok = TRUE;

  prepared = g_get_monotonic_time ();
  omp_set_num_threads (host->n_threads);
  for (gsize i = 0; i < exec->n_kernels && ok; i++)
    ok = fill_packs (host, exec->kernels[i], error);
  omp_set_num_threads (n_threads);
  if (!ok || !grow_arena (host, exec->n_bytes_arena, error))
    {
      host_exec_finish (exec);
      return NULL;
    }
  host->n_execs++;
  g_debug ("%s: %" G_GSIZE_FORMAT
           " ops, arena %.1f MiB, new weights %.1f MiB; kernels %.2f s, "
           "weights %.2f s",
           program->name, exec->n_kernels, exec->n_bytes_arena / 1048576.0,
           exec->n_bytes_weights / 1048576.0, (prepared - start) / 1e6,
           (g_get_monotonic_time () - prepared) / 1e6);
  return &exec->base;
}

static gboolean
host_plan (TessBackend *backend,
           TessProgram *program,
           TessPlan *plan,
           GError **error)
{
  HostExec *exec = prepare ((TessHostBackend *) backend, program);

  plan->arena = exec->n_bytes_arena;
  plan->weights = exec->n_bytes_weights;
  host_exec_finish (exec);
  return TRUE;
}

static void
host_exec_free (TessExec *exec)
{
  ((TessHostBackend *) exec->backend)->n_execs--;
  host_exec_finish ((HostExec *) exec);
}

/* Running */

/* Microseconds; of the processor where the profile asks for it: the machine
 * may be busy with other things. */
static gint64
profile_time (const TessHostBackend *host)
{
  struct timespec time;

  if (host->profile == TESS_PROFILE_NONE)
    return 0;
  clock_gettime (host->profile == TESS_PROFILE_CPU ? CLOCK_PROCESS_CPUTIME_ID
                                                   : CLOCK_MONOTONIC,
                 &time);
  return time.tv_sec * G_USEC_PER_SEC + time.tv_nsec / 1000;
}

static void
print_profile (const HostExec *exec, const gint64 *times)
{
  g_autoptr (GHashTable) sums = g_hash_table_new (g_str_hash, g_str_equal);
  GHashTableIter iter;
  gpointer key, value;
  gint64 total = 0;

  for (gsize i = 0; i < exec->n_kernels; i++)
    {
      const TessOp *op = exec->kernels[i]->op;
      gpointer name = (gpointer) op->klass->name;
      gint64 sum = GPOINTER_TO_SIZE (g_hash_table_lookup (sums, name));
      gchar text[2][TESS_SHAPE_CHARS];

      total += times[i];
      g_hash_table_insert (sums, name, GSIZE_TO_POINTER (sum + times[i]));
      g_printerr (
          "%8.3f ms %-12s %s -> %s %s\n", times[i] / 1e3, op->klass->name,
          op->src[0] ? tess_shape_string (&op->src[0]->shape, text[0]) : "",
          tess_shape_string (&op->dst->shape, text[1]),
          exec->kernels[i]->variant);
    }
  g_hash_table_iter_init (&iter, sums);
  while (g_hash_table_iter_next (&iter, &key, &value))
    g_printerr ("%s: %-12s %9.3f ms\n", exec->base.program->name,
                (const gchar *) key, GPOINTER_TO_SIZE (value) / 1e3);
  g_printerr ("%s: %-12s %9.3f ms\n", exec->base.program->name, "all",
              total / 1e3);
}

static gboolean
host_exec_run (TessExec *base, GCancellable *cancellable, GError **error)
{
  HostExec *exec = (HostExec *) base;
  TessHostBackend *host = (TessHostBackend *) base->backend;
  gsize n_values = base->program->values->len;
  TessHostRun run = { .offsets = exec->offsets };
  gint n_threads = omp_get_max_threads ();
  g_autofree gint64 *times = NULL;
  gboolean ok = TRUE;

  if (!grow_arena (host, exec->n_bytes_arena, error))
    return FALSE;
  if (host->profile)
    times = g_new0 (gint64, exec->n_kernels);
  run.arena = host->arena;
  for (gsize i = 0; i < exec->n_kernels && ok; i++)
    {
      TessKernel *kernel = exec->kernels[i];
      gint64 start = profile_time (host);

      ok = !g_cancellable_set_error_if_cancelled (cancellable, error);
      run.scratch = host->arena + exec->offsets[n_values + i];
      omp_set_num_threads (kernel->n_threads);
      if (ok)
        kernel->run (kernel, &run);
      if (host->profile)
        times[i] = profile_time (host) - start;
    }
  omp_set_num_threads (n_threads);
  if (host->profile && ok)
    print_profile (exec, times);
  return ok;
}

/* The backend */

static void
host_trim (TessBackend *backend)
{
  TessHostBackend *host = (TessHostBackend *) backend;

  tess_packs_trim (host->packs);
  if (host->n_execs == 0)
    {
      tess_memory_free (host->arena, host->n_bytes_arena);
      host->arena = NULL;
      host->n_bytes_arena = 0;
    }
}

static void
host_free (TessBackend *backend)
{
  TessHostBackend *host = (TessHostBackend *) backend;

  tess_memory_free (host->arena, host->n_bytes_arena);
  tess_packs_free (host->packs);
  g_strfreev (host->forced_plain);
  g_free (host);
}

static const TessBackendClass host_class = {
  .free = host_free,
  .trim = host_trim,
  .buffer_init = buffer_init,
  .buffer_finish = buffer_finish,
  .buffer_write = buffer_write,
  .buffer_read = buffer_read,
  .buffer_copy = buffer_copy,
  .compile = host_compile,
  .plan = host_plan,
  .exec_free = host_exec_free,
  .exec_run = host_exec_run,
};

TessBackend *
tess_host_backend_new (const gchar *name,
                       TessType storage,
                       gint n_threads,
                       const TessKernelMaker *makers)
{
  TessHostBackend *host = g_new0 (TessHostBackend, 1);
  const gchar *forced = g_getenv ("TESSERA_CPU_PLAIN");
  const gchar *profile = g_getenv ("TESSERA_PROFILE");

  host->base.ref_count = 1;
  host->base.klass = &host_class;
  host->base.storage = storage;
  host->base.name = g_strdup (name);
  host->n_threads = n_threads > 0 ? n_threads : omp_get_num_procs ();
  host->packs = tess_packs_new (NULL, NULL);
  host->makers = makers;
  host->forced_plain = forced != NULL ? g_strsplit (forced, ",", -1) : NULL;
  host->profile = g_strcmp0 (profile, "1") == 0     ? TESS_PROFILE_WALL
                  : g_strcmp0 (profile, "cpu") == 0 ? TESS_PROFILE_CPU
                                                    : TESS_PROFILE_NONE;
  return &host->base;
}

TessBackend *
tess_backend_plain_new (void)
{
  return tess_host_backend_new ("plain, float32", TESS_F32, 0, NULL);
}
