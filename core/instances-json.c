/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/instances-json.c: lists of instances as JSON. Strict, as job files are:
 * what is not known is refused by name. */
#include "core/instances-json.h"

#include "core/error.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#define MAX_INSTANCES 4096
#define MAX_NUMBERS (1 << 17) /* of a scribble */

typedef struct
{
  guint i; /* which instance, from 0 */
  const gchar *folder;
  GError **error;
} Reader;

static gboolean
refuse (const Reader *reader, const gchar *member, const gchar *wanted)
{
  g_set_error (reader->error, TESS_ERROR, TESS_ERROR_REQUEST,
               _ ("instance %u: \"%s\" must be %s"), reader->i + 1, member,
               wanted);
  return FALSE;
}

/* Numbers of a list, lists in it too. */
static gboolean
collect (JsonNode *node, GArray *numbers, gint depth)
{
  JsonArray *array;

  if (!JSON_NODE_HOLDS_ARRAY (node) || depth > 2)
    return FALSE;
  array = json_node_get_array (node);
  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      JsonNode *item = json_array_get_element (array, i);
      GType type = json_node_get_value_type (item);
      gdouble number;

      if (JSON_NODE_HOLDS_ARRAY (item))
        {
          if (!collect (item, numbers, depth + 1))
            return FALSE;
          continue;
        }
      if (!JSON_NODE_HOLDS_VALUE (item)
          || (type != G_TYPE_INT64 && type != G_TYPE_DOUBLE))
        return FALSE;
      number = json_node_get_double (item);
      if (!isfinite (number) || fabs (number) > 1e7
          || numbers->len >= MAX_NUMBERS)
        return FALSE;
      g_array_append_val (numbers, number);
    }
  return TRUE;
}

static gboolean
read_box (Reader *reader, JsonNode *node, TessInstance *instance)
{
  g_autoptr (GArray) numbers = g_array_new (FALSE, FALSE, sizeof (gdouble));
  const gdouble *n;

  if (!collect (node, numbers, 0) || numbers->len != 4)
    return refuse (reader, "box", "[x, y, width, height] in pixels");
  n = (const gdouble *) numbers->data;
  if (!(n[2] > 0.0 && n[3] > 0.0))
    return refuse (reader, "box", "wider and higher than 0");
  instance->has_box = TRUE;
  instance->box[0] = n[0];
  instance->box[1] = n[1];
  instance->box[2] = n[0] + n[2];
  instance->box[3] = n[1] + n[3];
  return TRUE;
}

static gboolean
read_point (Reader *reader, JsonNode *node, TessInstance *instance)
{
  g_autoptr (GArray) numbers = g_array_new (FALSE, FALSE, sizeof (gdouble));

  if (!collect (node, numbers, 0) || numbers->len != 2)
    return refuse (reader, "point", "[x, y] in pixels");
  instance->has_point = TRUE;
  memcpy (instance->point, numbers->data, sizeof instance->point);
  return TRUE;
}

static gboolean
read_scribble (Reader *reader, JsonNode *node, TessInstance *instance)
{
  g_clear_pointer (&instance->stroke, g_array_unref);
  instance->stroke = g_array_new (FALSE, FALSE, sizeof (gdouble));
  if (collect (node, instance->stroke, 0) && instance->stroke->len >= 2
      && instance->stroke->len % 2 == 0)
    return TRUE;
  return refuse (reader, "scribble", "[[x, y], [x, y], ...] in pixels");
}

static gboolean
read_strength (Reader *reader, JsonNode *node, TessInstance *instance)
{
  GType type = json_node_get_value_type (node);

  if (type != G_TYPE_INT64 && type != G_TYPE_DOUBLE)
    return refuse (reader, "strength", "a number");
  instance->strength = json_node_get_double (node);
  return TRUE;
}

static gboolean
read_member (Reader *reader,
             const gchar *name,
             JsonNode *node,
             TessInstance *instance)
{
  gboolean is_text = json_node_get_value_type (node) == G_TYPE_STRING;
  const gchar *text = is_text ? json_node_get_string (node) : NULL;

  if (g_str_equal (name, "box"))
    return read_box (reader, node, instance);
  if (g_str_equal (name, "point"))
    return read_point (reader, node, instance);
  if (g_str_equal (name, "scribble"))
    return read_scribble (reader, node, instance);
  if (g_str_equal (name, "strength"))
    return read_strength (reader, node, instance);
  if (g_str_equal (name, "text"))
    {
      if (!is_text)
        return refuse (reader, name, "a text");
      g_free (instance->text);
      instance->text = g_strdup (text);
      return TRUE;
    }
  if (g_str_equal (name, "mask"))
    {
      if (!is_text)
        return refuse (reader, name, "the name of a PNG file");
      g_free (instance->mask_path);
      instance->mask_path = reader->folder
                                ? g_canonicalize_filename (text, reader->folder)
                                : g_strdup (text);
      return TRUE;
    }
  g_set_error (
      reader->error, TESS_ERROR, TESS_ERROR_REQUEST,
      _ ("instance %u has an unknown member \"%s\"; known are text, box, "
         "point, scribble, mask and strength"),
      reader->i + 1, name);
  return FALSE;
}

gboolean
tess_instances_read (JsonNode *list,
                     const gchar *folder,
                     GPtrArray *dst,
                     GError **error)
{
  Reader reader = { .folder = folder, .error = error };
  JsonArray *array
      = JSON_NODE_HOLDS_ARRAY (list) ? json_node_get_array (list) : NULL;

  if (array == NULL || json_array_get_length (array) > MAX_INSTANCES)
    {
      g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
                   _ ("instances must be a list of at most %d objects"),
                   MAX_INSTANCES);
      return FALSE;
    }
  for (; reader.i < json_array_get_length (array); reader.i++)
    {
      JsonNode *node = json_array_get_element (array, reader.i);
      TessInstance *instance = tess_instance_new (NULL);
      JsonObjectIter iter;
      const gchar *name;
      JsonNode *member;

      g_ptr_array_add (dst, instance);
      if (!JSON_NODE_HOLDS_OBJECT (node))
        return refuse (&reader, "instances", "a list of objects");
      json_object_iter_init (&iter, json_node_get_object (node));
      while (json_object_iter_next (&iter, &name, &member))
        if (!read_member (&reader, name, member, instance))
          return FALSE;
      if (instance->text == NULL)
        return refuse (&reader, "text", "given");
      if (!instance->has_box && !instance->has_point && instance->stroke == NULL
          && instance->mask_path == NULL)
        return refuse (&reader, "box, point, scribble or mask", "given");
    }
  return TRUE;
}

static gboolean
parse_json (const gchar *json,
            const gchar *folder,
            GPtrArray *dst,
            GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (GError) local = NULL;
  JsonNode *root;

  if (!g_utf8_validate (json, -1, NULL)
      || !json_parser_load_from_data (parser, json, -1, &local)
      || (root = json_parser_get_root (parser)) == NULL)
    {
      g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
                   _ ("the instances are not JSON: %s"),
                   local ? local->message : "not UTF-8 text");
      return FALSE;
    }
  if (JSON_NODE_HOLDS_OBJECT (root)
      && json_object_has_member (json_node_get_object (root), "instances"))
    root = json_object_get_member (json_node_get_object (root), "instances");
  return tess_instances_read (root, folder, dst, error);
}

gboolean
tess_instances_parse (const gchar *text, GPtrArray *dst, GError **error)
{
  g_autofree gchar *json = NULL;
  g_autofree gchar *path = NULL;
  g_autofree gchar *folder = NULL;

  text += strspn (text, " \t\r\n");
  if (*text == '\0')
    return TRUE;
  if (*text == '[' || *text == '{')
    return parse_json (text, NULL, dst, error);
  path = g_canonicalize_filename (text, NULL);
  folder = g_path_get_dirname (path);
  return g_file_get_contents (path, &json, NULL, error)
         && parse_json (json, folder, dst, error);
}

static void
write_numbers (JsonBuilder *builder,
               const gchar *name,
               const gdouble *numbers,
               guint n)
{
  json_builder_set_member_name (builder, name);
  json_builder_begin_array (builder);
  for (guint i = 0; i < n; i++)
    json_builder_add_double_value (builder, numbers[i]);
  json_builder_end_array (builder);
}

void
tess_instances_write (const GPtrArray *instances, JsonBuilder *builder)
{
  json_builder_begin_array (builder);
  for (guint i = 0; i < instances->len; i++)
    {
      const TessInstance *instance = instances->pdata[i];
      const gdouble *box = instance->box;

      json_builder_begin_object (builder);
      json_builder_set_member_name (builder, "text");
      json_builder_add_string_value (builder, instance->text);
      if (instance->has_box)
        write_numbers (
            builder, "box",
            (gdouble[]) { box[0], box[1], box[2] - box[0], box[3] - box[1] },
            4);
      if (instance->has_point)
        write_numbers (builder, "point", instance->point, 2);
      if (instance->stroke)
        write_numbers (builder, "scribble",
                       (const gdouble *) instance->stroke->data,
                       instance->stroke->len);
      if (instance->mask_path)
        {
          json_builder_set_member_name (builder, "mask");
          json_builder_add_string_value (builder, instance->mask_path);
        }
      if (instance->strength != 1.0)
        {
          json_builder_set_member_name (builder, "strength");
          json_builder_add_double_value (builder, instance->strength);
        }
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
}
