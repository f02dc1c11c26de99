/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/vae-map.h: the state of a whole canvas in host memory, channels last,
 * read and written by rectangle. */
#pragma once

#include "core/tensor.h"
#include "core/vae-net.h"

G_BEGIN_DECLS

typedef struct
{
  gint h, w, c;
  TessType type;
  guint8 *data;
} TessVaeMap;

/* Errors: TESS_ERROR_MEMORY with the size. */
TessVaeMap *
tess_vae_map_new (TessType type, gint h, gint w, gint c, GError **error);
void tess_vae_map_free (TessVaeMap *map); /* may be NULL */

/* Cells of @rect, [h, w, c]; over the edge they come from the other side. */
void
tess_vae_map_read (const TessVaeMap *map, const TessVaeRect *rect, gfloat *dst);
/* @rect lies within the map. */
void tess_vae_map_write (TessVaeMap *map,
                         const TessVaeRect *rect,
                         const gfloat *src);

G_END_DECLS
