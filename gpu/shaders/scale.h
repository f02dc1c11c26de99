/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/scale.h: push constants of scale.comp. */
#include "lib/push.h"

TESS_PUSH_BEGIN
uint n, n_factor, has_residual;
TESS_PUSH_END (TessScalePush)
