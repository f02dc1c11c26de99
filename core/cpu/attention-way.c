/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/cpu/attention-way.c: which way this processor goes, and the masks that
 * all ways have in common. */
#include "core/cpu/attention-block.h"

#if defined(TESS_AMX) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

static void
hide (gfloat *row, gint from, gint to)
{
  for (gint i = from; i < to; i++)
    row[i] = TESS_HIDDEN;
}

/* Lanes past the block's queries take the last query's regions. */
static void
hide_regions (const TessAttentionBlock *block,
              gfloat *row,
              gint32 regions,
              gint self,
              gint n_queries)
{
  const gint32 *cells = block->ground.cells + block->first;

  for (gint i = 0; i < n_queries; i++)
    if ((cells[MIN (i, block->n - 1)] & regions) == 0
        && block->first + i != self)
      row[i] = TESS_HIDDEN;
}

void
tess_block_mask (const TessAttentionBlock *block,
                 gfloat *scores,
                 gint first,
                 gint n_keys,
                 gint n_queries,
                 gfloat unit)
{
  const TessAttentionGround *ground = &block->ground;
  gint n_own = block->tk - ground->n;

  if (!block->causal && ground->cells == NULL && first + n_keys <= n_own)
    return;
  for (gint i = 0; i < n_keys; i++)
    {
      gfloat *row = scores + i * n_queries;
      gint key = first + i, other = key - n_own;

      if (key >= block->tk)
        hide (row, 0, n_queries);
      else if (key < n_own)
        {
          if (block->causal)
            hide (row, 0, CLAMP (key - block->first, 0, n_queries));
          if (ground->cells != NULL)
            hide_regions (block, row, ground->cells[key], key, n_queries);
        }
      else
        {
          for (gint j = 0; j < n_queries; j++)
            row[j] += MAX (ground->bias[other] * unit, TESS_HIDDEN);
          if (ground->cells != NULL
              && ground->tokens[other] != TESS_ALL_REGIONS)
            hide_regions (block, row, ground->tokens[other], -1, n_queries);
        }
    }
}

#if defined(TESS_AMX) && defined(__linux__)
/* The kernel's leave to use the tiles' registers, which are large. */
#define REQUEST_PERMISSION 0x1023
#define TILE_DATA 18

static gboolean
has_amx (void)
{
  return tess_cpu_has (dnnl_cpu_isa_avx512_core_amx)
         && __builtin_cpu_supports ("x86-64-v4")
         && syscall (SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
}
#endif

const TessAttentionWay *
tess_attention_way (TessType storage)
{
#if defined(__x86_64__)
#if defined(TESS_AMX) && defined(__linux__)
  if (storage == TESS_BF16 && has_amx ())
    return &tess_attention_way_amx;
#endif
  if (tess_cpu_has (dnnl_cpu_isa_avx512_core)
      && __builtin_cpu_supports ("x86-64-v4"))
    return &tess_attention_way_v4;
  if (tess_cpu_has (dnnl_cpu_isa_avx2) && __builtin_cpu_supports ("x86-64-v3"))
    return &tess_attention_way_v3;
#endif
  return &tess_attention_way_any;
}
