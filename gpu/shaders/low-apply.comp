/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/low-apply.comp: the lowest frequencies of each channel scaled:
 * dst = src + (factor - 1) / (h w) * sum over waves of sums * wave.
 * One thread: one number.  Source: core/ops/ops.h, tess_scale_low. */
#version 450
#include "lib/types.glsl"
#include "low.h"

layout (local_size_x = 64) in;

#include "lib/index.glsl"
#include "lib/wave.glsl"

layout (binding = 0) writeonly buffer Dst { STORE dst[]; };
layout (binding = 1) readonly buffer Src { STORE src[]; };
layout (binding = 2) readonly buffer Sums { float sums[]; };
layout (binding = 3) readonly buffer Factor { float factor[]; };

void
main ()
{
  uint at = tess_thread ();
  uint c = at % push.c, cell = at / push.c;
  uint x = cell % push.w, y = cell / push.w % push.h;
  uint n = cell / push.w / push.h;
  float waves[TESS_LOW_WAVES], low = 0.0;

  if (n >= push.n)
    return;
  tess_low_waves (tess_wave (y, push.h), tess_wave (x, push.w), waves);
  for (uint i = 0; i < TESS_LOW_WAVES; i++)
    low += sums[(n * TESS_LOW_WAVES + i) * push.c + c] * waves[i];
  dst[at] = STORE (float (src[at])
                   + (factor[0] - 1.0) / float (push.h * push.w) * low);
}
