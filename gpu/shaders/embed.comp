/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/embed.comp: rows of a table by number, or all of it. A number
 * outside of the table reads its nearest row.
 * One thread: one number. */
#version 450
#include "lib/types.glsl"
#include "embed.h"

layout (local_size_x = 256) in;

#include "lib/index.glsl"

layout (binding = 0) writeonly buffer Dst { STORE dst[]; };
layout (binding = 1) readonly buffer Ids { int ids[]; };
layout (binding = 2) readonly buffer Table { STORE table[]; };

void
main ()
{
  uint i = tess_thread (), row;

  if (i >= push.n)
    return;
  row = i / push.c;
  if (push.has_ids != 0)
    row = uint (clamp (ids[row], 0, int (push.n_rows) - 1));
  dst[i] = table[row * push.c + i % push.c];
}
