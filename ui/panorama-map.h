/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/panorama-map.h: which place of a panorama is seen where: a camera in the
 * middle of the sphere (gnomonic), or the whole sphere as a little planet
 * (stereographic). Numbers only: no GTK, no GL; ui/panorama-view.c has the same
 * formulas as a shader.
 *
 * The picture goes all around: its left edge is its right edge, at 180 degrees
 * behind. Its middle column is ahead, its middle row the horizon; a picture
 * flatter than 2:1 covers a band of the sphere, the rest is dark. Angles are
 * radians. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  gdouble yaw;   /* to the right, any */
  gdouble pitch; /* up, -pi/2..pi/2 */
  gdouble fov;   /* along the longer side of the window */
  gboolean planet;
} TessCamera;

#define TESS_CAMERA_FOV_MIN (10.0 * G_PI / 180.0)
#define TESS_CAMERA_FOV_MAX (140.0 * G_PI / 180.0)
#define TESS_PLANET_FOV_MAX (330.0 * G_PI / 180.0)

/* Straight ahead, 90 degrees; as a planet: from above, all of it. */
void tess_camera_reset (TessCamera *camera, gboolean planet);
/* Brings yaw into -pi..pi and the others into their bounds. */
void tess_camera_clamp (TessCamera *camera);

/* How much of the sphere's height a picture covers: pi for 2:1. */
gdouble tess_panorama_span (gint width, gint height);

/* What the pixel formulas need, made once per frame. */
typedef struct
{
  gfloat right[3], up[3], ahead[3];
  gfloat scale_x, scale_y; /* of the window's -1..1 */
  gboolean planet;
} TessView;

void tess_view_init (TessView *view,
                     const TessCamera *camera,
                     gint width,
                     gint height);

/* Longitude (-pi..pi, 0 ahead) and latitude (up) seen at @x, @y: -1..1 from
 * left to right and from bottom to top. */
void tess_view_look (
    const TessView *view, gfloat x, gfloat y, gfloat *lon, gfloat *lat);

/* RGB bytes, rows of @stride. */
typedef struct
{
  guint8 *rgb;
  gint width, height, stride;
} TessPixels;

/* Draws what the camera sees; @dst: 32 bits a pixel as cairo's RGB24. */
void tess_panorama_draw (const TessPixels *src,
                         const TessCamera *camera,
                         guint32 *dst,
                         gint width,
                         gint height,
                         gint stride_px);

G_END_DECLS
