/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/prompt.h: what an artist writes -> chunks of ids with weights.
 *
 * (word:1.2) weighs; (word) is 1.1 times, [word] 1/1.1 times; they nest;
 * \( \) \[ \] are the characters themselves. A bracket that is never closed
 * holds to the end, one that was never opened is a character. BREAK starts a
 * new chunk. Text without brackets gives the tokenizer's own ids.
 *
 * Each chunk is start, up to n_positions - 2 tokens, end, padding. A full
 * chunk ends after its last comma where that is among its last 20 tokens.
 * Agrees with the parser of AUTOMATIC1111's stable-diffusion-webui. */
#pragma once

#include "core/tokenizer.h"

G_BEGIN_DECLS

typedef struct
{
  gint n_chunks;     /* at least 1 */
  gint n_positions;  /* of a chunk: 77 */
  gint32 *ids;       /* [n_chunks, n_positions] */
  gfloat *weights;   /* as ids; 1 for start, end and padding; -100..100 */
  gboolean weighted; /* any weight is not 1 */
} TessPrompt;

typedef struct
{
  gint n_positions;  /* 0: 77 */
  gint pad_id;       /* what fills a chunk up; its text is special, see
                        tess_tokenizer_encode_padded */
  gint min_chunks;   /* 0: 1; so that two prompts get equal lengths */
  gboolean truncate; /* one chunk, the rest is dropped (as the reference) */
  gboolean literal;  /* brackets and BREAK mean nothing */
} TessPromptSettings;

/* Any text is good; a text that is not UTF-8 as in tess_tokenizer_encode. */
TessPrompt *tess_prompt_parse (TessTokenizer *tokenizer,
                               const gchar *text,
                               const TessPromptSettings *settings);
void tess_prompt_free (TessPrompt *prompt); /* may be NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessPrompt, tess_prompt_free)

G_END_DECLS
