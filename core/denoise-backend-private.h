/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/denoise-backend-private.h: what the files of the loop beside the
 * network share: denoise-backend.c (a step), -gather.c (what the network is
 * shown), -sum.c (what it says, and what the sampler makes of that). */
#pragma once

#include "core/denoise-backend.h"

#include "core/ops/ops.h"

G_BEGIN_DECLS

/* The canvases that a step is made of, and what was shown to the network. */
enum
{
  CANVAS_X,
  CANVAS_OUTPUT,
  CANVAS_NOISE,
  CANVAS_KEPT, /* predictions of this step and those before, then the other */
  CANVAS_BEFORE = CANVAS_KEPT + TESS_SAMPLER_MAX_KEPT - 1,
  N_MIXED,
  CANVAS_SHOWN = N_MIXED, /* on average, while regions are bootstrapped */
  N_CANVASES
};
G_STATIC_ASSERT (N_MIXED == TESS_MIX_MAX);

/* Canvases that do not change with the step, but for the gaps. */
enum
{
  MAP_GAPS,    /* 1 where no tile lies, and what was said before stays */
  MAP_PAINTED, /* of a picture of which a part is kept: that, and these two */
  MAP_PICTURE,
  MAP_NOISE,
  N_MAPS
};

/* Weighted sums of tiles, each with weights of its own along y. */
enum
{
  SUM_SAID,     /* guidance is a factor of a tile's weights ... */
  SUM_NEGATIVE, /* ... unless it is brought back to the spread that what was
                   wanted had: then that and this apart */
  SUM_SHOWN,    /* of what the network was shown, while bootstrapping */
  N_SUMS
};

/* Rows of weights begin where a binding may, without a copy: what the next of
 * each canvas is made of, then sums of two. */
#define ROW 64
enum
{
  ROW_GUIDE = N_MIXED, /* of what was wanted and what not */
  ROW_KEEP,            /* of the kept picture and its noise */
  ROW_MINUS,
  N_ROWS
};

/* What fills the source of calls of one size. */
typedef struct
{
  TessBuffer *src; /* the batch's */
  TessBuffer *places;
  /* While bootstrapping: the share of the canvas in what is shown, what
   * stands beside it, and their sum; else NULL. */
  TessBuffer *masks, *backgrounds, *shown;
  TessExec *exec;
} Gather;

struct _TessDenoiseBackend
{
  const TessDenoise *job;
  gsize n_canvas;                   /* channels included */
  gboolean is_kept[N_CANVASES];     /* changes with the step */
  TessBuffer *canvases[N_CANVASES]; /* NULL: this sampler has none */
  gfloat *held[N_CANVASES];         /* those kept, after the last step */
  TessBuffer *maps[N_MAPS];         /* NULL: not asked for */
  gfloat *read;                     /* channels last */
  gint numbers[2];                  /* of the sampler's memory */
  TessBuffer *factor;               /* of a network's input */
  TessBuffer *one;
  TessBuffer *weights;   /* [1, 1, N_ROWS, ROW] */
  gboolean bootstrapped; /* what the programs are made for */
  GPtrArray *gathers;    /* of Gather */

  gint n_slots;          /* samples that there is room for */
  TessBuffer *said;      /* [n_slots, tile_h, tile_w, channels] */
  TessBuffer *shown;     /* the same; while bootstrapping */
  TessBuffer *shares;    /* [n_slots, tile_h, tile_w, 1]; with regions, or
                            where tiles are left out */
  TessBuffer *places;    /* [1, 1, n_slots, 4] */
  TessBuffer *weights_x; /* [1, 1, n_slots, tile_w] */
  TessBuffer *weights_y[N_SUMS]; /* [1, 1, n_slots, tile_h] */
  gboolean told;                 /* all of these, for tiles that stay */
  TessExec *advance;
};

TessBuffer *tess_denoise_table (const TessDenoiseBackend *self,
                                TessType type,
                                gint n,
                                gint length,
                                GError **error);

/* The program that fills @batch's source, its places and backgrounds written.
 * @samples: @call->n of them. NULL: the error. */
Gather *tess_denoise_gather (TessDenoiseBackend *self,
                             const TessUnetBatch *batch,
                             const TessUnetCall *call,
                             const TessSample *samples,
                             GError **error);
void tess_denoise_gather_free (gpointer gather);

/* Room for all of a step's samples, what they weigh, and the program that
 * sums them and takes the sampler's step. */
gboolean tess_denoise_make_slots (TessDenoiseBackend *self,
                                  const GArray *samples,
                                  GError **error);
gsize tess_denoise_slot_bytes (const TessDenoise *job);
void tess_denoise_drop_slots (TessDenoiseBackend *self);

G_END_DECLS
