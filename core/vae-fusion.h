/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/vae-fusion.h: what lets a decoder look at the picture that its latent
 * came from (controllable feature wrapping): units of the decoder, and the
 * encoder's part that they need.
 * Source: Wang 2023 (StableSR), 3.2; Wang 2018 (ESRGAN), 3.1. */
#pragma once

#include "core/vae-net-private.h"

G_BEGIN_DECLS

/* Cells that a dense block (three of five convolutions) looks at each side. */
#define TESS_VAE_DENSE_HALO 15

/* The units of fusion @k, after @channels of state:
 * [h] -> [h, r] -> ... -> [h + w r]. */
void tess_vae_fusion_add_units (TessVaeNet *net, GArray *units, gint k);

/* The encoder's last map that any fusion looks at. */
gint tess_vae_fusion_deepest (const TessVaeNet *net);

/* What each map of the encoder must give for the fusions of a span whose units
 * read @needs: @of [encoder.n_units + 1], up to the map returned; 0: none. */
gint tess_vae_fusion_needs (const TessVaeNet *net,
                            const TessVaeSpan *span,
                            const TessVaeRect *needs,
                            TessVaeRect *of);

/* The encoder's features for every fusion of the span, [k] over what its first
 * unit reads. */
void tess_vae_fusion_record_features (TessVaeRecording *r,
                                      const TessVaeRect *needs,
                                      TessValue **features);

/* Unit @u; @feature is of its fusion. @middle: up to its second norm. */
TessValue *tess_vae_fusion_record (TessVaeRecording *r,
                                   gint u,
                                   gboolean middle,
                                   TessValue *feature,
                                   TessValue *x);

/* What the first norm of unit @u reads. */
TessValue *tess_vae_fusion_normed (TessVaeRecording *r,
                                   gint u,
                                   TessValue *feature,
                                   TessValue *x);

/* Operations, and numbers of the largest maps, per cell. */
void tess_vae_fusion_estimate (const TessVaeNet *net,
                               gint u,
                               gdouble *n_flops,
                               gdouble *n_numbers);

G_END_DECLS
