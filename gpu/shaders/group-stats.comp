/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/group-stats.comp: mean and squares of parts of each group.
 * One thread group: one group of channels of one sample, over one of n_parts
 * parts of the cells; writes its mean and its sum of squares about it.
 * Threads add up few numbers each, then pairwise: sums stay good to a few
 * units of the last place. */
#version 450
#include "lib/types.glsl"
#include "group-stats.h"

#define REDUCE_THREADS TESS_STATS_THREADS
#include "lib/reduce.glsl"

layout (local_size_x = TESS_STATS_THREADS) in;

#include "lib/index.glsl"

layout (binding = 0) writeonly buffer Parts { vec2 parts[]; };
layout (binding = 1) readonly buffer Src { STORE src[]; };

#include "lib/parts.glsl"

void
main ()
{
  uint group = tess_group (), thread = gl_LocalInvocationID.x;
  uint part = group % push.n_parts, g = group / push.n_parts % push.n_groups;
  uint n = group / push.n_parts / push.n_groups;
  uint size = push.c / push.n_groups, width = push.x1 - push.x0;
  uint n_cells = (push.y1 - push.y0) * width;
  uint begin = tess_part_begin (n_cells, push.n_parts, part);
  uint end = tess_part_begin (n_cells, push.n_parts, part + 1);
  uint count = (end - begin) * size;
  float sum = 0.0, squares = 0.0, mean;

  if (n >= push.n)
    return;
  for (uint pass = 0; pass < 2; pass++)
    {
      mean = sum / float (count);
      for (uint i = thread; i < count; i += TESS_STATS_THREADS)
        {
          uint cell = begin + i / size;
          uint y = push.y0 + cell / width, x = push.x0 + cell % width;
          float number = float (
              src[((n * push.h + y) * push.w + x) * push.c + g * size
                  + i % size]);

          if (pass == 0)
            sum += number;
          else
            squares += (number - mean) * (number - mean);
        }
      if (pass == 0)
        sum = tess_reduce (sum);
      else
        squares = tess_reduce (squares);
    }
  if (thread == 0)
    parts[group] = vec2 (mean, squares);
}
