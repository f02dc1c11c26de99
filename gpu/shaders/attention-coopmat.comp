/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/attention-coopmat.comp: attention with cooperative matrices of
 * MM by MN by MK, 16-bit factors and float32 sums.
 *
 * One group: WAVES subgroups of SUBGROUP lanes, each with MM queries of its
 * own and all columns of the result; keys and values come through shared
 * memory KEYS at a time. Scores pass through shared memory too, where each
 * query is seen to by SUBGROUP / MM lanes. The largest score that a query's
 * sums refer to is only raised when a new one is more than 2^HEADROOM times as
 * large, as scaling the sums is dear; weights up to that fit 16 bits.
 * D is a multiple of 8, MM of SUBGROUP a divisor. */
#version 450
#include "lib/attention.glsl"
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_vote : require
#extension GL_KHR_shader_subgroup_shuffle : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require

layout (constant_id = 0) const uint THREADS = 128u;
layout (constant_id = 2) const uint KEYS = 32u; /* a multiple of MN and MK */
layout (constant_id = 3) const uint WAVES = 4u;
layout (constant_id = 4) const uint SUBGROUP = 32u;
layout (constant_id = 5) const uint MM = 16u;
layout (constant_id = 6) const uint MN = 16u;
layout (constant_id = 7) const uint MK = 16u;
const float HEADROOM = 8.0;

const uint QUERIES = WAVES * MM;
const uint COUNT_D = (D + MK - 1u) / MK; /* of q's matrices */
const uint COUNT_V = (D + MN - 1u) / MN; /* of the sums' */
const uint CHUNKS_D = COUNT_D * MK / 8u, CHUNKS_V = COUNT_V * MN / 8u;
const uint CHUNKS = CHUNKS_D > CHUNKS_V ? CHUNKS_D : CHUNKS_V;
const uint STRIDE = CHUNKS + 1u; /* one more for the banks */
const uint ROWS = QUERIES > 2u * KEYS ? QUERIES : 2u * KEYS;
const uint LANES_ROW = SUBGROUP / MM;
const uint KEYS_LANE = KEYS / LANES_ROW;
const uint STRIDE_S = KEYS + 4u; /* floats; a matrix of sums fits as well */
const uint STRIDE_W = KEYS / 2u + 4u; /* words */

layout (binding = 1) readonly restrict buffer QChunks { uvec4 q_chunks[]; };
layout (binding = 2) readonly restrict buffer KChunks { uvec4 k_chunks[]; };
layout (binding = 3) readonly restrict buffer VChunks { uvec4 v_chunks[]; };

shared uvec4 tile[ROWS * STRIDE]; /* queries; then keys and values */
shared float scores[WAVES * MM * STRIDE_S];
shared uint weights[WAVES * MM * STRIDE_W];
shared float of_rows[WAVES * MM];

#define SHARE(chunks, ROW, n_rows, to) \
  for (uint i = gl_LocalInvocationIndex; i < n_rows * CHUNKS; i += THREADS) \
    tile[(to + i / CHUNKS) * STRIDE + i % CHUNKS] \
        = 8u * (i % CHUNKS) < D \
              ? chunks[ROW (i / CHUNKS) / 8u + i % CHUNKS] \
              : uvec4 (0);

#define QUERY_ROW(r) (q_first + min (t0 + (r), push.tq - 1u) * c_all)
#define KEY_ROW(r) (k_first + min (key0 + (r), push.tk - 1u) * c_all)

void
main ()
{
  uint wave = gl_SubgroupID, lane = gl_SubgroupInvocationID;
  uint own_row = lane % MM, part = lane / MM;
  uint n = gl_WorkGroupID.z, head = gl_WorkGroupID.y;
  uint c_all = push.n_heads * D, t0 = gl_WorkGroupID.x * QUERIES;
  uint q_first = n * push.tq * c_all + head * D;
  uint k_first = row_of (n) * push.tk * c_all + head * D;
  uint n_keys = n_keys_of (min (t0 + QUERIES, push.tq) - 1u);
  uint seen = n_keys_of (min (t0 + wave * MM + own_row, push.tq - 1u));
  uint own_s = wave * MM * STRIDE_S, own_w = wave * MM * STRIDE_W;
  float scale = push.scale * LOG2_E, largest = LOWEST, total = 0.0;
  coopmat<float16_t, gl_ScopeSubgroup, MM, MK, gl_MatrixUseA> a[COUNT_D];
  coopmat<float, gl_ScopeSubgroup, MM, MN, gl_MatrixUseAccumulator>
      sum[COUNT_V];

  SHARE (q_chunks, QUERY_ROW, QUERIES, 0u)
  barrier ();
  [[unroll]] for (uint i = 0u; i < COUNT_D; i++)
    coopMatLoad (a[i], tile, wave * MM * STRIDE + i * (MK / 8u), STRIDE,
                 gl_CooperativeMatrixLayoutRowMajor);
  [[unroll]] for (uint i = 0u; i < COUNT_V; i++)
    sum[i] = coopmat<float, gl_ScopeSubgroup, MM, MN,
                     gl_MatrixUseAccumulator> (0.0);

  for (uint key0 = 0u; key0 < n_keys; key0 += KEYS)
    {
      barrier ();
      SHARE (k_chunks, KEY_ROW, KEYS, 0u)
      SHARE (v_chunks, KEY_ROW, KEYS, KEYS)
      barrier ();
      [[unroll]] for (uint j = 0u; j < KEYS; j += MN)
        {
          coopmat<float, gl_ScopeSubgroup, MM, MN, gl_MatrixUseAccumulator>
              score = coopmat<float, gl_ScopeSubgroup, MM, MN,
                              gl_MatrixUseAccumulator> (0.0);
          coopmat<float16_t, gl_ScopeSubgroup, MK, MN, gl_MatrixUseB> b;

          [[unroll]] for (uint i = 0u; i < COUNT_D; i++)
            {
              coopMatLoad (b, tile, j * STRIDE + i * (MK / 8u), STRIDE,
                           gl_CooperativeMatrixLayoutColumnMajor);
              score = coopMatMulAdd (a[i], b, score);
            }
          coopMatStore (score, scores, own_s + j, STRIDE_S,
                        gl_CooperativeMatrixLayoutRowMajor);
        }
      subgroupBarrier ();

      float own[KEYS_LANE], top = LOWEST, factor = 1.0;

      [[unroll]] for (uint i = 0u; i < KEYS_LANE; i++)
        {
          uint key = part * KEYS_LANE + i;

          own[i] = key0 + key < seen
                       ? scores[own_s + own_row * STRIDE_S + key] * scale
                       : LOWEST;
          top = max (top, own[i]);
        }
      [[unroll]] for (uint i = MM; i < SUBGROUP; i *= 2u)
        top = max (top, subgroupShuffleXor (top, i));
      if (top > largest + HEADROOM)
        {
          factor = exp2 (largest - top);
          largest = top;
          total *= factor;
        }
      [[unroll]] for (uint i = 0u; i < KEYS_LANE; i += 2u)
        {
          uint pair = packHalf2x16 (
              vec2 (exp2 (own[i] - largest), exp2 (own[i + 1u] - largest)));
          vec2 rounded = unpackHalf2x16 (pair);

          total += rounded.x + rounded.y;
          weights[own_w + own_row * STRIDE_W + (part * KEYS_LANE + i) / 2u]
              = pair;
        }
      if (key0 > 0u && subgroupAny (factor != 1.0))
        {
          if (part == 0u)
            of_rows[wave * MM + own_row] = factor;
          [[unroll]] for (uint j = 0u; j < COUNT_V; j++)
            {
              subgroupBarrier ();
              coopMatStore (sum[j], scores, own_s, MN,
                            gl_CooperativeMatrixLayoutRowMajor);
              subgroupBarrier ();
              for (uint i = lane; i < MM * MN; i += SUBGROUP)
                scores[own_s + i] *= of_rows[wave * MM + i / MN];
              subgroupBarrier ();
              coopMatLoad (sum[j], scores, own_s, MN,
                           gl_CooperativeMatrixLayoutRowMajor);
            }
        }
      subgroupBarrier ();
      [[unroll]] for (uint i = 0u; i < KEYS; i += MK)
        {
          coopmat<float16_t, gl_ScopeSubgroup, MM, MK, gl_MatrixUseA> w;
          coopmat<float16_t, gl_ScopeSubgroup, MK, MN, gl_MatrixUseB> b;

          coopMatLoad (w, weights, own_w + i / 2u, STRIDE_W,
                       gl_CooperativeMatrixLayoutRowMajor);
          [[unroll]] for (uint j = 0u; j < COUNT_V; j++)
            {
              coopMatLoad (b, tile, (KEYS + i) * STRIDE + j * (MN / 8u),
                           STRIDE, gl_CooperativeMatrixLayoutRowMajor);
              sum[j] = coopMatMulAdd (w, b, sum[j]);
            }
        }
    }

  [[unroll]] for (uint i = MM; i < SUBGROUP; i *= 2u)
    total += subgroupShuffleXor (total, i);
  if (part == 0u)
    of_rows[wave * MM + own_row] = 1.0 / total;
  [[unroll]] for (uint j = 0u; j < COUNT_V; j++)
    {
      subgroupBarrier ();
      coopMatStore (sum[j], scores, own_s, MN,
                    gl_CooperativeMatrixLayoutRowMajor);
      subgroupBarrier ();
      for (uint i = 2u * lane; i < MM * MN; i += 2u * SUBGROUP)
        {
          uint r = wave * MM + i / MN;

          if (t0 + r < push.tq)
            store_pair (q_first + (t0 + r) * c_all, j * MN + i % MN,
                        vec2 (scores[own_s + i], scores[own_s + i + 1u])
                            * of_rows[r]);
        }
    }
}
