/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/group-join.comp: mean and population variance of each group of
 * channels from those of its parts.
 * One thread: one group of one sample.
 * Source: Chan, Golub and LeVeque 1983, eq. 2.1. */
#version 450
#include "group-stats.h"

#include "lib/parts.glsl"

layout (local_size_x = 64) in;

#include "lib/index.glsl"

layout (binding = 0) writeonly buffer Stats { vec2 stats[]; };
layout (binding = 1) readonly buffer Parts { vec2 parts[]; };

void
main ()
{
  uint group = tess_thread ();
  uint n_cells = (push.y1 - push.y0) * (push.x1 - push.x0);
  uint size = push.c / push.n_groups;
  float mean = 0.0, squares = 0.0, count = 0.0;

  if (group >= push.n * push.n_groups)
    return;
  for (uint part = 0; part < push.n_parts; part++)
    {
      vec2 p = parts[group * push.n_parts + part];
      uint cells = tess_part_begin (n_cells, push.n_parts, part + 1)
                   - tess_part_begin (n_cells, push.n_parts, part);
      float more = float (cells * size), both = count + more;
      float delta = p.x - mean;

      mean += delta * (more / both);
      squares += p.y + delta * delta * (count * more / both);
      count = both;
    }
  stats[group] = vec2 (mean, squares / count);
}
