/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/cpu/attention-amx.c: a block of queries in bfloat16 in the processor's
 * matrix unit (AMX).
 *
 * The same way as core/cpu/attention-block.c; a tile of 16 x 16 float32 sums
 * takes a tile of 16 rows x 32 bfloat16 times one of 16 pairs of rows x 16
 * columns. Weights are cut to bfloat16, and their totals are those of the cut
 * ones. This file is compiled for processors that have all this, and only the
 * table below is seen from outside. */
#include "core/cpu/attention-block.h"
#include "core/cpu/lanes.h"

#include <immintrin.h>

#define QUERIES 64
#define VECTORS (QUERIES / TESS_LANES)
#define KEYS 128 /* of a piece */
#define SIDE 16  /* of a tile of sums */
#define DEPTH 32 /* bfloat16 of a tile's row */

/* A weight is at most 2^this: how far a score may exceed its query's bound
 * before the bound is raised and the sums are scaled. */
#define SLACK 8.0f

/* Tiles: sums 0 to 3, left 4 and 5, right 6 and 7. */
typedef struct
{
  guint8 palette, start, reserved[14];
  guint16 columns[16]; /* bytes of a row */
  guint8 rows[16];
} TileConfig;

typedef struct
{
  guint16 *q;     /* [depth / 2][QUERIES][2] */
  gfloat *sums;   /* [width][QUERIES] */
  gfloat *scores; /* [KEYS][QUERIES]; weights in the first half of each pair
                     of rows: [KEYS / 2][QUERIES][2], a row left free after
                     each */
  TessLanes *bounds, *totals; /* [VECTORS] */
} Work;

static gint
up_to (gint n, gint step)
{
  return (n + step - 1) / step * step;
}

static gint
depth_of (gint d)
{
  return up_to (d, DEPTH);
}

static gint
width_of (gint d)
{
  return up_to (d, SIDE);
}

/* dst [n_rows * 16][32 of QUERIES] (+)= left x right; n_rows is 1 or 2.
 * Strides in bytes; @n_steps of 32 numbers. */
TESS_INLINE void
multiply (gfloat *dst,
          const guint16 *left,
          gsize left_stride,
          gsize left_step,
          const guint16 *right,
          gsize right_stride,
          gint n_steps,
          gboolean add,
          const gint n_rows)
{
  const gsize dst_stride = QUERIES * sizeof (gfloat);
  gfloat *lower = dst + SIDE * QUERIES;

  __asm__ volatile ("" ::: "memory");
  if (add)
    {
      _tile_loadd (0, dst, dst_stride);
      _tile_loadd (1, dst + SIDE, dst_stride);
      if (n_rows == 2)
        {
          _tile_loadd (2, lower, dst_stride);
          _tile_loadd (3, lower + SIDE, dst_stride);
        }
    }
  else
    {
      _tile_zero (0);
      _tile_zero (1);
      _tile_zero (2);
      _tile_zero (3);
    }
  for (gint i = 0; i < n_steps; i++)
    {
      const guint8 *a = (const guint8 *) left + i * left_step;
      const guint8 *b = (const guint8 *) right + i * SIDE * right_stride;

      _tile_loadd (4, a, left_stride);
      _tile_loadd (6, b, right_stride);
      _tile_loadd (7, b + SIDE * 2 * sizeof *right, right_stride);
      _tile_dpbf16ps (0, 4, 6);
      _tile_dpbf16ps (1, 4, 7);
      if (n_rows == 2)
        {
          _tile_loadd (5, a + SIDE * left_stride, left_stride);
          _tile_dpbf16ps (2, 5, 6);
          _tile_dpbf16ps (3, 5, 7);
        }
    }
  _tile_stored (0, dst, dst_stride);
  _tile_stored (1, dst + SIDE, dst_stride);
  if (n_rows == 2)
    {
      _tile_stored (2, lower, dst_stride);
      _tile_stored (3, lower + SIDE, dst_stride);
    }
  __asm__ volatile ("" ::: "memory");
}

TESS_INLINE void
score (const guint16 *k, const Work *work, gint depth, gint n_keys)
{
  for (gint key = 0; key < n_keys; key += 2 * SIDE)
    for (gint i = 0; i < QUERIES; i += 2 * SIDE)
      multiply (work->scores + key * QUERIES + i, k + (gsize) key * depth,
                depth * sizeof *k, DEPTH * sizeof *k, work->q + i * 2,
                QUERIES * 2 * sizeof *k, depth / DEPTH, FALSE, 2);
}

/* @v: one piece's, [width][KEYS] */
TESS_INLINE void
add_values (const guint16 *v, const Work *work, gint width, gint n_keys)
{
  const guint16 *weights = (const guint16 *) work->scores;
  const gsize stride = 2 * QUERIES * sizeof (gfloat);
  gint e = 0;

  for (; e + 2 * SIDE <= width; e += 2 * SIDE)
    for (gint i = 0; i < QUERIES; i += 2 * SIDE)
      multiply (work->sums + e * QUERIES + i, v + e * KEYS, KEYS * sizeof *v,
                DEPTH * sizeof *v, weights + i * 2, stride, n_keys / DEPTH,
                TRUE, 2);
  for (; e < width; e += SIDE)
    for (gint i = 0; i < QUERIES; i += 2 * SIDE)
      multiply (work->sums + e * QUERIES + i, v + e * KEYS, KEYS * sizeof *v,
                DEPTH * sizeof *v, weights + i * 2, stride, n_keys / DEPTH,
                TRUE, 1);
}

/* Two rows as pairs of bfloat16, rounded. */
TESS_INLINE TessLanes
pairs (TessLanes even, TessLanes odd)
{
  static const guint16 order[32]
      = { 0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
          8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31 };
  __m512bh both = _mm512_cvtne2ps_pbh ((__m512) odd, (__m512) even);

  return (TessLanes) _mm512_permutexvar_epi16 (_mm512_loadu_si512 (order),
                                               (__m512i) both);
}

/* The same, cut off: rounding takes longer, and what is cut off on the average
 * goes away with the totals, which are those of the cut weights. */
TESS_INLINE TessLanes
cut_pairs (TessLanes even, TessLanes odd)
{
  __m512i low = _mm512_srli_epi32 ((__m512i) even, 16);

  /* (odd & mask) | low */
  return (TessLanes) _mm512_ternarylogic_epi32 (
      (__m512i) odd, _mm512_set1_epi32 ((gint) 0xffff0000), low, 0xea);
}

/* 2^x for x <= SLACK to 8e-5 of the result, a twentieth of what rounding to
 * bfloat16 takes: 2^n * 2^f, f in 0 .. 1 by a polynomial. */
TESS_INLINE TessLanes
power_of_two (TessLanes x)
{
  __m512 f = _mm512_reduce_ps ((__m512) x,
                               _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
  TessLanes p = (TessLanes) f * 0.07802455f + 0.22606718f;

  p = p * (TessLanes) f + 0.69583349f;
  p = p * (TessLanes) f + 0.99992523f;
  return (TessLanes) _mm512_scalef_ps ((__m512) p, (__m512) x);
}

/* Each query's bound is its first piece's largest score, and what it is raised
 * to; far above what is hidden, which so weighs nothing. Every query sees a key
 * in the end. */
TESS_INLINE void
find_bounds (
    const Work *work, gint width, gint n_keys, gfloat factor, gboolean first)
{
  const TessLanes *scores = (const TessLanes *) work->scores;
  TessLanes *sums = (TessLanes *) work->sums;
  TessLanes largest[VECTORS];

#pragma GCC unroll 4
  for (gint j = 0; j < VECTORS; j++)
    largest[j] = TESS_ALL_LANES (TESS_HIDDEN * 1e-9f);
  for (gint key = 0; key < n_keys; key++)
#pragma GCC unroll 4
    for (gint j = 0; j < VECTORS; j++)
      largest[j] = (TessLanes) _mm512_max_ps (
          (__m512) scores[key * VECTORS + j], (__m512) largest[j]);
#pragma GCC unroll 4
  for (gint j = 0; j < VECTORS; j++)
    {
      TessLanes old = work->bounds[j], by = (largest[j] - old) * factor;
      __mmask16 over = _mm512_cmp_ps_mask ((__m512) by, _mm512_set1_ps (SLACK),
                                           _CMP_GT_OQ);

      if (first)
        work->bounds[j] = largest[j];
      else if (over != 0)
        {
          work->bounds[j] = (TessLanes) _mm512_mask_blend_ps (
              over, (__m512) old, (__m512) largest[j]);
          by = power_of_two ((old - work->bounds[j]) * factor);
          work->totals[j] *= by;
          for (gint e = 0; e < width; e++)
            sums[e * VECTORS + j] *= by;
        }
    }
}

/* Scores become weights; @factor makes a weight 2^score. */
TESS_INLINE void
weigh (const Work *work, gint n_keys, gfloat factor)
{
  TessLanes *scores = (TessLanes *) work->scores;
  __m512bh ones = (__m512bh) _mm512_set1_epi16 (0x3f80);
  TessLanes bounds[VECTORS], totals[VECTORS];

#pragma GCC unroll 4
  for (gint j = 0; j < VECTORS; j++)
    {
      bounds[j] = work->bounds[j] * factor;
      totals[j] = work->totals[j];
    }
  for (gint key = 0; key < n_keys; key += 2)
#pragma GCC unroll 4
    for (gint j = 0; j < VECTORS; j++)
      {
        TessLanes *at = scores + key * VECTORS + j;
        TessLanes even = power_of_two (at[0] * factor - bounds[j]);
        TessLanes odd = power_of_two (at[VECTORS] * factor - bounds[j]);

        at[0] = cut_pairs (even, odd);
        totals[j] = (TessLanes) _mm512_dpbf16_ps ((__m512) totals[j],
                                                  (__m512bh) at[0], ones);
      }
#pragma GCC unroll 4
  for (gint j = 0; j < VECTORS; j++)
    work->totals[j] = totals[j];
}

/* Which of 16 queries from @first on there are. */
TESS_INLINE __mmask16
queries_of (const TessAttentionBlock *block, gint first)
{
  return _cvtu32_mask16 ((1u << CLAMP (block->n - first, 0, TESS_LANES)) - 1);
}

/* How far 16 queries lie from the first, in bytes. */
TESS_INLINE __m512i
places_of (const TessAttentionBlock *block)
{
  const __m512i count
      = _mm512_set_epi32 (15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);

  return _mm512_mullo_epi32 (
      count, _mm512_set1_epi32 ((gint) (block->stride * sizeof (guint16))));
}

/* Pairs of numbers move as one of 32 bits; the last of an odd width alone. */
static void
load (const TessAttentionBlock *block, const Work *work)
{
  gint depth = depth_of (block->d), width = width_of (block->d);
  __m512i places = places_of (block);
  __m512i sign = _mm512_set1_epi16 (block->scale < 0.0f ? -0x8000 : 0);
  gint even = block->d / 2 * 2;

  memset (work->q + even * QUERIES, 0,
          (gsize) (depth - even) * QUERIES * sizeof *work->q);
  memset (work->sums, 0, (gsize) width * QUERIES * sizeof *work->sums);
  memset (work->totals, 0, QUERIES * sizeof (gfloat));
  for (gint i = 0; i < QUERIES; i += TESS_LANES)
    {
      const guint16 *q = (const guint16 *) block->q + i * block->stride;
      __mmask16 mask = queries_of (block, i);

      for (gint e = 0; e < even; e += 2)
        _mm512_store_si512 (
            work->q + e * QUERIES + i * 2,
            _mm512_xor_si512 (
                sign, _mm512_mask_i32gather_epi32 (_mm512_setzero_si512 (),
                                                   mask, places, q + e, 1)));
    }
  if (even < block->d)
    for (gint i = 0; i < block->n; i++)
      work->q[(even * QUERIES) + i * 2]
          = ((const guint16 *) block->q)[i * block->stride + even]
            ^ (block->scale < 0.0f ? 0x8000 : 0);
}

static void
store (const TessAttentionBlock *block, const Work *work)
{
  const TessLanes *sums = (const TessLanes *) work->sums;
  __m512i places = places_of (block);
  gint even = block->d / 2 * 2;

  for (gint i = 0; i < QUERIES; i += TESS_LANES)
    {
      guint16 *dst = (guint16 *) block->dst + i * block->stride;
      TessLanes factor = 1.0f / work->totals[i / TESS_LANES];
      __mmask16 mask = queries_of (block, i);

      for (gint e = 0; e < even; e += 2)
        {
          const TessLanes *at = sums + e * VECTORS + i / TESS_LANES;

          _mm512_mask_i32scatter_epi32 (
              dst + e, mask, places,
              (__m512i) pairs (at[0] * factor, at[VECTORS] * factor), 1);
        }
    }
  if (even < block->d)
    for (gint i = 0; i < block->n; i++)
      {
        gfloat number = work->sums[even * QUERIES + i]
                        / ((const gfloat *) work->totals)[i];

        tess_f32_to_bf16 (&number,
                          (guint16 *) block->dst + i * block->stride + even, 1);
      }
}

static void
attend (const TessAttentionBlock *block)
{
  TileConfig config = { .palette = 1 };
  gint depth = depth_of (block->d), width = width_of (block->d);
  gint last
      = block->causal ? MIN (block->tk, block->first + block->n) : block->tk;
  gfloat factor = fabsf (block->scale) * 1.44269504f;
  Work work = { .q = block->scratch };

  work.sums = (gfloat *) (work.q + depth * QUERIES);
  work.scores = work.sums + width * QUERIES;
  work.bounds = (TessLanes *) (work.scores + KEYS * QUERIES);
  work.totals = work.bounds + VECTORS;
  load (block, &work);
  for (gint i = 0; i < 8; i++)
    {
      config.columns[i] = DEPTH * sizeof (guint16);
      config.rows[i] = SIDE;
    }
  _tile_loadconfig (&config);
  for (gint first = 0; first < last; first += KEYS)
    {
      gint n = up_to (MIN (KEYS, last - first), DEPTH);

      score ((const guint16 *) block->k + (gsize) first * depth, &work, depth,
             n);
      tess_block_mask (block, work.scores, first, n, QUERIES,
                       1.0f / fabsf (block->scale));
      find_bounds (&work, width, n, factor, first == 0);
      weigh (&work, n, factor);
      add_values ((const guint16 *) block->v + (gsize) first * width, &work,
                  width, n);
    }
  _tile_release ();
  store (block, &work);
}

static gsize
key_bytes (gint tk, gint d)
{
  return (gsize) up_to (tk, DEPTH) * depth_of (d) * sizeof (guint16);
}

static gsize
value_bytes (gint tk, gint d)
{
  return (gsize) up_to (tk, KEYS) * width_of (d) * sizeof (guint16);
}

static void
pack_keys (const TessAttentionTokens *src, gint d, gpointer dst)
{
  gsize row = depth_of (d);

  for (gint i = 0; i < src->n; i++)
    memcpy ((guint16 *) dst + (src->first + i) * row,
            (const guint16 *) src->src + i * src->stride, d * sizeof (guint16));
}

/* [pieces][width][KEYS] */
static void
pack_values (const TessAttentionTokens *src, gint d, gpointer dst)
{
  gsize n_piece = (gsize) width_of (d) * KEYS;

  for (gint i = 0; i < src->n; i++)
    {
      const guint16 *from = (const guint16 *) src->src + i * src->stride;
      gint at = src->first + i;
      guint16 *to = (guint16 *) dst + at / KEYS * n_piece + at % KEYS;

      for (gint e = 0; e < d; e++)
        to[(gsize) e * KEYS] = from[e];
    }
}

static gsize
scratch_bytes (gint d)
{
  return (depth_of (d) * sizeof (guint16)
          + (width_of (d) + KEYS + 2) * sizeof (gfloat))
         * QUERIES;
}

const TessAttentionWay tess_attention_way_amx = {
  .name = "blocks of queries, AMX",
  .n_queries = QUERIES,
  .key_bytes = key_bytes,
  .value_bytes = value_bytes,
  .scratch_bytes = scratch_bytes,
  .pack_keys = pack_keys,
  .pack_values = pack_values,
  .run = attend,
};
