/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/cpu/weights.c: weights from a model file into oneDNN's layouts.
 *
 * A blocked layout puts element (o, i, k) at a(o) + b(i) + c(k), so three
 * small tables describe any of them. Rows are read and converted in pieces
 * that stay in the cache, then scattered by the tables: about as fast as the
 * memory takes the result. */
#include "core/cpu/cpu-private.h"

/* Rows (of the file) per piece and columns per tile of the scatter. */
#define ROWS 32
#define COLUMNS 16
#define TAPS 4 /* of a phase */

typedef struct
{
  dnnl_memory_desc_t desc;
  gboolean is_product, phases;
  gsize first_row;
} Packing;

typedef struct
{
  gsize *o, *i, *k; /* in elements */
  gsize n_o, n_i, n_k;
} Tables;

static void
packing_free (gpointer data)
{
  Packing *packing = data;

  tess_dnnl_desc_clear (&packing->desc);
  g_free (packing);
}

/* Where index 0 .. n of dimension @dim of a layout lies, in elements; two
 * dimensions' places add up. */
static gsize *
layout_table (const_dnnl_memory_desc_t desc, gint dim, gsize n)
{
  gsize *table = g_new (gsize, n);
  dnnl_dims_t *strides = NULL, *blocks = NULL, *dims = NULL;
  gint n_blocks = 0;

  dnnl_memory_desc_query (desc, dnnl_query_strides, &strides);
  dnnl_memory_desc_query (desc, dnnl_query_inner_nblks_s32, &n_blocks);
  dnnl_memory_desc_query (desc, dnnl_query_inner_blks, &blocks);
  dnnl_memory_desc_query (desc, dnnl_query_inner_idxs, &dims);
  for (gsize index = 0; index < n; index++)
    {
      gsize left = index, stride = 1, offset = 0;

      for (gint b = n_blocks - 1; b >= 0; b--)
        {
          if ((*dims)[b] == dim)
            {
              offset += left % (*blocks)[b] * stride;
              left /= (*blocks)[b];
            }
          stride *= (*blocks)[b];
        }
      table[index] = offset + left * (*strides)[dim];
    }
  return table;
}

static void
tables_init (Tables *tables, const Packing *packing)
{
  dnnl_dims_t *dims = NULL;
  gint kw;
  gsize *rows, *columns;

  dnnl_memory_desc_query (packing->desc, dnnl_query_dims, &dims);
  tables->n_o = (*dims)[packing->is_product ? 1 : 0];
  tables->n_i = (*dims)[packing->is_product ? 0 : 1];
  tables->o
      = layout_table (packing->desc, packing->is_product ? 1 : 0, tables->n_o);
  tables->i
      = layout_table (packing->desc, packing->is_product ? 0 : 1, tables->n_i);
  if (packing->is_product)
    {
      tables->n_k = 1;
      tables->k = g_new0 (gsize, 1);
      return;
    }
  kw = (gint) (*dims)[3];
  tables->n_k = (*dims)[2] * kw;
  rows = layout_table (packing->desc, 2, (*dims)[2]);
  columns = layout_table (packing->desc, 3, kw);
  tables->k = g_new (gsize, tables->n_k);
  for (gsize k = 0; k < tables->n_k; k++)
    tables->k[k] = rows[k / kw] + columns[k % kw];
  g_free (rows);
  g_free (columns);
}

static void
tables_finish (Tables *tables)
{
  g_free (tables->o);
  g_free (tables->i);
  g_free (tables->k);
}

/* Where the rows of a piece lie one after another, @step apart, as they mostly
 * do, no table is read for them; else @step is 0. */
static gsize
row_step (const gsize *places, gsize n)
{
  gsize step = n > 1 ? places[1] - places[0] : 1;

  for (gsize i = 1; i < n; i++)
    if (places[i] - places[i - 1] != step)
      return 0;
  return step;
}

#define SCATTER(name, type)                                                    \
  static inline __attribute__ ((always_inline)) void name##_rows (             \
      type *to, const type *from, const gsize *places, gsize row, gsize n,     \
      const gsize step)                                                        \
  {                                                                            \
    for (gsize o = 0; o < n; o++)                                              \
      to[step > 0 ? o * step : places[o] - places[0]] = from[o * row];         \
  }                                                                            \
                                                                               \
  static void name (type *dst, const type *src, const Tables *tables,          \
                    gsize first, gsize n)                                      \
  {                                                                            \
    gsize n_k = tables->n_k, row = tables->n_i * n_k;                          \
    const gsize *places = tables->o + first;                                   \
    gsize step = row_step (places, n);                                         \
                                                                               \
    for (gsize i0 = 0; i0 < tables->n_i; i0 += COLUMNS)                        \
      for (gsize k = 0; k < n_k; k++)                                          \
        for (gsize i = i0; i < MIN (i0 + COLUMNS, tables->n_i); i++)           \
          {                                                                    \
            type *to = dst + places[0] + tables->i[i] + tables->k[k];          \
            const type *from = src + i * n_k + k;                              \
                                                                               \
            if (step == 1 && n == ROWS)                                        \
              name##_rows (to, from, places, row, ROWS, 1);                    \
            else if (step == 2)                                                \
              name##_rows (to, from, places, row, n, 2);                       \
            else                                                               \
              name##_rows (to, from, places, row, n, 0);                       \
          }                                                                    \
  }
SCATTER (scatter_f32, gfloat)
SCATTER (scatter_bf16, guint16)

/* A 3x3 kernel on a doubled map sees each source cell once or twice; for the
 * cells of the result at (2y + py, 2x + px) it is the 2x2 kernel whose taps
 * are the sums of those that see the same cell. */
static void
sum_phase (const gfloat *src, gfloat *dst, gsize n, gint py, gint px)
{
  static const gint begin[2][2] = { { 0, 1 }, { 0, 2 } };
  static const gint end[2][2] = { { 1, 3 }, { 2, 3 } };

  for (gsize i = 0; i < n; i++)
    for (gint ty = 0; ty < 2; ty++)
      for (gint tx = 0; tx < 2; tx++)
        {
          gfloat sum = 0.0f;

          for (gint y = begin[py][ty]; y < end[py][ty]; y++)
            for (gint x = begin[px][tx]; x < end[px][tx]; x++)
              sum += src[i * 9 + y * 3 + x];
          dst[i * TAPS + ty * 2 + tx] = sum;
        }
}

static void
scatter (const Packing *packing,
         const Tables *tables,
         const gfloat *src,
         guint16 *half,
         gpointer dst,
         gsize first,
         gsize n)
{
  dnnl_data_type_t type = dnnl_f32;

  dnnl_memory_desc_query (packing->desc, dnnl_query_data_type, &type);
  if (type == dnnl_bf16)
    {
      tess_f32_to_bf16 (src, half, n * tables->n_i * tables->n_k);
      scatter_bf16 (dst, half, tables, first, n);
    }
  else
    scatter_f32 (dst, src, tables, first, n);
}

static gboolean
fill (const TessPackSpec *spec, gpointer dst, GError **error)
{
  const Packing *packing = spec->data;
  const TessWeight *weight = spec->weights[0];
  gsize row = tess_weight_row_length (weight);
  gsize phase_size = tess_cpu_phase_size (packing->desc);
  Tables tables;

  tables_init (&tables, packing);
#pragma omp parallel
  {
    gfloat *piece = g_new (gfloat, ROWS * row);
    gfloat *sums
        = packing->phases ? g_new (gfloat, ROWS * tables.n_i * TAPS) : NULL;
    guint16 *half = g_new (guint16, ROWS * row);

#pragma omp for schedule(dynamic)
    for (gsize first = 0; first < tables.n_o; first += ROWS)
      {
        gsize n = MIN (tables.n_o - first, ROWS);

        tess_weight_read (weight, packing->first_row + first, n, piece);
        if (!packing->phases)
          scatter (packing, &tables, piece, half, dst, first, n);
        for (gint phase = 0; phase < 4 && packing->phases; phase++)
          {
            sum_phase (piece, sums, n * tables.n_i, phase / 2, phase % 2);
            scatter (packing, &tables, sums, half,
                     (guint8 *) dst + phase * phase_size, first, n);
          }
      }
    g_free (half);
    g_free (sums);
    g_free (piece);
  }
  tables_finish (&tables);
  return TRUE;
}

gsize
tess_cpu_phase_size (const_dnnl_memory_desc_t desc)
{
  return tess_align64 (tess_dnnl_desc_size (desc));
}

/* A name for a layout: two descriptions with the same name mean the same
 * bytes. */
static gchar *
layout_name (const TessCpuPacking *packing)
{
  g_autoptr (GString) name = g_string_new (NULL);
  dnnl_dims_t *strides = NULL, *blocks = NULL, *dims = NULL, *sizes = NULL;
  gint n_blocks = 0, n_dims = packing->is_product ? 2 : 4;
  dnnl_data_type_t type = dnnl_f32;

  dnnl_memory_desc_query (packing->desc, dnnl_query_data_type, &type);
  dnnl_memory_desc_query (packing->desc, dnnl_query_dims, &sizes);
  dnnl_memory_desc_query (packing->desc, dnnl_query_strides, &strides);
  dnnl_memory_desc_query (packing->desc, dnnl_query_inner_nblks_s32, &n_blocks);
  dnnl_memory_desc_query (packing->desc, dnnl_query_inner_blks, &blocks);
  dnnl_memory_desc_query (packing->desc, dnnl_query_inner_idxs, &dims);
  g_string_append_printf (name, "%s %d %d %" G_GSIZE_FORMAT,
                          packing->is_product ? "product" : "conv", type,
                          packing->phases, packing->first_row);
  for (gint i = 0; i < n_dims; i++)
    g_string_append_printf (name, " %d:%d", (gint) (*sizes)[i],
                            (gint) (*strides)[i]);
  for (gint i = 0; i < n_blocks; i++)
    g_string_append_printf (name, " %d%c", (gint) (*blocks)[i],
                            'a' + (gint) (*dims)[i]);
  return g_strdup (name->str);
}

void
tess_cpu_pack_spec (TessPackSpec *spec, const TessCpuPacking *packing)
{
  Packing *copy = g_new0 (Packing, 1);

  dnnl_memory_desc_clone (&copy->desc, packing->desc);
  copy->is_product = packing->is_product;
  copy->phases = packing->phases;
  copy->first_row = packing->first_row;
  spec->weights[0] = packing->weight;
  spec->layout = layout_name (packing);
  spec->n_bytes
      = tess_cpu_phase_size (packing->desc) * (packing->phases ? 4 : 1);
  spec->fill = fill;
  spec->data = copy;
  spec->free_data = packing_free;
}
