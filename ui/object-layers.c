/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/object-layers.c: texts, places and paths of a group's layers. */
#include "ui/object-layers.h"

#include <string.h>
#include <glib/gi18n-lib.h>

#define OBJECT_PARASITE "tessera-object"
#define PLACE_PARASITE "tessera-place"
/* Pixels that an interpolated stroke may lie beside the path. */
#define PRECISION 1.0
#define N_POINT                                                                \
  6 /* numbers of a stroke of one anchor: handle, anchor, handle */

static const gchar *const nicks[TESS_N_PLACED]
    = { "auto", "box", "mask", "scribble", "point" };

/* " #12" and " copy" at the end are GIMP's, not the artist's. */
static gboolean
strip_suffix (gchar *name)
{
  gsize length = strlen (name);
  gchar *hash = strrchr (name, '#');

  if (g_str_has_suffix (name, " copy") && length > 5)
    {
      name[length - 5] = '\0';
      return TRUE;
    }
  if (hash && hash > name + 1 && hash[-1] == ' ' && hash[1]
      && strspn (hash + 1, "0123456789") == strlen (hash + 1))
    {
      hash[-1] = '\0';
      return TRUE;
    }
  return FALSE;
}

/* NULL: there is none. (transfer full) */
static gchar *
read_parasite (GimpItem *item, const gchar *name)
{
  GimpParasite *parasite = gimp_item_get_parasite (item, name);
  gconstpointer data;
  guint32 size;
  gchar *text;

  if (!parasite)
    return NULL;
  data = gimp_parasite_get_data (parasite, &size);
  text = g_strndup (data, size);
  gimp_parasite_free (parasite);
  if (*text && g_utf8_validate (text, -1, NULL))
    return text;
  g_free (text);
  return NULL;
}

static void
write_parasite (GimpItem *item, const gchar *name, const gchar *text)
{
  GimpParasite *parasite = gimp_parasite_new (
      name, GIMP_PARASITE_PERSISTENT | GIMP_PARASITE_UNDOABLE,
      (guint32) strlen (text), text);

  gimp_item_attach_parasite (item, parasite);
  gimp_parasite_free (parasite);
}

gchar *
tess_object_text (GimpItem *item)
{
  gchar *text = read_parasite (item, OBJECT_PARASITE);

  if (text)
    return text;
  text = gimp_item_get_name (item);
  while (strip_suffix (text))
    ;
  return text;
}

static GimpPath *
path_of (GimpItem *item)
{
  g_autofree gchar *name = gimp_item_get_name (item);

  return gimp_image_get_path_by_name (gimp_item_get_image (item), name);
}

gboolean
tess_object_set_text (GimpItem *item, const gchar *text)
{
  GimpImage *image = gimp_item_get_image (item);
  g_autofree gchar *trimmed = g_strstrip (g_strdup (text));
  g_autofree gchar *parasite = NULL;
  g_autofree gchar *name = NULL;
  GimpPath *path;

  if (!*trimmed)
    return FALSE;
  parasite = read_parasite (item, OBJECT_PARASITE);
  gimp_image_undo_group_start (image);
  if (parasite)
    write_parasite (item, OBJECT_PARASITE, trimmed);
  else
    {
      path = path_of (item);
      gimp_item_set_name (item, trimmed);
      /* It may have become "trimmed #1". */
      name = gimp_item_get_name (item);
      if (path)
        gimp_item_set_name (GIMP_ITEM (path), name);
    }
  gimp_image_undo_group_end (image);
  return TRUE;
}

TessPlaced
tess_object_placed (GimpItem *item)
{
  g_autofree gchar *nick = read_parasite (item, PLACE_PARASITE);

  for (gint i = 0; nick && i < TESS_N_PLACED; i++)
    if (strcmp (nick, nicks[i]) == 0)
      return (TessPlaced) i;
  return TESS_PLACED_AUTO;
}

void
tess_object_set_placed (GimpItem *item, TessPlaced placed)
{
  if (placed == TESS_PLACED_AUTO)
    gimp_item_detach_parasite (item, PLACE_PARASITE);
  else
    write_parasite (item, PLACE_PARASITE, nicks[placed]);
}

/* NULL: nothing is drawn. */
static GArray *
read_stroke (GimpPath *path, gint stroke, gboolean *anchor)
{
  g_autofree gdouble *points = NULL;
  g_autofree gdouble *ends = NULL;
  gsize n = 0, n_ends = 0;
  gboolean closed;
  GArray *line;

  gimp_path_stroke_get_points (path, stroke, &n_ends, &ends, &closed);
  *anchor = n_ends == N_POINT;
  if (n_ends < N_POINT)
    return NULL;
  line = g_array_new (FALSE, FALSE, sizeof (gdouble));
  if (!*anchor)
    points
        = gimp_path_stroke_interpolate (path, stroke, PRECISION, &n, &closed);
  if (points && n >= 2)
    g_array_append_vals (line, points, (guint) (n - n % 2));
  else
    g_array_append_vals (line, ends + 2, 2);
  return line;
}

GPtrArray *
tess_object_strokes (GimpItem *item, gboolean *anchor)
{
  GimpPath *path = path_of (item);
  g_autofree gint *ids = NULL;
  g_autoptr (GPtrArray) strokes = NULL;
  gsize n = 0;

  *anchor = FALSE;
  if (!path)
    return NULL;
  strokes = g_ptr_array_new_with_free_func ((GDestroyNotify) g_array_unref);
  ids = gimp_path_get_strokes (path, &n);
  for (gsize i = 0; i < n; i++)
    {
      gboolean single;
      GArray *line = read_stroke (path, ids[i], &single);

      if (!line)
        continue;
      g_ptr_array_add (strokes, line);
      *anchor = single && strokes->len == 1;
    }
  return strokes->len > 0 ? g_steal_pointer (&strokes) : NULL;
}

void
tess_object_strokes_bounds (const GPtrArray *strokes, gdouble bounds[4])
{
  bounds[0] = bounds[1] = G_MAXDOUBLE;
  bounds[2] = bounds[3] = -G_MAXDOUBLE;
  for (guint i = 0; i < strokes->len; i++)
    {
      const GArray *line = strokes->pdata[i];

      for (guint k = 0; k < line->len; k++)
        {
          gdouble v = g_array_index (line, gdouble, k);

          bounds[k % 2] = MIN (bounds[k % 2], v);
          bounds[k % 2 + 2] = MAX (bounds[k % 2 + 2], v);
        }
    }
}

TessPlaced
tess_object_resolve (TessPlaced placed,
                     const GPtrArray *strokes,
                     gboolean anchor,
                     gboolean full)
{
  if (placed != TESS_PLACED_AUTO)
    return placed;
  if (strokes)
    return anchor ? TESS_PLACED_POINT : TESS_PLACED_SCRIBBLE;
  return full ? TESS_PLACED_BOX : TESS_PLACED_MASK;
}

GimpItem *
tess_object_group (GimpImage *image, const gchar *wanted)
{
  g_autofree GimpLayer **layers = gimp_image_get_layers (image);

  for (gint i = 0; layers && layers[i]; i++)
    {
      g_autofree gchar *name = gimp_item_get_name (GIMP_ITEM (layers[i]));

      if (gimp_item_is_group (GIMP_ITEM (layers[i]))
          && g_ascii_strcasecmp (name, wanted) == 0)
        return GIMP_ITEM (layers[i]);
    }
  return NULL;
}
