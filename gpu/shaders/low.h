/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/low.h: push constants of low-sums and low-apply. */
#include "lib/push.h"

#define TESS_LOW_WAVES 7

TESS_PUSH_BEGIN
uint n, h, w, c;
TESS_PUSH_END (TessLowPush)
