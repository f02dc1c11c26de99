/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/conv2d.comp: convolution, the simple way.
 * dst = act (conv (src) + bias + row) + residual
 * One thread: one channel of one cell of dst. Reads the weight as
 * [kh * kw][ic][oc]. */
#version 450
#include "lib/types.glsl"
#include "conv2d.h"

#include "lib/activation.glsl"

layout (local_size_x = 64) in;

#include "lib/index.glsl"

layout (binding = 0) writeonly buffer Dst { STORE dst[]; };
layout (binding = 1) readonly buffer Src { STORE src[]; };
layout (binding = 2) readonly buffer Weight { STORE weight[]; };
layout (binding = 3) readonly buffer Bias { float bias[]; };
layout (binding = 4) readonly buffer Row { STORE row[]; };
layout (binding = 5) readonly buffer Residual { STORE residual[]; };

void
main ()
{
  uint at = tess_thread ();
  uint o = at % push.oc, cell = at / push.oc;
  uint x = cell % push.w, y = cell / push.w % push.h, n = cell / push.w / push.h;
  int top = int (y * push.stride) - int (push.pad);
  int left = int (x * push.stride) - int (push.pad);
  float sum = 0.0;

  if (n >= push.n)
    return;
  for (uint ky = 0; ky < push.kh; ky++)
    for (uint kx = 0; kx < push.kw; kx++)
      {
        int sy = top + int (ky), sx = left + int (kx);
        uint from, to;

        if (sy < 0 || sy >= int (push.src_h * push.upsample) || sx < 0
            || sx >= int (push.src_w * push.upsample))
          continue;
        from = ((n * push.src_h + uint (sy) / push.upsample) * push.src_w
                + uint (sx) / push.upsample)
               * push.ic;
        to = (ky * push.kw + kx) * push.ic * push.oc + o;
        for (uint i = 0; i < push.ic; i++)
          sum += float (src[from + i]) * float (weight[to + i * push.oc]);
      }
  if (push.has_bias != 0)
    sum += bias[o];
  if (push.has_row != 0)
    sum += float (row[o]);
  sum = tess_activate (push.act, sum);
  if (push.has_residual != 0)
    sum += float (residual[at]);
  dst[at] = STORE (sum);
}
