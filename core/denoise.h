/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/denoise.h: the one loop of all methods: for each step, for each batch
 * of tiles: gather, network, sum; then guidance; then one step of the sampler
 * on the canvas.
 *
 * A method is a small file beside it: which tiles, and what they weigh. */
#pragma once

#include "core/random.h"
#include "core/regions.h"
#include "core/sampler.h"
#include "core/unet.h"

G_BEGIN_DECLS

/* A picture of which a part is kept: after each step it is put back there,
 * noised to where the canvas is. Source: Avrahami 2023 (blended latent
 * diffusion). Methods that follow a picture have it here too. */
typedef struct
{
  gfloat *painted; /* [height, width], 0: kept .. 1: painted; NULL: all is */
  gfloat *x0;      /* the picture's latent, [channels, height, width] */
  gfloat *noise;   /* unit, the canvas's own */
} TessKeep;

typedef struct _TessMethod TessMethod;
struct _TessMethod
{
  const TessTilePlan *plan;
  const TessBlend *blend;
  /* Both may be changed before each step (tiles that move), as long as the
   * canvas and the largest tile keep their size, and by nothing but the
   * step's number; may be NULL. */
  void (*begin_step) (TessMethod *method, gint step, gint n_steps);
  /* Unit noise to start from, [channels, height, width]; NULL: what is drawn
   * for a canvas of that size. */
  gboolean (*draw) (const TessMethod *method,
                    TessRandom *random,
                    gint channels,
                    gfloat *noise,
                    GError **error);
  gboolean holds; /* cells without a tile keep what was said of them at the
                     step before; every one is covered at the first */

  /* A second set of tiles, of one size, that is asked beside the first, about
   * what @see makes of the canvas [channels, height, width]; the weights of
   * both together sum to 1. NULL: none. */
  const TessTilePlan *wide;
  const TessBlend *wide_blend;
  void (*see) (const TessMethod *method,
               gint channels,
               const gfloat *x,
               gfloat *dst);
  /* Each step begins with the picture of TessKeep, noised to where it starts,
   * to this part, which begin_step may change. */
  gboolean follows;
  gdouble following; /* 0..1 */
  /* After the last step; may be NULL. */
  void (*end) (const TessMethod *method,
               gint channels,
               const TessKeep *keep,
               gfloat *x);
  void (*free) (TessMethod *method);
};

void tess_method_free (TessMethod *method); /* may be NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessMethod, tess_method_free)

/* The network: tess_unet_run with its UNet as @data, or what a test puts in
 * its place. */
typedef gboolean (*TessDenoiser) (const TessUnetCall *call,
                                  gpointer data,
                                  GCancellable *cancellable,
                                  GError **error);

/* The same where the canvas stays on the network's backend: tess_unet_begin
 * with its UNet as @data. */
typedef gboolean (*TessDenoiserBegin) (const TessUnetCall *call,
                                       gpointer data,
                                       TessUnetBatch *batch,
                                       GError **error);

typedef struct
{
  gint step, n_steps;
  gint n_new;             /* samples of the network in the call that was */
  gint n_done, n_samples; /* in this step */
} TessDenoiseProgress;

/* Where the loop is between two steps: with this and the sampler's history
 * (core/sampler.h) it goes on as if it had not stopped. */
typedef struct
{
  gint step;            /* the next */
  const gfloat *x;      /* the canvas */
  const gfloat *output; /* what was said last; NULL unless the method holds */
} TessDenoiseState;

typedef struct
{
  TessMethod *method;
  TessSampler *sampler;
  TessDenoiser denoiser;
  gpointer denoiser_data;
  /* Where tiles are gathered and summed and the sampler steps beside the
   * network (core/denoise-backend.h), wherever what is asked for is a weighted
   * sum; NULL: here, with @denoiser, which is also what goes on where the
   * backend fails. @begin gets @denoiser_data. */
  TessBackend *backend;
  TessDenoiserBegin begin;
  gint channels;     /* of the canvas */
  gint batch;        /* samples per call of the network, 0: 1 */
  const gint *order; /* of the tiles, may be NULL: row by row; the result is
                        the same */

  /* Rows of the network's contexts, one per prompt; without regions one
   * prompt. @negative NULL: no guidance. */
  const gint32 *positive, *negative;
  /* [2]: the rows that stand in for @positive's first in tiles that lie in the
   * upper, in the lower half of the canvas alone. NULL: none do. */
  const gint32 *halves;
  gdouble guidance;
  gdouble guidance_rescale;   /* Lin 2023, 3.4; std of the whole canvas */
  const TessRegions *regions; /* may be NULL */

  /* Which set of an instance addition's tokens each tile takes where it is told
   * by @positive, [n_tiles]; where by @negative it is set 0, which is empty.
   * NULL: set 0 everywhere. A tile with -1 is left out: cells are asked about
   * in the others alone, and where there is none they are said to be 0. Only
   * with tiles that stay. */
  const gint32 *grounds;

  /* [channels, height, width] that the network looks at beside the canvas
   * (tess_unet_structure), NULL: none. */
  const gfloat *structure;

  const TessKeep *keep; /* may be NULL, unless the method follows it */

  gint first_step;         /* to go on from; 0: the beginning */
  gint end_step;           /* to stop before; 0: the end */
  const gfloat *last_said; /* the state's output there, if the method holds */

  TessRandom *random;  /* where a stochastic sampler's noise comes from, drawn
                          on the canvas; may be NULL if it wants none */
  const gfloat *noise; /* ... given instead, of every step [n_steps, channels,
                          height, width]; may be NULL */

  /* After each call of the network; before each step of the sampler, with
   * what the network said about @x; after each step, where FALSE ends the run
   * with the error. All may be NULL. */
  void (*progress) (const TessDenoiseProgress *progress, gpointer data);
  gboolean (*looks) (gint step, gpointer data); /* NULL: look at every step */
  void (*look) (gint step,
                const gfloat *x,
                const gfloat *output,
                gpointer data);
  gboolean (*stepped) (const TessDenoiseState *state,
                       gpointer data,
                       GError **error);
  gpointer data;
} TessDenoise;

/**
 * tess_denoise_run:
 * @x: f32 [1, channels, height, width] of the method's canvas, in the
 * sampler's scale, noise at first and the picture's latent at the end.
 * Bytes beside @x: see tess_denoise_n_bytes.
 * Errors: the network's; TESS_ERROR_MODEL when it says something that is not
 * a number; TESS_ERROR_MEMORY; G_IO_ERROR_CANCELLED, looked at before each
 * call.
 */
gboolean tess_denoise_run (const TessDenoise *job,
                           TessTensor *x,
                           GCancellable *cancellable,
                           GError **error);

/* How much of each cell's say [height, width] the tiles have that are not left
 * out, 0..1. */
void tess_denoise_cover (const TessDenoise *job, gfloat *dst);

/* Samples that the network will be given, in all steps from first_step on.
 * Tiles that move are left where the last step has them. */
gint64 tess_denoise_n_samples (const TessDenoise *job);

/* Tiles over canvas, by area, on average of all steps: how often each cell is
 * asked about. */
gdouble tess_denoise_cells (const TessDenoise *job);

/* What the loop itself takes, the sampler's history included. */
gsize tess_denoise_n_bytes (const TessDenoise *job);

G_END_DECLS
