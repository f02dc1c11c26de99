/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/mix.comp: dst = the weighted sum of up to eight maps; what
 * weighs nothing is not read. One thread: one number. */
#version 450
#include "lib/types.glsl"
#include "mix.h"

layout (local_size_x = 256) in;

#include "lib/index.glsl"

layout (binding = 0) writeonly buffer Dst { STORE dst[]; };
layout (binding = 1) readonly buffer Weights { float weights[]; };
layout (binding = 2) readonly buffer A { STORE a[]; };
layout (binding = 3) readonly buffer B { STORE b[]; };
layout (binding = 4) readonly buffer C { STORE c[]; };
layout (binding = 5) readonly buffer D { STORE d[]; };
layout (binding = 6) readonly buffer E { STORE e[]; };
layout (binding = 7) readonly buffer F { STORE f[]; };
layout (binding = 8) readonly buffer G { STORE g[]; };
layout (binding = 9) readonly buffer H { STORE h[]; };

#define ADD(k, src)                                                            \
  if (k < push.n_src && weights[k] != 0.0)                                     \
    sum += weights[k] * float (src[i]);

void
main ()
{
  uint i = tess_thread ();
  float sum = 0.0;

  if (i >= push.n)
    return;
  ADD (0, a)
  ADD (1, b)
  ADD (2, c)
  ADD (3, d)
  ADD (4, e)
  ADD (5, f)
  ADD (6, g)
  ADD (7, h)
  dst[i] = STORE (sum);
}
