/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/vae.c: latents <-> pixels, tile by tile. */
#include "core/vae.h"
#include "core/error.h"
#include "core/vae-job.h"

#include <glib/gi18n-lib.h>
#include <string.h>

struct _TessVae
{
  TessModel *model;
  TessBackend *backend;
  TessVaeNet encoder, decoder;
  TessVaeNet fused; /* n_units 0: the model has no fusions */
  TessVaeLimits limits;
};

TessVae *
tess_vae_new (TessModel *model, TessBackend *backend, GError **error)
{
  TessVae *vae = g_new0 (TessVae, 1);

  vae->model = tess_model_ref (model);
  vae->backend = tess_backend_ref (backend);
  vae->limits.n_bytes_value = tess_backend_n_bytes_value (backend);
  tess_vae_net_init (&vae->encoder, model, TRUE);
  tess_vae_net_init (&vae->decoder, model, FALSE);
  if (tess_model_fusion (model) != NULL)
    tess_vae_net_init_fused (&vae->fused, &vae->encoder);
  return vae;
}

void
tess_vae_free (TessVae *vae)
{
  if (vae == NULL)
    return;
  tess_vae_net_finish (&vae->encoder);
  tess_vae_net_finish (&vae->decoder);
  tess_vae_net_finish (&vae->fused);
  tess_backend_unref (vae->backend);
  tess_model_unref (vae->model);
  g_free (vae);
}

void
tess_vae_set_limits (TessVae *vae, gsize n_bytes_tile, gsize n_bytes_kept)
{
  vae->limits.n_bytes_tile = n_bytes_tile;
  vae->limits.n_bytes_checkpoints = n_bytes_kept;
}

gint
tess_vae_factor (const TessVae *vae)
{
  return 1 << (tess_model_vae (vae->model)->n_levels - 1);
}

/* Where planes of a tensor [1, c, h, w] come from. */
static gboolean
read_tensor (const TessVaeRect *rect,
             gfloat *planes,
             gpointer data,
             GError **error)
{
  const TessTensor *tensor = data;
  gsize w = rect->x1 - rect->x0;

  for (gint c = 0; c < tensor->dims[1]; c++)
    for (gint y = rect->y0; y < rect->y1; y++, planes += w)
      tess_tensor_read_f32 (tensor,
                            ((gsize) c * tensor->dims[2] + y) * tensor->dims[3]
                                + rect->x0,
                            w, planes);
  return TRUE;
}

typedef struct
{
  const TessTensor *latent;
  TessVaeSink sink;
  gpointer data;
  const TessVaeLook *look; /* may be NULL */
} Decoding;

static gboolean
read_latent (const TessVaeRect *rect,
             gfloat *planes,
             gpointer data,
             GError **error)
{
  Decoding *decoding = data;

  return read_tensor (rect, planes, (gpointer) decoding->latent, error);
}

static gboolean
write_pixels (const TessVaeRect *rect,
              const gfloat *planes,
              gpointer data,
              GError **error)
{
  Decoding *decoding = data;

  return decoding->sink (rect->x0, rect->y0, rect->x1 - rect->x0,
                         rect->y1 - rect->y0, planes, decoding->data, error);
}

static gboolean
read_picture (const TessVaeRect *rect,
              gfloat *planes,
              gpointer data,
              GError **error)
{
  const TessVaeLook *look = ((Decoding *) data)->look;

  return look->source (rect->x0, rect->y0, rect->x1 - rect->x0,
                       rect->y1 - rect->y0, planes, look->data, error);
}

static gboolean
check_canvas (gint64 h, gint64 w, gint factor, GError **error)
{
  if (h >= 1 && w >= 1 && h <= G_MAXINT / 2 / factor
      && w <= G_MAXINT / 2 / factor && h * w <= G_MAXINT / 4)
    return TRUE;
  g_set_error (error, TESS_ERROR, TESS_ERROR_SHAPE,
               "A canvas of %" G_GINT64_FORMAT " x %" G_GINT64_FORMAT
               " pixels cannot be painted; choose a smaller one.",
               w * factor, h * factor);
  return FALSE;
}

gboolean
tess_vae_decode (TessVae *vae,
                 const TessTensor *latent,
                 const TessVaeSettings *settings,
                 TessVaeSink sink,
                 gpointer data,
                 GError **error)
{
  const TessVaeLook none = { 0 };

  return tess_vae_decode_fused (vae, latent, &none, settings, sink, data,
                                error);
}

gboolean
tess_vae_decode_fused (TessVae *vae,
                       const TessTensor *latent,
                       const TessVaeLook *look,
                       const TessVaeSettings *settings,
                       TessVaeSink sink,
                       gpointer data,
                       GError **error)
{
  gboolean fused = look->fidelity != 0.0;
  const TessVaeNet *net = fused ? &vae->fused : &vae->decoder;
  Decoding decoding = { latent, sink, data, look };
  TessVaeEnds ends = { .read = read_latent,
                       .write = write_pixels,
                       .look = read_picture,
                       .fidelity = look->fidelity,
                       .data = &decoding };
  TessVaePlan plan;
  gboolean ok;

  if (net->n_units == 0)
    {
      g_set_error (error, TESS_ERROR, TESS_ERROR_MODEL,
                   _ ("The decoder of %s cannot look at the picture; add "
                      "StableSR's decoder to it, or set the fidelity to 0."),
                   tess_model_name (vae->model));
      return FALSE;
    }

  if (latent->n_dims != 4 || latent->dims[0] != 1
      || latent->dims[1] != tess_model_vae (vae->model)->latent_channels)
    {
      g_autofree gchar *shape = tess_tensor_shape_string (latent);

      g_set_error (error, TESS_ERROR, TESS_ERROR_SHAPE,
                   _ ("The decoder reads latents [1, %d, h, w], got %s."),
                   tess_model_vae (vae->model)->latent_channels, shape);
      return FALSE;
    }
  if (!check_canvas (latent->dims[2], latent->dims[3], tess_vae_factor (vae),
                     error))
    return FALSE;

  tess_vae_plan_init (&plan, net, (gint) latent->dims[2],
                      (gint) latent->dims[3], settings, &vae->limits);
  ok = tess_vae_job_run (net, vae->backend, &plan, &ends, settings, error);
  tess_vae_plan_finish (&plan);
  return ok;
}

typedef struct
{
  TessVaeSource source;
  gpointer data;
  TessTensor *mean, *logvar; /* the second may be NULL */
} Encoding;

static gboolean
read_pixels (const TessVaeRect *rect,
             gfloat *planes,
             gpointer data,
             GError **error)
{
  Encoding *encoding = data;

  return encoding->source (rect->x0, rect->y0, rect->x1 - rect->x0,
                           rect->y1 - rect->y0, planes, encoding->data, error);
}

static void
write_planes (TessTensor *dst, const TessVaeRect *rect, const gfloat *planes)
{
  gsize w = rect->x1 - rect->x0;

  for (gint c = 0; c < dst->dims[1]; c++)
    for (gint y = rect->y0; y < rect->y1; y++, planes += w)
      memcpy (tess_tensor_f32 (dst)
                  + ((gsize) c * dst->dims[2] + y) * dst->dims[3] + rect->x0,
              planes, w * sizeof *planes);
}

static gboolean
write_latent (const TessVaeRect *rect,
              const gfloat *planes,
              gpointer data,
              GError **error)
{
  Encoding *encoding = data;
  gsize n = (gsize) (rect->x1 - rect->x0) * (rect->y1 - rect->y0);

  write_planes (encoding->mean, rect, planes);
  if (encoding->logvar != NULL)
    write_planes (encoding->logvar, rect, planes + n * encoding->mean->dims[1]);
  return TRUE;
}

gboolean
tess_vae_encode (TessVae *vae,
                 gint width,
                 gint height,
                 TessVaeSource source,
                 gpointer data,
                 const TessVaeSettings *settings,
                 TessTensor **mean,
                 TessTensor **logvar,
                 GError **error)
{
  gint factor = tess_vae_factor (vae), h = height / factor, w = width / factor;
  gint n_channels = tess_model_vae (vae->model)->latent_channels;
  Encoding encoding = { source, data, NULL, NULL };
  TessVaeEnds ends
      = { .read = read_pixels, .write = write_latent, .data = &encoding };
  TessVaePlan plan;
  gboolean ok = FALSE;

  if (width % factor != 0 || height % factor != 0)
    {
      g_set_error (
          error, TESS_ERROR, TESS_ERROR_SHAPE,
          _ ("The encoder reads sides that are multiples of %d pixels, "
             "got %d x %d."),
          factor, width, height);
      return FALSE;
    }
  if (!check_canvas (h, w, factor, error))
    return FALSE;

  encoding.mean = tess_tensor_new_nchw (1, n_channels, h, w, error);
  if (encoding.mean != NULL && logvar != NULL)
    encoding.logvar = tess_tensor_new_nchw (1, n_channels, h, w, error);
  if (encoding.mean != NULL && (logvar == NULL || encoding.logvar != NULL))
    {
      tess_vae_plan_init (&plan, &vae->encoder, h, w, settings, &vae->limits);
      ok = tess_vae_job_run (&vae->encoder, vae->backend, &plan, &ends,
                             settings, error);
      tess_vae_plan_finish (&plan);
    }
  if (!ok)
    {
      tess_tensor_unref (encoding.mean);
      tess_tensor_unref (encoding.logvar);
      return FALSE;
    }
  *mean = encoding.mean;
  if (logvar != NULL)
    *logvar = encoding.logvar;
  return TRUE;
}

gboolean
tess_vae_cost (TessVae *vae,
               gint h,
               gint w,
               TessVaeWay way,
               const TessVaeSettings *settings,
               gsize *n_bytes,
               gsize *weights,
               gdouble *n_flops,
               GError **error)
{
  const TessVaeNet *nets[] = { [TESS_VAE_DECODES] = &vae->decoder,
                               [TESS_VAE_DECODES_FUSED] = &vae->fused,
                               [TESS_VAE_ENCODES] = &vae->encoder };
  const TessVaeNet *net = nets[way];
  TessVaePlan plan;
  gsize bytes, needed;
  gboolean ok;

  g_return_val_if_fail (net->n_units > 0, FALSE);
  if (!check_canvas (h, w, tess_vae_factor (vae), error))
    return FALSE;
  tess_vae_plan_init (&plan, net, h, w, settings, &vae->limits);
  ok = tess_vae_job_cost (net, vae->backend, &plan, &bytes, &needed, error);
  if (ok && n_bytes != NULL)
    *n_bytes = bytes;
  if (ok && weights != NULL)
    *weights = needed;
  if (ok && n_flops != NULL)
    *n_flops = plan.n_flops;
  tess_vae_plan_finish (&plan);
  return ok;
}
