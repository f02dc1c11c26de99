/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/prompt.c: brackets -> parts of equal weight -> ids -> chunks. */
#include "core/prompt.h"

#include <string.h>

#define MAX_WEIGHT 100.0
#define COMMA_REACH 20 /* tokens from the end of a full chunk */

typedef struct
{
  GString *text;
  gdouble weight;
  gboolean starts_chunk; /* a BREAK stood before it */
} Part;

static void
part_clear (gpointer data)
{
  g_string_free (((Part *) data)->text, TRUE);
}

/* --- brackets ------------------------------------------------------------ */

typedef struct
{
  GArray *parts;  /* Part */
  GArray *round;  /* guint: where each open ( begins in parts */
  GArray *square; /* the same for [ */
} Parser;

static void
add_part (Parser *parser, const gchar *text, gsize length, gboolean starts)
{
  Part part = { g_string_new_len (text, length), 1.0, starts };

  g_array_append_val (parser->parts, part);
}

static gboolean
is_word_char (gunichar c)
{
  return c == '_' || g_unichar_isalnum (c);
}

/* The next BREAK in [text, end) that is a word of its own. */
static const gchar *
find_break (const gchar *start, const gchar *text, const gchar *end)
{
  gsize length = strlen ("BREAK");

  for (const gchar *at = text; at + length <= end; at++)
    {
      if (strncmp (at, "BREAK", length) != 0)
        continue;
      if (at > start && is_word_char (g_utf8_get_char (g_utf8_prev_char (at))))
        continue;
      if (at + length < end && is_word_char (g_utf8_get_char (at + length)))
        continue;
      return at;
    }
  return NULL;
}

/* Plain text, cut at each BREAK. */
static void
add_text (Parser *parser, const gchar *text, const gchar *end)
{
  const gchar *next = text, *cut;
  gboolean starts = FALSE;

  while ((cut = find_break (text, next, end)))
    {
      add_part (parser, next, cut - next, starts);
      next = cut + strlen ("BREAK");
      starts = TRUE;
    }
  add_part (parser, next, end - next, starts);
}

static void
multiply_from (Parser *parser, guint first, gdouble factor)
{
  for (guint i = first; i < parser->parts->len; i++)
    g_array_index (parser->parts, Part, i).weight *= factor;
}

/* Closes the last bracket of @stack; FALSE where none is open. */
static gboolean
close_bracket (Parser *parser, GArray *stack, gdouble factor)
{
  if (stack->len == 0)
    return FALSE;
  multiply_from (parser, g_array_index (stack, guint, stack->len - 1), factor);
  g_array_set_size (stack, stack->len - 1);
  return TRUE;
}

/* ":1.2)" at @text: its length and number; 0 where it is something else. */
static gsize
weight_length (const gchar *text, gdouble *weight)
{
  const gchar *next = text + 1, *number;
  gchar *end;

  if (*text != ':')
    return 0;
  next += strspn (next, " \t\n\r\f\v");
  number = next;
  next += *next == '+' || *next == '-';
  if (!g_ascii_isdigit (next[*next == '.']))
    return 0;
  next += strspn (next, "0123456789.");
  *weight = g_ascii_strtod (number, &end);
  if (end != next)
    return 0;
  next += strspn (next, " \t\n\r\f\v");
  return *next == ')' ? next + 1 - text : 0;
}

/* Neighbours of equal weight become one, as if written without brackets. */
static void
join_equal (GArray *parts)
{
  guint n = 0;

  for (guint i = 0; i < parts->len; i++)
    {
      Part *part = &g_array_index (parts, Part, i);
      Part *last = n > 0 ? &g_array_index (parts, Part, n - 1) : NULL;

      part->weight = CLAMP (part->weight, -MAX_WEIGHT, MAX_WEIGHT);
      if (last && last->weight == part->weight && !part->starts_chunk)
        {
          g_string_append_len (last->text, part->text->str, part->text->len);
          continue;
        }
      if (n < i)
        {
          Part moved = *part;

          *part = g_array_index (parts, Part, n);
          g_array_index (parts, Part, n) = moved;
        }
      n++;
    }
  g_array_set_size (parts, n);
}

static void
parse_brackets (Parser *parser, const gchar *text)
{
  gboolean has_brackets = strpbrk (text, "()[]") != NULL;

  while (*text)
    {
      gsize plain = strcspn (text, has_brackets ? "\\()[]:" : "");
      gdouble weight;
      gsize length;

      if (plain > 0)
        {
          add_text (parser, text, text + plain);
          text += plain;
          continue;
        }
      length = weight_length (text, &weight);
      if (*text == '\\' && text[1] && strchr ("\\()[]", text[1]))
        {
          add_part (parser, text + 1, 1, FALSE);
          text += 2;
        }
      else if (*text == '(' || *text == '[')
        {
          GArray *stack = *text == '(' ? parser->round : parser->square;

          g_array_append_val (stack, parser->parts->len);
          text++;
        }
      else if (length > 0 && close_bracket (parser, parser->round, weight))
        text += length;
      else
        {
          if (!(*text == ')' && close_bracket (parser, parser->round, 1.1))
              && !(*text == ']'
                   && close_bracket (parser, parser->square, 1 / 1.1)))
            add_part (parser, text, 1, FALSE);
          text++;
        }
    }
  while (close_bracket (parser, parser->round, 1.1))
    ;
  while (close_bracket (parser, parser->square, 1 / 1.1))
    ;
}

static GArray *
parse (const gchar *text, gboolean literal)
{
  Parser parser = {
    .parts = g_array_new (FALSE, FALSE, sizeof (Part)),
    .round = g_array_new (FALSE, FALSE, sizeof (guint)),
    .square = g_array_new (FALSE, FALSE, sizeof (guint)),
  };

  g_array_set_clear_func (parser.parts, part_clear);
  if (literal)
    add_part (&parser, text, strlen (text), FALSE);
  else
    parse_brackets (&parser, text);
  join_equal (parser.parts);
  g_array_unref (parser.round);
  g_array_unref (parser.square);
  return parser.parts;
}

/* --- chunks -------------------------------------------------------------- */

typedef struct
{
  gint32 id;
  gfloat weight;
  gboolean starts_chunk;
} Token;

static GArray *
encode_parts (TessTokenizer *tokenizer, GArray *parts, gint pad_id)
{
  GArray *tokens = g_array_new (FALSE, FALSE, sizeof (Token));
  g_autoptr (GArray) ids = g_array_new (FALSE, FALSE, sizeof (gint32));

  for (guint i = 0; i < parts->len; i++)
    {
      const Part *part = &g_array_index (parts, Part, i);

      g_array_set_size (ids, 0);
      tess_tokenizer_encode_padded (tokenizer, part->text->str, pad_id, ids);
      if (part->starts_chunk)
        {
          Token mark = { .id = -1, .starts_chunk = TRUE };

          g_array_append_val (tokens, mark);
        }
      for (guint k = 0; k < ids->len; k++)
        {
          Token token = { g_array_index (ids, gint32, k), (gfloat) part->weight,
                          FALSE };

          g_array_append_val (tokens, token);
        }
    }
  return tokens;
}

static gint32
comma_id (TessTokenizer *tokenizer)
{
  g_autoptr (GArray) ids = g_array_new (FALSE, FALSE, sizeof (gint32));

  tess_tokenizer_encode (tokenizer, ",", ids);
  return ids->len == 1 ? g_array_index (ids, gint32, 0) : -1;
}

/* Where each chunk begins and ends in @tokens: pairs of guint. */
static GArray *
cut_chunks (GArray *tokens, guint room, gint32 comma, gboolean truncate)
{
  GArray *cuts = g_array_new (FALSE, FALSE, 2 * sizeof (guint));
  guint start = 0;

  for (;;)
    {
      guint range[2] = { start, start };
      gboolean full;

      while (range[1] < tokens->len && range[1] - start < room
             && !g_array_index (tokens, Token, range[1]).starts_chunk)
        range[1]++;
      full = range[1] < tokens->len
             && !g_array_index (tokens, Token, range[1]).starts_chunk
             && g_array_index (tokens, Token, range[1]).id != comma;
      for (guint back = 1;
           full && !truncate && back <= MIN (COMMA_REACH, room - 1); back++)
        if (g_array_index (tokens, Token, range[1] - back).id == comma)
          {
            range[1] -= back - 1;
            break;
          }
      g_array_append_val (cuts, range);
      start = range[1];
      if (truncate)
        break;
      if (start < tokens->len
          && g_array_index (tokens, Token, start).starts_chunk)
        start++;
      if (start == tokens->len)
        break;
    }
  return cuts;
}

TessPrompt *
tess_prompt_parse (TessTokenizer *tokenizer,
                   const gchar *text,
                   const TessPromptSettings *settings)
{
  TessPromptSettings zero = { .pad_id = tess_tokenizer_eos (tokenizer) };
  g_autofree gchar *valid = NULL;
  g_autoptr (GArray) parts = NULL, tokens = NULL, cuts = NULL;
  TessPrompt *prompt = g_new0 (TessPrompt, 1);
  gint room;

  if (settings == NULL)
    settings = &zero;
  prompt->n_positions = settings->n_positions ? settings->n_positions : 77;
  room = prompt->n_positions - 2;
  g_return_val_if_fail (room >= 1, NULL);

  valid = g_utf8_make_valid (text ? text : "", -1);
  parts = parse (valid, settings->literal);
  for (guint i = 0; settings->truncate && i < parts->len; i++)
    g_array_index (parts, Part, i).starts_chunk = FALSE;
  tokens = encode_parts (tokenizer, parts, settings->pad_id);
  cuts = cut_chunks (tokens, room, comma_id (tokenizer), settings->truncate);

  prompt->n_chunks = MAX ((gint) cuts->len, settings->min_chunks);
  prompt->ids = g_new (gint32, prompt->n_chunks * prompt->n_positions);
  prompt->weights = g_new (gfloat, prompt->n_chunks * prompt->n_positions);
  for (gint c = 0; c < prompt->n_chunks; c++)
    {
      gint32 *ids = prompt->ids + c * prompt->n_positions;
      gfloat *weights = prompt->weights + c * prompt->n_positions;
      const guint *range = c < (gint) cuts->len
                               ? &g_array_index (cuts, guint, 2 * c)
                               : (const guint[]) { 0, 0 };
      gint n = 0;

      for (gint i = 0; i < prompt->n_positions; i++)
        {
          ids[i] = settings->pad_id;
          weights[i] = 1.0f;
        }
      ids[n++] = tess_tokenizer_bos (tokenizer);
      for (guint k = range[0]; k < range[1]; k++, n++)
        {
          const Token *token = &g_array_index (tokens, Token, k);

          ids[n] = token->id;
          weights[n] = token->weight;
          prompt->weighted |= token->weight != 1.0f;
        }
      ids[n] = tess_tokenizer_eos (tokenizer);
    }
  return prompt;
}

void
tess_prompt_free (TessPrompt *prompt)
{
  if (prompt == NULL)
    return;
  g_free (prompt->ids);
  g_free (prompt->weights);
  g_free (prompt);
}
