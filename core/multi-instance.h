/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/multi-instance.h: the Multi-instance Sampler: for the first steps each
 * instance has a canvas of its own, told by its own text and place alone, and
 * the picture one with all; their mean goes on.
 *
 * On a large canvas an instance is sampled on the tiles that it touches. The
 * mean counts a trajectory in each cell by its tiles' share of the say there,
 * so that it ends without an edge and counts once however many tiles it has.
 * Source: Wang 2024 (InstanceDiffusion), 3.4; one tile is its own sampler. */
#pragma once

#include "core/denoise.h"

G_BEGIN_DECLS

typedef struct
{
  gint n;       /* instances */
  gint n_times; /* of the sampler (tess_sampler_n_times) that run apart;
                   0: none */
  const gint32 *positive; /* [n]: rows of their own texts */
  const gint32 *grounds;  /* [n][n_tiles]: the set of tokens of the instance
                             alone; -1: a tile that it does not touch */
  TessDiffusionConfig diffusion; /* for samplers as the job's */
  TessSamplerSettings settings;
  /* After each step of canvases that are apart, the picture's first, then each
   * instance's, with the job's data; may be NULL: as TessDenoise's. */
  gboolean (*stepped) (const TessDenoiseState *state,
                       gpointer data,
                       GError **error);
} TessMultiInstance;

/**
 * tess_multi_instance_run:
 * tess_denoise_run with instances apart at first; a job that goes on from a
 * step where they have met is not split again. @job's stepped is not called
 * before that. A stochastic sampler's noise is the same for all.
 * Bytes beside tess_denoise_run's: three canvases and the sampler's own.
 */
gboolean tess_multi_instance_run (const TessDenoise *job,
                                  const TessMultiInstance *apart,
                                  TessTensor *x,
                                  GCancellable *cancellable,
                                  GError **error);

/* As tess_denoise_n_samples, all trajectories together. */
gint64 tess_multi_instance_n_samples (const TessDenoise *job,
                                      const TessMultiInstance *apart);

G_END_DECLS
