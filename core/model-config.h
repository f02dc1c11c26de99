/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/model-config.h: a model's configuration: read from diffusers' JSON
 * files, or inferred from the names and shapes of a single file. Whatever
 * comes out is within bounds that networks can rely on. */
#pragma once

#include "core/json-file.h"
#include "core/model-layout.h"
#include "core/tensor-file.h"

G_BEGIN_DECLS

/* Each fills its config from an object; @file is named in errors. */
gboolean tess_config_read_unet (JsonObject *json,
                                const gchar *file,
                                TessUnetConfig *config,
                                GError **error);
gboolean tess_config_read_vae (JsonObject *json,
                               const gchar *file,
                               TessVaeConfig *config,
                               GError **error);
gboolean tess_config_read_text (JsonObject *json,
                                const gchar *file,
                                TessTextConfig *config,
                                GError **error);
gboolean tess_config_read_scheduler (JsonObject *json,
                                     const gchar *file,
                                     TessDiffusionConfig *config,
                                     GError **error);

/* What the shapes of StableSR's tensors do not say: "heads", "groups",
 * "window", and whether "any-size" takes it unasked; what is missing stays as
 * it is. */
gboolean tess_config_read_structure (JsonObject *json,
                                     const gchar *file,
                                     TessStructureConfig *config,
                                     GError **error);

/* What Stable Diffusion was trained with. */
void tess_config_default_diffusion (TessDiffusionConfig *config);

/**
 * tess_config_read_folder:
 * The configuration files of a diffusers folder; a missing scheduler or
 * tokenizer folder means the defaults.
 * Errors: TESS_ERROR_MODEL, TESS_ERROR_UNSUPPORTED; G_FILE_ERROR.
 */
gboolean tess_config_read_folder (const gchar *folder,
                                  TessModelConfig *config,
                                  GError **error);

/**
 * tess_config_infer:
 * The configuration of a single file in the original naming. What names and
 * shapes do not say: heads (8, or 64 wide where projections are linear), norm
 * groups (the largest of 32, 16 and 8 that divides all channels),
 * and the prediction: SD 1.x eps; SD 2.x v, as most of its descendants,
 * unless the file's metadata, its training step or a .yaml beside it say
 * otherwise; StableSR's by their names, v where it has "768v" in it.
 * Errors: TESS_ERROR_MODEL, TESS_ERROR_UNSUPPORTED.
 */
gboolean tess_config_infer (const TessTensorFile *file,
                            TessModelConfig *config,
                            GError **error);

/* Its UNet alone, whose names begin with @prefix. */
gboolean tess_config_infer_unet (const TessTensorFile *file,
                                 const gchar *prefix,
                                 TessUnetConfig *config,
                                 GError **error);

/* Its VAE alone, whose names begin with TESS_ORIGINAL_VAE. */
gboolean tess_config_infer_vae (const TessTensorFile *file,
                                TessVaeConfig *config,
                                GError **error);

/* Do @files hold an instance addition? */
gboolean tess_config_has_instance (const GPtrArray *files);

/**
 * tess_config_infer_instance:
 * Sizes from the shapes of its tensors; @path is named in errors. All formats.
 * Errors: TESS_ERROR_MODEL.
 */
gboolean tess_config_infer_instance (const GPtrArray *files,
                                     const gchar *path,
                                     TessInstanceConfig *config,
                                     GError **error);

/* Do @files hold StableSR's structure encoder; its fusions? */
gboolean tess_config_has_structure (const GPtrArray *files);
gboolean tess_config_has_fusion (const GPtrArray *files);

/**
 * tess_config_infer_structure:
 * Sizes from the shapes of its tensors; @path is named in errors. What they do
 * not say is as in the published files: 4 heads, norms of 32 groups.
 * tess_config_infer_fusion the same; its norms are the VAE's.
 * Errors: TESS_ERROR_MODEL.
 */
gboolean tess_config_infer_structure (const GPtrArray *files,
                                      const gchar *path,
                                      TessStructureConfig *config,
                                      GError **error);
gboolean tess_config_infer_fusion (const GPtrArray *files,
                                   const gchar *path,
                                   TessFusionConfig *config,
                                   GError **error);

/* For both: is the configuration within bounds? */
gboolean tess_config_check_unet (const TessUnetConfig *config,
                                 const gchar *file,
                                 GError **error);
gboolean tess_config_check_vae (const TessVaeConfig *config,
                                const gchar *file,
                                GError **error);
gboolean tess_config_check_text (const TessTextConfig *config,
                                 const gchar *file,
                                 GError **error);

G_END_DECLS
