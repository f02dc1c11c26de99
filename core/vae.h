/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/vae.h: latents <-> pixels, tile by tile.
 * Source: Rombach 2022; agrees with AutoencoderKL of diffusers.
 *
 * Tiles are an implementation matter here: in TESS_VAE_EXACT the result is
 * the untiled one within rounding, whatever the tile, as long as the attention
 * sees the whole canvas. It does up to about 5 megapixels in f32 and 10 in
 * bf16 (SD's own widths and default limits); above, each tile attends to
 * itself and 24 latent cells round it. */
#pragma once

#include "core/backend.h"
#include "core/model.h"

G_BEGIN_DECLS

typedef struct _TessVae TessVae;

TessVae *tess_vae_new (TessModel *model, TessBackend *backend, GError **error);
void tess_vae_free (TessVae *vae); /* may be NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessVae, tess_vae_free)

/* How much memory a canvas may take beside the weights: what the largest maps
 * of one tile may need, and what is kept of the whole canvas between passes.
 * 0: 320 and 780 MiB. More of the second makes large canvases faster. */
void tess_vae_set_limits (TessVae *vae, gsize n_bytes_tile, gsize n_bytes_kept);

typedef enum
{
  TESS_VAE_AUTO,     /* exact while that costs at most seven times the work of
                        the network alone, estimate above: from about 2
                        megapixels in f32, 4 in bf16 with SD's own decoder */
  TESS_VAE_EXACT,    /* group norms over the whole canvas */
  TESS_VAE_ESTIMATE, /* exact where that is cheap (the low levels); the other
                        norms take theirs from a shrunken canvas */
} TessVaeMode;

/* A finished part of the result: [channels, h, w] float32 in planes at
 * (x, y) of the output; borrowed for the call. FALSE stops with the error. */
typedef gboolean (*TessVaeSink) (gint x,
                                 gint y,
                                 gint w,
                                 gint h,
                                 const gfloat *planes,
                                 gpointer data,
                                 GError **error);

typedef struct
{
  TessVaeMode mode;
  gint tile;                 /* side without halo, in latent cells; 0: chosen */
  gboolean wrap_x, wrap_y;   /* the canvas closes on itself */
  GCancellable *cancellable; /* may be NULL; seen within one tile */
  void (*progress) (gdouble fraction, gpointer data); /* may be NULL */
  gpointer progress_data;
} TessVaeSettings;

/* Pixels are asked for by rectangle: [channels, h, w] into @planes. */
typedef gboolean (*TessVaeSource) (gint x,
                                   gint y,
                                   gint w,
                                   gint h,
                                   gfloat *planes,
                                   gpointer data,
                                   GError **error);

/**
 * tess_vae_decode:
 * @latent: f32 [1, latent_channels, h, w], the network's own numbers (divided
 * by the scaling factor). @sink gets pixels of about -1..1, each once.
 */
gboolean tess_vae_decode (TessVae *vae,
                          const TessTensor *latent,
                          const TessVaeSettings *settings,
                          TessVaeSink sink,
                          gpointer data,
                          GError **error);

/**
 * tess_vae_decode_fused:
 * The same by a decoder that looks at the picture which was encoded
 * (controllable feature wrapping): @source as for tess_vae_encode.
 * @fidelity: 0 is tess_vae_decode, 1 wraps all in.
 * Errors: TESS_ERROR_MODEL where the model has no such weights, unless
 * @fidelity is 0; those of @source.
 */
typedef struct
{
  gdouble fidelity;
  TessVaeSource source;
  gpointer data;
} TessVaeLook;
gboolean tess_vae_decode_fused (TessVae *vae,
                                const TessTensor *latent,
                                const TessVaeLook *look,
                                const TessVaeSettings *settings,
                                TessVaeSink sink,
                                gpointer data,
                                GError **error);

/**
 * tess_vae_encode:
 * @width, @height in pixels, multiples of 8. @mean and @logvar (may be NULL)
 * become f32 [1, latent_channels, h/8, w/8], no scaling factor applied.
 */
gboolean tess_vae_encode (TessVae *vae,
                          gint width,
                          gint height,
                          TessVaeSource source,
                          gpointer data,
                          const TessVaeSettings *settings,
                          TessTensor **mean,
                          TessTensor **logvar,
                          GError **error);

/* Pixels per latent cell along an axis: 8 for four levels. */
gint tess_vae_factor (const TessVae *vae);

typedef enum
{
  TESS_VAE_DECODES,
  TESS_VAE_DECODES_FUSED, /* looking at a picture */
  TESS_VAE_ENCODES,
} TessVaeWay;

/* Peak bytes beside the weights that a canvas of that many latent cells takes
 * that way (each of the results may be NULL); what is made of the pixels, or
 * where they come from, is not in it. */
gboolean tess_vae_cost (TessVae *vae,
                        gint h,
                        gint w,
                        TessVaeWay way,
                        const TessVaeSettings *settings,
                        gsize *n_bytes,
                        gsize *weights,
                        gdouble *n_flops,
                        GError **error);

G_END_DECLS
