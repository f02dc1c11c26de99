/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/vae-estimate.h: statistics of group norms over a whole canvas: pooled
 * from those of its tiles, or estimated from a shrunken canvas. */
#pragma once

#include "core/vae-job.h"

G_BEGIN_DECLS

/* Tiles added up; zero but for n_groups to start with. */
typedef struct
{
  gint n_groups;
  gdouble n_cells;
  gdouble *sums; /* [n_groups, 2]: of means, of squares; NULL: none yet */
} TessVaeStats;

void
tess_vae_stats_add (TessVaeStats *stats, TessBuffer *tile, gdouble n_cells);

/* Mean of the means, mean of the variances plus variance of the means. */
void tess_vae_stats_write (const TessVaeStats *stats, TessBuffer *dst);
void tess_vae_stats_clear (TessVaeStats *stats);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (TessVaeStats, tess_vae_stats_clear)

/**
 * tess_vae_estimate:
 * Runs the canvas shrunk to about a tile (nearest cells, each channel's mean
 * and deviation brought back to the canvas's, clamped to its range) through
 * the network and keeps every norm's statistics in @stats.
 */
gboolean tess_vae_estimate (const TessVaeNet *net,
                            TessBackend *backend,
                            const TessVaePlan *plan,
                            const TessVaeEnds *ends,
                            TessBuffer *const *stats,
                            GCancellable *cancellable,
                            GError **error);

/* Raises the two to what that takes; all weights, in any case. */
gboolean tess_vae_estimate_cost (const TessVaeNet *net,
                                 TessBackend *backend,
                                 const TessVaePlan *plan,
                                 gsize *n_bytes,
                                 gsize *weights,
                                 GError **error);

G_END_DECLS
