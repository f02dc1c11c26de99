/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/activate.h: push constants of activate.comp. */
#include "lib/push.h"

TESS_PUSH_BEGIN
uint n, act;
TESS_PUSH_END (TessActivatePush)
