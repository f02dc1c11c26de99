/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/group-norm.h: push constants of group norm. */
#include "lib/push.h"

TESS_PUSH_BEGIN
uint n, n_cells, c, n_groups;
uint act;
float eps;
TESS_PUSH_END (TessGroupNormPush)
