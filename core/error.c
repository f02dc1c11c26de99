/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/error.c: the error domain. */
#include "core/error.h"

G_DEFINE_QUARK (tess - error - quark, tess_error)
