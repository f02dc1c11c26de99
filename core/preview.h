/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/preview.h: small pictures of a canvas that is still being made.
 *
 * A small canvas is decoded by the model's own decoder, where all previews
 * together take at most about one twentieth of the job; else colours are read
 * from each cell by a linear map, fitted to a decoded piece of this very
 * canvas. So any model will do, without numbers made for it. */
#pragma once

#include "core/vae.h"

G_BEGIN_DECLS

typedef struct _TessPreview TessPreview;

/**
 * tess_preview_new:
 * @n_flops: what all previews together may take; @n: how many there will be.
 */
TessPreview *tess_preview_new (TessVae *vae,
                               const TessVaeConfig *config,
                               gint width,
                               gint height,
                               gdouble n_flops,
                               gint n);
void tess_preview_free (TessPreview *preview); /* may be NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessPreview, tess_preview_free)

/**
 * tess_preview_make:
 * @latent: [channels, height, width] in cells, with the scaling factor in it.
 * Returns: 8-bit RGB, rows of @width_px * 3, borrowed until the next call;
 * NULL where it was cancelled or there was no memory for it.
 */
const guint8 *tess_preview_make (TessPreview *preview,
                                 const gfloat *latent,
                                 GCancellable *cancellable,
                                 gint *width_px,
                                 gint *height_px);

G_END_DECLS
