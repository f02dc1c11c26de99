/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/model-layout.h: every weight that a configuration asks for: name (in
 * diffusers' naming) and shape. What is opened is checked against it, what is
 * synthetic is made from it, what a LoRA names is looked up in it. */
#pragma once

#include "core/model.h"

G_BEGIN_DECLS

typedef struct
{
  gchar *name;
  gint n_dims;
  gint64 dims[4];
} TessLayoutEntry;

/* The configuration of all parts of a model. */
typedef struct
{
  TessUnetConfig unet;
  TessVaeConfig vae;
  TessTextConfig text;
  TessDiffusionConfig diffusion;
  TessInstanceConfig instance;
  TessStructureConfig structure;
  TessFusionConfig fusion;
} TessModelConfig;

/* (element-type TessLayoutEntry) (transfer full); the first is empty. */
GArray *tess_layout_new (void);
GArray *tess_layout_unet (const TessUnetConfig *config);
GArray *tess_layout_vae (const TessVaeConfig *config);
GArray *tess_layout_text (const TessTextConfig *config);
GArray *tess_layout_instance (const TessUnetConfig *unet,
                              const TessInstanceConfig *config);
GArray *tess_layout_structure (const TessUnetConfig *unet,
                               const TessStructureConfig *config);
GArray *tess_layout_fusion (const TessFusionConfig *config);
GArray *tess_layout_part (const TessModelConfig *config, TessPart part);

/* The names of @layout's transformer blocks ("...transformer_blocks.0") in the
 * order in which they are run are those of its "attn1". */
#define TESS_TRANSFORMER_MARK ".attn1.to_q.weight"

/* The names of its residual blocks ("...resnets.0") are those of this. */
#define TESS_RESNET_MARK ".norm2.weight"

/* Cells' channels of what comes from below into the residual block @i of the
 * way up, counted from the lowest. */
gint tess_layout_up_channels (const TessUnetConfig *config, gint i);

/* Sizes of an embedding of coordinates: 16 frequencies, sine and cosine. */
#define TESS_FOURIER 32

/* For people: "UNet", "VAE", "text encoder". */
const gchar *tess_part_name (TessPart part);

G_END_DECLS
