/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/pixbufs.h: pictures for the screen. */
#pragma once

#include <gdk-pixbuf/gdk-pixbuf.h>
#include <gegl.h>

G_BEGIN_DECLS

/* The whole extent of @buffer, @side pixels long at most; with alpha where it
 * lets through. GEGL shrinks while it reads, so a large picture costs little.
 */
GdkPixbuf *tess_pixbuf_shrunk (GeglBuffer *buffer, gint side);

/* @buffer brought to width x height as plain enlarging does (core/enlarge.h).
 * NULL: no memory. */
GdkPixbuf *tess_pixbuf_enlarged (GeglBuffer *buffer, gint width, gint height);

/* A part of @buffer as it is, within its extent. */
GdkPixbuf *tess_pixbuf_part (GeglBuffer *buffer, const GeglRectangle *part);

G_END_DECLS
