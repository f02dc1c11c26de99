/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/model-private.h: the inside of a model, for the files that make one. */
#pragma once

#include "core/model-names.h"

G_BEGIN_DECLS

struct _TessModel
{
  gint ref_count;
  gchar *path;
  gchar *name;
  TessModelConfig config;
  GHashTable *weights[TESS_N_PARTS]; /* name -> TessWeight */
  gsize n_params[TESS_N_PARTS];
};

/* Without weights. */
TessModel *tess_model_new_empty (const gchar *path);

/* Adds a weight; the tensor gets @entry's dimensions, which must have as many
 * elements. */
void tess_model_take_weight (TessModel *model,
                             TessPart part,
                             const TessLayoutEntry *entry,
                             TessTensor *tensor);

/* Everything that the configuration of @part asks for, out of @files. */
gboolean tess_model_load_part (TessModel *model,
                               TessPart part,
                               TessNaming naming,
                               const GPtrArray *files,
                               GError **error);

/* The instance addition out of @files, which have it. */
/* The folder of the files that InstanceDiffusion's weights were cut into, from
 * the name of one or of the folder; NULL: they are not there. Then: one table
 * of all, by their names in diffusers' naming, appended to @files with what it
 * points into. */
gchar *tess_model_instance_split (const gchar *path);
gboolean tess_model_open_split (const TessModel *model,
                                const gchar *folder,
                                GPtrArray *files,
                                GError **error);

gboolean tess_model_load_instance (TessModel *model,
                                   const GPtrArray *files,
                                   GError **error);

/* StableSR's additions out of @files, those that they have; @folder may have
 * a configuration, NULL: none. */
gboolean tess_model_load_upscaling (TessModel *model,
                                    const GPtrArray *files,
                                    const gchar *folder,
                                    GError **error);

G_END_DECLS
