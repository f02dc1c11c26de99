/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/backend-private.h: the backend, shared between its own files. */
#pragma once

#include "core/backend-private.h"
#include "gpu/backend.h"
#include "gpu/command.h"
#include "gpu/kernel.h"
#include "gpu/prove.h"

G_BEGIN_DECLS

typedef struct
{
  TessBackend base;
  TessGpuDevice *device;
  TessGpuHeap *heap;
  TessGpuQueue *queue;
  TessGpuPipelines *pipelines;
  TessPacks *packs; /* data is a TessGpuPack */
  TessGpuRange arena;
  guint generation; /* of the arena: changes when another takes its place */
  gint n_execs;
  gchar **forced; /* "op=variant", may be NULL */
  gboolean profile;
  TessGpuProof *proof; /* NULL: unproven */
  /* While that is found out: this variant and no other. */
  const TessOpClass *only_class;
  const TessGpuVariant *only_variant;
} TessGpuBackend;

typedef struct
{
  TessGpuRange range;
  gboolean streamed; /* in the computer's memory */
} TessGpuPack;

/* gpu/exec.c */
TessExec *
tess_gpu_compile (TessBackend *backend, TessProgram *program, GError **error);
gboolean tess_gpu_plan (TessBackend *backend,
                        TessProgram *program,
                        TessPlan *plan,
                        GError **error);
void tess_gpu_exec_free (TessExec *exec);
gboolean
tess_gpu_exec_run (TessExec *exec, GCancellable *cancellable, GError **error);
gboolean tess_gpu_run (TessBackend *backend,
                       const TessTask *tasks,
                       gint n_tasks,
                       GCancellable *cancellable,
                       GError **error);

/* gpu/choose.c: the variant that is taken for @op; the last one where nothing
 * else does. */
const TessGpuVariant *
tess_gpu_choose (const TessGpuBackend *gpu, const TessOp *op, TessType storage);

G_END_DECLS
