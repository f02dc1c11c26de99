/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/attention-tile.comp: attention through shared memory, for any
 * device.
 *
 * One group: QUERIES queries and WIDTH columns of the result; heads wider
 * than WIDTH take several groups, each of which computes the scores anew. For
 * each block of KEYS keys:
 * - scores: one thread sums four queries by four keys, over the columns of q
 *   and k, which come through shared memory DEPTH pairs at a time;
 * - weights: PARTS threads a query;
 * - sums: one thread takes SUMS queries, and every COLUMNS-th pair of columns
 *   of v, which comes through shared memory as a whole. */
#version 450
#include "lib/attention.glsl"

layout (constant_id = 2) const uint QUERIES = 64u;
layout (constant_id = 3) const uint KEYS = 32u;
layout (constant_id = 4) const uint WIDTH = 64u;
layout (constant_id = 5) const uint DEPTH = 16u; /* pairs */
layout (constant_id = 6) const uint COLUMNS = 8u;

const uint THREADS = QUERIES / 4u * (KEYS / 4u);
const uint PARTS = THREADS / QUERIES;
const uint SUMS = QUERIES * COLUMNS / THREADS;
const uint ROUNDS = (WIDTH / 2u + COLUMNS - 1u) / COLUMNS;
const uint D_PAIRS = (D + 1u) / 2u;
const uint STRIDE_Q = QUERIES + 4u, STRIDE_K = KEYS + 4u;
const uint STRIDE_V = ROUNDS * COLUMNS;
const uint SIZE_QK = DEPTH * (STRIDE_Q + STRIDE_K);
const uint SIZE_V = KEYS * STRIDE_V;
const bool ALIGNED = D % (2u * CHUNK_PAIRS) == 0u;

shared PAIR tile[SIZE_QK > SIZE_V ? SIZE_QK : SIZE_V];
shared float scores[KEYS * STRIDE_Q];
shared float tops[THREADS], factors[QUERIES];

layout (binding = 1) readonly restrict buffer QChunks { CHUNK q_chunks[]; };
layout (binding = 2) readonly restrict buffer KChunks { CHUNK k_chunks[]; };
layout (binding = 3) readonly restrict buffer VChunks { CHUNK v_chunks[]; };

/* Column @c of the head whose columns begin at element @at; zero beyond. */
#if TESS_STORAGE == 16
#define HEAD_PAIR(array, at, c) ((c) < D ? PAIR_AT (array, (at) + (c)) : 0u)
#else
#define HEAD_PAIR(array, at, c) \
  vec2 ((c) < D ? array[(at) + (c)] : 0.0, \
        (c) + 1u < D ? array[(at) + (c) + 1u] : 0.0)
#endif

/* Columns of @n_rows queries or keys to shared memory, one pair after another.
 * ROW (r) is the element where row r begins. */
#define SHARE(array, chunks, ROW, n_rows, to, stride, pair0) \
  if (ALIGNED) \
    for (uint i = gl_LocalInvocationIndex; i < n_rows * (DEPTH / CHUNK_PAIRS); \
         i += THREADS) \
      { \
        uint r = i / (DEPTH / CHUNK_PAIRS); \
        uint pair = i % (DEPTH / CHUNK_PAIRS) * CHUNK_PAIRS; \
        CHUNK chunk = CHUNK (0); \
        if (pair0 + pair < D_PAIRS) \
          chunk = chunks[(ROW (r) + 2u * (pair0 + pair)) \
                         / (2u * CHUNK_PAIRS)]; \
        [[unroll]] for (uint j = 0u; j < CHUNK_PAIRS; j++) \
          tile[to + (pair + j) * stride + r] = PAIR_OF_CHUNK (chunk, j); \
      } \
  else \
    for (uint i = gl_LocalInvocationIndex; i < n_rows * DEPTH; i += THREADS) \
      { \
        uint at = ROW (i / DEPTH), c = 2u * (pair0 + i % DEPTH); \
        tile[to + i % DEPTH * stride + i / DEPTH] = HEAD_PAIR (array, at, c); \
      }

#define QUERY_ROW(r) (q_first + min (t0 + (r), push.tq - 1u) * c_all)
#define KEY_ROW(r) (k_first + min (key0 + (r), push.tk - 1u) * c_all)

void
main ()
{
  uint thread = gl_LocalInvocationIndex;
  uint n_parts = (D + WIDTH - 1u) / WIDTH;
  uint head = gl_WorkGroupID.y / n_parts;
  uint pair_v = gl_WorkGroupID.y % n_parts * (WIDTH / 2u);
  uint n = gl_WorkGroupID.z, c_all = push.n_heads * D;
  uint t0 = gl_WorkGroupID.x * QUERIES;
  uint q_first = n * push.tq * c_all + head * D;
  uint k_first = row_of (n) * push.tk * c_all + head * D;
  uint n_keys = n_keys_of (min (t0 + QUERIES, push.tq) - 1u);
  float scale = push.scale * LOG2_E;
  uint score_q = thread % (QUERIES / 4u) * 4u;
  uint score_k = thread / (QUERIES / 4u) * 4u;
  uint own_q = thread % QUERIES, part = thread / QUERIES;
  uint seen = n_keys_of (min (t0 + own_q, push.tq - 1u));
  uint sum_x = thread % COLUMNS, sum_y = thread / COLUMNS * SUMS;
  float largest = LOWEST, total = 0.0;
  vec2 sum[SUMS * ROUNDS];

  [[unroll]] for (uint i = 0u; i < SUMS * ROUNDS; i++)
    sum[i] = vec2 (0);
  for (uint key0 = 0u; key0 < n_keys; key0 += KEYS)
    {
      float score[16];

      [[unroll]] for (uint i = 0u; i < 16u; i++)
        score[i] = 0.0;
      for (uint pair0 = 0u; pair0 < D_PAIRS; pair0 += DEPTH)
        {
          barrier ();
          SHARE (q, q_chunks, QUERY_ROW, QUERIES, 0u, STRIDE_Q, pair0)
          SHARE (k, k_chunks, KEY_ROW, KEYS, DEPTH * STRIDE_Q, STRIDE_K, pair0)
          barrier ();
          [[unroll]] for (uint u = 0u; u < DEPTH; u++)
            {
              PAIR a[4], b[4];

              [[unroll]] for (uint i = 0u; i < 4u; i++)
                {
                  a[i] = tile[u * STRIDE_Q + score_q + i];
                  b[i] = tile[DEPTH * STRIDE_Q + u * STRIDE_K + score_k + i];
                }
              [[unroll]] for (uint i = 0u; i < 16u; i++)
                {
                  vec2 x = pair_open (a[i / 4u]), y = pair_open (b[i % 4u]);

                  score[i] = fma (x.x, y.x, score[i]);
                  score[i] = fma (x.y, y.y, score[i]);
                }
            }
        }
      [[unroll]] for (uint i = 0u; i < 16u; i++)
        scores[(score_k + i % 4u) * STRIDE_Q + score_q + i / 4u]
            = score[i] * scale;
      barrier ();

      float top = LOWEST, factor, here = 0.0;
      uint from = part * (KEYS / PARTS);

      for (uint i = from; i < from + KEYS / PARTS; i++)
        if (key0 + i < seen)
          top = max (top, scores[i * STRIDE_Q + own_q]);
      tops[thread] = top;
      barrier ();
      top = largest;
      [[unroll]] for (uint i = 0u; i < PARTS; i++)
        top = max (top, tops[i * QUERIES + own_q]);
      factor = exp2 (largest - top);
      largest = top;
      if (part == 0u)
        factors[own_q] = factor;
      for (uint i = from; i < from + KEYS / PARTS; i++)
        {
          uint at = i * STRIDE_Q + own_q;
          float w = key0 + i < seen ? exp2 (scores[at] - top) : 0.0;

          here += w;
          scores[at] = w;
        }
      total = total * factor + here;

      if (ALIGNED && WIDTH % (2u * CHUNK_PAIRS) == 0u)
        for (uint i = thread; i < KEYS * (WIDTH / 2u / CHUNK_PAIRS);
             i += THREADS)
          {
            uint key = i / (WIDTH / 2u / CHUNK_PAIRS);
            uint pair = i % (WIDTH / 2u / CHUNK_PAIRS) * CHUNK_PAIRS;
            CHUNK chunk = CHUNK (0);

            if (pair_v + pair < D_PAIRS)
              chunk = v_chunks[(KEY_ROW (key) + 2u * (pair_v + pair))
                               / (2u * CHUNK_PAIRS)];
            [[unroll]] for (uint j = 0u; j < CHUNK_PAIRS; j++)
              tile[key * STRIDE_V + pair + j] = PAIR_OF_CHUNK (chunk, j);
          }
      else
        for (uint i = thread; i < KEYS * (WIDTH / 2u); i += THREADS)
          {
            uint key = i / (WIDTH / 2u), pair = i % (WIDTH / 2u);
            uint at = KEY_ROW (key), c = 2u * (pair_v + pair);

            tile[key * STRIDE_V + pair] = HEAD_PAIR (v, at, c);
          }
      barrier ();

      [[unroll]] for (uint i = 0u; i < SUMS; i++)
        {
          float f = factors[sum_y + i];

          [[unroll]] for (uint r = 0u; r < ROUNDS; r++)
            sum[i * ROUNDS + r] *= f;
        }
      for (uint key = 0u; key < KEYS; key += 4u)
        [[unroll]] for (uint u = 0u; u < 4u; u++)
          {
            float w[SUMS];

            [[unroll]] for (uint i = 0u; i < SUMS; i++)
              w[i] = scores[(key + u) * STRIDE_Q + sum_y + i];
            [[unroll]] for (uint r = 0u; r < ROUNDS; r++)
              {
                vec2 b = pair_open (
                    tile[(key + u) * STRIDE_V + r * COLUMNS + sum_x]);

                [[unroll]] for (uint i = 0u; i < SUMS; i++)
                  sum[i * ROUNDS + r]
                      = fma (vec2 (w[i]), b, sum[i * ROUNDS + r]);
              }
          }
    }

  tops[thread] = total;
  barrier ();
  [[unroll]] for (uint i = 0u; i < SUMS; i++)
    if (t0 + sum_y + i < push.tq)
      {
        float all = 0.0;

        [[unroll]] for (uint j = 0u; j < PARTS; j++)
          all += tops[j * QUERIES + sum_y + i];
        [[unroll]] for (uint r = 0u; r < ROUNDS; r++)
          if (r * COLUMNS + sum_x < WIDTH / 2u)
            store_pair (q_first + (t0 + sum_y + i) * c_all,
                        2u * (pair_v + r * COLUMNS + sum_x),
                        sum[i * ROUNDS + r] / all);
      }
}
