/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/choose.c: which variant runs an op: of those that take it and were not
 * found wrong, the one that costs least. */
#include "gpu/backend-private.h"

#include <string.h>

static gboolean
is_forced_out (const TessGpuBackend *gpu,
               const TessOp *op,
               const TessGpuVariant *variant)
{
  gsize n = strlen (op->klass->name);

  for (gchar **entry = gpu->forced; entry != NULL && *entry != NULL; entry++)
    if (strncmp (*entry, op->klass->name, n) == 0 && (*entry)[n] == '='
        && !g_str_equal (*entry + n + 1, variant->name))
      return TRUE;
  return FALSE;
}

static gboolean
is_disproved (const TessGpuBackend *gpu,
              const TessOp *op,
              const TessGpuVariant *variant)
{
  const TessGpuVerdict *verdict
      = gpu->proof ? tess_gpu_proof_of (gpu->proof, op->klass, variant) : NULL;

  return gpu->proof != NULL && (verdict == NULL || verdict->wrong);
}

/* What the timed case took for what the variant said that it costs. Costs are
 * made for CPU-type devices, which are shared with whatever else runs: there
 * the time of one run says less than they do. */
static gdouble
cost_factor (const TessGpuBackend *gpu,
             const TessOp *op,
             const TessGpuVariant *variant)
{
  const TessGpuVerdict *verdict
      = gpu->proof && !gpu->device->caps.is_cpu
            ? tess_gpu_proof_of (gpu->proof, op->klass, variant)
            : NULL;

  return verdict != NULL && verdict->cost > 0.0 && verdict->seconds > 0.0
             ? verdict->seconds / verdict->cost
             : 1.0;
}

const TessGpuVariant *
tess_gpu_choose (const TessGpuBackend *gpu, const TessOp *op, TessType storage)
{
  const TessGpuVariant *variant = tess_gpu_op_of (op->klass)->variants;
  const TessGpuVariant *best = NULL;
  const TessGpuCaps *caps = &gpu->device->caps;
  gdouble least = 0.0;

  for (;; variant++)
    {
      gdouble cost;

      if (op->klass == gpu->only_class)
        return gpu->only_variant;
      if (variant[1].name == NULL)
        return best != NULL ? best : variant;
      if (is_disproved (gpu, op, variant))
        continue;
      if (is_forced_out (gpu, op, variant)
          || (variant->refuses != NULL
              && variant->refuses (variant, caps, op, storage) != NULL))
        continue;
      cost = variant->cost != NULL ? variant->cost (variant, caps, op, storage)
                                         * cost_factor (gpu, op, variant)
                                   : G_MAXDOUBLE;
      if (best == NULL || cost < least)
        {
          best = variant;
          least = cost;
        }
    }
}
