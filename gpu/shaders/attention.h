/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/attention.h: push constants of attention. */
#include "lib/push.h"

#define TESS_ATTENTION_THREADS 64
#define TESS_ATTENTION_LARGEST 1024 /* width of a head */

TESS_PUSH_BEGIN
uint n, m, tq, tk, n_heads, d;
uint causal, has_rows;
float scale;
TESS_PUSH_END (TessAttentionPush)
