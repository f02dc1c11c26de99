/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/vocabulary.c: reading merges and token lists. */
#include "core/vocabulary.h"
#include "core/error.h"
#include "core/json-file.h"

#include <glib/gi18n-lib.h>
#include <gio/gio.h>
#include <string.h>

#define MAX_BYTES (64 << 20) /* of a file, unpacked; CLIP's is 3.5 MB */
#define MAX_ID (1 << 22)
#define CLIP_MERGES (49152 - 256 - 2)
#define END "</w>"

/* CLIP's table: printable Latin-1 stands for itself, other bytes for the
 * characters from U+0100 on. */
static gboolean
is_printable (gint byte)
{
  return (byte >= '!' && byte <= '~') || (byte >= 0xa1 && byte != 0xad);
}

static void
byte_characters (gunichar characters[256])
{
  gint n_moved = 0;

  for (gint byte = 0; byte < 256; byte++)
    characters[byte]
        = is_printable (byte) ? (gunichar) byte : 256 + (gunichar) n_moved++;
}

static guint
pair_hash (gconstpointer key)
{
  const TessMerge *merge = key;
  guint64 pair = (guint64) merge->left << 32 | merge->right;

  return (guint) ((pair * 0x9e3779b97f4a7c15ull) >> 32);
}

static gboolean
pair_equal (gconstpointer a, gconstpointer b)
{
  const TessMerge *x = a, *y = b;

  return x->left == y->left && x->right == y->right;
}

static TessVocabulary *
vocabulary_new (void)
{
  TessVocabulary *vocabulary = g_new0 (TessVocabulary, 1);

  vocabulary->ids
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  vocabulary->tokens = g_ptr_array_new ();
  vocabulary->merges = g_hash_table_new (pair_hash, pair_equal);
  return vocabulary;
}

void
tess_vocabulary_free (TessVocabulary *vocabulary)
{
  if (vocabulary == NULL)
    return;
  g_hash_table_unref (vocabulary->merges);
  g_ptr_array_unref (vocabulary->tokens);
  g_hash_table_unref (vocabulary->ids);
  g_free (vocabulary->pairs);
  g_free (vocabulary);
}

gint32
tess_vocabulary_id (const TessVocabulary *vocabulary, const gchar *token)
{
  gpointer id;

  if (!g_hash_table_lookup_extended (vocabulary->ids, token, NULL, &id))
    return -1;
  return GPOINTER_TO_INT (id);
}

const TessMerge *
tess_vocabulary_merge (const TessVocabulary *vocabulary,
                       guint32 left,
                       guint32 right)
{
  TessMerge key = { .left = left, .right = right };

  return g_hash_table_lookup (vocabulary->merges, &key);
}

/* Takes @token. A token that comes twice has its last id. */
static void
add_token (TessVocabulary *vocabulary, gchar *token, gint32 id)
{
  gint32 earlier = tess_vocabulary_id (vocabulary, token);

  if (earlier >= 0)
    vocabulary->tokens->pdata[earlier] = NULL;
  if ((guint) id >= vocabulary->tokens->len)
    g_ptr_array_set_size (vocabulary->tokens, id + 1);
  vocabulary->tokens->pdata[id] = token;
  g_hash_table_replace (vocabulary->ids, token, GINT_TO_POINTER (id));
}

/* The whole of a text file, unpacked where it is named .gz; with a zero at
 * the end. */
static gchar *
read_text (const gchar *path, GError **error)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GFileInputStream) raw = g_file_read (file, NULL, error);
  g_autoptr (GInputStream) stream = NULL;
  g_autoptr (GByteArray) text = g_byte_array_new ();
  guint8 block[65536];
  gssize n;

  if (raw == NULL)
    return NULL;
  if (g_str_has_suffix (path, ".gz"))
    {
      g_autoptr (GConverter) unpack = G_CONVERTER (
          g_zlib_decompressor_new (G_ZLIB_COMPRESSOR_FORMAT_GZIP));

      stream = g_converter_input_stream_new (G_INPUT_STREAM (raw), unpack);
    }
  else
    stream = g_object_ref (G_INPUT_STREAM (raw));

  while ((n = g_input_stream_read (stream, block, sizeof block, NULL, error))
         > 0)
    {
      g_byte_array_append (text, block, n);
      if (text->len > MAX_BYTES)
        {
          g_set_error (error, TESS_ERROR, TESS_ERROR_MODEL,
                       _ ("%s is longer than %d MiB, so it is no list of byte "
                          "pairs; put CLIP's merges.txt there."),
                       path, MAX_BYTES >> 20);
          return NULL;
        }
    }
  if (n < 0)
    {
      g_prefix_error (error, "%s: ", path);
      return NULL;
    }
  if (memchr (text->data ? text->data : (guint8 *) "", 0, text->len)
      || !g_utf8_validate_len ((const gchar *) text->data, text->len, NULL))
    {
      g_set_error (
          error, TESS_ERROR, TESS_ERROR_MODEL,
          _ ("%s is not a text in UTF-8; put CLIP's merges.txt there."), path);
      return NULL;
    }
  g_byte_array_append (text, (const guint8 *) "", 1);
  return (gchar *) g_byte_array_free (g_steal_pointer (&text), FALSE);
}

/* A line "left right" cut in two; the second half, or NULL. */
static gchar *
cut_pair (gchar *line)
{
  gchar *space = strchr (line, ' ');

  if (space == NULL || space == line || space[1] == '\0'
      || strchr (space + 1, ' '))
    return NULL;
  *space = '\0';
  return space + 1;
}

static gboolean
add_bytes_and_specials (TessVocabulary *vocabulary,
                        const gchar *path,
                        GError **error)
{
  gunichar characters[256];

  byte_characters (characters);
  vocabulary->bos = tess_vocabulary_id (vocabulary, "<|startoftext|>");
  vocabulary->eos = tess_vocabulary_id (vocabulary, "<|endoftext|>");
  if (vocabulary->bos < 0 || vocabulary->eos < 0)
    {
      g_set_error (error, TESS_ERROR, TESS_ERROR_MODEL,
                   _ ("%s has no %s, which every CLIP vocabulary has; take the "
                      "file that belongs to the model."),
                   path,
                   vocabulary->bos < 0 ? "<|startoftext|>" : "<|endoftext|>");
      return FALSE;
    }
  for (gint byte = 0; byte < 256; byte++)
    {
      gchar token[6 + sizeof END];
      gint length = g_unichar_to_utf8 (characters[byte], token);
      gint32 inside, end;

      token[length] = '\0';
      inside = tess_vocabulary_id (vocabulary, token);
      strcpy (token + length, END);
      end = tess_vocabulary_id (vocabulary, token);
      vocabulary->byte[byte] = inside < 0 ? vocabulary->eos : inside;
      vocabulary->byte_end[byte] = end < 0 ? vocabulary->eos : end;
    }
  return TRUE;
}

/* The ids that follow from the order: bytes, bytes at the end of a word,
 * merges, the two special ones. @lines: cut in two each. */
static void
number_tokens (TessVocabulary *vocabulary, GPtrArray *left, GPtrArray *right)
{
  gunichar characters[256];
  gint32 id = 0;

  byte_characters (characters);
  for (gint end = 0; end < 2; end++)
    for (gint moved = 0; moved < 2; moved++)
      for (gint byte = 0; byte < 256; byte++)
        if (is_printable (byte) == !moved)
          {
            gchar token[8] = { 0 };

            g_unichar_to_utf8 (characters[byte], token);
            add_token (vocabulary, g_strconcat (token, end ? END : "", NULL),
                       id++);
          }
  for (guint i = 0; i < left->len; i++)
    add_token (vocabulary, g_strconcat (left->pdata[i], right->pdata[i], NULL),
               id++);
  add_token (vocabulary, g_strdup ("<|startoftext|>"), id++);
  add_token (vocabulary, g_strdup ("<|endoftext|>"), id++);
}

static gboolean
add_merges (TessVocabulary *vocabulary,
            GPtrArray *left,
            GPtrArray *right,
            const gchar *path,
            GError **error)
{
  vocabulary->pairs = g_new0 (TessMerge, left->len + 1);
  for (guint i = 0; i < left->len; i++)
    {
      TessMerge *merge = &vocabulary->pairs[i];
      g_autofree gchar *both
          = g_strconcat (left->pdata[i], right->pdata[i], NULL);
      const gchar *names[] = { left->pdata[i], right->pdata[i], both };
      gint32 ids[3];

      for (gint k = 0; k < 3; k++)
        {
          ids[k] = tess_vocabulary_id (vocabulary, names[k]);
          if (ids[k] < 0)
            {
              g_set_error (error, TESS_ERROR, TESS_ERROR_MODEL,
                           _ ("%s: pair %u needs the token \"%s\", which the "
                              "vocabulary does not have; merges and vocabulary "
                              "must be of the same model."),
                           path, i + 1, names[k]);
              return FALSE;
            }
        }
      merge->left = ids[0];
      merge->right = ids[1];
      merge->id = ids[2];
      merge->rank = i;
      g_hash_table_replace (vocabulary->merges, merge, merge);
    }
  return TRUE;
}

static gboolean
add_json_tokens (TessVocabulary *vocabulary,
                 JsonObject *object,
                 const gchar *path,
                 GError **error)
{
  JsonObjectIter iter;
  const gchar *token;
  JsonNode *node;

  json_object_iter_init (&iter, object);
  while (json_object_iter_next (&iter, &token, &node))
    {
      gint64 id = json_node_get_value_type (node) == G_TYPE_INT64
                      ? json_node_get_int (node)
                      : -1;

      if (id < 0 || id >= MAX_ID)
        {
          g_set_error (error, TESS_ERROR, TESS_ERROR_MODEL,
                       _ ("%s: the id of token \"%s\" is not a whole number "
                          "below %d; take the file that belongs to the model."),
                       path, token, MAX_ID);
          return FALSE;
        }
      add_token (vocabulary, g_strdup (token), id);
    }
  return TRUE;
}

static gboolean
read_merges_file (TessVocabulary *vocabulary, const gchar *path, GError **error)
{
  g_autofree gchar *text = read_text (path, error);
  g_autofree gchar *folder = g_path_get_dirname (path);
  g_autofree gchar *list = g_build_filename (folder, "vocab.json", NULL);
  g_autoptr (GPtrArray) left = g_ptr_array_new ();
  g_autoptr (GPtrArray) right = g_ptr_array_new ();
  gboolean has_list = g_file_test (list, G_FILE_TEST_EXISTS);
  gint number = 0;

  if (text == NULL)
    return FALSE;
  for (gchar *line = text, *next; line; line = next)
    {
      gchar *second, *end = strchr (line, '\n');

      next = end ? end + 1 : NULL;
      if (end == NULL)
        end = line + strlen (line);
      if (end > line && end[-1] == '\r')
        end--;
      *end = '\0';
      number++;
      if (*line == '\0' || (number == 1 && strstr (line, "#version")))
        continue;
      if (!has_list && left->len == CLIP_MERGES)
        break;
      second = cut_pair (line);
      if (second == NULL)
        {
          g_set_error (error, TESS_ERROR, TESS_ERROR_MODEL,
                       _ ("%s: line %d is not two tokens with a space between "
                          "them; put CLIP's merges.txt there."),
                       path, number);
          return FALSE;
        }
      g_ptr_array_add (left, line);
      g_ptr_array_add (right, second);
    }

  if (has_list)
    {
      g_autoptr (JsonNode) root = tess_json_load (list, error);

      if (root == NULL
          || !add_json_tokens (vocabulary, json_node_get_object (root), list,
                               error))
        return FALSE;
    }
  else
    number_tokens (vocabulary, left, right);
  return add_bytes_and_specials (vocabulary, has_list ? list : path, error)
         && add_merges (vocabulary, left, right, path, error);
}

/* NULL where it is not a string. */
static const gchar *
node_string (JsonNode *node)
{
  return json_node_get_value_type (node) == G_TYPE_STRING
             ? json_node_get_string (node)
             : NULL;
}

/* tokenizer.json of the tokenizers library: model.vocab and model.merges,
 * whose pairs are "left right" or [left, right]. */
static gboolean
read_tokenizer_json (TessVocabulary *vocabulary,
                     const gchar *path,
                     GError **error)
{
  g_autoptr (JsonNode) root = tess_json_load (path, error);
  g_autoptr (GPtrArray) left = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) right = g_ptr_array_new ();
  JsonNode *node, *vocab, *merges;
  JsonObject *model;
  guint n;

  if (root == NULL)
    return FALSE;
  node = json_object_get_member (json_node_get_object (root), "model");
  model = node && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node)
                                                : NULL;
  vocab = model ? json_object_get_member (model, "vocab") : NULL;
  merges = model ? json_object_get_member (model, "merges") : NULL;
  if (vocab == NULL || !JSON_NODE_HOLDS_OBJECT (vocab) || merges == NULL
      || !JSON_NODE_HOLDS_ARRAY (merges))
    {
      g_set_error (
          error, TESS_ERROR, TESS_ERROR_MODEL,
          _ ("%s has no model.vocab and model.merges, so it is not of a "
             "byte-pair encoding; put CLIP's merges.txt beside it."),
          path);
      return FALSE;
    }

  n = json_array_get_length (json_node_get_array (merges));
  for (guint i = 0; i < n; i++)
    {
      JsonNode *pair = json_array_get_element (json_node_get_array (merges), i);
      const gchar *one = NULL, *two = NULL;
      gchar *copy, *second = NULL;

      if (JSON_NODE_HOLDS_ARRAY (pair)
          && json_array_get_length (json_node_get_array (pair)) == 2)
        {
          JsonArray *array = json_node_get_array (pair);

          one = node_string (json_array_get_element (array, 0));
          two = node_string (json_array_get_element (array, 1));
        }
      else
        one = node_string (pair);
      copy = two ? g_strconcat (one ? one : "", " ", two, NULL)
                 : g_strdup (one ? one : "");
      g_ptr_array_add (left, copy);
      second = cut_pair (copy);
      if (second == NULL)
        {
          g_set_error (
              error, TESS_ERROR, TESS_ERROR_MODEL,
              _ ("%s: entry %u of model.merges is not a pair of tokens; "
                 "take the file that belongs to the model."),
              path, i + 1);
          return FALSE;
        }
      g_ptr_array_add (right, second);
    }
  return add_json_tokens (vocabulary, json_node_get_object (vocab), path, error)
         && add_bytes_and_specials (vocabulary, path, error)
         && add_merges (vocabulary, left, right, path, error);
}

static gchar *
find_file (const gchar *path, GError **error)
{
  static const gchar *const names[]
      = { "merges.txt", "merges.txt.gz", "bpe_simple_vocab_16e6.txt",
          "bpe_simple_vocab_16e6.txt.gz", "tokenizer.json" };

  if (!g_file_test (path, G_FILE_TEST_IS_DIR))
    return g_strdup (path);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree gchar *file = g_build_filename (path, names[i], NULL);

      if (g_file_test (file, G_FILE_TEST_EXISTS))
        return g_steal_pointer (&file);
    }
  g_set_error (error, TESS_ERROR, TESS_ERROR_MODEL,
               _ ("%s has neither merges.txt nor tokenizer.json; put CLIP's "
                  "merges.txt there."),
               path);
  return NULL;
}

TessVocabulary *
tess_vocabulary_read (const gchar *path, GError **error)
{
  g_autoptr (TessVocabulary) vocabulary = vocabulary_new ();
  g_autofree gchar *file = find_file (path, error);
  gboolean good;

  if (file == NULL)
    return NULL;
  good = g_str_has_suffix (file, ".json")
             ? read_tokenizer_json (vocabulary, file, error)
             : read_merges_file (vocabulary, file, error);
  return good ? g_steal_pointer (&vocabulary) : NULL;
}
