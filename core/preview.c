/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/preview.c: decode or map, fit, shrink.
 *
 * A shrunken latent is not the latent of a shrunken picture: decoded, it is
 * grey mush. So pieces are decoded as they are and colours are shrunk. */
#include "core/preview.h"

#include <math.h>
#include <string.h>

#define MAX_CHANNELS 16
#define MAX_MAPPED 256 /* cells along the longer side of a mapped preview */
#define MAX_DECODED 64 /* cells along the longer side of what is decoded */

struct _TessPreview
{
  TessVae *vae;
  const TessVaeConfig *config;
  gint width, height;    /* of the canvas */
  gint piece_w, piece_h; /* of what is decoded, from the middle */
  gint n, n_made;
  gboolean mapped; /* only the first and the middle one are decoded */
  gboolean fitted;
  gdouble map[3][MAX_CHANNELS + 1]; /* the last is the constant */
  guint8 *rgb;
};

static gdouble
decode_flops (const TessPreview *preview, gint w, gint h)
{
  const TessVaeSettings settings = { 0 };
  gdouble n_flops = INFINITY;

  if (!tess_vae_cost (preview->vae, h, w, TESS_VAE_DECODES, &settings, NULL,
                      NULL, &n_flops, NULL))
    return INFINITY;
  return n_flops;
}

TessPreview *
tess_preview_new (TessVae *vae,
                  const TessVaeConfig *config,
                  gint width,
                  gint height,
                  gdouble n_flops,
                  gint n)
{
  static const gint sides[] = { 64, 48, 32, 24, 16 };
  TessPreview *preview = g_new0 (TessPreview, 1);

  g_assert (config->latent_channels <= MAX_CHANNELS);
  preview->vae = vae;
  preview->config = config;
  preview->width = width;
  preview->height = height;
  preview->n = n;
  preview->mapped = MAX (width, height) > MAX_DECODED
                    || n * decode_flops (preview, width, height) > n_flops;
  /* Two decodes for the fit: the larger, the better. */
  for (guint i = 0; i < G_N_ELEMENTS (sides); i++)
    {
      preview->piece_w = MIN (width, sides[i]);
      preview->piece_h = MIN (height, sides[i]);
      if (!preview->mapped
          || 2 * decode_flops (preview, preview->piece_w, preview->piece_h)
                 <= n_flops)
        break;
    }
  return preview;
}

void
tess_preview_free (TessPreview *preview)
{
  if (preview == NULL)
    return;
  g_free (preview->rgb);
  g_free (preview);
}

/* The piece in the middle of the canvas: [channels, piece_h, piece_w]. */
static gfloat *
cut (const TessPreview *preview, const gfloat *latent)
{
  gint channels = preview->config->latent_channels;
  gint w = preview->piece_w, h = preview->piece_h;
  gint x0 = (preview->width - w) / 2, y0 = (preview->height - h) / 2;
  gfloat *dst = g_new (gfloat, (gsize) channels * w * h);

  for (gint c = 0; c < channels; c++)
    for (gint y = 0; y < h; y++)
      memcpy (dst + ((gsize) c * h + y) * w,
              latent + ((gsize) c * preview->height + y0 + y) * preview->width
                  + x0,
              w * sizeof *dst);
  return dst;
}

/* Means of the cells under each result cell: [channels, h, w]. */
static gfloat *
shrink (const TessPreview *preview, const gfloat *latent, gint w, gint h)
{
  gint channels = preview->config->latent_channels;
  gfloat *dst = g_new (gfloat, (gsize) channels * w * h);

  for (gint c = 0; c < channels; c++)
    for (gint y = 0; y < h; y++)
      for (gint x = 0; x < w; x++)
        {
          gint y0 = (gint) ((gint64) y * preview->height / h);
          gint y1 = (gint) ((gint64) (y + 1) * preview->height / h);
          gint x0 = (gint) ((gint64) x * preview->width / w);
          gint x1 = (gint) ((gint64) (x + 1) * preview->width / w);
          gdouble sum = 0.0;

          for (gint v = y0; v < y1; v++)
            for (gint u = x0; u < x1; u++)
              sum += latent[((gsize) c * preview->height + v) * preview->width
                            + u];
          dst[((gsize) c * h + y) * w + x]
              = (gfloat) (sum / ((y1 - y0) * (x1 - x0)));
        }
  return dst;
}

typedef struct
{
  gint width, height;
  gfloat *planes; /* [3, height, width] */
} Picture;

static gboolean
keep_planes (gint x,
             gint y,
             gint w,
             gint h,
             const gfloat *planes,
             gpointer data,
             GError **error)
{
  const Picture *picture = data;

  for (gint c = 0; c < 3; c++)
    for (gint v = 0; v < h; v++)
      memcpy (picture->planes
                  + ((gsize) c * picture->height + y + v) * picture->width + x,
              planes + ((gsize) c * h + v) * w, w * sizeof (gfloat));
  return TRUE;
}

static gboolean
decode (const TessPreview *preview,
        const gfloat *cells,
        gint w,
        gint h,
        GCancellable *cancellable,
        Picture *picture)
{
  const TessVaeConfig *config = preview->config;
  const TessVaeSettings settings = { .cancellable = cancellable };
  gint factor = tess_vae_factor (preview->vae);
  g_autoptr (GError) error = NULL;
  g_autoptr (TessTensor) latent
      = tess_tensor_new_nchw (1, config->latent_channels, h, w, &error);

  if (latent == NULL)
    return FALSE;
  for (gsize i = 0; i < tess_tensor_n_elements (latent); i++)
    tess_tensor_f32 (latent)[i]
        = cells[i] / config->scaling_factor + config->shift_factor;
  picture->width = w * factor;
  picture->height = h * factor;
  picture->planes
      = g_new0 (gfloat, (gsize) 3 * picture->width * picture->height);
  if (tess_vae_decode (preview->vae, latent, &settings, keep_planes, picture,
                       &error))
    return TRUE;
  g_debug ("preview: %s", error->message);
  g_clear_pointer (&picture->planes, g_free);
  return FALSE;
}

/* Solves a x = b for three right sides; a is symmetric, positive. */
static gboolean
solve (gdouble *a, gdouble *b, gint n)
{
  for (gint i = 0; i < n; i++)
    {
      if (fabs (a[i * n + i]) < 1e-12)
        return FALSE;
      for (gint k = i + 1; k < n; k++)
        {
          gdouble f = a[k * n + i] / a[i * n + i];

          for (gint j = i; j < n; j++)
            a[k * n + j] -= f * a[i * n + j];
          for (gint c = 0; c < 3; c++)
            b[c * n + k] -= f * b[c * n + i];
        }
    }
  for (gint i = n - 1; i >= 0; i--)
    for (gint c = 0; c < 3; c++)
      {
        for (gint j = i + 1; j < n; j++)
          b[c * n + i] -= a[i * n + j] * b[c * n + j];
        b[c * n + i] /= a[i * n + i];
      }
  return TRUE;
}

/* Least squares from each cell's channels to the mean colour of its pixels. */
static void
fit (TessPreview *preview,
     const gfloat *cells,
     gint w,
     gint h,
     const Picture *picture)
{
  gint channels = preview->config->latent_channels, n = channels + 1;
  gint factor = picture->width / w;
  g_autofree gdouble *a = g_new0 (gdouble, n * n);
  g_autofree gdouble *b = g_new0 (gdouble, 3 * n);

  for (gint y = 0; y < h; y++)
    for (gint x = 0; x < w; x++)
      {
        gdouble row[MAX_CHANNELS + 1];

        for (gint c = 0; c < channels; c++)
          row[c] = cells[((gsize) c * h + y) * w + x];
        row[channels] = 1.0;
        for (gint i = 0; i < n; i++)
          for (gint j = 0; j < n; j++)
            a[i * n + j] += row[i] * row[j];
        for (gint c = 0; c < 3; c++)
          {
            gdouble sum = 0.0;

            for (gint v = 0; v < factor; v++)
              for (gint u = 0; u < factor; u++)
                sum += picture->planes[((gsize) c * picture->height + y * factor
                                        + v)
                                           * picture->width
                                       + x * factor + u];
            for (gint i = 0; i < n; i++)
              b[c * n + i] += row[i] * sum / (factor * factor);
          }
      }
  for (gint i = 0; i < n; i++)
    a[i * n + i] += 1e-4 * w * h;
  preview->fitted = solve (a, b, n);
  for (gint c = 0; c < 3; c++)
    memcpy (preview->map[c], b + c * n, n * sizeof *b);
}

static guint8
to_byte (gdouble v)
{
  return (guint8) lround (CLAMP (v * 0.5 + 0.5, 0.0, 1.0) * 255.0);
}

static void
map_colours (TessPreview *preview, const gfloat *cells, gint w, gint h)
{
  gint channels = preview->config->latent_channels;
  gsize plane = (gsize) w * h;

  for (gsize i = 0; i < plane; i++)
    for (gint c = 0; c < 3; c++)
      {
        gdouble sum = preview->map[c][channels];

        for (gint k = 0; k < channels; k++)
          sum += preview->map[c][k] * cells[k * plane + i];
        preview->rgb[i * 3 + c] = to_byte (sum);
      }
}

static const guint8 *
make_mapped (TessPreview *preview,
             const gfloat *latent,
             gint *width_px,
             gint *height_px)
{
  gdouble longest = MAX (preview->width, preview->height);
  gdouble scale = MIN (MAX_MAPPED / longest, 1.0);
  g_autofree gfloat *cells = NULL;

  *width_px = MAX ((gint) lround (preview->width * scale), 1);
  *height_px = MAX ((gint) lround (preview->height * scale), 1);
  cells = shrink (preview, latent, *width_px, *height_px);
  g_free (preview->rgb);
  preview->rgb = g_new (guint8, (gsize) 3 * *width_px * *height_px);
  map_colours (preview, cells, *width_px, *height_px);
  return preview->rgb;
}

const guint8 *
tess_preview_make (TessPreview *preview,
                   const gfloat *latent,
                   GCancellable *cancellable,
                   gint *width_px,
                   gint *height_px)
{
  gboolean again = preview->n_made++ == preview->n / 2;
  g_autofree gfloat *cells = NULL;
  Picture picture;
  gsize plane;

  if (!preview->mapped || !preview->fitted || again)
    {
      cells = cut (preview, latent);
      if (!decode (preview, cells, preview->piece_w, preview->piece_h,
                   cancellable, &picture))
        return NULL;
      if (preview->mapped)
        {
          fit (preview, cells, preview->piece_w, preview->piece_h, &picture);
          g_free (picture.planes);
          if (!preview->fitted)
            return NULL;
        }
    }
  if (preview->mapped)
    return make_mapped (preview, latent, width_px, height_px);

  *width_px = picture.width;
  *height_px = picture.height;
  plane = (gsize) picture.width * picture.height;
  g_free (preview->rgb);
  preview->rgb = g_new (guint8, 3 * plane);
  for (gsize i = 0; i < plane; i++)
    for (gint c = 0; c < 3; c++)
      preview->rgb[i * 3 + c] = to_byte (picture.planes[c * plane + i]);
  g_free (picture.planes);
  return preview->rgb;
}
