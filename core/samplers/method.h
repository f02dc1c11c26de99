/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/samplers/method.h: what a sampling method is to the common part.
 *
 * A method is one file beside this one: which timesteps it visits, in what
 * scale it keeps the canvas, and one step. Every step is a weighted sum of
 * canvases; the weights are worked out in double.
 *
 * Adding one: a file here, its line in core/meson.build, in the list of
 * core/sampler.c and in TessSamplerKind. */
#pragma once

#include <math.h>

#include "core/sampler.h"
#include "core/schedule.h"

G_BEGIN_DECLS

#define TESS_MAX_HISTORY 4

/* Canvases that a method keeps between steps. */
typedef struct
{
  gfloat *x0[TESS_MAX_HISTORY]; /* predictions: of this step, of the one
                                   before, ... */
  gint n_x0;                    /* how many are there; the rest is not */
  gfloat *before;               /* for the method's own use */
  gint last_order;              /* the same */
} TessHistory;

/* What a method's step reads; indices run over the whole schedule, also when
 * img2img starts in the middle of it. */
typedef struct
{
  TessPrediction prediction;
  gint n;             /* of the schedule */
  gint first;         /* where the run starts */
  gdouble *timesteps; /* [n] */
  gdouble *sigmas;    /* [n + 1], noise over signal; the last is 0 */
  gdouble *abar;      /* [n] */
  gdouble *abar_next; /* [n], what the step leads to */
  gdouble eta;
} TessPath;

typedef struct
{
  const gchar *nick;
  TessStepGrid grid;
  gboolean karras;    /* sigmas by Karras' rule instead of the grid */
  gboolean unscaled;  /* the canvas is x0 + sigma * noise (else scaled to
                         keep its variance) */
  gboolean chain;     /* abar_next is that of the next timestep visited, 1
                         at the end; else of t - n_train / n */
  gint n_x0;          /* predictions kept, this step's included; 0: none */
  gboolean keeps_eps; /* predictions are of the noise, not of the picture */
  gboolean twice;     /* the first step takes two evaluations: the path has its
                         second timestep twice and a step more */
  gboolean needs_before;
  gboolean (*noisy) (const TessPath *path, gint i); /* NULL: never */
  void (*step) (const TessPath *path,
                gint i,
                const gfloat *output,
                const gfloat *noise, /* NULL where not noisy */
                gfloat *x,
                gsize n,
                TessHistory *history);
} TessMethod;

extern const TessMethod tess_method_ddim;
extern const TessMethod tess_method_ddpm;
extern const TessMethod tess_method_euler;
extern const TessMethod tess_method_euler_ancestral;
extern const TessMethod tess_method_dpmpp_2m;
extern const TessMethod tess_method_dpmpp_2m_karras;
extern const TessMethod tess_method_unipc;
extern const TessMethod tess_method_plms;

typedef struct
{
  gdouble weight;
  const gfloat *src;
} TessTerm;

/* dst = the weighted sum of the terms; dst may be any of them. A term whose
 * weight is 0 is not read. */
void tess_terms_sum (gfloat *dst, gsize n, const TessTerm *terms, gint n_terms);

/* x = signal * x0 + noise * eps, keeping the variance, at that sigma. */
static inline gdouble
tess_sigma_signal (gdouble sigma)
{
  return 1.0 / sqrt (sigma * sigma + 1.0);
}

static inline gdouble
tess_sigma_noise (gdouble sigma)
{
  return sigma * tess_sigma_signal (sigma);
}

/* x0 = x_weight * x + output_weight * output, and the same for eps. */
typedef struct
{
  gdouble x, output;
} TessWeights;

/* For a canvas x = signal * x0 + noise * eps with both squares adding up to
 * 1. Where there is no signal, eps says nothing of x0: it is 0. */
TessWeights
tess_x0_weights (TessPrediction prediction, gdouble signal, gdouble noise);
TessWeights
tess_eps_weights (TessPrediction prediction, gdouble signal, gdouble noise);

G_END_DECLS
