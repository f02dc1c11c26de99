/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/cpu/attention-block.c: a block of queries in float32, in vectors;
 * compiled for each kind of processor (core/meson.build), whose vectors and
 * registers TESS_LANES and TESS_VECTORS tell.
 *
 * A lane is a query. Scores of four keys are summed at once over the head's
 * width, so each number of the keys is read once per block and meets all its
 * queries; largest scores, weights and their sums are then plain vertical
 * operations, and no lane is ever added to another. Keys come in pieces whose
 * scores stay in the first level cache; when a later piece has a larger
 * score, what was summed before is scaled down (Milakov and Gimelshein 2018,
 * algorithm 3; Dao et al. 2022, algorithm 1). */
#include "core/cpu/attention-block.h"
#include "core/cpu/lanes.h"

#define KEYS 64              /* of a piece */
#define GROUP 4              /* keys, or numbers of a head, summed at once */
#define VECTORS TESS_VECTORS /* of queries, of a block */
#define QUERIES (VECTORS * TESS_LANES)
#define GAP 16 /* numbers, between keys that would meet in the cache */
#define LOG2_E 1.44269504f
#define DEEP 128 /* numbers of a head whose queries stay in the cache */

/* A block's scratch, in this order. */
typedef struct
{
  gfloat *q;      /* [d][queries], scaled so that a weight is 2^score */
  gfloat *sums;   /* [d][queries] of weights times values */
  gfloat *scores; /* [KEYS][queries] */
  TessLanes *largest, *totals; /* [vectors] */
} Work;

static gint
padded (gint n)
{
  return (n + GROUP - 1) / GROUP * GROUP;
}

/* Numbers from one packed key to the next. At whole KiB they would all fall
 * into the same few places of the cache. */
static gint
row_length (gint d)
{
  return padded (d) + (padded (d) % 256 == 0 ? GAP : 0);
}

/* scores [n_keys][queries] += k [n_keys][row] x q [d][queries] */
TESS_INLINE void
score_part (const gfloat *k,
            const gfloat *queries,
            gfloat *scores,
            gint d,
            gint row,
            gint n_keys,
            gboolean first)
{
  for (gint key = 0; key < n_keys; key += GROUP)
    {
      const gfloat *at = k + (gsize) key * row;
      const TessLanes *q = (const TessLanes *) queries;
      TessLanes *dst = (TessLanes *) scores + key * VECTORS;
      TessLanes sums[GROUP][VECTORS] = { 0 };

      for (gint e = 0; e < d; e++, q += VECTORS)
#pragma GCC unroll 4
        for (gint i = 0; i < GROUP; i++)
          {
            TessLanes number = TESS_ALL_LANES (at[i * row + e]);

#pragma GCC unroll 4
            for (gint j = 0; j < VECTORS; j++)
              sums[i][j] += number * q[j];
          }
      for (gint i = 0; i < GROUP; i++)
        for (gint j = 0; j < VECTORS; j++)
          dst[i * VECTORS + j]
              = first ? sums[i][j] : dst[i * VECTORS + j] + sums[i][j];
    }
}

TESS_INLINE void
score (const gfloat *k, const Work *work, gint d, gint n_keys)
{
  gint row = row_length (d);

  for (gint e = 0; e < d; e += DEEP)
    score_part (k + e, work->q + e * QUERIES, work->scores, MIN (DEEP, d - e),
                row, n_keys, e == 0);
}

/* sums [d][queries] += v [n_keys][row] transposed x weights [n_keys][queries]
 */
TESS_INLINE void
add_values (const gfloat *v, const Work *work, gint d, gint n_keys)
{
  gint row = row_length (d);

  for (gint e = 0; e < d; e += GROUP)
    {
      const TessLanes *weights = (const TessLanes *) work->scores;
      TessLanes *dst = (TessLanes *) work->sums + e * VECTORS;
      const gfloat *at = v;
      TessLanes sums[GROUP][VECTORS] = { 0 };

      for (gint key = 0; key < n_keys; key++, at += row, weights += VECTORS)
#pragma GCC unroll 4
        for (gint i = 0; i < GROUP; i++)
          {
            TessLanes number = TESS_ALL_LANES (at[e + i]);

#pragma GCC unroll 4
            for (gint j = 0; j < VECTORS; j++)
              sums[i][j] += number * weights[j];
          }
#pragma GCC unroll 4
      for (gint i = 0; i < GROUP; i++)
#pragma GCC unroll 4
        for (gint j = 0; j < VECTORS; j++)
          dst[i * VECTORS + j] += sums[i][j];
    }
}

/* Scores become weights; what was summed for smaller largest scores is scaled
 * to the new ones. */
TESS_INLINE void
weigh (const Work *work, gint d, gint n_keys)
{
  TessLanes *scores = (TessLanes *) work->scores,
            *sums = (TessLanes *) work->sums;
  TessLanes largest[VECTORS], totals[VECTORS], factors[VECTORS];

#pragma GCC unroll 4
  for (gint j = 0; j < VECTORS; j++)
    {
      largest[j] = work->largest[j];
      totals[j] = (TessLanes) { 0 };
    }
  for (gint key = 0; key < n_keys; key++)
#pragma GCC unroll 4
    for (gint j = 0; j < VECTORS; j++)
      largest[j] = tess_lanes_larger (scores[key * VECTORS + j], largest[j]);
  for (gint key = 0; key < n_keys; key++)
#pragma GCC unroll 4
    for (gint j = 0; j < VECTORS; j++)
      {
        TessLanes weight
            = tess_lanes_power_of_two (scores[key * VECTORS + j] - largest[j]);

        scores[key * VECTORS + j] = weight;
        totals[j] += weight;
      }
#pragma GCC unroll 4
  for (gint j = 0; j < VECTORS; j++)
    {
      factors[j] = tess_lanes_power_of_two (work->largest[j] - largest[j]);
      work->totals[j] = work->totals[j] * factors[j] + totals[j];
      work->largest[j] = largest[j];
    }
  for (gint e = 0; e < d; e++)
#pragma GCC unroll 4
    for (gint j = 0; j < VECTORS; j++)
      sums[e * VECTORS + j] *= factors[j];
}

TESS_INLINE void
load (const TessAttentionBlock *block, const Work *work)
{
  const gfloat scale = block->scale * LOG2_E;
  gfloat numbers[TESS_MAX_HEAD];
  gint d = padded (block->d), n_queries = QUERIES;

  memset (work->q, 0, (gsize) d * n_queries * sizeof (gfloat));
  memset (work->sums, 0, (gsize) d * n_queries * sizeof (gfloat));
  for (gint i = 0; i < block->n; i++)
    {
      const gfloat *q = tess_block_numbers (
          block->type, tess_block_at (block->type, block->q, i * block->stride),
          block->d, numbers);

      for (gint e = 0; e < block->d; e++)
        work->q[e * n_queries + i] = q[e] * scale;
    }
  for (gint j = 0; j < VECTORS; j++)
    {
      work->largest[j] = TESS_ALL_LANES (-INFINITY);
      work->totals[j] = (TessLanes) { 0 };
    }
}

TESS_INLINE void
store (const TessAttentionBlock *block, const Work *work)
{
  const gfloat *totals = (const gfloat *) work->totals;
  gfloat numbers[TESS_MAX_HEAD];
  gint n_queries = QUERIES;

  for (gint i = 0; i < block->n; i++)
    {
      gpointer dst = (gpointer) tess_block_at (block->type, block->dst,
                                               i * block->stride);
      gfloat *to = block->type == TESS_F32 ? dst : numbers;
      gfloat factor = 1.0f / totals[i];

      for (gint e = 0; e < block->d; e++)
        to[e] = work->sums[e * n_queries + i] * factor;
      if (block->type != TESS_F32)
        tess_f32_to_bf16 (numbers, dst, block->d);
    }
}

static void
attend (const TessAttentionBlock *block)
{
  gint d = padded (block->d), row = row_length (d), n_queries = QUERIES;
  gint last
      = block->causal ? MIN (block->tk, block->first + block->n) : block->tk;
  Work work = { .q = block->scratch };

  work.sums = work.q + d * n_queries;
  work.scores = work.sums + d * n_queries;
  work.largest = (TessLanes *) (work.scores + KEYS * n_queries);
  work.totals = work.largest + VECTORS;
  load (block, &work);
  for (gint first = 0; first < last; first += KEYS)
    {
      gint n = padded (MIN (KEYS, last - first));

      score ((const gfloat *) block->k + (gsize) first * row, &work, d, n);
      tess_block_mask (block, work.scores, first, n, n_queries, LOG2_E);
      weigh (&work, d, n);
      add_values ((const gfloat *) block->v + (gsize) first * row, &work, d, n);
    }
  store (block, &work);
}

static gsize
packed_bytes (gint tk, gint d)
{
  return tess_align64 ((gsize) padded (tk) * row_length (d) * sizeof (gfloat));
}

static void
pack (const TessAttentionTokens *src, gint d, gpointer dst)
{
  gsize row = row_length (d);

  for (gint i = 0; i < src->n; i++)
    {
      gconstpointer from = tess_block_at (src->type, src->src, i * src->stride);
      gfloat *to = (gfloat *) dst + (src->first + i) * row;

      if (src->type == TESS_F32)
        memcpy (to, from, d * sizeof *to);
      else
        tess_bf16_to_f32 (from, to, d);
    }
}

static gsize
scratch_bytes (gint d)
{
  gsize n = (2 * padded (d) + KEYS + 2) * QUERIES;

  return n * sizeof (gfloat);
}

const TessAttentionWay TESS_WAY = {
  .name = "blocks of queries, " G_STRINGIFY (TESS_LANES) " at once",
  .n_queries = QUERIES,
  .key_bytes = packed_bytes,
  .value_bytes = packed_bytes,
  .scratch_bytes = scratch_bytes,
  .pack_keys = pack,
  .pack_values = pack,
  .run = attend,
};
