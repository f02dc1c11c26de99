/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/conv2d.h: push constants of the convolutions. */
#include "lib/push.h"

TESS_PUSH_BEGIN
uint n, h, w, oc;      /* dst */
uint src_h, src_w, ic; /* src, before doubling */
uint kh, kw;
uint stride, pad, upsample;
uint act;
uint has_bias, has_row, has_residual;
TESS_PUSH_END (TessConv2dPush)
