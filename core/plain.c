/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/plain.c: the plain answer of an op as a kernel of the host backends.
 * Plain code computes in f32; other storage is converted on the way in and
 * out, in scratch. */
#include "core/host.h"

#include <string.h>

/* Numbers per piece of a conversion shared out between threads. */
#define PIECE 65536

static gsize
scratch_size (const TessValue *value)
{
  if (value == NULL || value->type == TESS_F32 || value->type == TESS_I32)
    return 0;
  return (tess_shape_n_elements (&value->shape) * sizeof (gfloat) + 63) / 64
         * 64;
}

static void
to_f32 (TessType type, const guint16 *src, gfloat *dst, gsize n)
{
#pragma omp parallel for
  for (gsize i = 0; i < n; i += PIECE)
    if (type == TESS_BF16)
      tess_bf16_to_f32 (src + i, dst + i, MIN (n - i, PIECE));
    else
      tess_f16_to_f32 (src + i, dst + i, MIN (n - i, PIECE));
}

static void
from_f32 (TessType type, const gfloat *src, guint16 *dst, gsize n)
{
#pragma omp parallel for
  for (gsize i = 0; i < n; i += PIECE)
    if (type == TESS_BF16)
      tess_f32_to_bf16 (src + i, dst + i, MIN (n - i, PIECE));
    else
      tess_f32_to_f16 (src + i, dst + i, MIN (n - i, PIECE));
}

static void
plain_run (TessKernel *kernel, const TessHostRun *run)
{
  const TessOp *op = kernel->op;
  guint8 *scratch = run->scratch;
  gpointer dst = tess_host_data (run, op->dst);
  gsize n_dst = tess_shape_n_elements (&op->dst->shape);
  TessPlainRun plain = { .dst = dst };

  for (gint i = 0; i < TESS_MAX_SRC; i++)
    {
      const TessValue *src = op->src[i];

      if (src == NULL)
        continue;
      plain.src[i] = tess_host_data (run, src);
      if (scratch_size (src) > 0)
        {
          to_f32 (src->type, plain.src[i], (gfloat *) scratch,
                  tess_shape_n_elements (&src->shape));
          plain.src[i] = scratch;
          scratch += scratch_size (src);
        }
    }
  for (gint i = 0; i < TESS_MAX_WEIGHTS; i++)
    plain.weights[i] = tess_kernel_pack (kernel, i);
  if (scratch_size (op->dst) > 0)
    plain.dst = (gfloat *) scratch;
  op->klass->plain (op, &plain);
  if (scratch_size (op->dst) > 0)
    from_f32 (op->dst->type, plain.dst, dst, n_dst);
}

/* Rows read at once while packing: about a megabyte. */
static gsize
rows_per_piece (gsize row)
{
  return MAX (1, 262144 / MAX (row, 1));
}

static gboolean
fill_plain (const TessPackSpec *spec, gpointer dst, GError **error)
{
  gsize n_rows = tess_weight_n_rows (spec->weights[0]);
  gsize row = tess_weight_row_length (spec->weights[0]);

  for (gsize i = 0; i < n_rows; i += rows_per_piece (row))
    tess_weight_read (spec->weights[0], i,
                      MIN (n_rows - i, rows_per_piece (row)),
                      (gfloat *) dst + i * row);
  return TRUE;
}

/* [oc][ic][k] -> [k][ic][oc] */
static gboolean
fill_turned (const TessPackSpec *spec, gpointer data, GError **error)
{
  const TessWeight *weight = spec->weights[0];
  const gint64 *dims = weight->tensor->dims;
  gfloat *dst = data;
  g_autofree gfloat *piece = NULL;
  gsize oc = dims[0], ic = dims[1], row = tess_weight_row_length (weight);
  gsize k = row / ic, step = rows_per_piece (row);

  piece = g_new (gfloat, MIN (step, oc) * row);
  for (gsize first = 0; first < oc; first += step)
    {
      gsize n = MIN (oc - first, step);

      tess_weight_read (weight, first, n, piece);
      for (gsize i = 0; i < ic; i++)
        for (gsize j = 0; j < k; j++)
          for (gsize o = 0; o < n; o++)
            dst[(j * ic + i) * oc + first + o] = piece[o * row + i * k + j];
    }
  return TRUE;
}

void
tess_pack_spec_plain (TessPackSpec *spec, const TessWeight *weight)
{
  spec->weights[0] = weight;
  spec->layout = g_strdup ("plain");
  spec->n_bytes = tess_tensor_n_elements (weight->tensor) * sizeof (gfloat);
  spec->fill = fill_plain;
}

TessKernel *
tess_plain_kernel_new (const TessOp *op)
{
  TessKernel *kernel = g_new0 (TessKernel, 1);

  kernel->variant = "plain";
  kernel->run = plain_run;
  kernel->n_scratch = scratch_size (op->dst);
  for (gint i = 0; i < TESS_MAX_SRC; i++)
    kernel->n_scratch += scratch_size (op->src[i]);
  for (gint i = 0; i < TESS_MAX_WEIGHTS; i++)
    if (op->weights[i] != NULL)
      {
        tess_pack_spec_plain (&kernel->specs[i], op->weights[i]);
        if (i == 0 && op->klass->turn_weight)
          {
            g_free (kernel->specs[i].layout);
            kernel->specs[i].layout = g_strdup ("turned");
            kernel->specs[i].fill = fill_turned;
          }
      }
  return kernel;
}
