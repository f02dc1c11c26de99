/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/lib/product-ahead.glsl: what a group of THREADS needs of src (BM
 * rows) and of the weight (BN columns) for one step, PAIRS pairs of channels of
 * one tap, read from global memory in chunks of 16 bytes while the group still
 * works on the step before. ALIGNED: each cell of src begins at a multiple of
 * 16 bytes. POINTWISE: the only tap of a cell is the cell itself, and its
 * channels are whole steps; then nothing is read that is not there, and rows
 * and columns too many are those of the last, which nobody stores. */
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
uint first_a[READS_A], first_b[READS_B]; /* chunks of a pointwise step 0 */

/* Taps from top to bottom. */
uint
n_taps_y ()
{
  return POINTWISE ? 1u : push.kh;
}

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
begin_pointwise (uint cell0, uint column0)
{
  [[unroll]] for (uint r = 0u; r < READS_A; r++)
    {
      uint at = gl_LocalInvocationIndex + r * THREADS;
      uint cell = min (cell0 + at / CHUNKS_ROW, push.n_cells - 1u);

      first_a[r] = cell * (push.n_pairs / CHUNK_PAIRS) + at % CHUNKS_ROW;
    }
  [[unroll]] for (uint r = 0u; r < READS_B; r++)
    {
      uint at = gl_LocalInvocationIndex + r * THREADS;
      uint column = min (column0 + at / CHUNKS_ROW, push.n_columns - 1u);

      first_b[r] = column * (push.n_pairs / CHUNK_PAIRS) + at % CHUNKS_ROW;
    }
}

void
read_pointwise (uint k)
{
  [[unroll]] for (uint r = 0u; r < READS_A; r++)
    ahead_a[r] = src_chunks[first_a[r] + k / CHUNK_PAIRS];
  [[unroll]] for (uint r = 0u; r < READS_B; r++)
    ahead_b[r] = weight_chunks[first_b[r] + k / CHUNK_PAIRS];
}

void
read_taps (uint ky, uint kx, uint k, uint column0)
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

void
read_ahead (uint ky, uint kx, uint k, uint column0)
{
  if (POINTWISE)
    read_pointwise (k);
  else
    read_taps (ky, kx, k, column0);
}

/* Once, before read_ahead. */
void
begin_ahead (uint cell0, uint column0)
{
  if (POINTWISE)
    {
      begin_pointwise (cell0, column0);
      return;
    }
  [[unroll]] for (uint r = 0u; r < READS_A; r++)
    cells[r] = cell_find (
        cell0 + (gl_LocalInvocationIndex + r * THREADS) / CHUNKS_ROW);
  begin_tap (0u, 0u);
}

/* The step after this one; ky reaches n_taps_y after the last. */
void
next_step (inout uint ky, inout uint kx, inout uint k)
{
  k += PAIRS;
  if (k >= push.n_pairs)
    {
      k = 0u;
      if (POINTWISE || ++kx == push.kw)
        {
          kx = 0u;
          ky++;
        }
      if (!POINTWISE)
        begin_tap (ky, kx);
    }
}
