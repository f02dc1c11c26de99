/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/embed.h: push constants of embed.comp. */
#include "lib/push.h"

TESS_PUSH_BEGIN
uint n, c, n_rows; /* n: numbers of dst */
uint has_ids;      /* else the whole table */
TESS_PUSH_END (TessEmbedPush)
