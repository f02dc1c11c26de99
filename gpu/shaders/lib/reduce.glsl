/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/lib/reduce.glsl: the sum of one number of every thread of a
 * group, for all of them; in the same order on every device. The group's size
 * is a power of two, REDUCE_THREADS. */
shared float tess_sums[REDUCE_THREADS];

float
tess_reduce (float x)
{
  uint i = gl_LocalInvocationID.x;
  float sum;

  tess_sums[i] = x;
  barrier ();
  for (uint step = REDUCE_THREADS / 2; step > 0; step /= 2)
    {
      if (i < step)
        tess_sums[i] += tess_sums[i + step];
      barrier ();
    }
  sum = tess_sums[0];
  barrier ();
  return sum;
}
