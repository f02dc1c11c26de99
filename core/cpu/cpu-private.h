/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/cpu/cpu-private.h: the kernels of the oneDNN backend. */
#pragma once

#include <math.h>
#include <string.h>

#include "core/cpu/dnnl.h"
#include "core/host.h"
#include "core/ops/ops-private.h"
#include "core/simd.h"

G_BEGIN_DECLS

/* One maker per file; NULL: the plain answer takes it. */
TessKernel *tess_cpu_conv2d_new (TessHostBackend *host, const TessOp *op);
TessKernel *tess_cpu_linear_new (TessHostBackend *host, const TessOp *op);
TessKernel *tess_cpu_attention_new (TessHostBackend *host, const TessOp *op);
TessKernel *tess_cpu_group_norm_new (TessHostBackend *host, const TessOp *op);
TessKernel *tess_cpu_group_stats_new (TessHostBackend *host, const TessOp *op);
TessKernel *tess_cpu_layer_norm_new (TessHostBackend *host, const TessOp *op);
TessKernel *tess_cpu_add_new (TessHostBackend *host, const TessOp *op);
TessKernel *tess_cpu_activate_new (TessHostBackend *host, const TessOp *op);
TessKernel *tess_cpu_concat_new (TessHostBackend *host, const TessOp *op);
TessKernel *tess_cpu_crop_new (TessHostBackend *host, const TessOp *op);
TessKernel *tess_cpu_store_new (TessHostBackend *host, const TessOp *op);
TessKernel *tess_cpu_scale_new (TessHostBackend *host, const TessOp *op);
TessKernel *tess_cpu_scale_low_new (TessHostBackend *host, const TessOp *op);
TessKernel *tess_cpu_depthwise_new (TessHostBackend *host, const TessOp *op);

/* What a product with a weight is, whichever op asks for it: a convolution of
 * 1x1 is one too. In core/cpu/linear.c. */
typedef struct
{
  const TessOp *op; /* src, residual, weight and bias in their slots */
  gsize n_rows;
  gint ic, oc; /* as TessLinearOp */
  TessActivation act;
} TessCpuProduct;
TessKernel *tess_cpu_product_new (const TessCpuProduct *product);

/* A weight in the layout of @desc, in core/cpu/weights.c. */
typedef struct
{
  const TessWeight *weight;
  const_dnnl_memory_desc_t desc; /* [oc, ic, kh, kw]; product: [ic, oc] */
  gboolean is_product;
  gsize first_row; /* of the weight's rows, desc's oc many are taken */
  gboolean phases; /* 3x3 after doubling as four 2x2, one after another,
                      each tess_cpu_phase_size bytes */
} TessCpuPacking;

void tess_cpu_pack_spec (TessPackSpec *spec, const TessCpuPacking *packing);
gsize tess_cpu_phase_size (const_dnnl_memory_desc_t desc);

/* A source in storage that is not its own type: converted into @scratch,
 * which has tess_cpu_source_scratch bytes (a multiple of 64); else its own
 * address. */
gsize tess_cpu_source_scratch (const TessValue *value, TessType type);
gpointer tess_cpu_source (const TessHostRun *run,
                          const TessValue *value,
                          TessType type,
                          gpointer scratch);

/* dst = bias + row as f32, either may be NULL. */
void tess_cpu_row (const TessHostRun *run,
                   const TessValue *row,
                   const gfloat *bias,
                   gint n,
                   gfloat *dst);

/* Whether oneDNN may use these instructions; ONEDNN_MAX_CPU_ISA forbids them
 * to it and to us. */
static inline gboolean
tess_cpu_has (dnnl_cpu_isa_t isa)
{
  return ((guint) dnnl_get_effective_cpu_isa () & isa) == (guint) isa;
}

static inline gsize
tess_align64 (gsize n)
{
  return (n + 63) / 64 * 64;
}

/* exp with an error of about 1e-7 of the result in a form that compilers
 * turn into vector code: 2^n * 2^f by a polynomial for f in -0.5 .. 0.5.
 * Below -87 it is 0 to within the smallest normal number. */
static inline gfloat
tess_exp (gfloat x)
{
  gfloat low = x > -87.0f ? x : -87.0f;
  gfloat t = low < 88.0f ? low : 88.0f;
  gfloat n = rintf (t * 1.44269504f);
  gfloat r = (t - n * 0.693359375f) + n * 2.12194440e-4f;
  gfloat p = 1.9875691500e-4f;
  gint32 bits = ((gint32) n + 127) << 23;
  gfloat power;

  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  memcpy (&power, &bits, sizeof power);
  return p * power;
}

G_END_DECLS
