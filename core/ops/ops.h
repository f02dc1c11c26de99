/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/ops/ops.h: every op that a network can record.
 *
 * Each is one file in core/ops: checks, recording and the plain C answer.
 * Args structs are read during the call only; a zero field is the default.
 * "map" is [n, h, w, c], "tokens" [n, 1, t, c]; wherever only the last
 * dimension counts, either will do. */
#pragma once

#include "core/model.h"
#include "core/program.h"

G_BEGIN_DECLS

/* 2-D convolution (cross-correlation), zero padding.
 * dst = act (conv (src) + bias + row) + residual */
typedef struct
{
  TessValue *src;           /* [n, h, w, ic] */
  const TessWeight *weight; /* [oc, ic, kh, kw], or [oc, ic]: 1x1 */
  const TessWeight *bias;   /* [oc], may be NULL */
  TessValue *row;           /* [1, 1, 1, oc] added at every cell of every
                               sample, may be NULL (a time embedding; has the
                               bias in it when bias is NULL) */
  TessValue *residual;      /* as dst, may be NULL */
  gint stride;              /* 0: 1 */
  gint pad_begin, pad_end;  /* top and left; bottom and right */
  gint upsample;            /* 2: src is first doubled by nearest neighbour */
  TessActivation act;       /* NONE or SILU */
} TessConv2d;
TessValue *tess_conv2d (TessProgram *program, const TessConv2d *args);

/* dst = act (src * weight^T + bias) + residual, over the last dimension */
typedef struct
{
  TessValue *src;           /* [n, h, w, ic] */
  const TessWeight *weight; /* [oc, ic] or [oc, ic, 1, 1] */
  const TessWeight *bias;   /* [oc], may be NULL */
  TessValue *residual;      /* as dst, may be NULL */
  TessActivation act;       /* GEGLU: dst has oc/2 channels */
} TessLinear;
TessValue *tess_linear (TessProgram *program, const TessLinear *args);

/* softmax (scale * q k^T + mask) v, per head; never keeps all scores.
 * Source: Vaswani 2017, eq. 1. */
typedef struct
{
  TessValue *q;     /* [n, 1, tq, heads * d] or a map */
  TessValue *k, *v; /* [m, 1, tk, heads * d]; m = n, or with rows any m */
  TessValue *rows;  /* i32 [1, 1, 1, n]: sample i attends to k, v of
                       rows[i]; NULL: i */
  gint n_heads;
  gfloat scale;    /* 0: 1 / sqrt (d) */
  gboolean causal; /* token i sees 0..i */
} TessAttention;
TessValue *tess_attention (TessProgram *program, const TessAttention *args);

/* Each group of channels of a sample brought to mean 0 and population
 * variance 1, then scaled; act (NONE or SILU).  Source: Wu and He 2018. */
typedef struct
{
  TessValue *src;          /* [n, h, w, c] */
  const TessWeight *scale; /* [c] */
  const TessWeight *shift; /* [c] */
  TessValue *stats;        /* f32 [n, 1, groups, 2]: mean and variance to use
                              instead of src's own, may be NULL */
  gint n_groups;
  gfloat eps;
  TessActivation act;
} TessGroupNorm;
TessValue *tess_group_norm (TessProgram *program, const TessGroupNorm *args);

/* Mean and population variance of each group over the cells [y0, y1) x
 * [x0, x1) of src (all zero: all): f32 [n, 1, groups, 2]. */
typedef struct
{
  TessValue *src;
  gint n_groups;
  gint y0, y1, x0, x1;
} TessGroupStats;
TessValue *tess_group_stats (TessProgram *program, const TessGroupStats *args);

/* Over the last dimension.  Source: Ba 2016. */
typedef struct
{
  TessValue *src;
  const TessWeight *scale; /* [c] */
  const TessWeight *shift; /* [c], may be NULL */
  gfloat eps;
} TessLayerNorm;
TessValue *tess_layer_norm (TessProgram *program, const TessLayerNorm *args);

/* a + b; b may be [1, ...] or [1, 1, 1, c] where a has more of them. */
TessValue *tess_add (TessProgram *program, TessValue *a, TessValue *b);

/* NONE, SILU, GELU or QUICK_GELU of every element. */
TessValue *
tess_activate (TessProgram *program, TessValue *src, TessActivation act);

/* Channels of a, then channels of b. */
TessValue *tess_concat (TessProgram *program, TessValue *a, TessValue *b);

/* The cells [y0, y0 + h) x [x0, x0 + w) of every sample. */
TessValue *tess_crop (
    TessProgram *program, TessValue *src, gint y0, gint x0, gint h, gint w);

/* Rows of a table by number: ids i32 [1, 1, 1, t] -> [1, 1, t, c]. */
TessValue *
tess_embed (TessProgram *program, const TessWeight *table, TessValue *ids);

/* A weight as a value: [1, 1, rows, columns]. */
TessValue *tess_constant (TessProgram *program, const TessWeight *weight);

G_END_DECLS
