/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/memory-plan.h: where each temporary of a program lies in the arena.
 * Whole numbers only; the same lives give the same plan. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  gsize n_bytes;    /* 0: takes no place */
  gint first, last; /* the ops between which the bytes are needed, both in */
  gsize offset;     /* result, a multiple of 64 */
} TessLife;

/* Fills every offset so that no two lives that meet overlap; returns the size
 * of the arena. */
gsize tess_memory_plan (TessLife *lives, gsize n_lives);

G_END_DECLS
