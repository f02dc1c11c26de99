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
} TessUnetCall;
gboolean tess_unet_run (TessUnet *unet,
                        const TessUnetCall *call,
                        GCancellable *cancellable,
                        GError **error);

/* Bytes and operations of one call of that shape with contexts of @n_tokens,
 * before anything is compiled. */
typedef struct
{
  gsize arena;
  gsize weights;
  gdouble n_flops;
} TessUnetCost;
gboolean tess_unet_cost (TessUnet *unet,
                         gint n,
                         gint h,
                         gint w,
                         gint n_tokens,
                         TessUnetCost *cost,
                         GError **error);

G_END_DECLS
