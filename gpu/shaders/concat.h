/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/concat.h: push constants of concat.comp. */
#include "lib/push.h"

TESS_PUSH_BEGIN
uint n, c_a, c_b; /* n: numbers of dst */
TESS_PUSH_END (TessConcatPush)
