/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/concat.comp: channels of a, then channels of b.
 * One thread: one number. */
#version 450
#include "lib/types.glsl"
#include "concat.h"

layout (local_size_x = 256) in;

#include "lib/index.glsl"

layout (binding = 0) writeonly buffer Dst { STORE dst[]; };
layout (binding = 1) readonly buffer A { STORE a[]; };
layout (binding = 2) readonly buffer B { STORE b[]; };

void
main ()
{
  uint i = tess_thread ();
  uint cell = i / (push.c_a + push.c_b), c = i % (push.c_a + push.c_b);

  if (i >= push.n)
    return;
  if (c < push.c_a)
    dst[i] = a[cell * push.c_a + c];
  else
    dst[i] = b[cell * push.c_b + c - push.c_a];
}
