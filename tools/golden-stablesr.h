/* SPDX-License-Identifier: GPL-3.0-or-later
 * tools/golden-stablesr.h: what cases of StableSR have in common. */
#pragma once

#include "core/ops/ops.h"
#include "tools/golden-case.h"

G_BEGIN_DECLS

/* An input as a buffer, channels last. (transfer full) */
TessBuffer *golden_map (const GoldenCase *c, const gchar *name, GError **error);

/* Stores @value, runs the program, and compares with the output @name. */
gboolean golden_run_value (const GoldenCase *c,
                           TessProgram *program,
                           TessValue *value,
                           const gchar *name,
                           GError **error);

/* Cases of networks and samplers; FALSE: not one of them. */
gboolean golden_stablesr_run (const GoldenCase *c);

G_END_DECLS
