/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/job-plan.h: what a job takes, before it starts. Inside of core/job.h. */
#pragma once

#include "core/job.h"

G_BEGIN_DECLS

/* Fills job->plan and the counts of operations; chooses the batch.
 * Errors: TESS_ERROR_MEMORY with the numbers and what would fit. */
gboolean tess_job_make_plan (TessJob *job, GError **error);

/* Bytes that a process may still take on this machine, within the limits of
 * its control group. */
gsize tess_free_memory (void);

G_END_DECLS
