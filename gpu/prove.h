/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/prove.h: which variants of an op a device computes rightly, and how
 * fast. Drivers differ, and some are wrong.
 *
 * At the first use of a device each variant that does not refuse runs small
 * cases against the plain answer in C. What came out is kept by device, driver
 * and version of Tessera (gpu/cache.h). A variant that is being tried is
 * written down first: where the driver takes the process with it, or hangs,
 * the next start knows. */
#pragma once

#include "gpu/kernel.h"

G_BEGIN_DECLS

typedef struct
{
  gint n_cases; /* that it ran, now */
  gboolean wrong;
  gdouble error;   /* largest squared error over squared answer */
  gdouble seconds; /* of the case that is timed; 0: none is */
  gdouble cost;    /* what the variant said of that case */
  gchar *reason;   /* of wrong: "error 0.3"; NULL */
} TessGpuVerdict;

typedef struct _TessGpuProof TessGpuProof;

/**
 * tess_gpu_proof_new:
 * What is known of the device that @device opened, or found out now (a few
 * seconds).  @wanted: by what name it was opened.
 * Errors: TESS_ERROR_DEVICE when an op has no variant that is right.
 */
TessGpuProof *tess_gpu_proof_new (const TessGpuInfo *info,
                                  const gchar *wanted,
                                  TessType storage,
                                  GError **error);
void tess_gpu_proof_free (TessGpuProof *proof); /* may be NULL */

/* NULL: that variant was not tried (it refuses what the cases ask). */
const TessGpuVerdict *tess_gpu_proof_of (const TessGpuProof *proof,
                                         const TessOpClass *klass,
                                         const TessGpuVariant *variant);

/* A few lines: per op what is taken for the timed case, and what failed. */
void tess_gpu_proof_describe (const TessGpuProof *proof, GString *lines);

/* For tests: this op alone is looked at, and that variant of it computes
 * wrongly; NULL: all are, and none does. */
void tess_gpu_proof_spoil (const gchar *op, const gchar *variant);

G_END_DECLS
