/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/lib/push.h: one declaration of push constants for C and GLSL:
 *
 *   TESS_PUSH_BEGIN
 *   uint n;
 *   TESS_PUSH_END (TessNamePush)
 *
 * In the shader they are push.n. 32-bit scalars only. */
#ifndef TESS_PUSH_BEGIN
#ifdef VULKAN
#define TESS_PUSH_BEGIN                                                        \
  layout (push_constant) uniform Push                                          \
  {
#define TESS_PUSH_END(name)                                                    \
  }                                                                            \
  push;
#else
#include <sys/types.h>
#define TESS_PUSH_BEGIN                                                        \
  typedef struct                                                               \
  {
#define TESS_PUSH_END(name)                                                    \
  }                                                                            \
  name;
#endif
#endif
