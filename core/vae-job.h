/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/vae-job.h: one canvas through encoder or decoder, pass by pass. */
#pragma once

#include "core/vae-map.h"
#include "core/vae-plan.h"

G_BEGIN_DECLS

/* Where the canvas comes from and goes to: map 0 and the last map. */
typedef struct
{
  /* Planes [channels, h, w] of a rectangle of map 0 that lies within it. */
  gboolean (*read) (const TessVaeRect *rect,
                    gfloat *planes,
                    gpointer data,
                    GError **error);
  /* The same of the last map, each cell once. */
  gboolean (*write) (const TessVaeRect *rect,
                     const gfloat *planes,
                     gpointer data,
                     GError **error);
  /* The same of the picture that a decoder looks at, the encoder's map 0. */
  gboolean (*look) (const TessVaeRect *rect,
                    gfloat *planes,
                    gpointer data,
                    GError **error);
  gdouble fidelity; /* how much of it is wrapped in */
  gpointer data;
} TessVaeEnds;

/* Errors: TESS_ERROR_MEMORY; those of the ends; G_IO_ERROR_CANCELLED. */
gboolean tess_vae_job_run (const TessVaeNet *net,
                           TessBackend *backend,
                           const TessVaePlan *plan,
                           const TessVaeEnds *ends,
                           const TessVaeSettings *settings,
                           GError **error);

/* Peak bytes of that beside the weights, and the weights. */
gboolean tess_vae_job_cost (const TessVaeNet *net,
                            TessBackend *backend,
                            const TessVaePlan *plan,
                            gsize *n_bytes,
                            gsize *weights,
                            GError **error);

G_END_DECLS
