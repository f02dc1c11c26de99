/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/grounding-net.h: InstanceDiffusion as programs: the tokenizer's parts,
 * and what its fusers and ScaleU do inside of a UNet.
 * Source: Wang 2024 (InstanceDiffusion), 3.2 (UniFusion), 3.3 (ScaleU). */
#pragma once

#include "core/backend.h"
#include "core/net.h"

G_BEGIN_DECLS

/* --- the tokenizer ------------------------------------------------------- */

/* Formats in the tokens' order; a mask is a polygon and parts of a picture. */
enum
{
  TESS_TOKENS_BOX,
  TESS_TOKENS_POINT,
  TESS_TOKENS_SCRIBBLE,
  TESS_TOKENS_POLYGON,
  TESS_N_TOKENS, /* per instance; then the picture's */
};

/* Coordinates of an instance in that format: 4, 2, ... */
gint tess_grounding_n_coordinates (const TessInstanceConfig *config, gint kind);
/* Tokens of the masks' picture, and how wide each is before its MLP. */
gint tess_grounding_n_parts (const TessInstanceConfig *config);
gint tess_grounding_part_width (const TessInstanceConfig *config);

/**
 * tess_grounding_fourier:
 * @x: @n numbers in 0..1. @dst: TESS_FOURIER * n: for each of 16 frequencies
 * 100^(i/16) the sines of all, then the cosines; no 2 pi.
 */
void tess_grounding_fourier (const gfloat *x, gint n, gfloat *dst);

/* Pictures of masks [n, side, side, slots] -> the trunk's [n, side/32,
 * side/32, c]. @stages, where given, gets what the first convolution and each
 * stage say. */
TessValue *tess_grounding_record_trunk (TessModel *model,
                                        TessProgram *program,
                                        TessValue *src,
                                        TessValue **stages);
/* The MLP of a format, or of parts (TESS_N_TOKENS), over rows. */
TessValue *tess_grounding_record_mlp (TessModel *model,
                                      TessProgram *program,
                                      gint kind,
                                      TessValue *src);

/* --- in the UNet --------------------------------------------------------- */

/* A fuser: keys and values of the tokens [m, 1, t, channels]. */
typedef struct
{
  gchar *path;
  gint channels, n_heads;
  gfloat gates[2]; /* tanh of alpha_attn, alpha_dense */
  TessBuffer *k, *v;
} TessFuser;

typedef struct
{
  TessModel *model; /* borrowed */
  GArray *fusers;   /* of TessFuser, in order of running */
  gint n_up;        /* residual blocks on the way up */
  gint m, t;        /* sets of tokens, tokens of each; 0: no buffers yet */
  gint n_cells;     /* of a tile, where attention is masked; else 0 */
  TessBuffer *bias; /* f32 [m, 1, 1, t] */
  TessBuffer *cells, *tokens; /* i32 [m, 1, 1, n_cells], [m, 1, 1, t] */
  TessBuffer *gates;          /* f32 [1, 1, 1, 2 per fuser] */
  TessBuffer *scales;         /* f32 [1, 1, 1, all of scaleu_b, then _s] */
} TessGroundingNet;

void tess_grounding_net_init (TessGroundingNet *net, TessModel *model);
void tess_grounding_net_finish (TessGroundingNet *net);

/* What a network reads. @n_cells: 0 without regions. Errors: memory. */
gboolean tess_grounding_net_make_buffers (TessGroundingNet *net,
                                          TessBackend *backend,
                                          gint m,
                                          gint t,
                                          gint n_cells,
                                          GError **error);
/* Gates for a step whose fusers are that strong (0..1). */
void tess_grounding_net_write_gates (TessGroundingNet *net, gdouble strength);

/* Tokens [m, 1, t, width] -> keys and values of every fuser. */
void tess_grounding_net_record_tokens (const TessGroundingNet *net,
                                       TessProgram *program,
                                       TessBuffer *tokens);

/* x + gate attention (x and tokens) + gate ff, of fuser @i; @rows says which
 * set of tokens each sample takes. */
TessValue *tess_grounding_net_record_fuser (const TessGroundingNet *net,
                                            TessProgram *program,
                                            gint i,
                                            TessValue *rows,
                                            TessValue *x);

/* ScaleU of block @i: [x, skip], each scaled. */
TessValue *tess_grounding_net_record_scale (const TessGroundingNet *net,
                                            TessProgram *program,
                                            gint i,
                                            TessValue *x,
                                            TessValue *skip);

G_END_DECLS
