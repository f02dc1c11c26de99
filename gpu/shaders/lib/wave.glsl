/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/lib/wave.glsl: cosine and sine of 2 pi i / n for whole numbers,
 * good to the last place: the quarter turns are taken out exactly. Vulkan's
 * own are good to 2^-11 only. Zeros where n is 1. */
vec2
tess_wave (uint i, uint n)
{
  uint quarter = (4 * i + n / 2) / n;
  float x = float (int (4 * i) - int (quarter * n)) / float (n) * 1.57079633;
  float s = x * x;
  float c = 1.0 + s * (-0.5 + s * (4.16666418e-2 + s * (-1.38873162e-3 + s * 2.44331571e-5)));
  float d = x * (1.0 + s * (-1.66666546e-1 + s * (8.33216087e-3 - s * 1.95152959e-4)));

  if (n == 1)
    return vec2 (0.0);
  switch (quarter % 4)
    {
    case 1:
      return vec2 (-d, c);
    case 2:
      return vec2 (-c, -d);
    case 3:
      return vec2 (d, -c);
    }
  return vec2 (c, d);
}

/* The waves of frequencies 0 and 1 of both axes at one cell. */
void
tess_low_waves (vec2 ty, vec2 tx, out float waves[TESS_LOW_WAVES])
{
  waves[0] = 1.0;
  waves[1] = ty.x;
  waves[2] = ty.y;
  waves[3] = tx.x;
  waves[4] = tx.y;
  waves[5] = tx.x * ty.x - tx.y * ty.y;
  waves[6] = tx.y * ty.x + tx.x * ty.y;
}
