/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/lib/pair.glsl: numbers in storage, two neighbours at a time.
 *
 * With TESS_STORAGE 16 a word of 32 bits is two numbers: the loads are as wide
 * as the hardware's and need no 16-bit storage; first elements and lengths of
 * rows are even there. CHUNK is 16 bytes. */
#extension GL_GOOGLE_include_directive : require

#if TESS_STORAGE == 16
#define NUMBER uint
#define PAIR uint
#define CHUNK uvec4
#define CHUNK_PAIRS 4u
#define PAIR_OF_CHUNK(chunk, i) chunk[i]

/* Elements E and E + 1 of an array of NUMBER. */
#define PAIR_AT(array, e) array[(e) >> 1]

vec2
pair_open (PAIR pair)
{
  return unpackHalf2x16 (pair);
}

PAIR
pair_close (vec2 v)
{
  return packHalf2x16 (v);
}

/* @mask: all ones, or zero for two zeros. */
PAIR
pair_keep (PAIR pair, uint mask)
{
  return pair & mask;
}
#else
#define NUMBER float
#define PAIR vec2
#define CHUNK vec4
#define CHUNK_PAIRS 2u
#define PAIR_OF_CHUNK(chunk, i) vec2 (chunk[2u * i], chunk[2u * i + 1u])
#define PAIR_AT(array, e) vec2 (array[e], array[(e) + 1u])

vec2
pair_open (PAIR pair)
{
  return pair;
}

PAIR
pair_close (vec2 v)
{
  return v;
}

PAIR
pair_keep (PAIR pair, uint mask)
{
  return uintBitsToFloat (floatBitsToUint (pair) & uvec2 (mask));
}
#endif
