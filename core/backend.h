/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/backend.h: where programs run: plain C, oneDNN, Vulkan.
 *
 * Order asked for each op: the backend's own variants, fastest first, then
 * the plain C answer of core/ops. */
#pragma once

#include <gio/gio.h>
#include "core/program.h"

G_BEGIN_DECLS

typedef struct _TessBackend TessBackend;
typedef struct _TessExec TessExec;

typedef struct
{
  gint n_threads;   /* 0: one per core */
  TessType storage; /* f32 or bf16 */
} TessCpuSettings;

/* Plain C, float32: the truth, slow. Never fails. */
TessBackend *tess_backend_plain_new (void);

/**
 * tess_backend_cpu_new:
 * oneDNN on the CPU.
 * Errors: TESS_ERROR_DEVICE where oneDNN cannot start;
 * TESS_ERROR_UNSUPPORTED for bf16 on a CPU without it.
 */
TessBackend *
tess_backend_cpu_new (const TessCpuSettings *settings, GError **error);

/* The storage type that is faster on this CPU: measured once by a short
 * product (about 50 ms), then kept for the process. */
TessType tess_backend_cpu_best_storage (void);
gboolean tess_backend_cpu_has_bf16 (void);

TessBackend *tess_backend_ref (TessBackend *backend);
void tess_backend_unref (TessBackend *backend); /* may be NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessBackend, tess_backend_unref)

const gchar *tess_backend_name (TessBackend *backend); /* "cpu, float32" */
TessType tess_backend_storage (TessBackend *backend);

/* FALSE where a read or write since the last run failed: what was read is not
 * to be used. */
gboolean tess_backend_check (TessBackend *backend, GError **error);

/* The most that one value of a program may take; 0: no limit but memory. */
gsize tess_backend_n_bytes_value (TessBackend *backend);

/* Drops weights in the backend's own layout that no living exec uses. */
void tess_backend_trim (TessBackend *backend);

/**
 * tess_buffer_new:
 * Memory of the backend's that outlives a run: inputs, outputs, and values
 * that do not change between steps. Zeroed. @type: f32, i32 or the storage.
 * Errors: TESS_ERROR_MEMORY.
 */
TessBuffer *tess_buffer_new (TessBackend *backend,
                             TessType type,
                             const TessShape *shape,
                             GError **error);
TessBuffer *tess_buffer_ref (TessBuffer *buffer);
void tess_buffer_unref (TessBuffer *buffer); /* may be NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessBuffer, tess_buffer_unref)
const TessShape *tess_buffer_shape (const TessBuffer *buffer);

/* Host <-> buffer in the buffer's own order [n, h, w, c]; floats are
 * converted from and to f32. Samples @first_n to @first_n + @n. */
void
tess_buffer_write (TessBuffer *buffer, gint first_n, gint n, const gfloat *src);
void tess_buffer_read (TessBuffer *buffer, gint first_n, gint n, gfloat *dst);

/* The same with the host's side in planes [n, c, h, w]. */
void tess_buffer_write_nchw (TessBuffer *buffer,
                             gint first_n,
                             gint n,
                             const gfloat *src);
void
tess_buffer_read_nchw (TessBuffer *buffer, gint first_n, gint n, gfloat *dst);
void tess_buffer_write_i32 (TessBuffer *buffer, const gint32 *src);

/* @n_bytes from @src_offset of one buffer to @dst_offset of another of the
 * same backend. */
void tess_buffer_copy (TessBuffer *dst,
                       gsize dst_offset,
                       TessBuffer *src,
                       gsize src_offset,
                       gsize n_bytes);

/**
 * tess_backend_compile:
 * Plans memory, repacks weights (each once per backend and layout, shared
 * between programs), makes primitives. Runs allocate nothing.
 * Temporaries of all execs of a backend share one arena as large as the
 * largest needs; so runs of one backend are one at a time.
 *
 * Errors: what recording found; TESS_ERROR_MEMORY with what it needs.
 */
TessExec *tess_backend_compile (TessBackend *backend,
                                TessProgram *program,
                                GError **error);
void tess_exec_free (TessExec *exec); /* may be NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessExec, tess_exec_free)

/* Looks at @cancellable (may be NULL) between ops. */
gboolean
tess_exec_run (TessExec *exec, GCancellable *cancellable, GError **error);

/* One of several things done one after another: @exec is run; or, where there
 * is none, @n_bytes of @src are copied to @dst, or read to @host as they are
 * (channels last, in the buffer's type). Reads come last. */
typedef struct
{
  TessExec *exec;
  TessBuffer *src, *dst;
  gsize src_offset, dst_offset, n_bytes;
  gpointer host;
} TessTask;

/**
 * tess_backend_run:
 * All @tasks in their order, with nothing but that between them: on a card it
 * is one submit. What was written before is there; nothing is to be written
 * from the host meanwhile.
 * Errors: tess_exec_run's; those of a read too.
 */
gboolean tess_backend_run (TessBackend *backend,
                           const TessTask *tasks,
                           gint n_tasks,
                           GCancellable *cancellable,
                           GError **error);

/* Bytes of all its buffers that there are now. */
gsize tess_backend_n_bytes_buffers (TessBackend *backend);

/* How often something was handed over to a device of its own so far; 0 where
 * there is none. */
guint64 tess_backend_n_submits (TessBackend *backend);

/* What compiling would take, in bytes, without taking it. */
typedef struct
{
  gsize arena;   /* temporaries and scratch */
  gsize weights; /* in the backend's layout, those not yet there */
} TessPlan;
gboolean tess_backend_plan (TessBackend *backend,
                            TessProgram *program,
                            TessPlan *plan,
                            GError **error);

G_END_DECLS
