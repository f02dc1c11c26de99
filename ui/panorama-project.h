/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/panorama-project.h: a panorama seen by a camera, as a picture of its own:
 * cube faces, little planets. GEGL's samplers and buffers, so size and
 * precision are those of the picture.
 *
 * GEGL's panorama-projection and stereographic-projection are not used: seen
 * in 0.4.72, the pixel in the middle is not a number, pixels are taken at their
 * corners, so that cube faces do not meet, and a smaller picture is not
 * averaged. */
#pragma once

#include <gegl.h>
#include "ui/panorama-map.h"

G_BEGIN_DECLS

typedef struct _TessPanoramaSource TessPanoramaSource;

/* A copy of @panorama ("R'G'B' float" from (0, 0)) that goes on over its edges
 * and over the poles. */
TessPanoramaSource *tess_panorama_source_new (GeglBuffer *panorama);
void tess_panorama_source_free (TessPanoramaSource *source); /* may be NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessPanoramaSource, tess_panorama_source_free)

/**
 * tess_panorama_project:
 * What @camera sees, @side x @side pixels: a new buffer of "R'G'B'A float",
 * transparent beyond a strip. @progress (0..1) may be NULL; it says FALSE to
 * stop, then NULL is returned. Threads: one per source.
 */
GeglBuffer *
tess_panorama_project (TessPanoramaSource *source,
                       const TessCamera *camera,
                       gint side,
                       gboolean (*progress) (gdouble fraction, gpointer data),
                       gpointer data);

G_END_DECLS
