/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/small-instance.h: weights for instances that need no training: of the
 * bundled model's sizes, values from their names. */
#pragma once

#include "core/model-layout.h"

G_BEGIN_DECLS

/* tools/train/instance_model.py's CONFIG. */
extern const TessInstanceConfig tess_test_instance;

/* Writes the @folder (that is there) as instance_model.save does, for a UNet
 * of that configuration; without the last @n_missing weights. @formats: a JSON
 * list of the places that the model understands. */
gboolean tess_test_write_instance (const gchar *folder,
                                   const TessUnetConfig *unet,
                                   const TessInstanceConfig *config,
                                   guint n_missing,
                                   const gchar *formats,
                                   GError **error);

G_END_DECLS
