/* SPDX-License-Identifier: GPL-3.0-or-later
 * tools/golden.h: what the families of reference cases share. */
#pragma once

#include <json-glib/json-glib.h>
#include "core/backend.h"
#include "core/tensor-file.h"

G_BEGIN_DECLS

/* Relative to the reference's largest value, float32. */
#define GOLDEN_ONE_CALL 2e-5
#define GOLDEN_SAMPLER 2e-4
/* The same in 16 bits; longer runs in bfloat16 are only reported. */
#define GOLDEN_HALF 2e-2

typedef struct
{
  TessBackend *backend;
  gboolean is_card;  /* canvases of whole runs stay there */
  const gchar *only; /* cases whose names have this in them, NULL: all */
  gint n_passed, n_failed, n_skipped;
} Golden;

/* Whether a case is asked for. */
gboolean golden_wants (const Golden *golden, const gchar *name);

/* One line each; the last takes the error. */
void golden_result (Golden *golden,
                    const gchar *name,
                    gdouble error,
                    gdouble tolerance);
void golden_skip (Golden *golden, const gchar *name, const gchar *reason);
void golden_fail (Golden *golden, const gchar *name, GError *error);

/* The bound of one call, and of a run of many, for the backend's storage. */
gdouble golden_one_call (const Golden *golden);
gdouble golden_sampler (const Golden *golden);
gboolean golden_is_half (const Golden *golden);

/* max |a - b| / max |b|, and without the division; infinite for NaN. */
gdouble golden_relative (const gfloat *a, const gfloat *b, gsize n);
gdouble golden_absolute (const gfloat *a, const gfloat *b, gsize n);

/* max |a - b| / |b|, of each element its own. */
gdouble golden_elementwise (const gfloat *a, const gfloat *b, gsize n);

/* A tensor as float32; NULL when it is not there. (transfer full) */
gfloat *golden_read (const TessTensorFile *file, const gchar *name, gsize *n);

/* The families. */
void golden_sd (Golden *golden, const gchar *folder);
void golden_randn (Golden *golden, const gchar *path);
void golden_synthetic (Golden *golden, const gchar *path);

G_END_DECLS
