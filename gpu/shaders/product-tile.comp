/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/product-tile.comp: a product through shared memory, for any device.
 *
 * One group: BM rows by BN columns; one thread: TM rows by TN columns, in
 * groups of four neighbours. Each step sums over PAIRS pairs of channels of one
 * tap: the group copies what all need of src and of the weight to shared
 * memory, having read it from global memory during the step before. */
#version 450
#include "lib/product.glsl"

layout (constant_id = 2) const uint BM = 64u;
layout (constant_id = 3) const uint BN = 64u;
layout (constant_id = 4) const uint TM = 4u; /* a multiple of 4 */
layout (constant_id = 5) const uint TN = 4u; /* a multiple of 4 */
layout (constant_id = 6) const uint PAIRS = 8u;
layout (constant_id = 7) const bool ALIGNED = false;
layout (constant_id = 8) const bool POINTWISE = false;

const uint THREADS = BM / TM * (BN / TN);
const uint STRIDE_A = BM + 4u, STRIDE_B = BN + 4u; /* for the banks' sake */

/* In float32: converted once here, not by each of their readers. */
shared vec2 tile_a[PAIRS * STRIDE_A];
shared vec2 tile_b[PAIRS * STRIDE_B];

#include "lib/product-ahead.glsl"

void
share ()
{
  [[unroll]] for (uint r = 0u; r < READS_A; r++)
    {
      uint at = gl_LocalInvocationIndex + r * THREADS;

      if (BM * CHUNKS_ROW % THREADS == 0u || at < BM * CHUNKS_ROW)
        [[unroll]] for (uint i = 0u; i < CHUNK_PAIRS; i++)
          tile_a[(at % CHUNKS_ROW * CHUNK_PAIRS + i) * STRIDE_A
                 + at / CHUNKS_ROW]
              = pair_open (PAIR_OF_CHUNK (ahead_a[r], i));
    }
  [[unroll]] for (uint r = 0u; r < READS_B; r++)
    {
      uint at = gl_LocalInvocationIndex + r * THREADS;

      if (BN * CHUNKS_ROW % THREADS == 0u || at < BN * CHUNKS_ROW)
        [[unroll]] for (uint i = 0u; i < CHUNK_PAIRS; i++)
          tile_b[(at % CHUNKS_ROW * CHUNK_PAIRS + i) * STRIDE_B
                 + at / CHUNKS_ROW]
              = pair_open (PAIR_OF_CHUNK (ahead_b[r], i));
    }
}

/* Row i of a thread's TM, as of the group's BM; columns alike. */
#define ROW_OF(i) ((i) / 4u * (BM / (TM / 4u)) + thread_y * 4u + (i) % 4u)
#define COLUMN_OF(j) ((j) / 4u * (BN / (TN / 4u)) + thread_x * 4u + (j) % 4u)

void
main ()
{
  uint thread_x = gl_LocalInvocationIndex % (BN / TN);
  uint thread_y = gl_LocalInvocationIndex / (BN / TN);
  uint cell0 = first_cell (BM), column0 = gl_WorkGroupID.y * BN;
  uint ky = 0u, kx = 0u, k = 0u;
  float acc[TM * TN];

  [[unroll]] for (uint i = 0u; i < TM * TN; i++)
    acc[i] = 0.0;
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
      [[unroll]] for (uint u = 0u; u < PAIRS; u++)
        {
          vec2 a[TM], b[TN];

          [[unroll]] for (uint i = 0u; i < TM; i++)
            a[i] = tile_a[u * STRIDE_A + ROW_OF (i)];
          [[unroll]] for (uint j = 0u; j < TN; j++)
            b[j] = tile_b[u * STRIDE_B + COLUMN_OF (j)];
          [[unroll]] for (uint i = 0u; i < TM; i++)
            [[unroll]] for (uint j = 0u; j < TN; j++)
              {
                acc[i * TN + j] = fma (a[i].x, b[j].x, acc[i * TN + j]);
                acc[i * TN + j] = fma (a[i].y, b[j].y, acc[i * TN + j]);
              }
        }
    }
  [[unroll]] for (uint i = 0u; i < TM; i++)
    if (cell0 + ROW_OF (i) < push.n_cells)
      [[unroll]] for (uint j = 0u; j < TN; j += 4u)
        finish_four (cell0 + ROW_OF (i), column0 + COLUMN_OF (j),
                     vec4 (acc[i * TN + j], acc[i * TN + j + 1u],
                           acc[i * TN + j + 2u], acc[i * TN + j + 3u]));
}
