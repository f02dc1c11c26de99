/* SPDX-License-Identifier: GPL-3.0-or-later
 * plugins/tessera-panorama.c: pictures that close: full spheres, strips all
 * around, textures; an existing picture made to close.
 * plug-in-tessera-panorama for an image (and for none),
 * plug-in-tessera-create-panorama for a new one. */
#include <string.h>
#include <glib/gi18n-lib.h>
#include "core/error.h"
#include "plugins/common.h"
#include "plugins/gpano.h"
#include "plugins/painter.h"
#include "ui/choices.h"
#include "ui/panorama-settings.h"

#define RW G_PARAM_READWRITE
#define TRIGGER "360-degree panoramic image"
#define WIDTH 1024
#define HEIGHT 512

static void
declare (GimpProcedure *procedure)
{
  tess_arguments_declare_word (
      procedure, "shape", _ ("Shape"),
      _ ("What meets what, and what a width alone means for the height"),
      "sphere");
  gimp_procedure_add_string_argument (
      procedure, "trigger", _ ("LoRA's words"),
      _ ("Put first in the prompt when there is a LoRA"), TRIGGER, RW);
  gimp_procedure_add_double_argument (
      procedure, "poles", _ ("Zenith and nadir"),
      _ ("How much of them is painted anew, seen straight; full spheres only; "
         "0: none"),
      0.0, 1.0, 0.0, RW);
}

static void
declare_for_image (GimpProcedure *procedure)
{
  declare (procedure);
  gimp_procedure_add_int_argument (
      procedure, "close", _ ("Close the seam"),
      _ ("Paints only a band of so many pixels where the image's edges meet; "
         "0: everything"),
      0, GIMP_MAX_IMAGE_SIZE, 0, RW);
}

static TessPanoramaShape
shape_of (GObject *config)
{
  gint shape = TESS_PANORAMA_SPHERE;

  tess_arguments_read_word (config, "shape", &shape, NULL);
  return shape;
}

/* One side of a sphere tells the other. */
static void
size (GObject *config, const GeglRectangle *from, gint *width, gint *height)
{
  if (shape_of (config) != TESS_PANORAMA_SPHERE)
    return;
  if (*width > 0 && *height <= 0)
    *height = *width / 2;
  else if (*height > 0 && *width <= 0)
    *width = 2 * *height;
}

static void
add_trigger (GObject *config, TessRequest *request)
{
  g_autofree gchar *trigger = NULL;
  gchar *prompt;

  g_object_get (config, "trigger", &trigger, NULL);
  if (request->loras->len == 0 || !trigger || !*trigger
      || strstr (request->prompt, trigger))
    return;
  prompt = g_strconcat (trigger, ", ", request->prompt, NULL);
  g_free (request->prompt);
  request->prompt = prompt;
}

static gboolean
fill (GObject *config, GimpImage *image, TessRequest *request, GError **error)
{
  static const TessWrap wraps[] = {
    [TESS_PANORAMA_SPHERE] = TESS_WRAP_HORIZONTAL,
    [TESS_PANORAMA_RING] = TESS_WRAP_HORIZONTAL,
    [TESS_PANORAMA_WIDE] = TESS_WRAP_NONE,
    [TESS_PANORAMA_TEXTURE_X] = TESS_WRAP_HORIZONTAL,
    [TESS_PANORAMA_TEXTURE_Y] = TESS_WRAP_VERTICAL,
    [TESS_PANORAMA_TEXTURE] = TESS_WRAP_BOTH,
  };
  gint shape;

  if (!tess_arguments_read_word (config, "shape", &shape, error))
    return FALSE;
  request->wrap = wraps[shape];
  if (shape == TESS_PANORAMA_SPHERE && request->width != 2 * request->height)
    {
      g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
                   _ ("A full sphere is twice as wide as high, %d × %d is not: "
                      "set the height to %d, or the shape to a strip."),
                   request->width, request->height, request->width / 2);
      return FALSE;
    }
  g_object_get (config, "poles", &request->poles, NULL);
  if (request->poles > 0.0 && shape != TESS_PANORAMA_SPHERE)
    {
      g_set_error_literal (error, TESS_ERROR, TESS_ERROR_REQUEST,
                           _ ("Only a full sphere has a zenith and a nadir: "
                              "set the shape to that, or “poles” to 0."));
      return FALSE;
    }
  if (tess_arguments_has (config, "close"))
    g_object_get (config, "close", &request->close, NULL);
  if (request->close > 0 && !image)
    {
      g_set_error_literal (error, TESS_ERROR, TESS_ERROR_REQUEST,
                           _ ("There is no image whose seam could be closed: "
                              "give one, or set “close” to 0."));
      return FALSE;
    }
  add_trigger (config, request);
  return TRUE;
}

/* An image that may be a panorama gets its own shape as a layer; from any other
 * one a new image is made. */
static void
prepare (GObject *config, GimpImage *image)
{
  gint width, height;

  if (!image)
    return;
  width = gimp_image_get_width (image);
  height = gimp_image_get_height (image);
  if (width == 2 * height)
    g_object_set (config, "shape", "sphere", "output", "layer", NULL);
  else if (width > 2 * height)
    {
      if (shape_of (config) == TESS_PANORAMA_SPHERE)
        g_object_set (config, "shape", "ring", NULL);
      g_object_set (config, "output", "layer", NULL);
    }
  else if (shape_of (config) <= TESS_PANORAMA_WIDE)
    {
      gboolean sphere = shape_of (config) == TESS_PANORAMA_SPHERE;

      g_object_set (config, "width", sphere ? WIDTH : 2 * WIDTH, "height",
                    HEIGHT, "output", "image", NULL);
    }
}

static gboolean
panorama (GObject *config, const TessRequest *request)
{
  return shape_of (config) <= TESS_PANORAMA_RING && tess_gpano_suits (request);
}

static const TessRow rows[] = {
  tess_row_shape,    tess_row_size, tess_row_model,  tess_row_steps,
  tess_row_guidance, tess_row_seed, tess_row_output, NULL,
};

static const TessRow more_rows[] = { tess_row_sampler, tess_row_trigger, NULL };

static const TessSection sections[] = {
  tess_section_close_seam, tess_section_poles,    tess_section_begin,
  tess_section_objects,    tess_section_advanced, NULL,
};

static const gchar *const methods[] = { "ring", "ring-1", "stitch", NULL };

static const TessNamedSize sizes[] = {
  { N_ ("Full sphere, to try"), 1024, 512 },
  { N_ ("Full sphere"), 2048, 1024 },
  { N_ ("Full sphere, large"), 4096, 2048 },
  { N_ ("Full sphere, very large"), 8192, 4096 },
  { N_ ("Strip"), 2048, 512 },
  { N_ ("Strip, long"), 4096, 768 },
  { N_ ("Texture"), 512, 512 },
  { N_ ("Texture, large"), 1024, 1024 },
  { NULL, 0, 0 },
};

static const TessStandard standards[]
    = { { "method", "ring" }, { NULL, NULL } };

/* All but their names. */
#define STUDIO                                                                 \
  .hint = N_ ("Write what is to be seen all around, then press Generate.\n"    \
              "“360 View” lets you stand in it while it is painted."),         \
  .rows = rows, .more_rows = more_rows, .sections = sections,                  \
  .methods = methods, .sizes = sizes, .all_around = TRUE

static const TessStudioKind panorama_studio = {
  .title = N_ ("Panorama"),
  .role = "tessera-panorama",
  .instances = TRUE,
  STUDIO,
};

static const TessStudioKind create_studio = {
  .title = N_ ("Create a Panorama From Text"),
  .role = "tessera-create-panorama",
  STUDIO,
};

/* What both procedures are. */
#define PAINTER                                                                \
  .standards = standards, .width = WIDTH, .height = HEIGHT, .read = fill,      \
  .panorama = panorama, .size = size

static const TessPainter for_image = {
  .menu_label = N_ ("_Panorama..."),
  .menu_path = "<Image>/Filters/Tessera",
  .blurb = N_ ("Paint a panorama or a texture that closes on itself"),
  .help = N_ ("A full sphere of 360 by 180 degrees, a strip all around, or a "
              "texture that repeats without a seam, from text; or only the "
              "seam of a picture that nearly closes. The image says in its "
              "metadata that it is a panorama, which viewers read when it is "
              "exported with XMP."),
  .sets = TESS_ARGUMENTS_IMAGE | TESS_ARGUMENTS_PAINT | TESS_ARGUMENTS_METHOD,
  .whole = TRUE,
  .studio = &panorama_studio,
  .declare = declare_for_image,
  .prepare = prepare,
  PAINTER,
};

static const TessPainter create = {
  .menu_label = N_ ("_Panorama From Text..."),
  .menu_path = "<Image>/File/Create",
  .blurb = N_ ("Paint a new panorama from text"),
  .help = N_ ("A full sphere of 360 by 180 degrees, a strip all around, or a "
              "texture that repeats without a seam, as a new image."),
  .sets = TESS_ARGUMENTS_PAINT | TESS_ARGUMENTS_METHOD,
  .studio = &create_studio,
  .declare = declare,
  PAINTER,
};

GimpProcedure *
tess_panorama_create (GimpPlugIn *plug_in, const gchar *name)
{
  return tess_painter_create (
      plug_in, name,
      strcmp (name, TESS_PROC_CREATE_PANORAMA) == 0 ? &create : &for_image);
}
