/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/product-coopmat.comp: a product with cooperative matrices of
 * MM by MN by MK, 16-bit factors and float32 sums.
 *
 * One group: BM rows by BN columns, of which each of its WAVES_M by WAVES_N
 * subgroups takes an equal part. Each step sums over PAIRS pairs of channels of
 * one tap, through shared memory. */
#version 450
#include "lib/product.glsl"
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require

layout (constant_id = 0) const uint THREADS = 128u;
layout (constant_id = 2) const uint BM = 64u;
layout (constant_id = 3) const uint BN = 64u;
layout (constant_id = 4) const uint PAIRS = 16u;
layout (constant_id = 5) const uint WAVES_M = 2u;
layout (constant_id = 6) const uint WAVES_N = 2u;
layout (constant_id = 7) const uint MM = 16u;
layout (constant_id = 8) const uint MN = 16u;
layout (constant_id = 9) const uint MK = 16u;
layout (constant_id = 10) const bool ALIGNED = false;
layout (constant_id = 11) const bool POINTWISE = false;

const uint SUBGROUP = THREADS / (WAVES_M * WAVES_N);
const uint PART_M = BM / WAVES_M, PART_N = BN / WAVES_N;
const uint COUNT_M = PART_M / MM, COUNT_N = PART_N / MN;
const uint STRIDE = PAIRS / CHUNK_PAIRS + 1u; /* one more for the banks */
const uint FOURS = MM * MN / 4u; /* of the sums of one matrix */
const uint SIZE_A = BM * STRIDE, SIZE_SUMS = WAVES_M * WAVES_N * FOURS;

shared CHUNK tile_a[SIZE_A > SIZE_SUMS ? SIZE_A : SIZE_SUMS];
shared CHUNK tile_b[BN * STRIDE];

#include "lib/product-ahead.glsl"

void
share ()
{
  [[unroll]] for (uint r = 0u; r < READS_A; r++)
    {
      uint at = gl_LocalInvocationIndex + r * THREADS;

      if (BM * CHUNKS_ROW % THREADS == 0u || at < BM * CHUNKS_ROW)
        tile_a[at / CHUNKS_ROW * STRIDE + at % CHUNKS_ROW] = ahead_a[r];
    }
  [[unroll]] for (uint r = 0u; r < READS_B; r++)
    {
      uint at = gl_LocalInvocationIndex + r * THREADS;

      if (BN * CHUNKS_ROW % THREADS == 0u || at < BN * CHUNKS_ROW)
        tile_b[at / CHUNKS_ROW * STRIDE + at % CHUNKS_ROW] = ahead_b[r];
    }
}

void
main ()
{
  uint row0 = gl_SubgroupID / WAVES_N * PART_M;
  uint part0 = gl_SubgroupID % WAVES_N * PART_N;
  uint cell0 = first_cell (BM), column0 = gl_WorkGroupID.y * BN;
  uint ky = 0u, kx = 0u, k = 0u;
  coopmat<float, gl_ScopeSubgroup, MM, MN, gl_MatrixUseAccumulator>
      sum[COUNT_M * COUNT_N];

  [[unroll]] for (uint i = 0u; i < COUNT_M * COUNT_N; i++)
    sum[i] = coopmat<float, gl_ScopeSubgroup, MM, MN,
                     gl_MatrixUseAccumulator> (0.0);
  begin_ahead (cell0, column0);
  read_ahead (0u, 0u, 0u, column0);
  while (ky < n_taps_y ())
    {
      barrier ();
      share ();
      barrier ();
      next_step (ky, kx, k);
      if (ky < n_taps_y ())
        read_ahead (ky, kx, k, column0);
      [[unroll]] for (uint u = 0u; u < 2u * PAIRS; u += MK)
        {
          coopmat<float16_t, gl_ScopeSubgroup, MM, MK, gl_MatrixUseA>
              a[COUNT_M];
          coopmat<float16_t, gl_ScopeSubgroup, MK, MN, gl_MatrixUseB> b;

          [[unroll]] for (uint i = 0u; i < COUNT_M; i++)
            coopMatLoad (a[i], tile_a,
                         (row0 + i * MM) * STRIDE + u / (2u * CHUNK_PAIRS),
                         STRIDE, gl_CooperativeMatrixLayoutRowMajor);
          [[unroll]] for (uint j = 0u; j < COUNT_N; j++)
            {
              coopMatLoad (b, tile_b,
                           (part0 + j * MN) * STRIDE + u / (2u * CHUNK_PAIRS),
                           STRIDE, gl_CooperativeMatrixLayoutColumnMajor);
              [[unroll]] for (uint i = 0u; i < COUNT_M; i++)
                sum[i * COUNT_N + j]
                    = coopMatMulAdd (a[i], b, sum[i * COUNT_N + j]);
            }
        }
    }

  [[unroll]] for (uint i = 0u; i < COUNT_M; i++)
    [[unroll]] for (uint j = 0u; j < COUNT_N; j++)
      {
        uint own = gl_SubgroupID * FOURS;

        barrier ();
        coopMatStore (sum[i * COUNT_N + j], tile_a, own, MN / 4u,
                      gl_CooperativeMatrixLayoutRowMajor);
        barrier ();
        [[unroll]] for (uint first = 0u; first < FOURS; first += SUBGROUP)
          {
            uint four = first + gl_SubgroupInvocationID;
            uint cell = cell0 + row0 + i * MM + four / (MN / 4u);
            uint column = column0 + part0 + j * MN + four % (MN / 4u) * 4u;

            if (cell < push.n_cells && (FOURS % SUBGROUP == 0u || four < FOURS))
              finish_four (cell, column,
                           uintBitsToFloat (tile_a[own + four]));
          }
      }
}
