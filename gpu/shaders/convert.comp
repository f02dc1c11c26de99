/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/convert.comp: dst[i] = src[first + i], of whatever types.
 * One thread: one number. */
#version 450
#include "lib/types.glsl"
#include "convert.h"

layout (local_size_x = TESS_CONVERT_THREADS) in;

#include "lib/index.glsl"

layout (binding = 0) writeonly buffer Dst { DST dst[]; };
layout (binding = 1) readonly buffer Src { SRC src[]; };

void
main ()
{
  uint i = tess_thread ();

  if (i < push.n)
    dst[i] = DST (src[push.first + i]);
}
