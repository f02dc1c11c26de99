/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/lib/activation.glsl: activations of one number. */
#include "lib/activation.h"

/* Good to 1.5e-7.  Source: Abramowitz and Stegun 1964, 7.1.26. */
float
tess_erf (float x)
{
  float a = abs (x);
  float t = 1.0 / (1.0 + 0.3275911 * a);
  float p = t
            * (0.254829592
               + t
                     * (-0.284496736
                        + t
                              * (1.421413741
                                 + t * (-1.453152027 + t * 1.061405429))));

  return sign (x) * (1.0 - p * exp (-a * a));
}

/* x / (1 + exp (-k x)) without an infinity on the way. */
float
tess_sigmoid_times (float x, float k)
{
  return x / (1.0 + exp (min (-k * x, 80.0)));
}

float
tess_activate (uint act, float x)
{
  if (act == TESS_GPU_ACT_SILU)
    return tess_sigmoid_times (x, 1.0);
  if (act == TESS_GPU_ACT_GELU)
    return 0.5 * x * (1.0 + tess_erf (x * 0.70710678));
  if (act == TESS_GPU_ACT_QUICK_GELU)
    return tess_sigmoid_times (x, 1.702);
  if (act == TESS_GPU_ACT_RELU)
    return max (x, 0.0);
  if (act == TESS_GPU_ACT_LEAKY_RELU)
    return max (x, 0.2 * x);
  return x;
}
