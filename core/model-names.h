/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/model-names.h: what a weight is called in the files of others.
 *
 * Inside Tessera a weight has the name that today's diffusers gives it. These
 * functions tell, for such a name, where a file keeps it; so a file is asked
 * for what the configuration wants, and whatever else it holds is let be. */
#pragma once

#include "core/model-layout.h"
#include "core/tensor-file.h"

G_BEGIN_DECLS

/* Where a single file keeps its parts. */
#define TESS_ORIGINAL_UNET "model.diffusion_model."
#define TESS_ORIGINAL_VAE "first_stage_model."
#define TESS_ORIGINAL_CLIP "cond_stage_model.transformer."
#define TESS_ORIGINAL_OPENCLIP "cond_stage_model.model."
#define TESS_ORIGINAL_STRUCTURE "structcond_stage_model."

/* What stands there in names of Tessera's own. */
#define TESS_STRUCTURE_ENCODER "encoder."

typedef enum
{
  TESS_NAMING_DIFFUSERS, /* one set of files per part */
  TESS_NAMING_ORIGINAL,  /* one file, parts by prefix (CompVis, Stability) */
} TessNaming;

/**
 * tess_names_find:
 * The tensor of that name in any of @files, a view of a larger one where the
 * file keeps several together. NULL without an error when there is none.
 * @why, where given, gets what is wrong with one that is there but cannot be
 * read. An addition's are found whatever the naming. (transfer full)
 */
TessTensor *tess_names_find (TessNaming naming,
                             const TessModelConfig *config,
                             TessPart part,
                             const gchar *name,
                             const GPtrArray *files,
                             const gchar **why);

/**
 * tess_names_original:
 * The name in a single file. Where the file stacks several weights of equal
 * size on top of each other, @third tells which one of three this is, else
 * it becomes -1. NULL when the original naming has no such weight. @openclip:
 * the text encoder is OpenCLIP's (SD 2). (transfer full)
 */
gchar *tess_names_original (const TessModelConfig *config,
                            TessPart part,
                            const gchar *name,
                            gboolean openclip,
                            gint *third);

G_END_DECLS
