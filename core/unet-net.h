/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/unet-net.h: the denoiser as programs: what core/unet.c runs.
 *
 * Three programs share buffers: the context program writes keys and values
 * of every cross attention, the time program writes a table with one row per
 * step, the network reads both. */
#pragma once

#include "core/backend.h"
#include "core/grounding-net.h"
#include "core/structure-net.h"

G_BEGIN_DECLS

/* A residual block: its part of the table's row is time_emb_proj + the bias
 * of conv1, @channels wide from @first. */
typedef struct
{
  gchar *path;
  gint first, channels;
} TessUnetBlock;

/* A cross attention: keys and values [m, 1, tokens, channels]. */
typedef struct
{
  gchar *path;
  gint channels;
  TessBuffer *k, *v; /* NULL until there is a text */
} TessUnetCross;

typedef struct
{
  TessModel *model; /* borrowed */
  const TessUnetConfig *config;
  GArray *blocks;  /* of TessUnetBlock */
  GArray *crosses; /* of TessUnetCross */
  gint row_size;   /* of the table, in elements */
} TessUnetNet;

void tess_unet_net_init (TessUnetNet *net, TessModel *model);
void tess_unet_net_finish (TessUnetNet *net);

/* Makes the buffers of keys and values for @m texts of @n_tokens, in place of
 * those before. */
gboolean tess_unet_net_make_buffers (TessUnetNet *net,
                                     TessBackend *backend,
                                     gint m,
                                     gint n_tokens,
                                     GError **error);
void tess_unet_net_drop_buffers (TessUnetNet *net);

/* @contexts [m, 1, tokens, context_width] -> every cross attention's k, v. */
void tess_unet_net_record_contexts (const TessUnetNet *net,
                                    TessProgram *program,
                                    TessBuffer *contexts);

/* Sines and cosines [1, 1, n_steps, channels[0]] -> @table
 * [1, 1, n_steps, row_size]. */
void tess_unet_net_record_times (const TessUnetNet *net,
                                 TessProgram *program,
                                 TessBuffer *waves,
                                 TessBuffer *table);

/* What a timestep looks like before the network: channels[0] numbers. */
void tess_unet_net_waves (const TessUnetConfig *config,
                          gdouble timestep,
                          gfloat *dst);

/* One evaluation. */
typedef struct
{
  TessBuffer *src;
  TessBuffer *rows; /* i32: which text each sample is told by */
  TessBuffer *row;  /* the step's row of the table */
  TessBuffer *dst;
  const TessGroundingNet *grounding; /* NULL: the network without instances */
  TessBuffer *grounds;               /* i32: which set of tokens each sample
                                        takes; NULL: fusers are left out */
  const TessStructureNet *structure; /* NULL: the network without StableSR */
  TessBuffer *structure_src;         /* latents, as large as @src */
  TessBuffer *structure_row;
  GPtrArray *blocks; /* gets every block's output (TessValue), in their order:
                        the first convolution, down, middle, up; may be NULL */
} TessUnetNetCall;
void tess_unet_net_record (const TessUnetNet *net,
                           TessProgram *program,
                           const TessUnetNetCall *call);

G_END_DECLS
