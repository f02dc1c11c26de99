/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/progress.h: how far a job is and how long it will still take. Inside
 * of core/generate.h. */
#pragma once

#include "core/job.h"

G_BEGIN_DECLS

/* Counted in operations; how fast they go is what was measured in this job,
 * before that what is remembered from earlier ones. */
typedef struct
{
  const TessJobHooks *hooks; /* may be NULL */
  TessProgress now;
  const gchar *device, *model;
  gdouble n_flops_sample, n_flops_encode, n_flops_decode;
  gint64 n_samples; /* all */
  gint64 n_done;
  gdouble encoded, decoded;          /* parts that are done */
  gdouble sample_speed, coder_speed; /* operations per second, 0: not known */
  gint64 stage_began, first_done;    /* us */
  gint64 n_first;
  gdouble before, share; /* of the whole: phases done, this phase */
  gdouble seconds_after; /* for the phases to come */
  gint64 pause; /* us of this stage that were not the network's (previews) */
} TessProgressMeter;

void tess_progress_init (TessProgressMeter *meter,
                         const TessJob *job,
                         const TessJobHooks *hooks);
void tess_progress_begin (TessProgressMeter *meter, TessStage stage);
void tess_progress_sampled (TessProgressMeter *meter,
                            const TessDenoiseProgress *progress,
                            gint n_tiles);
/* Of what this stage encodes or decodes. */
void tess_progress_coded (TessProgressMeter *meter, gdouble fraction);

/* Remembers the speeds for the next job. */
void tess_progress_keep (TessProgressMeter *meter);

G_END_DECLS
