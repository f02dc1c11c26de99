/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/group-stats.h: push constants of the statistics of groups. */
#include "lib/push.h"

#define TESS_STATS_THREADS 256

TESS_PUSH_BEGIN
uint n, h, w, c;
uint n_groups, n_parts;
uint y0, y1, x0, x1;
TESS_PUSH_END (TessGroupStatsPush)
