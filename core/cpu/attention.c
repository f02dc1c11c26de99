/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/cpu/attention.c: attention by blocks of queries; grounded attention is
 * the same with more keys, a bias and regions.
 *
 *   keys and values of every head are brought into oneDNN's layout once;
 *   one task = one sample, one head, some queries:
 *   scores [rows, tk] = q k^T     oneDNN product, one thread
 *   scores = exp (scale (scores - largest of the row)), sum of each row
 *   dst [rows, d] = scores v      oneDNN product, one thread
 *   dst = dst / sum
 *
 * The scores of a block stay in the second level cache; tasks are shared out
 * between threads. */
#include "core/cpu/cpu-private.h"

#include <omp.h>

/* Bytes of scores of a block, about: half of the second level cache of the
 * processors this is for. */
#define BLOCK_BYTES (768 * 1024)
#define MAX_ROWS 256
#define MIN_ROWS 16

typedef struct
{
  TessPrimitive scores[2], sums[2]; /* whole block; the last, shorter one */
} Thread;

/* Of one sample; no bias: plain attention. */
typedef struct
{
  const gfloat *bias;
  const gint32 *cells, *tokens; /* may be NULL */
} Ground;

/* How the keys or values of one head lie. */
typedef struct
{
  dnnl_memory_desc_t desc;
  gsize *inner, *columns; /* places by index, in elements */
  gsize n_bytes;
} Layout;

typedef struct
{
  TessKernel kernel;
  Layout k, v;
  gsize n_packed;       /* bytes of scratch: keys and values of every head, then
                           the threads' */
  gint rows, last_rows; /* 0: no shorter block */
  gint n_threads;
  Thread *threads;
  gsize n_scores, n_weights, n_scratch; /* bytes of each thread's scratch */
} Attention;

/* TESS_SIMD clones: a row of scores to weights, in place; returns their sum.
 * Scores from @n on are 0. */
TESS_SIMD static gfloat
soften (gfloat *row, gint n, gint tk, gfloat scale)
{
  gfloat lanes[16], largest = -INFINITY, sum = 0.0f;
  gint i = 0;

  for (gint j = 0; j < 16; j++)
    lanes[j] = -INFINITY;
  for (; i + 16 <= n; i += 16)
    for (gint j = 0; j < 16; j++)
      lanes[j] = row[i + j] > lanes[j] ? row[i + j] : lanes[j];
  for (; i < n; i++)
    largest = row[i] > largest ? row[i] : largest;
  for (gint j = 0; j < 16; j++)
    largest = lanes[j] > largest ? lanes[j] : largest;

  for (gint j = 0; j < 16; j++)
    lanes[j] = 0.0f;
  for (i = 0; i + 16 <= n; i += 16)
    for (gint j = 0; j < 16; j++)
      {
        gfloat weight = tess_exp (scale * (row[i + j] - largest));

        row[i + j] = weight;
        lanes[j] += weight;
      }
  for (; i < n; i++)
    {
      row[i] = tess_exp (scale * (row[i] - largest));
      sum += row[i];
    }
  for (gint j = 0; j < 16; j++)
    sum += lanes[j];
  for (i = n; i < tk; i++)
    row[i] = 0.0f;
  return sum;
}

TESS_SIMD static void
divide (gfloat *row, gint n, gfloat factor)
{
  for (gint i = 0; i < n; i++)
    row[i] *= factor;
}

/* What grounded attention does to a row of scores of token @i. */
static void
ground_row (const TessAttentionOp *op,
            const Ground *ground,
            gint i,
            gfloat *row)
{
  gfloat *scores = row + op->tq;

  for (gint j = 0; j < op->n_ground; j++)
    scores[j] += ground->bias[j] / op->scale;
  if (ground->cells == NULL)
    return;
  for (gint j = 0; j < op->tq; j++)
    if ((ground->cells[i] & ground->cells[j]) == 0 && i != j)
      row[j] = -INFINITY;
  for (gint j = 0; j < op->n_ground; j++)
    if (ground->tokens[j] != TESS_ALL_REGIONS
        && (ground->cells[i] & ground->tokens[j]) == 0)
      scores[j] = -INFINITY;
}

static void
run_block (Attention *self,
           Thread *thread,
           const Ground *ground,
           guint8 *scratch,
           const guint8 *q,
           const guint8 *k,
           const guint8 *v,
           guint8 *dst,
           gint first)
{
  const TessAttentionOp *op = (const TessAttentionOp *) self->kernel.op;
  gboolean half = op->op.dst->type == TESS_BF16;
  gint last = op->tq - first < self->rows;
  gint rows = last ? self->last_rows : self->rows;
  gsize c = op->op.dst->shape.c;
  TessPrimitive *scores = &thread->scores[last], *sums = &thread->sums[last];
  gfloat *block = (gfloat *) scratch, totals[MAX_ROWS];
  guint16 *weights = (guint16 *) (scratch + self->n_scores);
  guint8 *own = scratch + self->n_scores + self->n_weights;

  tess_primitive_set (scores, DNNL_ARG_SRC, (gpointer) q);
  tess_primitive_set (scores, DNNL_ARG_WEIGHTS, (gpointer) k);
  tess_primitive_set (scores, DNNL_ARG_DST, block);
  tess_primitive_set (scores, DNNL_ARG_SCRATCHPAD, own);
  tess_primitive_run (scores);
  for (gint i = 0; i < rows; i++)
    {
      gfloat *row = block + (gsize) i * op->tk;
      gint n = op->causal ? MIN (first + i + 1, op->tk) : op->tk;

      if (ground->bias != NULL)
        ground_row (op, ground, first + i, row);
      totals[i] = soften (row, n, op->tk, op->scale);
      if (half)
        {
          divide (row, op->tk, 1.0f / totals[i]);
          tess_f32_to_bf16 (row, weights + (gsize) i * op->tk, op->tk);
        }
    }
  tess_primitive_set (sums, DNNL_ARG_SRC, half ? (gpointer) weights : block);
  tess_primitive_set (sums, DNNL_ARG_WEIGHTS, (gpointer) v);
  tess_primitive_set (sums, DNNL_ARG_DST, dst);
  tess_primitive_set (sums, DNNL_ARG_SCRATCHPAD, own);
  tess_primitive_run (sums);
  for (gint i = 0; i < rows && !half; i++)
    divide ((gfloat *) dst + i * c, op->d, 1.0f / totals[i]);
}

/* dst[index of a token][index of a channel] = src[token][channel] */
#define PACK(name, type)                                                       \
  static void name (const type *src, gint n, gsize c, gint d,                  \
                    const gsize *tokens, const gsize *channels, type *dst)     \
  {                                                                            \
    for (gint t0 = 0; t0 < n; t0 += 16)                                        \
      for (gint e = 0; e < d; e++)                                             \
        for (gint t = t0; t < MIN (t0 + 16, n); t++)                           \
          dst[tokens[t] + channels[e]] = src[t * c + e];                       \
  }
PACK (pack_f32, gfloat)
PACK (pack_bf16, guint16)

/* @n tokens of one head's keys or values, at @src, into their place from token
 * @first on. */
static void
pack (const Attention *self,
      const Layout *layout,
      gboolean is_v,
      const guint8 *src,
      gint first,
      gint n,
      guint8 *dst)
{
  const TessAttentionOp *op = (const TessAttentionOp *) self->kernel.op;
  const gsize *tokens = (is_v ? layout->inner : layout->columns) + first;
  const gsize *channels = is_v ? layout->columns : layout->inner;
  gsize c = op->op.dst->shape.c;

  if (op->op.dst->type == TESS_BF16)
    pack_bf16 ((const guint16 *) src, n, c, op->d, tokens, channels,
               (guint16 *) dst);
  else
    pack_f32 ((const gfloat *) src, n, c, op->d, tokens, channels,
              (gfloat *) dst);
}

/* Keys and values of a head, the sample's own and those from elsewhere. */
static void
pack_head (const Attention *self,
           const TessHostRun *run,
           gint sample,
           gint ground,
           gint head,
           guint8 *dst)
{
  const TessAttentionOp *op = (const TessAttentionOp *) self->kernel.op;
  gsize size = tess_type_size (op->op.dst->type);
  gint n_own = op->tk - op->n_ground;
  gsize c = op->op.dst->shape.c, at = (gsize) head * op->d;
  gsize own = ((gsize) sample * n_own * c + at) * size;
  gsize other = ((gsize) ground * op->n_ground * c + at) * size;

  for (gint is_v = 0; is_v < 2; is_v++)
    {
      const Layout *layout = is_v ? &self->v : &self->k;
      const TessValue *src = op->op.src[is_v ? TESS_SLOT_V : TESS_SLOT_K];
      const TessValue *more
          = op->op.src[is_v ? TESS_SLOT_GROUND_V : TESS_SLOT_GROUND_K];

      memset (dst, 0, layout->n_bytes);
      pack (self, layout, is_v, (guint8 *) tess_host_data (run, src) + own, 0,
            n_own, dst);
      if (op->n_ground > 0)
        pack (self, layout, is_v, (guint8 *) tess_host_data (run, more) + other,
              n_own, op->n_ground, dst);
      dst += layout->n_bytes;
    }
}

static Ground
ground_of (const TessAttentionOp *op, const TessHostRun *run, gint row)
{
  const TessValue *bias = op->op.src[TESS_SLOT_GROUND_BIAS];
  const TessValue *cells = op->op.src[TESS_SLOT_CELLS];
  const TessValue *tokens = op->op.src[TESS_SLOT_TOKENS];
  Ground ground = { 0 };

  if (bias == NULL)
    return ground;
  ground.bias
      = (const gfloat *) tess_host_data (run, bias) + row * op->n_ground;
  if (cells == NULL)
    return ground;
  ground.cells = (const gint32 *) tess_host_data (run, cells) + row * op->tq;
  ground.tokens
      = (const gint32 *) tess_host_data (run, tokens) + row * op->n_ground;
  return ground;
}

/* Which of the grounds, or which keys, sample @i takes. */
static gint
row_of (const TessAttentionOp *op, const TessHostRun *run, gint i)
{
  const TessValue *rows = op->op.src[TESS_SLOT_ROWS];
  const TessValue *from
      = op->op.src[op->n_ground > 0 ? TESS_SLOT_GROUND_K : TESS_SLOT_K];

  if (rows == NULL)
    return i;
  return CLAMP (((const gint32 *) tess_host_data (run, rows))[i], 0,
                from->shape.n - 1);
}

static void
run (TessKernel *kernel, const TessHostRun *run)
{
  Attention *self = (Attention *) kernel;
  const TessAttentionOp *op = (const TessAttentionOp *) kernel->op;
  const guint8 *q = tess_host_data (run, kernel->op->src[TESS_SLOT_SRC]);
  guint8 *dst = tess_host_data (run, kernel->op->dst);
  gint n = kernel->op->dst->shape.n, m = kernel->op->src[TESS_SLOT_K]->shape.n;
  gint n_heads = op->n_heads;
  gint n_blocks = (op->tq + self->rows - 1) / self->rows;
  gsize size = tess_type_size (kernel->op->dst->type);
  gsize c = kernel->op->dst->shape.c,
        n_pair = self->k.n_bytes + self->v.n_bytes;

#pragma omp parallel for collapse(2)
  for (gint i = 0; i < m; i++)
    for (gint head = 0; head < n_heads; head++)
      pack_head (self, run, i, op->n_ground > 0 ? row_of (op, run, i) : 0, head,
                 run->scratch + (i * n_heads + head) * n_pair);

#pragma omp parallel for collapse(3) schedule(dynamic)
  for (gint i = 0; i < n; i++)
    for (gint head = 0; head < n_heads; head++)
      for (gint block = 0; block < n_blocks; block++)
        {
          gint thread = omp_get_thread_num ();
          gint row = row_of (op, run, i);
          gint keys = op->n_ground > 0 ? i : row;
          Ground ground = ground_of (op, run, row);
          gsize at = (((gsize) i * op->tq + (gsize) block * self->rows) * c
                      + (gsize) head * op->d)
                     * size;
          guint8 *packed = run->scratch + (keys * n_heads + head) * n_pair;

          run_block (
              self, &self->threads[thread], &ground,
              run->scratch + self->n_packed
                  + thread
                        * (self->n_scores + self->n_weights + self->n_scratch),
              q + at, packed, packed + self->k.n_bytes, dst + at,
              block * self->rows);
        }
}

static void
layout_clear (Layout *layout)
{
  tess_dnnl_desc_clear (&layout->desc);
  g_clear_pointer (&layout->inner, g_free);
  g_clear_pointer (&layout->columns, g_free);
}

static void
finish (TessKernel *kernel)
{
  Attention *self = (Attention *) kernel;

  layout_clear (&self->k);
  layout_clear (&self->v);
  /* The first thread's primitives are shared by the others: last. */
  for (gint i = self->n_threads - 1; i >= 0 && self->threads != NULL; i--)
    for (gint j = 0; j < 2; j++)
      {
        tess_primitive_finish (&self->threads[i].scores[j]);
        tess_primitive_finish (&self->threads[i].sums[j]);
      }
  g_free (self->threads);
}

/* [rows, inner] x [inner, columns]; the second in oneDNN's own layout. */
static gboolean
init_product (TessPrimitive *primitive,
              TessType type,
              TessType dst_type,
              const dnnl_dim_t sizes[3],
              dnnl_dim_t src_stride,
              dnnl_dim_t dst_stride,
              Layout *layout)
{
  dnnl_dim_t src_strides[] = { src_stride, 1 };
  dnnl_dim_t dst_strides[] = { dst_stride, 1 };
  dnnl_memory_desc_t src = tess_dnnl_desc (
      type, 2, (dnnl_dim_t[]) { sizes[0], sizes[1] }, src_strides);
  dnnl_memory_desc_t weight
      = layout->desc != NULL
            ? NULL
            : tess_dnnl_desc_any (type, 2,
                                  (dnnl_dim_t[]) { sizes[1], sizes[2] });
  dnnl_memory_desc_t dst = tess_dnnl_desc (
      dst_type, 2, (dnnl_dim_t[]) { sizes[0], sizes[2] }, dst_strides);
  dnnl_primitive_attr_t attr = tess_dnnl_attr (NULL);
  dnnl_primitive_desc_t desc = NULL;
  gboolean ok = dnnl_matmul_primitive_desc_create (
                    &desc, tess_dnnl_engine (), src,
                    weight != NULL ? weight : layout->desc, NULL, dst, attr)
                == dnnl_success;

  if (ok && layout->desc == NULL)
    {
      dnnl_memory_desc_clone (
          &layout->desc,
          dnnl_primitive_desc_query_md (desc, dnnl_query_weights_md, 0));
      layout->inner = tess_cpu_layout_table (layout->desc, 0, sizes[1]);
      layout->columns = tess_cpu_layout_table (layout->desc, 1, sizes[2]);
      layout->n_bytes = tess_align64 (tess_dnnl_desc_size (layout->desc));
    }
  ok = ok && tess_primitive_init (primitive, desc, FALSE, NULL);
  dnnl_primitive_attr_destroy (attr);
  tess_dnnl_desc_clear (&src);
  tess_dnnl_desc_clear (&weight);
  tess_dnnl_desc_clear (&dst);
  return ok;
}

/* The shorter block takes the layouts of the whole one. */
static gboolean
init_thread (Attention *self, const TessAttentionOp *op, gint which, gint rows)
{
  Thread *thread = &self->threads[0];
  TessType type = op->op.dst->type;
  dnnl_dim_t c = op->op.dst->shape.c, tk = op->tk, d = op->d;

  return init_product (&thread->scores[which], type, TESS_F32,
                       (dnnl_dim_t[]) { rows, d, tk }, c, tk, &self->k)
         && init_product (&thread->sums[which], type, type,
                          (dnnl_dim_t[]) { rows, tk, d }, tk, c, &self->v);
}

static gboolean
init_threads (Attention *self, const TessAttentionOp *op)
{
  gboolean ok = TRUE;

  for (gint which = 0; which < 2 && ok; which++)
    {
      gint rows = which == 0 ? self->rows : self->last_rows;
      Thread *first = &self->threads[0];

      if (rows == 0)
        continue;
      ok = init_thread (self, op, which, rows);
      for (gint i = 1; i < self->n_threads && ok; i++)
        ok = tess_primitive_init_shared (&self->threads[i].scores[which],
                                         &first->scores[which])
             && tess_primitive_init_shared (&self->threads[i].sums[which],
                                            &first->sums[which]);
      if (ok)
        self->n_scratch
            = MAX (self->n_scratch, MAX (first->scores[which].n_scratch,
                                         first->sums[which].n_scratch));
    }
  return ok;
}

TessKernel *
tess_cpu_attention_new (TessHostBackend *host, const TessOp *base)
{
  const TessAttentionOp *op = (const TessAttentionOp *) base;
  Attention *self;
  gint rows, n_threads = omp_get_max_threads ();
  gboolean ok;

  for (gint i = 0; i <= TESS_SLOT_GROUND_V; i++)
    if (i != TESS_SLOT_ROWS && base->src[i] != NULL
        && base->src[i]->type != base->dst->type)
      return NULL;

  self = g_new0 (Attention, 1);
  self->kernel.op = base;
  rows = BLOCK_BYTES / (op->tk * (gint) sizeof (gfloat));
  rows = CLAMP (rows / 16 * 16, MIN_ROWS, MAX_ROWS);
  self->rows = MIN (rows, op->tq);
  self->last_rows = op->tq % self->rows;
  self->n_threads = host->n_threads;
  self->threads = g_new0 (Thread, self->n_threads);
  self->kernel.variant = "onednn matmul, blocks of queries";
  self->kernel.run = run;
  self->kernel.finish = finish;

  /* Each is run by one thread; oneDNN divides its work when it is made. */
  omp_set_num_threads (1);
  ok = init_threads (self, op);
  omp_set_num_threads (n_threads);
  if (!ok)
    {
      tess_kernel_free (&self->kernel);
      return NULL;
    }
  self->n_scores = tess_align64 ((gsize) self->rows * op->tk * sizeof (gfloat));
  self->n_weights = base->dst->type == TESS_BF16 ? self->n_scores / 2 : 0;
  self->n_weights = tess_align64 (self->n_weights);
  self->n_packed = (gsize) base->src[TESS_SLOT_K]->shape.n * op->n_heads
                   * (self->k.n_bytes + self->v.n_bytes);
  self->kernel.n_scratch
      = self->n_packed
        + (self->n_scores + self->n_weights + self->n_scratch)
              * self->n_threads;
  return &self->kernel;
}
