/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/attention-lanes.comp: attention without shared memory or
 * barriers.
 *
 * One group, which is one subgroup of LANES: eight queries and WIDTH columns
 * of the result; heads wider than WIDTH take several groups, each of which
 * computes the scores anew. For the scores a lane takes KEYS keys, for the sums
 * it takes pairs of columns. Needs subgroups of LANES, 8 or more, all in use. */
#version 450
#include "lib/attention.glsl"
#extension GL_KHR_shader_subgroup_arithmetic : require
#extension GL_KHR_shader_subgroup_ballot : require

layout (constant_id = 0) const uint LANES = 8u;
layout (constant_id = 2) const uint KEYS = 4u;
layout (constant_id = 3) const uint WIDTH = 64u;
layout (constant_id = 4) const uint PAIRS = 4u; /* summed at a time */
const uint ROUNDS = (WIDTH / 2u + LANES - 1u) / LANES;
const uint D_PAIRS = (D + 1u) / 2u;
const uint WHOLE = D / 2u / PAIRS * PAIRS;

float score[8u * KEYS];
vec2 sum[8u * ROUNDS];
float largest[8], total[8];
uint query, key[KEYS]; /* elements, where a lane's own begin */

/* The pair of @array from column @c of a head that begins at element @at; the
 * last may have only one. */
#if TESS_STORAGE == 16
#define HEAD_PAIR(array, at, c) pair_open (PAIR_AT (array, (at) + (c)))
#else
#define HEAD_PAIR(array, at, c) \
  vec2 (array[(at) + (c)], (c) + 1u < D ? array[(at) + (c) + 1u] : 0.0)
#endif

/* Adds @n_pairs columns from @c on to the scores. */
#define ADD(n_pairs, c) \
  { \
    vec2 a[n_pairs], b[KEYS * n_pairs]; \
    [[unroll]] for (uint u = 0u; u < n_pairs; u++) \
      { \
        a[u] = HEAD_PAIR (q, query, c + 2u * u); \
        [[unroll]] for (uint j = 0u; j < KEYS; j++) \
          b[u * KEYS + j] = HEAD_PAIR (k, key[j], c + 2u * u); \
      } \
    [[unroll]] for (uint i = 0u; i < 8u; i++) \
      [[unroll]] for (uint u = 0u; u < n_pairs; u++) \
        { \
          float a0 = subgroupBroadcast (a[u].x, i); \
          float a1 = subgroupBroadcast (a[u].y, i); \
          [[unroll]] for (uint j = 0u; j < KEYS; j++) \
            { \
              uint at = i * KEYS + j; \
              score[at] = fma (a0, b[u * KEYS + j].x, score[at]); \
              score[at] = fma (a1, b[u * KEYS + j].y, score[at]); \
            } \
        } \
  }

void
main ()
{
  uint lane = gl_SubgroupInvocationID;
  uint n_parts = (D + WIDTH - 1u) / WIDTH;
  uint head = gl_WorkGroupID.y / n_parts;
  uint column = gl_WorkGroupID.y % n_parts * WIDTH;
  uint n = gl_WorkGroupID.z, c = push.n_heads * D;
  uint t0 = gl_WorkGroupID.x * 8u;
  uint first = row_of (n) * push.tk * c + head * D;
  uint n_keys = n_keys_of (min (t0 + 7u, push.tq - 1u));
  float scale = push.scale * LOG2_E;

  query = (n * push.tq + min (t0 + lane % 8u, push.tq - 1u)) * c + head * D;
  [[unroll]] for (uint i = 0u; i < 8u; i++)
    {
      largest[i] = LOWEST;
      total[i] = 0.0;
      [[unroll]] for (uint r = 0u; r < ROUNDS; r++)
        sum[i * ROUNDS + r] = vec2 (0);
    }
  for (uint key0 = 0u; key0 < n_keys; key0 += LANES * KEYS)
    {
      [[unroll]] for (uint i = 0u; i < 8u * KEYS; i++)
        score[i] = 0.0;
      [[unroll]] for (uint j = 0u; j < KEYS; j++)
        key[j] = first + min (key0 + j * LANES + lane, push.tk - 1u) * c;
      for (uint pair = 0u; pair < WHOLE; pair += PAIRS)
        ADD (PAIRS, 2u * pair)
      [[unroll]] for (uint pair = WHOLE; pair < D_PAIRS; pair++)
        ADD (1u, 2u * pair)

      [[unroll]] for (uint i = 0u; i < 8u; i++)
        {
          uint seen = n_keys_of (min (t0 + i, push.tq - 1u));
          float top = LOWEST, factor;

          [[unroll]] for (uint j = 0u; j < KEYS; j++)
            {
              bool sees = key0 + j * LANES + lane < seen;

              score[i * KEYS + j]
                  = sees ? score[i * KEYS + j] * scale : LOWEST;
              top = max (top, score[i * KEYS + j]);
            }
          top = max (largest[i], subgroupMax (top));
          factor = exp2 (largest[i] - top);
          largest[i] = top;
          total[i] *= factor;
          [[unroll]] for (uint j = 0u; j < KEYS; j++)
            {
              score[i * KEYS + j] = exp2 (score[i * KEYS + j] - top);
              total[i] += score[i * KEYS + j];
            }
          [[unroll]] for (uint r = 0u; r < ROUNDS; r++)
            sum[i * ROUNDS + r] *= factor;
        }

      [[unroll]] for (uint j = 0u; j < KEYS; j++)
        [[unroll]] for (uint u = 0u; u < LANES; u += 2u)
          {
            vec2 b[2u * ROUNDS];

            [[unroll]] for (uint s = 0u; s < 2u; s++)
              {
                uint at = min (key0 + j * LANES + u + s, push.tk - 1u);

                at = first + at * c;
                [[unroll]] for (uint r = 0u; r < ROUNDS; r++)
                  {
                    uint col = column + 2u * (r * LANES + lane);

                    col = min (col, 2u * D_PAIRS - 2u);
                    b[s * ROUNDS + r] = HEAD_PAIR (v, at, col);
                  }
              }
            [[unroll]] for (uint i = 0u; i < 8u; i++)
              [[unroll]] for (uint s = 0u; s < 2u; s++)
                {
                  float a = subgroupBroadcast (score[i * KEYS + j], u + s);

                  [[unroll]] for (uint r = 0u; r < ROUNDS; r++)
                    sum[i * ROUNDS + r]
                        = fma (vec2 (a), b[s * ROUNDS + r],
                               sum[i * ROUNDS + r]);
                }
          }
    }
  [[unroll]] for (uint i = 0u; i < 8u; i++)
    {
      float over = 1.0 / subgroupAdd (total[i]);

      if (t0 + i < push.tq)
        [[unroll]] for (uint r = 0u; r < ROUNDS; r++)
          if (2u * (r * LANES + lane) < WIDTH)
            store_pair ((n * push.tq + t0 + i) * c + head * D,
                        column + 2u * (r * LANES + lane),
                        sum[i * ROUNDS + r] * over);
    }
}
