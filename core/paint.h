/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/paint.h: one phase of a job, from its request to its picture: texts,
 * noise or the encoded picture to start from, the loop, the decoder. Inside
 * of core/generate.h. */
#pragma once

#include "core/job-folder.h"
#include "core/progress.h"

G_BEGIN_DECLS

typedef struct
{
  TessJob *job;          /* ready */
  gint phase;            /* its number in the whole */
  TessJobFolder *folder; /* where steps are kept; NULL: nowhere */
  TessJobState *state;   /* of this phase, to go on from; NULL: the start */
  const TessJobHooks *hooks;
  TessProgressMeter *meter;
  GCancellable *cancellable;
} TessPaint;

/**
 * tess_paint:
 * Returns: (transfer full): "R'G'B' float" (with alpha where a picture that has
 * some is enlarged), as large as the request's. When
 * a step cannot be kept, folder becomes NULL, the hooks are warned, and the
 * painting goes on.
 * Errors: those of the networks; TESS_ERROR_MEMORY; G_IO_ERROR_CANCELLED.
 */
GeglBuffer *tess_paint (TessPaint *paint, GError **error);

G_END_DECLS
