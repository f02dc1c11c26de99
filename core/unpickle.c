/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/unpickle.c: a stack machine that builds values and calls nothing.
 *
 * Bounded by construction: each opcode makes at most one value, texts stay in
 * the pickle, containers hold borrowed values that one list owns, so cycles
 * and shared parts cost nothing, and nothing here recurses. */
#include "core/unpickle.h"
#include "core/error.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define MAX_BYTES (32 << 20)
#define MAX_VALUES (2 << 20)
#define MAX_ARGUMENTS 64 /* of a call; more are not looked at */

typedef struct
{
  const guint8 *begin, *at, *end;
  const gchar *path;
  GError **error;
  TessPickle *pickle;
  GPtrArray *stack; /* NULL: a mark */
  GHashTable *memo; /* number -> value */
} Machine;

/* Names that may be called for. What PyTorch's own files and their trainers'
 * notes hold; "*" ends a module's prefix. */
static const gchar *const known_globals[] = {
  "collections OrderedDict",
  "collections defaultdict",
  "collections Counter",
  "torch._utils _rebuild_tensor",
  "torch._utils _rebuild_tensor_v2",
  "torch._utils _rebuild_parameter",
  "torch FloatStorage",
  "torch HalfStorage",
  "torch BFloat16Storage",
  "torch DoubleStorage",
  "torch LongStorage",
  "torch IntStorage",
  "torch ShortStorage",
  "torch CharStorage",
  "torch ByteStorage",
  "torch BoolStorage",
  "torch ComplexFloatStorage",
  "torch Size",
  "torch device",
  "torch float32",
  "torch float16",
  "torch bfloat16",
  "torch float64",
  "torch int64",
  "torch int32",
  "torch bool",
  "numpy dtype",
  "numpy ndarray",
  "numpy.core.multiarray scalar",
  "numpy.core.multiarray _reconstruct",
  "numpy._core.multiarray scalar",
  "numpy._core.multiarray _reconstruct",
  "_codecs encode",
  "argparse Namespace",
  "typing Any",
  "pathlib PosixPath",
  "pathlib WindowsPath",
  "datetime datetime",
  "datetime timedelta",
  "__builtin__ set",
  "__builtin__ dict",
  "__builtin__ list",
  "__builtin__ int",
  "__builtin__ float",
  "__builtin__ str",
  "__builtin__ bool",
  "__builtin__ long",
  "__builtin__ complex",
  "__builtin__ bytearray",
  "builtins set",
  "builtins dict",
  "builtins list",
  "builtins int",
  "builtins float",
  "builtins str",
  "builtins bool",
  "builtins complex",
  "builtins bytearray",
  "pytorch_lightning.*",
  "lightning.*",
  "lightning_fabric.*",
  "omegaconf.*",
};

static void
value_free (gpointer data)
{
  TessPyValue *value = data;

  g_clear_pointer (&value->items, g_ptr_array_unref);
  g_free (value);
}

void
tess_pickle_free (TessPickle *pickle)
{
  if (pickle == NULL)
    return;
  g_ptr_array_unref (pickle->values);
  g_ptr_array_unref (pickle->texts);
  g_free (pickle);
}

G_GNUC_PRINTF (2, 3)
static gboolean
fail (Machine *machine, const gchar *format, ...)
{
  g_autofree gchar *what = NULL;
  va_list args;

  va_start (args, format);
  what = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (machine->error, TESS_ERROR, TESS_ERROR_MODEL,
               "%s is not a sound PyTorch file: %s (byte %" G_GSIZE_FORMAT
               " of its pickle); fetch it again.",
               machine->path, what, (gsize) (machine->at - machine->begin));
  return FALSE;
}

static gboolean
fail_code (Machine *machine, const gchar *name)
{
  g_autofree gchar *valid = g_utf8_make_valid (name, MIN (strlen (name), 100));

  g_set_error (machine->error, TESS_ERROR, TESS_ERROR_MODEL,
               _ ("%s contains code (%s), which Tessera never runs; choose the "
                  "model's safetensors file."),
               machine->path, valid);
  return FALSE;
}

static gboolean
damaged (Machine *machine)
{
  return fail (machine, "it is damaged");
}

/* NULL when there would be too many. */
static TessPyValue *
new_value (Machine *machine, TessPyKind kind)
{
  TessPyValue *value;

  if (machine->pickle->values->len >= MAX_VALUES)
    {
      fail (machine, "it has more than %d values", MAX_VALUES);
      return NULL;
    }
  value = g_new0 (TessPyValue, 1);
  value->kind = kind;
  if (kind >= TESS_PY_TUPLE && kind != TESS_PY_GLOBAL && kind != TESS_PY_OPAQUE)
    value->items = g_ptr_array_new ();
  g_ptr_array_add (machine->pickle->values, value);
  return value;
}

/* A new value on top; NULL as above. */
static TessPyValue *
push (Machine *machine, TessPyKind kind)
{
  TessPyValue *value = new_value (machine, kind);

  if (value != NULL)
    g_ptr_array_add (machine->stack, value);
  return value;
}

static gboolean
push_number (Machine *machine, TessPyKind kind, gint64 number)
{
  TessPyValue *value = push (machine, kind);

  if (value != NULL)
    value->number = number;
  return value != NULL;
}

/* The value on top, taken off; NULL for a mark or nothing. */
static TessPyValue *
pop (Machine *machine)
{
  if (machine->stack->len == 0)
    return NULL;
  return g_ptr_array_steal_index (machine->stack, machine->stack->len - 1);
}

static TessPyValue *
top (Machine *machine)
{
  return machine->stack->len > 0
             ? g_ptr_array_index (machine->stack, machine->stack->len - 1)
             : NULL;
}

/* Where the values above the last mark begin, -1 without one. */
static gint
find_mark (Machine *machine)
{
  for (gint i = (gint) machine->stack->len - 1; i >= 0; i--)
    if (g_ptr_array_index (machine->stack, i) == NULL)
      return i + 1;
  return -1;
}

/* @n bytes of the program, NULL where there are fewer. */
static const guint8 *
take (Machine *machine, guint64 n)
{
  const guint8 *at = machine->at;

  if (n > (guint64) (machine->end - at))
    return NULL;
  machine->at += n;
  return at;
}

/* A little-endian number of @n bytes. */
static gboolean
take_number (Machine *machine, gint n, guint64 *number)
{
  const guint8 *at = take (machine, n);

  if (at == NULL)
    return FALSE;
  *number = 0;
  for (gint i = n - 1; i >= 0; i--)
    *number = *number << 8 | at[i];
  return TRUE;
}

static gboolean
push_text (Machine *machine, TessPyKind kind, gint n_length)
{
  guint64 length;
  const guint8 *at;
  TessPyValue *value;

  if (!take_number (machine, n_length, &length)
      || (at = take (machine, length)) == NULL)
    return damaged (machine);
  value = push (machine, kind);
  if (value == NULL)
    return FALSE;
  value->text = (const gchar *) at;
  value->length = length;
  return TRUE;
}

/* LONG1 and LONG4: two's complement; what does not fit is opaque. */
static gboolean
push_long (Machine *machine, gint n_length)
{
  guint64 length, number = 0;
  const guint8 *at;

  if (!take_number (machine, n_length, &length)
      || (at = take (machine, length)) == NULL)
    return damaged (machine);
  if (length > 8)
    return push (machine, TESS_PY_OPAQUE) != NULL;
  for (guint64 i = 0; i < length; i++)
    number |= (guint64) at[i] << (8 * i);
  if (length > 0 && length < 8 && at[length - 1] & 0x80)
    number |= G_MAXUINT64 << (8 * length);
  return push_number (machine, TESS_PY_INT, (gint64) number);
}

static gboolean
push_float (Machine *machine)
{
  const guint8 *at = take (machine, 8);
  guint64 bits = 0;
  TessPyValue *value;

  if (at == NULL)
    return damaged (machine);
  for (gint i = 0; i < 8; i++)
    bits = bits << 8 | at[i];
  value = push (machine, TESS_PY_FLOAT);
  if (value == NULL)
    return FALSE;
  memcpy (&value->real, &bits, sizeof bits);
  return TRUE;
}

static gboolean
is_known (const gchar *name, gsize length)
{
  for (guint i = 0; i < G_N_ELEMENTS (known_globals); i++)
    {
      gsize known = strlen (known_globals[i]);
      gboolean prefix = known_globals[i][known - 1] == '*';

      if (prefix
              ? length >= known - 1
                    && memcmp (name, known_globals[i], known - 1) == 0
              : length == known && memcmp (name, known_globals[i], known) == 0)
        return TRUE;
    }
  return FALSE;
}

static gboolean
push_global (Machine *machine,
             const gchar *module,
             gsize module_length,
             const gchar *name,
             gsize name_length)
{
  gchar *text = g_strdup_printf ("%.*s %.*s", (gint) module_length, module,
                                 (gint) name_length, name);
  TessPyValue *value;

  g_ptr_array_add (machine->pickle->texts, text);
  if (!is_known (text, strlen (text)))
    {
      g_autofree gchar *dotted = g_strdelimit (g_strdup (text), " ", '.');

      return fail_code (machine, dotted);
    }
  value = push (machine, TESS_PY_GLOBAL);
  if (value == NULL)
    return FALSE;
  value->text = text;
  value->length = strlen (text);
  return TRUE;
}

/* "module\nname\n" */
static gboolean
read_global (Machine *machine)
{
  const gchar *lines[2];
  gsize lengths[2];

  for (gint i = 0; i < 2; i++)
    {
      const guint8 *end
          = memchr (machine->at, '\n', machine->end - machine->at);

      if (end == NULL || end - machine->at > 1000)
        return damaged (machine);
      lines[i] = (const gchar *) machine->at;
      lengths[i] = end - machine->at;
      machine->at = end + 1;
    }
  return push_global (machine, lines[0], lengths[0], lines[1], lengths[1]);
}

static gboolean
read_stack_global (Machine *machine)
{
  TessPyValue *name = pop (machine), *module = pop (machine);

  if (name == NULL || module == NULL || name->kind != TESS_PY_STRING
      || module->kind != TESS_PY_STRING || name->length > 1000
      || module->length > 1000)
    return damaged (machine);
  return push_global (machine, module->text, module->length, name->text,
                      name->length);
}

/* A new container of the top @n values. */
static gboolean
collect (Machine *machine, TessPyKind kind, gint n)
{
  GPtrArray *stack = machine->stack;
  TessPyValue *value;

  if (n < 0 || (guint) n > stack->len || (kind == TESS_PY_DICT && n % 2 != 0))
    return damaged (machine);
  value = new_value (machine, kind);
  if (value == NULL)
    return FALSE;
  for (guint i = stack->len - n; i < stack->len; i++)
    {
      if (g_ptr_array_index (stack, i) == NULL)
        return damaged (machine);
      if (value->items != NULL)
        g_ptr_array_add (value->items, g_ptr_array_index (stack, i));
    }
  g_ptr_array_set_size (stack, stack->len - n);
  g_ptr_array_add (stack, value);
  return TRUE;
}

/* The same down to the last mark, which goes too. */
static gboolean
collect_marked (Machine *machine, TessPyKind kind)
{
  gint first = find_mark (machine);
  TessPyValue *value;

  if (first < 0)
    return damaged (machine);
  if (!collect (machine, kind, machine->stack->len - first))
    return FALSE;
  value = pop (machine);
  pop (machine); /* the mark */
  g_ptr_array_add (machine->stack, value);
  return TRUE;
}

/* The values from @first on go into the container below them (or its mark,
 * @n_marks), in pairs for a dict. Containers of other kinds swallow them. */
static gboolean
extend (Machine *machine, gint first, gint n_marks, TessPyKind kind)
{
  GPtrArray *stack = machine->stack;
  TessPyValue *container;
  gint n = (gint) stack->len - first;

  if (first - n_marks < 1 || n < 0)
    return damaged (machine);
  container = g_ptr_array_index (stack, first - n_marks - 1);
  if (container == NULL || (kind == TESS_PY_DICT && n % 2 != 0))
    return damaged (machine);
  for (gint i = first; i < (gint) stack->len; i++)
    if (g_ptr_array_index (stack, i) == NULL)
      return damaged (machine);
  if (container->kind == kind)
    for (gint i = first; i < (gint) stack->len; i++)
      g_ptr_array_add (container->items, g_ptr_array_index (stack, i));
  else if (container->kind != TESS_PY_OPAQUE && container->kind != TESS_PY_CALL)
    return damaged (machine);
  g_ptr_array_set_size (stack, first - n_marks);
  return TRUE;
}

/* A tuple may be used many times: only a few of its items are copied. */
static void
copy_items (TessPyValue *dst, const TessPyValue *src)
{
  for (guint i = 0; i < MIN (src->items->len, MAX_ARGUMENTS); i++)
    g_ptr_array_add (dst->items, g_ptr_array_index (src->items, i));
}

/* A call becomes a note of what it calls. An OrderedDict is a dict that is
 * filled afterwards. */
static gboolean
reduce (Machine *machine)
{
  TessPyValue *args = pop (machine), *callee = pop (machine), *value;

  if (args == NULL || callee == NULL || args->kind != TESS_PY_TUPLE)
    return damaged (machine);
  if (callee->kind != TESS_PY_GLOBAL)
    return fail_code (machine, "a call of a value");
  value = push (machine, tess_py_is (callee, "collections OrderedDict")
                             ? TESS_PY_DICT
                             : TESS_PY_CALL);
  if (value == NULL)
    return FALSE;
  if (value->kind == TESS_PY_CALL)
    {
      value->text = callee->text;
      value->length = callee->length;
      copy_items (value, args);
    }
  return TRUE;
}

static gboolean
persistent (Machine *machine)
{
  TessPyValue *id = pop (machine), *value;

  if (id == NULL || id->kind != TESS_PY_TUPLE)
    return damaged (machine);
  value = push (machine, TESS_PY_PERSISTENT);
  if (value != NULL)
    copy_items (value, id);
  return value != NULL;
}

/* An object by its class and arguments, or by its state: nobody asks. */
static gboolean
swallow (Machine *machine, gint n)
{
  for (gint i = 0; i < n; i++)
    if (pop (machine) == NULL)
      return damaged (machine);
  return push (machine, TESS_PY_OPAQUE) != NULL;
}

static gboolean
memo_put (Machine *machine, guint64 index)
{
  TessPyValue *value = top (machine);

  if (value == NULL)
    return damaged (machine);
  g_hash_table_insert (machine->memo, GUINT_TO_POINTER ((guint) index), value);
  return TRUE;
}

static gboolean
memo_get (Machine *machine, gint n_bytes)
{
  guint64 index;
  TessPyValue *value;

  if (!take_number (machine, n_bytes, &index))
    return damaged (machine);
  value = g_hash_table_lookup (machine->memo, GUINT_TO_POINTER ((guint) index));
  if (value == NULL)
    return damaged (machine);
  g_ptr_array_add (machine->stack, value);
  return TRUE;
}

static gboolean
read_put (Machine *machine, gint n_bytes)
{
  guint64 index;

  return take_number (machine, n_bytes, &index) ? memo_put (machine, index)
                                                : damaged (machine);
}

static gboolean
read_int (Machine *machine, gint n_bytes)
{
  guint64 number;

  if (!take_number (machine, n_bytes, &number))
    return damaged (machine);
  return push_number (machine, TESS_PY_INT,
                      n_bytes == 4 ? (gint32) number : (gint64) number);
}

static gboolean
drop (Machine *machine, guint n)
{
  if (machine->stack->len < n)
    return damaged (machine);
  g_ptr_array_set_size (machine->stack, machine->stack->len - n);
  return TRUE;
}

static gboolean
pop_marked (Machine *machine)
{
  gint first = find_mark (machine);

  return first < 0 ? damaged (machine)
                   : drop (machine, machine->stack->len - first + 1);
}

static gboolean
duplicate (Machine *machine)
{
  TessPyValue *value = top (machine);

  if (value == NULL)
    return damaged (machine);
  g_ptr_array_add (machine->stack, value);
  return TRUE;
}

/* One opcode; their names in Python's pickletools on the right. */
static gboolean
step (Machine *machine, guint8 opcode)
{
  gint n = (gint) machine->stack->len;

  switch (opcode)
    {
    case 0x80: /* PROTO */
      return take (machine, 1) != NULL || damaged (machine);
    case 0x95: /* FRAME */
      return take (machine, 8) != NULL || damaged (machine);
    case '(': /* MARK */
      g_ptr_array_add (machine->stack, NULL);
      return TRUE;
    case '0': /* POP */
      return drop (machine, 1);
    case '1': /* POP_MARK */
      return pop_marked (machine);
    case '2': /* DUP */
      return duplicate (machine);
    case 'N': /* NONE */
      return push (machine, TESS_PY_NONE) != NULL;
    case 0x88: /* NEWTRUE */
    case 0x89: /* NEWFALSE */
      return push_number (machine, TESS_PY_BOOL, opcode == 0x88);
    case 'J': /* BININT */
      return read_int (machine, 4);
    case 'K': /* BININT1 */
      return read_int (machine, 1);
    case 'M': /* BININT2 */
      return read_int (machine, 2);
    case 0x8a: /* LONG1 */
      return push_long (machine, 1);
    case 0x8b: /* LONG4 */
      return push_long (machine, 4);
    case 'G': /* BINFLOAT */
      return push_float (machine);
    case 'X': /* BINUNICODE */
      return push_text (machine, TESS_PY_STRING, 4);
    case 0x8c: /* SHORT_BINUNICODE */
      return push_text (machine, TESS_PY_STRING, 1);
    case 0x8d: /* BINUNICODE8 */
      return push_text (machine, TESS_PY_STRING, 8);
    case 'U': /* SHORT_BINSTRING */
    case 'C': /* SHORT_BINBYTES */
      return push_text (machine, opcode == 'U' ? TESS_PY_STRING : TESS_PY_BYTES,
                        1);
    case 'T': /* BINSTRING */
    case 'B': /* BINBYTES */
      return push_text (machine, opcode == 'T' ? TESS_PY_STRING : TESS_PY_BYTES,
                        4);
    case 0x8e: /* BINBYTES8 */
    case 0x96: /* BYTEARRAY8 */
      return push_text (machine, TESS_PY_BYTES, 8);
    case ')': /* EMPTY_TUPLE */
      return push (machine, TESS_PY_TUPLE) != NULL;
    case 0x85: /* TUPLE1 */
    case 0x86: /* TUPLE2 */
    case 0x87: /* TUPLE3 */
      return collect (machine, TESS_PY_TUPLE, opcode - 0x84);
    case 't': /* TUPLE */
      return collect_marked (machine, TESS_PY_TUPLE);
    case ']': /* EMPTY_LIST */
      return push (machine, TESS_PY_LIST) != NULL;
    case 'l': /* LIST */
      return collect_marked (machine, TESS_PY_LIST);
    case '}': /* EMPTY_DICT */
      return push (machine, TESS_PY_DICT) != NULL;
    case 'd': /* DICT */
      return collect_marked (machine, TESS_PY_DICT);
    case 0x8f: /* EMPTY_SET */
      return push (machine, TESS_PY_OPAQUE) != NULL;
    case 0x91: /* FROZENSET */
      return collect_marked (machine, TESS_PY_OPAQUE);
    case 'a': /* APPEND */
      return extend (machine, n - 1, 0, TESS_PY_LIST);
    case 'e':  /* APPENDS */
    case 0x90: /* ADDITEMS */
      return extend (machine, find_mark (machine), 1, TESS_PY_LIST);
    case 's': /* SETITEM */
      return extend (machine, n - 2, 0, TESS_PY_DICT);
    case 'u': /* SETITEMS */
      return extend (machine, find_mark (machine), 1, TESS_PY_DICT);
    case 'c': /* GLOBAL */
      return read_global (machine);
    case 0x93: /* STACK_GLOBAL */
      return read_stack_global (machine);
    case 'R': /* REDUCE */
      return reduce (machine);
    case 'Q': /* BINPERSID */
      return persistent (machine);
    case 'b': /* BUILD: the state is dropped, the object stays */
      return drop (machine, 1);
    case 0x81: /* NEWOBJ */
      return swallow (machine, 2);
    case 0x92: /* NEWOBJ_EX */
      return swallow (machine, 3);
    case 'q': /* BINPUT */
      return read_put (machine, 1);
    case 'r': /* LONG_BINPUT */
      return read_put (machine, 4);
    case 0x94: /* MEMOIZE */
      return memo_put (machine, g_hash_table_size (machine->memo));
    case 'h': /* BINGET */
      return memo_get (machine, 1);
    case 'j': /* LONG_BINGET */
      return memo_get (machine, 4);
    default:
      return fail (machine, "it has the unknown opcode 0x%02x", opcode);
    }
}

TessPickle *
tess_unpickle (GBytes *bytes, const gchar *path, GError **error)
{
  g_autoptr (TessPickle) pickle = g_new0 (TessPickle, 1);
  g_autoptr (GPtrArray) stack = g_ptr_array_new ();
  g_autoptr (GHashTable) memo = g_hash_table_new (NULL, NULL);
  Machine machine = {
    .path = path, .error = error, .pickle = pickle, .stack = stack, .memo = memo
  };
  gsize size;

  pickle->values = g_ptr_array_new_with_free_func (value_free);
  pickle->texts = g_ptr_array_new_with_free_func (g_free);
  machine.begin = machine.at = g_bytes_get_data (bytes, &size);
  machine.end = machine.begin + size;
  if (size > MAX_BYTES)
    {
      fail (&machine, "it has %" G_GSIZE_FORMAT " bytes", size);
      return NULL;
    }
  for (;;)
    {
      const guint8 *opcode = take (&machine, 1);

      if (opcode == NULL)
        {
          fail (&machine, "it is cut off");
          return NULL;
        }
      if (*opcode == '.') /* STOP */
        break;
      if (!step (&machine, *opcode))
        return NULL;
      /* DUP and GET make no values, but they fill the stack. */
      if (stack->len > 2 * MAX_VALUES)
        {
          fail (&machine, "its stack grows too deep");
          return NULL;
        }
    }
  pickle->root = pop (&machine);
  if (pickle->root == NULL)
    {
      damaged (&machine);
      return NULL;
    }
  return g_steal_pointer (&pickle);
}

gboolean
tess_py_is (const TessPyValue *value, const gchar *text)
{
  return (value->kind == TESS_PY_STRING || value->kind == TESS_PY_GLOBAL
          || value->kind == TESS_PY_CALL)
         && value->length == strlen (text)
         && memcmp (value->text, text, value->length) == 0;
}

const TessPyValue *
tess_py_get (const TessPyValue *dict, const gchar *key)
{
  if (dict->kind != TESS_PY_DICT)
    return NULL;
  for (guint i = 0; i + 1 < dict->items->len; i += 2)
    {
      const TessPyValue *candidate = g_ptr_array_index (dict->items, i);

      if (candidate->kind == TESS_PY_STRING && tess_py_is (candidate, key))
        return g_ptr_array_index (dict->items, i + 1);
    }
  return NULL;
}
