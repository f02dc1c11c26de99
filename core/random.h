/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/random.h: PyTorch's CPU generator bit by bit, so that a picture can be
 * compared with the reference pipeline's.
 * Source: Matsumoto 1998 (mt19937); torch.randn on the CPU: fewer than 16
 * values one by one, else Box-Muller over blocks of 16. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  guint32 state[624];
  gint next;
  gboolean has_spare; /* of the one-by-one path */
  gdouble spare;
} TessRandom;

void tess_random_init (TessRandom *random, guint64 seed);

/* torch.randn: the next @n normals. */
void tess_random_normal (TessRandom *random, gfloat *dst, gsize n);

/* torch.rand: uniform in [0, 1). */
void tess_random_uniform (TessRandom *random, gfloat *dst, gsize n);

guint32 tess_random_u32 (TessRandom *random);

/* A number that depends on nothing but @seed and @place: what a job draws so
 * is the same in any order, and after it was resumed.
 * Source: Steele 2014 (splitmix64). */
guint64 tess_random_hash (guint64 seed, guint64 place);

G_END_DECLS
