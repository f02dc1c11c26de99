/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/mix.h: push constants of mix.comp. */
#include "lib/push.h"

TESS_PUSH_BEGIN
uint n, n_src;
TESS_PUSH_END (TessMixPush)
