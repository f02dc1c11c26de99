/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/depthwise.comp: each channel with a kernel of its own, zero
 * padding, size kept. Reads the weight as [k * k][c].
 * One thread: one number. */
#version 450
#include "lib/types.glsl"
#include "depthwise.h"

layout (local_size_x = 64) in;

#include "lib/index.glsl"

layout (binding = 0) writeonly buffer Dst { STORE dst[]; };
layout (binding = 1) readonly buffer Src { STORE src[]; };
layout (binding = 2) readonly buffer Weight { STORE weight[]; };
layout (binding = 3) readonly buffer Bias { float bias[]; };

void
main ()
{
  uint at = tess_thread ();
  uint c = at % push.c, cell = at / push.c;
  int x = int (cell % push.w), y = int (cell / push.w % push.h);
  uint n = cell / push.w / push.h;
  int k = int (push.k);
  float sum = 0.0;

  if (n >= push.n)
    return;
  for (int i = 0; i < k * k; i++)
    {
      int sy = y + i / k - k / 2, sx = x + i % k - k / 2;

      if (sy >= 0 && sy < int (push.h) && sx >= 0 && sx < int (push.w))
        sum += float (src[((n * push.h + uint (sy)) * push.w + uint (sx))
                              * push.c
                          + c])
               * float (weight[uint (i) * push.c + c]);
    }
  if (push.has_bias != 0)
    sum += bias[c];
  dst[at] = STORE (sum);
}
