/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/memory.c: large blocks of host memory that may be refused. */
#include "core/memory.h"
#include "core/error.h"

#include <glib/gi18n-lib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE 4096
#define MAPPED_FROM (4 * 1024 * 1024)

#define POPULATED (1024 * 1024) /* bytes that a thread asks for at once */

#define PATTERN 0xa5

static gint fail_at, n_broken;
static gboolean guarded;

void
tess_memory_fail_at (gint nth)
{
  g_atomic_int_set (&fail_at, nth);
}

void
tess_memory_guard (void)
{
  guarded = TRUE;
}

gint
tess_memory_n_broken (void)
{
  return g_atomic_int_get (&n_broken);
}

void
tess_memory_spoil (gpointer memory, gsize n_bytes)
{
  if (guarded)
    memset (memory, 0xff, n_bytes);
}

static void
check_page (const guint8 *page)
{
  for (gint i = 0; i < PAGE; i++)
    if (page[i] != PATTERN)
      {
        g_atomic_int_inc (&n_broken);
        return;
      }
}

static gsize
mapped_size (gsize n_bytes)
{
  return (n_bytes + PAGE - 1) / PAGE * PAGE;
}

/* No advice for huge pages: clearing 3 GiB of them took 9.7 s of the kernel's
 * time on a virtual machine, of small ones 2.5 s, and no network ran faster
 * for them. */
static gpointer
map (gsize n_bytes)
{
  void *memory = mmap (NULL, mapped_size (n_bytes), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

  return memory != MAP_FAILED ? memory : NULL;
}

gpointer
tess_memory_new (gsize n_asked, const gchar *purpose, GError **error)
{
  void *memory = NULL;
  gint left = g_atomic_int_get (&fail_at);
  gsize n_bytes = n_asked + (guarded ? 2 * PAGE : 0);

  if (left > 0)
    g_atomic_int_set (&fail_at, left - 1);
  if (left == 1 || n_asked > G_MAXSIZE / 2)
    memory = NULL;
  else if (n_bytes >= MAPPED_FROM)
    memory = map (n_bytes);
  else if (posix_memalign (&memory, 64, MAX (n_bytes, 1)) != 0)
    memory = NULL;
  else
    memset (memory, 0, n_bytes);

  if (memory == NULL)
    g_set_error (error, TESS_ERROR, TESS_ERROR_MEMORY,
                 _ ("No memory for %.1f MiB of %s; choose a smaller tile, or "
                    "fewer at once."),
                 n_asked / 1048576.0, purpose);
  else if (guarded)
    {
      memset (memory, PATTERN, PAGE);
      memory = (guint8 *) memory + PAGE;
      memset ((guint8 *) memory + n_asked, PATTERN, PAGE);
    }
  return memory;
}

void
tess_memory_populate (gpointer memory, gsize n_bytes)
{
#ifdef MADV_POPULATE_WRITE
  guint8 *first = (guint8 *) ((guintptr) memory / PAGE * PAGE);

  /* Smaller ones are zeroed already. */
  if (n_bytes < MAPPED_FROM)
    return;
#pragma omp parallel for
  for (gsize at = 0; at < n_bytes; at += POPULATED)
    madvise (first + at, mapped_size (MIN (n_bytes - at, POPULATED)),
             MADV_POPULATE_WRITE);
#endif
}

void
tess_memory_free (gpointer memory, gsize n_bytes)
{
  if (memory == NULL)
    return;
  if (guarded)
    {
      memory = (guint8 *) memory - PAGE;
      check_page (memory);
      check_page ((const guint8 *) memory + PAGE + n_bytes);
      n_bytes += 2 * PAGE;
    }
  if (n_bytes >= MAPPED_FROM)
    munmap (memory, mapped_size (n_bytes));
  else
    free (memory);
}
