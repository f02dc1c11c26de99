/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/convert.h: push constants of convert.comp. */
#include "lib/push.h"

#define TESS_CONVERT_THREADS 256

TESS_PUSH_BEGIN
uint n;
uint first; /* element of src */
TESS_PUSH_END (TessConvertPush)
