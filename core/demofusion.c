/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/demofusion.c: tiles that move a little, views of the whole, and what
 * each of both counts. */
#include "core/demofusion.h"

#include <math.h>

#define POWER 3.0
#define MOVES 8 /* a tile moves by this part of its side at most */

typedef struct
{
  TessMethod method;
  TessDemofusionSettings settings;
  gdouble *times;
  TessTilePlan *tiles;
  gint *rest_x, *rest_y; /* where the tiles lie when they do not move */
  TessBlend *blend;
  TessTilePlan *views;
  TessBlend *views_blend;
  gdouble sigma; /* of what the views see at this step */
} Demofusion;

static gdouble
share_of (gdouble time)
{
  return 0.5 * (1.0 + cos (G_PI * (1.0 - time)));
}

/* One number for each step and place on both axes. */
static guint64
chance (const Demofusion *self, gint step, gint place)
{
  return tess_random_hash (self->settings.seed,
                           (guint64) step << 32 | (guint32) place);
}

/* A ring's tiles turn together. Others move by themselves, the outer ones no
 * farther than to the ends: with tiles that overlap by twice as much as they
 * move no cell is left out, and with less they move less. */
static void
move (const Demofusion *self,
      gint step,
      gboolean y,
      const gint *rest,
      gint *starts)
{
  const TessTilePlan *plan = self->tiles;
  gint n = y ? plan->n_y : plan->n_x, tile = y ? plan->tile_h : plan->tile_w;
  gint length = y ? plan->height : plan->width, first = y ? 1 << 24 : 0;
  gint reach = tile / MOVES;

  if (y ? plan->wrap_y : plan->wrap_x)
    {
      gint offset = (gint) (chance (self, step, first) % (guint64) length);

      for (gint i = 0; i < n; i++)
        starts[i] = (rest[i] + offset) % length;
      return;
    }
  for (gint i = 1; i < n; i++)
    reach = MIN (reach, (rest[i - 1] + tile - rest[i]) / 2);
  for (gint i = 0; i < n; i++)
    {
      guint64 random = chance (self, step, first + i);
      gint by = (gint) (random % (guint64) (2 * reach + 1)) - reach;

      starts[i] = i == 0       ? 0
                  : i == n - 1 ? length - tile
                               : CLAMP (rest[i] + by, 0, length - tile);
    }
}

/* Which view begins where; on a ring all of them turn together. */
static void
turn_views (const Demofusion *self, gint step, gboolean y)
{
  TessTilePlan *plan = self->views;
  gint length = y ? plan->height : plan->width;
  gint *starts = y ? plan->starts_y : plan->starts_x;
  gint offset = 0;

  if (y ? plan->wrap_y : plan->wrap_x)
    offset = (gint) (chance (self, step, y ? 3 << 23 : 1 << 23)
                     % (guint64) length);
  for (gint i = 0; i < (y ? plan->n_y : plan->n_x); i++)
    starts[i] = (offset + i) % length;
}

static void
scale (gdouble *weights, gsize n, gdouble by)
{
  for (gsize i = 0; i < n; i++)
    weights[i] *= by;
}

/* Each cell once: those of a view that lie beyond the canvas, or are another
 * one's on a ring, say nothing. */
static void
weigh_views (gdouble *weights, gint length, gint n, gint side, gdouble weight)
{
  for (gint i = 0; i < n; i++)
    for (gint k = 0; k < side; k++)
      weights[(gsize) i * side + k] = i + k * n < length ? weight : 0.0;
}

static void
demofusion_begin_step (TessMethod *method, gint step, gint n_steps)
{
  Demofusion *self = (Demofusion *) method;
  TessTilePlan *tiles = self->tiles;
  const TessTilePlan *views = self->views;
  gdouble c = share_of (self->times[step]);

  move (self, step, FALSE, self->rest_x, tiles->starts_x);
  move (self, step, TRUE, self->rest_y, tiles->starts_y);
  tess_blend_free (self->blend);
  self->blend = tess_blend_new (tiles, self->settings.weight, 0.0);
  scale (self->blend->y, (gsize) tiles->n_y * tiles->tile_h, 1.0 - c);
  turn_views (self, step, FALSE);
  turn_views (self, step, TRUE);
  weigh_views (self->views_blend->x, views->width, views->n_x, views->tile_w,
               1.0);
  weigh_views (self->views_blend->y, views->height, views->n_y, views->tile_h,
               c);
  self->sigma = 0.99 * c + 0.01;
  method->blend = self->blend;
  method->following = pow (c, self->settings.power);
}

/* Weights of the cells around one, [2 * reach + 1], sum 1. */
static gdouble *
kernel_new (gint reach, gdouble sigma)
{
  gdouble *kernel = g_new (gdouble, 2 * reach + 1), sum = 0.0;

  for (gint i = -reach; i <= reach; i++)
    sum += kernel[i + reach] = exp (-i * i / (2.0 * sigma * sigma));
  for (gint i = 0; i <= 2 * reach; i++)
    kernel[i] /= sum;
  return kernel;
}

/* A row of @n lines of @width numbers, @apart from one to the next. */
typedef struct
{
  gint n, width;
  gsize apart;
  gboolean wrap;
} Lines;

/* Each of dst's lines is a weighted sum of src's. */
static void
blur_lines (const Lines *lines,
            const gdouble *kernel,
            gint reach,
            const gfloat *src,
            gsize next, /* number of a line */
            gfloat *dst)
{
  for (gint i = 0; i < lines->n; i++)
    {
      gdouble sum = 0.0;

      for (gint k = -reach; k <= reach; k++)
        if (lines->wrap || (i + k >= 0 && i + k < lines->n))
          sum += kernel[k + reach];
      for (gint x = 0; x < lines->width; x++)
        dst[i * lines->apart + x * next] = 0.0f;
      for (gint k = -reach; k <= reach; k++)
        {
          gint at = i + k;
          gfloat weight = (gfloat) (kernel[k + reach] / sum);

          if (lines->wrap)
            at = ((at % lines->n) + lines->n) % lines->n;
          else if (at < 0 || at >= lines->n)
            continue;
          for (gint x = 0; x < lines->width; x++)
            dst[i * lines->apart + x * next]
                += weight * src[at * lines->apart + x * next];
        }
    }
}

static void
measure (const gfloat *x, gsize n, gdouble *mean, gdouble *spread)
{
  gdouble sum = 0.0, squares = 0.0;

  for (gsize i = 0; i < n; i++)
    sum += x[i];
  *mean = sum / n;
  for (gsize i = 0; i < n; i++)
    squares += (x[i] - *mean) * (x[i] - *mean);
  *spread = sqrt (squares / n);
}

/* x with the mean and the spread of @like. */
static void
match (const gfloat *like, gsize n, gfloat *x)
{
  gdouble mean, spread, own_mean, own_spread;

  measure (like, n, &mean, &spread);
  measure (x, n, &own_mean, &own_spread);
  if (own_spread > 0.0)
    for (gsize i = 0; i < n; i++)
      x[i] = (gfloat) ((x[i] - own_mean) * (spread / own_spread) + mean);
}

void
tess_demofusion_blur (const TessTilePlan *plan,
                      gint channels,
                      gint reach,
                      gdouble sigma,
                      const gfloat *src,
                      gfloat *dst)
{
  gsize w = plan->width, plane = w * plan->height;
  const Lines rows = { plan->height, plan->width, w, plan->wrap_y };
  const Lines columns = { plan->width, plan->height, 1, plan->wrap_x };
  g_autofree gdouble *kernel = kernel_new (reach, sigma);
  g_autofree gfloat *half = g_new (gfloat, plane);

  for (gint c = 0; c < channels; c++)
    {
      blur_lines (&rows, kernel, reach, src + c * plane, 1, half);
      blur_lines (&columns, kernel, reach, half, w, dst + c * plane);
    }
  match (src, channels * plane, dst);
}

static void
demofusion_see (const TessMethod *method,
                gint channels,
                const gfloat *x,
                gfloat *dst)
{
  const Demofusion *self = (const Demofusion *) method;

  tess_demofusion_blur (self->tiles, channels, self->settings.n - 1,
                        self->sigma, x, dst);
}

static void
demofusion_end (const TessMethod *method,
                gint channels,
                const TessKeep *keep,
                gfloat *x)
{
  const Demofusion *self = (const Demofusion *) method;

  match (keep->x0, (gsize) channels * self->tiles->width * self->tiles->height,
         x);
}

static void
demofusion_free (TessMethod *method)
{
  Demofusion *self = (Demofusion *) method;

  tess_blend_free (self->blend);
  tess_blend_free (self->views_blend);
  tess_tile_plan_free (self->tiles);
  tess_tile_plan_free (self->views);
  g_free (self->rest_x);
  g_free (self->rest_y);
  g_free (self->times);
  g_free (self);
}

/* n x n views that lie between one another. */
static TessTilePlan *
views_new (const TessTilePlan *tiles, gint n, gint align)
{
  TessTilePlan *plan = g_new0 (TessTilePlan, 1);

  plan->width = tiles->width;
  plan->height = tiles->height;
  plan->wrap_x = tiles->wrap_x;
  plan->wrap_y = tiles->wrap_y;
  plan->apart = n;
  plan->n_x = MIN (n, plan->width);
  plan->n_y = MIN (n, plan->height);
  plan->tile_w = ((plan->width + n - 1) / n + align - 1) / align * align;
  plan->tile_h = ((plan->height + n - 1) / n + align - 1) / align * align;
  plan->starts_x = g_new0 (gint, plan->n_x);
  plan->starts_y = g_new0 (gint, plan->n_y);
  plan->n_tiles = plan->n_x * plan->n_y;
  return plan;
}

TessMethod *
tess_demofusion_new (const TessDemofusionSettings *settings, GError **error)
{
  TessTilePlan *tiles = tess_tile_plan_new (&settings->tiles, error);
  Demofusion *self;

  if (tiles == NULL)
    return NULL;
  self = g_new0 (Demofusion, 1);
  self->settings = *settings;
  if (!(settings->power > 0.0))
    self->settings.power = POWER;
  self->times
      = g_memdup2 (settings->times, settings->n_steps * sizeof (gdouble));
  self->tiles = tiles;
  self->rest_x = g_memdup2 (tiles->starts_x, tiles->n_x * sizeof (gint));
  self->rest_y = g_memdup2 (tiles->starts_y, tiles->n_y * sizeof (gint));
  self->views = views_new (tiles, settings->n, MAX (settings->tiles.align, 1));
  self->views_blend = g_new0 (TessBlend, 1);
  self->views_blend->x
      = g_new0 (gdouble, (gsize) self->views->n_x * self->views->tile_w);
  self->views_blend->y
      = g_new0 (gdouble, (gsize) self->views->n_y * self->views->tile_h);
  self->method.plan = tiles;
  self->method.wide = self->views;
  self->method.wide_blend = self->views_blend;
  self->method.see = demofusion_see;
  self->method.follows = TRUE;
  self->method.begin_step = demofusion_begin_step;
  self->method.end = demofusion_end;
  self->method.free = demofusion_free;
  demofusion_begin_step (&self->method, 0, settings->n_steps);
  return &self->method;
}
