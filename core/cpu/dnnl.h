/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/cpu/dnnl.h: oneDNN's primitives as kernels use them: made once, run
 * many times on addresses that are only known when running. */
#pragma once

#include <oneapi/dnnl/dnnl.h>

#include "core/tensor.h"

G_BEGIN_DECLS

/* One per process; NULL where oneDNN has no CPU engine. */
dnnl_engine_t tess_dnnl_engine (void);
dnnl_data_type_t tess_dnnl_type (TessType type);

/* Plain rows of @dims, or with @strides (in elements; NULL: dense). */
dnnl_memory_desc_t tess_dnnl_desc (TessType type,
                                   gint n_dims,
                                   const dnnl_dim_t *dims,
                                   const dnnl_dim_t *strides);
/* Layout left to oneDNN. */
dnnl_memory_desc_t
tess_dnnl_desc_any (TessType type, gint n_dims, const dnnl_dim_t *dims);
/* [n, h, w, c] in memory as the n, c, h, w of oneDNN's convolution. */
dnnl_memory_desc_t
tess_dnnl_desc_map (TessType type, gint n, gint h, gint w, gint c);
void tess_dnnl_desc_clear (dnnl_memory_desc_t *desc); /* NULL inside: fine */
gsize tess_dnnl_desc_size (const_dnnl_memory_desc_t desc);

/* What is done to each result, in order. */
typedef struct
{
  dnnl_alg_kind_t eltwise; /* 0: none */
  gfloat alpha;
  dnnl_alg_kind_t binary;             /* 0: none */
  const_dnnl_memory_desc_t binary_md; /* borrowed for the call */
} TessDnnlPost;

/* Scratch from the caller, the given post ops; free with
 * dnnl_primitive_attr_destroy. */
dnnl_primitive_attr_t tess_dnnl_attr (const TessDnnlPost *post);

#define TESS_PRIMITIVE_ARGS 8

/* A primitive and its arguments, embedded in a kernel. */
typedef struct
{
  dnnl_primitive_t primitive;
  dnnl_stream_t stream;
  dnnl_exec_arg_t args[TESS_PRIMITIVE_ARGS];
  gint n_args;
  gsize n_scratch; /* a multiple of 64 */
} TessPrimitive;

/* Takes @desc, whose arguments are asked of it; @post_arg is the argument
 * number of a binary post op's operand, 0: none. FALSE: oneDNN refused. */
gboolean tess_primitive_init (TessPrimitive *primitive,
                              dnnl_primitive_desc_t desc,
                              gboolean has_bias,
                              const_dnnl_memory_desc_t post_desc);
void tess_primitive_finish (TessPrimitive *primitive); /* zeroed: fine */

void tess_primitive_set (TessPrimitive *primitive, gint arg, gpointer data);
void tess_primitive_run (TessPrimitive *primitive);

#define TESS_ARG_POST (DNNL_ARG_ATTR_MULTIPLE_POST_OP (0) | DNNL_ARG_SRC_1)

G_END_DECLS
