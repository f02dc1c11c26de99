/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/unet.h: the denoiser, one batch of tiles per call.
 * Source: Rombach 2022; agrees with UNet2DConditionModel of diffusers. */
#pragma once

#include "core/backend.h"
#include "core/model.h"

G_BEGIN_DECLS

typedef struct _TessUnet TessUnet;

TessUnet *
tess_unet_new (TessModel *model, TessBackend *backend, GError **error);
void tess_unet_free (TessUnet *unet); /* may be NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessUnet, tess_unet_free)

/* Sides of a tile must be multiples of this many cells (8 for four levels). */
gint tess_unet_align (const TessUnet *unet);

/**
 * tess_unet_condition:
 * Computes once what does not change between steps: keys and values of the
 * text for every cross attention, and time embeddings of every step.
 * @contexts: f32 [m, tokens, context_width], one per prompt.
 * @timesteps: one per step; need not be whole.
 */
gboolean tess_unet_condition (TessUnet *unet,
                              const TessTensor *contexts,
                              const gdouble *timesteps,
                              gint n_steps,
                              GCancellable *cancellable,
                              GError **error);

/**
 * tess_unet_ground:
 * Tells where instances are: tokens (core/grounding.h) of one set or more,
 * whose keys and values are computed once for every fuser; after
 * tess_unet_condition. NULL: the network without its instance addition.
 * Errors: TESS_ERROR_MODEL where the model has none; TESS_ERROR_MEMORY.
 */
typedef struct
{
  const TessTensor *tokens; /* f32 [m, t, token_width] */
  const TessTensor *bias; /* f32 [m, t]: ln of how many tokens each stands for;
                             -inf: none */
  const gdouble *gates;   /* one per step: how strong fusers are; 0: they are
                             left out, ScaleU remains */
  /* Masked attention, off where NULL: sets of regions of each cell [m, n_cells]
   * and token [m, t], as in TessGroundedAttention. Tiles then have n_cells. */
  const gint32 *cells, *regions;
  gint n_cells;
} TessUnetGrounding;
gboolean tess_unet_ground (TessUnet *unet,
                           const TessUnetGrounding *grounding,
                           GCancellable *cancellable,
                           GError **error);

/**
 * tess_unet_structure:
 * From now on (FALSE: no longer) the network looks at the latent of a picture
 * too (StableSR): calls then have a structure. After tess_unet_condition,
 * whose timesteps it takes.
 * Errors: TESS_ERROR_MODEL where the model has no such weights;
 * TESS_ERROR_MEMORY.
 */
gboolean tess_unet_structure (TessUnet *unet,
                              gboolean on,
                              GCancellable *cancellable,
                              GError **error);

/**
 * tess_unet_run:
 * One evaluation at step @step (an index into the timesteps) for @n tiles of
 * h x w cells. @src and @dst are [n, channels, h, w] float32 in planes,
 * @src already scaled as the sampler wants it; tile i is told by the text
 * @rows[i] (NULL: all 0). The first call of a shape compiles it.
 * Errors: TESS_ERROR_MEMORY with the numbers; G_IO_ERROR_CANCELLED.
 */
typedef struct
{
  gint n, h, w;
  gint step;
  const gfloat *src;
  const gint32 *rows;
  gfloat *dst;
  const gint32 *grounds; /* which set of tokens each tile takes; NULL: all 0 */
  const gfloat *structure; /* as src: what tess_unet_structure asks for */
} TessUnetCall;
gboolean tess_unet_run (TessUnet *unet,
                        const TessUnetCall *call,
                        GCancellable *cancellable,
                        GError **error);

/* For checks: calls of shapes that are compiled from now on keep what every
 * block gives, which takes memory and is no faster. */
void tess_unet_keep_blocks (TessUnet *unet);

/* Of the call before: mean and root mean square of each block's output, in
 * their order; (element-type gfloat) (transfer full). NULL: nothing was kept.
 */
GArray *tess_unet_blocks (TessUnet *unet);

/**
 * tess_unet_begin:
 * The same up to the evaluation itself, for a canvas that stays on the
 * backend: @call has no src and dst. Who calls fills @batch's src, runs exec
 * and takes dst before the next call; these are borrowed and remain those of
 * calls of that size until tess_unet_ground.
 */
typedef struct
{
  TessBuffer *src; /* [n, h, w, channels] of the backend's storage */
  TessBuffer *dst; /* f32 */
  TessExec *exec;
} TessUnetBatch;
gboolean tess_unet_begin (TessUnet *unet,
                          const TessUnetCall *call,
                          TessUnetBatch *batch,
                          GError **error);

/* Bytes and operations of one call of that shape with contexts of @n_tokens,
 * sets of @n_ground tokens of instances (0: without the addition) and a
 * picture's structure, before anything is compiled. */
typedef struct
{
  gsize arena;
  gsize weights;
  gdouble n_flops;
  gsize set; /* keys and values of one set of tokens */
} TessUnetCost;
gboolean tess_unet_cost (TessUnet *unet,
                         gint n,
                         gint h,
                         gint w,
                         gint n_tokens,
                         gint n_ground,
                         gboolean structured,
                         TessUnetCost *cost,
                         GError **error);

G_END_DECLS
