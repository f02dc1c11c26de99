/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/model-find.c: which models, LoRA files and merges are on this machine.
 * Folders are listed, no file is opened. */
#include "core/model-private.h"
#include "core/error.h"

#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>

#define MAX_DEPTH 3         /* of folders below a folder of models */
#define MAX_PARENTS 6       /* from the program up to share/ */
#define CLIP_N_TOKENS 49408 /* of CLIP's own vocabulary */

typedef struct
{
  GPtrArray *entries;
  GHashTable *seen; /* canonical paths */
  gboolean loras;
} Search;

static void
entry_free (gpointer data)
{
  TessModelEntry *entry = data;

  g_free (entry->path);
  g_free (entry->name);
  g_free (entry);
}

static gboolean
is_dir (const gchar *path)
{
  return g_file_test (path, G_FILE_TEST_IS_DIR);
}

static gboolean
has_file (const gchar *folder, const gchar *name)
{
  g_autofree gchar *path = g_build_filename (folder, name, NULL);

  return g_file_test (path, G_FILE_TEST_IS_REGULAR);
}

static void
search_add (Search *search, const gchar *path)
{
  TessModelEntry *entry;
  gchar *canonical = g_canonicalize_filename (path, NULL);
  gchar *dot;

  if (!g_hash_table_add (search->seen, canonical))
    return;
  entry = g_new0 (TessModelEntry, 1);
  entry->path = g_strdup (canonical);
  entry->name = g_path_get_basename (canonical);
  dot = strrchr (entry->name, '.');
  if (dot != NULL && dot != entry->name && !is_dir (path))
    *dot = '\0';
  g_ptr_array_add (search->entries, entry);
}

static gint
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const gchar *const *) a, *(const gchar *const *) b);
}

/* What lies in a folder, hidden names left out, in order. */
static GPtrArray *
list_folder (const gchar *path)
{
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  const gchar *name;

  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL)
    if (name[0] != '.')
      g_ptr_array_add (names, g_strdup (name));
  g_ptr_array_sort (names, compare_names);
  return names;
}

static gboolean
is_one_of (const gchar *name, const gchar *const *names)
{
  for (gint i = 0; names[i] != NULL; i++)
    if (g_ascii_strcasecmp (name, names[i]) == 0)
      return TRUE;
  return FALSE;
}

static void
search_folder (Search *search, const gchar *path, gint depth)
{
  /* Kept beside models by many, and none themselves. */
  static const gchar *const others[]
      = { "lora",       "loras",         "vae",      "embeddings",
          "controlnet", "hypernetworks", "upscaler", "upscale_models",
          "clip",       "text_encoders", NULL };
  g_autoptr (GPtrArray) names = NULL;

  if (!search->loras && has_file (path, "model_index.json"))
    {
      search_add (search, path);
      return;
    }
  names = list_folder (path);
  for (guint i = 0; i < names->len; i++)
    {
      const gchar *name = g_ptr_array_index (names, i);
      g_autofree gchar *child = g_build_filename (path, name, NULL);

      if (is_dir (child))
        {
          if (depth < MAX_DEPTH && (search->loras || !is_one_of (name, others)))
            search_folder (search, child, depth + 1);
        }
      else if (g_str_has_suffix (name, ".safetensors")
               || (!search->loras && g_str_has_suffix (name, ".ckpt")))
        search_add (search, child);
    }
}

/* A folder named by the user or the system: an installation of another
 * program, or the models themselves. */
static void
search_root (Search *search, const gchar *root)
{
  static const gchar *const model_folders[]
      = { "models/checkpoints", "models/Stable-diffusion", "models/diffusers",
          "checkpoints",        "Stable-diffusion",        "diffusers" };
  static const gchar *const lora_folders[]
      = { "models/loras", "models/Lora", "loras", "Lora", "lora" };
  const gchar *const *folders = search->loras ? lora_folders : model_folders;
  gsize n = search->loras ? G_N_ELEMENTS (lora_folders)
                          : G_N_ELEMENTS (model_folders);
  gboolean is_installation = FALSE;

  for (gsize i = 0; i < n; i++)
    {
      g_autofree gchar *path = g_build_filename (root, folders[i], NULL);

      if (!is_dir (path))
        continue;
      is_installation = TRUE;
      search_folder (search, path, 0);
    }
  if (!is_installation && !search->loras)
    search_folder (search, root, 0);
}

/* Every folder to look in, in order; they need not exist. */
static GPtrArray *
list_roots (const gchar *const *extra_folders)
{
  GPtrArray *roots = g_ptr_array_new_with_free_func (g_free);
  const gchar *variable = g_getenv ("TESSERA_MODELS");
  g_autofree gchar *program = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree gchar *at = NULL;

  if (variable != NULL)
    {
      g_auto (GStrv) parts
          = g_strsplit (variable, G_SEARCHPATH_SEPARATOR_S, -1);

      for (gint i = 0; parts[i] != NULL; i++)
        if (parts[i][0] != '\0')
          g_ptr_array_add (roots, g_strdup (parts[i]));
    }
  for (gint i = 0; extra_folders != NULL && extra_folders[i] != NULL; i++)
    g_ptr_array_add (roots, g_strdup (extra_folders[i]));
  g_ptr_array_add (roots, g_build_filename (g_get_user_data_dir (), "tessera",
                                            "models", NULL));
  /* Where the program was put in a place of its own, its data came along. */
  at = program != NULL ? g_path_get_dirname (program) : NULL;
  if (at != NULL)
    g_ptr_array_add (roots, g_build_filename (at, "models", NULL));
  for (gint i = 0; at != NULL && i < MAX_PARENTS; i++)
    {
      gchar *parent = g_path_get_dirname (at);

      g_ptr_array_add (
          roots, g_build_filename (parent, "share", "tessera", "models", NULL));
      g_free (at);
      at = parent;
    }
  g_ptr_array_add (roots, g_build_filename (TESS_DATA_DIR, "models", NULL));
  return roots;
}

static GPtrArray *
find (const gchar *const *extra_folders, gboolean loras)
{
  g_autoptr (GPtrArray) roots = list_roots (extra_folders);
  Search search = {
    .entries = g_ptr_array_new_with_free_func (entry_free),
    .seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL),
    .loras = loras,
  };

  for (guint i = 0; i < roots->len; i++)
    search_root (&search, g_ptr_array_index (roots, i));
  g_hash_table_unref (search.seen);
  return search.entries;
}

GPtrArray *
tess_models_find (const gchar *const *extra_folders)
{
  return find (extra_folders, FALSE);
}

GPtrArray *
tess_loras_find (const gchar *const *extra_folders)
{
  return find (extra_folders, TRUE);
}

static gchar *
merges_in (const gchar *folder)
{
  static const gchar *const names[] = {
    "merges.txt",
    "bpe_simple_vocab_16e6.txt",
    "bpe_simple_vocab_16e6.txt.gz",
    "tokenizer/merges.txt",
    "clip/merges.txt",
    "clip/bpe_simple_vocab_16e6.txt.gz",
    "comfy/sd1_tokenizer/merges.txt",
    ("repositories/stable-diffusion-stability-ai/ldm/modules/clip/"
     "bpe_simple_vocab_16e6.txt.gz"),
  };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (has_file (folder, names[i]))
      return g_build_filename (folder, names[i], NULL);
  return NULL;
}

/* In the folders around a file, up to an installation's own. */
static gchar *
merges_around (const gchar *path)
{
  g_autofree gchar *at = g_path_get_dirname (path);

  for (gint i = 0; i < 4; i++)
    {
      gchar *parent, *found = merges_in (at);

      if (found != NULL)
        return found;
      parent = g_path_get_dirname (at);
      g_free (at);
      at = parent;
    }
  return NULL;
}

/* In the models folders, then in any diffusers model there that has CLIP's
 * vocabulary. */
static gchar *
merges_of_others (void)
{
  g_autoptr (GPtrArray) roots = list_roots (NULL);
  g_autoptr (GPtrArray) models = NULL;

  for (guint i = 0; i < roots->len; i++)
    {
      gchar *found = merges_in (g_ptr_array_index (roots, i));

      if (found != NULL)
        return found;
    }
  models = tess_models_find (NULL);
  for (guint i = 0; i < models->len; i++)
    {
      const TessModelEntry *entry = g_ptr_array_index (models, i);
      g_autofree gchar *merges
          = g_build_filename (entry->path, "tokenizer", "merges.txt", NULL);
      g_autofree gchar *vocab
          = g_build_filename (entry->path, "tokenizer", "vocab.json", NULL);
      GStatBuf info;

      /* CLIP's list has about 525 kB: a model with a vocabulary of its own
       * has another. */
      if (g_stat (merges, &info) == 0 && info.st_size > 400000
          && info.st_size < 800000 && g_file_test (vocab, G_FILE_TEST_EXISTS))
        return g_steal_pointer (&merges);
    }
  return NULL;
}

gchar *
tess_model_find_merges (TessModel *model, GError **error)
{
  g_autofree gchar *own
      = g_build_filename (model->path, "tokenizer", "merges.txt", NULL);
  g_autofree gchar *whole
      = g_build_filename (model->path, "tokenizer", "tokenizer.json", NULL);
  g_autofree gchar *home
      = g_build_filename (g_get_user_data_dir (), "tessera", "models", NULL);
  gchar *found = NULL;

  if (g_file_test (own, G_FILE_TEST_IS_REGULAR))
    return g_steal_pointer (&own);
  if (g_file_test (whole, G_FILE_TEST_IS_REGULAR))
    return g_steal_pointer (&whole);
  if (model->config.text.n_tokens >= CLIP_N_TOKENS)
    {
      found = merges_around (model->path);
      if (found == NULL)
        found = merges_of_others ();
      if (found == NULL)
        g_set_error (error, TESS_ERROR, TESS_ERROR_MODEL,
                     _ ("The list of CLIP's byte pairs (merges.txt or "
                        "bpe_simple_vocab_16e6.txt.gz) was not found; put it "
                        "into %s or beside %s."),
                     home, model->path);
      return found;
    }
  g_set_error (error, TESS_ERROR, TESS_ERROR_MODEL,
               _ ("%s is missing, and the model has a vocabulary of its own; "
                  "fetch the whole folder."),
               own);
  return NULL;
}
