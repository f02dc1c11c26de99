/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/vocabulary.h: the tokens and merges of a byte-pair encoding, from
 * files that are not to be trusted.
 *
 * A byte is written as one character (CLIP's table of printable ones); "</w>"
 * marks the end of a word. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  guint32 left, right; /* ids */
  gint32 rank;         /* lower merges first */
  gint32 id;           /* of the two together */
} TessMerge;

typedef struct
{
  GHashTable *ids;      /* (owned gchar *) token -> id */
  GPtrArray *tokens;    /* id -> borrowed gchar *, NULL where there is none */
  GHashTable *merges;   /* set of borrowed TessMerge * by their pair */
  TessMerge *pairs;     /* the memory of merges */
  gint32 byte[256];     /* ids of a single byte inside a word ... */
  gint32 byte_end[256]; /* ... and at its end */
  gint32 bos, eos;      /* <|startoftext|>, <|endoftext|> */
} TessVocabulary;

/**
 * tess_vocabulary_read:
 * @path: merges.txt, bpe_simple_vocab_16e6.txt, either with .gz,
 * tokenizer.json, or a folder with one of them. A vocab.json beside merges
 * gives the ids, else they follow from the order of the merges.
 * Errors: TESS_ERROR_MODEL naming file, line and what was expected;
 * what opening the file says (G_IO_ERROR).
 */
TessVocabulary *tess_vocabulary_read (const gchar *path, GError **error);
void tess_vocabulary_free (TessVocabulary *vocabulary); /* may be NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessVocabulary, tess_vocabulary_free)

/* -1 where there is no such token. */
gint32
tess_vocabulary_id (const TessVocabulary *vocabulary, const gchar *token);

/* NULL where the two do not merge. */
const TessMerge *tess_vocabulary_merge (const TessVocabulary *vocabulary,
                                        guint32 left,
                                        guint32 right);

G_END_DECLS
