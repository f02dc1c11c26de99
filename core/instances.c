/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/instances.c: what each tile is told of the things on a canvas. */
#include "core/instances.h"

#include "core/error.h"
#include "core/instance-formats.h"
#include "core/png-file.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

TessInstance *
tess_instance_new (const gchar *text)
{
  TessInstance *instance = g_new0 (TessInstance, 1);

  instance->text = g_strdup (text);
  instance->strength = 1.0;
  return instance;
}

TessInstance *
tess_instance_dup (const TessInstance *instance)
{
  TessInstance *copy = g_memdup2 (instance, sizeof *instance);

  copy->text = g_strdup (instance->text);
  copy->mask_path = g_strdup (instance->mask_path);
  if (copy->stroke)
    g_array_ref (copy->stroke);
  if (copy->mask)
    g_object_ref (copy->mask);
  return copy;
}

void
tess_instance_free (TessInstance *instance)
{
  if (instance == NULL)
    return;
  g_free (instance->text);
  g_free (instance->mask_path);
  g_clear_pointer (&instance->stroke, g_array_unref);
  g_clear_object (&instance->mask);
  g_free (instance);
}

void
tess_instance_scale (TessInstance *instance, gdouble x, gdouble y)
{
  for (gint i = 0; i < 4; i++)
    instance->box[i] *= i % 2 == 0 ? x : y;
  instance->point[0] *= x;
  instance->point[1] *= y;
  if (instance->stroke)
    {
      GArray *stroke = g_array_copy (instance->stroke);

      for (guint i = 0; i < stroke->len; i++)
        g_array_index (stroke, gdouble, i) *= i % 2 == 0 ? x : y;
      g_array_unref (instance->stroke);
      instance->stroke = stroke;
    }
}

/* --- an instance made ready ---------------------------------------------- */

typedef struct
{
  const TessInstance *given;
  gint x, y; /* of mask's corner on the canvas */
  TessMask mask;
  guint8 *cells;  /* mask's; NULL: none */
  GArray *stroke; /* dense; may be NULL */
} Ready;

static void
ready_clear (gpointer data)
{
  Ready *ready = data;

  g_free (ready->cells);
  g_clear_pointer (&ready->stroke, g_array_unref);
}

/* The part of the canvas that is in the mask. */
static gboolean
read_mask (const TessInstancePlace *place, Ready *ready, GError **error)
{
  const TessInstance *given = ready->given;
  g_autoptr (GeglBuffer) buffer
      = given->mask ? g_object_ref (given->mask)
                    : tess_png_load (given->mask_path, TESS_PNG_MASK, error);
  g_autofree gfloat *values = NULL;
  g_autofree guint8 *all = NULL;
  GeglRectangle rect;
  TessMask whole = { place->width, place->height, NULL };
  gint bounds[4];

  if (buffer == NULL)
    return FALSE;
  rect = *gegl_buffer_get_extent (buffer);
  values = g_new (gfloat, (gsize) rect.width * rect.height);
  gegl_buffer_get (buffer, &rect, 1.0, babl_format ("Y float"), values,
                   GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
  all = g_new (guint8, (gsize) whole.w * whole.h);
  for (gint y = 0; y < whole.h; y++)
    for (gint x = 0; x < whole.w; x++)
      all[(gsize) y * whole.w + x]
          = values[(gint64) y * rect.height / whole.h * rect.width
                   + (gint64) x * rect.width / whole.w]
            > 0.5f;
  whole.cells = all;
  if (!tess_mask_bounds (&whole, bounds))
    {
      g_set_error (
          error, TESS_ERROR, TESS_ERROR_REQUEST,
          _ ("the mask of \"%s\" is empty; paint where it is to be, or "
             "leave it out"),
          given->text);
      return FALSE;
    }
  ready->x = bounds[0];
  ready->y = bounds[1];
  ready->mask.w = bounds[2] - bounds[0];
  ready->mask.h = bounds[3] - bounds[1];
  ready->cells = g_new (guint8, (gsize) ready->mask.w * ready->mask.h);
  for (gint y = 0; y < ready->mask.h; y++)
    memcpy (ready->cells + (gsize) y * ready->mask.w,
            all + (gsize) (bounds[1] + y) * whole.w + bounds[0], ready->mask.w);
  ready->mask.cells = ready->cells;
  return TRUE;
}

/* Points of a stroke at most a cell apart. */
static GArray *
dense_stroke (const GArray *stroke, gint step)
{
  GArray *dense = g_array_new (FALSE, FALSE, sizeof (gdouble));
  const gdouble *p = (const gdouble *) stroke->data;

  for (guint i = 0; i + 1 < stroke->len; i += 2)
    {
      const gdouble *from = p + (i > 0 ? i - 2 : i), *to = p + i;
      gdouble length = hypot (to[0] - from[0], to[1] - from[1]);
      gint n = CLAMP ((gint) ceil (length / step), 1, 1 << 16);

      for (gint k = 1; k <= n; k++)
        {
          gdouble point[] = { from[0] + (to[0] - from[0]) * k / n,
                              from[1] + (to[1] - from[1]) * k / n };

          g_array_append_vals (dense, point, 2);
        }
    }
  return dense;
}

static gboolean
make_ready (const TessInstance *given,
            const TessInstancePlace *place,
            Ready *ready,
            GError **error)
{
  *ready = (Ready) { .given = given };
  if (given->text == NULL
      || given->text[strspn (given->text, " \t\r\n")] == '\0')
    {
      g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
                   _ ("an instance has no text; write what it shall be"));
      return FALSE;
    }
  if (!(given->strength > 0.0 && given->strength <= TESS_STRONGEST))
    {
      g_set_error (
          error, TESS_ERROR, TESS_ERROR_REQUEST,
          _ ("the strength of \"%s\" is %g; take more than 0, at most %g"),
          given->text, given->strength, TESS_STRONGEST);
      return FALSE;
    }
  if (given->mask || given->mask_path)
    return read_mask (place, ready, error);
  if (given->stroke && given->stroke->len >= 2)
    ready->stroke = dense_stroke (given->stroke, place->factor);
  else if (!given->has_box && !given->has_point)
    {
      g_set_error (
          error, TESS_ERROR, TESS_ERROR_REQUEST,
          _ ("\"%s\" has no place; give it a box, a point, a scribble or "
             "a mask"),
          given->text);
      return FALSE;
    }
  return TRUE;
}

/* --- what a tile sees ---------------------------------------------------- */

typedef struct
{
  const TessInstancePlace *place;
  GArray *ready; /* of Ready */
  TessInstances *result;
  gboolean scribbles; /* some instance has one */
} Maker;

/* A tile in pixels, and by how much the canvas repeats. */
typedef struct
{
  gdouble x, y, w, h;
  gint period_x, period_y; /* 0: it does not */
} Frame;

static Frame
frame_of (const TessInstancePlace *place, gint i)
{
  TessTile tile = tess_tile_plan_tile (place->plan, i);
  gint f = place->factor;

  return (Frame) {
    .x = tile.x * f,
    .y = tile.y * f,
    .w = tile.w * f,
    .h = tile.h * f,
    .period_x = place->plan->wrap_x ? place->plan->width * f : 0,
    .period_y = place->plan->wrap_y ? place->plan->height * f : 0,
  };
}

static gpointer
keep (Maker *maker, gpointer data)
{
  g_ptr_array_add (maker->result->owned, data);
  return data;
}

static gint
wrapped (gint x, gint period)
{
  return period > 0 ? ((x % period) + period) % period : x;
}

/* The mask as the tile sees it; NULL: nothing of it. (transfer full) */
static guint8 *
look_at_mask (const Maker *maker, const Ready *ready, const Frame *frame)
{
  gint side = maker->place->config->mask_side;
  guint8 *cells = g_new0 (guint8, (gsize) side * side);
  gboolean any = FALSE;

  for (gint sy = 0; sy < side; sy++)
    {
      gint y = (gint) (frame->y + (sy + 0.5) * frame->h / side);

      y = wrapped (y, frame->period_y) - ready->y;
      if (y < 0 || y >= ready->mask.h)
        continue;
      for (gint sx = 0; sx < side; sx++)
        {
          gint x = (gint) (frame->x + (sx + 0.5) * frame->w / side);

          x = wrapped (x, frame->period_x) - ready->x;
          if (x < 0 || x >= ready->mask.w)
            continue;
          cells[sy * side + sx] = ready->cells[(gsize) y * ready->mask.w + x];
          any |= cells[sy * side + sx];
        }
    }
  if (any)
    return cells;
  g_free (cells);
  return NULL;
}

static gfloat *
scaled (Maker *maker, gfloat *points, gint n, gdouble side)
{
  for (gint i = 0; i < 2 * n; i++)
    points[i] = (gfloat) MIN (points[i] / side, 1.0);
  return keep (maker, points);
}

static gboolean
slot_of_mask (Maker *maker,
              const Ready *ready,
              const Frame *frame,
              TessSlot *slot)
{
  const TessInstanceConfig *config = maker->place->config;
  gint side = config->mask_side, bounds[4];
  guint8 *cells = look_at_mask (maker, ready, frame);
  TessMask mask = { side, side, cells };
  gfloat *polygon;

  if (cells == NULL)
    return FALSE;
  slot->mask = keep (maker, cells);
  tess_mask_bounds (&mask, bounds);
  for (gint i = 0; i < 4; i++)
    slot->box[i] = (gfloat) bounds[i] / side;
  polygon = g_new (gfloat, 2 * config->n_polygon);
  tess_mask_polygon (&mask, config->n_polygon, NULL, NULL, polygon);
  slot->polygon = scaled (maker, polygon, config->n_polygon, side);
  if (maker->scribbles)
    {
      gfloat *scribble = g_new (gfloat, 2 * config->n_scribble);

      tess_mask_scribble (&mask, config->n_scribble, NULL, NULL, scribble);
      slot->scribble = scaled (maker, scribble, config->n_scribble, side);
    }
  return TRUE;
}

/* Where the canvas repeats an instance may be seen from either side: calls
 * @look for each, keeps the largest box. */
typedef gboolean (*Look) (Maker *maker,
                          const Ready *ready,
                          const Frame *frame,
                          gdouble dx,
                          gdouble dy,
                          TessSlot *slot);

static gdouble
area_of (const TessSlot *slot)
{
  return (slot->box[2] - slot->box[0]) * (slot->box[3] - slot->box[1]);
}

static gboolean
look_around (Maker *maker,
             const Ready *ready,
             const Frame *frame,
             Look look,
             TessSlot *slot)
{
  gboolean found = FALSE;

  for (gint i = 0; i < 9; i++)
    {
      gdouble dx = (i % 3 - 1) * frame->period_x;
      gdouble dy = (i / 3 - 1) * frame->period_y;
      TessSlot other = { 0 };

      if ((i % 3 != 1 && frame->period_x == 0)
          || (i / 3 != 1 && frame->period_y == 0)
          || !look (maker, ready, frame, dx, dy, &other)
          || (found && area_of (&other) <= area_of (slot)))
        continue;
      *slot = other;
      found = TRUE;
    }
  return found;
}

static gboolean
look_at_box (Maker *maker,
             const Ready *ready,
             const Frame *frame,
             gdouble dx,
             gdouble dy,
             TessSlot *slot)
{
  const gdouble *box = ready->given->box;

  slot->box[0] = (gfloat) CLAMP ((box[0] + dx - frame->x) / frame->w, 0, 1);
  slot->box[1] = (gfloat) CLAMP ((box[1] + dy - frame->y) / frame->h, 0, 1);
  slot->box[2] = (gfloat) CLAMP ((box[2] + dx - frame->x) / frame->w, 0, 1);
  slot->box[3] = (gfloat) CLAMP ((box[3] + dy - frame->y) / frame->h, 0, 1);
  return area_of (slot) > 0.0;
}

static gboolean
look_at_point (Maker *maker,
               const Ready *ready,
               const Frame *frame,
               gdouble dx,
               gdouble dy,
               TessSlot *slot)
{
  gdouble x = (ready->given->point[0] + dx - frame->x) / frame->w;
  gdouble y = (ready->given->point[1] + dy - frame->y) / frame->h;

  slot->point[0] = (gfloat) x;
  slot->point[1] = (gfloat) y;
  return x >= 0.0 && x < 1.0 && y >= 0.0 && y < 1.0;
}

static gboolean
look_at_stroke (Maker *maker,
                const Ready *ready,
                const Frame *frame,
                gdouble dx,
                gdouble dy,
                TessSlot *slot)
{
  const gdouble *stroke = (const gdouble *) ready->stroke->data;
  gint n_points = (gint) ready->stroke->len / 2, n = 0;
  gint n_scribble = maker->place->config->n_scribble;
  g_autofree gfloat *inside = g_new (gfloat, 2 * n_points);
  gfloat *scribble;

  slot->box[0] = slot->box[1] = 1.0f;
  for (gint i = 0; i < n_points; i++)
    {
      gfloat x = (gfloat) ((stroke[2 * i] + dx - frame->x) / frame->w);
      gfloat y = (gfloat) ((stroke[2 * i + 1] + dy - frame->y) / frame->h);

      if (x < 0.0f || x >= 1.0f || y < 0.0f || y >= 1.0f)
        continue;
      inside[2 * n] = x;
      inside[2 * n++ + 1] = y;
      slot->box[0] = MIN (slot->box[0], x);
      slot->box[1] = MIN (slot->box[1], y);
      slot->box[2] = MAX (slot->box[2], x);
      slot->box[3] = MAX (slot->box[3], y);
    }
  if (n == 0)
    return FALSE;
  /* A straight stroke still is a box: half a cell to each side. */
  for (gint i = 0; i < 4; i++)
    {
      gdouble half
          = 0.5 * maker->place->factor / (i % 2 == 0 ? frame->w : frame->h);

      slot->box[i]
          = (gfloat) CLAMP (slot->box[i] + (i < 2 ? -half : half), 0, 1);
    }
  scribble = keep (maker, g_new (gfloat, 2 * n_scribble));
  tess_stroke_resample (inside, n, n_scribble, scribble);
  slot->scribble = scribble;
  return TRUE;
}

/* FALSE: the tile has nothing of it. */
static gboolean
make_slot (Maker *maker, gint k, gint tile, TessSlot *slot)
{
  const Ready *ready = &g_array_index (maker->ready, Ready, k);
  Frame frame = frame_of (maker->place, tile);
  TessSlot point = { 0 };
  gboolean found;

  *slot = (TessSlot) { 0 };
  if (ready->cells)
    found = slot_of_mask (maker, ready, &frame, slot);
  else if (ready->stroke)
    found = look_around (maker, ready, &frame, look_at_stroke, slot);
  else if (ready->given->has_box)
    found = look_around (maker, ready, &frame, look_at_box, slot);
  else
    {
      found = TRUE;
      slot->without = TESS_FORMAT_BOX;
    }
  slot->point[0] = 0.5f * (slot->box[0] + slot->box[2]);
  slot->point[1] = 0.5f * (slot->box[1] + slot->box[3]);
  if (ready->given->has_point
      && look_around (maker, ready, &frame, look_at_point, &point))
    memcpy (slot->point, point.point, sizeof slot->point);
  else if (slot->without & TESS_FORMAT_BOX)
    found = FALSE;
  slot->used = TRUE;
  slot->bias = (gfloat) log (ready->given->strength);
  slot->text
      = maker->result->texts + (gsize) k * maker->place->config->text_width;
  return found;
}

/* --- sets ---------------------------------------------------------------- */

static gint32
add_set (Maker *maker, const TessSlot *slots, gint n)
{
  TessInstances *result = maker->result;
  TessSlots *set = keep (maker, g_new0 (TessSlots, 1));

  if (n > 0)
    set->slots = keep (maker, g_memdup2 (slots, n * sizeof *slots));
  set->n = n;
  result->n_most = MAX (result->n_most, n);
  g_ptr_array_add (result->sets, set);
  return (gint32) result->sets->len - 1;
}

static gint
larger (gconstpointer a, gconstpointer b)
{
  gdouble p = area_of (a), q = area_of (b);

  return p > q ? -1 : p < q;
}

static gboolean
make_tile (Maker *maker, gint tile, GError **error)
{
  TessInstances *result = maker->result;
  gint n_tiles = maker->place->plan->n_tiles, n = 0;
  g_autofree TessSlot *slots = g_new (TessSlot, maker->ready->len);
  g_autofree gint *which = g_new (gint, maker->ready->len);

  for (gint k = 0; k < result->n; k++)
    {
      result->alone[k * n_tiles + tile] = -1;
      if (make_slot (maker, k, tile, &slots[n]))
        which[n++] = k;
    }
  if (n > maker->place->config->n_slots)
    {
      Frame frame = frame_of (maker->place, tile);

      g_set_error (
          error, TESS_ERROR, TESS_ERROR_REQUEST,
          _ ("%d instances lie in the tile at %d, %d (%d x %d pixels) "
             "and the model takes %d; place fewer there, or take smaller "
             "tiles"),
          n, (gint) frame.x, (gint) frame.y, (gint) frame.w, (gint) frame.h,
          maker->place->config->n_slots);
      return FALSE;
    }
  if (n == 0)
    {
      result->tiles[tile] = 0;
      return TRUE;
    }
  for (gint i = 0; i < n && n > 1; i++)
    result->alone[which[i] * n_tiles + tile] = add_set (maker, &slots[i], 1);
  /* Slots differ to the model by their channel alone, which was trained with
   * the largest first. */
  if (result->formats & TESS_FORMAT_MASK)
    qsort (slots, n, sizeof *slots, larger);
  result->tiles[tile] = add_set (maker, slots, n);
  if (n == 1)
    result->alone[which[0] * n_tiles + tile] = result->tiles[tile];
  return TRUE;
}

/* Does every instance touch some tile? */
static gboolean
check_seen (const Maker *maker, GError **error)
{
  gint n_tiles = maker->place->plan->n_tiles;

  for (gint k = 0; k < maker->result->n; k++)
    {
      const Ready *ready = &g_array_index (maker->ready, Ready, k);
      gboolean seen = FALSE;

      for (gint t = 0; t < n_tiles; t++)
        seen |= maker->result->alone[k * n_tiles + t] >= 0;
      if (seen)
        continue;
      g_set_error (
          error, TESS_ERROR, TESS_ERROR_REQUEST,
          _ ("\"%s\" lies outside of the canvas of %d x %d pixels; move "
             "it, or leave it out"),
          ready->given->text, maker->place->width, maker->place->height);
      return FALSE;
    }
  return TRUE;
}

static gboolean
make_sets (Maker *maker, GError **error)
{
  TessInstances *result = maker->result;
  const TessInstancePlace *place = maker->place;

  result->formats = TESS_FORMAT_POINT;
  for (guint i = 0; i < maker->ready->len; i++)
    {
      const Ready *ready = &g_array_index (maker->ready, Ready, i);

      if (ready->cells)
        result->formats |= TESS_FORMAT_MASK | TESS_FORMAT_BOX;
      else if (ready->stroke)
        result->formats |= TESS_FORMAT_SCRIBBLE | TESS_FORMAT_BOX;
      else if (ready->given->has_box)
        result->formats |= TESS_FORMAT_BOX;
      maker->scribbles |= ready->stroke != NULL;
    }
  result->formats &= place->config->formats;
  result->texts
      = g_new0 (gfloat, (gsize) result->n * place->config->text_width);
  result->tiles = g_new0 (gint32, place->plan->n_tiles);
  result->alone = g_new0 (gint32, (gsize) result->n * place->plan->n_tiles);
  add_set (maker, NULL, 0);
  for (gint t = 0; t < place->plan->n_tiles; t++)
    if (!make_tile (maker, t, error))
      return FALSE;
  return check_seen (maker, error);
}

TessInstances *
tess_instances_new (const GPtrArray *instances,
                    const TessInstancePlace *place,
                    GError **error)
{
  g_autoptr (TessInstances) result = g_new0 (TessInstances, 1);
  Maker maker = { .place = place, .result = result };
  gboolean ok = TRUE;

  result->n = (gint) instances->len;
  result->sets = g_ptr_array_new ();
  result->owned = g_ptr_array_new_with_free_func (g_free);
  maker.ready = g_array_new (FALSE, TRUE, sizeof (Ready));
  g_array_set_clear_func (maker.ready, ready_clear);
  for (guint i = 0; i < instances->len && ok; i++)
    {
      Ready ready;

      ok = make_ready (instances->pdata[i], place, &ready, error);
      g_array_append_val (maker.ready, ready);
    }
  ok = ok && make_sets (&maker, error);
  g_array_unref (maker.ready);
  return ok ? g_steal_pointer (&result) : NULL;
}

void
tess_instances_free (TessInstances *instances)
{
  if (instances == NULL)
    return;
  g_ptr_array_unref (instances->sets);
  g_ptr_array_unref (instances->owned);
  g_free (instances->tiles);
  g_free (instances->alone);
  g_free (instances->texts);
  g_free (instances);
}
