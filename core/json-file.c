/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/json-file.c: JSON within limits. */
#include "core/json-file.h"
#include "core/error.h"

#include <glib/gi18n-lib.h>

#define MAX_JSON (16 << 20) /* bytes; the largest tokenizer has 4 MB */
#define MAX_DEPTH 32

/* Brackets nested too deep would exhaust the stack of a recursive parser. */
static gboolean
is_shallow (const gchar *text, gsize length)
{
  gint depth = 0;
  gboolean quoted = FALSE;

  for (gsize i = 0; i < length; i++)
    {
      if (quoted && text[i] == '\\')
        i++;
      else if (text[i] == '"')
        quoted = !quoted;
      else if (!quoted && (text[i] == '{' || text[i] == '['))
        depth++;
      else if (!quoted && (text[i] == '}' || text[i] == ']'))
        depth--;
      if (depth > MAX_DEPTH)
        return FALSE;
    }
  return TRUE;
}

JsonNode *
tess_json_parse (const gchar *text,
                 gsize length,
                 const gchar *path,
                 GError **error)
{
  /* The immutable parser of json-glib 1.10 aborts on some damaged texts. */
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (GError) fault = NULL;
  JsonNode *root;

  if (length > MAX_JSON || !is_shallow (text, length))
    {
      g_set_error (
          error, TESS_ERROR, TESS_ERROR_MODEL, _ ("%s is not read: %s."), path,
          length > MAX_JSON ? "larger than 16 MiB" : "nested too deep");
      return NULL;
    }
  if (!json_parser_load_from_data (parser, length > 0 ? text : "", length,
                                   &fault))
    {
      g_set_error (error, TESS_ERROR, TESS_ERROR_MODEL,
                   _ ("%s is not a JSON object (%s); fetch it again."), path,
                   fault->message);
      return NULL;
    }
  root = json_parser_get_root (parser);
  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    {
      g_set_error (error, TESS_ERROR, TESS_ERROR_MODEL,
                   _ ("%s is not a JSON object; fetch it again."), path);
      return NULL;
    }
  return json_node_ref (root);
}

JsonNode *
tess_json_load (const gchar *path, GError **error)
{
  g_autoptr (GMappedFile) mapping = g_mapped_file_new (path, FALSE, error);

  if (mapping == NULL)
    return NULL;
  return tess_json_parse (g_mapped_file_get_contents (mapping),
                          g_mapped_file_get_length (mapping), path, error);
}
