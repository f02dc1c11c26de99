/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/fuse.h: push constants of fuse.comp. */
#include "lib/push.h"

TESS_PUSH_BEGIN
uint n, h, w, c;    /* of the tiles */
uint height, width; /* of the canvas */
uint has_shares;
TESS_PUSH_END (TessFusePush)
