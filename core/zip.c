/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/zip.c: the directory of a zip archive, and its members. */
#include "core/zip.h"
#include "core/error.h"

#include <glib/gi18n-lib.h>
#include <gio/gio.h>
#include <string.h>

#define MAX_MEMBERS (1 << 20)
#define MAX_RATIO 1040 /* deflate cannot do better than 1032 */
#define MAX_COMMENT 65535

enum
{
  LOCAL_SIZE = 30,
  DIRECTORY_SIZE = 46,
  END_SIZE = 22,
  LOCATOR64_SIZE = 20,
  END64_SIZE = 56,
};

typedef struct
{
  const guint8 *data;
  gsize size;
  guint64 n_members, directory, directory_size;
} Layout;

static guint16
get16 (const guint8 *at)
{
  return at[0] | at[1] << 8;
}

static guint32
get32 (const guint8 *at)
{
  return get16 (at) | (guint32) get16 (at + 2) << 16;
}

static guint64
get64 (const guint8 *at)
{
  return get32 (at) | (guint64) get32 (at + 4) << 32;
}

G_GNUC_PRINTF (3, 4)
static gboolean
fail (const TessFileBytes *src, GError **error, const gchar *format, ...)
{
  g_autofree gchar *what = NULL;
  va_list args;

  va_start (args, format);
  what = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, TESS_ERROR, TESS_ERROR_MODEL,
               _ ("%s is not a sound archive: %s; fetch it again."), src->path,
               what);
  return FALSE;
}

static void
member_free (gpointer data)
{
  TessZipMember *member = data;

  g_free (member->name);
  g_free (member);
}

gboolean
tess_zip_is (GBytes *bytes)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);

  return size >= 4 && memcmp (data, "PK\3\4", 4) == 0;
}

/* The record at the end, and its 64-bit sister where numbers did not fit. */
static gboolean
find_directory (const TessFileBytes *src, Layout *layout, GError **error)
{
  const guint8 *data = layout->data, *end = NULL, *end64;
  gsize size = layout->size;

  for (gsize back = END_SIZE; back <= size && back <= END_SIZE + MAX_COMMENT;
       back++)
    if (memcmp (data + size - back, "PK\5\6", 4) == 0
        && get16 (data + size - back + 20) == back - END_SIZE)
      {
        end = data + size - back;
        break;
      }
  if (end == NULL)
    return fail (src, error, "it has no directory (is it cut off?)");
  layout->n_members = get16 (end + 10);
  layout->directory_size = get32 (end + 12);
  layout->directory = get32 (end + 16);
  if (end - data >= LOCATOR64_SIZE
      && memcmp (end - LOCATOR64_SIZE, "PK\6\7", 4) == 0)
    {
      guint64 at = get64 (end - LOCATOR64_SIZE + 8);

      if (size < END64_SIZE || at > size - END64_SIZE
          || memcmp (data + at, "PK\6\6", 4) != 0)
        return fail (src, error, "its 64-bit directory is missing");
      end64 = data + at;
      layout->n_members = get64 (end64 + 32);
      layout->directory_size = get64 (end64 + 40);
      layout->directory = get64 (end64 + 48);
    }
  if (layout->directory > size
      || layout->directory_size > size - layout->directory
      || layout->n_members > MAX_MEMBERS
      || layout->n_members > layout->directory_size / DIRECTORY_SIZE)
    return fail (
        src, error,
        "a directory of %" G_GUINT64_FORMAT " members and %" G_GUINT64_FORMAT
        " bytes at byte %" G_GUINT64_FORMAT " of %" G_GSIZE_FORMAT,
        layout->n_members, layout->directory_size, layout->directory, size);
  return TRUE;
}

/* Numbers that did not fit 32 bits, in this order, in the extra field 1. */
static gboolean
read_extra64 (const guint8 *extra,
              gsize size,
              guint64 *full,
              guint64 *packed,
              guint64 *offset)
{
  guint64 *wanted[] = { full, packed, offset };

  while (size >= 4)
    {
      gsize length = get16 (extra + 2);
      const guint8 *at = extra + 4;

      if (length > size - 4)
        return FALSE;
      if (get16 (extra) == 1)
        {
          for (guint i = 0; i < G_N_ELEMENTS (wanted); i++)
            {
              if (*wanted[i] != G_MAXUINT32)
                continue;
              if (extra + 4 + length - at < 8)
                return FALSE;
              *wanted[i] = get64 (at);
              at += 8;
            }
          return TRUE;
        }
      extra += 4 + length;
      size -= 4 + length;
    }
  return *full != G_MAXUINT32 && *packed != G_MAXUINT32
         && *offset != G_MAXUINT32;
}

/* Where the data begins is only in the member's own header. */
static gboolean
find_data (const TessFileBytes *src,
           const Layout *layout,
           guint64 local,
           TessZipMember *member,
           GError **error)
{
  const guint8 *at = layout->data + local;
  gsize name_length = strlen (member->name);
  guint64 begin;

  if (layout->directory < LOCAL_SIZE || local > layout->directory - LOCAL_SIZE
      || memcmp (at, "PK\3\4", 4) != 0)
    return fail (src, error, "'%s' is not where the directory says",
                 member->name);
  begin = local + LOCAL_SIZE + get16 (at + 26) + get16 (at + 28);
  if (begin > layout->directory
      || member->packed_size > layout->directory - begin)
    return fail (src, error, "'%s' reaches past the end", member->name);
  if (get16 (at + 26) != name_length
      || memcmp (at + LOCAL_SIZE, member->name, name_length) != 0)
    return fail (src, error, "'%s' has another name inside", member->name);
  member->offset = begin;
  return TRUE;
}

static TessZipMember *
read_member (const TessFileBytes *src,
             const Layout *layout,
             const guint8 *at,
             gsize *length,
             gsize left,
             GError **error)
{
  TessZipMember *member = NULL;
  gsize name_length, extra_length;
  guint64 size, packed_size, local;
  guint method;

  if (left < DIRECTORY_SIZE || memcmp (at, "PK\1\2", 4) != 0)
    {
      fail (src, error, "its directory is damaged");
      return NULL;
    }
  name_length = get16 (at + 28);
  extra_length = get16 (at + 30);
  *length = DIRECTORY_SIZE + name_length + extra_length + get16 (at + 32);
  if (*length > left || memchr (at + DIRECTORY_SIZE, '\0', name_length) != NULL
      || !g_utf8_validate ((const gchar *) at + DIRECTORY_SIZE, name_length,
                           NULL))
    {
      fail (src, error, "its directory is damaged");
      return NULL;
    }
  method = get16 (at + 10);
  packed_size = get32 (at + 20);
  size = get32 (at + 24);
  local = get32 (at + 42);
  member = g_new0 (TessZipMember, 1);
  member->name = g_strndup ((const gchar *) at + DIRECTORY_SIZE, name_length);
  if (!read_extra64 (at + DIRECTORY_SIZE + name_length, extra_length, &size,
                     &packed_size, &local))
    fail (src, error, "the sizes of '%s' are missing", member->name);
  else if (get16 (at + 8) & 1)
    fail (src, error, "'%s' is encrypted", member->name);
  else if ((method != 0 && method != 8) || (method == 0 && size != packed_size)
           || size / MAX_RATIO > packed_size)
    fail (src, error,
          "'%s' turns %" G_GUINT64_FORMAT " bytes into %" G_GUINT64_FORMAT
          " by method %u",
          member->name, packed_size, size, method);
  else
    {
      member->packed = method == 8;
      member->size = size;
      member->packed_size = packed_size;
      if (find_data (src, layout, local, member, error))
        return member;
    }
  member_free (member);
  return NULL;
}

static gint
compare_offsets (gconstpointer a, gconstpointer b)
{
  const TessZipMember *first = *(TessZipMember *const *) a;
  const TessZipMember *second = *(TessZipMember *const *) b;

  return (first->offset > second->offset) - (first->offset < second->offset);
}

/* Bytes that count for two members are how a small archive unpacks to a
 * giant. */
static gboolean
check_overlaps (const TessZip *zip, GError **error)
{
  g_autoptr (GPtrArray) members
      = g_hash_table_get_values_as_ptr_array (zip->members);

  g_ptr_array_sort (members, compare_offsets);
  for (guint i = 1; i < members->len; i++)
    {
      const TessZipMember *last = g_ptr_array_index (members, i - 1);
      const TessZipMember *next = g_ptr_array_index (members, i);

      if (last->offset + last->packed_size > next->offset)
        return fail (zip->src, error, "'%s' and '%s' overlap", last->name,
                     next->name);
    }
  return TRUE;
}

TessZip *
tess_zip_open (const TessFileBytes *src, GError **error)
{
  g_autoptr (TessZip) zip = g_new0 (TessZip, 1);
  Layout layout = { 0 };
  gsize at;

  zip->src = src;
  zip->members
      = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, member_free);
  layout.data = g_bytes_get_data (src->bytes, &layout.size);
  if (!find_directory (src, &layout, error))
    return NULL;
  at = layout.directory;
  for (guint64 i = 0; i < layout.n_members; i++)
    {
      gsize length;
      TessZipMember *member
          = read_member (src, &layout, layout.data + at, &length,
                         layout.directory + layout.directory_size - at, error);

      if (member == NULL)
        return NULL;
      at += length;
      if (g_hash_table_contains (zip->members, member->name))
        {
          fail (src, error, "there are two of '%s'", member->name);
          member_free (member);
          return NULL;
        }
      g_hash_table_insert (zip->members, member->name, member);
    }
  if (!check_overlaps (zip, error))
    return NULL;
  return g_steal_pointer (&zip);
}

void
tess_zip_free (TessZip *zip)
{
  if (zip == NULL)
    return;
  g_hash_table_unref (zip->members);
  g_free (zip);
}

static GBytes *
inflate_member (const TessZip *zip, const TessZipMember *member, GError **error)
{
  const guint8 *data = g_bytes_get_data (zip->src->bytes, NULL);
  g_autoptr (GZlibDecompressor) inflater
      = g_zlib_decompressor_new (G_ZLIB_COMPRESSOR_FORMAT_RAW);
  /* One byte more, so that one too many is seen. */
  g_autofree guint8 *dst = g_try_malloc (member->size + 1);
  GConverterResult result = G_CONVERTER_CONVERTED;
  gsize n_read = 0, n_written = 0;

  if (dst == NULL)
    {
      g_set_error (error, TESS_ERROR, TESS_ERROR_MEMORY,
                   _ ("No memory to unpack %.1f MiB of %s."),
                   member->size / 1048576.0, zip->src->path);
      return NULL;
    }
  while (result != G_CONVERTER_FINISHED && n_written <= member->size)
    {
      gsize read = 0, written = 0;

      result = g_converter_convert (
          G_CONVERTER (inflater), data + member->offset + n_read,
          member->packed_size - n_read, dst + n_written,
          member->size + 1 - n_written, G_CONVERTER_INPUT_AT_END, &read,
          &written, NULL);
      if (result == G_CONVERTER_ERROR)
        break;
      n_read += read;
      n_written += written;
    }
  if (result != G_CONVERTER_FINISHED || n_written != member->size)
    {
      fail (zip->src, error,
            "'%s' does not unpack to the %" G_GSIZE_FORMAT " bytes it promises",
            member->name, member->size);
      return NULL;
    }
  return g_bytes_new_take (g_steal_pointer (&dst), n_written);
}

GBytes *
tess_zip_read (const TessZip *zip,
               const TessZipMember *member,
               gsize max_size,
               GError **error)
{
  if (!member->packed)
    return g_bytes_new_from_bytes (zip->src->bytes, member->offset,
                                   member->size);
  if (member->size > max_size)
    {
      fail (zip->src, error,
            "'%s' unpacks to %" G_GSIZE_FORMAT " bytes; %" G_GSIZE_FORMAT
            " are allowed",
            member->name, member->size, max_size);
      return NULL;
    }
  return inflate_member (zip, member, error);
}
