/* SPDX-License-Identifier: GPL-3.0-or-later
 * plugins/tessera-upscale.c: plug-in-tessera-upscale: a layer, a selection or
 * an image painted larger. */
#include <glib/gi18n-lib.h>
#include "plugins/common.h"
#include "plugins/painter.h"
#include "plugins/picture.h"
#include "ui/choices.h"
#include "ui/upscale-settings.h"

static void
size (GObject *config, const GeglRectangle *from, gint *width, gint *height)
{
  tess_upscale_size (config, from->width, from->height, width, height);
}

static gboolean
extent (GObject *config, GimpImage *image, gint *width, gint *height)
{
  gint source = TESS_SOURCE_VISIBLE;
  GeglRectangle from;

  tess_arguments_read_word (config, "source", &source, NULL);
  if (!image
      || !tess_picture_extent (image,
                               source == TESS_SOURCE_LAYER
                                   ? TESS_EXTENT_LAYER
                                   : TESS_EXTENT_SELECTION,
                               &from, NULL))
    return FALSE;
  *width = from.width;
  *height = from.height;
  return TRUE;
}

/* A part becomes a layer where it is, a whole image another one. */
static void
prepare (GObject *config, GimpImage *image)
{
  gboolean part = image && !gimp_selection_is_empty (image)
                  && gimp_image_get_base_type (image) != GIMP_INDEXED;

  g_object_set (config, "output", part ? "layer" : "image", NULL);
}

static const TessRow rows[] = {
  tess_row_source,   tess_row_scale,   tess_row_quality,
  tess_row_fidelity, tess_row_colours, tess_row_upscaler,
  tess_row_seed,     tess_row_output,  NULL,
};

static const TessRow more_rows[]
    = { tess_row_upscale_files, tess_row_own_steps, tess_row_sampler, NULL };

static const TessSection sections[]
    = { tess_section_words, tess_section_advanced, NULL };

static const TessStudioKind studio = {
  .title = N_ ("Upscale"),
  .role = "tessera-upscale",
  .action = N_ ("_Upscale"),
  .hint = N_ ("Choose how much larger, then press Upscale."),
  .rows = rows,
  .more_rows = more_rows,
  .sections = sections,
  .extent = extent,
};

static const TessStandard standards[] = {
  { "output", "image" },
  { "sampler", "ddpm" },
  { NULL, NULL },
};

static const TessPainter upscale = {
  .menu_label = N_ ("_Upscale..."),
  .menu_path = "<Image>/Filters/Tessera",
  .blurb = N_ ("Paint a picture larger, with detail that it lacks"),
  .help = N_ ("StableSR: a diffusion model that looks at the enlarged picture "
              "at every step, tile by tile, so that any size can be reached "
              "and no tile can be seen. Of an image, a layer or what is "
              "selected, as a new image or as a layer in its place. Bits, "
              "color profile, transparency and metadata stay what they are."),
  .sets = TESS_ARGUMENTS_IMAGE | TESS_ARGUMENTS_ENLARGE,
  .standards = standards,
  .enlarges = TRUE,
  .studio = &studio,
  .prepare = prepare,
  .size = size,
};

GimpProcedure *
tess_upscale_create (GimpPlugIn *plug_in, const gchar *name)
{
  return tess_painter_create (plug_in, name, &upscale);
}
