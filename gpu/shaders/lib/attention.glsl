/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/lib/attention.glsl: what the kernels of attention share. Each
 * group takes some queries of one head of one sample, and every key, a block
 * at a time; what it has summed is corrected when a larger score comes.
 * Source: Milakov and Gimelshein 2018 (online softmax). */
#extension GL_EXT_control_flow_attributes : require
#include "lib/pair.glsl"
#include "attention.h"

layout (local_size_x_id = 0) in;
layout (constant_id = 1) const uint D = 64u; /* width of a head */

layout (binding = 0) writeonly restrict buffer Dst { NUMBER dst[]; };
layout (binding = 1) readonly restrict buffer Q { NUMBER q[]; };
layout (binding = 2) readonly restrict buffer K { NUMBER k[]; };
layout (binding = 3) readonly restrict buffer V { NUMBER v[]; };
layout (binding = 4) readonly restrict buffer Rows { int rows[]; };

const float LOWEST = -3.0e38;
const float LOG2_E = 1.44269504;

/* The sample of k and v that sample @n of q attends to. */
uint
row_of (uint n)
{
  return push.has_rows != 0u ? uint (clamp (rows[n], 0, int (push.m) - 1)) : n;
}

/* Query @t sees the keys before this one. */
uint
n_keys_of (uint t)
{
  return push.causal != 0u ? min (t + 1u, push.tk) : push.tk;
}

/* Columns @c and @c + 1 of a head that begins at element @at of dst. */
void
store_pair (uint at, uint c, vec2 sum)
{
#if TESS_STORAGE == 16
  if (c < D)
    PAIR_AT (dst, at + c) = pair_close (sum);
#else
  if (c < D)
    dst[at + c] = sum.x;
  if (c + 1u < D)
    dst[at + c + 1u] = sum.y;
#endif
}
