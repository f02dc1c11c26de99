/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/backend.c: what all backends share: references, checks, conversions. */
#include "core/backend-private.h"
#include "core/error.h"
#include "core/program-private.h"

TessBackend *
tess_backend_ref (TessBackend *backend)
{
  g_atomic_int_inc (&backend->ref_count);
  return backend;
}

void
tess_backend_unref (TessBackend *backend)
{
  if (backend == NULL || !g_atomic_int_dec_and_test (&backend->ref_count))
    return;
  g_free (backend->name);
  backend->klass->free (backend);
}

const gchar *
tess_backend_name (TessBackend *backend)
{
  return backend->name;
}

TessType
tess_backend_storage (TessBackend *backend)
{
  return backend->storage;
}

gboolean
tess_backend_check (TessBackend *backend, GError **error)
{
  return backend->klass->check == NULL
         || backend->klass->check (backend, error);
}

gsize
tess_backend_n_bytes_value (TessBackend *backend)
{
  return backend->n_bytes_value;
}

void
tess_backend_trim (TessBackend *backend)
{
  backend->klass->trim (backend);
}

/* Buffers */

TessBuffer *
tess_buffer_new (TessBackend *backend,
                 TessType type,
                 const TessShape *shape,
                 GError **error)
{
  TessBuffer *buffer;

  g_return_val_if_fail (tess_type_is_real (type) || type == TESS_I32, NULL);
  g_return_val_if_fail (
      shape->n > 0 && shape->h > 0 && shape->w > 0 && shape->c > 0, NULL);

  buffer = g_new0 (TessBuffer, 1);
  buffer->ref_count = 1;
  buffer->backend = tess_backend_ref (backend);
  buffer->type = type;
  buffer->shape = *shape;
  buffer->n_bytes = tess_shape_n_elements (shape) * tess_type_size (type);
  if (!backend->klass->buffer_init (buffer, error))
    {
      tess_backend_unref (backend);
      g_free (buffer);
      return NULL;
    }
  g_atomic_pointer_add (&backend->n_bytes_buffers, (gssize) buffer->n_bytes);
  return buffer;
}

TessBuffer *
tess_buffer_ref (TessBuffer *buffer)
{
  g_atomic_int_inc (&buffer->ref_count);
  return buffer;
}

void
tess_buffer_unref (TessBuffer *buffer)
{
  if (buffer == NULL || !g_atomic_int_dec_and_test (&buffer->ref_count))
    return;
  buffer->backend->klass->buffer_finish (buffer);
  g_atomic_pointer_add (&buffer->backend->n_bytes_buffers,
                        -(gssize) buffer->n_bytes);
  tess_backend_unref (buffer->backend);
  g_free (buffer);
}

const TessShape *
tess_buffer_shape (const TessBuffer *buffer)
{
  return &buffer->shape;
}

/* Conversions go through pieces of at most this many numbers. */
#define PIECE 16384

static gsize
sample_size (const TessBuffer *buffer)
{
  return (gsize) buffer->shape.h * buffer->shape.w * buffer->shape.c;
}

static void
write_piece (TessBuffer *buffer, gsize first, gsize n, const gfloat *src)
{
  gsize size = tess_type_size (buffer->type);
  guint16 half[PIECE];

  if (buffer->type == TESS_F32)
    {
      buffer->backend->klass->buffer_write (buffer, first * size, n * size,
                                            src);
      return;
    }
  if (buffer->type == TESS_BF16)
    tess_f32_to_bf16 (src, half, n);
  else
    tess_f32_to_f16 (src, half, n);
  buffer->backend->klass->buffer_write (buffer, first * size, n * size, half);
}

static void
read_piece (TessBuffer *buffer, gsize first, gsize n, gfloat *dst)
{
  gsize size = tess_type_size (buffer->type);
  guint16 half[PIECE];

  if (buffer->type == TESS_F32)
    {
      buffer->backend->klass->buffer_read (buffer, first * size, n * size, dst);
      return;
    }
  buffer->backend->klass->buffer_read (buffer, first * size, n * size, half);
  if (buffer->type == TESS_BF16)
    tess_bf16_to_f32 (half, dst, n);
  else
    tess_f16_to_f32 (half, dst, n);
}

void
tess_buffer_write (TessBuffer *buffer, gint first_n, gint n, const gfloat *src)
{
  gsize sample = sample_size (buffer), begin = first_n * sample;
  gsize total = n * sample;

  g_return_if_fail (tess_type_is_real (buffer->type));
  g_return_if_fail (first_n >= 0 && n >= 0 && first_n + n <= buffer->shape.n);

  for (gsize i = 0; i < total; i += PIECE)
    write_piece (buffer, begin + i, MIN (total - i, PIECE), src + i);
}

void
tess_buffer_read (TessBuffer *buffer, gint first_n, gint n, gfloat *dst)
{
  gsize sample = sample_size (buffer), begin = first_n * sample;
  gsize total = n * sample;

  g_return_if_fail (tess_type_is_real (buffer->type));
  g_return_if_fail (first_n >= 0 && n >= 0 && first_n + n <= buffer->shape.n);

  for (gsize i = 0; i < total; i += PIECE)
    read_piece (buffer, begin + i, MIN (total - i, PIECE), dst + i);
}

/* Whole cells that fit a piece; 0 where one cell is wider than a piece. */
static gsize
cells_in_piece (const TessBuffer *buffer)
{
  return PIECE / buffer->shape.c;
}

void
tess_buffer_write_nchw (TessBuffer *buffer,
                        gint first_n,
                        gint n,
                        const gfloat *src)
{
  gsize c = buffer->shape.c,
        n_cells = (gsize) buffer->shape.h * buffer->shape.w;
  gsize step = cells_in_piece (buffer);
  gfloat piece[PIECE];

  g_return_if_fail (tess_type_is_real (buffer->type) && step > 0);
  g_return_if_fail (first_n >= 0 && n >= 0 && first_n + n <= buffer->shape.n);

  for (gint i = 0; i < n; i++, src += c * n_cells)
    for (gsize cell = 0; cell < n_cells; cell += step)
      {
        gsize m = MIN (n_cells - cell, step);

        for (gsize k = 0; k < c; k++)
          for (gsize j = 0; j < m; j++)
            piece[j * c + k] = src[k * n_cells + cell + j];
        write_piece (buffer, ((first_n + i) * n_cells + cell) * c, m * c,
                     piece);
      }
}

void
tess_buffer_read_nchw (TessBuffer *buffer, gint first_n, gint n, gfloat *dst)
{
  gsize c = buffer->shape.c,
        n_cells = (gsize) buffer->shape.h * buffer->shape.w;
  gsize step = cells_in_piece (buffer);
  gfloat piece[PIECE];

  g_return_if_fail (tess_type_is_real (buffer->type) && step > 0);
  g_return_if_fail (first_n >= 0 && n >= 0 && first_n + n <= buffer->shape.n);

  for (gint i = 0; i < n; i++, dst += c * n_cells)
    for (gsize cell = 0; cell < n_cells; cell += step)
      {
        gsize m = MIN (n_cells - cell, step);

        read_piece (buffer, ((first_n + i) * n_cells + cell) * c, m * c, piece);
        for (gsize k = 0; k < c; k++)
          for (gsize j = 0; j < m; j++)
            dst[k * n_cells + cell + j] = piece[j * c + k];
      }
}

void
tess_buffer_write_i32 (TessBuffer *buffer, const gint32 *src)
{
  g_return_if_fail (buffer->type == TESS_I32);

  buffer->backend->klass->buffer_write (buffer, 0, buffer->n_bytes, src);
}

void
tess_buffer_copy (TessBuffer *dst,
                  gsize dst_offset,
                  TessBuffer *src,
                  gsize src_offset,
                  gsize n_bytes)
{
  g_return_if_fail (dst->backend == src->backend);
  g_return_if_fail (n_bytes <= dst->n_bytes
                    && dst_offset <= dst->n_bytes - n_bytes);
  g_return_if_fail (n_bytes <= src->n_bytes
                    && src_offset <= src->n_bytes - n_bytes);

  dst->backend->klass->buffer_copy (dst, dst_offset, src, src_offset, n_bytes);
}

/* Programs */

/* Recording's fault, or storage and buffers of another backend. Float32 is
 * good on every backend: networks that lose too much in less ask for it. */
static gboolean
check_program (TessBackend *backend, TessProgram *program, GError **error)
{
  if (program->error != NULL)
    {
      g_propagate_error (error, g_error_copy (program->error));
      return FALSE;
    }
  g_return_val_if_fail (program->storage == backend->storage
                            || program->storage == TESS_F32,
                        FALSE);
  for (guint i = 0; i < program->values->len; i++)
    {
      const TessValue *value = program->values->pdata[i];

      g_return_val_if_fail (
          value->buffer == NULL || value->buffer->backend == backend, FALSE);
    }
  return TRUE;
}

TessExec *
tess_backend_compile (TessBackend *backend,
                      TessProgram *program,
                      GError **error)
{
  TessExec *exec;

  if (!check_program (backend, program, error))
    return NULL;
  exec = backend->klass->compile (backend, program, error);
  if (exec != NULL)
    {
      exec->backend = tess_backend_ref (backend);
      exec->program = tess_program_ref (program);
    }
  return exec;
}

gboolean
tess_backend_plan (TessBackend *backend,
                   TessProgram *program,
                   TessPlan *plan,
                   GError **error)
{
  return check_program (backend, program, error)
         && backend->klass->plan (backend, program, plan, error);
}

void
tess_exec_free (TessExec *exec)
{
  TessBackend *backend;
  TessProgram *program;

  if (exec == NULL)
    return;
  backend = exec->backend;
  program = exec->program;
  backend->klass->exec_free (exec);
  tess_program_unref (program);
  tess_backend_unref (backend);
}

static gboolean
run_task (TessBackend *backend,
          const TessTask *task,
          GCancellable *cancellable,
          GError **error)
{
  if (task->exec != NULL)
    return backend->klass->exec_run (task->exec, cancellable, error);
  if (task->dst != NULL)
    backend->klass->buffer_copy (task->dst, task->dst_offset, task->src,
                                 task->src_offset, task->n_bytes);
  else
    backend->klass->buffer_read (task->src, task->src_offset, task->n_bytes,
                                 task->host);
  return TRUE;
}

gboolean
tess_backend_run (TessBackend *backend,
                  const TessTask *tasks,
                  gint n_tasks,
                  GCancellable *cancellable,
                  GError **error)
{
  gboolean reads = FALSE;

  for (gint i = 0; i < n_tasks; i++)
    {
      const TessTask *task = &tasks[i];

      g_return_val_if_fail (
          task->exec == NULL || task->exec->backend == backend, FALSE);
      g_return_val_if_fail (
          task->exec != NULL
              || (task->src->backend == backend
                  && task->n_bytes <= task->src->n_bytes
                  && task->src_offset <= task->src->n_bytes - task->n_bytes),
          FALSE);
      g_return_val_if_fail (
          task->dst == NULL
              || (task->dst->backend == backend
                  && task->n_bytes <= task->dst->n_bytes
                  && task->dst_offset <= task->dst->n_bytes - task->n_bytes),
          FALSE);
      g_return_val_if_fail (!reads || task->host != NULL, FALSE);
      reads |= task->host != NULL;
    }
  if (backend->klass->run != NULL)
    return backend->klass->run (backend, tasks, n_tasks, cancellable, error);
  for (gint i = 0; i < n_tasks; i++)
    if (!run_task (backend, &tasks[i], cancellable, error))
      return FALSE;
  return tess_backend_check (backend, error);
}

gsize
tess_backend_n_bytes_buffers (TessBackend *backend)
{
  return backend->n_bytes_buffers;
}

guint64
tess_backend_n_submits (TessBackend *backend)
{
  return backend->klass->n_submits ? backend->klass->n_submits (backend) : 0;
}

gboolean
tess_exec_run (TessExec *exec, GCancellable *cancellable, GError **error)
{
  return exec->backend->klass->exec_run (exec, cancellable, error);
}
