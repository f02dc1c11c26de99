/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/memory-plan.c: where each temporary lies in the arena.
 *
 * Largest first: each life is put into the smallest gap that is left between
 * the lives already placed that it meets. On the networks here this ends
 * within a few percent of the most that lives at once. */
#include "core/memory-plan.h"

#include <stdlib.h>

#define ALIGN 64

static gint
larger_first (gconstpointer pa, gconstpointer pb)
{
  const TessLife *a = *(const TessLife *const *) pa;
  const TessLife *b = *(const TessLife *const *) pb;

  if (a->n_bytes != b->n_bytes)
    return a->n_bytes > b->n_bytes ? -1 : 1;
  return a->first != b->first ? a->first - b->first : (a > b) - (a < b);
}

static gint
lower_first (gconstpointer pa, gconstpointer pb)
{
  const TessLife *a = *(const TessLife *const *) pa;
  const TessLife *b = *(const TessLife *const *) pb;

  return (a->offset > b->offset) - (a->offset < b->offset);
}

static gsize
aligned (gsize n)
{
  return (n + ALIGN - 1) / ALIGN * ALIGN;
}

gsize
tess_memory_plan (TessLife *lives, gsize n_lives)
{
  g_autofree TessLife **order = g_new (TessLife *, n_lives + 1);
  g_autofree TessLife **met = g_new (TessLife *, n_lives + 1);
  gsize n_order = 0, total = 0;

  for (gsize i = 0; i < n_lives; i++)
    if (lives[i].n_bytes > 0)
      order[n_order++] = &lives[i];
  qsort (order, n_order, sizeof *order, larger_first);

  for (gsize i = 0; i < n_order; i++)
    {
      TessLife *life = order[i];
      gsize n_met = 0, top = 0, best = 0, best_gap = G_MAXSIZE;

      for (gsize j = 0; j < i; j++)
        if (order[j]->first <= life->last && life->first <= order[j]->last)
          met[n_met++] = order[j];
      qsort (met, n_met, sizeof *met, lower_first);
      for (gsize j = 0; j < n_met; j++)
        {
          if (met[j]->offset > top)
            {
              gsize gap = met[j]->offset - top;

              if (gap >= life->n_bytes && gap < best_gap)
                {
                  best = top;
                  best_gap = gap;
                }
            }
          top = MAX (top, aligned (met[j]->offset + met[j]->n_bytes));
        }
      life->offset = best_gap != G_MAXSIZE ? best : top;
      total = MAX (total, aligned (life->offset + life->n_bytes));
    }
  return total;
}
