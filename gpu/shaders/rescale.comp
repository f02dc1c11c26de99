/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/rescale.comp: dst = src brought, by amount, to the spread of
 * another. One thread: one number. */
#version 450
#include "lib/types.glsl"
#include "rescale.h"

layout (local_size_x = 256) in;

#include "lib/index.glsl"

layout (binding = 0) writeonly buffer Dst { STORE dst[]; };
layout (binding = 1) readonly buffer Src { STORE src[]; };
layout (binding = 2) readonly buffer Stats { vec2 stats[]; };
layout (binding = 3) readonly buffer Like { vec2 like[]; };

void
main ()
{
  uint i = tess_thread ();
  float factor = 1.0, variance = stats[0].y;

  if (i >= push.n)
    return;
  if (variance > 0.0)
    factor = push.amount * (sqrt (like[0].y) / sqrt (variance)) + 1.0
             - push.amount;
  dst[i] = STORE (float (src[i]) * factor);
}
