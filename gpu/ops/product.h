/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/ops/product.h: convolutions and products with a weight, both as one
 * matrix product: the variants that gpu/ops/conv2d.c and linear.c share. */
#pragma once

#include "gpu/kernel.h"

G_BEGIN_DECLS

/* The constants of each, in this order:
 * matrices: BM, BN, WAVES_M, WAVES_N
 * tiles: BM, BN, TM, TN; lanes: TM, TN, PAIRS; see the shaders. */
const gchar *tess_gpu_product_refuses_matrices (const TessGpuVariant *variant,
                                                const TessGpuCaps *caps,
                                                const TessOp *op,
                                                TessType storage);
const gchar *tess_gpu_product_refuses_tiles (const TessGpuVariant *variant,
                                             const TessGpuCaps *caps,
                                             const TessOp *op,
                                             TessType storage);
const gchar *tess_gpu_product_refuses_lanes (const TessGpuVariant *variant,
                                             const TessGpuCaps *caps,
                                             const TessOp *op,
                                             TessType storage);
gdouble tess_gpu_product_cost (const TessGpuVariant *variant,
                               const TessGpuCaps *caps,
                               const TessOp *op,
                               TessType storage);
void tess_gpu_product_make_matrices (const TessGpuVariant *variant,
                                     TessGpuKernel *kernel);
void tess_gpu_product_make_tiles (const TessGpuVariant *variant,
                                  TessGpuKernel *kernel);
void tess_gpu_product_make_lanes (const TessGpuVariant *variant,
                                  TessGpuKernel *kernel);

/* The short list that the sizes are chosen from. */
#define TESS_GPU_PRODUCT_VARIANT(name, kind, ...)                              \
  { name,                                                                      \
    tess_gpu_product_refuses_##kind,                                           \
    tess_gpu_product_make_##kind,                                              \
    { __VA_ARGS__ },                                                           \
    tess_gpu_product_cost }
#define TESS_GPU_PRODUCT_VARIANTS                                              \
  TESS_GPU_PRODUCT_VARIANT ("matrices 128x128", matrices, 128, 128, 2, 2),     \
      TESS_GPU_PRODUCT_VARIANT ("matrices 64x64", matrices, 64, 64, 2, 2),     \
      TESS_GPU_PRODUCT_VARIANT ("matrices 32x32", matrices, 32, 32, 2, 2),     \
      TESS_GPU_PRODUCT_VARIANT ("tiles 128x128", tiles, 128, 128, 8, 8),       \
      TESS_GPU_PRODUCT_VARIANT ("tiles 64x64", tiles, 64, 64, 8, 4),           \
      TESS_GPU_PRODUCT_VARIANT ("tiles 16x64", tiles, 16, 64, 4, 4),           \
      TESS_GPU_PRODUCT_VARIANT ("lanes 16x4", lanes, 16, 4, 4),                \
      TESS_GPU_PRODUCT_VARIANT ("lanes 8x4", lanes, 8, 4, 4)

G_END_DECLS
