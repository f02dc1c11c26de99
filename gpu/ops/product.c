/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/ops/product.c: convolutions and products with a weight on the device,
 * as one matrix product. */
#include "gpu/ops/product.h"

#include "gpu/ops/activation.h"
#include "gpu/shaders/product.h"

#include <string.h>

TESS_GPU_SHADER (product_tile);
TESS_GPU_SHADER (product_lanes);
extern const TessGpuShader tess_shader_product_coopmat_f16;
static const TessGpuShader *const product_coopmat_shader[2]
    = { NULL, &tess_shader_product_coopmat_f16 };

/* Groups of rows that lie in x, the rest in z. */
#define MAX_X 32768

/* Either op, seen as the product. */
typedef struct
{
  const TessOp *op;
  gsize n_cells;
  gint ic, oc, kh, kw; /* oc: of dst */
  gint stride, pad, upsample;
  TessActivation act;
  gint n_columns, n_pairs; /* of the weight as it lies */
} Product;

static gint
round_up (gint n, gint by)
{
  return (n + by - 1) / by * by;
}

static Product
product_of (const TessOp *op)
{
  Product p = {
    .op = op,
    .n_cells = tess_shape_n_elements (&op->dst->shape) / op->dst->shape.c,
    .ic = op->src[TESS_SLOT_SRC]->shape.c,
    .oc = op->dst->shape.c,
    .kh = 1,
    .kw = 1,
    .stride = 1,
    .upsample = 1,
  };

  if (op->klass == &tess_conv2d_class)
    {
      const TessConv2dOp *conv = (const TessConv2dOp *) op;

      p.kh = conv->kh;
      p.kw = conv->kw;
      p.stride = conv->args.stride;
      p.pad = conv->args.pad_begin;
      p.upsample = conv->args.upsample;
      p.act = conv->args.act;
    }
  else
    p.act = ((const TessLinearOp *) op)->args.act;
  p.n_columns
      = round_up (p.act == TESS_ACT_GEGLU ? round_up (p.oc, 2) * 2 : p.oc,
                  TESS_PRODUCT_COLUMNS);
  p.n_pairs = round_up ((p.ic + 1) / 2, TESS_PRODUCT_PAIRS);
  return p;
}

/* Packing */

/* Of the weight that a column of the product takes, -1: none. */
static gint
row_of_column (const Product *p, gint column)
{
  gint c = column / 4 * 2 + column % 2;

  if (p->act != TESS_ACT_GEGLU)
    return column < p->oc ? column : -1;
  if (c >= p->oc)
    return -1;
  return column % 4 < 2 ? c : p->oc + c;
}

typedef struct
{
  Product product;
  TessType type;
} Packing;

static gboolean
fill_weight (const TessPackSpec *spec, gpointer dst, GError **error)
{
  const Packing *packing = spec->data;
  const Product *p = &packing->product;
  gsize n_taps = (gsize) p->kh * p->kw, n = 2 * (gsize) p->n_pairs;
  gsize size = tess_type_size (packing->type);

#pragma omp parallel
  {
    g_autofree gfloat *row = g_new (gfloat, n_taps * p->ic);
    g_autofree gfloat *line = g_new0 (gfloat, n);

#pragma omp for schedule(dynamic, 16)
    for (gint column = 0; column < p->n_columns; column++)
      {
        gint from = row_of_column (p, column);

        if (from >= 0)
          tess_weight_read (spec->weights[0], from, 1, row);
        for (gsize tap = 0; tap < n_taps; tap++)
          {
            guint8 *to
                = (guint8 *) dst + (tap * p->n_columns + column) * n * size;

            for (gint i = 0; i < p->ic; i++)
              line[i] = from >= 0 ? row[i * n_taps + tap] : 0.0f;
            if (packing->type == TESS_F16)
              tess_f32_to_f16 (line, (guint16 *) to, n);
            else
              memcpy (to, line, n * sizeof *line);
          }
      }
  }
  return TRUE;
}

static gboolean
fill_bias (const TessPackSpec *spec, gpointer dst, GError **error)
{
  const Packing *packing = spec->data;

  for (gint column = 0; column < packing->product.n_columns; column++)
    {
      gint from = row_of_column (&packing->product, column);

      if (from >= 0)
        tess_weight_read (spec->weights[0], from, 1, (gfloat *) dst + column);
      else
        ((gfloat *) dst)[column] = 0.0f;
    }
  return TRUE;
}

/* One layout serves every variant. */
static gint
add_pack (TessGpuKernel *kernel,
          const Product *p,
          const TessWeight *weight,
          gboolean is_bias)
{
  Packing packing = { *p, is_bias ? TESS_F32 : kernel->storage };
  TessPackSpec spec = { 0 };

  if (weight == NULL)
    return -1;
  spec.weights[0] = weight;
  spec.layout = g_strdup_printf ("product %s %s%s", is_bias ? "bias" : "weight",
                                 tess_type_name (packing.type),
                                 p->act == TESS_ACT_GEGLU ? ", gated" : "");
  spec.n_bytes = (gsize) p->n_columns * tess_type_size (packing.type);
  if (!is_bias)
    spec.n_bytes *= 2 * (gsize) p->kh * p->kw * p->n_pairs;
  spec.fill = is_bias ? fill_bias : fill_weight;
  spec.data = g_memdup2 (&packing, sizeof packing);
  spec.free_data = g_free;
  return tess_gpu_pack (kernel, &spec);
}

/* Choosing */

/* What no variant here takes. */
static const gchar *
refuses (const TessOp *op, TessType storage)
{
  Product p = product_of (op);

  if (storage == TESS_F16 && (p.ic % 2 != 0 || p.oc % 2 != 0))
    return "an odd number of channels in 16 bits";
  return NULL;
}

/* Of sums that a subgroup can hold. */
#define MAX_MATRICES 16

/* The first of the device's that the tiles are whole multiples of; a step sums
 * over two of them. */
static const TessGpuMatrix *
matrix_of (const TessGpuVariant *variant, const TessGpuCaps *caps)
{
  const guint32 *size = variant->constants;

  for (guint i = 0; i < caps->n_matrices; i++)
    {
      const TessGpuMatrix *m = &caps->matrices[i];
      guint32 n_rows = size[0] / size[2], n_columns = size[1] / size[3];

      if (n_rows % m->m == 0 && n_columns % m->n == 0 && m->n % 4 == 0
          && m->k % 8 == 0
          && n_rows / m->m * (n_columns / m->n) <= MAX_MATRICES)
        return m;
    }
  return NULL;
}

const gchar *
tess_gpu_product_refuses_matrices (const TessGpuVariant *variant,
                                   const TessGpuCaps *caps,
                                   const TessOp *op,
                                   TessType storage)
{
  const guint32 *size = variant->constants;
  const TessGpuMatrix *m = matrix_of (variant, caps);

  if (storage != TESS_F16)
    return "cooperative matrices have 16-bit factors";
  if (m == NULL)
    return "no cooperative matrix of a shape that divides the tile";
  if (size[2] * size[3] * caps->subgroup_size > caps->n_threads
      || (size[0] + size[1]) * (m->k / 4 + 1) * 16 > caps->n_shared)
    return "a group is too large for the device";
  return refuses (op, storage);
}

static guint32
tile_pairs (TessType storage)
{
  return storage == TESS_F16 ? 8 : 4;
}

static guint32
tile_threads (const TessGpuVariant *variant)
{
  const guint32 *size = variant->constants;

  return size[0] / size[2] * (size[1] / size[3]);
}

const gchar *
tess_gpu_product_refuses_tiles (const TessGpuVariant *variant,
                                const TessGpuCaps *caps,
                                const TessOp *op,
                                TessType storage)
{
  const guint32 *size = variant->constants;

  if (tile_threads (variant) > caps->n_threads
      || (size[0] + size[1] + 8) * 8 * tile_pairs (storage) > caps->n_shared)
    return "a group is too large for the device";
  return refuses (op, storage);
}

const gchar *
tess_gpu_product_refuses_lanes (const TessGpuVariant *variant,
                                const TessGpuCaps *caps,
                                const TessOp *op,
                                TessType storage)
{
  if (!caps->subgroups || caps->subgroup_size < 8
      || caps->subgroup_size % 8 != 0)
    return "no subgroups of eight lanes";
  return refuses (op, storage);
}

/* Rows and columns that a group takes. */
static void
group_size (const TessGpuVariant *variant,
            const TessGpuCaps *caps,
            guint32 *n_rows,
            guint32 *n_columns)
{
  const guint32 *size = variant->constants;
  gboolean is_lanes = variant->make == tess_gpu_product_make_lanes;

  *n_rows = size[0];
  *n_columns = is_lanes ? size[1] * caps->subgroup_size : size[1];
}

/* Multiply-adds of a whole group in a unit of time, by measuring: on the
 * software device GFLOP/s as in docs/gpu.md, else relative to the plain tile
 * of 64x64. */
static gdouble
rate (const TessGpuVariant *variant, const TessGpuCaps *caps)
{
  const guint32 *size = variant->constants;

  if (variant->make == tess_gpu_product_make_matrices)
    return caps->is_cpu     ? 2.0
           : size[0] >= 128 ? 8.0
           : size[0] >= 64  ? 5.0
                            : 2.5;
  if (variant->make == tess_gpu_product_make_lanes)
    return caps->is_cpu ? (size[0] >= 16 ? 58.0 : 48.0) : 0.3;
  if (caps->is_cpu)
    return size[0] >= 128 ? 30.0 : 20.0;
  return size[0] >= 128 ? 1.3 : size[0] >= 64 ? 1.0 : 0.4;
}

/* Groups that a device works on at a time: below that the rest of it idles. */
#define N_UNITS 64

gdouble
tess_gpu_product_cost (const TessGpuVariant *variant,
                       const TessGpuCaps *caps,
                       const TessOp *op,
                       TessType storage)
{
  Product p = product_of (op);
  guint32 n_rows, n_columns;
  gdouble n_groups;

  group_size (variant, caps, &n_rows, &n_columns);
  n_groups = (gdouble) tess_gpu_divide_up (p.n_cells, n_rows)
             * tess_gpu_divide_up (p.n_columns, n_columns);
  if (!caps->is_cpu)
    n_groups = MAX (n_groups, N_UNITS);
  return n_groups * n_rows * n_columns / rate (variant, caps);
}

/* Making */

/* Each cell of src begins at a multiple of 16 bytes. */
static guint32
is_aligned (const TessGpuKernel *kernel)
{
  return kernel->op->src[TESS_SLOT_SRC]->shape.c
             * tess_type_size (kernel->storage) % 16
         == 0;
}

/* The only tap of a cell is the cell itself, and steps are whole. */
static guint32
is_pointwise (const TessOp *op, guint32 n_pairs)
{
  Product p = product_of (op);

  return p.kh == 1 && p.kw == 1 && p.stride == 1 && p.upsample == 1
         && p.pad == 0 && p.ic % (2 * n_pairs) == 0;
}

static void
make (const TessGpuVariant *variant,
      TessGpuKernel *kernel,
      const TessGpuShader *const shader[2],
      const guint32 *constants,
      guint n_constants)
{
  const TessOp *op = kernel->op;
  Product p = product_of (op);
  const TessShape *src_shape = &op->src[TESS_SLOT_SRC]->shape;
  const TessValue *row_value
      = op->klass == &tess_conv2d_class ? op->src[TESS_SLOT_ROW] : NULL;
  TessGpuBinding src = tess_gpu_source (kernel, op->src[TESS_SLOT_SRC]);
  TessGpuBinding row = tess_gpu_source (kernel, row_value);
  TessGpuBinding residual
      = tess_gpu_source (kernel, op->src[TESS_SLOT_RESIDUAL]);
  gint weight = add_pack (kernel, &p, op->weights[TESS_SLOT_WEIGHT], FALSE);
  gint bias = add_pack (kernel, &p, op->weights[TESS_SLOT_BIAS], TRUE);
  TessGpuDispatch *dispatch = tess_gpu_dispatch_new (kernel, shader);
  TessProductPush push = {
    .n_cells = (guint32) p.n_cells,
    .ic = p.ic,
    .oc = p.oc,
    .n_columns = p.n_columns,
    .n_pairs = p.n_pairs,
    .src_h = src_shape->h,
    .src_w = src_shape->w,
    .h = op->dst->shape.h,
    .w = op->dst->shape.w,
    .kh = p.kh,
    .kw = p.kw,
    .stride = p.stride,
    .pad = p.pad,
    .upsample = p.upsample,
    .has_bias = bias >= 0,
    .has_row = row_value != NULL,
    .has_residual = op->src[TESS_SLOT_RESIDUAL] != NULL,
  };
  guint32 n_rows, n_columns;
  gsize x, z;

  tess_gpu_constant_add (dispatch, constants[0]);
  tess_gpu_constant_add (dispatch, tess_gpu_activation (p.act));
  for (guint i = 1; i < n_constants; i++)
    tess_gpu_constant_add (dispatch, constants[i]);
  tess_gpu_bind_dst (dispatch, op->dst);
  tess_gpu_bind (dispatch, src);
  tess_gpu_bind_pack (dispatch, kernel, weight);
  tess_gpu_bind_pack (dispatch, kernel, bias);
  tess_gpu_bind (dispatch, row);
  tess_gpu_bind (dispatch, residual);
  tess_gpu_push (dispatch, push);

  group_size (variant, kernel->caps, &n_rows, &n_columns);
  x = tess_gpu_divide_up (p.n_cells, n_rows);
  z = tess_gpu_divide_up (x, MAX_X);
  tess_gpu_groups (dispatch, tess_gpu_divide_up (x, z),
                   tess_gpu_divide_up (p.n_columns, n_columns), z);
}

void
tess_gpu_product_make_matrices (const TessGpuVariant *variant,
                                TessGpuKernel *kernel)
{
  const guint32 *size = variant->constants;
  const TessGpuMatrix *m = matrix_of (variant, kernel->caps);
  guint32 constants[] = { size[2] * size[3] * kernel->caps->subgroup_size,
                          size[0],
                          size[1],
                          m->k,
                          size[2],
                          size[3],
                          m->m,
                          m->n,
                          m->k,
                          is_aligned (kernel),
                          is_pointwise (kernel->op, m->k) };

  make (variant, kernel, product_coopmat_shader, constants,
        G_N_ELEMENTS (constants));
}

void
tess_gpu_product_make_tiles (const TessGpuVariant *variant,
                             TessGpuKernel *kernel)
{
  const guint32 *size = variant->constants;
  guint32 constants[]
      = { tile_threads (variant),
          size[0],
          size[1],
          size[2],
          size[3],
          tile_pairs (kernel->storage),
          is_aligned (kernel),
          is_pointwise (kernel->op, tile_pairs (kernel->storage)) };

  make (variant, kernel, product_tile_shader, constants,
        G_N_ELEMENTS (constants));
}

void
tess_gpu_product_make_lanes (const TessGpuVariant *variant,
                             TessGpuKernel *kernel)
{
  const guint32 *size = variant->constants;
  guint32 constants[]
      = { kernel->caps->subgroup_size, size[0], size[1], size[2] };

  make (variant, kernel, product_lanes_shader, constants,
        G_N_ELEMENTS (constants));
}
