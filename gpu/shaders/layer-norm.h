/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/layer-norm.h: push constants of layer norm. */
#include "lib/push.h"

#define TESS_LAYER_NORM_THREADS 64

TESS_PUSH_BEGIN
uint n_rows, c, has_shift;
float eps;
TESS_PUSH_END (TessLayerNormPush)
