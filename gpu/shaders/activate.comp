/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/activate.comp: dst = act (src).
 * One thread: one number. */
#version 450
#include "lib/types.glsl"
#include "activate.h"

#include "lib/activation.glsl"

layout (local_size_x = 256) in;

#include "lib/index.glsl"

layout (binding = 0) writeonly buffer Dst { STORE dst[]; };
layout (binding = 1) readonly buffer Src { STORE src[]; };

void
main ()
{
  uint i = tess_thread ();

  if (i < push.n)
    dst[i] = STORE (tess_activate (push.act, float (src[i])));
}
