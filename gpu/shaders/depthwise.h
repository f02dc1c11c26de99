/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/depthwise.h: push constants of depthwise.comp. */
#include "lib/push.h"

TESS_PUSH_BEGIN
uint n, h, w, c;
uint k, has_bias;
TESS_PUSH_END (TessDepthwisePush)
