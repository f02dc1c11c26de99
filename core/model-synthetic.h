/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/model-synthetic.h: models without a file: of the real sizes, for
 * benchmarks, and from the formula of the golden cases, for checks. */
#pragma once

#include "core/model-layout.h"
#include "core/tensor-file.h"

G_BEGIN_DECLS

/**
 * tess_synthetic_config:
 * The configuration of "sd15", "sd21", and, a few percent as wide, "tiny15"
 * and "tiny21".
 * Errors: TESS_ERROR_REQUEST.
 */
gboolean tess_synthetic_config (const gchar *kind,
                                TessModelConfig *config,
                                GError **error);

/* What StableSR adds, as published where @config is "sd21", as thin as the rest
 * where it is "tiny...". */
void tess_synthetic_add_upscaling (TessModelConfig *config);

/* A model of random weights in f16, each drawn, all in memory: "sd15" takes
 * 2.1 GB. The same kind is the same model. Errors: TESS_ERROR_MEMORY too. */
TessModel *tess_model_new_synthetic (const gchar *kind, GError **error);
TessModel *tess_model_new_random (const TessModelConfig *config,
                                  const gchar *name,
                                  GError **error);

/**
 * tess_model_write_single:
 * Writes a model as one safetensors file in the original naming, types as
 * they are. @without_prefix leaves out "text_model.", as some writers do.
 * Errors: G_IO_ERROR.
 */
gboolean tess_model_write_single (TessModel *model,
                                  const gchar *path,
                                  gboolean without_prefix,
                                  GError **error);

/**
 * tess_formula_values:
 * Elements @first to @first + @n of the numbers that belong to the name @s:
 * offset + amplitude * (2u - 1), brought to half precision.
 * Source: the golden cases' SYNTHETIC.md.
 */
void tess_formula_values (const gchar *s,
                          gdouble offset,
                          gdouble amplitude,
                          gsize first,
                          gsize n,
                          gfloat *dst);

/**
 * tess_formula_file:
 * Every tensor that a NAME.tensors.json lists, computed (f32); its list of
 * first values is checked. @seed goes before each name.
 * Errors: TESS_ERROR_MODEL; G_FILE_ERROR.
 */
TessTensorFile *
tess_formula_file (const gchar *path, const gchar *seed, GError **error);

/* One tensor by the rules for weights (f32). (transfer full) */
TessTensor *tess_formula_tensor (const gchar *name,
                                 gint n_dims,
                                 const gint64 *dims,
                                 GError **error);

/* A model that has nothing but an instance addition's weights, those of @file
 * by their names, the complete tokenizer's sizes among them if it is there. */
TessModel *
tess_model_new_formula_instance (TessTensorFile *file, GError **error);

/**
 * tess_model_add_formula:
 * Adds every tensor of @file to @part by its name; @model NULL: to a new model
 * that has nothing else. What a configuration can be inferred from is: of
 * StableSR's encoder alone, of its fusions, in their files' naming.
 * Returns: @model, or the new one; NULL with an error.
 */
TessModel *tess_model_add_formula (TessModel *model,
                                   TessPart part,
                                   TessTensorFile *file,
                                   GError **error);

/* A VAE, with fusions if it has them, from a NAME.tensors.json in the original
 * naming without a prefix. */
TessModel *tess_model_new_formula_vae (const gchar *path, GError **error);

/**
 * tess_model_new_formula:
 * The UNet that a golden case describes (its "config", "weight_seed" and
 * "tensors"), in diffusers' or the original naming, with the scheduler where
 * one is given, and the additions that the tensors have. It has neither VAE
 * nor text encoder.
 */
TessModel *tess_model_new_formula (const gchar *golden_json, GError **error);

G_END_DECLS
