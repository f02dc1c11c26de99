/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/cpu/absent.c: what is answered where Tessera was built without oneDNN.
 */
#include "core/backend.h"
#include "core/error.h"

#include <glib/gi18n-lib.h>

TessBackend *
tess_backend_cpu_new (const TessCpuSettings *settings, GError **error)
{
  g_set_error (error, TESS_ERROR, TESS_ERROR_UNSUPPORTED,
               _ ("This Tessera was built without oneDNN; choose the plain "
                  "backend, or build it with -Donednn=enabled."));
  return NULL;
}

TessType
tess_backend_cpu_best_storage (void)
{
  return TESS_F32;
}

gboolean
tess_backend_cpu_has_bf16 (void)
{
  return FALSE;
}
