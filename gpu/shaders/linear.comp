/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/linear.comp: product with a weight, the simple way.
 * dst = act (src * weight + bias) + residual
 * One thread: one number of dst. Reads the weight as [ic][oc], or, for GEGLU,
 * [ic][2 oc]. */
#version 450
#include "lib/types.glsl"
#include "linear.h"

#include "lib/activation.glsl"

layout (local_size_x = 64) in;

#include "lib/index.glsl"

layout (binding = 0) writeonly buffer Dst { STORE dst[]; };
layout (binding = 1) readonly buffer Src { STORE src[]; };
layout (binding = 2) readonly buffer Weight { STORE weight[]; };
layout (binding = 3) readonly buffer Bias { float bias[]; };
layout (binding = 4) readonly buffer Residual { STORE residual[]; };

float
product (uint row, uint o, uint n)
{
  float sum = 0.0;

  for (uint i = 0; i < push.ic; i++)
    sum += float (src[row * push.ic + i]) * float (weight[i * n + o]);
  return push.has_bias != 0 ? sum + bias[o] : sum;
}

void
main ()
{
  uint at = tess_thread ();
  uint o = at % push.oc, row = at / push.oc;
  float sum;

  if (row >= push.n_rows)
    return;
  if (push.act == TESS_GPU_ACT_GEGLU)
    sum = product (row, o, 2 * push.oc)
          * tess_activate (TESS_GPU_ACT_GELU,
                           product (row, push.oc + o, 2 * push.oc));
  else
    sum = tess_activate (push.act, product (row, o, push.oc));
  if (push.has_residual != 0)
    sum += float (residual[at]);
  dst[at] = STORE (sum);
}
