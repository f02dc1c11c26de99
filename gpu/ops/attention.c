/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/ops/attention.c: attention on the device. */
#include "gpu/kernel.h"

#include "gpu/shaders/attention.h"

TESS_GPU_SHADER (attention);
TESS_GPU_SHADER (attention_lanes);
TESS_GPU_SHADER (attention_tile);
extern const TessGpuShader tess_shader_attention_coopmat_f16;
static const TessGpuShader *const attention_coopmat_shader[2]
    = { NULL, &tess_shader_attention_coopmat_f16 };

G_STATIC_ASSERT (TESS_ATTENTION_LARGEST == TESS_MAX_HEAD);

/* A dispatch of @shader whose first constants are the threads of a group and
 * the width of a head; the caller adds the others. */
static TessGpuDispatch *
make (TessGpuKernel *kernel, const TessGpuShader *const shader[2])
{
  const TessAttentionOp *op = (const TessAttentionOp *) kernel->op;
  const TessValue *rows = op->op.src[TESS_SLOT_ROWS];
  TessGpuBinding q = tess_gpu_source (kernel, op->op.src[TESS_SLOT_SRC]);
  TessGpuBinding k = tess_gpu_source (kernel, op->op.src[TESS_SLOT_K]);
  TessGpuBinding v = tess_gpu_source (kernel, op->op.src[TESS_SLOT_V]);
  TessGpuBinding numbers = tess_gpu_source_typed (kernel, rows, TESS_I32);
  TessGpuDispatch *dispatch = tess_gpu_dispatch_new (kernel, shader);
  TessAttentionPush push = {
    .n = op->op.dst->shape.n,
    .m = op->op.src[TESS_SLOT_K]->shape.n,
    .tq = op->tq,
    .tk = op->tk,
    .n_heads = op->n_heads,
    .d = op->d,
    .causal = op->causal,
    .has_rows = rows != NULL,
    .scale = op->scale,
  };

  tess_gpu_bind_dst (dispatch, op->op.dst);
  tess_gpu_bind (dispatch, q);
  tess_gpu_bind (dispatch, k);
  tess_gpu_bind (dispatch, v);
  tess_gpu_bind (dispatch, numbers);
  tess_gpu_push (dispatch, push);
  return dispatch;
}

static void
make_plain (const TessGpuVariant *variant, TessGpuKernel *kernel)
{
  const TessAttentionOp *op = (const TessAttentionOp *) kernel->op;
  TessGpuDispatch *dispatch = make (kernel, attention_shader);

  tess_gpu_groups_1d (dispatch,
                      (gsize) op->op.dst->shape.n * op->tq * op->n_heads, 1);
}

static void
add_constants (TessGpuDispatch *dispatch, const guint32 *constants, guint n)
{
  for (guint i = 0; i < n; i++)
    tess_gpu_constant_add (dispatch, constants[i]);
}

/* @n_queries and @width columns of the result a group. */
static void
add_groups (TessGpuDispatch *dispatch,
            const TessAttentionOp *op,
            guint32 n_queries,
            guint32 width)
{
  tess_gpu_groups (dispatch, tess_gpu_divide_up (op->tq, n_queries),
                   (gsize) op->n_heads * tess_gpu_divide_up (op->d, width),
                   op->op.dst->shape.n);
}

/* What the fast variants leave to the plain one. */
static const gchar *
refuses (const TessOp *op, TessType storage, gint n_queries)
{
  const TessAttentionOp *attention = (const TessAttentionOp *) op;

  if (storage == TESS_F16 && attention->d % 2 != 0)
    return "heads of an odd width in 16 bits";
  if (attention->tq > (gint64) n_queries * 65535 || op->dst->shape.n > 65535
      || (gint64) attention->n_heads * 8 > 65535)
    return "too many queries, heads or samples for one dispatch";
  return NULL;
}

/* Columns of the result that a group sums up in registers: all of a head's, or
 * as many as fit. */
static guint32
group_width (gint d)
{
  return d <= 160 ? (d + 1) / 2 * 2 : 128;
}

/* Without shared memory, for devices of few lanes. */

#define LANES_QUERIES 8

static const gchar *
refuses_lanes (const TessGpuVariant *variant,
               const TessGpuCaps *caps,
               const TessOp *op,
               TessType storage)
{
  if (!caps->subgroups
      || (caps->subgroup_size != 8 && caps->subgroup_size != 16))
    return "subgroups are not of 8 or 16 lanes";
  return refuses (op, storage, LANES_QUERIES);
}

static void
make_lanes (const TessGpuVariant *variant, TessGpuKernel *kernel)
{
  const TessAttentionOp *op = (const TessAttentionOp *) kernel->op;
  TessGpuDispatch *dispatch = make (kernel, attention_lanes_shader);
  guint32 width = group_width (op->d);
  guint32 keys = width <= 40 ? 4 : width <= 80 ? 2 : 1; /* of a lane */
  guint32 constants[]
      = { kernel->caps->subgroup_size, (guint32) op->d, keys, width, 4 };

  add_constants (dispatch, constants, G_N_ELEMENTS (constants));
  add_groups (dispatch, op, LANES_QUERIES, width);
}

/* Through shared memory, for any device. */

#define TILE_QUERIES 64

static const gchar *
refuses_tiles (const TessGpuVariant *variant,
               const TessGpuCaps *caps,
               const TessOp *op,
               TessType storage)
{
  if (caps->n_threads < 128 || caps->n_shared < 24576)
    return "a group is too large for the device";
  return refuses (op, storage, TILE_QUERIES);
}

static void
make_tiles (const TessGpuVariant *variant, TessGpuKernel *kernel)
{
  const TessAttentionOp *op = (const TessAttentionOp *) kernel->op;
  TessGpuDispatch *dispatch = make (kernel, attention_tile_shader);
  gboolean is_f16 = kernel->storage == TESS_F16;
  guint32 width = group_width (op->d), pairs = width / 2;
  guint32 keys = is_f16 ? 32 : 16;
  guint32 threads = TILE_QUERIES / 4 * (keys / 4);
  guint32 columns = pairs <= 20 ? 4 : pairs <= 40 || !is_f16 ? 8 : 16;
  guint32 constants[] = { threads, (guint32) op->d, TILE_QUERIES, keys,
                          width,   is_f16 ? 16 : 8, columns };

  add_constants (dispatch, constants, G_N_ELEMENTS (constants));
  add_groups (dispatch, op, TILE_QUERIES, width);
}

/* With cooperative matrices. */

#define MATRIX_WAVES 4
#define MATRIX_KEYS 32
#define MAX_MATRICES 10 /* of sums that a subgroup can hold */

static const TessGpuMatrix *
matrix_of (const TessGpuCaps *caps)
{
  for (guint i = 0; i < caps->n_matrices; i++)
    {
      const TessGpuMatrix *m = &caps->matrices[i];

      if (caps->subgroup_size % m->m == 0 && MATRIX_KEYS % m->n == 0
          && MATRIX_KEYS % m->k == 0 && m->n % 8 == 0 && m->k % 8 == 0
          && m->n <= MATRIX_KEYS
          && MATRIX_KEYS / (caps->subgroup_size / m->m) % 2 == 0)
        return m;
    }
  return NULL;
}

static const gchar *
refuses_matrices (const TessGpuVariant *variant,
                  const TessGpuCaps *caps,
                  const TessOp *op,
                  TessType storage)
{
  const TessAttentionOp *attention = (const TessAttentionOp *) op;
  const TessGpuMatrix *m = matrix_of (caps);

  if (storage != TESS_F16)
    return "cooperative matrices have 16-bit factors";
  if (m == NULL)
    return "no cooperative matrix of a fitting shape";
  if (attention->d % 8 != 0
      || (guint32) attention->d > MAX_MATRICES * MIN (m->n, m->k))
    return "heads are too wide, or no multiple of 8";
  if (MATRIX_WAVES * caps->subgroup_size > caps->n_threads
      || caps->n_shared < 40960)
    return "a group is too large for the device";
  return refuses (op, storage, MATRIX_WAVES * m->m);
}

static void
make_matrices (const TessGpuVariant *variant, TessGpuKernel *kernel)
{
  const TessAttentionOp *op = (const TessAttentionOp *) kernel->op;
  TessGpuDispatch *dispatch = make (kernel, attention_coopmat_shader);
  const TessGpuMatrix *m = matrix_of (kernel->caps);
  guint32 lanes = kernel->caps->subgroup_size;
  guint32 constants[] = { MATRIX_WAVES * lanes,
                          (guint32) op->d,
                          MATRIX_KEYS,
                          MATRIX_WAVES,
                          lanes,
                          m->m,
                          m->n,
                          m->k };

  add_constants (dispatch, constants, G_N_ELEMENTS (constants));
  add_groups (dispatch, op, MATRIX_WAVES * m->m, op->d);
}

/* By measuring, see docs/gpu.md. */
static gdouble
cost (const TessGpuVariant *variant,
      const TessGpuCaps *caps,
      const TessOp *op,
      TessType storage)
{
  if (variant->make == make_matrices)
    return caps->is_cpu ? 50.0 : 1.0;
  if (variant->make == make_lanes)
    return caps->is_cpu ? 1.0 : 20.0;
  return 4.0;
}

static const TessGpuVariant variants[] = {
  { "matrices", refuses_matrices, make_matrices, { 0 }, cost },
  { "tiles", refuses_tiles, make_tiles, { 0 }, cost },
  { "lanes", refuses_lanes, make_lanes, { 0 }, cost },
  { .name = "plain", .make = make_plain },
  { NULL },
};

const TessGpuOp tess_gpu_attention = { &tess_attention_class, variants };
