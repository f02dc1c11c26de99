/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/weight.h: one trained tensor, as a model file has it, and what LoRA
 * files add to it. Read by backends, which keep it in their own layout. */
#pragma once

#include "core/tensor.h"

G_BEGIN_DECLS

typedef struct
{
  TessTensor *up;   /* [rows, rank (, 1, 1)] */
  TessTensor *down; /* [rank, columns (, kh, kw)] */
  TessTensor *mid;  /* [rank, rank, kh, kw], may be NULL */
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
void tess_weight_add_delta (TessWeight *weight, const TessWeightDelta *delta);

/**
 * tess_weight_read:
 * Rows @first_row to @first_row + @n_rows (of the first dimension, each
 * row's elements in file order) as float32, with every delta added:
 * W + sum scale * up * down.  Vectors count as one column.
 */
void tess_weight_read (const TessWeight *weight,
                       gsize first_row,
                       gsize n_rows,
                       gfloat *dst);

/* The bytes have been read and will hardly be wanted again: pages of a mapped
 * file are given back to the system (they stay in its cache). */
void tess_weight_drop_pages (const TessWeight *weight);

G_END_DECLS
