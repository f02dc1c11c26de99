/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/structure-net.h: StableSR in a UNet, as programs: an encoder that looks
 * at the latent of the picture to be enlarged and at the time, and what each
 * residual block makes of its maps.
 * Source: Wang 2023 (StableSR), 3.1; Park 2019 (SPADE), eq. 1. */
#pragma once

#include "core/backend.h"
#include "core/net.h"

G_BEGIN_DECLS

/* A residual block of the encoder: its part of the table's row. */
typedef struct
{
  gchar *path;
  gint first, channels;
} TessStructureBlock;

typedef struct
{
  TessModel *model; /* borrowed */
  const TessStructureConfig *config;
  GArray *blocks; /* of TessStructureBlock, in order of running */
  gint row_size;  /* of the table, in elements */
} TessStructureNet;

void tess_structure_net_init (TessStructureNet *net, TessModel *model);
void tess_structure_net_finish (TessStructureNet *net);

/* What a timestep looks like before the encoder: config->width numbers. */
void tess_structure_net_waves (const TessStructureNet *net,
                               gdouble timestep,
                               gfloat *dst);

/* Waves [1, 1, n_steps, width] -> @table [1, 1, n_steps, row_size]. */
void tess_structure_net_record_times (const TessStructureNet *net,
                                      TessProgram *program,
                                      TessBuffer *waves,
                                      TessBuffer *table);

/* Latents [n, h, w, channels] at the time of @row, [1, 1, 1, row_size] ->
 * maps[level] [n, h >> level, w >> level, map_channels]. h and w are multiples
 * of 1 << (n_levels - 1). */
void tess_structure_net_record_maps (const TessStructureNet *net,
                                     TessProgram *program,
                                     TessValue *src,
                                     TessValue *row,
                                     TessValue **maps);

/* The modulation "@path.spade" of @h by a map of its size, and what is added
 * to it: norm (h) (1 + gamma (map)) + beta (map) (+ residual, may be NULL). */
TessValue *tess_structure_record_modulation (TessModel *model,
                                             TessProgram *program,
                                             const gchar *path,
                                             TessValue *h,
                                             TessValue *map,
                                             TessValue *residual);

/* As tess_net_resnet_tail of the UNet's @net, modulated by @map. */
TessValue *tess_structure_record_tail (const TessNet *net,
                                       const gchar *path,
                                       TessValue *src,
                                       TessValue *h,
                                       TessValue *map);

G_END_DECLS
