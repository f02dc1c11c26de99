/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/weight.h: one trained tensor, as a model file has it, and what LoRA
 * files add to it. Read by backends, which keep it in their own layout. */
#pragma once

#include "core/tensor.h"

G_BEGIN_DECLS

typedef struct
{
  TessTensor *up;   /* [rows, rank (, 1, 1)] */
  TessTensor *down; /* [rank, columns (, kh, kw)]: as many elements in each row
                       as the weight has */
  gfloat scale;     /* strength * alpha / rank */
} TessWeightDelta;

typedef struct
{
  gchar *name;        /* in diffusers' naming */
  TessTensor *tensor; /* mostly in the mapped file */
  GArray *deltas;     /* of TessWeightDelta, NULL: none */
} TessWeight;

TessWeight *tess_weight_new (const gchar *name, TessTensor *tensor);
void tess_weight_free (TessWeight *weight); /* may be NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessWeight, tess_weight_free)

/* Takes a reference to both tensors. */
void tess_weight_add_delta (TessWeight *weight, const TessWeightDelta *delta);

/* The size of the first dimension (1 where there is none), and how many
 * elements each of its rows has. */
gsize tess_weight_n_rows (const TessWeight *weight);
gsize tess_weight_row_length (const TessWeight *weight);

/**
 * tess_weight_read:
 * Rows @first_row to @first_row + @n_rows (of the first dimension, each
 * row's elements in file order) as float32, with every delta added:
 * W + sum scale * up * down.  Vectors count as one column.
 * Threads: any number may read one weight.
 */
void tess_weight_read (const TessWeight *weight,
                       gsize first_row,
                       gsize n_rows,
                       gfloat *dst);

/* What was read came from the whole files; see tess_mapping_check. */
gboolean tess_weight_check (const TessWeight *weight, GError **error);

/* The bytes have been read and will hardly be wanted again: pages of a mapped
 * file are given back to the system (they stay in its cache). */
void tess_weight_drop_pages (const TessWeight *weight);

G_END_DECLS
