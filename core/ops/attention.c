/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/ops/attention.c: attention: checks, recording, plain answer. */
#include "core/ops/ops-private.h"
#include "core/simd.h"

#include <math.h>

static gboolean
check (TessProgram *program, const TessAttention *args)
{
  const TessOpClass *klass = &tess_attention_class;
  const TessShape *q = &args->q->shape, *k = &args->k->shape;
  const TessShape *v = &args->v->shape;
  gchar text[3][TESS_SHAPE_CHARS];

  if (q->c != k->c || !tess_shape_equal (k, v)
      || (args->rows == NULL && q->n != k->n))
    tess_program_fail_shape (
        program, klass, "queries %s, keys %s and values %s do not fit",
        tess_shape_string (q, text[0]), tess_shape_string (k, text[1]),
        tess_shape_string (v, text[2]));
  else if (args->n_heads < 1 || q->c % args->n_heads != 0
           || q->c / args->n_heads > TESS_MAX_HEAD)
    tess_program_fail_shape (program, klass,
                             "%d channels are not %d heads of at most %d", q->c,
                             args->n_heads, TESS_MAX_HEAD);
  else if (args->rows != NULL
           && (args->rows->type != TESS_I32
               || tess_shape_n_elements (&args->rows->shape) != (gsize) q->n))
    tess_program_fail_shape (program, klass,
                             "rows must be %d whole numbers, not %s", q->n,
                             tess_shape_string (&args->rows->shape, text[0]));
  else
    return TRUE;
  return FALSE;
}

TessValue *
tess_attention (TessProgram *program, const TessAttention *args)
{
  TessValue *dst = tess_value_new (program, &args->q->shape);
  TessAttentionOp *op;

  if (!check (program, args))
    return dst;
  op = tess_op_new (program, &tess_attention_class, dst);
  if (op == NULL)
    return dst;
  op->op.src[TESS_SLOT_SRC] = args->q;
  op->op.src[TESS_SLOT_K] = args->k;
  op->op.src[TESS_SLOT_V] = args->v;
  op->op.src[TESS_SLOT_ROWS] = args->rows;
  op->n_heads = args->n_heads;
  op->d = args->q->shape.c / args->n_heads;
  op->tq = args->q->shape.h * args->q->shape.w;
  op->tk = args->k->shape.h * args->k->shape.w;
  op->scale = args->scale != 0.0f ? args->scale : 1.0f / sqrtf (op->d);
  op->causal = args->causal;
  tess_op_set_flops (program, &op->op,
                     4.0 * args->q->shape.n * op->tq * op->tk * dst->shape.c);
  return dst;
}

TESS_SIMD static gfloat
dot (const gfloat *a, const gfloat *b, gint n)
{
  gfloat sums[16] = { 0 }, sum = 0.0f;
  gint i = 0;

  for (; i + 16 <= n; i += 16)
    for (gint j = 0; j < 16; j++)
      sums[j] += a[i + j] * b[i + j];
  for (; i < n; i++)
    sum += a[i] * b[i];
  for (gint j = 0; j < 16; j++)
    sum += sums[j];
  return sum;
}

TESS_SIMD static void
add_weighted (gdouble *restrict sums,
              const gfloat *restrict v,
              gdouble weight,
              gint n)
{
  for (gint i = 0; i < n; i++)
    sums[i] += weight * v[i];
}

/* One query of one head over @n keys that lie @stride numbers apart: the
 * largest score first, then the weighted sum. */
static void
plain_query (const TessAttentionOp *op,
             const gfloat *q,
             const gfloat *k,
             const gfloat *v,
             gint n,
             gsize stride,
             gfloat *dst)
{
  gfloat largest = -INFINITY;
  gdouble sums[TESS_MAX_HEAD] = { 0 }, total = 0.0;

  for (gint i = 0; i < n; i++)
    {
      gfloat score = op->scale * dot (q, k + i * stride, op->d);

      largest = MAX (largest, score);
    }
  for (gint i = 0; i < n; i++)
    {
      gfloat score = op->scale * dot (q, k + i * stride, op->d);
      gfloat weight = expf (score - largest);

      total += weight;
      add_weighted (sums, v + i * stride, weight, op->d);
    }
  for (gint j = 0; j < op->d; j++)
    dst[j] = (gfloat) (sums[j] / total);
}

static void
plain (const TessOp *base, const TessPlainRun *run)
{
  const TessAttentionOp *op = (const TessAttentionOp *) base;
  const gint32 *rows = run->src[TESS_SLOT_ROWS];
  const gfloat *q = run->src[TESS_SLOT_SRC];
  gint n = base->dst->shape.n, m = base->src[TESS_SLOT_K]->shape.n;
  gsize c = base->dst->shape.c;

#pragma omp parallel for collapse(3) schedule(dynamic, 16)
  for (gint i = 0; i < n; i++)
    for (gint head = 0; head < op->n_heads; head++)
      for (gint t = 0; t < op->tq; t++)
        {
          gint row = rows != NULL ? CLAMP (rows[i], 0, m - 1) : i;
          gsize at = ((gsize) i * op->tq + t) * c + head * op->d;
          gsize first = (gsize) row * op->tk * c + head * op->d;

          plain_query (
              op, q + at, (const gfloat *) run->src[TESS_SLOT_K] + first,
              (const gfloat *) run->src[TESS_SLOT_V] + first,
              op->causal ? MIN (t + 1, op->tk) : op->tk, c, run->dst + at);
        }
}

const TessOpClass tess_attention_class = {
  .name = "attention",
  .size = sizeof (TessAttentionOp),
  .plain = plain,
};
