/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/sampler.h: from noise to picture along a schedule. A sampler works on
 * the whole canvas and never sees a tile; noise is given from outside, drawn
 * on the canvas.
 * Zero terminal SNR is for v and x0: with eps the first prediction is 0 in
 * DDIM and DDPM (the reference divides by 0) and 4096 times the network's
 * error in the others (as in the reference).
 * Sources: Ho 2020 (DDPM), Song 2020 (DDIM), Karras 2022 (Euler and the
 * schedule), Lu 2022 (DPM++ 2M), Zhao 2023 (UniPC),
 * Liu 2022 (PLMS, with the timesteps of its own authors' code), Lin 2023 (zero
 * terminal SNR); agrees with the schedulers of diffusers. */
#pragma once

#include "core/model.h"

G_BEGIN_DECLS

typedef enum
{
  TESS_SAMPLER_DDIM,
  TESS_SAMPLER_EULER,
  TESS_SAMPLER_EULER_ANCESTRAL,
  TESS_SAMPLER_DPMPP_2M,
  TESS_SAMPLER_DPMPP_2M_KARRAS,
  TESS_SAMPLER_UNIPC,
  TESS_SAMPLER_DDPM,
  TESS_SAMPLER_PLMS,
  TESS_N_SAMPLERS
} TessSamplerKind;

const gchar *tess_sampler_kind_nick (TessSamplerKind kind); /* "euler-a" */
gboolean tess_sampler_kind_parse (const gchar *nick, TessSamplerKind *kind);

/* Which noise levels a step of DDIM leads from and to. */
typedef enum
{
  TESS_PAIRING_STRIDE,   /* from its timestep's to that n_train / n before */
  TESS_PAIRING_CHAIN,    /* to the next timestep's, the last to the picture */
  TESS_PAIRING_STABLESR, /* parity with StableSR's code: those of multiples of
                            n_train / n, whatever timestep the network is
                            told; the last step changes nothing */
} TessPairing;

typedef struct
{
  TessSamplerKind kind;
  gint n_steps;        /* 1 .. n_train_steps */
  gdouble strength;    /* img2img: the part of the schedule that is run,
                          0 < strength <= 1; 0: 1 */
  gdouble eta;         /* DDIM: 0 none, 1 as much noise as DDPM */
  gint spacing;        /* 0: the model's, else 1 + TessSpacing */
  gint zero_snr;       /* 0: the model's, 1: yes, -1: no */
  TessPairing pairing; /* DDIM */
} TessSamplerSettings;

typedef struct _TessSampler TessSampler;

/* Errors: TESS_ERROR_REQUEST for settings that do not go together;
 * TESS_ERROR_MODEL for betas that make no sense. */
TessSampler *tess_sampler_new (const TessDiffusionConfig *diffusion,
                               const TessSamplerSettings *settings,
                               GError **error);
void tess_sampler_free (TessSampler *sampler); /* may be NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessSampler, tess_sampler_free)

gint tess_sampler_n_steps (const TessSampler *sampler); /* to be run */
gdouble tess_sampler_timestep (const TessSampler *sampler, gint step);

/* Shares of the picture's variance that are left where @step starts and where
 * it leads to; of samplers that go by sigma 0. */
void tess_sampler_abar (const TessSampler *sampler,
                        gint step,
                        gdouble *now,
                        gdouble *next);

/* Timesteps that are really gone: PLMS asks twice at its first and has a step
 * more for it. Which of them @step belongs to; the first step of one. */
gint tess_sampler_n_times (const TessSampler *sampler);
gint tess_sampler_time (const TessSampler *sampler, gint step);
gint tess_sampler_step_of_time (const TessSampler *sampler, gint time);

/* What unit noise is multiplied by to start from (text to image). */
gdouble tess_sampler_init_sigma (const TessSampler *sampler);

/* dst = x brought to what the network expects at this step. May be x. */
void tess_sampler_scale_input (const TessSampler *sampler,
                               gint step,
                               const gfloat *x,
                               gfloat *dst,
                               gsize n);

/* TRUE where tess_sampler_step wants unit noise as large as the canvas. */
gboolean tess_sampler_wants_noise (const TessSampler *sampler, gint step);

/* One step on the canvas: x (in place) from the network's output. Steps are
 * taken in order; multistep samplers keep their history here. */
void tess_sampler_step (TessSampler *sampler,
                        gint step,
                        const gfloat *output,
                        const gfloat *noise, /* may be NULL if not wanted */
                        gfloat *x,
                        gsize n);

/* dst = x0 noised to where @step starts, in the sampler's own scale (img2img,
 * bootstrapping). */
void tess_sampler_add_noise (const TessSampler *sampler,
                             gint step,
                             const gfloat *x0,
                             const gfloat *noise,
                             gfloat *dst,
                             gsize n);

/* dst = x0 noised as after the last training step, whatever steps are run:
 * where an upscaling begins. In the sampler's own scale. */
void tess_sampler_begin_noise (const TessSampler *sampler,
                               const gfloat *x0,
                               const gfloat *noise,
                               gfloat *dst,
                               gsize n);

/* The picture that the network sees at @step, for previews. */
void tess_sampler_predict_x0 (const TessSampler *sampler,
                              gint step,
                              const gfloat *x,
                              const gfloat *output,
                              gfloat *x0,
                              gsize n);

/* What a sampler remembers between two steps, so that a run can go on where it
 * was: canvases of @n floats each, NULL where there is none; borrowed. */
#define TESS_SAMPLER_MAX_KEPT 5
typedef struct
{
  gsize n;
  gfloat *canvases[TESS_SAMPLER_MAX_KEPT];
  gint numbers[2];
} TessSamplerMemory;

/* How many predictions a sampler of this kind keeps at most, and whether it
 * fills the last of the canvases. */
gint tess_sampler_n_kept (const TessSampler *sampler, gboolean *before);

void
tess_sampler_remember (const TessSampler *sampler, TessSamplerMemory *memory);

/* The other way; copies. FALSE: not of a sampler of this kind. */
gboolean
tess_sampler_restore (TessSampler *sampler, const TessSamplerMemory *memory);

/* How many times DDIM-like noise level: sqrt (1 - abar) share of @step. */
gdouble tess_sampler_noise_level (const TessSampler *sampler, gint step);

G_END_DECLS
