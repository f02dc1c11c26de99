/* SPDX-License-Identifier: GPL-3.0-or-later
 * plugins/picture-write.c: from a result to a layer or an image. */
#include "plugins/picture.h"

#include <string.h>
#include <glib/gi18n-lib.h>
#include <json-glib/json-glib.h>
#include "core/enlarge.h"
#include "core/error.h"
#include "plugins/gpano.h"
#include "ui/object-layers.h"

#define STRIP 256
#define NAME_LENGTH 48
#define RECIPE_PARASITE "tessera-run"

/* The prompt's beginning on one line. */
static gchar *
layer_name (const TessPictureResult *result)
{
  const gchar *prompt = result->request->prompt;
  g_autofree gchar *line = g_strdup (prompt ? prompt : "");
  g_autofree gchar *cut = NULL;

  g_strdelimit (line, "\n\r\t", ' ');
  g_strstrip (line);
  if (*line == '\0')
    return g_strdup (result->from ? _ ("Enlarged") : "Tessera");
  if (g_utf8_strlen (line, -1) <= NAME_LENGTH)
    return g_steal_pointer (&line);
  cut = g_utf8_substring (line, 0, NAME_LENGTH - 1);
  return g_strconcat (g_strchomp (cut), "…", NULL);
}

/* The request is told by the core; around it who made the picture. */
static gchar *
recipe_json (const TessPictureResult *result)
{
  g_autofree gchar *text = tess_request_to_json (result->request);
  g_autoptr (JsonNode) request = json_from_string (text, NULL);
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "procedure");
  json_builder_add_string_value (builder, result->procedure);
  json_builder_set_member_name (builder, "version");
  json_builder_add_string_value (builder, TESS_VERSION);
  if (request)
    {
      json_builder_set_member_name (builder, "request");
      json_builder_add_value (builder, g_steal_pointer (&request));
    }
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  return json_to_string (root, TRUE);
}

static void
attach_recipe (GimpImage *image,
               GimpLayer *layer,
               const TessPictureResult *result)
{
  g_autofree gchar *json = NULL;
  GimpParasite *parasite;

  if (!result->keep_recipe)
    return;
  json = recipe_json (result);
  parasite = gimp_parasite_new (
      RECIPE_PARASITE, GIMP_PARASITE_PERSISTENT | GIMP_PARASITE_UNDOABLE,
      strlen (json) + 1, json);
  gimp_item_attach_parasite (GIMP_ITEM (layer), parasite);
  gimp_image_attach_parasite (image, parasite);
  gimp_parasite_free (parasite);
}

/* GIMP says why it refused. */
static void
set_gimp_error (GError **error, const gchar *what)
{
  g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST, "%s: %s", what,
               gimp_pdb_get_last_error (gimp_get_pdb ()));
}

/* A layer with the pixels of the result, not in the layer tree yet: writing to
 * it leaves no trace in the history. */
static GimpLayer *
make_layer (GimpImage *image,
            gboolean alpha,
            const TessPictureResult *result,
            GError **error)
{
  gboolean gray = gimp_image_get_base_type (image) == GIMP_GRAY;
  GimpImageType type = gray    ? alpha ? GIMP_GRAYA_IMAGE : GIMP_GRAY_IMAGE
                       : alpha ? GIMP_RGBA_IMAGE
                               : GIMP_RGB_IMAGE;
  g_autofree gchar *name = layer_name (result);
  GimpLayer *layer = gimp_layer_new (
      image, name, result->area.width, result->area.height, type, 100.0,
      gimp_image_get_default_new_layer_mode (image));
  g_autoptr (GeglBuffer) dst = NULL;

  if (!layer)
    {
      set_gimp_error (error, _ ("No layer could be made"));
      return NULL;
    }
  dst = gimp_drawable_get_buffer (GIMP_DRAWABLE (layer));
  for (gint y = 0; y < result->area.height; y += STRIP)
    {
      GeglRectangle strip
          = { 0, y, result->area.width, MIN (STRIP, result->area.height - y) };

      gegl_buffer_copy (result->result, &strip, GEGL_ABYSS_NONE, dst, &strip);
    }
  gegl_buffer_flush (dst);
  return layer;
}

/* Above the selected layer; never inside of a group whose layers name things,
 * where it would become one. */
static gboolean
insert_layer (GimpImage *image,
              GimpLayer *layer,
              const TessPictureResult *result)
{
  g_autofree GimpLayer **selected = gimp_image_get_selected_layers (image);
  const GimpItem *groups[] = { result->regions, result->instances,
                               tess_object_group (image, TESS_REGION_GROUP),
                               tess_object_group (image, TESS_INSTANCE_GROUP) };
  GimpItem *above = NULL, *parent = NULL;
  gint position = 0;

  if (selected && selected[0])
    above = GIMP_ITEM (selected[0]);
  for (GimpItem *item = above; item; item = gimp_item_get_parent (item))
    for (guint i = 0; i < G_N_ELEMENTS (groups); i++)
      if (item == groups[i])
        above = item;
  if (above)
    {
      parent = gimp_item_get_parent (above);
      position = gimp_image_get_item_position (image, above);
    }
  return gimp_image_insert_layer (
      image, layer, parent ? GIMP_LAYER (parent) : NULL, position);
}

/* The selection on a picture that is larger than what was selected: brought to
 * its size, soft edges and all. */
static void
fill_mask (GimpImage *image,
           GimpLayerMask *mask,
           const TessPictureResult *result)
{
  GeglRectangle from = *result->from, to = result->area;
  g_autoptr (GeglBuffer) src = gimp_drawable_get_buffer (
      GIMP_DRAWABLE (gimp_image_get_selection (image)));
  g_autoptr (GeglBuffer) dst = gimp_drawable_get_buffer (GIMP_DRAWABLE (mask));
  gsize n_src = (gsize) from.width * from.height;
  g_autofree gfloat *cells = g_try_new (gfloat, n_src);
  g_autofree gfloat *rows = g_new (gfloat, (gsize) STRIP * to.width);
  const TessEnlarged larger = {
    .src = cells,
    .channels = 1,
    .src_w = from.width,
    .src_h = from.height,
    .width = to.width,
    .height = to.height,
    .padded_w = to.width,
    .padded_h = to.height,
    .high = 1.0F,
  };

  if (!cells)
    return;
  gegl_buffer_get (src, &from, 1.0, babl_format ("Y float"), cells,
                   GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
  for (gint y = 0; y < to.height; y += STRIP)
    {
      const GeglRectangle strip
          = { 0, y, to.width, MIN (STRIP, to.height - y) };

      tess_enlarged_read (&larger, 0, y, strip.width, strip.height, rows);
      gegl_buffer_set (dst, &strip, 0, babl_format ("Y float"), rows,
                       GEGL_AUTO_ROWSTRIDE);
    }
  gegl_buffer_flush (dst);
}

/* Before the layer is in the image, so that it is one step with it. */
static void
add_mask (GimpImage *image, GimpLayer *layer, const TessPictureResult *result)
{
  GimpLayerMask *mask;

  if (result->whole || gimp_selection_is_empty (image))
    return;
  mask = gimp_layer_create_mask (layer, result->from ? GIMP_ADD_MASK_WHITE
                                                     : GIMP_ADD_MASK_SELECTION);
  if (!mask)
    return;
  if (result->from)
    fill_mask (image, mask, result);
  gimp_layer_add_mask (layer, mask);
  gimp_layer_set_edit_mask (layer, FALSE);
}

GimpLayer *
tess_picture_add_layer (GimpImage *image,
                        const TessPictureResult *result,
                        GError **error)
{
  GimpLayer *layer;
  gboolean inserted;

  if (!gimp_image_is_valid (image))
    {
      g_set_error_literal (error, TESS_ERROR, TESS_ERROR_REQUEST,
                           _ ("The image was closed: keep the picture as a "
                              "new image."));
      return NULL;
    }
  if (!tess_picture_check_mode (image, error))
    return NULL;
  layer = make_layer (image, TRUE, result, error);
  if (!layer)
    return NULL;

  gimp_image_undo_group_start (image);
  gimp_layer_set_offsets (layer, result->area.x, result->area.y);
  inserted = insert_layer (image, layer, result);
  if (inserted)
    {
      add_mask (image, layer, result);
      attach_recipe (image, layer, result);
    }
  gimp_image_undo_group_end (image);

  if (!inserted)
    {
      set_gimp_error (error, _ ("The layer could not be added"));
      gimp_item_delete (GIMP_ITEM (layer));
      return NULL;
    }
  return layer;
}

/* @image without its layers, as large as the picture: mode, precision, profile
 * and metadata are its own, channels, paths and guides grow with it. */
static GimpImage *
empty_copy (GimpImage *image, const TessPictureResult *result)
{
  const GeglRectangle *from = result->from, *to = &result->area;
  GimpImage *copy = gimp_image_duplicate (image);
  g_autofree GimpLayer **layers = NULL;

  if (!copy)
    return NULL;
  gimp_image_undo_disable (copy);
  gimp_selection_none (copy);
  layers = gimp_image_get_layers (copy);
  for (gint i = 0; layers && layers[i]; i++)
    gimp_image_remove_layer (copy, layers[i]);
  if (gimp_image_get_base_type (copy) == GIMP_INDEXED)
    gimp_image_convert_rgb (copy);
  gimp_image_resize (copy, from->width, from->height, -from->x, -from->y);
  gimp_image_scale (copy, to->width, to->height);
  tess_gpano_scale (copy, (gdouble) to->width / from->width,
                    (gdouble) to->height / from->height);
  return copy;
}

static GimpImage *
empty_image (GimpImage *image, const TessPictureResult *result)
{
  GimpImage *made;

  if (result->from && image && gimp_image_is_valid (image))
    return empty_copy (image, result);
  made = gimp_image_new (result->area.width, result->area.height, GIMP_RGB);
  if (made)
    gimp_image_undo_disable (made);
  return made;
}

GimpImage *
tess_picture_new_image (GimpImage *image,
                        const TessPictureResult *result,
                        GError **error)
{
  gboolean alpha
      = babl_format_has_alpha (gegl_buffer_get_format (result->result)) != 0;
  GimpImage *made = empty_image (image, result);
  GimpLayer *layer;

  if (!made)
    {
      set_gimp_error (error, _ ("No image could be made"));
      return NULL;
    }
  layer = make_layer (made, alpha, result, error);
  if (!layer || !gimp_image_insert_layer (made, layer, NULL, 0))
    {
      if (layer)
        set_gimp_error (error, _ ("The layer could not be added"));
      gimp_image_delete (made);
      return NULL;
    }
  attach_recipe (made, layer, result);
  gimp_image_undo_enable (made);
  gimp_image_clean_all (made);
  return made;
}
