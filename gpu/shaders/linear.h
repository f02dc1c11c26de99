/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/linear.h: push constants of the products with a weight. */
#include "lib/push.h"

TESS_PUSH_BEGIN
uint n_rows, ic, oc; /* oc: of dst; the weight has twice as many for GEGLU */
uint act;
uint has_bias, has_residual;
TESS_PUSH_END (TessLinearPush)
