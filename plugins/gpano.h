/* SPDX-License-Identifier: GPL-3.0-or-later
 * plugins/gpano.h: the metadata by which other programs know a panorama:
 * Google's Photo Sphere XMP. GIMP writes it where the export has XMP switched
 * on. */
#pragma once

#include <libgimp/gimp.h>
#include "core/request.h"

G_BEGIN_DECLS

/* Whether what @request paints goes all around: left and right edge meet, top
 * and bottom do not, and it is twice as wide as high or more. */
gboolean tess_gpano_suits (const TessRequest *request);

/* The whole @image is a panorama: all around, and as far up and down as its
 * shape says; middle row: horizon, middle column: ahead. Not undoable. Failing
 * is told by g_debug: the picture is not worse for it. */
void tess_gpano_attach (GimpImage *image);

/* The numbers that a panorama's metadata have, after its @image was brought to
 * another size; nothing where it has none. */
void tess_gpano_scale (GimpImage *image, gdouble factor_x, gdouble factor_y);

G_END_DECLS
