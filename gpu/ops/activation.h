/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/ops/activation.h: activations as push constants. */
#pragma once

#include "core/model.h"

G_BEGIN_DECLS

/* What lib/activation.glsl calls it. */
guint32 tess_gpu_activation (TessActivation act);

G_END_DECLS
