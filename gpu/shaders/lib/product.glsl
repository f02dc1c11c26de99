/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/lib/product.glsl: what the kernels of a product share: bindings,
 * where the source of a cell lies, and what is done with its sums. */
#extension GL_EXT_control_flow_attributes : require
#include "lib/pair.glsl"
#include "product.h"

#include "lib/activation.glsl"

layout (local_size_x_id = 0) in;
layout (constant_id = 1) const uint ACT = 0u;

layout (binding = 0) writeonly restrict buffer Dst { NUMBER dst[]; };
layout (binding = 1) readonly restrict buffer Src { NUMBER src[]; };
layout (binding = 2) readonly restrict buffer Weight { PAIR weight[]; };
layout (binding = 3) readonly restrict buffer Bias { float bias[]; };
layout (binding = 4) readonly restrict buffer Row { NUMBER row[]; };
layout (binding = 5) readonly restrict buffer Residual { NUMBER residual[]; };

/* The first of the rows of a group that takes @n_rows. Groups of rows lie in
 * x and z: x alone may be too short. */
uint
first_cell (uint n_rows)
{
  return (gl_WorkGroupID.z * gl_NumWorkGroups.x + gl_WorkGroupID.x) * n_rows;
}

/* A cell of dst. */
struct Cell
{
  int y, x;    /* where its window begins in src, after doubling */
  uint first;  /* the first cell of its sample in src */
  bool inside; /* there is such a cell */
};

Cell
cell_find (uint cell)
{
  uint area = push.h * push.w, n = cell / area, at = cell - n * area;
  uint y = at / push.w, x = at - y * push.w;

  return Cell (int (y * push.stride) - int (push.pad),
               int (x * push.stride) - int (push.pad),
               n * push.src_h * push.src_w, cell < push.n_cells);
}

/* The element of src where the channels of a tap begin; @mask is all ones, or
 * zero, with element 0, where the tap is in the padding. Without &&, whose
 * branches cost every round of the loop, and of which llvmpipe (Mesa 26.1, LLVM
 * 21, vectors of 256 bits, optimised only) makes zeros for rows that are not
 * in the padding, in float16 and before a rectifier. */
uint
cell_element (Cell cell, uint ky, uint kx, out uint mask)
{
  int y = cell.y + int (ky), x = cell.x + int (kx);
  bool inside = all (bvec3 (cell.inside, uint (y) < push.src_h * push.upsample,
                            uint (x) < push.src_w * push.upsample));
  uint half_or_not = push.upsample - 1u;
  uint at = cell.first + (uint (y) >> half_or_not) * push.src_w
            + (uint (x) >> half_or_not);

  mask = inside ? ~0u : 0u;
  return inside ? at * push.ic : 0u;
}

/* The sums of two neighbouring columns of a cell, to dst. */
void
finish_pair (uint cell, uint c, vec2 sum)
{
  uint at = cell * push.oc + c;

  if (push.has_bias != 0u)
    sum += vec2 (bias[c], bias[c + 1u]);
#if TESS_STORAGE == 16
  if (push.has_row != 0u)
    sum += pair_open (PAIR_AT (row, c));
  sum = vec2 (tess_activate (ACT, sum.x), tess_activate (ACT, sum.y));
  if (push.has_residual != 0u)
    sum += pair_open (PAIR_AT (residual, at));
  PAIR_AT (dst, at) = pair_close (sum);
#else
  [[unroll]] for (uint i = 0u; i < 2u; i++)
    if (c + i < push.oc)
      {
        float s = sum[i];

        if (push.has_row != 0u)
          s += row[c + i];
        s = tess_activate (ACT, s);
        if (push.has_residual != 0u)
          s += residual[at + i];
        dst[at + i] = s;
      }
#endif
}

/* With GEGLU: column @c of the weight and its neighbour, and their gates. */
void
finish_gated (uint cell, uint c, vec2 sum, vec2 gate)
{
  uint at = cell * push.oc + c / 2u;

  if (push.has_bias != 0u)
    {
      sum += vec2 (bias[c], bias[c + 1u]);
      gate += vec2 (bias[c + 2u], bias[c + 3u]);
    }
  sum *= vec2 (tess_activate (TESS_GPU_ACT_GELU, gate.x),
               tess_activate (TESS_GPU_ACT_GELU, gate.y));
#if TESS_STORAGE == 16
  if (push.has_residual != 0u)
    sum += pair_open (PAIR_AT (residual, at));
  PAIR_AT (dst, at) = pair_close (sum);
#else
  [[unroll]] for (uint i = 0u; i < 2u; i++)
    if (c / 2u + i < push.oc)
      dst[at + i]
          = sum[i] + (push.has_residual != 0u ? residual[at + i] : 0.0);
#endif
}

/* Four neighbouring columns, the first a multiple of four. */
void
finish_four (uint cell, uint c, vec4 sum)
{
  if (ACT == TESS_GPU_ACT_GEGLU)
    {
      if (c / 2u < push.oc)
        finish_gated (cell, c, sum.xy, sum.zw);
    }
  else
    {
      if (c < push.oc)
        finish_pair (cell, c, sum.xy);
      if (c + 2u < push.oc)
        finish_pair (cell, c + 2u, sum.zw);
    }
}
