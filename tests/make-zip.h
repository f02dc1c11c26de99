/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/make-zip.h: a zip archive as a test wants it, lies included. */
#pragma once

#include <glib.h>

typedef struct
{
  const gchar *name;
  gconstpointer data;
  gsize size;
  guint32 promised; /* size after unpacking; 0: stored */
} TessTestMember;

/* At most 8 members. (transfer full) */
GBytes *tess_test_zip (const TessTestMember *members, gint n);
