/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/make-zip.c: writes a zip archive without checksums. */
#include "tests/make-zip.h"

#include <string.h>

static void
put (GByteArray *dst, gint n, guint64 number)
{
  for (gint i = 0; i < n; i++)
    {
      guint8 byte = i < 8 ? number >> (8 * i) : 0;

      g_byte_array_append (dst, &byte, 1);
    }
}

static void
put_header (GByteArray *dst,
            const TessTestMember *member,
            gboolean local,
            gsize offset)
{
  gsize length = strlen (member->name);

  put (dst, 4, local ? 0x04034b50 : 0x02014b50);
  put (dst, local ? 2 : 4, 20);
  put (dst, 2, 0); /* flags */
  put (dst, 2, member->promised ? 8 : 0);
  put (dst, 8, 0); /* time, checksum */
  put (dst, 4, member->size);
  put (dst, 4, member->promised ? member->promised : member->size);
  put (dst, 2, length);
  put (dst, 2, 0);
  if (!local)
    {
      put (dst, 10, 0);
      put (dst, 4, offset);
    }
  g_byte_array_append (dst, (const guint8 *) member->name, length);
}

GBytes *
tess_test_zip (const TessTestMember *members, gint n)
{
  GByteArray *zip = g_byte_array_new ();
  gsize offsets[8], directory;

  for (gint i = 0; i < n; i++)
    {
      offsets[i] = zip->len;
      put_header (zip, members + i, TRUE, 0);
      g_byte_array_append (zip, members[i].data, members[i].size);
    }
  directory = zip->len;
  for (gint i = 0; i < n; i++)
    put_header (zip, members + i, FALSE, offsets[i]);
  put (zip, 4, 0x06054b50);
  put (zip, 4, 0);
  put (zip, 2, n);
  put (zip, 2, n);
  put (zip, 4, zip->len - 12 - directory);
  put (zip, 4, directory);
  put (zip, 2, 0);
  return g_byte_array_free_to_bytes (zip);
}
