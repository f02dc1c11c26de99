/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/cpu/attention.c: attention by blocks of queries; grounded attention is
 * the same with more keys, a bias and regions.
 *
 * Keys and values of every head are brought together once; then one task is
 * one sample, one head and a block of queries (core/cpu/attention-block.h).
 * Tasks are shared out between threads. */
#include "core/cpu/attention-block.h"

#include <omp.h>

typedef struct
{
  TessKernel kernel;
  const TessAttentionWay *way;
  gsize n_keys, n_values, n_thread; /* bytes of scratch: of a head's keys and
                                       values, then of a thread */
} Attention;

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

static TessAttentionGround
ground_of (const TessAttentionOp *op, const TessHostRun *run, gint row)
{
  const TessValue *bias = op->op.src[TESS_SLOT_GROUND_BIAS];
  const TessValue *cells = op->op.src[TESS_SLOT_CELLS];
  const TessValue *tokens = op->op.src[TESS_SLOT_TOKENS];
  TessAttentionGround ground = { .n = op->n_ground };

  if (bias != NULL)
    ground.bias
        = (const gfloat *) tess_host_data (run, bias) + row * op->n_ground;
  if (cells != NULL)
    {
      ground.cells
          = (const gint32 *) tess_host_data (run, cells) + row * op->tq;
      ground.tokens
          = (const gint32 *) tess_host_data (run, tokens) + row * op->n_ground;
    }
  return ground;
}

/* Keys or values of a head, the sample's own and those from elsewhere. */
static void
pack (const TessAttentionOp *op,
      const TessHostRun *run,
      void (*pack_tokens) (const TessAttentionTokens *, gint, gpointer),
      const gint slots[2],
      const gint rows[2],
      gint head,
      gpointer dst)
{
  gsize c = op->op.dst->shape.c;
  TessAttentionTokens tokens = {
    .type = op->op.dst->type,
    .stride = c,
    .n = op->tk - op->n_ground,
  };

  for (gint i = 0; i < 2 && (i == 0 || op->n_ground > 0); i++)
    {
      gsize at = (gsize) rows[i] * tokens.n * c + (gsize) head * op->d;

      tokens.src = tess_block_at (
          tokens.type, tess_host_data (run, op->op.src[slots[i]]), at);
      pack_tokens (&tokens, op->d, dst);
      tokens.first = tokens.n;
      tokens.n = op->n_ground;
    }
}

static void
pack_head (const Attention *self,
           const TessHostRun *run,
           gint sample,
           gint head,
           guint8 *dst)
{
  static const gint keys[] = { TESS_SLOT_K, TESS_SLOT_GROUND_K };
  static const gint values[] = { TESS_SLOT_V, TESS_SLOT_GROUND_V };
  const TessAttentionOp *op = (const TessAttentionOp *) self->kernel.op;
  const gint rows[]
      = { sample, op->n_ground > 0 ? row_of (op, run, sample) : 0 };

  memset (dst, 0, self->n_keys + self->n_values);
  pack (op, run, self->way->pack_keys, keys, rows, head, dst);
  pack (op, run, self->way->pack_values, values, rows, head,
        dst + self->n_keys);
}

static void
run (TessKernel *kernel, const TessHostRun *run)
{
  Attention *self = (Attention *) kernel;
  const TessAttentionOp *op = (const TessAttentionOp *) kernel->op;
  const TessAttentionWay *way = self->way;
  gconstpointer q = tess_host_data (run, kernel->op->src[TESS_SLOT_SRC]);
  guint8 *dst = tess_host_data (run, kernel->op->dst);
  TessType type = kernel->op->dst->type;
  gint n = kernel->op->dst->shape.n, m = kernel->op->src[TESS_SLOT_K]->shape.n;
  gint n_heads = op->n_heads;
  gint n_blocks = (op->tq + way->n_queries - 1) / way->n_queries;
  gsize c = kernel->op->dst->shape.c, n_pair = self->n_keys + self->n_values;
  guint8 *threads = run->scratch + n_pair * m * n_heads;

#pragma omp parallel for collapse(2)
  for (gint i = 0; i < m; i++)
    for (gint head = 0; head < n_heads; head++)
      pack_head (self, run, i, head,
                 run->scratch + (i * n_heads + head) * n_pair);

#pragma omp parallel for collapse(3) schedule(dynamic)
  for (gint i = 0; i < n; i++)
    for (gint head = 0; head < n_heads; head++)
      for (gint block = 0; block < n_blocks; block++)
        {
          gint row = row_of (op, run, i);
          gint keys = op->n_ground > 0 ? i : row;
          gint first = block * way->n_queries;
          gsize at = ((gsize) i * op->tq + first) * c + (gsize) head * op->d;
          guint8 *packed = run->scratch + (keys * n_heads + head) * n_pair;

          way->run (&(TessAttentionBlock) {
              .type = type,
              .q = tess_block_at (type, q, at),
              .dst = dst + at * tess_type_size (type),
              .k = packed,
              .v = packed + self->n_keys,
              .scratch = threads + omp_get_thread_num () * self->n_thread,
              .n = MIN (way->n_queries, op->tq - first),
              .first = first,
              .tk = op->tk,
              .d = op->d,
              .stride = c,
              .scale = op->scale,
              .causal = op->causal,
              .ground = ground_of (op, run, row),
          });
        }
}

TessKernel *
tess_cpu_attention_new (TessHostBackend *host, const TessOp *base)
{
  const TessAttentionOp *op = (const TessAttentionOp *) base;
  Attention *self;

  for (gint i = 0; i <= TESS_SLOT_GROUND_V; i++)
    if (i != TESS_SLOT_ROWS && base->src[i] != NULL
        && base->src[i]->type != base->dst->type)
      return NULL;

  self = g_new0 (Attention, 1);
  self->kernel.op = base;
  self->way = tess_attention_way (base->dst->type);
  self->n_keys = self->way->key_bytes (op->tk, op->d);
  self->n_values = self->way->value_bytes (op->tk, op->d);
  self->n_thread = tess_align64 (self->way->scratch_bytes (op->d));
  self->kernel.variant = self->way->name;
  self->kernel.run = run;
  self->kernel.n_scratch = (gsize) base->src[TESS_SLOT_K]->shape.n * op->n_heads
                               * (self->n_keys + self->n_values)
                           + self->n_thread * host->n_threads;
  return &self->kernel;
}
