/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/grounded-attention.h: push constants of grounded attention. */
#include "lib/push.h"

#define TESS_GROUNDED_ALL (-1)

TESS_PUSH_BEGIN
uint n, m, tq, n_ground, n_heads, d;
uint has_regions;
float scale;
TESS_PUSH_END (TessGroundedAttentionPush)
