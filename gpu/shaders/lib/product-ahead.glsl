/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/lib/product-ahead.glsl: what a group of THREADS needs of src (BM
 * rows) and of the weight (BN columns) for one step, PAIRS pairs of channels of
 * one tap, read from global memory in chunks of 16 bytes while the group still
 * works on the step before. ALIGNED: each cell of src begins at a multiple of
 * 16 bytes. */
layout (binding = 1) readonly restrict buffer SrcChunks { CHUNK src_chunks[]; };
layout (binding = 2) readonly restrict buffer WeightChunks
{
  CHUNK weight_chunks[];
};

const uint CHUNKS_ROW = PAIRS / CHUNK_PAIRS;
const uint READS_A = (BM * CHUNKS_ROW + THREADS - 1u) / THREADS;
const uint READS_B = (BN * CHUNKS_ROW + THREADS - 1u) / THREADS;

CHUNK ahead_a[READS_A], ahead_b[READS_B];
Cell cells[READS_A];
uint element[READS_A], mask[READS_A]; /* of the tap at hand */

/* One pair of src, zero outside. */
PAIR
read_pair (uint element, uint c)
{
#if TESS_STORAGE == 16
  return c < push.ic ? src[(element + c) >> 1] : 0u;
#else
  return vec2 (c < push.ic ? src[element + c] : 0.0,
               c + 1u < push.ic ? src[element + c + 1u] : 0.0);
#endif
}

void
read_ahead (uint ky, uint kx, uint k, uint column0)
{
  [[unroll]] for (uint r = 0u; r < READS_A; r++)
    {
      uint at = gl_LocalInvocationIndex + r * THREADS;
      uint c = 2u * (k + at % CHUNKS_ROW * CHUNK_PAIRS);

      ahead_a[r] = CHUNK (0);
      if (mask[r] != 0u && c < push.ic && at < BM * CHUNKS_ROW)
        {
          if (ALIGNED)
            ahead_a[r] = src_chunks[(element[r] + c) / (2u * CHUNK_PAIRS)];
          else
            [[unroll]] for (uint i = 0u; i < CHUNK_PAIRS; i++)
              {
                PAIR v = read_pair (element[r], c + 2u * i);
#if TESS_STORAGE == 16
                ahead_a[r][i] = v;
#else
                ahead_a[r][2u * i] = v.x;
                ahead_a[r][2u * i + 1u] = v.y;
#endif
              }
        }
    }
  [[unroll]] for (uint r = 0u; r < READS_B; r++)
    {
      uint at = gl_LocalInvocationIndex + r * THREADS;
      uint pair = k + at % CHUNKS_ROW * CHUNK_PAIRS;
      uint column = column0 + at / CHUNKS_ROW;

      ahead_b[r] = CHUNK (0);
      if (pair < push.n_pairs && column < push.n_columns
          && at < BN * CHUNKS_ROW)
        ahead_b[r] = weight_chunks[(((ky * push.kw + kx) * push.n_columns
                                     + column)
                                        * push.n_pairs
                                    + pair)
                                   / CHUNK_PAIRS];
    }
}

void
begin_tap (uint ky, uint kx)
{
  [[unroll]] for (uint r = 0u; r < READS_A; r++)
    element[r] = cell_element (cells[r], ky, kx, mask[r]);
}

/* Once, before read_ahead. */
void
begin_ahead (uint cell0)
{
  [[unroll]] for (uint r = 0u; r < READS_A; r++)
    cells[r] = cell_find (
        cell0 + (gl_LocalInvocationIndex + r * THREADS) / CHUNKS_ROW);
  begin_tap (0u, 0u);
}

/* The step after this one; ky reaches kh after the last. */
void
next_step (inout uint ky, inout uint kx, inout uint k)
{
  k += PAIRS;
  if (k >= push.n_pairs)
    {
      k = 0u;
      if (++kx == push.kw)
        {
          kx = 0u;
          ky++;
        }
      begin_tap (ky, kx);
    }
}
