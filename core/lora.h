/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/lora.h: low-rank additions to a model's weights, from a file.
 *
 * Known are kohya's names (lora_unet_..., also of the original blocks),
 * diffusers' and PEFT's (unet.....lora_A.weight), and the attention processors
 * of early diffusers; linear layers, 1x1 and 3x3 convolutions, with or without
 * a middle factor (LoCon).  Source: Hu 2021. */
#pragma once

#include "core/model.h"
#include "core/tensor-file.h"

G_BEGIN_DECLS

/* tess_model_add_lora() with an opened file. Nothing is added on an error. */
gboolean tess_lora_apply (TessModel *model,
                          const TessTensorFile *file,
                          gdouble strength,
                          GError **error);

G_END_DECLS
