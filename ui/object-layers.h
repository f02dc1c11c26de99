/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/object-layers.h: layers of a group as named things in their places: what
 * each asks for, and by what its place is given. Main thread only. */
#pragma once

#include <libgimp/gimp.h>

G_BEGIN_DECLS

/* By what a place is told to the model. */
typedef enum
{
  TESS_PLACED_AUTO, /* by what there is: a path of the layer's name is a
                       scribble or, of a single anchor, a point; a layer that
                       covers its rectangle is a box, another one a mask */
  TESS_PLACED_BOX,
  TESS_PLACED_MASK,
  TESS_PLACED_SCRIBBLE,
  TESS_PLACED_POINT,
  TESS_N_PLACED,
} TessPlaced;

/* What a layer asks for: its parasite "tessera-object", else its name without
 * GIMP's " #1" and " copy". (transfer full) */
gchar *tess_object_text (GimpItem *item);

/* Writes it back where it comes from. A renamed layer keeps its path: that is
 * renamed too. One step to undo. FALSE: @text says nothing. */
gboolean tess_object_set_text (GimpItem *item, const gchar *text);

/* The choice is kept with the layer, as its parasite "tessera-place". */
TessPlaced tess_object_placed (GimpItem *item);
void tess_object_set_placed (GimpItem *item, TessPlaced placed);

/**
 * tess_object_strokes:
 * Returns: (element-type GArray) (transfer full): strokes of the path that has
 * the layer's name, each of gdouble, x and y in turn, in pixels of the image;
 * NULL: there is no such path, or nothing in it. @anchor: whether it is a
 * single one.
 */
GPtrArray *tess_object_strokes (GimpItem *item, gboolean *anchor);

/* x0, y0, x1, y1 of strokes. */
void tess_object_strokes_bounds (const GPtrArray *strokes, gdouble bounds[4]);

/* What automatic means: with such a path, of a layer @full or not. */
TessPlaced tess_object_resolve (TessPlaced placed,
                                const GPtrArray *strokes,
                                gboolean anchor,
                                gboolean full);

/* The top level's group of that @name, borrowed; NULL: there is none. */
GimpItem *tess_object_group (GimpImage *image, const gchar *name);

#define TESS_REGION_GROUP "Tessera objects"
#define TESS_INSTANCE_GROUP "Tessera instances"

G_END_DECLS
