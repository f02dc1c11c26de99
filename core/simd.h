/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/simd.h: one word for loops that are compiled once per instruction set
 * and chosen when the program is loaded. Sanitizers do not know ifuncs, so
 * such builds take the plain loop. */
#pragma once

#if defined(__x86_64__) && defined(__linux__) && !defined(TESS_SANITIZED)
#define TESS_SIMD                                                              \
  __attribute__ ((                                                             \
      target_clones ("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define TESS_SIMD
#endif
