/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/crop.h: push constants of crop.comp. */
#include "lib/push.h"

TESS_PUSH_BEGIN
uint n, h, w, c; /* dst */
uint src_h, src_w, y0, x0;
TESS_PUSH_END (TessCropPush)
