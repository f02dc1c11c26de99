/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/text-encoder.h: token ids -> what cross attention reads.
 * Source: Radford 2021 (CLIP); agrees with CLIPTextModel of transformers. */
#pragma once

#include "core/backend.h"
#include "core/model.h"
#include "core/prompt.h"

G_BEGIN_DECLS

typedef struct _TessTextEncoder TessTextEncoder;

TessTextEncoder *
tess_text_encoder_new (TessModel *model, TessBackend *backend, GError **error);
void tess_text_encoder_free (TessTextEncoder *encoder); /* may be NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessTextEncoder, tess_text_encoder_free)

/**
 * tess_text_encoder_run:
 * @ids: i32 [n, n_positions]. @last and @penultimate (each may be NULL) become
 * f32 [n, n_positions, width]: after the last layer and the final norm;
 * one layer earlier without it.  @pooled: [n, width], the final
 * state at the first end-of-text.
 */
gboolean tess_text_encoder_run (TessTextEncoder *encoder,
                                const TessTensor *ids,
                                TessTensor **last,
                                TessTensor **penultimate,
                                TessTensor **pooled,
                                GError **error);

/**
 * tess_text_encode:
 * Context of a prompt: its chunks encoded one after another and joined,
 * [1, n_positions * n_chunks, width]; each token's state times its weight,
 * then the mean of the whole brought back to what it was without weights.
 * @clip_skip: 1 last layer, 2 the one before it (with the final norm), ...;
 * 0: what the model was trained with.
 */
TessTensor *tess_text_encode (TessTextEncoder *encoder,
                              const TessPrompt *prompt,
                              gint clip_skip,
                              GError **error);

G_END_DECLS
