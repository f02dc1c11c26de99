/* SPDX-License-Identifier: GPL-3.0-or-later
 * tools/run-options.h: the command line of tessera-run, and what it asks for.
 */
#pragma once

#include "core/generate.h"

typedef struct
{
  gchar *output, *job, *preview, *instances;
  gchar *folder; /* of the job's steps */
  gchar **words; /* the prompt; of upscale: what is read and written */
  gboolean upscale;
  gdouble scale;
  gchar *quality;
  gboolean plan, devices, models, version, quiet, stats, print_job, no_metadata;
  gboolean resume, no_resume, keep_job;
  gint depth, preview_every;
  GPtrArray *names, *values; /* of settings, in order */
  GPtrArray *loras, *regions;
} RunOptions;

void run_options_init (RunOptions *options);
void run_options_finish (RunOptions *options);

/* Reads @argv without its options, as GOption leaves it. --help prints and
 * ends the process. */
gboolean run_options_parse (RunOptions *options,
                            gint *argc,
                            gchar ***argv,
                            GError **error);

/* What does not fit together, or NULL. */
const gchar *run_options_fault (const RunOptions *options);

/* The settings, checked, the picture to enlarge among them. */
TessRequest *run_options_request (const RunOptions *options, GError **error);
