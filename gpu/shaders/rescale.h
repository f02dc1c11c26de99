/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/rescale.h: push constants of rescale.comp. */
#include "lib/push.h"

TESS_PUSH_BEGIN
uint n;
float amount;
TESS_PUSH_END (TessRescalePush)
