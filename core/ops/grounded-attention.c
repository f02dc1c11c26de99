/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/ops/grounded-attention.c: self-attention that also reads tokens from
 * elsewhere: checks, recording, plain answer. */
#include "core/ops/ops-private.h"

#include <math.h>

static gboolean
is_rows (const TessValue *value, TessType type, gint n, gint c)
{
  return value->type == type && value->shape.n == n
         && tess_shape_n_elements (&value->shape) == (gsize) n * c;
}

static gboolean
check (TessProgram *program, const TessGroundedAttention *args)
{
  const TessOpClass *klass = &tess_grounded_attention_class;
  const TessShape *q = &args->q->shape, *g = &args->ground_k->shape;
  gchar text[2][TESS_SHAPE_CHARS];

  if (!tess_shape_equal (q, &args->k->shape)
      || !tess_shape_equal (q, &args->v->shape)
      || !tess_shape_equal (g, &args->ground_v->shape) || q->c != g->c)
    tess_program_fail_shape (
        program, klass, "tokens %s and ground tokens %s do not fit",
        tess_shape_string (q, text[0]), tess_shape_string (g, text[1]));
  else if (args->n_heads < 1 || q->c % args->n_heads != 0
           || q->c / args->n_heads > TESS_MAX_HEAD)
    tess_program_fail_shape (program, klass,
                             "%d channels are not %d heads of at most %d", q->c,
                             args->n_heads, TESS_MAX_HEAD);
  else if (!is_rows (args->bias, TESS_F32, g->n, g->h * g->w)
           || !is_rows (args->rows, TESS_I32, 1, q->n)
           || (args->cells == NULL) != (args->tokens == NULL)
           || (args->cells != NULL
               && (!is_rows (args->cells, TESS_I32, g->n, q->h * q->w)
                   || !is_rows (args->tokens, TESS_I32, g->n, g->h * g->w))))
    tess_program_fail_shape (
        program, klass, "bias, rows or regions do not fit %s and %s",
        tess_shape_string (q, text[0]), tess_shape_string (g, text[1]));
  else
    return TRUE;
  return FALSE;
}

TessValue *
tess_grounded_attention (TessProgram *program,
                         const TessGroundedAttention *args)
{
  TessValue *dst = tess_value_new (program, &args->q->shape);
  TessAttentionOp *op;

  if (!check (program, args))
    return dst;
  op = tess_op_new (program, &tess_grounded_attention_class, dst);
  if (op == NULL)
    return dst;
  op->op.src[TESS_SLOT_SRC] = args->q;
  op->op.src[TESS_SLOT_K] = args->k;
  op->op.src[TESS_SLOT_V] = args->v;
  op->op.src[TESS_SLOT_ROWS] = args->rows;
  op->op.src[TESS_SLOT_GROUND_K] = args->ground_k;
  op->op.src[TESS_SLOT_GROUND_V] = args->ground_v;
  op->op.src[TESS_SLOT_GROUND_BIAS] = args->bias;
  op->op.src[TESS_SLOT_CELLS] = args->cells;
  op->op.src[TESS_SLOT_TOKENS] = args->tokens;
  op->n_heads = args->n_heads;
  op->d = args->q->shape.c / args->n_heads;
  op->tq = args->q->shape.h * args->q->shape.w;
  op->n_ground = args->ground_k->shape.h * args->ground_k->shape.w;
  op->tk = op->tq + op->n_ground;
  op->scale = args->scale != 0.0f ? args->scale : 1.0f / sqrtf (op->d);
  tess_op_set_flops (program, &op->op,
                     4.0 * args->q->shape.n * op->tq * op->tk * dst->shape.c);
  return dst;
}

/* One head of one sample. */
typedef struct
{
  const TessAttentionOp *op;
  const gfloat *q, *k, *v, *ground_k, *ground_v, *bias;
  const gint32 *cells, *tokens; /* NULL: all see all */
  gsize c;                      /* from token to token */
} Head;

static gboolean
sees (const Head *head, gint i, gint j)
{
  gint tq = head->op->tq;

  if (head->cells == NULL || i == j)
    return TRUE;
  if (j < tq)
    return (head->cells[i] & head->cells[j]) != 0;
  return head->tokens[j - tq] == TESS_ALL_REGIONS
         || (head->cells[i] & head->tokens[j - tq]) != 0;
}

static gdouble
score (const Head *head, gint i, gint j)
{
  gint tq = head->op->tq;
  const gfloat *q = head->q + i * head->c;
  const gfloat *k
      = j < tq ? head->k + j * head->c : head->ground_k + (j - tq) * head->c;
  gdouble sum = 0.0;

  if (!sees (head, i, j))
    return -INFINITY;
  for (gint e = 0; e < head->op->d; e++)
    sum += (gdouble) q[e] * k[e];
  return head->op->scale * sum + (j < tq ? 0.0 : head->bias[j - tq]);
}

static void
plain_query (const Head *head, gint i, gfloat *dst)
{
  gint tq = head->op->tq, tk = head->op->tk, d = head->op->d;
  gdouble sums[TESS_MAX_HEAD] = { 0 }, total = 0.0, largest = -INFINITY;

  for (gint j = 0; j < tk; j++)
    largest = fmax (largest, score (head, i, j));
  for (gint j = 0; j < tk; j++)
    {
      gdouble weight = exp (score (head, i, j) - largest);
      const gfloat *v = j < tq ? head->v + j * head->c
                               : head->ground_v + (j - tq) * head->c;

      total += weight;
      for (gint e = 0; e < d; e++)
        sums[e] += weight * v[e];
    }
  for (gint e = 0; e < d; e++)
    dst[e] = (gfloat) (sums[e] / total);
}

static void
plain (const TessOp *base, const TessPlainRun *run)
{
  const TessAttentionOp *op = (const TessAttentionOp *) base;
  const gint32 *rows = run->src[TESS_SLOT_ROWS];
  const gint32 *cells = run->src[TESS_SLOT_CELLS];
  const gint32 *tokens = run->src[TESS_SLOT_TOKENS];
  gint n = base->dst->shape.n, m = base->src[TESS_SLOT_GROUND_K]->shape.n;
  gsize c = base->dst->shape.c;

#pragma omp parallel for collapse(3) schedule(dynamic, 16)
  for (gint i = 0; i < n; i++)
    for (gint h = 0; h < op->n_heads; h++)
      for (gint t = 0; t < op->tq; t++)
        {
          gsize row = CLAMP (rows[i], 0, m - 1);
          gsize own = (gsize) i * op->tq * c + h * op->d;
          gsize ground = row * op->n_ground * c + h * op->d;
          const Head head = {
            .op = op,
            .q = (const gfloat *) run->src[TESS_SLOT_SRC] + own,
            .k = (const gfloat *) run->src[TESS_SLOT_K] + own,
            .v = (const gfloat *) run->src[TESS_SLOT_V] + own,
            .ground_k = (const gfloat *) run->src[TESS_SLOT_GROUND_K] + ground,
            .ground_v = (const gfloat *) run->src[TESS_SLOT_GROUND_V] + ground,
            .bias = (const gfloat *) run->src[TESS_SLOT_GROUND_BIAS]
                    + row * op->n_ground,
            .cells = cells != NULL ? cells + row * op->tq : NULL,
            .tokens = tokens != NULL ? tokens + row * op->n_ground : NULL,
            .c = c,
          };

          plain_query (&head, t, run->dst + own + t * c);
        }
}

const TessOpClass tess_grounded_attention_class = {
  .name = "grounded-attention",
  .size = sizeof (TessAttentionOp),
  .plain = plain,
};
