/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/cpu/common.c: what several kernels share. */
#include "core/cpu/cpu-private.h"

#define PIECE 16384

gsize
tess_cpu_source_scratch (const TessValue *value, TessType type)
{
  return value->type == type
             ? 0
             : tess_align64 (tess_shape_n_elements (&value->shape)
                             * tess_type_size (type));
}

gpointer
tess_cpu_source (const TessHostRun *run,
                 const TessValue *value,
                 TessType type,
                 gpointer scratch)
{
  gpointer src = tess_host_data (run, value);
  gsize n = tess_shape_n_elements (&value->shape);

  if (value->type == type)
    return src;
#pragma omp parallel for
  for (gsize i = 0; i < n; i += PIECE)
    if (type == TESS_F32)
      tess_bf16_to_f32 ((guint16 *) src + i, (gfloat *) scratch + i,
                        MIN (n - i, PIECE));
    else
      tess_f32_to_bf16 ((gfloat *) src + i, (guint16 *) scratch + i,
                        MIN (n - i, PIECE));
  return scratch;
}

void
tess_cpu_row (const TessHostRun *run,
              const TessValue *row,
              const gfloat *bias,
              gint n,
              gfloat *dst)
{
  gpointer src = tess_host_data (run, row);

  if (row->type == TESS_F32)
    memcpy (dst, src, n * sizeof *dst);
  else
    tess_bf16_to_f32 (src, dst, n);
  for (gint i = 0; i < n && bias != NULL; i++)
    dst[i] += bias[i];
}
