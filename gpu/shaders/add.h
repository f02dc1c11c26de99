/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/add.h: push constants of add.comp. */
#include "lib/push.h"

TESS_PUSH_BEGIN
uint n, n_b; /* b repeats every n_b numbers */
TESS_PUSH_END (TessAddPush)
