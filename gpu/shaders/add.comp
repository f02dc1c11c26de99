/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/add.comp: dst = a + b.
 * One thread: one number. */
#version 450
#include "lib/types.glsl"
#include "add.h"

layout (local_size_x = 256) in;

#include "lib/index.glsl"

layout (binding = 0) writeonly buffer Dst { STORE dst[]; };
layout (binding = 1) readonly buffer A { STORE a[]; };
layout (binding = 2) readonly buffer B { STORE b[]; };

void
main ()
{
  uint i = tess_thread ();

  if (i < push.n)
    dst[i] = STORE (float (a[i]) + float (b[i % push.n_b]));
}
