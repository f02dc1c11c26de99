/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/grounding.h: what is where in a tile -> tokens that a UNet's fusers
 * read. Float32 on every backend: polygons are 16384 numbers wide.
 *
 * A format that is off, and an empty slot, are a learned null vector. Empty
 * slots are alike, so their tokens are one with a weight; the tokens are
 *   box of each filled slot, [empty], point ..., scribble ..., polygon ...,
 *   then the parts of the masks' picture.
 * Source: Wang 2024 (InstanceDiffusion), 3.2; agrees with UniFusion of
 * frank-xwang/InstanceDiffusion. */
#pragma once

#include "core/backend.h"
#include "core/model.h"

G_BEGIN_DECLS

/* An instance as a tile sees it; coordinates are in 0..1 of the tile. */
typedef struct
{
  const gfloat *text;     /* [text_width]: pooled; NULL: null vector */
  gboolean used;          /* FALSE: an empty slot, unless it has a scribble or a
                             polygon (as the reference does it) */
  gfloat box[4];          /* x0, y0, x1, y1 */
  gfloat point[2];        /* x, y */
  const gfloat *scribble; /* [2 n_scribble] x, y, ...; NULL: zeros */
  const gfloat *polygon;  /* [2 n_polygon]; NULL: zeros */
  const guint8 *mask;     /* [mask_side][mask_side] 0 or 1; NULL: none */
  TessFormat without;     /* null vectors for this one alone */
  gfloat bias;            /* added to what its tokens score, log (strength);
                             the mask is as strong, 1 at most */
} TessSlot;

typedef struct
{
  gint n;                /* at most n_slots; the others are empty */
  const TessSlot *slots; /* borrowed */
} TessSlots;

/* Tokens of several tiles, equally many: filled up with what nobody reads. */
typedef struct
{
  gint n_sets, n_tokens;
  TessTensor *tokens; /* f32 [n_sets, n_tokens, token_width] */
  TessTensor *bias;   /* f32 [n_sets, n_tokens], as TessUnetGrounding's */
  gint32 *regions;    /* [n_sets * n_tokens]: the slot's bit for boxes and
                         polygons, TESS_ALL_REGIONS for the others */
} TessGrounds;
void tess_grounds_clear (TessGrounds *grounds);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (TessGrounds, tess_grounds_clear)

/* Tokens of a set with that many filled slots. */
gint tess_grounding_n_tokens (const TessInstanceConfig *config, gint n_filled);

/* Is anything in it? What an empty slot's tokens are is the same for all. */
gboolean tess_slot_is_filled (const TessSlot *slot);

/**
 * tess_grounding_run:
 * @formats: which are on at all; none: boxes.
 * Errors: TESS_ERROR_MODEL where @model has no instance addition,
 * TESS_ERROR_REQUEST for more slots than it has; memory.
 */
gboolean tess_grounding_run (TessModel *model,
                             TessBackend *backend,
                             TessFormat formats,
                             const TessSlots *sets,
                             gint n_sets,
                             TessGrounds *grounds,
                             GCancellable *cancellable,
                             GError **error);

/**
 * tess_grounding_parts:
 * The parts of one picture of masks before their MLP: f32 [1, n_parts, width],
 * with the position added.
 */
TessTensor *tess_grounding_parts (TessModel *model,
                                  TessBackend *backend,
                                  const TessSlots *set,
                                  GCancellable *cancellable,
                                  GError **error);

/* For masked attention: adds region @slot to the cells of [h][w] that @box
 * covers, rounded to whole cells (half to even). @turned: with x and y in each
 * other's place, as the reference has it. */
void tess_grounding_mark (const gfloat box[4],
                          gint slot,
                          gboolean turned,
                          gint h,
                          gint w,
                          gint32 *cells);

/**
 * tess_grounding_cells:
 * For masked attention: the regions of @set that each of @h x @w cells of a
 * tile lies in: where a slot's mask is, else its box, at least one cell. Where
 * no slot has a region every cell is TESS_ALL_REGIONS. @formats: as
 * tess_grounding_run's. Source: Wang 2024, 3.2.2 (boxes alone there).
 */
void tess_grounding_cells (const TessInstanceConfig *config,
                           TessFormat formats,
                           const TessSlots *set,
                           gint h,
                           gint w,
                           gint32 *cells);

/* How strong the fusers are at each of @n_steps: 1 for the first
 * @full * n_steps, then falling to 0 within @fading * n_steps. */
void
tess_grounding_gates (gint n_steps, gdouble full, gdouble fading, gdouble *dst);

G_END_DECLS
