/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/instance-formats.h: from what an artist has (a mask, a stroke) to the
 * points that InstanceDiffusion was trained on. Points are x, y pairs in
 * pixels of the mask. No model, no canvas.
 * Source: frank-xwang/InstanceDiffusion, dataset/decode_item.py. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  gint w, h;
  const guint8 *cells; /* [h][w], 0: outside */
} TessMask;

/* Which of @n things is taken as draw @i. NULL in its place: by a seed that
 * depends on nothing but the mask's size. */
typedef gint (*TessPick) (gint i, gint n, gpointer data);

/* Outlines, outer ones and holes, one after another: the cells outside that
 * touch the mask, moved by (1, 1); each closes with its first. (element-type
 * gint, x and y in turn) (transfer full). @lengths: points of each, may be
 * NULL. */
GArray *tess_mask_outlines (const TessMask *mask, GArray **lengths);

/* @n points inside, evenly by their distance from the mask's centre. */
void tess_mask_interior (
    const TessMask *mask, gint n, TessPick pick, gpointer data, gfloat *dst);

/* @n points: half on the outlines, half inside, by distance from the corner.
 * An empty mask: zeros. */
void tess_mask_polygon (
    const TessMask *mask, gint n, TessPick pick, gpointer data, gfloat *dst);

/* @n cells of the mask drawn at random, by distance from the corner. */
void tess_mask_scribble (
    const TessMask *mask, gint n, TessPick pick, gpointer data, gfloat *dst);

/* A stroke of any number of points as @n of them, by distance. */
void
tess_stroke_resample (const gfloat *points, gint n_points, gint n, gfloat *dst);

/* x0, y0, x1, y1 of what is in the mask, edges included; FALSE: empty. */
gboolean tess_mask_bounds (const TessMask *mask, gint bounds[4]);

G_END_DECLS
