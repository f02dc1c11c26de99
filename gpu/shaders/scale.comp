/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/scale.comp: dst = src * factor + residual, the factors repeated.
 * One thread: one number. */
#version 450
#include "lib/types.glsl"
#include "scale.h"

layout (local_size_x = 256) in;

#include "lib/index.glsl"

layout (binding = 0) writeonly buffer Dst { STORE dst[]; };
layout (binding = 1) readonly buffer Src { STORE src[]; };
layout (binding = 2) readonly buffer Factor { float factor[]; };
layout (binding = 3) readonly buffer Residual { STORE residual[]; };

void
main ()
{
  uint i = tess_thread ();
  float number;

  if (i >= push.n)
    return;
  number = float (src[i]) * factor[i % push.n_factor];
  if (push.has_residual != 0)
    number += float (residual[i]);
  dst[i] = STORE (number);
}
