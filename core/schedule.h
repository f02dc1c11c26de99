/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/schedule.h: how much noise there is at each training timestep, and
 * which of them are visited.
 *
 * abar is the share of the picture's variance that is left, sigma the noise
 * over the signal: sigma^2 = (1 - abar) / abar. Values are float32 as in the
 * reference, the lists of timesteps are its own.
 * Sources: Nichol 2021 (cosine), Karras 2022 eq. 5, Lin 2023 algorithm 1 and
 * table 2; agrees with the schedulers of diffusers. */
#pragma once

#include "core/model.h"

G_BEGIN_DECLS

typedef struct
{
  gint n_train;
  gfloat *abar;      /* [n_train], falling; the last is 0 with zero SNR */
  gfloat *sigma;     /* [n_train], rising; finite: abar 0 counts as 2^-24 */
  gfloat abar_final; /* after the last step */
} TessNoiseLevels;

/* Errors: TESS_ERROR_MODEL where the betas make no sense. */
gboolean tess_noise_levels_init (TessNoiseLevels *levels,
                                 const TessDiffusionConfig *diffusion,
                                 gboolean zero_snr,
                                 GError **error);
void tess_noise_levels_finish (TessNoiseLevels *levels);

/* sigma between whole timesteps, linear; clamped to the ends. */
gdouble
tess_noise_levels_sigma (const TessNoiseLevels *levels, gdouble timestep);

/* The timestep of that sigma, linear in its logarithm. */
gdouble
tess_noise_levels_timestep (const TessNoiseLevels *levels, gdouble sigma);

typedef enum
{
  TESS_GRID_EACH,    /* the steps themselves: DDIM, DDPM */
  TESS_GRID_EACH_F,  /* the same, linspace not rounded: Euler */
  TESS_GRID_BETWEEN, /* one point more, the last dropped: DPM++, UniPC */
} TessStepGrid;

/**
 * tess_schedule_timesteps:
 * Fills @dst with @n falling timesteps.
 * Errors: TESS_ERROR_REQUEST with the most steps that the spacing has.
 */
gboolean tess_schedule_timesteps (const TessDiffusionConfig *diffusion,
                                  TessStepGrid grid,
                                  TessSpacing spacing,
                                  gint n,
                                  gdouble *dst,
                                  GError **error);

/* @n falling sigmas from the largest to the smallest of @levels, evenly
 * spaced in their seventh root. */
void tess_schedule_karras (const TessNoiseLevels *levels, gint n, gdouble *dst);

/* The first step that is run for img2img: n - floor (n * strength), but one
 * step at least is. */
gint tess_schedule_first (gint n, gdouble strength);

G_END_DECLS
