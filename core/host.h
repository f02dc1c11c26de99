/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/host.h: programs in host memory, op after op: the plain backend, and
 * what the oneDNN backend is built on.
 *
 *   arena: | temporaries and each op's scratch, placed by their lives |
 *
 * Each op of a program becomes one kernel; a backend's makers are asked
 * first, the plain answer is what remains. */
#pragma once

#include "core/backend-private.h"
#include "core/pack.h"
#include "core/program-private.h"

G_BEGIN_DECLS

typedef struct _TessKernel TessKernel;
typedef struct _TessHostBackend TessHostBackend;

typedef enum
{
  TESS_PROFILE_NONE,
  TESS_PROFILE_WALL,
  TESS_PROFILE_CPU,
} TessProfile;

/* Where a run's bytes are. */
typedef struct
{
  const gsize *offsets; /* of each value in the arena */
  guint8 *arena;
  guint8 *scratch; /* the kernel's own, n_scratch bytes, 64-byte aligned */
} TessHostRun;

#define TESS_KERNEL_PACKS 4

/* First member of each kernel's own struct, made by g_new0. */
struct _TessKernel
{
  const gchar *variant; /* for the log */
  const TessOp *op;
  gint n_threads; /* that run it; told by the backend */
  gsize n_scratch;
  TessPackSpec specs[TESS_KERNEL_PACKS]; /* told by the maker */
  TessPack *packs[TESS_KERNEL_PACKS];    /* there when running */
  void (*run) (TessKernel *kernel, const TessHostRun *run);
  void (*finish) (TessKernel *kernel); /* may be NULL; not the struct */
};

/* NULL: not this op with these sizes. Allocates nothing large. */
typedef struct
{
  const TessOpClass *klass;
  TessKernel *(*make) (TessHostBackend *backend, const TessOp *op);
} TessKernelMaker;

struct _TessHostBackend
{
  TessBackend base;
  gint n_threads;
  TessPacks *packs;
  guint8 *arena;
  gsize n_bytes_arena;
  gint n_execs;
  const TessKernelMaker *makers; /* NULL: plain; ends with klass NULL */
  gchar **forced_plain;          /* names of ops, may be NULL */
  TessProfile profile;           /* TESSERA_PROFILE: 1 or cpu */
};

/* @makers may be NULL. */
TessBackend *tess_host_backend_new (const gchar *name,
                                    TessType storage,
                                    gint n_threads,
                                    const TessKernelMaker *makers);

/* The value's first byte in this run. */
gpointer tess_host_data (const TessHostRun *run, const TessValue *value);

static inline gpointer
tess_kernel_pack (TessKernel *kernel, gint slot)
{
  return kernel->packs[slot] != NULL ? tess_pack_data (kernel->packs[slot])
                                     : NULL;
}

/* Frees what a maker made, half-made or whole; may be NULL. */
void tess_kernel_free (TessKernel *kernel);

/* A weight as f32 in file order, for biases, scales and tables. */
void tess_pack_spec_plain (TessPackSpec *spec, const TessWeight *weight);

/* The plain answer as a kernel; takes any storage. */
TessKernel *tess_plain_kernel_new (const TessOp *op);

G_END_DECLS
