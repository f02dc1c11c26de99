/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/cache.h: what was found out about a device, in the user's cache folder:
 * one file per device, version of its driver, and version of Tessera. Losing
 * it costs time only. TESSERA_GPU_CACHE=0: neither read nor written. */
#pragma once

#include "gpu/device.h"

G_BEGIN_DECLS

/* NULL: nothing is known. (transfer full) */
gchar *tess_gpu_cache_read (const TessGpuInfo *info,
                            const gchar *what,
                            gsize *n_bytes);
void tess_gpu_cache_write (const TessGpuInfo *info,
                           const gchar *what,
                           const gchar *data,
                           gsize n_bytes);

G_END_DECLS
