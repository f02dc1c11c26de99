/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/cpu/attention-block.c: a block of queries in float32, in vectors.
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

#if defined(TESS_AMX) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

#define KEYS 64  /* of a piece */
#define GROUP 4  /* keys, or numbers of a head, summed at once */
#define WIDEST 4 /* vectors of queries of a block */
#define LOG2_E 1.44269504f
#define DEEP 128 /* numbers of a head whose queries stay in the cache */

static void
hide (gfloat *row, gint from, gint to)
{
  for (gint i = from; i < to; i++)
    row[i] = TESS_HIDDEN;
}

/* Lanes past the block's queries take the last query's regions. */
static void
hide_regions (const TessAttentionBlock *block,
              gfloat *row,
              gint32 regions,
              gint self,
              gint n_queries)
{
  const gint32 *cells = block->ground.cells + block->first;

  for (gint i = 0; i < n_queries; i++)
    if ((cells[MIN (i, block->n - 1)] & regions) == 0
        && block->first + i != self)
      row[i] = TESS_HIDDEN;
}

void
tess_block_mask (const TessAttentionBlock *block,
                 gfloat *scores,
                 gint first,
                 gint n_keys,
                 gint n_queries,
                 gfloat unit)
{
  const TessAttentionGround *ground = &block->ground;
  gint n_own = block->tk - ground->n;

  if (!block->causal && ground->cells == NULL && first + n_keys <= n_own)
    return;
  for (gint i = 0; i < n_keys; i++)
    {
      gfloat *row = scores + i * n_queries;
      gint key = first + i, other = key - n_own;

      if (key >= block->tk)
        hide (row, 0, n_queries);
      else if (key < n_own)
        {
          if (block->causal)
            hide (row, 0, CLAMP (key - block->first, 0, n_queries));
          if (ground->cells != NULL)
            hide_regions (block, row, ground->cells[key], key, n_queries);
        }
      else
        {
          for (gint j = 0; j < n_queries; j++)
            row[j] += MAX (ground->bias[other] * unit, TESS_HIDDEN);
          if (ground->cells != NULL
              && ground->tokens[other] != TESS_ALL_REGIONS)
            hide_regions (block, row, ground->tokens[other], -1, n_queries);
        }
    }
}

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
  return padded (d) + (padded (d) % 256 == 0 ? TESS_LANES : 0);
}

/* scores [n_keys][queries] += k [n_keys][row] x q [d][queries] */
TESS_INLINE void
score_part (const gfloat *k,
            const gfloat *queries,
            gfloat *scores,
            gint d,
            gint row,
            gint n_keys,
            gboolean first,
            const gint width)
{
  for (gint key = 0; key < n_keys; key += GROUP)
    {
      const gfloat *at = k + (gsize) key * row;
      const TessLanes *q = (const TessLanes *) queries;
      TessLanes *dst = (TessLanes *) scores + key * width;
      TessLanes sums[GROUP][WIDEST] = { 0 };

      for (gint e = 0; e < d; e++, q += width)
#pragma GCC unroll 4
        for (gint i = 0; i < GROUP; i++)
          {
            TessLanes number = TESS_ALL_LANES (at[i * row + e]);

#pragma GCC unroll 4
            for (gint j = 0; j < width; j++)
              sums[i][j] += number * q[j];
          }
      for (gint i = 0; i < GROUP; i++)
        for (gint j = 0; j < width; j++)
          dst[i * width + j]
              = first ? sums[i][j] : dst[i * width + j] + sums[i][j];
    }
}

TESS_INLINE void
score (const gfloat *k, const Work *work, gint d, gint n_keys, const gint width)
{
  gint row = row_length (d);

  for (gint e = 0; e < d; e += DEEP)
    score_part (k + e, work->q + e * width * TESS_LANES, work->scores,
                MIN (DEEP, d - e), row, n_keys, e == 0, width);
}

/* sums [d][queries] += v [n_keys][row] transposed x weights [n_keys][queries]
 */
TESS_INLINE void
add_values (
    const gfloat *v, const Work *work, gint d, gint n_keys, const gint width)
{
  gint row = row_length (d);

  for (gint e = 0; e < d; e += GROUP)
    {
      const TessLanes *weights = (const TessLanes *) work->scores;
      TessLanes *dst = (TessLanes *) work->sums + e * width;
      const gfloat *at = v;
      TessLanes sums[GROUP][WIDEST] = { 0 };

      for (gint key = 0; key < n_keys; key++, at += row, weights += width)
#pragma GCC unroll 4
        for (gint i = 0; i < GROUP; i++)
          {
            TessLanes number = TESS_ALL_LANES (at[e + i]);

#pragma GCC unroll 4
            for (gint j = 0; j < width; j++)
              sums[i][j] += number * weights[j];
          }
#pragma GCC unroll 4
      for (gint i = 0; i < GROUP; i++)
#pragma GCC unroll 4
        for (gint j = 0; j < width; j++)
          dst[i * width + j] += sums[i][j];
    }
}

/* Scores become weights; what was summed for smaller largest scores is scaled
 * to the new ones. */
TESS_INLINE void
weigh (const Work *work, gint d, gint n_keys, const gint width)
{
  TessLanes *scores = (TessLanes *) work->scores,
            *sums = (TessLanes *) work->sums;
  TessLanes largest[WIDEST], totals[WIDEST], factors[WIDEST];

#pragma GCC unroll 4
  for (gint j = 0; j < width; j++)
    {
      largest[j] = work->largest[j];
      totals[j] = (TessLanes) { 0 };
    }
  for (gint key = 0; key < n_keys; key++)
#pragma GCC unroll 4
    for (gint j = 0; j < width; j++)
      largest[j] = tess_lanes_larger (scores[key * width + j], largest[j]);
  for (gint key = 0; key < n_keys; key++)
#pragma GCC unroll 4
    for (gint j = 0; j < width; j++)
      {
        TessLanes weight
            = tess_lanes_power_of_two (scores[key * width + j] - largest[j]);

        scores[key * width + j] = weight;
        totals[j] += weight;
      }
#pragma GCC unroll 4
  for (gint j = 0; j < width; j++)
    {
      factors[j] = tess_lanes_power_of_two (work->largest[j] - largest[j]);
      work->totals[j] = work->totals[j] * factors[j] + totals[j];
      work->largest[j] = largest[j];
    }
  for (gint e = 0; e < d; e++)
#pragma GCC unroll 4
    for (gint j = 0; j < width; j++)
      sums[e * width + j] *= factors[j];
}

TESS_INLINE void
load (const TessAttentionBlock *block, const Work *work, const gint width)
{
  const gfloat scale = block->scale * LOG2_E;
  gfloat numbers[TESS_MAX_HEAD];
  gint d = padded (block->d), n_queries = width * TESS_LANES;

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
  for (gint j = 0; j < width; j++)
    {
      work->largest[j] = TESS_ALL_LANES (-INFINITY);
      work->totals[j] = (TessLanes) { 0 };
    }
}

TESS_INLINE void
store (const TessAttentionBlock *block, const Work *work, const gint width)
{
  const gfloat *totals = (const gfloat *) work->totals;
  gfloat numbers[TESS_MAX_HEAD];
  gint n_queries = width * TESS_LANES;

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

TESS_INLINE void
attend (const TessAttentionBlock *block, const gint width)
{
  gint d = padded (block->d), row = row_length (d),
       n_queries = width * TESS_LANES;
  gint last
      = block->causal ? MIN (block->tk, block->first + block->n) : block->tk;
  Work work = { .q = block->scratch };

  work.sums = work.q + d * n_queries;
  work.scores = work.sums + d * n_queries;
  work.largest = (TessLanes *) (work.scores + KEYS * n_queries);
  work.totals = work.largest + width;
  load (block, &work, width);
  for (gint first = 0; first < last; first += KEYS)
    {
      gint n = padded (MIN (KEYS, last - first));

      score ((const gfloat *) block->k + (gsize) first * row, &work, d, n,
             width);
      tess_block_mask (block, work.scores, first, n, n_queries, LOG2_E);
      weigh (&work, d, n, width);
      add_values ((const gfloat *) block->v + (gsize) first * row, &work, d, n,
                  width);
    }
  store (block, &work, width);
}

#if defined(__x86_64__)
__attribute__ ((target ("arch=x86-64-v4"))) static void
attend_v4 (const TessAttentionBlock *block)
{
  attend (block, 4);
}

__attribute__ ((target ("arch=x86-64-v3"))) static void
attend_v3 (const TessAttentionBlock *block)
{
  attend (block, 1);
}
#endif

static void
attend_any (const TessAttentionBlock *block)
{
  attend (block, 1);
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
  gsize n = (2 * padded (d) + KEYS + 2) * WIDEST * TESS_LANES;

  return n * sizeof (gfloat);
}

#define WAY(label, width, function)                                            \
  {                                                                            \
    .name = label,                                                             \
    .n_queries = width * TESS_LANES,                                           \
    .key_bytes = packed_bytes,                                                 \
    .value_bytes = packed_bytes,                                               \
    .scratch_bytes = scratch_bytes,                                            \
    .pack_keys = pack,                                                         \
    .pack_values = pack,                                                       \
    .run = function,                                                           \
  }

#if defined(TESS_AMX) && defined(__linux__)
/* The kernel's leave to use the tiles' registers, which are large. */
#define REQUEST_PERMISSION 0x1023
#define TILE_DATA 18

static gboolean
has_amx (void)
{
  return tess_cpu_has (dnnl_cpu_isa_avx512_core_amx)
         && __builtin_cpu_supports ("x86-64-v4")
         && syscall (SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
}
#endif

const TessAttentionWay *
tess_attention_way (TessType storage)
{
  static const TessAttentionWay any = WAY ("blocks of queries", 1, attend_any);
#if defined(__x86_64__)
  static const TessAttentionWay v4
      = WAY ("blocks of queries, x86-64-v4", 4, attend_v4);
  static const TessAttentionWay v3
      = WAY ("blocks of queries, x86-64-v3", 1, attend_v3);

#if defined(TESS_AMX) && defined(__linux__)
  if (storage == TESS_BF16 && has_amx ())
    return &tess_attention_way_amx;
#endif
  if (tess_cpu_has (dnnl_cpu_isa_avx512_core)
      && __builtin_cpu_supports ("x86-64-v4"))
    return &v4;
  if (tess_cpu_has (dnnl_cpu_isa_avx2) && __builtin_cpu_supports ("x86-64-v3"))
    return &v3;
#endif
  return &any;
}
