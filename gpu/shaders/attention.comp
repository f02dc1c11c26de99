/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/attention.comp: softmax (scale q k^T) v, the simple way.
 * One group: one query of one head of one sample. Keys are taken THREADS at a
 * time, one score a thread; the largest so far, the sum of weights and the
 * weighted sum of values are corrected as larger scores come. Sums are taken
 * by blocks of keys, then over the blocks: thousands one by one would lose
 * three digits.
 * Source: Milakov and Gimelshein 2018 (online softmax). */
#version 450
#include "lib/types.glsl"
#include "attention.h"

#define THREADS TESS_ATTENTION_THREADS
#define SUMS (TESS_ATTENTION_LARGEST / THREADS)

#include "lib/exp.glsl"

layout (local_size_x = THREADS) in;

#include "lib/index.glsl"

layout (binding = 0) writeonly buffer Dst { STORE dst[]; };
layout (binding = 1) readonly buffer Q { STORE q[]; };
layout (binding = 2) readonly buffer K { STORE k[]; };
layout (binding = 3) readonly buffer V { STORE v[]; };
layout (binding = 4) readonly buffer Rows { int rows[]; };

shared float query[TESS_ATTENTION_LARGEST];
shared float scores[THREADS];
shared float tops[THREADS];

void
main ()
{
  uint group = tess_group (), thread = gl_LocalInvocationID.x;
  uint head = group % push.n_heads, t = group / push.n_heads % push.tq;
  uint n = group / push.n_heads / push.tq, c = push.n_heads * push.d;
  uint at = (n * push.tq + t) * c + head * push.d;
  uint row = n, n_keys = push.tk, first;
  float largest = -3.0e38, total = 0.0, sums[SUMS];

  if (n >= push.n)
    return;
  if (push.has_rows != 0)
    row = uint (clamp (rows[n], 0, int (push.m) - 1));
  if (push.causal != 0)
    n_keys = min (t + 1, push.tk);
  first = row * push.tk * c + head * push.d;
  for (uint i = thread; i < push.d; i += THREADS)
    query[i] = push.scale * float (q[at + i]);
  for (uint j = 0; j < SUMS; j++)
    sums[j] = 0.0;
  barrier ();

  for (uint key = 0; key < n_keys; key += THREADS)
    {
      uint n_here = min (THREADS, n_keys - key);
      float score = -3.0e38, top, factor, part;

      if (thread < n_here)
        {
          score = 0.0;
          for (uint i = 0; i < push.d; i++)
            score += query[i] * float (k[first + (key + thread) * c + i]);
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
      scores[thread] = thread < n_here ? tess_exp (score - top) : 0.0;
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
            part += scores[s] * float (v[first + (key + s) * c + i]);
          sums[j] = sums[j] * factor + part;
        }
      barrier ();
    }
  for (uint j = 0; j < SUMS; j++)
    if (j * THREADS + thread < push.d)
      dst[at + j * THREADS + thread] = STORE (sums[j] / total);
}
