/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/prove-cases.h: the small cases that variants are proved with. */
#pragma once

#include "core/backend.h"
#include "core/ops/ops-private.h"

G_BEGIN_DECLS

typedef struct
{
  const TessOpClass *klass;
  gint n, h, w, ic, oc; /* a map and what becomes of it; attention: h * w
                           queries, oc channels in all */
  gint k, stride, up;   /* conv2d; k: kernel */
  gint n_heads, tk;     /* attention */
  TessActivation act;
  gboolean more;  /* residual and row; causal; rows */
  gboolean timed; /* large enough to be timed, and not compared */
} TessGpuCase;

extern const TessGpuCase tess_gpu_cases[]; /* ends with klass NULL */

/* The answer of @c on @backend, the numbers the same on every backend;
 * (transfer full). @seconds: of the second run, may be NULL. @n: how many. */
gfloat *tess_gpu_case_run (const TessGpuCase *c,
                           TessBackend *backend,
                           gsize *n,
                           gdouble *seconds,
                           GError **error);

/* Its op alone, for asking variants; freed by the last. */
TessProgram *tess_gpu_case_record (const TessGpuCase *c,
                                   TessBackend *backend,
                                   GPtrArray *weights,
                                   TessBuffer **dst,
                                   GError **error);

G_END_DECLS
