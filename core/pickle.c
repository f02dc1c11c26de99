/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/pickle.c: PyTorch's zip with a pickle -> tensors. */
#include "core/pickle.h"
#include "core/error.h"
#include "core/unpickle.h"
#include "core/zip.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define MAX_PICKLE (32 << 20)
#define MAX_METADATA 4096
#define MAX_METADATA_TEXT 1024 /* bytes */
#define MAX_DEEP 5             /* dicts in dicts */
#define MAX_NESTED (1 << 16)   /* what they hold: one may be in many */

typedef struct
{
  const TessFileBytes *src;
  GError **error;
  TessZip *zip;
  guint n_nested;       /* values of dicts in dicts so far */
  gchar *prefix;        /* of all members: "archive/" */
  GHashTable *storages; /* member name -> TessFileBytes */
  guint64 budget;       /* bytes that may still be unpacked or copied */
  TessTensorFile *file;
} Torch;

/* One tensor, as the pickle describes it. */
typedef struct
{
  TessType type; /* TESS_N_TYPES: not read */
  gsize size;    /* of an element */
  const gchar *kind;
  gchar *member;
  guint64 offset; /* in elements */
  gint n_dims;
  gint64 dims[TESS_MAX_DIMS], strides[TESS_MAX_DIMS];
} Described;

static const struct
{
  const gchar *name;
  gsize size;
  TessType type;
} storages[] = {
  { "torch FloatStorage", 4, TESS_F32 },
  { "torch HalfStorage", 2, TESS_F16 },
  { "torch BFloat16Storage", 2, TESS_BF16 },
  { "torch DoubleStorage", 8, TESS_F64 },
  { "torch LongStorage", 8, TESS_I64 },
  { "torch IntStorage", 4, TESS_I32 },
  { "torch ByteStorage", 1, TESS_U8 },
  { "torch BoolStorage", 1, TESS_U8 },
  { "torch ShortStorage", 2, TESS_N_TYPES },
  { "torch CharStorage", 1, TESS_N_TYPES },
  { "torch ComplexFloatStorage", 8, TESS_N_TYPES },
};

G_GNUC_PRINTF (2, 3)
static gboolean
fail (const Torch *torch, const gchar *format, ...)
{
  g_autofree gchar *what = NULL;
  va_list args;

  va_start (args, format);
  what = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (torch->error, TESS_ERROR, TESS_ERROR_MODEL,
               _ ("%s is not a sound PyTorch file: %s; fetch it again."),
               torch->src->path, what);
  return FALSE;
}

static void
storage_free (gpointer data)
{
  TessFileBytes *storage = data;

  g_bytes_unref (storage->bytes);
  g_free (storage);
}

static gboolean
is_old (GBytes *bytes)
{
  /* PROTO 2, then the magic number of the old format as a LONG1. */
  static const guint8 magic[]
      = { 0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46 };
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);

  return size > sizeof magic && memcmp (data, magic, sizeof magic) == 0;
}

gboolean
tess_pickle_is (GBytes *bytes)
{
  return tess_zip_is (bytes) || is_old (bytes);
}

static const TessPyValue *
item (const TessPyValue *value, guint i)
{
  static const TessPyValue none = { .kind = TESS_PY_NONE };

  return value->items != NULL && i < value->items->len
             ? g_ptr_array_index (value->items, i)
             : &none;
}

/* ('storage', class, key, device, elements) */
static gboolean
describe_storage (const TessPyValue *value, Described *described)
{
  const TessPyValue *class = item (value, 1), *key = item (value, 2);

  if (value->kind != TESS_PY_PERSISTENT
      || !tess_py_is (item (value, 0), "storage")
      || class->kind != TESS_PY_GLOBAL || key->kind != TESS_PY_STRING
      || key->length > 64)
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (storages); i++)
    if (tess_py_is (class, storages[i].name))
      {
        described->type = storages[i].type;
        described->size = storages[i].size;
        described->kind = storages[i].name;
        described->member
            = g_strndup (key->text, key->length); /* prefix comes later */
        return TRUE;
      }
  return FALSE;
}

/* _rebuild_tensor_v2 (storage, offset, size, stride, ...), perhaps inside
 * _rebuild_parameter (tensor, ...). */
static gboolean
describe (const TessPyValue *value, Described *described)
{
  const TessPyValue *offset, *dims, *strides;

  if (tess_py_is (value, "torch._utils _rebuild_parameter"))
    value = item (value, 0);
  if (value->kind != TESS_PY_CALL
      || (!tess_py_is (value, "torch._utils _rebuild_tensor_v2")
          && !tess_py_is (value, "torch._utils _rebuild_tensor")))
    return FALSE;
  offset = item (value, 1);
  dims = item (value, 2);
  strides = item (value, 3);
  if (offset->kind != TESS_PY_INT || offset->number < 0
      || dims->kind != TESS_PY_TUPLE || strides->kind != TESS_PY_TUPLE
      || dims->items->len != strides->items->len
      || !describe_storage (item (value, 0), described))
    return FALSE;
  described->offset = offset->number;
  described->n_dims = dims->items->len;
  for (gint i = 0; i < MIN (described->n_dims, TESS_MAX_DIMS); i++)
    {
      const TessPyValue *dim = item (dims, i), *stride = item (strides, i);

      if (dim->kind != TESS_PY_INT || stride->kind != TESS_PY_INT
          || dim->number < 0 || stride->number < 0)
        return FALSE;
      described->dims[i] = dim->number;
      described->strides[i] = stride->number;
    }
  return TRUE;
}

/* How many elements it has and how far into the storage it reaches (one past
 * the last). FALSE where that overflows. */
static gboolean
measure (const Described *described, guint64 *n_elements, guint64 *reach)
{
  guint64 step;

  *n_elements = 1;
  *reach = described->offset;
  for (gint i = 0; i < described->n_dims; i++)
    if (!g_uint64_checked_mul (n_elements, *n_elements, described->dims[i]))
      return FALSE;
  if (*n_elements == 0)
    {
      *reach = 0;
      return TRUE;
    }
  for (gint i = 0; i < described->n_dims; i++)
    if (!g_uint64_checked_mul (&step, described->dims[i] - 1,
                               described->strides[i])
        || !g_uint64_checked_add (reach, *reach, step))
      return FALSE;
  return g_uint64_checked_add (reach, *reach, 1);
}

static gboolean
is_contiguous (const Described *described)
{
  guint64 expected = 1;

  for (gint i = described->n_dims - 1; i >= 0; i--)
    {
      if (described->dims[i] != 1
          && (guint64) described->strides[i] != expected)
        return FALSE;
      expected *= described->dims[i];
    }
  return TRUE;
}

/* The bytes of a storage, unpacked once where they are packed. */
static const TessFileBytes *
get_storage (Torch *torch, const gchar *key)
{
  g_autofree gchar *name = g_strconcat (torch->prefix, "data/", key, NULL);
  TessFileBytes *storage = g_hash_table_lookup (torch->storages, name);
  const TessZipMember *member;
  GBytes *bytes;

  if (storage != NULL)
    return storage;
  member = g_hash_table_lookup (torch->zip->members, name);
  if (member == NULL)
    {
      fail (torch, "its member '%s' is missing", name);
      return NULL;
    }
  bytes = tess_zip_read (torch->zip, member, torch->budget, torch->error);
  if (bytes == NULL)
    return NULL;
  if (member->packed)
    torch->budget -= member->size;
  storage = g_new0 (TessFileBytes, 1);
  storage->bytes = bytes;
  storage->mapped = !member->packed && torch->src->mapped;
  storage->path = torch->src->path;
  g_hash_table_insert (torch->storages, g_steal_pointer (&name), storage);
  return storage;
}

/* Rows and columns exchanged and the like: brought into order in memory. */
static TessTensor *
copy_strided (Torch *torch,
              const Described *described,
              const guint8 *src,
              guint64 n_elements)
{
  TessTensor *tensor;
  gint64 at[TESS_MAX_DIMS] = { 0 };
  gsize size = described->size;
  guint8 *dst;

  if (n_elements > torch->budget / size)
    {
      fail (torch, "its tensors are larger than the file");
      return NULL;
    }
  torch->budget -= n_elements * size;
  tensor = tess_tensor_new (described->type, described->n_dims, described->dims,
                            torch->error);
  if (tensor == NULL)
    return NULL;
  dst = tensor->data;
  for (guint64 i = 0; i < n_elements; i++, dst += size)
    {
      guint64 offset = described->offset;
      gint d = described->n_dims - 1;

      for (gint k = 0; k <= d; k++)
        offset += at[k] * described->strides[k];
      memcpy (dst, src + offset * size, size);
      while (d >= 0 && ++at[d] == described->dims[d])
        at[d--] = 0;
    }
  return tensor;
}

static gboolean
add_tensor (Torch *torch, const gchar *name, const Described *described)
{
  const TessFileBytes *storage;
  g_autoptr (TessTensor) tensor = NULL;
  guint64 n_elements, reach;
  gsize n_bytes, wanted;

  if (described->type == TESS_N_TYPES || described->n_dims > TESS_MAX_DIMS)
    {
      g_hash_table_replace (
          torch->file->refused, g_strdup (name),
          described->type == TESS_N_TYPES
              ? g_strdup_printf ("has the type %s", described->kind)
              : g_strdup_printf ("has %d dimensions", described->n_dims));
      return TRUE;
    }
  storage = get_storage (torch, described->member);
  if (storage == NULL)
    return FALSE;
  n_bytes = g_bytes_get_size (storage->bytes);
  if (!measure (described, &n_elements, &reach)
      || !tess_count_bytes (described->type, described->n_dims, described->dims,
                            &wanted)
      || reach > n_bytes / described->size)
    return fail (
        torch, "'%s' reaches past the %" G_GSIZE_FORMAT " bytes of its storage",
        name, n_bytes);
  if (n_elements == 0 || is_contiguous (described))
    tensor = tess_file_bytes_tensor (
        storage, n_elements > 0 ? described->offset * described->size : 0,
        described->type, described->n_dims, described->dims);
  else
    tensor = copy_strided (torch, described,
                           g_bytes_get_data (storage->bytes, NULL), n_elements);
  if (tensor == NULL)
    return FALSE;
  if (!tess_tensor_file_add (torch->file, name, tensor))
    return fail (torch, "there are two of '%s'", name);
  return TRUE;
}

static void
add_metadata (Torch *torch, const gchar *name, const TessPyValue *value)
{
  GHashTable *metadata = torch->file->metadata;

  if (g_hash_table_size (metadata) >= MAX_METADATA)
    return;
  if (value->kind == TESS_PY_INT)
    g_hash_table_replace (metadata, g_strdup (name),
                          g_strdup_printf ("%" G_GINT64_FORMAT, value->number));
  else if (value->length <= MAX_METADATA_TEXT
           && g_utf8_validate (value->text, value->length, NULL))
    g_hash_table_replace (metadata, g_strdup (name),
                          g_strndup (value->text, value->length));
}

/* Tensors of a dict; numbers and short texts as metadata. */
static gboolean
add_dict (Torch *torch, const TessPyValue *dict)
{
  for (guint i = 0; i + 1 < dict->items->len; i += 2)
    {
      const TessPyValue *key = item (dict, i), *value = item (dict, i + 1);
      Described described = { 0 };
      g_autofree gchar *name = NULL;
      gboolean ok = TRUE;

      if (key->kind != TESS_PY_STRING
          || !g_utf8_validate (key->text, key->length, NULL))
        continue;
      name = g_strndup (key->text, key->length);
      if (value->kind == TESS_PY_INT || value->kind == TESS_PY_STRING)
        add_metadata (torch, name, value);
      else if (describe (value, &described))
        ok = add_tensor (torch, name, &described);
      else if (value->kind == TESS_PY_CALL
               && strstr (name, ".") != NULL) /* a tensor of another kind */
        g_hash_table_replace (torch->file->refused, g_strdup (name),
                              g_strdup ("is of a kind that is not read"));
      g_free (described.member);
      if (!ok)
        return FALSE;
    }
  return TRUE;
}

/* Tensors of dicts in dicts, as "key.key.name". */
static gboolean
add_nested (Torch *torch,
            const TessPyValue *dict,
            const gchar *prefix,
            gint deep)
{
  for (guint i = 0; i + 1 < dict->items->len; i += 2)
    {
      const TessPyValue *key = item (dict, i), *value = item (dict, i + 1);
      Described described = { 0 };
      g_autofree gchar *name = NULL;
      g_autofree gchar *inner = NULL;
      gboolean ok = TRUE;

      if (++torch->n_nested > MAX_NESTED)
        return fail (torch, "its dicts hold more than %d values", MAX_NESTED);
      if (key->kind == TESS_PY_INT)
        name = g_strdup_printf ("%s%" G_GINT64_FORMAT, prefix, key->number);
      else if (key->kind == TESS_PY_STRING && key->length <= MAX_METADATA_TEXT
               && g_utf8_validate (key->text, key->length, NULL))
        name
            = g_strdup_printf ("%s%.*s", prefix, (gint) key->length, key->text);
      else
        continue;
      inner = g_strconcat (name, ".", NULL);
      if (value->kind == TESS_PY_DICT)
        ok = deep >= MAX_DEEP || add_nested (torch, value, inner, deep + 1);
      else if (describe (value, &described))
        ok = add_tensor (torch, name, &described);
      g_free (described.member);
      if (!ok)
        return FALSE;
    }
  return TRUE;
}

static gboolean
add_root (Torch *torch, const TessPyValue *root)
{
  static const gchar *const wrappers[]
      = { "state_dict", "params_ema", "params", "ema", "model", "module" };

  if (root->kind != TESS_PY_DICT)
    return fail (torch, "it holds no dict of tensors");
  if (!add_dict (torch, root))
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (wrappers) && torch->file->names->len == 0;
       i++)
    {
      const TessPyValue *inner = tess_py_get (root, wrappers[i]);

      if (inner != NULL && inner->kind == TESS_PY_DICT
          && !add_dict (torch, inner))
        return FALSE;
    }
  if (torch->file->names->len == 0 && !add_nested (torch, root, "", 0))
    return FALSE;
  if (torch->file->names->len == 0
      && g_hash_table_size (torch->file->refused) == 0)
    return fail (torch, "it holds no tensors");
  return TRUE;
}

/* "PREFIX/data.pkl" */
static const TessZipMember *
find_pickle (Torch *torch)
{
  static const gchar ending[] = "data.pkl";
  GHashTableIter iter;
  gpointer name, member;

  g_hash_table_iter_init (&iter, torch->zip->members);
  while (g_hash_table_iter_next (&iter, &name, &member))
    {
      const gchar *slash = strchr (name, '/');
      const gchar *rest = slash ? slash + 1 : name;

      if (!g_str_equal (rest, ending))
        continue;
      torch->prefix = g_strndup (name, rest - (const gchar *) name);
      return member;
    }
  fail (torch, "it is an archive without a PyTorch pickle");
  return NULL;
}

static gboolean
check_byte_order (Torch *torch)
{
  g_autofree gchar *name = g_strconcat (torch->prefix, "byteorder", NULL);
  const TessZipMember *member = g_hash_table_lookup (torch->zip->members, name);
  g_autoptr (GBytes) bytes = NULL;
  gsize size;
  const gchar *text;

  if (member == NULL)
    return TRUE;
  bytes = tess_zip_read (torch->zip, member, 64, torch->error);
  if (bytes == NULL)
    return FALSE;
  text = g_bytes_get_data (bytes, &size);
  if (size < 3 || memcmp (text, "big", 3) != 0)
    return TRUE;
  return fail (torch, "it was written on a big-endian machine");
}

static gboolean
parse (Torch *torch)
{
  const TessZipMember *member;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (TessPickle) pickle = NULL;

  torch->zip = tess_zip_open (torch->src, torch->error);
  if (torch->zip == NULL)
    return FALSE;
  member = find_pickle (torch);
  if (member == NULL || !check_byte_order (torch))
    return FALSE;
  bytes = tess_zip_read (torch->zip, member, MAX_PICKLE, torch->error);
  if (bytes == NULL)
    return FALSE;
  pickle = tess_unpickle (bytes, torch->src->path, torch->error);
  return pickle != NULL && add_root (torch, pickle->root);
}

TessTensorFile *
tess_pickle_parse (const TessFileBytes *src, GError **error)
{
  g_autoptr (TessTensorFile) file = tess_tensor_file_new (src->path);
  guint64 size = g_bytes_get_size (src->bytes);
  Torch torch = {
    .src = src,
    .error = error,
    .file = file,
    /* Half precision hardly packs; four times the file is generous. */
    .budget = 4 * size + (64 << 20),
  };
  gboolean ok;

  if (is_old (src->bytes))
    {
      g_set_error (error, TESS_ERROR, TESS_ERROR_UNSUPPORTED,
                   _ ("%s has PyTorch's format from before 2020; load it once "
                      "in a newer PyTorch (1.6 or later) and save it again, or "
                      "choose a safetensors file."),
                   src->path);
      return NULL;
    }
  torch.storages
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, storage_free);
  ok = parse (&torch);
  g_hash_table_unref (torch.storages);
  tess_zip_free (torch.zip);
  g_free (torch.prefix);
  return ok ? g_steal_pointer (&file) : NULL;
}
