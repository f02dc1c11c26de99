/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/kernel.h: an op on the device: what a file in gpu/ops says about it.
 *
 * An op lists its variants, fastest first; the last one takes everything.
 * Where several take an op, the one that says it costs least does. A variant
 * makes a kernel: the dispatches that compute the op, each with its shader,
 * constants, bindings and number of groups, as plain data. The backend plans
 * memory from that, makes the pipelines and records.
 *
 * Rules for a shader in gpu/shaders (see gpu/README.md for an example):
 * - bindings are storage buffers 0 .. n - 1 of set 0, in the order of the
 *   tess_gpu_bind_* calls; what is bound begins at element 0 of the buffer,
 *   at a multiple of 256 bytes: nobody adds offsets. (A view that begins
 *   elsewhere is copied first, by tess_gpu_bind_src.)
 * - values are [n, h, w, c], channels last.
 * - it is built twice, with TESS_STORAGE 32 and 16; lib/types.glsl has the
 *   storage type STORE and how to read and write it as float.
 * - sizes come as push constants in a struct of 32-bit scalars, declared once
 *   in a .h that both sides include; tile sizes as specialisation constants.
 * - sums are float32. Groups past the end of the data do nothing. */
#pragma once

#include "core/ops/ops-private.h"
#include "core/pack.h"
#include "gpu/pipeline.h"

G_BEGIN_DECLS

#define TESS_GPU_PACKS 4
#define TESS_GPU_SCRATCHES 10

/* The builds of gpu/shaders/NAME.comp, by storage: float32, float16. */
#define TESS_GPU_SHADER(name)                                                  \
  extern const TessGpuShader tess_shader_##name##_f32,                         \
      tess_shader_##name##_f16;                                                \
  static const TessGpuShader *const name##_shader[2]                           \
      = { &tess_shader_##name##_f32, &tess_shader_##name##_f16 }

typedef struct _TessGpuKernel TessGpuKernel;
typedef struct _TessGpuDispatch TessGpuDispatch;
typedef struct _TessGpuVariant TessGpuVariant;

struct _TessGpuVariant
{
  const gchar *name; /* "tiled 64x64"; for logs and the record of the proof */
  /* Why it does not take @op there; NULL: it does. May be NULL. */
  const gchar *(*refuses) (const TessGpuVariant *variant,
                           const TessGpuCaps *caps,
                           const TessOp *op,
                           TessType storage);
  void (*make) (const TessGpuVariant *variant, TessGpuKernel *kernel);
  guint32 constants[TESS_GPU_CONSTANTS]; /* its own: tile sizes */
  /* How long @op would take there, in a unit that the variants of an op share.
   * NULL: longer than any that says. */
  gdouble (*cost) (const TessGpuVariant *variant,
                   const TessGpuCaps *caps,
                   const TessOp *op,
                   TessType storage);
};

/* One per file in gpu/ops. */
typedef struct
{
  const TessOpClass *klass;
  const TessGpuVariant *variants; /* ends with name NULL */
} TessGpuOp;

extern const TessGpuOp tess_gpu_conv2d;
extern const TessGpuOp tess_gpu_linear;
extern const TessGpuOp tess_gpu_attention;
extern const TessGpuOp tess_gpu_group_norm;
extern const TessGpuOp tess_gpu_group_stats;
extern const TessGpuOp tess_gpu_layer_norm;
extern const TessGpuOp tess_gpu_add;
extern const TessGpuOp tess_gpu_activate;
extern const TessGpuOp tess_gpu_concat;
extern const TessGpuOp tess_gpu_crop;
extern const TessGpuOp tess_gpu_embed;
extern const TessGpuOp tess_gpu_constant;
extern const TessGpuOp tess_gpu_store;
extern const TessGpuOp tess_gpu_grounded_attention;
extern const TessGpuOp tess_gpu_scale;
extern const TessGpuOp tess_gpu_scale_low;
extern const TessGpuOp tess_gpu_depthwise;
extern const TessGpuOp tess_gpu_gather;
extern const TessGpuOp tess_gpu_fuse;
extern const TessGpuOp tess_gpu_mix;
extern const TessGpuOp tess_gpu_rescale;

/* All of them; ends with NULL. */
extern const TessGpuOp *const tess_gpu_ops[];
const TessGpuOp *tess_gpu_op_of (const TessOpClass *klass);

typedef enum
{
  TESS_GPU_VALUE,   /* of the program */
  TESS_GPU_PACK,    /* a weight in the kernel's layout */
  TESS_GPU_SCRATCH, /* the kernel's own bytes, for this op only */
} TessGpuBindingKind;

typedef struct
{
  TessGpuBindingKind kind;
  const TessValue *value;
  guint index;   /* of a pack or scratch */
  gsize offset;  /* from the value's first byte */
  gsize n_bytes; /* that may be touched */
  gboolean written, unread;
} TessGpuBinding;

struct _TessGpuDispatch
{
  const TessGpuShader *shader;
  guint32 constants[TESS_GPU_CONSTANTS];
  guint n_constants;
  guint8 push[TESS_GPU_PUSH];
  gsize n_push;
  TessGpuBinding bindings[TESS_GPU_BINDINGS];
  guint n_bindings;
  guint32 groups[3];
};

struct _TessGpuKernel
{
  const TessOp *op;
  const TessGpuVariant *variant;
  const TessGpuCaps *caps; /* of the device */
  TessType storage;        /* of the program: f32 or f16 */
  GArray *dispatches;      /* of TessGpuDispatch, in order */
  TessPackSpec specs[TESS_GPU_PACKS];
  TessPack *packs[TESS_GPU_PACKS];
  gsize scratch[TESS_GPU_SCRATCHES]; /* bytes of each */
  guint n_packs, n_scratch;
};

/* A new dispatch of the shader's build for the program's storage; valid until
 * the next one is asked for. */
TessGpuDispatch *tess_gpu_dispatch_new (TessGpuKernel *kernel,
                                        const TessGpuShader *const shader[2]);

/* The same, bound: 0 is the op's answer, then the @n of @src. */
TessGpuDispatch *tess_gpu_dispatch_bound (TessGpuKernel *kernel,
                                          const TessGpuShader *const shader[2],
                                          const TessGpuBinding *src,
                                          guint n);

/* The next specialisation constant. */
void tess_gpu_constant_add (TessGpuDispatch *dispatch, guint32 constant);

/* Copies the push constants of @push's type. */
#define tess_gpu_push(dispatch, push)                                          \
  tess_gpu_push_bytes (dispatch, &(push), sizeof (push));                      \
  G_STATIC_ASSERT (sizeof (push) <= TESS_GPU_PUSH)
void tess_gpu_push_bytes (TessGpuDispatch *dispatch,
                          gconstpointer push,
                          gsize n_bytes);

/* The next binding. Sources are brought to the storage type first and copied
 * where they begin at an odd place: call tess_gpu_source for each, before
 * tess_gpu_dispatch_new, and bind what it gives. Where @value is NULL,
 * something that is not read is bound: the shader knows by a constant. */
TessGpuBinding tess_gpu_source (TessGpuKernel *kernel, const TessValue *value);
/* The same in float32, or in the value's own type. */
TessGpuBinding tess_gpu_source_typed (TessGpuKernel *kernel,
                                      const TessValue *value,
                                      TessType type);
/* Appends a dispatch that brings @src to @dst, in @dst_type. */
void tess_gpu_convert (TessGpuKernel *kernel,
                       const TessValue *src,
                       TessGpuBinding dst,
                       TessType dst_type);
void tess_gpu_bind (TessGpuDispatch *dispatch, TessGpuBinding binding);
void tess_gpu_bind_dst (TessGpuDispatch *dispatch, const TessValue *value);
void tess_gpu_bind_pack (TessGpuDispatch *dispatch,
                         const TessGpuKernel *kernel,
                         gint pack); /* -1: none */
void tess_gpu_bind_scratch (TessGpuDispatch *dispatch,
                            const TessGpuKernel *kernel,
                            guint scratch,
                            gboolean written);

/* Bytes that live during this op; the number to bind. */
guint tess_gpu_scratch (TessGpuKernel *kernel, gsize n_bytes);
TessGpuBinding
tess_gpu_scratch_binding (const TessGpuKernel *kernel, guint scratch);

/* Weights; the number to bind, -1 where @weight is NULL.
 * vector: f32 in file order. rows: [oc][ic] in storage, file order.
 * turned: [kh * kw][ic][oc] in storage. Another layout: fill a spec by hand
 * (tess_gpu_pack takes it); its name must tell layouts apart. */
gint tess_gpu_pack_vector (TessGpuKernel *kernel, const TessWeight *weight);
gint tess_gpu_pack_rows (TessGpuKernel *kernel, const TessWeight *weight);
gint tess_gpu_pack_turned (TessGpuKernel *kernel, const TessWeight *weight);
gint tess_gpu_pack (TessGpuKernel *kernel, const TessPackSpec *spec);

/* Groups of @size threads for @n threads, as x and y where x alone does not
 * do: the shader's number is tess_thread () of lib/index.glsl. */
void tess_gpu_groups_1d (TessGpuDispatch *dispatch, gsize n, guint32 size);
void tess_gpu_groups (TessGpuDispatch *dispatch, gsize x, gsize y, gsize z);

static inline guint32
tess_gpu_divide_up (gsize n, gsize by)
{
  return (guint32) ((n + by - 1) / by);
}

TessGpuKernel *tess_gpu_kernel_new (const TessOp *op,
                                    const TessGpuVariant *variant,
                                    const TessGpuCaps *caps,
                                    TessType storage);
void tess_gpu_kernel_free (TessGpuKernel *kernel); /* may be NULL */

G_END_DECLS
