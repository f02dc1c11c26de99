/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/fuzz/tokenizer-file.h: a tokenizer from bytes, through a file that is
 * only in memory. Included first. */
#pragma once

#define _GNU_SOURCE
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/tokenizer.h"

static inline TessTokenizer *
tess_fuzz_tokenizer (gconstpointer merges, gsize n_bytes, GError **error)
{
  gint fd = memfd_create ("merges.txt", 0);
  gchar path[64];
  TessTokenizer *tokenizer;

  if (fd < 0 || write (fd, merges, n_bytes) != (gssize) n_bytes)
    g_error ("no memory file");
  g_snprintf (path, sizeof path, "/proc/self/fd/%d", fd);
  tokenizer = tess_tokenizer_new (path, error);
  close (fd);
  return tokenizer;
}
