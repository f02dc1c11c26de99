/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/panorama-map.c: cameras in a sphere. */
#include "ui/panorama-map.h"

#include <math.h>

#define DARK 0x202020 /* beyond a picture that is no full sphere */

void
tess_camera_reset (TessCamera *camera, gboolean planet)
{
  camera->planet = planet;
  camera->yaw = 0.0;
  camera->pitch = planet ? -G_PI / 2.0 : 0.0;
  camera->fov = planet ? 240.0 * G_PI / 180.0 : G_PI / 2.0;
}

void
tess_camera_clamp (TessCamera *camera)
{
  camera->yaw = remainder (camera->yaw, 2.0 * G_PI);
  camera->pitch = CLAMP (camera->pitch, -G_PI / 2.0, G_PI / 2.0);
  camera->fov
      = CLAMP (camera->fov, TESS_CAMERA_FOV_MIN,
               camera->planet ? TESS_PLANET_FOV_MAX : TESS_CAMERA_FOV_MAX);
}

gdouble
tess_panorama_span (gint width, gint height)
{
  return MIN (2.0 * G_PI * height / width, G_PI);
}

void
tess_view_init (TessView *view,
                const TessCamera *camera,
                gint width,
                gint height)
{
  gdouble cy = cos (camera->yaw), sy = sin (camera->yaw);
  gdouble cp = cos (camera->pitch), sp = sin (camera->pitch);
  /* gnomonic: r = tan (angle); stereographic: r = 2 tan (angle / 2) */
  gdouble edge = camera->planet ? 2.0 * tan (camera->fov / 4.0)
                                : tan (camera->fov / 2.0);
  gdouble longer = MAX (width, height);

  /* x to the right, y up, z ahead */
  view->ahead[0] = (gfloat) (sy * cp);
  view->ahead[1] = (gfloat) sp;
  view->ahead[2] = (gfloat) (cy * cp);
  view->right[0] = (gfloat) cy;
  view->right[1] = 0.0F;
  view->right[2] = (gfloat) -sy;
  view->up[0] = (gfloat) (-sy * sp);
  view->up[1] = (gfloat) cp;
  view->up[2] = (gfloat) (-cy * sp);
  view->scale_x = (gfloat) (edge * width / longer);
  view->scale_y = (gfloat) (edge * height / longer);
  view->planet = camera->planet;
}

/* Abramowitz and Stegun 4.4.49, within 2e-8; unlike the library's it can be
 * computed for several pixels at once. */
static inline gfloat
arc (gfloat y, gfloat x)
{
  static const gfloat terms[] = {
    0.0028662257F,  -0.0161657367F, 0.0429096138F,
    -0.0752896400F, 0.1065626393F,  -0.1420889944F,
    0.1999355085F,  -0.3333314528F, 1.0F,
  };
  gfloat ay = fabsf (y), ax = fabsf (x);
  gfloat big = MAX (ax, ay), small = MIN (ax, ay);
  gfloat q = small / MAX (big, 1e-30F);
  gfloat s = q * q;
  gfloat a = 0.0F;

  for (gsize i = 0; i < G_N_ELEMENTS (terms); i++)
    a = a * s + terms[i];
  a *= q;
  a = ay > ax ? (gfloat) (G_PI / 2.0) - a : a;
  a = x < 0.0F ? (gfloat) G_PI - a : a;
  return y < 0.0F ? -a : a;
}

void
tess_view_look (
    const TessView *view, gfloat x, gfloat y, gfloat *lon, gfloat *lat)
{
  gfloat px = x * view->scale_x, py = y * view->scale_y, pz = 1.0F;
  gfloat d[3];

  if (view->planet)
    {
      gfloat r2 = px * px + py * py;

      px *= 4.0F;
      py *= 4.0F;
      pz = 4.0F - r2; /* times 1 / (4 + r2), which angles do not need */
    }
  for (gint i = 0; i < 3; i++)
    d[i] = px * view->right[i] + py * view->up[i] + pz * view->ahead[i];
  *lon = arc (d[0], d[2]);
  *lat = arc (d[1], sqrtf (d[0] * d[0] + d[2] * d[2]));
}

static inline guint32
mix (const guint8 *a,
     const guint8 *b,
     const guint8 *c,
     const guint8 *d,
     gint fx,
     gint fy)
{
  guint32 pixel = 0;

  for (gint i = 0; i < 3; i++)
    {
      gint top = a[i] * (256 - fx) + b[i] * fx;
      gint bottom = c[i] * (256 - fx) + d[i] * fx;

      pixel = pixel << 8
              | (guint32) ((top * (256 - fy) + bottom * fy + 32768) >> 16);
    }
  return pixel;
}

/* Between the four pixels round it; over the edge at the back it goes on with
 * the other side, so that a line there is the picture's own. */
static inline guint32
sample (const TessPixels *src, gfloat u, gfloat v)
{
  gint x = (gint) floorf (u), y = (gint) floorf (v);
  gint fx = (gint) ((u - x) * 256.0F), fy = (gint) ((v - y) * 256.0F);
  gint x0 = x < 0 ? x + src->width : x >= src->width ? x - src->width : x;
  gint x1 = x0 + 1 < src->width ? x0 + 1 : 0;
  gint y0 = CLAMP (y, 0, src->height - 1);
  gint y1 = CLAMP (y + 1, 0, src->height - 1);
  const guint8 *top = src->rgb + (gsize) y0 * src->stride;
  const guint8 *bottom = src->rgb + (gsize) y1 * src->stride;

  return mix (top + 3 * x0, top + 3 * x1, bottom + 3 * x0, bottom + 3 * x1, fx,
              fy);
}

void
tess_panorama_draw (const TessPixels *src,
                    const TessCamera *camera,
                    guint32 *dst,
                    gint width,
                    gint height,
                    gint stride_px)
{
  gfloat span = (gfloat) tess_panorama_span (src->width, src->height);
  gfloat per_lon = (gfloat) (src->width / (2.0 * G_PI));
  gfloat per_lat = src->height / span;
  TessView view;

  tess_view_init (&view, camera, width, height);
  for (gint y = 0; y < height; y++)
    {
      gfloat py = 1.0F - 2.0F * (y + 0.5F) / height;
      guint32 *row = dst + (gsize) y * stride_px;

      for (gint x = 0; x < width; x++)
        {
          gfloat lon, lat;

          tess_view_look (&view, 2.0F * (x + 0.5F) / width - 1.0F, py, &lon,
                          &lat);
          row[x] = fabsf (lat) > 0.5F * span
                       ? DARK
                       : sample (src, (lon + (gfloat) G_PI) * per_lon - 0.5F,
                                 (0.5F * span - lat) * per_lat - 0.5F);
        }
    }
}
