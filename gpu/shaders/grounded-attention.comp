/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/grounded-attention.comp: attention over a sample's own tokens
 * and over tokens from elsewhere, with a bias and regions, the simple way.
 * One group: one query of one head of one sample, as in attention.comp; keys
 * from tq on are the ground's. Where nothing of a block of keys is seen, its
 * weights are 0. */
#version 450
#include "lib/types.glsl"
#include "grounded-attention.h"

#include "lib/exp.glsl"

#define THREADS 64
#define LARGEST 1024
#define SUMS (LARGEST / THREADS)
#define NONE -3.0e38

layout (local_size_x = THREADS) in;

#include "lib/index.glsl"

layout (binding = 0) writeonly buffer Dst { STORE dst[]; };
layout (binding = 1) readonly buffer Q { STORE q[]; };
layout (binding = 2) readonly buffer K { STORE k[]; };
layout (binding = 3) readonly buffer V { STORE v[]; };
layout (binding = 4) readonly buffer GroundK { STORE ground_k[]; };
layout (binding = 5) readonly buffer GroundV { STORE ground_v[]; };
layout (binding = 6) readonly buffer Bias { float bias[]; };
layout (binding = 7) readonly buffer Rows { int rows[]; };
layout (binding = 8) readonly buffer Cells { int cells[]; };
layout (binding = 9) readonly buffer Tokens { int tokens[]; };

shared float query[LARGEST];
shared float scores[THREADS];
shared float tops[THREADS];

bool
sees (uint row, uint t, uint key)
{
  int cell, other;

  if (push.has_regions == 0 || key == t)
    return true;
  cell = cells[row * push.tq + t];
  if (key < push.tq)
    return (cell & cells[row * push.tq + key]) != 0;
  other = tokens[row * push.n_ground + key - push.tq];
  return other == TESS_GROUNDED_ALL || (cell & other) != 0;
}

void
main ()
{
  uint group = tess_group (), thread = gl_LocalInvocationID.x;
  uint head = group % push.n_heads, t = group / push.n_heads % push.tq;
  uint n = group / push.n_heads / push.tq, c = push.n_heads * push.d;
  uint own = n * push.tq * c + head * push.d, at = own + t * c;
  uint n_keys = push.tq + push.n_ground, row, ground;
  float largest = NONE, total = 0.0, sums[SUMS];

  if (n >= push.n)
    return;
  row = uint (clamp (rows[n], 0, int (push.m) - 1));
  ground = row * push.n_ground * c + head * push.d;
  for (uint i = thread; i < push.d; i += THREADS)
    query[i] = push.scale * float (q[at + i]);
  for (uint j = 0; j < SUMS; j++)
    sums[j] = 0.0;
  barrier ();

  for (uint first = 0; first < n_keys; first += THREADS)
    {
      uint n_here = min (THREADS, n_keys - first), key = first + thread;
      float score = NONE, top, factor, part;

      if (thread < n_here && sees (row, t, key))
        {
          score = 0.0;
          if (key < push.tq)
            for (uint i = 0; i < push.d; i++)
              score += query[i] * float (k[own + key * c + i]);
          else
            {
              uint from = ground + (key - push.tq) * c;

              for (uint i = 0; i < push.d; i++)
                score += query[i] * float (ground_k[from + i]);
              score += max (bias[row * push.n_ground + key - push.tq], NONE);
            }
        }
      tops[thread] = score;
      barrier ();
      for (uint step = THREADS / 2; step > 0; step /= 2)
        {
          if (thread < step)
            tops[thread] = max (tops[thread], tops[thread + step]);
          barrier ();
        }
      top = max (largest, tops[0]);
      factor = tess_exp (largest - top);
      largest = top;
      scores[thread] = score > 0.5 * NONE ? tess_exp (score - top) : 0.0;
      barrier ();

      part = 0.0;
      for (uint i = 0; i < n_here; i++)
        part += scores[i];
      total = total * factor + part;
      for (uint j = 0; j < SUMS; j++)
        {
          uint i = j * THREADS + thread;

          if (i >= push.d)
            break;
          part = 0.0;
          for (uint s = 0; s < n_here; s++)
            {
              uint from = first + s;

              part += scores[s]
                      * float (from < push.tq
                                   ? v[own + from * c + i]
                                   : ground_v[ground + (from - push.tq) * c + i]);
            }
          sums[j] = sums[j] * factor + part;
        }
      barrier ();
    }
  for (uint j = 0; j < SUMS; j++)
    if (j * THREADS + thread < push.d)
      dst[at + j * THREADS + thread] = STORE (sums[j] / total);
}
