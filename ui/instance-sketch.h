/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/instance-sketch.h: where a layer of a group puts its thing, from a
 * thumbnail: good enough to be drawn and to warn by; what is painted is read
 * from all pixels (plugins/picture.h). Main thread only. */
#pragma once

#include "ui/object-layers.h"

G_BEGIN_DECLS

typedef struct
{
  TessPlaced placed; /* never TESS_PLACED_AUTO */
  GPtrArray *lines;  /* of GArray of gdouble, x and y in turn, in pixels of the
                        image: outlines, strokes, or a point */
  gboolean closed;   /* they are outlines */
  gboolean by_path;  /* the layer's pixels do not matter */
  gboolean empty;    /* there is nothing of it */
  gdouble bounds[4]; /* x0, y0, x1, y1; of what there is */
} TessSketch;

TessSketch *tess_sketch_new (GimpItem *item);
void tess_sketch_free (TessSketch *sketch); /* may be NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessSketch, tess_sketch_free)

G_END_DECLS
