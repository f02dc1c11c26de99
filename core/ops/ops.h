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
  TessActivation act;       /* NONE, SILU, RELU or LEAKY_RELU */
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

/* Self-attention over a sample's own tokens and tokens from elsewhere that all
 * samples may share: softmax (scale q [k; ground_k]^T + [0; bias] + mask)
 * [v; ground_v]. Only the sample's own tokens ask.
 * Source: Li 2023 (GLIGEN), eq. 8; Wang 2024 (InstanceDiffusion), 3.3. */
typedef struct
{
  TessValue *q, *k, *v;           /* [n, 1, t, heads * d] or a map */
  TessValue *ground_k, *ground_v; /* [m, 1, u, heads * d] */
  TessValue *bias;                /* f32 [m, 1, 1, u], added to the scores: ln i
                                     for a token that stands for i equal ones,
                                     -inf for none */
  TessValue *rows;           /* i32 [1, 1, 1, n]: which of m sample i takes */
  TessValue *cells, *tokens; /* i32 [m, 1, 1, t], [m, 1, 1, u], both or
                                neither: sets of up to 31 regions. A token
                                sees itself, its likes that share a region,
                                and ground tokens that share a region or
                                have TESS_ALL_REGIONS */
  gint n_heads;
  gfloat scale; /* 0: 1 / sqrt (d) */
} TessGroundedAttention;
#define TESS_ALL_REGIONS (-1)
TessValue *tess_grounded_attention (TessProgram *program,
                                    const TessGroundedAttention *args);

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

/* Of every element; any but GEGLU. */
TessValue *
tess_activate (TessProgram *program, TessValue *src, TessActivation act);

/* src * factor + residual; factor [1, 1, 1, 1], [1, 1, 1, c] or as src, of any
 * type. */
typedef struct
{
  TessValue *src;
  TessValue *factor;
  TessValue *residual; /* as src, may be NULL */
} TessScale;
TessValue *tess_scale (TessProgram *program, const TessScale *args);

/* The coefficients of each channel's discrete Fourier transform at frequencies
 * -1 and 0 of both axes times scale [1, 1, 1, 1]; an axis of one cell has but
 * frequency 0. With ty = 2 pi y / h, tx = 2 pi x / w and sums over the map:
 *   dst = p + (scale - 1) / (h w) (sum p + [sum p cos ty] cos ty
 *         + [sum p sin ty] sin ty + the same of tx + the same of ty + tx)
 * Source: Wang 2024, ScaleU; Si 2023 (FreeU). */
TessValue *
tess_scale_low (TessProgram *program, TessValue *src, TessValue *scale);

/* Each channel with a kernel of its own: dst = conv (src) + bias; zero
 * padding, size kept. */
typedef struct
{
  TessValue *src;           /* [n, h, w, c] */
  const TessWeight *weight; /* [c, 1, k, k], k odd */
  const TessWeight *bias;   /* [c], may be NULL */
} TessDepthwise;
TessValue *tess_depthwise (TessProgram *program, const TessDepthwise *args);

/* Channels of a, then channels of b. */
TessValue *tess_concat (TessProgram *program, TessValue *a, TessValue *b);

/* The cells [y0, y0 + h) x [x0, x0 + w) of every sample. */
TessValue *tess_crop (
    TessProgram *program, TessValue *src, gint y0, gint x0, gint h, gint w);

/* Tiles of a canvas, times one number: dst[i] is the canvas [1, height, width,
 * c] from the cell places[i] on, taken modulo height and width. The loop's own
 * ops, like the next two (core/denoise-backend.c). */
typedef struct
{
  TessValue *canvas;
  TessValue *places; /* i32 [1, 1, n, 2]: x, y, below width and height */
  TessValue *factor; /* f32 [1, 1, 1, 1] */
  gint h, w;         /* of a tile, at most the canvas's */
} TessGather;
TessValue *tess_gather (TessProgram *program, const TessGather *args);

/* The weighted sum of tiles [n, h, w, c] on a canvas [1, height, width, c]:
 * each cell's terms in the order of the tiles. A tile may be smaller than
 * there is room for; its rows then follow each other. Where it weighs nothing
 * it is not read. */
typedef struct
{
  TessValue *tiles;
  TessValue *places;                /* i32 [1, 1, n, 4]: x, y, width, height */
  TessValue *weights_x, *weights_y; /* f32 [1, 1, n, w], [1, 1, n, h] */
  TessValue *shares;                /* f32 [n, h, w, 1] laid out as the tiles: a
                                       factor of each cell, NULL: 1 */
  gint height, width;
} TessFuse;
TessValue *tess_fuse (TessProgram *program, const TessFuse *args);

/* dst = the sum of weights[i] * src[i], maps of one shape; where the weight
 * is 0 the map is not read. */
#define TESS_MIX_MAX 8
typedef struct
{
  TessValue *src[TESS_MIX_MAX];
  gint n_src;
  TessValue *weights; /* f32, n_src of them or more */
} TessMix;
TessValue *tess_mix (TessProgram *program, const TessMix *args);

/* src * (amount * s (like) / s (src) + 1 - amount), s: the standard deviation
 * of all there is; src as it is where that is 0. Lin 2023, 3.4. */
typedef struct
{
  TessValue *src;
  TessValue *stats, *like; /* mean and variance, of tess_group_stats with one
                              group: f32 [1, 1, 1, 2] */
  gfloat amount;
} TessRescale;
TessValue *tess_rescale (TessProgram *program, const TessRescale *args);

/* Rows of a table by number: ids i32 [1, 1, 1, t] -> [1, 1, t, c]. */
TessValue *
tess_embed (TessProgram *program, const TessWeight *table, TessValue *ids);

/* A weight as a value: [1, 1, rows, columns]. */
TessValue *tess_constant (TessProgram *program, const TessWeight *weight);

G_END_DECLS
