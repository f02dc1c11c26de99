/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/job-folder.c: a job on disk. */
#include "core/job-folder.h"

#include "core/instances.h"
#include "core/safetensors.h"

#include <glib/gi18n-lib.h>
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define REQUEST "request.json"
#define LOCK "lock"
#define STATE "state.safetensors"
#define STRIP 64      /* rows of a picture written at a time */
#define N_LEFT_OVER 4 /* jobs that nobody went on with are kept */
#define RANDOM_WORDS (G_N_ELEMENTS (((TessRandom *) 0)->state))

struct _TessJobFolder
{
  gchar *path;
  gint lock;
};

static gchar *
member (const TessJobFolder *folder, const gchar *name)
{
  return g_build_filename (folder->path, name, NULL);
}

static gboolean
fail (const gchar *path, gint number, GError **error)
{
  g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (number),
               _ ("the job cannot be kept in %s: %s; make room there or choose "
                  "another folder"),
               path, g_strerror (number));
  return FALSE;
}

static gboolean
sync_path (const gchar *path, gint flags)
{
  gint fd = g_open (path, O_RDONLY | O_CLOEXEC | flags, 0);
  gboolean good;

  if (fd < 0)
    return FALSE;
  good = fsync (fd) == 0;
  close (fd);
  return good;
}

/* @fresh takes the place of @name, for good. */
static gboolean
commit (TessJobFolder *folder,
        const gchar *fresh,
        const gchar *name,
        GError **error)
{
  g_autofree gchar *path = member (folder, name);

  if (sync_path (fresh, 0) && g_rename (fresh, path) == 0
      && sync_path (folder->path, O_DIRECTORY))
    return TRUE;
  fail (folder->path, errno, error);
  g_unlink (fresh);
  return FALSE;
}

static gboolean
write_text (TessJobFolder *folder,
            const gchar *name,
            const gchar *text,
            GError **error)
{
  g_autofree gchar *whole = g_strdup_printf ("%s.new", name);
  g_autofree gchar *fresh = member (folder, whole);
  gsize n = strlen (text), done = 0;
  gint fd = g_open (fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  gint number = errno;

  if (fd < 0)
    return fail (folder->path, number, error);
  while (done < n)
    {
      gssize written = write (fd, text + done, n - done);

      if (written < 0 && errno == EINTR)
        continue;
      if (written < 0)
        {
          number = errno;
          close (fd);
          g_unlink (fresh);
          return fail (folder->path, number, error);
        }
      done += written;
    }
  if (close (fd) != 0)
    return fail (folder->path, errno, error);
  return commit (folder, fresh, name, error);
}

static gboolean
write_tensors (TessJobFolder *folder,
               const gchar *name,
               const TessSafetensorsEntry *entries,
               gint n_entries,
               GHashTable *metadata,
               TessSafetensorsFill fill,
               gpointer data,
               GError **error)
{
  g_autofree gchar *whole = g_strdup_printf ("%s.new", name);
  g_autofree gchar *fresh = member (folder, whole);
  g_autoptr (GError) local = NULL;

  if (tess_safetensors_write (fresh, entries, n_entries, metadata, fill, data,
                              &local))
    return commit (folder, fresh, name, error);
  g_unlink (fresh);
  g_set_error (error, local->domain, local->code,
               _ ("the job cannot be kept in %s: %s; make room there or choose "
                  "another folder"),
               folder->path, local->message);
  return FALSE;
}

static TessTensorFile *
open_tensors (TessJobFolder *folder, const gchar *name, GError **error)
{
  g_autofree gchar *path = member (folder, name);

  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    return NULL;
  return tess_safetensors_open (path, error);
}

static gboolean
broken (const TessJobFolder *folder, const gchar *name, GError **error)
{
  g_set_error (
      error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
      _ ("%s in the job folder %s is not what this version writes; start "
         "the picture anew"),
      name, folder->path);
  return FALSE;
}

/* --- folders ------------------------------------------------------------- */

static gchar *
jobs_folder (void)
{
  return g_build_filename (g_get_user_state_dir (), "tessera", "jobs", NULL);
}

static gint
take_lock (const gchar *path)
{
  g_autofree gchar *file = g_build_filename (path, LOCK, NULL);
  gint fd = g_open (file, O_RDWR | O_CREAT | O_CLOEXEC, 0600), number;

  if (fd >= 0 && flock (fd, LOCK_EX | LOCK_NB) != 0)
    {
      number = errno;
      close (fd);
      errno = number;
      return -1;
    }
  return fd;
}

static gboolean
holds_job (const gchar *path)
{
  g_autofree gchar *request = g_build_filename (path, REQUEST, NULL);

  return g_file_test (request, G_FILE_TEST_IS_REGULAR);
}

static void
remove_files (const gchar *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const gchar *name;

  /* Only what is written here: a folder given by hand may hold other things. */
  while (dir && (name = g_dir_read_name (dir)) != NULL)
    if (g_str_equal (name, REQUEST) || g_str_equal (name, LOCK)
        || g_str_has_prefix (name, "note-") || g_str_has_suffix (name, ".new")
        || g_str_has_prefix (name, "picture-")
        || g_str_has_suffix (name, ".safetensors"))
      {
        g_autofree gchar *file = g_build_filename (path, name, NULL);

        g_unlink (file);
      }
  g_rmdir (path);
}

static gint
newer_first (gconstpointer a, gconstpointer b)
{
  return -strcmp (*(gchar *const *) a, *(gchar *const *) b);
}

/* Names begin with the time, so the newest sorts first. */
static GPtrArray *
list_jobs (const gchar *parent)
{
  GPtrArray *paths = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GDir) dir = g_dir_open (parent, 0, NULL);
  const gchar *name;

  while (dir && (name = g_dir_read_name (dir)) != NULL)
    g_ptr_array_add (paths, g_build_filename (parent, name, NULL));
  g_ptr_array_sort (paths, newer_first);
  return paths;
}

gchar *
tess_job_folder_last (void)
{
  g_autofree gchar *parent = jobs_folder ();
  g_autoptr (GPtrArray) jobs = list_jobs (parent);

  for (guint i = 0; i < jobs->len; i++)
    {
      gint lock = holds_job (jobs->pdata[i]) ? take_lock (jobs->pdata[i]) : -1;

      if (lock < 0)
        continue;
      close (lock);
      return g_strdup (jobs->pdata[i]);
    }
  return NULL;
}

static void
forget_old (const gchar *parent)
{
  g_autoptr (GPtrArray) jobs = list_jobs (parent);
  gint n = 0;

  for (guint i = 0; i < jobs->len; i++)
    {
      gint lock = holds_job (jobs->pdata[i]) ? take_lock (jobs->pdata[i]) : -1;

      if (lock < 0)
        continue;
      if (++n >= N_LEFT_OVER)
        remove_files (jobs->pdata[i]);
      close (lock);
    }
}

gchar *
tess_job_folder_fresh (void)
{
  g_autofree gchar *parent = jobs_folder ();
  g_autofree gchar *name
      = g_strdup_printf ("%013" G_GINT64_FORMAT "-%d",
                         g_get_real_time () / 1000, (gint) getpid ());

  forget_old (parent);
  return g_build_filename (parent, name, NULL);
}

static TessJobFolder *
lock_folder (const gchar *path, GError **error)
{
  gint lock = take_lock (path), number = errno;
  TessJobFolder *folder;

  if (lock < 0 && number == EWOULDBLOCK)
    {
      g_set_error (
          error, G_IO_ERROR, G_IO_ERROR_BUSY,
          _ ("another process is painting the job in %s; wait until it "
             "is done, or stop it"),
          path);
      return NULL;
    }
  if (lock < 0)
    {
      fail (path, number, error);
      return NULL;
    }
  folder = g_new0 (TessJobFolder, 1);
  folder->path = g_strdup (path);
  folder->lock = lock;
  return folder;
}

/* Buffers that a request carries, by the names of their files. */
#define INIT_NAME "picture-init"

/* Masks of regions, then those of instances: @buffer and @path of the @i-th,
 * NULL when there are no more. */
static GeglBuffer **
mask_of (const TessRequest *request, guint i, gchar ***path)
{
  TessRegion *region;
  TessInstance *instance;

  if (i < request->regions->len)
    {
      region = request->regions->pdata[i];
      *path = &region->mask_path;
      return &region->mask;
    }
  i -= request->regions->len;
  if (i >= request->instances->len)
    return NULL;
  instance = request->instances->pdata[i];
  *path = &instance->mask_path;
  return &instance->mask;
}

static gchar *
mask_name (guint i)
{
  return g_strdup_printf ("picture-mask-%u", i);
}

static gboolean
save_buffers (TessJobFolder *folder, const TessRequest *request, GError **error)
{
  GeglBuffer **mask;
  gchar **path;

  if (request->init
      && !tess_job_folder_save_picture (folder, "init", request->init, error))
    return FALSE;
  for (guint i = 0; (mask = mask_of (request, i, &path)) != NULL; i++)
    {
      g_autofree gchar *name = g_strdup_printf ("mask-%u", i);

      if (*mask && !tess_job_folder_save_picture (folder, name, *mask, error))
        return FALSE;
    }
  return TRUE;
}

/* A buffer has no path, which a job file must have; so the file's own name
 * stands there. */
static gchar *
write_request (const TessRequest *request)
{
  g_autoptr (TessRequest) copy = tess_request_dup (request);
  GeglBuffer **mask;
  gchar **path;

  if (copy->init && copy->init_path == NULL)
    copy->init_path = g_strdup (INIT_NAME);
  for (guint i = 0; (mask = mask_of (copy, i, &path)) != NULL; i++)
    if (*mask && *path == NULL)
      *path = mask_name (i);
  return tess_request_to_json (copy);
}

TessJobFolder *
tess_job_folder_new (const gchar *path, TessRequest *request, GError **error)
{
  g_autoptr (TessJobFolder) folder = NULL;
  g_autofree gchar *json = NULL;

  if (g_mkdir_with_parents (path, 0700) != 0)
    {
      fail (path, errno, error);
      return NULL;
    }
  folder = lock_folder (path, error);
  if (folder == NULL)
    return NULL;
  if (holds_job (path))
    {
      g_set_error (
          error, G_IO_ERROR, G_IO_ERROR_EXISTS,
          _ ("%s holds a job that is not done; resume it, or remove the "
             "folder"),
          path);
      return NULL;
    }
  if (request->seed < 0)
    request->seed = g_random_int ();
  json = write_request (request);
  if (!save_buffers (folder, request, error)
      || !write_text (folder, REQUEST, json, error))
    {
      remove_files (path);
      return NULL;
    }
  return g_steal_pointer (&folder);
}

static gboolean
load_buffers (TessJobFolder *folder, TessRequest *request, GError **error)
{
  g_autoptr (GError) local = NULL;
  GeglBuffer **mask;
  gchar **path;

  request->init = tess_job_folder_load_picture (folder, "init", &local);
  if (request->init && g_strcmp0 (request->init_path, INIT_NAME) == 0)
    g_clear_pointer (&request->init_path, g_free);
  for (guint i = 0;
       local == NULL && (mask = mask_of (request, i, &path)) != NULL; i++)
    {
      g_autofree gchar *name = g_strdup_printf ("mask-%u", i);
      g_autofree gchar *stand_in = mask_name (i);

      *mask = tess_job_folder_load_picture (folder, name, &local);
      if (*mask && g_strcmp0 (*path, stand_in) == 0)
        g_clear_pointer (path, g_free);
    }
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

TessJobFolder *
tess_job_folder_open (const gchar *path, TessRequest **request, GError **error)
{
  g_autoptr (TessJobFolder) folder = NULL;
  g_autoptr (TessRequest) asked = NULL;
  g_autofree gchar *file = NULL;
  g_autofree gchar *json = NULL;

  if (!holds_job (path))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                   _ ("there is no job in %s that could go on"), path);
      return NULL;
    }
  folder = lock_folder (path, error);
  if (folder == NULL)
    return NULL;
  file = member (folder, REQUEST);
  if (!g_file_get_contents (file, &json, NULL, error))
    return NULL;
  asked = tess_request_from_json (json, NULL, error);
  if (asked == NULL || !load_buffers (folder, asked, error))
    return NULL;
  *request = g_steal_pointer (&asked);
  return g_steal_pointer (&folder);
}

void
tess_job_folder_close (TessJobFolder *folder)
{
  if (folder == NULL)
    return;
  close (folder->lock);
  g_free (folder->path);
  g_free (folder);
}

void
tess_job_folder_remove (TessJobFolder *folder)
{
  if (folder == NULL)
    return;
  remove_files (folder->path);
  tess_job_folder_close (folder);
}

gboolean
tess_job_folder_is_begun (const TessJobFolder *folder)
{
  g_autofree gchar *state = member (folder, STATE);
  g_autofree gchar *phase = member (folder, "picture-phase-0.safetensors");

  return g_file_test (state, G_FILE_TEST_EXISTS)
         || g_file_test (phase, G_FILE_TEST_EXISTS);
}

const gchar *
tess_job_folder_path (const TessJobFolder *folder)
{
  return folder->path;
}

gboolean
tess_job_folder_note (TessJobFolder *folder,
                      const gchar *name,
                      const gchar *text,
                      GError **error)
{
  g_autofree gchar *file = g_strdup_printf ("note-%s", name);

  return write_text (folder, file, text, error);
}

gchar *
tess_job_folder_read_note (const TessJobFolder *folder, const gchar *name)
{
  g_autofree gchar *file = g_strdup_printf ("note-%s", name);
  g_autofree gchar *path = member (folder, file);
  gchar *text = NULL;

  g_file_get_contents (path, &text, NULL, NULL);
  return text;
}

/* --- state --------------------------------------------------------------- */

void
tess_job_state_clear (TessJobState *state)
{
  g_clear_pointer (&state->x, tess_tensor_unref);
  g_clear_pointer (&state->output, tess_tensor_unref);
  for (gint i = 0; i < TESS_SAMPLER_MAX_KEPT; i++)
    g_clear_pointer (&state->kept[i], tess_tensor_unref);
}

#define MAX_ENTRIES (3 + TESS_SAMPLER_MAX_KEPT + 1)

typedef struct
{
  TessSafetensorsEntry entries[MAX_ENTRIES];
  gconstpointer sources[MAX_ENTRIES];
  gint n;
} Entries;

static void
add_entry (Entries *entries,
           const gchar *name,
           TessType type,
           gsize n,
           gconstpointer source)
{
  entries->entries[entries->n]
      = (TessSafetensorsEntry) { name, type, 1, { (gint64) n } };
  entries->sources[entries->n++] = source;
}

static void
fill_entry (gint i, gpointer dst, gsize n_bytes, gpointer data)
{
  const Entries *entries = data;

  memcpy (dst, entries->sources[i], n_bytes);
}

static const gchar *const kept_names[]
    = { "kept.0", "kept.1", "kept.2", "kept.3", "kept.4" };
G_STATIC_ASSERT (G_N_ELEMENTS (kept_names) == TESS_SAMPLER_MAX_KEPT);

/* The generator, its place and its spare number, as whole numbers. */
static void
pack_random (const TessRandom *random, gint64 words[RANDOM_WORDS + 3])
{
  for (guint i = 0; i < RANDOM_WORDS; i++)
    words[i] = random->state[i];
  words[RANDOM_WORDS] = random->next;
  words[RANDOM_WORDS + 1] = random->has_spare;
  memcpy (&words[RANDOM_WORDS + 2], &random->spare, sizeof (gint64));
}

static void
unpack_random (const gint64 *words, TessRandom *random)
{
  for (guint i = 0; i < RANDOM_WORDS; i++)
    random->state[i] = (guint32) words[i];
  random->next = (gint) CLAMP (words[RANDOM_WORDS], 0, (gint64) RANDOM_WORDS);
  random->has_spare = words[RANDOM_WORDS + 1] != 0;
  memcpy (&random->spare, &words[RANDOM_WORDS + 2], sizeof (gint64));
}

gboolean
tess_job_folder_save (TessJobFolder *folder,
                      const TessJobState *state,
                      GError **error)
{
  Entries entries = { .n = 0 };
  gint64 words[RANDOM_WORDS + 3];
  const gint64 numbers[]
      = { state->phase, state->step, state->memory.numbers[0],
          state->memory.numbers[1] };
  gsize n = tess_tensor_n_elements (state->x);

  pack_random (&state->random, words);
  add_entry (&entries, "numbers", TESS_I64, G_N_ELEMENTS (numbers), numbers);
  add_entry (&entries, "random", TESS_I64, G_N_ELEMENTS (words), words);
  add_entry (&entries, "x", TESS_F32, n, state->x->data);
  if (state->output)
    add_entry (&entries, "output", TESS_F32, n, state->output->data);
  for (gint i = 0; i < TESS_SAMPLER_MAX_KEPT; i++)
    if (state->memory.canvases[i])
      add_entry (&entries, kept_names[i], TESS_F32, state->memory.n,
                 state->memory.canvases[i]);
  return write_tensors (folder, STATE, entries.entries, entries.n, NULL,
                        fill_entry, &entries, error);
}

/* A copy in memory: the file is replaced at the next step. */
static TessTensor *
copy_floats (const TessTensorFile *file, const gchar *name)
{
  const TessTensor *src = tess_tensor_file_get (file, name);
  TessTensor *dst;

  if (src == NULL || src->type != TESS_F32)
    return NULL;
  dst = tess_tensor_new (TESS_F32, src->n_dims, src->dims, NULL);
  if (dst)
    memcpy (dst->data, src->data, src->n_bytes);
  return dst;
}

gboolean
tess_job_folder_load (TessJobFolder *folder,
                      TessJobState *state,
                      GError **error)
{
  g_autoptr (TessTensorFile) file = open_tensors (folder, STATE, error);
  const TessTensor *numbers, *words;
  const gint64 *n;

  *state = (TessJobState) { 0 };
  if (file == NULL)
    return FALSE;
  numbers = tess_tensor_file_get (file, "numbers");
  words = tess_tensor_file_get (file, "random");
  state->x = copy_floats (file, "x");
  if (numbers == NULL || numbers->type != TESS_I64
      || tess_tensor_n_elements (numbers) != 4 || words == NULL
      || words->type != TESS_I64
      || tess_tensor_n_elements (words) != RANDOM_WORDS + 3 || state->x == NULL)
    {
      tess_job_state_clear (state);
      return broken (folder, STATE, error);
    }
  n = numbers->data;
  state->phase = (gint) CLAMP (n[0], 0, G_MAXINT);
  state->step = (gint) CLAMP (n[1], 0, G_MAXINT);
  unpack_random (words->data, &state->random);
  state->output = copy_floats (file, "output");
  state->memory.numbers[0] = (gint) n[2];
  state->memory.numbers[1] = (gint) n[3];
  state->memory.n = tess_tensor_n_elements (state->x);
  for (gint i = 0; i < TESS_SAMPLER_MAX_KEPT; i++)
    {
      state->kept[i] = copy_floats (file, kept_names[i]);
      if (state->kept[i] == NULL)
        continue;
      if (tess_tensor_n_elements (state->kept[i]) != state->memory.n)
        {
          tess_job_state_clear (state);
          return broken (folder, STATE, error);
        }
      state->memory.canvases[i] = tess_tensor_f32 (state->kept[i]);
    }
  return TRUE;
}

/* --- pictures ------------------------------------------------------------ */

typedef struct
{
  GeglBuffer *buffer;
  const Babl *format;
} Strips;

static const Babl *
picture_format (gint n_channels)
{
  return babl_format (n_channels == 1   ? "Y float"
                      : n_channels == 3 ? "R'G'B' float"
                                        : "R'G'B'A float");
}

static void
fill_strip (gint i, gpointer dst, gsize n_bytes, gpointer data)
{
  const Strips *strips = data;
  const GeglRectangle *extent = gegl_buffer_get_extent (strips->buffer);
  gint rows = MIN (STRIP, extent->height - i * STRIP);

  gegl_buffer_get (
      strips->buffer,
      GEGL_RECTANGLE (extent->x, extent->y + i * STRIP, extent->width, rows),
      1.0, strips->format, dst, GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
}

static gchar *
picture_file (const gchar *name)
{
  return g_strdup_printf ("picture-%s.safetensors", name);
}

/* Strips of rows, so that neither side holds a second copy. */
gboolean
tess_job_folder_save_picture (TessJobFolder *folder,
                              const gchar *name,
                              GeglBuffer *picture,
                              GError **error)
{
  const GeglRectangle *extent = gegl_buffer_get_extent (picture);
  const Babl *own = gegl_buffer_get_format (picture);
  gint n_channels = babl_format_has_alpha (own)              ? 4
                    : babl_format_get_n_components (own) < 3 ? 1
                                                             : 3;
  Strips strips = { picture, picture_format (n_channels) };
  gint n = (extent->height + STRIP - 1) / STRIP;
  g_autofree TessSafetensorsEntry *entries
      = g_new0 (TessSafetensorsEntry, MAX (n, 1));
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autofree gchar *file = picture_file (name);

  for (gint i = 0; i < n; i++)
    {
      g_ptr_array_add (names, g_strdup_printf ("rows.%d", i));
      entries[i] = (TessSafetensorsEntry) {
        names->pdata[i],
        TESS_F32,
        3,
        { MIN (STRIP, extent->height - i * STRIP), extent->width, n_channels },
      };
    }
  return write_tensors (folder, file, entries, n, NULL, fill_strip, &strips,
                        error);
}

GeglBuffer *
tess_job_folder_load_picture (TessJobFolder *folder,
                              const gchar *name,
                              GError **error)
{
  g_autofree gchar *path = picture_file (name);
  g_autoptr (TessTensorFile) file = open_tensors (folder, path, error);
  g_autoptr (GeglBuffer) picture = NULL;
  const Babl *format = NULL;
  gint64 width = 0, channels = 0;
  gint y = 0;

  if (file == NULL)
    return NULL;
  for (guint i = 0;; i++)
    {
      g_autofree gchar *rows = g_strdup_printf ("rows.%u", i);
      const TessTensor *strip = tess_tensor_file_get (file, rows);

      if (strip == NULL)
        break;
      if (strip->type != TESS_F32 || strip->n_dims != 3
          || strip->dims[0] > STRIP || strip->dims[1] > G_MAXINT
          || (strip->dims[2] != 1 && strip->dims[2] != 3 && strip->dims[2] != 4)
          || (i > 0 && (strip->dims[1] != width || strip->dims[2] != channels)))
        {
          broken (folder, path, error);
          return NULL;
        }
      width = strip->dims[1];
      channels = strip->dims[2];
      if (picture == NULL)
        {
          format = picture_format ((gint) channels);
          picture = gegl_buffer_new (
              GEGL_RECTANGLE (
                  0, 0, (gint) width,
                  (gint) MIN (file->names->len * (gsize) STRIP, G_MAXINT)),
              format);
        }
      gegl_buffer_set (
          picture, GEGL_RECTANGLE (0, y, (gint) width, (gint) strip->dims[0]),
          0, format, strip->data, GEGL_AUTO_ROWSTRIDE);
      y += (gint) strip->dims[0];
    }
  if (picture == NULL || y == 0)
    {
      broken (folder, path, error);
      return NULL;
    }
  gegl_buffer_set_extent (picture, GEGL_RECTANGLE (0, 0, (gint) width, y));
  return g_steal_pointer (&picture);
}
