/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/lib/activation.h: TessActivation as shaders know it;
 * gpu/ops/elementwise.c sees to it that the two agree. */
#define TESS_GPU_ACT_NONE 0
#define TESS_GPU_ACT_SILU 1
#define TESS_GPU_ACT_GELU 2
#define TESS_GPU_ACT_QUICK_GELU 3
#define TESS_GPU_ACT_GEGLU 4
#define TESS_GPU_ACT_RELU 5
#define TESS_GPU_ACT_LEAKY_RELU 6
