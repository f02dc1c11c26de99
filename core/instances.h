/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/instances.h: named things that lie on a canvas -> what each tile is
 * told. A tile gets what touches it, clipped and in its own coordinates; more
 * than the model takes may lie on the canvas, not in one tile.
 *
 * Places are in canvas pixels. On a canvas that closes they may pass its edge
 * (a box at x = width - 50 that is 100 wide lies across the seam). */
#pragma once

#include <gegl.h>

#include "core/grounding.h"
#include "core/tile-plan.h"

G_BEGIN_DECLS

/* One thing. What is given of mask, stroke, box and point is used, what can be
 * worked out of it too: a mask has bounds and a centre, a stroke as well. */
typedef struct _TessInstance TessInstance;
struct _TessInstance
{
  gchar *text;
  gdouble strength; /* how much of its share of attention it gets, above 0, at
                       most TESS_STRONGEST; 1: as trained */
  gboolean has_box, has_point;
  gdouble box[4];   /* x0, y0, x1, y1 */
  gdouble point[2]; /* x, y */
  GArray *stroke;   /* of gdouble, x and y in turn; may be NULL */
  GeglBuffer *mask; /* "Y float", scaled to the canvas, above 0.5: inside */
  gchar *mask_path; /* job files: a PNG, scaled to the canvas */
};

#define TESS_STRONGEST 4.0

TessInstance *tess_instance_new (const gchar *text);
TessInstance *tess_instance_dup (const TessInstance *instance);
void tess_instance_free (TessInstance *instance); /* may be NULL */

/* As it is on a canvas of so much of the size along each axis. */
void tess_instance_scale (TessInstance *instance, gdouble x, gdouble y);

typedef struct
{
  const TessTilePlan *plan;
  gint width, height; /* of the canvas in pixels */
  gint factor;        /* pixels per cell */
  const TessInstanceConfig *config;
} TessInstancePlace;

/* Sets of tokens: the first is empty; then those of tiles and of instances
 * alone, equal ones once. */
typedef struct
{
  gint n;          /* instances */
  GPtrArray *sets; /* of TessSlots with slots of their own */
  gint32 *tiles;   /* [n_tiles] */
  gint32 *alone;   /* [n][n_tiles]; -1: it does not touch */
  TessFormat formats;
  gfloat *texts; /* [n][text_width]: to be filled before tokens are made; the
                    slots point into it */
  gint n_most;   /* filled slots of a set at most */
  GPtrArray *owned;
} TessInstances;

/**
 * tess_instances_new:
 * @instances: (element-type TessInstance), borrowed for the call.
 * Errors: TESS_ERROR_REQUEST, naming instance and tile: no text, an empty
 * mask, nothing on the canvas, too many in a tile; those of PNG files.
 */
TessInstances *tess_instances_new (const GPtrArray *instances,
                                   const TessInstancePlace *place,
                                   GError **error);
void tess_instances_free (TessInstances *instances); /* may be NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessInstances, tess_instances_free)

G_END_DECLS
