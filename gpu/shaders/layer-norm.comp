/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/layer-norm.comp: each row brought to mean 0 and population
 * variance 1, then scaled and shifted.
 * One group: one row. */
#version 450
#include "lib/types.glsl"
#include "layer-norm.h"

#define REDUCE_THREADS TESS_LAYER_NORM_THREADS
#include "lib/reduce.glsl"

layout (local_size_x = TESS_LAYER_NORM_THREADS) in;

#include "lib/index.glsl"

layout (binding = 0) writeonly buffer Dst { STORE dst[]; };
layout (binding = 1) readonly buffer Src { STORE src[]; };
layout (binding = 2) readonly buffer Scale { float scale[]; };
layout (binding = 3) readonly buffer Shift { float shift[]; };

void
main ()
{
  uint row = tess_group (), thread = gl_LocalInvocationID.x;
  float sum = 0.0, squares = 0.0, mean, factor;

  if (row >= push.n_rows)
    return;
  for (uint i = thread; i < push.c; i += TESS_LAYER_NORM_THREADS)
    sum += float (src[row * push.c + i]);
  mean = tess_reduce (sum) / float (push.c);
  for (uint i = thread; i < push.c; i += TESS_LAYER_NORM_THREADS)
    {
      float number = float (src[row * push.c + i]) - mean;

      squares += number * number;
    }
  factor = 1.0 / sqrt (tess_reduce (squares) / float (push.c) + push.eps);
  for (uint i = thread; i < push.c; i += TESS_LAYER_NORM_THREADS)
    {
      float number = (float (src[row * push.c + i]) - mean) * factor;

      number *= scale[i];
      if (push.has_shift != 0)
        number += shift[i];
      dst[row * push.c + i] = STORE (number);
    }
}
