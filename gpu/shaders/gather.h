/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/gather.h: push constants of gather.comp. */
#include "lib/push.h"

TESS_PUSH_BEGIN
uint n, h, w, c;    /* dst */
uint height, width; /* of the canvas */
TESS_PUSH_END (TessGatherPush)
