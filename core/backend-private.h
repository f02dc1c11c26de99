/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/backend-private.h: the table that a backend fills. core/backend.c
 * checks arguments, counts references and converts; the entries trust it. */
#pragma once

#include "core/backend.h"

G_BEGIN_DECLS

typedef struct
{
  void (*free) (TessBackend *backend);
  void (*trim) (TessBackend *backend);

  /* buffer->data is the backend's own; the bytes are zero. */
  gboolean (*buffer_init) (TessBuffer *buffer, GError **error);
  void (*buffer_finish) (TessBuffer *buffer);
  void (*buffer_write) (TessBuffer *buffer,
                        gsize offset,
                        gsize n_bytes,
                        gconstpointer src);
  void (*buffer_read) (TessBuffer *buffer,
                       gsize offset,
                       gsize n_bytes,
                       gpointer dst);
  void (*buffer_copy) (TessBuffer *dst,
                       gsize dst_offset,
                       TessBuffer *src,
                       gsize src_offset,
                       gsize n_bytes);

  /* The program has no fault. Fills neither backend nor program of exec. */
  TessExec *(*compile) (TessBackend *backend,
                        TessProgram *program,
                        GError **error);
  gboolean (*plan) (TessBackend *backend,
                    TessProgram *program,
                    TessPlan *plan,
                    GError **error);
  void (*exec_free) (TessExec *exec);
  gboolean (*exec_run) (TessExec *exec,
                        GCancellable *cancellable,
                        GError **error);
  /* NULL: task after task by the entries above. */
  gboolean (*run) (TessBackend *backend,
                   const TessTask *tasks,
                   gint n_tasks,
                   GCancellable *cancellable,
                   GError **error);
  guint64 (*n_submits) (TessBackend *backend); /* NULL: none */
  /* NULL: reads and writes never fail. */
  gboolean (*check) (TessBackend *backend, GError **error);
} TessBackendClass;

/* First member of each backend's own struct, likewise TessExec. */
struct _TessBackend
{
  gint ref_count;
  const TessBackendClass *klass;
  TessType storage;
  gsize n_bytes_value;   /* 0: no limit */
  gsize n_bytes_buffers; /* atomic; what core/backend.c counts */
  gchar *name;
};

struct _TessExec
{
  TessBackend *backend;
  TessProgram *program;
};

struct _TessBuffer
{
  gint ref_count;
  TessBackend *backend;
  TessType type;
  TessShape shape;
  gsize n_bytes;
  gpointer data;
};

G_END_DECLS
