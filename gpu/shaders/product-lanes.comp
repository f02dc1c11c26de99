/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/product-lanes.comp: a product without shared memory or barriers.
 *
 * One group: TM rows by LANES * TN columns; one thread: TM rows by TN
 * columns. The first eight lanes of a subgroup read eight rows of src between
 * them and tell them to all; each lane reads its own columns of the weight.
 * Needs subgroups of 8 lanes or more, all of them in use. */
#version 450
#include "lib/product.glsl"
#extension GL_KHR_shader_subgroup_ballot : require

layout (constant_id = 2) const uint TM = 8u; /* a multiple of 8 */
layout (constant_id = 3) const uint TN = 4u; /* a multiple of 4 */
layout (constant_id = 4) const uint PAIRS = 4u; /* summed at a time */
const uint ROUNDS = TM / 8u;

float acc[TM * TN];
uint element[ROUNDS], mask[ROUNDS];

/* Adds @count pairs of channels from channel @c on, of which the last may
 * have only one; the weight's begin at @w. */
#define ADD(count, c, w, masked) \
  { \
    vec2 b[TN * count]; \
    [[unroll]] for (uint u = 0u; u < count; u++) \
      [[unroll]] for (uint j = 0u; j < TN; j++) \
        b[u * TN + j] = pair_open (weight[w + j * push.n_pairs + u]); \
    [[unroll]] for (uint g = 0u; g < ROUNDS; g++) \
      { \
        vec2 a[count]; \
        [[unroll]] for (uint u = 0u; u < count; u++) \
          a[u] = masked ? source_end (g, c) \
                        : pair_open (pair_keep ( \
                              PAIR_AT (src, element[g] + c + 2u * u), \
                              mask[g])); \
        [[unroll]] for (uint i = 0u; i < 8u; i++) \
          [[unroll]] for (uint u = 0u; u < count; u++) \
            { \
              float a0 = subgroupBroadcast (a[u].x, i); \
              float a1 = subgroupBroadcast (a[u].y, i); \
              [[unroll]] for (uint j = 0u; j < TN; j++) \
                { \
                  uint at = (g * 8u + i) * TN + j; \
                  acc[at] = fma (a0, b[u * TN + j].x, acc[at]); \
                  acc[at] = fma (a1, b[u * TN + j].y, acc[at]); \
                } \
            } \
      } \
  }

/* The pair of round @g from channel @c on, the second zero when there is
 * none. */
vec2
source_end (uint g, uint c)
{
#if TESS_STORAGE == 16
  return pair_open (PAIR_AT (src, element[g] + c) & mask[g]);
#else
  return mask[g] == 0u
             ? vec2 (0)
             : vec2 (src[element[g] + c],
                     c + 1u < push.ic ? src[element[g] + c + 1u] : 0.0);
#endif
}

void
main ()
{
  uint lane = gl_SubgroupInvocationID % 8u;
  uint cell0 = first_cell (TM);
  uint column = (gl_WorkGroupID.y * gl_WorkGroupSize.x
                 + gl_LocalInvocationIndex) * TN;
  uint readable = min (column, push.n_columns - TN);
  uint whole = push.ic / 2u / PAIRS * PAIRS;
  Cell cells[ROUNDS];

  [[unroll]] for (uint g = 0u; g < ROUNDS; g++)
    cells[g] = cell_find (cell0 + g * 8u + lane);
  [[unroll]] for (uint i = 0u; i < TM * TN; i++)
    acc[i] = 0.0;
  for (uint ky = 0u; ky < push.kh; ky++)
    for (uint kx = 0u; kx < push.kw; kx++)
      {
        uint w = ((ky * push.kw + kx) * push.n_columns + readable)
                 * push.n_pairs;
        uint k = 0u;

        [[unroll]] for (uint g = 0u; g < ROUNDS; g++)
          element[g] = cell_element (cells[g], ky, kx, mask[g]);
        for (; k < whole; k += PAIRS, w += PAIRS)
          ADD (PAIRS, 2u * k, w, false)
        for (; 2u * k < push.ic; k++, w++)
          ADD (1u, 2u * k, w, true)
      }
  [[unroll]] for (uint i = 0u; i < TM; i++)
    if (cell0 + i < push.n_cells)
      [[unroll]] for (uint j = 0u; j < TN; j += 4u)
        finish_four (cell0 + i, column + j,
                     vec4 (acc[i * TN + j], acc[i * TN + j + 1u],
                           acc[i * TN + j + 2u], acc[i * TN + j + 3u]));
}
