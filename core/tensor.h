/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/tensor.h: numbers in host memory: type, shape, bytes, owner.
 *
 * Rows are contiguous, the last dimension runs fastest. What a device works
 * on are the values and buffers of core/program.h and core/backend.h. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define TESS_MAX_DIMS 5

typedef enum
{
  TESS_F32, /* zero: the default everywhere */
  TESS_F16,
  TESS_BF16,
  TESS_F64,
  TESS_I32,
  TESS_I64,
  TESS_U8,
  TESS_N_TYPES
} TessType;

gsize tess_type_size (TessType type); /* in bytes */
const gchar *tess_type_name (TessType type);

/* What a tensor of that shape takes; FALSE where a size is negative or their
 * product, taken from the left, does not fit. */
gboolean tess_count_bytes (TessType type,
                           gint n_dims,
                           const gint64 *dims,
                           gsize *n_bytes);

typedef struct
{
  gint ref_count;
  TessType type;
  gint n_dims; /* 0: a single number */
  gint64 dims[TESS_MAX_DIMS];
  gpointer data; /* may lie in a read-only mapping; there it need not be
                    aligned: use tess_tensor_read_f32 */
  gsize n_bytes;
  gboolean mapped;        /* data lies in a private, never written mapping of
                             a file, whose pages may be dropped */
  gpointer owner;         /* keeps data alive, may be NULL */
  GDestroyNotify release; /* called with owner at the last unref */
} TessTensor;

/**
 * tess_tensor_new:
 * A tensor of zeros.
 * Errors: TESS_ERROR_MEMORY with the size asked for.  Memory: transfer full.
 */
TessTensor *tess_tensor_new (TessType type,
                             gint n_dims,
                             const gint64 *dims,
                             GError **error);

/* The same for [n, c, h, w] float32, the shape of canvases and latents. */
TessTensor *
tess_tensor_new_nchw (gint64 n, gint64 c, gint64 h, gint64 w, GError **error);

/**
 * tess_tensor_new_wrapped:
 * A tensor over bytes that somebody else has. @release is called with @owner
 * when the tensor goes.
 */
TessTensor *tess_tensor_new_wrapped (TessType type,
                                     gint n_dims,
                                     const gint64 *dims,
                                     gconstpointer data,
                                     gpointer owner,
                                     GDestroyNotify release);

/* A part of a tensor, from byte @offset on, seen with another shape; holds a
 * reference to the whole. */
TessTensor *tess_tensor_view (TessTensor *whole,
                              gsize offset,
                              gint n_dims,
                              const gint64 *dims);

TessTensor *tess_tensor_ref (TessTensor *tensor);
void tess_tensor_unref (TessTensor *tensor); /* may be NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessTensor, tess_tensor_unref)

gsize tess_tensor_n_elements (const TessTensor *tensor);
gboolean tess_tensor_same_shape (const TessTensor *a, const TessTensor *b);
gchar *tess_tensor_shape_string (const TessTensor *tensor); /* "[2, 4, 8]" */

/* Elements @first to @first + @n as float32, whatever floating type is kept;
 * integers are converted by value. */
void tess_tensor_read_f32 (const TessTensor *tensor,
                           gsize first,
                           gsize n,
                           gfloat *dst);

/* The bulk conversions behind it: to nearest, ties to even. */
void tess_f16_to_f32 (const guint16 *src, gfloat *dst, gsize n);
void tess_bf16_to_f32 (const guint16 *src, gfloat *dst, gsize n);
void tess_f32_to_f16 (const gfloat *src, guint16 *dst, gsize n);
void tess_f32_to_bf16 (const gfloat *src, guint16 *dst, gsize n);

static inline gfloat *
tess_tensor_f32 (TessTensor *tensor)
{
  g_assert (tensor->type == TESS_F32);
  return tensor->data;
}

G_END_DECLS
