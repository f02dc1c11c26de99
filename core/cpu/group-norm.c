/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/cpu/group-norm.c: group norm on maps with channels last.
 *
 * Cells are taken in at most CHUNKS runs, the same whatever the number of
 * threads. Each run sums every channel's distance from that channel's first
 * cell and its square in f32; what the runs found is joined in double, so
 * a mean far from zero costs no digits. */
#include "core/cpu/cpu-private.h"

#define CHUNKS 64
#define MIN_CELLS 32
/* Channels taken at once: their sums stay in registers and the first level
 * cache. */
#define LANE 256

typedef struct
{
  TessKernel kernel;
  TessGroupStatsOp part; /* which cells count, how many groups */
  gfloat eps;
  TessActivation act;
  gboolean norm;                   /* else only statistics */
  gboolean given;                  /* statistics come from outside */
  gsize n_chunks, n_sums, n_table; /* bytes of scratch: sums, then a and b */
} Norm;

static gsize
n_cells_of (const TessGroupStatsOp *part)
{
  return (gsize) (part->y1 - part->y0) * (part->x1 - part->x0);
}

TESS_SIMD static void
add_cell (const gfloat *restrict src,
          const gfloat *restrict pivot,
          gfloat *restrict sums,
          gfloat *restrict squares,
          gint n)
{
  for (gint i = 0; i < n; i++)
    {
      gfloat x = src[i] - pivot[i];

      sums[i] += x;
      squares[i] += x * x;
    }
}

static const gfloat *
load (const guint8 *src, TessType type, gsize first, gint n, gfloat *piece)
{
  if (type == TESS_F32)
    return (const gfloat *) src + first;
  tess_bf16_to_f32 ((const guint16 *) src + first, piece, n);
  return piece;
}

/* Sums and squares of channels c0 .. c0 + n over some of the cells. */
static void
sum_chunk (const TessGroupStatsOp *part,
           const TessValue *value,
           const guint8 *src,
           gsize first,
           gsize end,
           gint c0,
           gint n,
           gfloat *sums)
{
  const TessShape *shape = &value->shape;
  gint w = part->x1 - part->x0;
  gfloat piece[LANE], pivot[LANE], s[LANE] = { 0 }, q[LANE] = { 0 };

  memcpy (pivot,
          load (src, value->type,
                ((gsize) part->y0 * shape->w + part->x0) * shape->c + c0, n,
                piece),
          n * sizeof *pivot);
  for (gsize i = first; i < end; i++)
    {
      gsize at = (part->y0 + i / w) * shape->w + part->x0 + i % w;

      add_cell (load (src, value->type, at * shape->c + c0, n, piece), pivot, s,
                q, n);
    }
  memcpy (sums + c0, s, n * sizeof *s);
  memcpy (sums + shape->c + c0, q, n * sizeof *q);
}

/* Joins the chunks of one sample: mean and population variance per group. */
static void
join (const Norm *self,
      const TessValue *value,
      const guint8 *src,
      const gfloat *sums,
      gfloat *stats)
{
  const TessGroupStatsOp *part = &self->part;
  gint c = value->shape.c, size = c / part->n_groups;
  gdouble count = n_cells_of (part);

  for (gint group = 0; group < part->n_groups; group++)
    {
      gdouble mean = 0.0, spread = 0.0, between = 0.0;

      for (gint pass = 0; pass < 2; pass++)
        for (gint j = group * size; j < (group + 1) * size; j++)
          {
            gdouble sum = 0.0, squares = 0.0, own;
            gfloat pivot;

            for (gsize k = 0; k < self->n_chunks; k++)
              {
                sum += sums[k * 2 * c + j];
                squares += sums[k * 2 * c + c + j];
              }
            pivot
                = *load (src, value->type,
                         ((gsize) part->y0 * value->shape.w + part->x0) * c + j,
                         1, &pivot);
            own = pivot + sum / count;
            if (pass == 0)
              {
                mean += own / size;
                spread += squares - sum * sum / count;
              }
            else
              between += (own - mean) * (own - mean) * count;
          }
      stats[group * 2] = (gfloat) mean;
      stats[group * 2 + 1]
          = (gfloat) (MAX (spread + between, 0.0) / (count * size));
    }
}

static void
measure (const Norm *self,
         const TessValue *value,
         const guint8 *src,
         gfloat *sums,
         gfloat *stats)
{
  gint n = value->shape.n, c = value->shape.c;
  gint n_lanes = (c + LANE - 1) / LANE;
  gsize n_cells = n_cells_of (&self->part), n_chunks = self->n_chunks;
  gsize sample = (gsize) value->shape.h * value->shape.w * c
                 * tess_type_size (value->type);

#pragma omp parallel for collapse(3)
  for (gint i = 0; i < n; i++)
    for (gsize k = 0; k < n_chunks; k++)
      for (gint lane = 0; lane < n_lanes; lane++)
        sum_chunk (&self->part, value, src + i * sample, n_cells * k / n_chunks,
                   n_cells * (k + 1) / n_chunks, lane * LANE,
                   MIN (c - lane * LANE, LANE),
                   sums + (i * n_chunks + k) * 2 * c);
  for (gint i = 0; i < n; i++)
    join (self, value, src + i * sample, sums + i * n_chunks * 2 * c,
          stats + i * self->part.n_groups * 2);
}

TESS_SIMD static void
apply (const gfloat *restrict src,
       const gfloat *restrict a,
       const gfloat *restrict b,
       gfloat *restrict dst,
       gint n)
{
  for (gint i = 0; i < n; i++)
    dst[i] = src[i] * a[i] + b[i];
}

TESS_SIMD static void
apply_silu (const gfloat *restrict src,
            const gfloat *restrict a,
            const gfloat *restrict b,
            gfloat *restrict dst,
            gint n)
{
  for (gint i = 0; i < n; i++)
    {
      gfloat x = src[i] * a[i] + b[i];

      dst[i] = x / (1.0f + tess_exp (-x));
    }
}

/* a = scale / sqrt (var + eps), b = shift - mean * a, of every channel. */
static void
make_table (const Norm *self, const gfloat *stats, gint c, gfloat *table)
{
  TessKernel *kernel = (TessKernel *) self;
  const gfloat *scale = tess_kernel_pack (kernel, 0);
  const gfloat *shift = tess_kernel_pack (kernel, 1);
  gint size = c / self->part.n_groups;

  for (gint j = 0; j < c; j++)
    {
      const gfloat *s = stats + j / size * 2;

      table[j] = scale[j] / sqrtf (s[1] + self->eps);
      table[c + j] = shift[j] - s[0] * table[j];
    }
}

static void
apply_cell (const Norm *self,
            const TessValue *value,
            const guint8 *src,
            guint8 *dst,
            gsize at,
            const gfloat *table)
{
  gint c = value->shape.c;

  for (gint c0 = 0; c0 < c; c0 += LANE)
    {
      gint n = MIN (c - c0, LANE);
      gfloat piece[LANE], result[LANE];
      const gfloat *from = load (src, value->type, at + c0, n, piece);
      gboolean direct = self->kernel.op->dst->type == TESS_F32;
      gfloat *to = direct ? (gfloat *) dst + at + c0 : result;

      (self->act == TESS_ACT_SILU ? apply_silu : apply) (from, table + c0,
                                                         table + c + c0, to, n);
      if (!direct)
        tess_f32_to_bf16 (result, (guint16 *) dst + at + c0, n);
    }
}

static void
run (TessKernel *kernel, const TessHostRun *run)
{
  Norm *self = (Norm *) kernel;
  const TessValue *value = kernel->op->src[TESS_SLOT_SRC];
  const guint8 *src = tess_host_data (run, value);
  gpointer dst = tess_host_data (run, kernel->op->dst);
  gfloat *sums = (gfloat *) run->scratch;
  gfloat *table = (gfloat *) (run->scratch + self->n_sums);
  gint c = value->shape.c, n = value->shape.n;
  gsize n_cells = (gsize) value->shape.h * value->shape.w;
  gfloat *stats = table + (gsize) n * 2 * c;

  if (!self->norm)
    {
      measure (self, value, src, sums, dst);
      return;
    }
  if (self->given)
    stats = tess_host_data (run, kernel->op->src[TESS_SLOT_STATS]);
  else
    measure (self, value, src, sums, stats);
  for (gint i = 0; i < n; i++)
    make_table (self, stats + i * self->part.n_groups * 2, c,
                table + i * 2 * c);
#pragma omp parallel for
  for (gsize cell = 0; cell < n * n_cells; cell++)
    apply_cell (self, value, src, dst, cell * c,
                table + cell / n_cells * 2 * c);
}

static TessKernel *
norm_new (const TessOp *op, const TessGroupStatsOp *part, gboolean norm)
{
  const TessShape *shape = &op->src[TESS_SLOT_SRC]->shape;
  Norm *self = g_new0 (Norm, 1);

  self->part = *part;
  self->norm = norm;
  self->given = norm && op->src[TESS_SLOT_STATS] != NULL;
  self->n_chunks = CLAMP (n_cells_of (part) / MIN_CELLS, 1, CHUNKS);
  self->n_sums = tess_align64 (shape->n * self->n_chunks * 2 * shape->c
                               * sizeof (gfloat));
  self->n_table
      = (gsize) shape->n * 2 * (shape->c + part->n_groups) * sizeof (gfloat);
  self->kernel.n_scratch = self->n_sums + self->n_table;
  self->kernel.variant = "vector loops";
  self->kernel.run = run;
  return &self->kernel;
}

TessKernel *
tess_cpu_group_norm_new (TessHostBackend *host, const TessOp *base)
{
  const TessGroupNormOp *op = (const TessGroupNormOp *) base;
  const TessShape *shape = &base->dst->shape;
  TessGroupStatsOp all = {
    .n_groups = op->n_groups,
    .y1 = shape->h,
    .x1 = shape->w,
  };
  TessKernel *kernel;

  if (op->act != TESS_ACT_NONE && op->act != TESS_ACT_SILU)
    return NULL;
  kernel = norm_new (base, &all, TRUE);
  ((Norm *) kernel)->eps = op->eps;
  ((Norm *) kernel)->act = op->act;
  tess_pack_spec_plain (&kernel->specs[0], base->weights[TESS_SLOT_WEIGHT]);
  tess_pack_spec_plain (&kernel->specs[1], base->weights[TESS_SLOT_BIAS]);
  return kernel;
}

TessKernel *
tess_cpu_group_stats_new (TessHostBackend *host, const TessOp *base)
{
  return norm_new (base, (const TessGroupStatsOp *) base, FALSE);
}
