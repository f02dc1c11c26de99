/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/request.h: what was asked for, with its defaults: one picture.
 * The same from the dialog, from batch and from a JSON job file; it travels
 * with the result so that a picture can be made again. */
#pragma once

#include <gegl.h>
#include "core/blend.h"
#include "core/colour-fix.h"
#include "core/sampler.h"
#include "core/vae.h"

G_BEGIN_DECLS

typedef enum
{
  TESS_DEVICE_AUTO,
  TESS_DEVICE_CPU,   /* oneDNN */
  TESS_DEVICE_PLAIN, /* plain C: slow, for checking */
  TESS_DEVICE_GPU,   /* a graphics card */
} TessDevice;

/* How tiles lie and what happens between steps. */
typedef enum
{
  TESS_TILING_MULTIDIFFUSION, /* they overlap and stay: core/multidiffusion.h */
  TESS_TILING_RING,           /* the same on a canvas that closes on itself */
  TESS_TILING_RING_1,         /* a panorama at once, at a random yaw; large ones
                                 in tiles that do not overlap: core/moving.h */
  TESS_TILING_STITCH,         /* StitchDiffusion as published: core/stitch.h */
  TESS_TILING_SHIFTED,        /* side by side, shifting: core/moving.h */
  TESS_TILING_SPOT,           /* the same, over the edges: SpotDiffusion */
  TESS_TILING_FSTD,           /* Any-Size-Diffusion as published */
  TESS_TILING_ANY_SIZE,   /* small and whole first, then large: core/phase.h */
  TESS_TILING_UPSCALE,    /* init painted larger (StableSR): core/upscale.h */
  TESS_TILING_DEMOFUSION, /* init painted larger by the model that painted it:
                             core/demofusion.h */
} TessTiling;

/* How tiles of a picture lie that is painted larger. */
typedef enum
{
  TESS_REFINE_AUTO, /* shifted for any-size; upscale: as published, Gaussian
                       tiles that overlap by half and stay */
  TESS_REFINE_SHIFTED,
  TESS_REFINE_MULTIDIFFUSION,
  TESS_REFINE_SPOT,
  TESS_REFINE_FSTD,
  TESS_REFINE_DEMOFUSION, /* larger and larger in several pictures */
} TessRefine;

/* How any-size makes the large picture of the small one. */
typedef enum
{
  TESS_SECOND_AUTO,    /* upscaled where the model has the weights and nothing
                          is asked for that upscaling has not */
  TESS_SECOND_REPAINT, /* enlarged, noise as far as detail says, painted anew */
  TESS_SECOND_UPSCALE, /* StableSR: core/upscale.h */
} TessSecond;

/* Which edges of the canvas meet. */
typedef enum
{
  TESS_WRAP_AUTO, /* left and right with ring, ring-1 and stitch */
  TESS_WRAP_NONE,
  TESS_WRAP_HORIZONTAL, /* left and right: panoramas */
  TESS_WRAP_VERTICAL,
  TESS_WRAP_BOTH, /* textures */
} TessWrap;

/* A part of the canvas with its own words. */
typedef struct
{
  gchar *prompt;
  gchar *negative;  /* may be NULL: the request's */
  GeglBuffer *mask; /* "Y float" read in canvas pixels, 0..1 */
  gchar *mask_path; /* job files: a PNG, scaled to the canvas */
} TessRegion;

typedef struct
{
  gchar *path;
  gdouble strength;
} TessLora;

typedef struct _TessInstance TessInstance; /* core/instances.h */

typedef struct
{
  gchar *model;     /* path, or the name of a model found; NULL: Horizon, or the
                       first found */
  GPtrArray *loras; /* of TessLora */
  gchar *prompt;
  gchar *negative;
  gint width, height; /* in pixels; any, 16 at least, upscale: 1 */
  gint steps;
  gdouble guidance;         /* 1: none */
  gdouble guidance_rescale; /* 0: none; Lin 2023 section 3.4 */
  TessSamplerKind sampler;
  gdouble eta;
  gint spacing;    /* as TessSamplerSettings */
  gint zero_snr;   /* as TessSamplerSettings */
  gint prediction; /* 0: the model's, else 1 + TessPrediction */
  gint clip_skip;  /* 0: the model's */
  gint64 seed;     /* -1: a new one, written back before the start */

  TessTiling method;
  TessWrap wrap;
  TessGrid grid; /* along axes that do not close */
  gint weight;   /* 0: what suits the method, else 1 + TessTileWeight */
  gint tile;     /* in latent cells, 0: the model's window */
  gint overlap;  /* in latent cells, -1: half the tile */
  gint batch;    /* tiles at once, 0: what memory allows */

  GPtrArray *regions; /* of TessRegion */
  gdouble bootstrap;  /* part of the steps, 0..1; spec: 0.2 */

  GPtrArray *instances;      /* of TessInstance */
  gchar *instance_model;     /* their weights; NULL: the model's own */
  gdouble instance_strength; /* part of the steps in which they count */
  gdouble instance_apart;    /* part of the steps in which each is painted by
                                itself; not where they have prompts */
  gint instance_prompts;     /* whether the text of each is also the prompt of
                                its place: 0: where its weights need it, 1: yes,
                                -1: no */

  GeglBuffer *init; /* img2img: picture of any size, scaled to the canvas */
  gchar *init_path; /* job files */
  gdouble strength; /* img2img: 0 < strength <= 1 */

  gchar *upscale_model; /* upscale: StableSR's weights; NULL: the model's own */
  gchar *upscale_decoder; /* those of its decoder; the same */
  gdouble fidelity;      /* upscale: how much the decoder looks at init, 0..1 */
  TessColourFix colours; /* upscale */

  TessSecond second; /* any-size */
  TessRefine refine; /* any-size, upscale */
  gdouble detail;    /* any-size: strength of the second picture, > 0; with
                        demofusion how soon it leaves the one before */
  gint close;        /* with init: pixels about the seam that are painted so
                        that edges meet; the rest is kept; 0: all is painted */
  gdouble poles;     /* panoramas: strength at zenith and nadir; 0: none */

  TessVaeMode vae_mode;
  TessDevice device;
  gint storage;   /* 0: what is faster, else 1 + TessType (f32, bf16) */
  gchar *card;    /* part of a graphics card's name, or its place among those
                     listed; NULL or "": TESSERA_DEVICE's, the best */
  gint n_threads; /* 0: all */
  gsize memory;   /* bytes that the job may take, 0: what is free */
} TessRequest;

TessRequest *tess_request_new (void); /* with the defaults */
TessRequest *tess_request_dup (const TessRequest *request);
void tess_request_free (TessRequest *request); /* may be NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessRequest, tess_request_free)

/* "file", or "file:0.8" for its strength (else 1). A colon that is not before a
 * number belongs to the name. (transfer full); NULL for an empty line. */
gchar *tess_request_parse_lora (const gchar *line, gdouble *strength);
void tess_request_add_lora (TessRequest *request,
                            const gchar *path,
                            gdouble strength);
void tess_request_add_region (TessRequest *request,
                              const gchar *prompt,
                              const gchar *negative,
                              GeglBuffer *mask,
                              const gchar *mask_path);

/**
 * tess_request_from_json / tess_request_to_json:
 * Job files. Paths in them are relative to @folder (may be NULL). Unknown
 * members are an error that names them: TESS_ERROR_REQUEST. Buffers (init,
 * masks) are not written, only their paths.
 */
TessRequest *
tess_request_from_json (const gchar *json, const gchar *folder, GError **error);
gchar *tess_request_to_json (const TessRequest *request);

/* Which edges meet: left and right, above and below. */
void tess_request_wraps (const TessRequest *request,
                         gboolean *wrap_x,
                         gboolean *wrap_y);

/* Says which setting is out of range, TESS_ERROR_REQUEST. */
gboolean tess_request_check (const TessRequest *request, GError **error);

/* The settings that are one value each, for job files, command lines and
 * dialogs: one table says name, range, choices and what it is for. */
typedef enum
{
  TESS_FIELD_TEXT,   /* gchar * */
  TESS_FIELD_PATH,   /* gchar * */
  TESS_FIELD_INT,    /* gint */
  TESS_FIELD_INT64,  /* gint64 */
  TESS_FIELD_SIZE,   /* gsize, in bytes; texts may end in K, M or G */
  TESS_FIELD_REAL,   /* gdouble */
  TESS_FIELD_CHOICE, /* gint or enum */
} TessFieldKind;

typedef struct
{
  const gchar *nick;
  gint value;
} TessChoice;

typedef struct
{
  const gchar *name; /* of the JSON member and of the long option */
  TessFieldKind kind;
  gsize offset; /* in TessRequest */
  gdouble min, max;
  const TessChoice *choices; /* ends with a NULL nick */
  const gchar *help;         /* what it does and when to change it */
} TessRequestField;

const TessRequestField *tess_request_fields (guint *n);

/* Sets the field @name from @text. Errors: TESS_ERROR_REQUEST. */
gboolean tess_request_set (TessRequest *request,
                           const gchar *name,
                           const gchar *text,
                           GError **error);

G_END_DECLS
