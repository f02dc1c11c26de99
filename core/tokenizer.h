/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/tokenizer.h: text -> ids, CLIP's byte-pair encoding.
 * Source: Sennrich 2016; agrees with CLIPTokenizer of transformers. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _TessTokenizer TessTokenizer;

/**
 * tess_tokenizer_new:
 * @path: merges.txt, bpe_simple_vocab_16e6.txt(.gz), tokenizer.json, or a
 * folder with one. A vocab.json beside merges gives the ids; else they follow
 * from the order of the merges, as in CLIP's own code (which cuts the list at
 * 49152-256-2+1 lines).
 * Errors: TESS_ERROR_MODEL with the line that is not a pair.
 * Threads: read-only afterwards, may be shared.
 */
TessTokenizer *tess_tokenizer_new (const gchar *path, GError **error);
TessTokenizer *tess_tokenizer_ref (TessTokenizer *tokenizer);
void tess_tokenizer_unref (TessTokenizer *tokenizer); /* may be NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessTokenizer, tess_tokenizer_unref)

gint tess_tokenizer_bos (const TessTokenizer *tokenizer); /* start of text */
gint tess_tokenizer_eos (const TessTokenizer *tokenizer); /* end of text */
gint tess_tokenizer_n_tokens (const TessTokenizer *tokenizer);

/* Appends the ids (gint32) of @text, without start and end. Any UTF-8 is
 * good; bytes that are not UTF-8 are read as U+FFFD. <|startoftext|> and
 * <|endoftext|> are the special tokens themselves. */
void tess_tokenizer_encode (TessTokenizer *tokenizer,
                            const gchar *text,
                            GArray *ids);

/* The same for a model that pads with @pad_id: the reference takes that
 * token's text for the special token wherever it stands, so that with SD 2's
 * "!" the words "8k!!" end in two paddings. */
void tess_tokenizer_encode_padded (TessTokenizer *tokenizer,
                                   const gchar *text,
                                   gint pad_id,
                                   GArray *ids);

G_END_DECLS
