/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/tokenizer.c: text -> special tokens and stretches between them ->
 * composed, lower case -> words -> bytes -> merged pairs. */
#include "core/tokenizer.h"
#include "core/vocabulary.h"

#include <string.h>

struct _TessTokenizer
{
  gint ref_count;
  TessVocabulary *vocabulary;
};

TessTokenizer *
tess_tokenizer_new (const gchar *path, GError **error)
{
  TessVocabulary *vocabulary = tess_vocabulary_read (path, error);
  TessTokenizer *tokenizer;

  if (vocabulary == NULL)
    return NULL;
  tokenizer = g_new0 (TessTokenizer, 1);
  tokenizer->ref_count = 1;
  tokenizer->vocabulary = vocabulary;
  return tokenizer;
}

TessTokenizer *
tess_tokenizer_ref (TessTokenizer *tokenizer)
{
  g_atomic_int_inc (&tokenizer->ref_count);
  return tokenizer;
}

void
tess_tokenizer_unref (TessTokenizer *tokenizer)
{
  if (tokenizer == NULL || !g_atomic_int_dec_and_test (&tokenizer->ref_count))
    return;
  tess_vocabulary_free (tokenizer->vocabulary);
  g_free (tokenizer);
}

gint
tess_tokenizer_bos (const TessTokenizer *tokenizer)
{
  return tokenizer->vocabulary->bos;
}

gint
tess_tokenizer_eos (const TessTokenizer *tokenizer)
{
  return tokenizer->vocabulary->eos;
}

gint
tess_tokenizer_n_tokens (const TessTokenizer *tokenizer)
{
  return (gint) tokenizer->vocabulary->tokens->len;
}

/* --- one word: pairs merge in the order of their rank ------------------- */

typedef struct
{
  gint32 id; /* -1: went into the one before */
  gint32 prev, next;
} Symbol;

typedef struct
{
  const TessMerge *merge;
  gint32 at; /* the left symbol */
} Candidate;

/* What a text is encoded with; the arrays are kept between words. */
typedef struct
{
  const TessVocabulary *vocabulary;
  GArray *symbols;    /* Symbol */
  GArray *candidates; /* Candidate, a heap: the first is the next to merge */
  GArray *ids;        /* gint32, the result */
} Encoder;

static gboolean
comes_first (const Candidate *a, const Candidate *b)
{
  if (a->merge->rank != b->merge->rank)
    return a->merge->rank < b->merge->rank;
  return a->at < b->at;
}

static void
push_candidate (Encoder *encoder, gint32 at)
{
  const Symbol *symbols = (const Symbol *) encoder->symbols->data;
  Candidate new = { .at = at }, *heap;
  guint i;

  if (at < 0 || symbols[at].next < 0)
    return;
  new.merge = tess_vocabulary_merge (encoder->vocabulary, symbols[at].id,
                                     symbols[symbols[at].next].id);
  if (new.merge == NULL)
    return;
  g_array_append_val (encoder->candidates, new);
  heap = (Candidate *) encoder->candidates->data;
  for (i = encoder->candidates->len - 1;
       i > 0 && comes_first (&new, &heap[(i - 1) / 2]); i = (i - 1) / 2)
    heap[i] = heap[(i - 1) / 2];
  heap[i] = new;
}

static Candidate
pop_candidate (Encoder *encoder)
{
  Candidate *heap = (Candidate *) encoder->candidates->data;
  guint n = encoder->candidates->len - 1, i = 0, child;
  Candidate top = heap[0], last = heap[n];

  while ((child = 2 * i + 1) < n)
    {
      if (child + 1 < n && comes_first (&heap[child + 1], &heap[child]))
        child++;
      if (!comes_first (&heap[child], &last))
        break;
      heap[i] = heap[child];
      i = child;
    }
  heap[i] = last;
  g_array_set_size (encoder->candidates, n);
  return top;
}

static void
encode_word (Encoder *encoder, const gchar *word, gsize n_bytes)
{
  const TessVocabulary *vocabulary = encoder->vocabulary;
  Symbol *symbols;

  g_array_set_size (encoder->symbols, n_bytes);
  g_array_set_size (encoder->candidates, 0);
  symbols = (Symbol *) encoder->symbols->data;
  for (gsize i = 0; i < n_bytes; i++)
    {
      gboolean last = i + 1 == n_bytes;
      guchar byte = word[i];

      symbols[i].id
          = last ? vocabulary->byte_end[byte] : vocabulary->byte[byte];
      symbols[i].prev = (gint32) i - 1;
      symbols[i].next = last ? -1 : (gint32) i + 1;
    }
  for (gsize i = 0; i + 1 < n_bytes; i++)
    push_candidate (encoder, (gint32) i);

  while (encoder->candidates->len > 0)
    {
      Candidate best = pop_candidate (encoder);
      Symbol *left = &symbols[best.at], *right;

      /* One of the two may have merged with another meanwhile. */
      if (left->id != (gint32) best.merge->left || left->next < 0)
        continue;
      right = &symbols[left->next];
      if (right->id != (gint32) best.merge->right)
        continue;
      left->id = best.merge->id;
      right->id = -1;
      left->next = right->next;
      if (left->next >= 0)
        symbols[left->next].prev = best.at;
      push_candidate (encoder, left->prev);
      push_candidate (encoder, best.at);
    }

  for (gint32 i = 0; i >= 0; i = symbols[i].next)
    g_array_append_val (encoder->ids, symbols[i].id);
}

/* --- a stretch without special tokens: words ----------------------------- */

typedef enum
{
  KIND_SPACE,
  KIND_LETTER,
  KIND_NUMBER,
  KIND_OTHER,
} Kind;

static Kind
kind_of (gunichar c)
{
  /* White_Space that GLib does not call space. */
  if (c == 0x0b || c == 0x85 || g_unichar_isspace (c))
    return KIND_SPACE;
  switch (g_unichar_type (c))
    {
    case G_UNICODE_LOWERCASE_LETTER:
    case G_UNICODE_MODIFIER_LETTER:
    case G_UNICODE_OTHER_LETTER:
    case G_UNICODE_TITLECASE_LETTER:
    case G_UNICODE_UPPERCASE_LETTER:
      return KIND_LETTER;
    case G_UNICODE_DECIMAL_NUMBER:
    case G_UNICODE_LETTER_NUMBER:
    case G_UNICODE_OTHER_NUMBER:
      return KIND_NUMBER;
    default:
      return KIND_OTHER;
    }
}

/* Character by character, whatever the language: a sigma at the end of a word
 * stays a middle one. */
static gchar *
lower_case (const gchar *text)
{
  GString *lower = g_string_new (NULL);

  for (; *text; text = g_utf8_next_char (text))
    {
      gunichar c = g_utf8_get_char (text);

      /* GLib lowers letters only, not Roman numerals and circled letters. */
      if (c >= 0x2160 && c <= 0x216f)
        g_string_append_unichar (lower, c + 0x10);
      else if (c >= 0x24b6 && c <= 0x24cf)
        g_string_append_unichar (lower, c + 0x1a);
      else
        g_string_append_unichar (lower, g_unichar_tolower (c));
      if (c == 0x130) /* I with dot above: the dot stays */
        g_string_append_unichar (lower, 0x307);
    }
  return g_string_free (lower, FALSE);
}

static gsize
contraction_length (const gchar *text)
{
  static const gchar *const all[]
      = { "'s", "'t", "'re", "'ve", "'m", "'ll", "'d" };

  for (guint i = 0; i < G_N_ELEMENTS (all); i++)
    if (g_str_has_prefix (text, all[i]))
      return strlen (all[i]);
  return 0;
}

/* Of the name in "<|name|>", 0 where there is none. */
static gsize
special_name_length (const gchar *text)
{
  if (g_str_has_prefix (text, "<|startoftext|>"))
    return strlen ("startoftext");
  if (g_str_has_prefix (text, "<|endoftext|>"))
    return strlen ("endoftext");
  return 0;
}

/* The length of the word at @text, which does not begin with a space. */
static gsize
word_length (const gchar *text)
{
  gsize length = contraction_length (text);
  Kind kind = kind_of (g_utf8_get_char (text));
  const gchar *end = text;

  if (length > 0)
    return length;
  do
    end = g_utf8_next_char (end);
  while (*end && kind != KIND_NUMBER
         && kind_of (g_utf8_get_char (end)) == kind);
  return end - text;
}

static void
encode_stretch (Encoder *encoder, const gchar *start, const gchar *end)
{
  g_autofree gchar *composed
      = g_utf8_normalize (start, end - start, G_NORMALIZE_NFC);
  g_autofree gchar *text = lower_case (composed);
  const gchar *next = text;

  while (*next)
    {
      gsize length;

      if (kind_of (g_utf8_get_char (next)) == KIND_SPACE)
        {
          next = g_utf8_next_char (next);
          continue;
        }
      /* Special tokens that became such by lower-casing: the reference cuts
       * them out, then its next stage cuts them in three. */
      length = special_name_length (next);
      if (length > 0)
        {
          encode_word (encoder, next, 2);
          encode_word (encoder, next + 2, length);
          next += 2 + length;
        }
      length = length > 0 ? 2 : word_length (next);
      encode_word (encoder, next, length);
      next += length;
    }
}

/* --- the whole text ------------------------------------------------------ */

static void
encode (TessTokenizer *tokenizer,
        const gchar *text,
        const gchar *const *specials,
        GArray *ids)
{
  g_autofree gchar *valid = g_utf8_make_valid (text, -1);
  Encoder encoder = {
    .vocabulary = tokenizer->vocabulary,
    .symbols = g_array_new (FALSE, FALSE, sizeof (Symbol)),
    .candidates = g_array_new (FALSE, FALSE, sizeof (Candidate)),
    .ids = ids,
  };
  const gchar *start = valid, *next = valid;

  while (*next)
    {
      const gchar *found = NULL;

      for (gint i = 0; specials[i]; i++)
        if (g_str_has_prefix (next, specials[i])
            && (found == NULL || strlen (specials[i]) > strlen (found)))
          found = specials[i];
      if (found)
        {
          gint32 id = tess_vocabulary_id (tokenizer->vocabulary, found);

          encode_stretch (&encoder, start, next);
          g_array_append_val (ids, id);
          start = next += strlen (found);
        }
      else
        next++;
    }
  encode_stretch (&encoder, start, next);
  g_array_unref (encoder.symbols);
  g_array_unref (encoder.candidates);
}

void
tess_tokenizer_encode (TessTokenizer *tokenizer, const gchar *text, GArray *ids)
{
  const gchar *specials[] = { "<|startoftext|>", "<|endoftext|>", NULL };

  g_return_if_fail (tokenizer && text && ids);
  encode (tokenizer, text, specials, ids);
}

void
tess_tokenizer_encode_padded (TessTokenizer *tokenizer,
                              const gchar *text,
                              gint pad_id,
                              GArray *ids)
{
  const gchar *specials[] = { "<|startoftext|>", "<|endoftext|>", NULL, NULL };
  const GPtrArray *tokens = tokenizer->vocabulary->tokens;

  g_return_if_fail (tokenizer && text && ids);
  if (pad_id >= 0 && (guint) pad_id < tokens->len && tokens->pdata[pad_id]
      && *(const gchar *) tokens->pdata[pad_id])
    specials[2] = tokens->pdata[pad_id];
  encode (tokenizer, text, specials, ids);
}
