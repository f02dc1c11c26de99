/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/safetensors.c: safetensors, read.
 *
 * The header is JSON of one fixed shape: an object of objects. It is read by
 * a scanner of that shape alone, in one pass over at most 100 MB: no depth to
 * run out of, doubled names are seen (a JSON library keeps the last one in
 * silence), and memory stays within a small multiple of the header. */
#include "core/safetensors.h"
#include "core/error.h"
#include "core/mapping.h"

#include <glib/gi18n-lib.h>
#include <string.h>

typedef struct
{
  const gchar *at, *end; /* of the header */
  const TessFileBytes *src;
  GError **error;
} Scan;

typedef struct
{
  gchar *name;
  gchar *type; /* the file's word */
  gint n_dims; /* may be more than a tensor can have */
  gint64 dims[TESS_MAX_DIMS];
  guint64 n_elements;
  guint64 begin, end; /* in the data */
} Entry;

static const struct
{
  const gchar *name;
  gsize size;    /* of an element, in the file */
  TessType type; /* TESS_N_TYPES: not read */
} types[] = {
  { "F16", 2, TESS_F16 },         { "F32", 4, TESS_F32 },
  { "BF16", 2, TESS_BF16 },       { "F64", 8, TESS_F64 },
  { "I64", 8, TESS_I64 },         { "I32", 4, TESS_I32 },
  { "U8", 1, TESS_U8 },           { "BOOL", 1, TESS_U8 },
  { "I8", 1, TESS_N_TYPES },      { "I16", 2, TESS_N_TYPES },
  { "U16", 2, TESS_N_TYPES },     { "U32", 4, TESS_N_TYPES },
  { "U64", 8, TESS_N_TYPES },     { "F8_E4M3", 1, TESS_N_TYPES },
  { "F8_E5M2", 1, TESS_N_TYPES }, { "F8_E8M0", 1, TESS_N_TYPES },
  { "C64", 8, TESS_N_TYPES },
};

static void
entry_clear (gpointer data)
{
  Entry *entry = data;

  g_free (entry->name);
  g_free (entry->type);
}

G_GNUC_PRINTF (2, 3)
static gboolean
fail (const Scan *scan, const gchar *format, ...)
{
  g_autofree gchar *what = NULL;
  va_list args;

  va_start (args, format);
  what = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (scan->error, TESS_ERROR, TESS_ERROR_MODEL,
               _ ("%s is not a sound safetensors file: %s; fetch it again."),
               scan->src->path, what);
  return FALSE;
}

static gboolean
fail_at (const Scan *scan, const gchar *expected)
{
  const gchar *begin = g_bytes_get_data (scan->src->bytes, NULL);

  return fail (scan, "%s expected at byte %" G_GSIZE_FORMAT " of the header",
               expected, (gsize) (scan->at - begin - 8));
}

static void
skip_space (Scan *scan)
{
  while (scan->at < scan->end && strchr (" \t\r\n", *scan->at) && *scan->at)
    scan->at++;
}

/* The character after any white space, taken when it is @c. */
static gboolean
take (Scan *scan, gchar c)
{
  skip_space (scan);
  if (scan->at >= scan->end || *scan->at != c)
    return FALSE;
  scan->at++;
  return TRUE;
}

static gboolean
expect (Scan *scan, gchar c)
{
  if (take (scan, c))
    return TRUE;
  return fail_at (scan, (gchar[]) { '\'', c, '\'', 0 });
}

static gboolean
scan_hex (Scan *scan, gunichar *value)
{
  *value = 0;
  for (gint i = 0; i < 4; i++, scan->at++)
    {
      if (scan->at >= scan->end || !g_ascii_isxdigit (*scan->at))
        return fail_at (scan, "four hexadecimal digits");
      *value = *value * 16 + g_ascii_xdigit_value (*scan->at);
    }
  return TRUE;
}

/* What follows a backslash. */
static gboolean
scan_escape (Scan *scan, GString *text)
{
  static const gchar from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
  const gchar *known;
  gunichar c, low;

  if (scan->at >= scan->end)
    return fail_at (scan, "an escaped character");
  if (*scan->at != 'u')
    {
      known = *scan->at ? strchr (from, *scan->at) : NULL;
      if (known == NULL)
        return fail_at (scan, "an escaped character");
      g_string_append_c (text, to[known - from]);
      scan->at++;
      return TRUE;
    }
  scan->at++;
  if (!scan_hex (scan, &c))
    return FALSE;
  if (c >= 0xd800 && c < 0xdc00)
    {
      if (scan->end - scan->at < 6 || memcmp (scan->at, "\\u", 2) != 0)
        return fail_at (scan, "the second half of a character");
      scan->at += 2;
      if (!scan_hex (scan, &low))
        return FALSE;
      if (low < 0xdc00 || low > 0xdfff)
        return fail_at (scan, "the second half of a character");
      c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    }
  if (c == 0 || !g_unichar_validate (c))
    return fail_at (scan, "a character");
  g_string_append_unichar (text, c);
  return TRUE;
}

static gboolean
scan_string (Scan *scan, gchar **string)
{
  g_autoptr (GString) text = NULL;

  if (!expect (scan, '"'))
    return FALSE;
  text = g_string_new (NULL);
  while (scan->at < scan->end && *scan->at != '"')
    {
      const gchar *plain = scan->at;

      while (scan->at < scan->end && *scan->at != '"' && *scan->at != '\\')
        if ((guchar) *scan->at++ < 0x20)
          return fail_at (scan, "text without control characters");
      g_string_append_len (text, plain, scan->at - plain);
      if (scan->at < scan->end && *scan->at == '\\')
        {
          scan->at++;
          if (!scan_escape (scan, text))
            return FALSE;
        }
    }
  if (scan->at >= scan->end)
    return fail_at (scan, "the end of a text");
  scan->at++;
  if (!g_utf8_validate (text->str, text->len, NULL))
    return fail_at (scan, "UTF-8");
  *string = g_string_free (g_steal_pointer (&text), FALSE);
  return TRUE;
}

static gboolean
scan_number (Scan *scan, guint64 *number)
{
  const gchar *first;

  skip_space (scan);
  first = scan->at;
  *number = 0;
  for (; scan->at < scan->end && g_ascii_isdigit (*scan->at); scan->at++)
    if (!g_uint64_checked_mul (number, *number, 10)
        || !g_uint64_checked_add (number, *number, *scan->at - '0')
        || *number > G_MAXINT64)
      return fail_at (scan, "a smaller number");
  if (scan->at == first)
    return fail_at (scan, "a whole number");
  return TRUE;
}

static gboolean
scan_shape (Scan *scan, Entry *entry)
{
  if (!expect (scan, '['))
    return FALSE;
  entry->n_dims = 0;
  entry->n_elements = 1;
  if (take (scan, ']'))
    return TRUE;
  do
    {
      guint64 dim;

      if (!scan_number (scan, &dim))
        return FALSE;
      if (!g_uint64_checked_mul (&entry->n_elements, entry->n_elements, dim))
        return fail (scan, "the shape of '%s' overflows", entry->name);
      if (entry->n_dims < TESS_MAX_DIMS)
        entry->dims[entry->n_dims] = dim;
      entry->n_dims++;
    }
  while (take (scan, ','));
  return expect (scan, ']');
}

static gboolean
scan_entry (Scan *scan, Entry *entry)
{
  gboolean has_type = FALSE, has_shape = FALSE, has_offsets = FALSE;

  if (!expect (scan, '{'))
    return FALSE;
  do
    {
      g_autofree gchar *key = NULL;
      gboolean *seen, ok;

      if (!scan_string (scan, &key) || !expect (scan, ':'))
        return FALSE;
      if (strcmp (key, "dtype") == 0)
        seen = &has_type;
      else if (strcmp (key, "shape") == 0)
        seen = &has_shape;
      else if (strcmp (key, "data_offsets") == 0)
        seen = &has_offsets;
      else
        return fail (scan, "'%s' has an unknown property '%s'", entry->name,
                     key);
      if (*seen)
        return fail (scan, "'%s' has two of '%s'", entry->name, key);
      *seen = TRUE;
      if (seen == &has_type)
        ok = scan_string (scan, &entry->type);
      else if (seen == &has_shape)
        ok = scan_shape (scan, entry);
      else
        ok = expect (scan, '[') && scan_number (scan, &entry->begin)
             && expect (scan, ',') && scan_number (scan, &entry->end)
             && expect (scan, ']');
      if (!ok)
        return FALSE;
    }
  while (take (scan, ','));
  if (!has_type || !has_shape || !has_offsets)
    return fail (scan, "'%s' lacks its type, shape or offsets", entry->name);
  return expect (scan, '}');
}

static gboolean
scan_metadata (Scan *scan, TessTensorFile *file)
{
  if (!expect (scan, '{'))
    return FALSE;
  if (take (scan, '}'))
    return TRUE;
  do
    {
      g_autofree gchar *key = NULL, *value = NULL;

      if (!scan_string (scan, &key) || !expect (scan, ':')
          || !scan_string (scan, &value))
        return FALSE;
      g_hash_table_replace (file->metadata, g_steal_pointer (&key),
                            g_steal_pointer (&value));
    }
  while (take (scan, ','));
  return expect (scan, '}');
}

static gboolean
scan_header (Scan *scan, GArray *entries, TessTensorFile *file)
{
  gboolean has_metadata = FALSE;

  if (!expect (scan, '{'))
    return FALSE;
  if (!take (scan, '}'))
    {
      do
        {
          Entry *entry;
          g_autofree gchar *name = NULL;

          if (!scan_string (scan, &name) || !expect (scan, ':'))
            return FALSE;
          if (strcmp (name, "__metadata__") == 0)
            {
              if (has_metadata)
                return fail (scan, "it has two of '__metadata__'");
              has_metadata = TRUE;
              if (!scan_metadata (scan, file))
                return FALSE;
              continue;
            }
          g_array_set_size (entries, entries->len + 1);
          entry = &g_array_index (entries, Entry, entries->len - 1);
          entry->name = g_steal_pointer (&name);
          if (!scan_entry (scan, entry))
            return FALSE;
        }
      while (take (scan, ','));
      if (!expect (scan, '}'))
        return FALSE;
    }
  skip_space (scan);
  if (scan->at < scan->end && *scan->at != '\0') /* old writers pad with 0 */
    return fail_at (scan, "the end");
  return TRUE;
}

static gint
entry_compare (gconstpointer a, gconstpointer b)
{
  const Entry *first = a, *second = b;

  if (first->begin != second->begin)
    return first->begin < second->begin ? -1 : 1;
  if (first->end != second->end) /* empty tensors before the next one */
    return first->end < second->end ? -1 : 1;
  return 0;
}

static gboolean
entry_check (const Scan *scan, const Entry *entry, gint *kind)
{
  guint64 n_bytes;

  for (*kind = 0; *kind < (gint) G_N_ELEMENTS (types); ++*kind)
    if (strcmp (types[*kind].name, entry->type) == 0)
      break;
  if (*kind == G_N_ELEMENTS (types))
    return fail (scan, "'%s' has the unknown type '%s'", entry->name,
                 entry->type);
  if (!g_uint64_checked_mul (&n_bytes, entry->n_elements, types[*kind].size))
    return fail (scan, "the shape of '%s' overflows", entry->name);
  if (entry->end < entry->begin || entry->end - entry->begin != n_bytes)
    return fail (scan,
                 "'%s' needs %" G_GUINT64_FORMAT
                 " bytes, its offsets are %" G_GUINT64_FORMAT
                 " and %" G_GUINT64_FORMAT,
                 entry->name, n_bytes, entry->begin, entry->end);
  return TRUE;
}

/* Entries in the data's order must follow each other without gap or overlap
 * and fill the file to its last byte. */
static gboolean
add_entries (Scan *scan, GArray *entries, gsize first, TessTensorFile *file)
{
  guint64 size = g_bytes_get_size (scan->src->bytes) - first, at = 0;

  g_array_sort (entries, entry_compare);
  for (guint i = 0; i < entries->len; i++)
    {
      const Entry *entry = &g_array_index (entries, Entry, i);
      g_autoptr (TessTensor) tensor = NULL;
      gsize n_bytes;
      gint kind;

      if (!entry_check (scan, entry, &kind))
        return FALSE;
      if (entry->end > size)
        return fail (scan,
                     "'%s' ends at byte %" G_GUINT64_FORMAT
                     " of %" G_GUINT64_FORMAT " (is it cut off?)",
                     entry->name, entry->end, size);
      if (entry->begin != at)
        return fail (scan,
                     "'%s' begins at byte %" G_GUINT64_FORMAT
                     ", the one before it ends at %" G_GUINT64_FORMAT,
                     entry->name, entry->begin, at);
      at = entry->end;
      if (types[kind].type != TESS_N_TYPES && entry->n_dims <= TESS_MAX_DIMS
          && !tess_count_bytes (types[kind].type, entry->n_dims, entry->dims,
                                &n_bytes))
        return fail (scan, "the shape of '%s' overflows", entry->name);
      if (types[kind].type == TESS_N_TYPES || entry->n_dims > TESS_MAX_DIMS)
        {
          if (!g_hash_table_insert (
                  file->refused, g_strdup (entry->name),
                  types[kind].type == TESS_N_TYPES
                      ? g_strdup_printf ("has the type %s", entry->type)
                      : g_strdup_printf ("has %d dimensions", entry->n_dims)))
            return fail (scan, "there are two of '%s'", entry->name);
          continue;
        }
      tensor = tess_file_bytes_tensor (scan->src, first + entry->begin,
                                       types[kind].type, entry->n_dims,
                                       entry->dims);
      if (!tess_tensor_file_add (file, entry->name, tensor))
        return fail (scan, "there are two of '%s'", entry->name);
    }
  if (at != size)
    return fail (scan,
                 "its tensors end at byte %" G_GUINT64_FORMAT
                 " of %" G_GUINT64_FORMAT,
                 at, size);
  return TRUE;
}

TessTensorFile *
tess_safetensors_parse (const TessFileBytes *src, GError **error)
{
  Scan scan = { .src = src, .error = error };
  g_autoptr (TessTensorFile) file = NULL;
  g_autoptr (GArray) entries = NULL;
  gsize size;
  const gchar *data = g_bytes_get_data (src->bytes, &size);
  guint64 length;

  if (size < 10)
    {
      fail (&scan, "it has %" G_GSIZE_FORMAT " bytes", size);
      return NULL;
    }
  memcpy (&length, data, sizeof length);
  length = GUINT64_FROM_LE (length);
  if (length > TESS_SAFETENSORS_MAX_HEADER || length > size - 8)
    {
      fail (&scan,
            "it promises a header of %" G_GUINT64_FORMAT
            " bytes and has %" G_GSIZE_FORMAT " in all",
            length, size);
      return NULL;
    }
  scan.at = data + 8;
  scan.end = scan.at + length;
  file = tess_tensor_file_new (src->path);
  entries = g_array_new (FALSE, TRUE, sizeof (Entry));
  g_array_set_clear_func (entries, entry_clear);
  if (!scan_header (&scan, entries, file)
      || !add_entries (&scan, entries, 8 + length, file))
    return NULL;
  return g_steal_pointer (&file);
}

TessTensorFile *
tess_safetensors_open (const gchar *path, GError **error)
{
  g_autoptr (GBytes) bytes = tess_mapping_new (path, error);
  g_autoptr (TessTensorFile) file = NULL;

  if (bytes == NULL)
    return NULL;
  file = tess_safetensors_parse (
      &(TessFileBytes) { .bytes = bytes, .mapped = TRUE, .path = path }, error);
  if (file != NULL
      && !tess_mapping_check (g_bytes_get_data (bytes, NULL), error))
    return NULL;
  return g_steal_pointer (&file);
}
