/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/vae-plan.h: in what order a canvas goes through encoder or decoder
 * when it does not fit at once. Whole numbers only; no device.
 *
 * Every group norm needs its statistics over the whole canvas before any
 * tile can go past it. So the tiles go through the network in passes: each
 * starts at a checkpoint (the whole canvas's state, in host memory) and ends
 * at the next norm, whose statistics it gathers. Where the state fits beside
 * the one before, the pass stores it as the new checkpoint; from where it does
 * not (the wide maps near the pixels), later passes start again from the last
 * one stored. */
#pragma once

#include "core/vae-net.h"
#include "core/vae.h"

G_BEGIN_DECLS

typedef enum
{
  TESS_VAE_PASS_STATS, /* to a norm; @store: keep the state too */
  TESS_VAE_PASS_KEYS,  /* keys and values of attention @last */
  TESS_VAE_PASS_FINAL, /* to what comes out */
} TessVaePassKind;

typedef struct
{
  TessVaePassKind kind;
  gint first, last; /* maps */
  gboolean middle;
  gboolean store;
  gint norm; /* whose statistics are gathered, -1: none */
  TessVaeKeys keys;
  gsize n_bytes;   /* checkpoints, keys and values meanwhile */
  gdouble n_flops; /* over all tiles */
} TessVaePass;

typedef struct
{
  TessVaeCanvas canvas;
  gint tile_h, tile_w; /* in latent cells */
  gint n_y, n_x;
  gboolean whole;   /* one program, statistics and all; no passes */
  gint n_estimated; /* norms whose statistics are estimated: the last ones */
  gint small_h, small_w; /* the shrunken canvas for that, in latent cells */
  GArray *passes;        /* of TessVaePass */
  gdouble n_flops;
} TessVaePlan;

/* What state and tiles may take; zero: the defaults. */
typedef struct
{
  gsize n_bytes_tile;        /* of the maps that a tile works on */
  gsize n_bytes_checkpoints; /* of the states kept */
  gsize n_bytes_value;       /* of one map: what the backend takes */
} TessVaeLimits;

/* @settings->tile as there; a canvas that is one tile is done whole. */
void tess_vae_plan_init (TessVaePlan *plan,
                         const TessVaeNet *net,
                         gint h,
                         gint w,
                         const TessVaeSettings *settings,
                         const TessVaeLimits *limits);
void tess_vae_plan_finish (TessVaePlan *plan);

gint tess_vae_plan_n_tiles (const TessVaePlan *plan);
TessVaeRect tess_vae_plan_tile (const TessVaePlan *plan, gint i);
TessVaeSpan tess_vae_plan_span (const TessVaePlan *plan,
                                const TessVaePass *pass,
                                gint tile);

G_END_DECLS
