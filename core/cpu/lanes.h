/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/cpu/lanes.h: several float32 at once, in what compilers call vectors.
 * TESS_LANES is what one register holds, told by the build: 16 with AVX-512,
 * 8 with AVX2, 4 with SSE or NEON. Wider ones compilers take apart through
 * memory; GCC 16 made AVX2 twenty-five times slower by that. */
#pragma once

#include <glib.h>

/* Vectors go only into functions that are inlined: no calling convention. The
 * build says -Wno-psabi too, for GCC's notes. */
#pragma GCC diagnostic ignored "-Wpsabi"
#define TESS_INLINE static inline __attribute__ ((always_inline))

#ifndef TESS_LANES
#define TESS_LANES 16
#endif

typedef gfloat TessLanes __attribute__ ((vector_size (4 * TESS_LANES)));
typedef gint32 TessWhole __attribute__ ((vector_size (4 * TESS_LANES)));

/* Subtracting nothing is what compilers take away; adding it is not. */
#define TESS_ALL_LANES(number) ((number) - (TessLanes) { 0 })

/* By the sign of the difference: compilers take a comparison of such vectors
 * apart. */
TESS_INLINE TessLanes
tess_lanes_larger (TessLanes a, TessLanes b)
{
  TessWhole take_b = (TessWhole) (a - b) >> 31;

  return (TessLanes) ((~take_b & (TessWhole) a) | (take_b & (TessWhole) b));
}

/* 2^x for x <= 0, to about 2e-7 of the result: 2^n * 2^f by a polynomial for
 * f in -0.5 .. 0.5. Below -126 it is the smallest normal number. The sum with
 * the magic number has n in its low bits. */
TESS_INLINE TessLanes
tess_lanes_power_of_two (TessLanes x)
{
  TessLanes magic = TESS_ALL_LANES (12582912.0f);
  TessLanes low = tess_lanes_larger (x, TESS_ALL_LANES (-126.0f));
  TessLanes shifted = low + magic;
  TessLanes f = low - (shifted - magic);
  TessLanes p = f * 1.5403530e-4f + 1.3333558e-3f;

  p = p * f + 9.6181291e-3f;
  p = p * f + 5.5504109e-2f;
  p = p * f + 2.4022651e-1f;
  p = p * f + 6.9314718e-1f;
  p = p * f + 1.0f;
  return (TessLanes) ((TessWhole) p + ((TessWhole) shifted << 23));
}
