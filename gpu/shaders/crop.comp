/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/crop.comp: a rectangle of every sample.
 * One thread: one number. */
#version 450
#include "lib/types.glsl"
#include "crop.h"

layout (local_size_x = 256) in;

#include "lib/index.glsl"

layout (binding = 0) writeonly buffer Dst { STORE dst[]; };
layout (binding = 1) readonly buffer Src { STORE src[]; };

void
main ()
{
  uint i = tess_thread ();
  uint c = i % push.c, cell = i / push.c;
  uint x = cell % push.w, y = cell / push.w % push.h;
  uint n = cell / push.w / push.h;

  if (n < push.n)
    dst[i] = src[((n * push.src_h + push.y0 + y) * push.src_w + push.x0 + x)
                     * push.c
                 + c];
}
