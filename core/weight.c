/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/weight.c: rows of a trained tensor, with LoRA added while reading. */
#include "core/weight.h"
#include "core/mapping.h"
#include "core/simd.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Ranks added in one pass over a row: enough that the sums are not bound by
 * reading and writing the row. */
#define RANKS 8

static void
delta_clear (gpointer data)
{
  TessWeightDelta *delta = data;

  tess_tensor_unref (delta->up);
  tess_tensor_unref (delta->down);
}

TessWeight *
tess_weight_new (const gchar *name, TessTensor *tensor)
{
  TessWeight *weight = g_new0 (TessWeight, 1);

  weight->name = g_strdup (name);
  weight->tensor = tess_tensor_ref (tensor);
  return weight;
}

void
tess_weight_free (TessWeight *weight)
{
  if (weight == NULL)
    return;
  g_clear_pointer (&weight->deltas, g_array_unref);
  tess_tensor_unref (weight->tensor);
  g_free (weight->name);
  g_free (weight);
}

gsize
tess_weight_n_rows (const TessWeight *weight)
{
  return weight->tensor->n_dims > 0 ? weight->tensor->dims[0] : 1;
}

gsize
tess_weight_row_length (const TessWeight *weight)
{
  gsize length = 1;

  for (gint i = 1; i < weight->tensor->n_dims; i++)
    length *= weight->tensor->dims[i];
  return length;
}

void
tess_weight_add_delta (TessWeight *weight, const TessWeightDelta *delta)
{
  TessWeightDelta copy = *delta;
  gsize rank = delta->down->dims[0];

  g_return_if_fail (delta->up->n_dims > 0 && delta->down->n_dims > 0);
  g_return_if_fail (tess_tensor_n_elements (delta->up)
                    == rank * tess_weight_n_rows (weight));
  g_return_if_fail (tess_tensor_n_elements (delta->down)
                    == rank * tess_weight_row_length (weight));

  if (weight->deltas == NULL)
    {
      weight->deltas = g_array_new (FALSE, FALSE, sizeof copy);
      g_array_set_clear_func (weight->deltas, delta_clear);
    }
  tess_tensor_ref (copy.up);
  tess_tensor_ref (copy.down);
  g_array_append_val (weight->deltas, copy);
}

/* dst += sum over RANKS rows of down, each times its factor. */
TESS_SIMD static void
add_rows (gfloat *restrict dst,
          const gfloat *restrict down,
          const gfloat *restrict factors,
          gsize length)
{
  for (gsize i = 0; i < length; i++)
    {
      gfloat sum = dst[i];

      for (gint k = 0; k < RANKS; k++)
        sum += factors[k] * down[k * length + i];
      dst[i] = sum;
    }
}

static void
delta_add (const TessWeightDelta *delta,
           gsize first_row,
           gsize n_rows,
           gsize length,
           gfloat *dst)
{
  gsize rank = delta->down->dims[0];
  g_autofree gfloat *up = g_new (gfloat, n_rows * rank);
  g_autofree gfloat *down = g_new0 (gfloat, RANKS * length);

  tess_tensor_read_f32 (delta->up, first_row * rank, n_rows * rank, up);
  for (gsize k = 0; k < rank; k += RANKS)
    {
      gsize n = MIN (RANKS, rank - k);

      tess_tensor_read_f32 (delta->down, k * length, n * length, down);
      for (gsize row = 0; row < n_rows; row++)
        {
          gfloat factors[RANKS] = { 0 };

          for (gsize i = 0; i < n; i++)
            factors[i] = delta->scale * up[row * rank + k + i];
          add_rows (dst + row * length, down, factors, length);
        }
    }
}

void
tess_weight_read (const TessWeight *weight,
                  gsize first_row,
                  gsize n_rows,
                  gfloat *dst)
{
  gsize length = tess_weight_row_length (weight);

  g_return_if_fail (first_row + n_rows <= tess_weight_n_rows (weight));

  tess_tensor_read_f32 (weight->tensor, first_row * length, n_rows * length,
                        dst);
  if (weight->deltas != NULL)
    for (guint i = 0; i < weight->deltas->len; i++)
      delta_add (&g_array_index (weight->deltas, TessWeightDelta, i), first_row,
                 n_rows, length, dst);
}

gboolean
tess_weight_check (const TessWeight *weight, GError **error)
{
  if (!tess_mapping_check (weight->tensor->data, error))
    return FALSE;
  for (guint i = 0; weight->deltas != NULL && i < weight->deltas->len; i++)
    {
      const TessWeightDelta *delta
          = &g_array_index (weight->deltas, TessWeightDelta, i);

      if (!tess_mapping_check (delta->up->data, error)
          || !tess_mapping_check (delta->down->data, error))
        return FALSE;
    }
  return TRUE;
}

void
tess_weight_drop_pages (const TessWeight *weight)
{
  const TessTensor *tensor = weight->tensor;
  guintptr page = sysconf (_SC_PAGESIZE);
  guintptr begin = (guintptr) tensor->data;
  guintptr end = begin + tensor->n_bytes;

  if (!tensor->mapped)
    return;
  /* Pages shared with a neighbour may go as well: they are read again from
   * the file when somebody wants them. */
  begin -= begin % page;
  end += (page - end % page) % page;
  madvise ((gpointer) begin, end - begin, MADV_DONTNEED);
}
