/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/speed.h: how fast this machine was before, for estimates of time.
 * Kept in $XDG_CACHE_HOME/tessera/speed.ini; losing it loses nothing. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * tess_speed_get:
 * Operations per second of @network ("unet") of @model on @device; of any
 * model where this one is not known; 0 where nothing is.
 */
gdouble
tess_speed_get (const gchar *device, const gchar *network, const gchar *model);

/* A new measurement; remembered together with earlier ones. */
void tess_speed_put (const gchar *device,
                     const gchar *network,
                     const gchar *model,
                     gdouble n_flops,
                     gdouble seconds);

G_END_DECLS
