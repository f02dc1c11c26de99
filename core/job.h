/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/job.h: one request made ready: sizes, tiles, texts, masks, and what it
 * will cost. Inside of core/generate.h. */
#pragma once

#include "core/denoise.h"
#include "core/instances.h"
#include "core/multi-instance.h"
#include "core/studio.h"
#include "core/upscale.h"

G_BEGIN_DECLS

/* A prompt that holds for a part of the canvas. */
typedef struct
{
  const gchar *prompt, *negative; /* borrowed from the request; the latter may
                                     be NULL */
  const TessRegion *region;       /* NULL: of all instances with this text */
} TessJobPart;

typedef struct
{
  TessStudio *studio;         /* opened for the request; borrowed */
  const TessRequest *request; /* borrowed */
  gint factor;                /* pixels per cell */
  gint channels;              /* of the latent */
  TessVaeSettings vae;        /* to decode the canvas */

  TessMethod *method;
  TessSampler *sampler;
  GArray *parts;            /* of TessJobPart */
  TessRegions *regions;     /* where the parts are; NULL: there are none */
  TessInstances *instances; /* may be NULL */
  gint32 *instance_rows;    /* of each its own text's row in prompts */

  GPtrArray *prompts;   /* of TessPrompt, equally long, each text once */
  gint32 *positive;     /* of each prompt of the loop: its row in prompts */
  gint32 *negative;     /* NULL: no guidance */
  gint32 *halves;       /* [2], the first prompt's where the model has words for
                           the upper and the lower half; NULL: it has none, or
                           there is a picture to go by */
  GeglBuffer *init;     /* as asked for, may be NULL */
  TessUpscale *upscale; /* what is made of it where it is enlarged, else NULL */
  gdouble fidelity;     /* of its decoder */

  gsize n_bytes_free; /* when the job was begun; 0: now */
  TessJobPlan plan;
  gdouble n_flops_sample; /* of the UNet's work on one sample */
  gdouble n_flops_encode; /* the picture given; 0: there is none */
  gdouble n_flops_decode;
} TessJob;

/**
 * tess_job_init:
 * @n_bytes_free: of the machine, as it was when the job was begun, so that a
 * job that goes on chooses as it did; 0: as it is now.
 * Errors: TESS_ERROR_REQUEST, TESS_ERROR_MEMORY (the plan does not fit),
 * those of PNG files. @job is to be finished either way.
 */
gboolean tess_job_init (TessJob *job,
                        TessStudio *studio,
                        const TessRequest *request,
                        gsize n_bytes_free,
                        GError **error);
void tess_job_finish (TessJob *job);

/* Side of what the network was trained on, or the tile asked for, in cells. */
gint tess_job_window (const TessJob *job);

/* Fills job->method, when the sampler is made, and which edges meet. Errors:
 * TESS_ERROR_REQUEST. */
gboolean tess_job_make_method (TessJob *job, GError **error);

TessSamplerSettings tess_job_sampler_settings (const TessJob *job);

/* core/job-regions.c: the request's regions, and the texts of its instances
 * where they are to be prompts as well; then where on the canvas they are.
 * Errors: TESS_ERROR_REQUEST for too many; those of PNG files; memory. */
gboolean tess_job_make_parts (TessJob *job, GError **error);
gboolean tess_job_make_regions (TessJob *job, GError **error);

/* Whether the text of some instance is a part's prompt; none is then painted
 * on a canvas of its own first. After tess_job_make_parts. */
gboolean tess_job_has_own_prompts (const TessJob *job);

/* core/job-instances.c: the request's instances on the job's tiles, NULL where
 * there are none; how they run apart; what their tokens take. */
gboolean tess_job_make_instances (TessJob *job, GError **error);
void tess_job_apart (const TessJob *job, TessMultiInstance *apart);
gint64 tess_job_n_samples (const TessJob *job, const TessDenoise *denoise);
gsize tess_job_instance_bytes (const TessJob *job, gsize n_bytes_set);

/* Tells the UNet, after its texts: tokens of every tile, or that there are no
 * instances. Errors: memory, cancelled. */
gboolean
tess_job_ground (TessJob *job, GCancellable *cancellable, GError **error);

/* The common loop's settings, but for random numbers and hooks. */
void tess_job_denoise (const TessJob *job, TessDenoise *denoise);

G_END_DECLS
