/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/poles.h: zenith and nadir of an equirectangular panorama, seen as
 * straight views and put back.
 *
 * Near the poles a panorama's rows show little from many sides, which a model
 * does not know; seen straight up or down it is an ordinary picture.
 * Source: the gnomonic projection; 90 degrees of view. */
#pragma once

#include <gegl.h>

G_BEGIN_DECLS

/* Pixels of a view's side at the panorama's own resolution at the pole, a
 * multiple of @factor. @height: of the panorama, half its width. */
gint tess_pole_view_side (gint height, gint factor);

/* The view straight up (@pole 1) or down (-1): side x side, "R'G'B' float". */
GeglBuffer *tess_pole_view_new (GeglBuffer *panorama, gint pole, gint side);

/* Puts @view back: wholly above 70 degrees of latitude, not below 50, in
 * between by share. */
void tess_pole_view_put (GeglBuffer *panorama, gint pole, GeglBuffer *view);

G_END_DECLS
