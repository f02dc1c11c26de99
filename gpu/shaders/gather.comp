/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/gather.comp: tiles of a canvas that meets itself, times one
 * number. One thread: one number. */
#version 450
#include "lib/types.glsl"
#include "gather.h"

layout (local_size_x = 256) in;

#include "lib/index.glsl"

layout (binding = 0) writeonly buffer Dst { STORE dst[]; };
layout (binding = 1) readonly buffer Canvas { STORE canvas[]; };
layout (binding = 2) readonly buffer Places { int places[]; };
layout (binding = 3) readonly buffer Factor { float factor[]; };

void
main ()
{
  uint i = tess_thread ();
  uint c = i % push.c, cell = i / push.c;
  uint x = cell % push.w, y = cell / push.w % push.h;
  uint n = cell / push.w / push.h;

  if (n >= push.n)
    return;
  x = (uint (places[2 * n]) + x) % push.width;
  y = (uint (places[2 * n + 1]) + y) % push.height;
  dst[i] = STORE (factor[0]
                  * float (canvas[(y * push.width + x) * push.c + c]));
}
