/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/lib/types.glsl: STORE, what buffers of values and weights hold;
 * arithmetic is float. Read with float (x), write with STORE (x). */
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_shader_16bit_storage : require

#if TESS_STORAGE == 16
#define STORE float16_t
#define STORE4 f16vec4
#else
#define STORE float
#define STORE4 vec4
#endif
