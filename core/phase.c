/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/phase.c: what is painted one after another. */
#include "core/phase.h"

#include "core/canvas.h"
#include "core/instances.h"
#include "core/poles.h"

#include <math.h>

/* Cells of a first picture, as parts of the window's. */
#define LEAST_AREA 0.84
#define MOST_AREA 1.04
#define LONGEST 4.0 /* shape beyond which it only grows in length */

static void
phase_free (gpointer data)
{
  TessPhase *phase = data;

  tess_request_free (phase->request);
  g_free (phase);
}

void
tess_phase_native_size (const TessPhaseModel *model,
                        gint width,
                        gint height,
                        gint *cells_w,
                        gint *cells_h)
{
  gdouble shape = log ((gdouble) width / height), best = INFINITY;
  gdouble native = (gdouble) model->window * model->window;
  gint step = MAX (model->align, 1),
       side = MAX (model->window / step, 1) * step;

  *cells_w = *cells_h = side;
  if (fabs (shape) > log (LONGEST))
    {
      gint narrow = MAX (side / 2 / step, 1) * step;
      gint wide = (gint) lround (narrow * exp (fabs (shape)) / step) * step;

      *cells_w = shape > 0.0 ? wide : narrow;
      *cells_h = shape > 0.0 ? narrow : wide;
      return;
    }
  for (gint w = step; w <= 3 * side; w += step)
    for (gint h = step; h <= 3 * side; h += step)
      {
        gdouble area = (gdouble) w * h / native;
        gdouble off = fabs (log ((gdouble) w / h) - shape);

        /* Of two shapes as near, the one with more cells. */
        off -= 1e-6 * area;
        if (area < LEAST_AREA || area > MOST_AREA || off >= best)
          continue;
        best = off;
        *cells_w = w;
        *cells_h = h;
      }
}

gint
tess_phase_times (const TessPhaseModel *model, gint width, gint height)
{
  gint w, h;

  tess_phase_native_size (model, width, height, &w, &h);
  /* a shape is never met exactly */
  return (gint) MAX (ceil (MAX ((gdouble) width / (w * model->factor),
                                (gdouble) height / (h * model->factor))
                           - 0.05),
                     1.0);
}

static TessPhase *
add_phase (GPtrArray *phases, const TessRequest *request, gboolean follows)
{
  TessPhase *phase = g_new0 (TessPhase, 1);

  phase->request = tess_request_dup (request);
  phase->request->poles = 0.0;
  phase->follows = follows;
  if (follows)
    {
      g_clear_pointer (&phase->request->init_path, g_free);
      g_clear_object (&phase->request->init);
      phase->request->init = tess_canvas_new (1, 1);
    }
  g_ptr_array_add (phases, phase);
  return phase;
}

/* The whole composition at once, at the size that the model knows. */
static void
add_first (GPtrArray *phases,
           const TessRequest *request,
           const TessPhaseModel *model)
{
  TessPhase *first = add_phase (phases, request, FALSE);
  gint w, h;

  tess_phase_native_size (model, request->width, request->height, &w, &h);
  first->request->width = MIN (w * model->factor, request->width);
  first->request->height = MIN (h * model->factor, request->height);
  first->request->method = TESS_TILING_RING_1;
  if (request->wrap == TESS_WRAP_AUTO)
    first->request->wrap = TESS_WRAP_NONE;
  first->request->tile = 0;
  first->request->close = 0;
  if (request->instances->len == 0)
    return;
  /* What a tile is told of instances holds for tiles that stay. */
  first->request->method = TESS_TILING_MULTIDIFFUSION;
  first->request->tile = MAX (w, h);
  for (guint i = 0; i < first->request->instances->len; i++)
    tess_instance_scale (first->request->instances->pdata[i],
                         (gdouble) first->request->width / request->width,
                         (gdouble) first->request->height / request->height);
}

static void
add_pole (GPtrArray *phases, const TessRequest *request, gint pole, gint factor)
{
  TessPhase *phase = add_phase (phases, request, TRUE);
  gint side = tess_pole_view_side (request->height, factor);

  phase->pole = pole;
  phase->request->width = phase->request->height = side;
  phase->request->method = TESS_TILING_MULTIDIFFUSION;
  phase->request->wrap = TESS_WRAP_NONE;
  phase->request->strength = request->poles;
  phase->request->close = 0;
  phase->request->seed = request->seed + 2 + pole;
  g_ptr_array_set_size (phase->request->regions, 0);
}

static TessTiling
tiling_of_refine (const TessRequest *request)
{
  if (request->instances->len > 0)
    return TESS_TILING_MULTIDIFFUSION;
  switch (request->refine)
    {
    case TESS_REFINE_AUTO:
    case TESS_REFINE_SHIFTED:
      return TESS_TILING_SHIFTED;
    case TESS_REFINE_MULTIDIFFUSION:
      return TESS_TILING_MULTIDIFFUSION;
    case TESS_REFINE_SPOT:
      return TESS_TILING_SPOT;
    case TESS_REFINE_FSTD:
      return TESS_TILING_FSTD;
    case TESS_REFINE_DEMOFUSION:
      return TESS_TILING_DEMOFUSION;
    }
  return TESS_TILING_SHIFTED;
}

/* The same, painted as large as asked for. */
static TessPhase *
add_large (GPtrArray *phases, const TessRequest *request, gboolean follows)
{
  TessPhase *large = add_phase (phases, request, follows);

  large->request->method = tiling_of_refine (request);
  large->request->strength = request->detail;
  if (request->wrap == TESS_WRAP_AUTO)
    large->request->wrap = TESS_WRAP_NONE;
  if (large->request->method == TESS_TILING_DEMOFUSION)
    {
      /* It begins with noise, and with what it follows. */
      large->request->strength = 1.0;
      large->request->bootstrap = 0.0;
    }
  return large;
}

/* Twice, three times ... as large as the first one, up to what was asked for.
 */
static void
add_larger (GPtrArray *phases,
            const TessRequest *request,
            const TessPhaseModel *model,
            gboolean follows)
{
  gint n = tess_phase_times (model, request->width, request->height);

  for (gint i = 2; i < n; i++, follows = TRUE)
    {
      TessRequest *larger = add_large (phases, request, follows)->request;

      larger->width
          = MAX (request->width * i / n / model->factor, 1) * model->factor;
      larger->height
          = MAX (request->height * i / n / model->factor, 1) * model->factor;
      larger->close = 0;
    }
  add_large (phases, request, follows);
}

/* What upscaling has not is painted anew. */
static gboolean
second_upscales (const TessRequest *request,
                 const TessPhaseModel *model,
                 gboolean given)
{
  gboolean wrap_x, wrap_y;

  if (request->second != TESS_SECOND_AUTO)
    return request->second == TESS_SECOND_UPSCALE;
  tess_request_wraps (request, &wrap_x, &wrap_y);
  return model->upscales && !given && !wrap_x && !wrap_y
         && request->poles <= 0.0 && request->regions->len == 0
         && request->instances->len == 0
         && request->refine != TESS_REFINE_DEMOFUSION;
}

/* StableSR's networks, tiles that shift: as Any-Size-Diffusion is published.
 * The picture is composed by now, so regions and instances are done. */
static void
add_upscaled (GPtrArray *phases, const TessRequest *request, gboolean follows)
{
  TessRequest *large = add_phase (phases, request, follows)->request;

  large->method = TESS_TILING_UPSCALE;
  large->wrap = TESS_WRAP_NONE;
  if (large->refine == TESS_REFINE_AUTO)
    large->refine = TESS_REFINE_SHIFTED;
  if (large->sampler != TESS_SAMPLER_DDIM)
    large->sampler = TESS_SAMPLER_DDPM;
  large->guidance = 1.0;
  g_ptr_array_set_size (large->regions, 0);
  g_ptr_array_set_size (large->instances, 0);
}

GPtrArray *
tess_phases_new (const TessRequest *request, const TessPhaseModel *model)
{
  GPtrArray *phases = g_ptr_array_new_with_free_func (phase_free);
  gboolean given = request->init || request->init_path;

  if (request->method == TESS_TILING_ANY_SIZE)
    {
      if (!given)
        add_first (phases, request, model);
      if (second_upscales (request, model, given))
        add_upscaled (phases, request, !given);
      else if (tiling_of_refine (request) == TESS_TILING_DEMOFUSION)
        add_larger (phases, request, model, !given);
      else
        add_large (phases, request, !given);
    }
  else
    add_phase (phases, request, FALSE);
  if (request->poles > 0.0)
    {
      add_pole (phases, request, 1, model->factor);
      add_pole (phases, request, -1, model->factor);
    }
  return phases;
}
