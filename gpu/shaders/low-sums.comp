/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/low-sums.comp: each channel's sums against the waves of the
 * lowest frequencies: sums[n][wave][c].
 * One thread: one channel of one sample; rows are summed, then their sums. */
#version 450
#include "lib/types.glsl"
#include "low.h"

layout (local_size_x = 64) in;

#include "lib/index.glsl"
#include "lib/wave.glsl"

layout (binding = 0) writeonly buffer Sums { float sums[]; };
layout (binding = 1) readonly buffer Src { STORE src[]; };

void
main ()
{
  uint thread = tess_thread ();
  uint c = thread % push.c, n = thread / push.c;
  float all[TESS_LOW_WAVES], row[TESS_LOW_WAVES], waves[TESS_LOW_WAVES];

  if (n >= push.n)
    return;
  for (uint i = 0; i < TESS_LOW_WAVES; i++)
    all[i] = 0.0;
  for (uint y = 0; y < push.h; y++)
    {
      vec2 ty = tess_wave (y, push.h);

      for (uint i = 0; i < TESS_LOW_WAVES; i++)
        row[i] = 0.0;
      for (uint x = 0; x < push.w; x++)
        {
          float number = float (
              src[((n * push.h + y) * push.w + x) * push.c + c]);

          tess_low_waves (ty, tess_wave (x, push.w), waves);
          for (uint i = 0; i < TESS_LOW_WAVES; i++)
            row[i] += number * waves[i];
        }
      for (uint i = 0; i < TESS_LOW_WAVES; i++)
        all[i] += row[i];
    }
  for (uint i = 0; i < TESS_LOW_WAVES; i++)
    sums[(n * TESS_LOW_WAVES + i) * push.c + c] = all[i];
}
