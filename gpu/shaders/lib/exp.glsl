/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/lib/exp.glsl: exp for x <= 0, good to about 1e-7 of the result.
 * Vulkan's own may be off by 3 + 2 |x| units of the last place, and on some
 * devices is off by more, which a softmax of large scores shows.
 * 2^n * 2^f by a polynomial for f in -0.5 .. 0.5, as core/cpu does it. */
float
tess_exp (float x)
{
  float low = max (x, -87.0);
  float n = round (low * 1.44269504);
  float r = (low - n * 0.693359375) + n * 2.12194440e-4;
  float p = 1.9875691500e-4;

  p = p * r + 1.3981999507e-3;
  p = p * r + 8.3334519073e-3;
  p = p * r + 4.1665795894e-2;
  p = p * r + 1.6666665459e-1;
  p = p * r + 5.0000001201e-1;
  p = p * r * r + r + 1.0;
  return p * uintBitsToFloat (uint (int (n) + 127) << 23);
}
