/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/net.h: what the networks' recording shares: layers named as in the
 * model file. Weights were checked when the model was opened. */
#pragma once

#include "core/ops/ops.h"

G_BEGIN_DECLS

typedef struct
{
  TessModel *model;     /* borrowed */
  TessPart part;        /* whose weights */
  TessProgram *program; /* what is being recorded */
  gint n_groups;        /* of every group norm */
} TessNet;

/* The weight "@path.@name"; NULL, and the program fails, when it is missing.
 * The optional one may be missing. */
const TessWeight *
tess_net_weight (const TessNet *net, const gchar *path, const gchar *name);
const TessWeight *tess_net_optional_weight (const TessNet *net,
                                            const gchar *path,
                                            const gchar *name);

/* 3x3, stride 1, size kept; with path.weight and path.bias; @act as TessConv2d
 * has it. */
TessValue *tess_net_conv3 (const TessNet *net,
                           const gchar *path,
                           TessValue *src,
                           TessActivation act);

/* path.weight and, if there, path.bias. */
TessValue *tess_net_linear (const TessNet *net,
                            const gchar *path,
                            TessValue *src,
                            TessValue *residual,
                            TessActivation act);

TessValue *tess_net_layer_norm (const TessNet *net,
                                const gchar *path,
                                TessValue *src,
                                gfloat eps);

/* @stats: as TessGroupNorm, may be NULL. */
TessValue *tess_net_group_norm (const TessNet *net,
                                const gchar *path,
                                TessValue *src,
                                TessValue *stats,
                                gfloat eps,
                                TessActivation act);

/* What the time @emb, through an activation, says to the residual block @path:
 * time_emb_proj (emb) + the bias of conv1. */
TessValue *
tess_net_time_row (const TessNet *net, const gchar *path, TessValue *emb);

/* The beginning of a residual block that is told the time by @row: what its
 * second norm gives, through SILU. */
TessValue *tess_net_resnet_head (const TessNet *net,
                                 const gchar *path,
                                 TessValue *src,
                                 TessValue *row,
                                 gfloat eps);

/* What a residual block leaves its source to: conv_shortcut or itself. */
TessValue *
tess_net_shortcut (const TessNet *net, const gchar *path, TessValue *src);

/* The end of a residual block, whose second norm gave @h:
 * conv2 (h) + shortcut (src). */
TessValue *tess_net_resnet_tail (const TessNet *net,
                                 const gchar *path,
                                 TessValue *src,
                                 TessValue *h);

G_END_DECLS
