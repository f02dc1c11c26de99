/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/mapping.c: mapped files, and what to do when a page of one is gone.
 *
 * The handler looks the address up in a table that never moves, without a
 * lock, and puts zeros in the place of what is missing: the way of the Wayland
 * library with its clients' shared memory (wayland-shm.c). Other addresses go
 * to whoever handled the signal before. */
#include "core/mapping.h"
#include "core/error.h"

#include <glib/gi18n-lib.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_MAPPINGS                                                           \
  1024 /* a model in shards and its LoRAs are some dozens                      \
        */

typedef struct
{
  _Atomic (guint8 *) begin; /* NULL: free */
  _Atomic gsize n_bytes;    /* whole pages */
  atomic_bool broken;
  gchar *path;
} Mapping;

static Mapping mappings[MAX_MAPPINGS];
static GMutex lock; /* for taking and giving back places */
static struct sigaction previous;

static Mapping *
find (gconstpointer address)
{
  for (gint i = 0; i < MAX_MAPPINGS; i++)
    {
      guint8 *begin = atomic_load (&mappings[i].begin);

      if (begin != NULL && (const guint8 *) address >= begin
          && (const guint8 *) address
                 < begin + atomic_load (&mappings[i].n_bytes))
        return &mappings[i];
    }
  return NULL;
}

static void
handle (int number, siginfo_t *info, void *context)
{
  Mapping *mapping = find (info->si_addr);
  gint saved = errno;

  if (mapping != NULL)
    {
      gsize page = sysconf (_SC_PAGESIZE);
      guint8 *begin = atomic_load (&mapping->begin);
      gsize at = ((guint8 *) info->si_addr - begin) / page * page;

      atomic_store (&mapping->broken, TRUE);
      if (mmap (begin + at, atomic_load (&mapping->n_bytes) - at, PROT_READ,
                MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
          != MAP_FAILED)
        {
          errno = saved;
          return;
        }
    }
  /* Not ours: the instruction runs again and meets the one before. */
  sigaction (number, &previous, NULL);
  errno = saved;
}

static void
listen (void)
{
  static gsize once;
  struct sigaction action = { .sa_flags = SA_SIGINFO | SA_NODEFER };

  if (!g_once_init_enter (&once))
    return;
  action.sa_sigaction = handle;
  sigemptyset (&action.sa_mask);
  sigaction (SIGBUS, &action, &previous);
  g_once_init_leave (&once, 1);
}

static void
unmap (gpointer data)
{
  Mapping *mapping = data;
  guint8 *begin = atomic_load (&mapping->begin);

  g_mutex_lock (&lock);
  munmap (begin, atomic_load (&mapping->n_bytes));
  atomic_store (&mapping->begin, NULL);
  g_clear_pointer (&mapping->path, g_free);
  g_mutex_unlock (&lock);
}

/* (nullable) */
static Mapping *
keep (guint8 *begin, gsize n_bytes, const gchar *path)
{
  Mapping *mapping = NULL;

  g_mutex_lock (&lock);
  for (gint i = 0; i < MAX_MAPPINGS && mapping == NULL; i++)
    if (atomic_load (&mappings[i].begin) == NULL)
      mapping = &mappings[i];
  if (mapping != NULL)
    {
      mapping->path = g_strdup (path);
      atomic_store (&mapping->broken, FALSE);
      atomic_store (&mapping->n_bytes, n_bytes);
      atomic_store (&mapping->begin, begin);
    }
  g_mutex_unlock (&lock);
  return mapping;
}

static GBytes *
fail (const gchar *path, gint code, GError **error)
{
  g_autofree gchar *name = g_filename_display_name (path);

  g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (code),
               _ ("%s cannot be read: %s."), name, g_strerror (code));
  return NULL;
}

GBytes *
tess_mapping_new (const gchar *path, GError **error)
{
  gsize page = sysconf (_SC_PAGESIZE), n_pages;
  gint file = g_open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0), code;
  struct stat stat = { 0 };
  Mapping *mapping;
  gpointer data;

  if (file < 0)
    return fail (path, errno, error);
  if (fstat (file, &stat) != 0 || !S_ISREG (stat.st_mode) || stat.st_size == 0)
    {
      code = S_ISDIR (stat.st_mode) ? EISDIR : EINVAL;
      close (file);
      return S_ISREG (stat.st_mode) ? g_bytes_new (NULL, 0)
                                    : fail (path, code, error);
    }
  n_pages = (stat.st_size + page - 1) / page;
  data = mmap (NULL, n_pages * page, PROT_READ, MAP_PRIVATE, file, 0);
  code = errno;
  close (file);
  if (data == MAP_FAILED)
    return fail (path, code, error);

  listen ();
  mapping = keep (data, n_pages * page, path);
  if (mapping == NULL)
    {
      munmap (data, n_pages * page);
      return fail (path, ENFILE, error);
    }
  return g_bytes_new_with_free_func (data, stat.st_size, unmap, mapping);
}

gboolean
tess_mapping_check (gconstpointer address, GError **error)
{
  Mapping *mapping = find (address);
  g_autofree gchar *name = NULL;

  if (mapping == NULL || !atomic_load (&mapping->broken))
    return TRUE;
  name = g_filename_display_name (mapping->path);
  g_set_error (error, TESS_ERROR, TESS_ERROR_MODEL,
               _ ("%s became shorter while it was in use; fetch it again, and "
                  "leave it alone while Tessera paints."),
               name);
  return FALSE;
}
