/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/job-method.c: from a request to its method: tiles, weights, which
 * edges meet. */
#include "core/job.h"

#include "core/demofusion.h"
#include "core/error.h"
#include "core/moving.h"
#include "core/multidiffusion.h"
#include "core/phase.h"
#include "core/stitch.h"

#include <glib/gi18n-lib.h>

/* ring-1 asks for a whole panorama of up to this many windows at once. */
#define MAX_WINDOWS 8

static gint
ceil_div (gint a, gint b)
{
  return (a + b - 1) / b;
}

static gint
round_up (gint a, gint b)
{
  return ceil_div (a, b) * b;
}

/* What StableSR was trained on, for SD 2.1 in 512 and in 768 pixels. */
#define EPS_WINDOW 64
#define V_WINDOW 96

/* The model's own window where nothing is asked for. */
gint
tess_job_window (const TessJob *job)
{
  gint align = tess_unet_align (job->studio->unet);
  gint window = tess_model_unet (job->studio->model)->sample_size;
  const TessStructureConfig *structure;

  if (job->request->tile > 0)
    return job->request->tile;
  structure = tess_model_structure (job->studio->model);
  if (job->request->method == TESS_TILING_UPSCALE && structure
      && structure->window > 0)
    window = structure->window;
  else if (job->request->method == TESS_TILING_UPSCALE)
    window = tess_model_diffusion (job->studio->model)->prediction
                     == TESS_PREDICTION_V
                 ? MAX (window, V_WINDOW)
                 : MIN (window, EPS_WINDOW);
  return MAX (window / align, 1) * align;
}

static gboolean
check_side (const TessJob *job, const gchar *name, gint side, GError **error)
{
  if (side % job->factor == 0)
    return TRUE;
  g_set_error (
      error, TESS_ERROR, TESS_ERROR_REQUEST,
      _ ("a canvas whose edges meet needs a %s that is a multiple of %d, "
         "%d is not; take %d"),
      name, job->factor, side, round_up (side, job->factor));
  return FALSE;
}

static gboolean
choose_wrap (TessJob *job, GError **error)
{
  const TessRequest *request = job->request;
  gboolean wrap_x, wrap_y;

  tess_request_wraps (request, &wrap_x, &wrap_y);
  job->vae.wrap_x = wrap_x;
  job->vae.wrap_y = wrap_y;
  if ((request->method == TESS_TILING_STITCH && (!wrap_x || wrap_y))
      || (request->method == TESS_TILING_FSTD && (wrap_x || wrap_y)))
    {
      g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
                   _ ("the method %s cannot close these edges; take %s"),
                   request->method == TESS_TILING_STITCH ? "stitch" : "fstd",
                   request->method == TESS_TILING_STITCH ? "ring" : "shifted");
      return FALSE;
    }
  return (!job->vae.wrap_x || check_side (job, "width", request->width, error))
         && (!job->vae.wrap_y
             || check_side (job, "height", request->height, error));
}

/* How tiles lie. A picture that is enlarged may have them in any way. */
static TessTiling
tiling_of (const TessRequest *request)
{
  if (request->method != TESS_TILING_UPSCALE)
    return request->method;
  switch (request->refine)
    {
    case TESS_REFINE_AUTO:
    case TESS_REFINE_DEMOFUSION: /* refused by tess_request_check */
      break;
    case TESS_REFINE_SHIFTED:
      return TESS_TILING_SHIFTED;
    case TESS_REFINE_MULTIDIFFUSION:
      return TESS_TILING_MULTIDIFFUSION;
    case TESS_REFINE_SPOT:
      return TESS_TILING_SPOT;
    case TESS_REFINE_FSTD:
      return TESS_TILING_FSTD;
    }
  return TESS_TILING_UPSCALE;
}

static TessTileSettings
tile_settings (const TessJob *job)
{
  const TessRequest *request = job->request;
  gint align = tess_unet_align (job->studio->unet);
  gint tile = tess_job_window (job);
  gint overlap = request->overlap >= 0 ? request->overlap : tile / 2;
  gboolean spot = tiling_of (request) == TESS_TILING_SPOT;
  const TessEnlarged *larger = job->upscale ? &job->upscale->picture : NULL;

  return (TessTileSettings) {
    .width = ceil_div (larger ? larger->padded_w : request->width, job->factor),
    .height
    = ceil_div (larger ? larger->padded_h : request->height, job->factor),
    .tile_w = tile,
    .tile_h = tile,
    .overlap_x = overlap,
    .overlap_y = overlap,
    .align = align,
    .grid_x = spot || job->vae.wrap_x ? TESS_GRID_RING : request->grid,
    .grid_y = spot || job->vae.wrap_y ? TESS_GRID_RING : request->grid,
  };
}

/* One tile for the whole of a panorama that is not too large for it. */
static void
widen_tile (const TessJob *job, TessTileSettings *tiles)
{
  gdouble windows = (gdouble) tiles->width * tiles->height
                    / ((gdouble) tiles->tile_w * tiles->tile_h);

  if (job->request->tile > 0 || windows > MAX_WINDOWS)
    return;
  tiles->tile_w = round_up (tiles->width, tiles->align);
  tiles->tile_h = round_up (tiles->height, tiles->align);
}

/* Of detail, with which DemoFusion follows the picture as published. */
#define PUBLISHED_DETAIL 0.4
#define PUBLISHED_POWER 3.0

static TessMethod *
demofusion_new (const TessJob *job,
                const TessTileSettings *tiles,
                TessTileWeight weight,
                GError **error)
{
  const TessRequest *request = job->request;
  const TessPhaseModel model = { .window = tess_job_window (job),
                                 .align = tiles->align,
                                 .factor = job->factor };
  gint n_train = tess_model_diffusion (job->studio->model)->n_train_steps;
  gint n_steps = tess_sampler_n_steps (job->sampler);
  g_autofree gdouble *times = g_new (gdouble, n_steps);
  const TessDemofusionSettings settings = {
    .tiles = *tiles,
    .weight = weight,
    .n = tess_phase_times (&model, request->width, request->height),
    .power = PUBLISHED_POWER * request->detail / PUBLISHED_DETAIL,
    .times = times,
    .n_steps = n_steps,
    .seed = (guint64) request->seed,
  };

  for (gint i = 0; i < n_steps; i++)
    times[i] = tess_sampler_timestep (job->sampler, i) / n_train;
  return tess_demofusion_new (&settings, error);
}

gboolean
tess_job_make_method (TessJob *job, GError **error)
{
  const TessRequest *request = job->request;
  TessTileWeight weight = request->weight ? (TessTileWeight) request->weight - 1
                                          : TESS_WEIGHT_GAUSSIAN;
  TessMultidiffusionSettings fixed = { .weight = weight };
  TessMovingSettings moving
      = { .weight = weight, .seed = (guint64) request->seed };

  job->vae.mode = request->vae_mode;
  if (!choose_wrap (job, error))
    return FALSE;
  fixed.tiles = moving.tiles = tile_settings (job);
  switch (tiling_of (request))
    {
    case TESS_TILING_RING_1:
      widen_tile (job, &moving.tiles);
      job->method = tess_shifted_new (&moving, error);
      break;
    case TESS_TILING_SHIFTED:
    case TESS_TILING_SPOT:
    case TESS_TILING_ANY_SIZE: /* its parts have methods of their own */
      job->method = tess_shifted_new (&moving, error);
      break;
    case TESS_TILING_FSTD:
      job->method = tess_fstd_new (&moving, error);
      break;
    case TESS_TILING_DEMOFUSION:
      job->method = demofusion_new (job, &fixed.tiles, weight, error);
      break;
    case TESS_TILING_STITCH:
      job->method = tess_stitch_new (fixed.tiles.width, fixed.tiles.height,
                                     fixed.tiles.align, error);
      break;
    case TESS_TILING_UPSCALE:
      fixed.tiles.grid_x = fixed.tiles.grid_y = TESS_GRID_ANCHORED;
      fixed.seam_bias = 0.5;
      job->method = tess_multidiffusion_new (&fixed, error);
      break;
    case TESS_TILING_MULTIDIFFUSION:
    case TESS_TILING_RING:
      job->method = tess_multidiffusion_new (&fixed, error);
      break;
    }
  /* To see what the decoder's own wrapping brings (tools/seam-bench). */
  if (g_getenv ("TESSERA_VAE_FLAT"))
    job->vae.wrap_x = job->vae.wrap_y = FALSE;
  return job->method != NULL;
}
