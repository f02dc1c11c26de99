/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/request-json.c: job files. Strict: what is not known, or of another
 * type, is refused by name, so that a slip does not go unseen. */
#include "core/request.h"

#include "core/error.h"
#include "core/instances-json.h"

#include <glib/gi18n-lib.h>
#include <json-glib/json-glib.h>
#include <math.h>

typedef struct
{
  TessRequest *request;
  const gchar *folder;
  GError **error;
} Reader;

static gboolean
refuse (Reader *reader, const gchar *member, const gchar *wanted)
{
  g_set_error (reader->error, TESS_ERROR, TESS_ERROR_REQUEST,
               _ ("\"%s\" in the job file must be %s"), member, wanted);
  return FALSE;
}

static gboolean
is_string (JsonNode *node)
{
  return json_node_get_value_type (node) == G_TYPE_STRING;
}

static gboolean
is_number (JsonNode *node)
{
  return json_node_get_value_type (node) == G_TYPE_INT64
         || json_node_get_value_type (node) == G_TYPE_DOUBLE;
}

static gchar *
resolve (Reader *reader, const gchar *path)
{
  if (reader->folder == NULL)
    return g_strdup (path);
  return g_canonicalize_filename (path, reader->folder);
}

/* A model may also be a name; it is a path where there is such a file. */
static gchar *
resolve_model (Reader *reader, const gchar *path)
{
  g_autofree gchar *resolved = resolve (reader, path);

  if (g_file_test (resolved, G_FILE_TEST_EXISTS))
    return g_steal_pointer (&resolved);
  return g_strdup (path);
}

static gboolean
read_field (Reader *reader, const TessRequestField *field, JsonNode *node)
{
  g_autofree gchar *text = NULL;

  switch (field->kind)
    {
    case TESS_FIELD_TEXT:
    case TESS_FIELD_PATH:
    case TESS_FIELD_CHOICE:
      if (!is_string (node))
        return refuse (reader, field->name, "a text");
      break;
    case TESS_FIELD_SIZE:
      if (!is_string (node) && !is_number (node))
        return refuse (reader, field->name, "a number of bytes");
      break;
    default:
      if (!is_number (node))
        return refuse (reader, field->name, "a number");
    }
  if (is_string (node))
    text = json_node_dup_string (node);
  else if (json_node_get_value_type (node) == G_TYPE_INT64)
    text = g_strdup_printf ("%" G_GINT64_FORMAT, json_node_get_int (node));
  else
    {
      gchar buffer[G_ASCII_DTOSTR_BUF_SIZE];

      text = g_strdup (
          g_ascii_dtostr (buffer, sizeof buffer, json_node_get_double (node)));
    }
  if (field->kind == TESS_FIELD_PATH)
    {
      gchar *path = g_str_equal (field->name, "model")
                        ? resolve_model (reader, text)
                        : resolve (reader, text);

      g_free (text);
      text = path;
    }
  return tess_request_set (reader->request, field->name, text, reader->error);
}

/* The object's members must be among @known; each that is there a string or,
 * where the name is @number, a number. */
static gboolean
check_object (Reader *reader,
              const gchar *list,
              JsonNode *node,
              const gchar *const *known,
              const gchar *number)
{
  JsonObjectIter iter;
  const gchar *name;
  JsonNode *member;

  if (!JSON_NODE_HOLDS_OBJECT (node))
    return refuse (reader, list, "a list of objects");
  json_object_iter_init (&iter, json_node_get_object (node));
  while (json_object_iter_next (&iter, &name, &member))
    {
      g_autofree gchar *full = g_strdup_printf ("%s.%s", list, name);

      if (!g_strv_contains (known, name))
        {
          g_set_error (reader->error, TESS_ERROR, TESS_ERROR_REQUEST,
                       _ ("the job file has an unknown member \"%s\""), full);
          return FALSE;
        }
      if (number && g_str_equal (name, number) ? !is_number (member)
                                               : !is_string (member))
        return refuse (reader, full,
                       number && g_str_equal (name, number) ? "a number"
                                                            : "a text");
    }
  return TRUE;
}

static gboolean
read_lora (Reader *reader, JsonNode *node)
{
  static const gchar *const known[] = { "path", "strength", NULL };
  g_autofree gchar *path = NULL;
  JsonObject *object;

  if (!check_object (reader, "loras", node, known, "strength"))
    return FALSE;
  object = json_node_get_object (node);
  if (!json_object_has_member (object, "path"))
    return refuse (reader, "loras.path", "given");
  path = resolve (reader, json_object_get_string_member (object, "path"));
  tess_request_add_lora (
      reader->request, path,
      json_object_get_double_member_with_default (object, "strength", 1.0));
  return TRUE;
}

static gboolean
read_region (Reader *reader, JsonNode *node)
{
  static const gchar *const known[] = { "prompt", "negative", "mask", NULL };
  g_autofree gchar *path = NULL;
  JsonObject *object;

  if (!check_object (reader, "regions", node, known, NULL))
    return FALSE;
  object = json_node_get_object (node);
  if (!json_object_has_member (object, "prompt"))
    return refuse (reader, "regions.prompt", "given");
  if (!json_object_has_member (object, "mask"))
    return refuse (reader, "regions.mask", "given");
  path = resolve (reader, json_object_get_string_member (object, "mask"));
  tess_request_add_region (
      reader->request, json_object_get_string_member (object, "prompt"),
      json_object_get_string_member_with_default (object, "negative", NULL),
      NULL, path);
  return TRUE;
}

static gboolean
read_list (Reader *reader,
           const gchar *name,
           JsonNode *node,
           gboolean (*read) (Reader *, JsonNode *))
{
  JsonArray *array;

  if (!JSON_NODE_HOLDS_ARRAY (node))
    return refuse (reader, name, "a list of objects");
  array = json_node_get_array (node);
  for (guint i = 0; i < json_array_get_length (array); i++)
    if (!read (reader, json_array_get_element (array, i)))
      return FALSE;
  return TRUE;
}

static gboolean
read_member (Reader *reader, const gchar *name, JsonNode *node)
{
  guint n;
  const TessRequestField *fields = tess_request_fields (&n);

  for (guint i = 0; i < n; i++)
    if (g_str_equal (fields[i].name, name))
      return read_field (reader, &fields[i], node);
  if (g_str_equal (name, "loras"))
    return read_list (reader, name, node, read_lora);
  if (g_str_equal (name, "regions"))
    return read_list (reader, name, node, read_region);
  if (g_str_equal (name, "instances"))
    return tess_instances_read (node, reader->folder,
                                reader->request->instances, reader->error);
  if (g_str_equal (name, "tessera")) /* the version that wrote it */
    return TRUE;
  g_set_error (reader->error, TESS_ERROR, TESS_ERROR_REQUEST,
               _ ("the job file has an unknown member \"%s\""), name);
  return FALSE;
}

TessRequest *
tess_request_from_json (const gchar *json, const gchar *folder, GError **error)
{
  g_autoptr (TessRequest) request = tess_request_new ();
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (GError) local = NULL;
  Reader reader = { request, folder, error };
  JsonObjectIter iter;
  const gchar *name;
  JsonNode *root, *node;

  if (!g_utf8_validate (json, -1, NULL)
      || !json_parser_load_from_data (parser, json, -1, &local))
    {
      g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
                   _ ("the job file is not JSON: %s"),
                   local ? local->message : "not UTF-8 text");
      return NULL;
    }
  root = json_parser_get_root (parser);
  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    {
      g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
                   _ ("the job file must be one JSON object"));
      return NULL;
    }
  json_object_iter_init (&iter, json_node_get_object (root));
  while (json_object_iter_next (&iter, &name, &node))
    if (!read_member (&reader, name, node))
      return NULL;
  if (!tess_request_check (request, error))
    return NULL;
  return g_steal_pointer (&request);
}

static const gchar *
choice_nick (const TessRequestField *field, gint value)
{
  for (const TessChoice *c = field->choices; c->nick; c++)
    if (c->value == value)
      return c->nick;
  return field->choices[0].nick;
}

static void
write_field (JsonBuilder *builder,
             const TessRequestField *field,
             const TessRequest *request)
{
  gconstpointer at = G_STRUCT_MEMBER_P (request, field->offset);
  const gchar *text = NULL;

  if (field->kind == TESS_FIELD_TEXT || field->kind == TESS_FIELD_PATH)
    {
      text = *(gchar *const *) at;
      if (text == NULL)
        return;
    }
  json_builder_set_member_name (builder, field->name);
  switch (field->kind)
    {
    case TESS_FIELD_TEXT:
    case TESS_FIELD_PATH:
      json_builder_add_string_value (builder, text);
      break;
    case TESS_FIELD_CHOICE:
      json_builder_add_string_value (builder,
                                     choice_nick (field, *(const gint *) at));
      break;
    case TESS_FIELD_INT:
      json_builder_add_int_value (builder, *(const gint *) at);
      break;
    case TESS_FIELD_INT64:
      json_builder_add_int_value (builder, *(const gint64 *) at);
      break;
    case TESS_FIELD_SIZE:
      json_builder_add_int_value (builder, (gint64) * (const gsize *) at);
      break;
    case TESS_FIELD_REAL:
      json_builder_add_double_value (builder, *(const gdouble *) at);
      break;
    }
}

static void
write_text (JsonBuilder *builder, const gchar *name, const gchar *text)
{
  if (text == NULL)
    return;
  json_builder_set_member_name (builder, name);
  json_builder_add_string_value (builder, text);
}

static void
write_lists (JsonBuilder *builder, const TessRequest *request)
{
  if (request->loras->len > 0)
    {
      json_builder_set_member_name (builder, "loras");
      json_builder_begin_array (builder);
      for (guint i = 0; i < request->loras->len; i++)
        {
          const TessLora *lora = request->loras->pdata[i];

          json_builder_begin_object (builder);
          write_text (builder, "path", lora->path);
          json_builder_set_member_name (builder, "strength");
          json_builder_add_double_value (builder, lora->strength);
          json_builder_end_object (builder);
        }
      json_builder_end_array (builder);
    }
  if (request->regions->len > 0)
    {
      json_builder_set_member_name (builder, "regions");
      json_builder_begin_array (builder);
      for (guint i = 0; i < request->regions->len; i++)
        {
          const TessRegion *region = request->regions->pdata[i];

          json_builder_begin_object (builder);
          write_text (builder, "prompt", region->prompt);
          write_text (builder, "negative", region->negative);
          write_text (builder, "mask", region->mask_path);
          json_builder_end_object (builder);
        }
      json_builder_end_array (builder);
    }
  if (request->instances->len > 0)
    {
      json_builder_set_member_name (builder, "instances");
      tess_instances_write (request->instances, builder);
    }
}

gchar *
tess_request_to_json (const TessRequest *request)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;
  guint n;
  const TessRequestField *fields = tess_request_fields (&n);

  json_builder_begin_object (builder);
  write_text (builder, "tessera", TESS_VERSION);
  for (guint i = 0; i < n; i++)
    write_field (builder, &fields[i], request);
  write_lists (builder, request);
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  return json_to_string (root, TRUE);
}
