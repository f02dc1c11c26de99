/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/unet-private.h: what core/unet.c and core/unet-cost.c share. */
#pragma once

#include "core/unet.h"
#include "core/unet-net.h"

/* One compiled batch. */
typedef struct
{
  gint n, h, w;
  gboolean fused;
  TessBuffer *src, *dst; /* [n, h, w, channels] */
  TessBuffer *rows;      /* i32 [1, 1, 1, n] */
  TessBuffer *grounds;   /* the same; NULL: without fusers */
  TessBuffer *structure; /* as src; NULL: the network does not look */
  GPtrArray *blocks;     /* of TessBuffer, f32; NULL: they are not kept */
  TessExec *exec;
} TessUnetCompiled;

struct _TessUnet
{
  TessModel *model;
  TessBackend *backend;
  const TessUnetConfig *config;
  TessUnetNet net;
  gint m, n_tokens; /* of the contexts, 0: none yet */
  gint n_steps;
  gdouble *timesteps; /* [n_steps] */
  TessBuffer *table;  /* [1, 1, n_steps, row_size] */
  TessBuffer *row;    /* one row of it */
  gint step;          /* which, -1: none */
  gboolean grounded;
  TessGroundingNet grounding;
  gdouble *gates; /* [n_gates] */
  gint n_gates;
  TessStructureNet structure; /* blocks NULL: it does not look */
  TessBuffer *structure_table, *structure_row; /* as table, row */
  GPtrArray *batches;
  gboolean keeps_blocks;
  /* That was run; NULL: none since batches were dropped. */
  const TessUnetCompiled *last;
};

/* A program in the storage of @unet's backend. */
TessProgram *tess_unet_new_program (TessUnet *unet, const gchar *name);

/* A buffer [n, h, w, c] in that storage. NULL: @error. */
TessBuffer *tess_unet_new_buffer (
    TessUnet *unet, gint n, gint h, gint w, gint c, GError **error);

/* FALSE with @error (SHAPE) unless the network takes @n tiles of @h x @w. */
gboolean tess_unet_check_sides (
    const TessUnet *unet, gint n, gint h, gint w, GError **error);

/* Makes the buffers of a batch; @program gets the network. @grounding: NULL
 * without the instance addition; @structure the same. */
gboolean tess_unet_record_batch (TessUnet *unet,
                                 const TessUnetNet *net,
                                 const TessGroundingNet *grounding,
                                 const TessStructureNet *structure,
                                 TessBuffer *row,
                                 TessBuffer *structure_row,
                                 TessUnetCompiled *batch,
                                 TessProgram *program,
                                 GError **error);

void tess_unet_compiled_free (TessUnetCompiled *batch);
