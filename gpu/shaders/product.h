/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/product.h: push constants of a convolution, or of a product
 * with a weight (a convolution of 1x1 over cells in a row), as one matrix
 * product.
 *
 * Its rows are the cells of dst, its columns the channels of dst; what is
 * summed over are the taps of the kernel times the channels of src. The weight
 * lies [kh * kw][n_columns][n_pairs] of pairs: channels 2i and 2i + 1 of one
 * column; zero where there is no such channel or column. n_columns is a
 * multiple of TESS_PRODUCT_COLUMNS, n_pairs of TESS_PRODUCT_PAIRS. With GEGLU
 * columns come in fours: two of the first half, then their gates. The bias is
 * f32 in the same order. */
#include "lib/push.h"

#define TESS_PRODUCT_COLUMNS 16
#define TESS_PRODUCT_PAIRS 4

TESS_PUSH_BEGIN
uint n_cells;            /* of dst: n * h * w */
uint ic, oc;             /* channels of src and of dst */
uint n_columns, n_pairs; /* of the weight as it lies */
uint src_h, src_w;       /* of a sample of src, before doubling */
uint h, w;               /* of a sample of dst */
uint kh, kw;             /* taps */
uint stride, pad, upsample;
uint has_bias, has_row, has_residual;
TESS_PUSH_END (TessProductPush)
