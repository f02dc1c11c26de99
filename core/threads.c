/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/threads.c: short waits in OpenMP's libraries. */
#include "core/threads.h"

#include <unistd.h>

/* GCC's library and LLVM's. A turn is a pause instruction, about 140 cycles:
 * these are about 10 us, and none. */
static const gchar *const settings[][2]
    = { { "GOMP_SPINCOUNT", "200" }, { "KMP_BLOCKTIME", "0" } };

void
tess_threads_init (char **argv)
{
  if (g_getenv ("OMP_WAIT_POLICY") != NULL)
    return;
  for (guint i = 0; i < G_N_ELEMENTS (settings); i++)
    if (g_getenv (settings[i][0]) != NULL)
      return;
  for (guint i = 0; i < G_N_ELEMENTS (settings); i++)
    g_setenv (settings[i][0], settings[i][1], TRUE);
  execv ("/proc/self/exe", argv);
}
