/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/fuse.comp: the weighted sum of tiles on a canvas that meets
 * itself. One thread: one number of the canvas, its terms in the order of the
 * tiles, so a result is the same bits whatever ran first. */
#version 450
#include "lib/types.glsl"
#include "fuse.h"

layout (local_size_x = 64) in;

#include "lib/index.glsl"

layout (binding = 0) writeonly buffer Dst { STORE dst[]; };
layout (binding = 1) readonly buffer Tiles { STORE tiles[]; };
layout (binding = 2) readonly buffer Places { int places[]; };
layout (binding = 3) readonly buffer WeightsX { float weights_x[]; };
layout (binding = 4) readonly buffer WeightsY { float weights_y[]; };
layout (binding = 5) readonly buffer Shares { float shares[]; };

void
main ()
{
  uint at = tess_thread ();
  uint c = at % push.c, cell = at / push.c;
  uint x = cell % push.width, y = cell / push.width;
  float sum = 0.0;

  if (y >= push.height)
    return;
  for (uint n = 0; n < push.n; n++)
    {
      uint from_x = uint (places[4 * n]), from_y = uint (places[4 * n + 1]);
      uint w = uint (places[4 * n + 2]), h = uint (places[4 * n + 3]);
      uint i = x >= from_x ? x - from_x : x + push.width - from_x;
      uint j = y >= from_y ? y - from_y : y + push.height - from_y;

      if (i < w && j < h)
        {
          float weight = weights_y[n * push.h + j] * weights_x[n * push.w + i];
          uint from = n * push.h * push.w + j * w + i;

          if (push.has_shares != 0)
            weight *= shares[from];
          if (weight != 0.0)
            sum += weight * float (tiles[from * push.c + c]);
        }
    }
  dst[at] = STORE (sum);
}
