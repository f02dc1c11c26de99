/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/random.c: mt19937 and PyTorch's two ways to normals.
 *
 * Its vector path takes logarithm, sine and cosine from Cephes' single
 * precision polynomials with fused multiply-adds; so do we, with every fusion
 * written out, and the bits agree on any CPU. */
#include "core/random.h"
#include "core/simd.h"

#include <math.h>
#include <string.h>

#define N 624
#define M 397
#define BLOCK 16 /* values per Box-Muller block: 8 radii, 8 angles */
#define HALF (BLOCK / 2)

void
tess_random_init (TessRandom *random, guint64 seed)
{
  guint32 *s = random->state;

  s[0] = (guint32) seed;
  for (gint i = 1; i < N; i++)
    s[i] = 1812433253u * (s[i - 1] ^ (s[i - 1] >> 30)) + (guint32) i;
  random->next = N;
  random->has_spare = FALSE;
  random->spare = 0.0;
}

static inline guint32
twist (guint32 u, guint32 v)
{
  guint32 mixed = (u & 0x80000000u) | (v & 0x7fffffffu);

  return (mixed >> 1) ^ ((v & 1) ? 0x9908b0dfu : 0);
}

static void
refill (TessRandom *random)
{
  guint32 *s = random->state;

  for (gint i = 0; i < N - M; i++)
    s[i] = s[i + M] ^ twist (s[i], s[i + 1]);
  for (gint i = N - M; i < N - 1; i++)
    s[i] = s[i + M - N] ^ twist (s[i], s[i + 1]);
  s[N - 1] = s[M - 1] ^ twist (s[N - 1], s[0]);
  random->next = 0;
}

guint32
tess_random_u32 (TessRandom *random)
{
  guint32 y;

  if (random->next >= N)
    refill (random);
  y = random->state[random->next++];
  y ^= y >> 11;
  y ^= (y << 7) & 0x9d2c5680u;
  y ^= (y << 15) & 0xefc60000u;
  return y ^ (y >> 18);
}

void
tess_random_uniform (TessRandom *random, gfloat *dst, gsize n)
{
  for (gsize i = 0; i < n; i++)
    dst[i] = (gfloat) (tess_random_u32 (random) & 0xffffffu) * 0x1p-24f;
}

static gdouble
uniform_double (TessRandom *random)
{
  guint64 high = tess_random_u32 (random);
  guint64 low = tess_random_u32 (random);

  return (gdouble) ((high << 32 | low) & ((1ull << 53) - 1)) * 0x1p-53;
}

static gdouble
normal_double (TessRandom *random)
{
  gdouble u, radius, angle;

  if (random->has_spare)
    {
      random->has_spare = FALSE;
      return random->spare;
    }
  u = uniform_double (random);
  radius = sqrt (-2.0 * log1p (-uniform_double (random)));
  angle = 2.0 * G_PI * u;
  random->spare = radius * sin (angle);
  random->has_spare = TRUE;
  return radius * cos (angle);
}

/* v in (0, 1], normal */
static inline gfloat
log_cephes (gfloat v)
{
  guint32 bits;
  gfloat x, e, y, z;

  memcpy (&bits, &v, sizeof bits);
  e = (gfloat) ((gint32) (bits >> 23) - 126);
  bits = (bits & 0x007fffffu) | 0x3f000000u;
  memcpy (&x, &bits, sizeof x);
  e -= x < 0.707106781186547524f ? 1.0f : 0.0f;
  x = (x - 1.0f) + (x < 0.707106781186547524f ? x : 0.0f);

  z = x * x;
  y = 7.0376836292e-2f;
  y = __builtin_fmaf (y, x, -1.1514610310e-1f);
  y = __builtin_fmaf (y, x, 1.1676998740e-1f);
  y = __builtin_fmaf (y, x, -1.2420140846e-1f);
  y = __builtin_fmaf (y, x, 1.4249322787e-1f);
  y = __builtin_fmaf (y, x, -1.6668057665e-1f);
  y = __builtin_fmaf (y, x, 2.0000714765e-1f);
  y = __builtin_fmaf (y, x, -2.4999993993e-1f);
  y = __builtin_fmaf (y, x, 3.3333331174e-1f);
  y = y * x;
  y = __builtin_fmaf (y, z, e * -2.12194440e-4f);
  y = __builtin_fmaf (z, -0.5f, y);
  return __builtin_fmaf (e, 0.693359375f, x + y);
}

/* 0 <= angle < 8192 */
static inline void
sincos_cephes (gfloat angle, gfloat *sine, gfloat *cosine)
{
  gint32 octant = ((gint32) (angle * 1.27323954473516f) + 1) & ~1;
  gfloat y = (gfloat) octant, x = angle, z, s, c;

  x = __builtin_fmaf (y, -0.78515625f, x);
  x = __builtin_fmaf (y, -2.4187564849853515625e-4f, x);
  x = __builtin_fmaf (y, -3.77489497744594108e-8f, x);
  z = x * x;

  c = 2.443315711809948e-5f;
  c = __builtin_fmaf (c, z, -1.388731625493765e-3f);
  c = __builtin_fmaf (c, z, 4.166664568298827e-2f);
  c = c * z;
  c = __builtin_fmaf (c, z, z * -0.5f) + 1.0f;

  s = -1.9515295891e-4f;
  s = __builtin_fmaf (s, z, 8.3321608736e-3f);
  s = __builtin_fmaf (s, z, -1.6666654611e-1f);
  s = s * z;
  s = __builtin_fmaf (s, x, x);

  *sine = (octant & 2) ? c : s;
  *sine = (octant & 4) ? -*sine : *sine;
  *cosine = (octant & 2) ? s : c;
  *cosine = ((octant - 2) & 4) ? *cosine : -*cosine;
}

/* Uniforms become normals in place. */
TESS_SIMD static void
box_muller (gfloat *data, gsize n_blocks)
{
  for (gsize b = 0; b < n_blocks; b++, data += BLOCK)
    for (gint i = 0; i < HALF; i++)
      {
        gfloat radius = sqrtf (-2.0f * log_cephes (1.0f - data[i]));
        gfloat sine, cosine;

        sincos_cephes (6.283185307179586f * data[i + HALF], &sine, &cosine);
        data[i] = radius * cosine;
        data[i + HALF] = radius * sine;
      }
}

void
tess_random_normal (TessRandom *random, gfloat *dst, gsize n)
{
  if (n < BLOCK)
    {
      for (gsize i = 0; i < n; i++)
        dst[i] = (gfloat) normal_double (random);
      return;
    }
  tess_random_uniform (random, dst, n);
  box_muller (dst, n / BLOCK);
  if (n % BLOCK)
    {
      /* The last 16 are drawn again, over the end of the last full block. */
      tess_random_uniform (random, dst + n - BLOCK, BLOCK);
      box_muller (dst + n - BLOCK, 1);
    }
}

guint64
tess_random_hash (guint64 seed, guint64 place)
{
  guint64 z = seed + place * 0x9E3779B97F4A7C15u;

  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}
