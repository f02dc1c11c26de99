/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/group-norm.comp: dst = act ((src - mean) / deviation * scale +
 * shift) with each group's statistics given.
 * One thread: one number. */
#version 450
#include "lib/types.glsl"
#include "group-norm.h"

#include "lib/activation.glsl"

layout (local_size_x = 256) in;

#include "lib/index.glsl"

layout (binding = 0) writeonly buffer Dst { STORE dst[]; };
layout (binding = 1) readonly buffer Src { STORE src[]; };
layout (binding = 2) readonly buffer Stats { vec2 stats[]; };
layout (binding = 3) readonly buffer Scale { float scale[]; };
layout (binding = 4) readonly buffer Shift { float shift[]; };

void
main ()
{
  uint at = tess_thread ();
  uint c = at % push.c, n = at / push.c / push.n_cells;
  vec2 known;
  float number;

  if (n >= push.n)
    return;
  known = stats[n * push.n_groups + c / (push.c / push.n_groups)];
  number = (float (src[at]) - known.x) * (1.0 / sqrt (known.y + push.eps));
  dst[at] = STORE (tess_activate (push.act, number * scale[c] + shift[c]));
}
