/* SPDX-License-Identifier: GPL-3.0-or-later
 * plugins/tessera-generate.c: text to a layer or an image, of any size:
 * plug-in-tessera-generate for an image (and for none), plug-in-tessera-create
 * for a new one. */
#include <string.h>
#include <glib/gi18n-lib.h>
#include "plugins/common.h"
#include "plugins/painter.h"

static const TessRow rows[] = {
  tess_row_model,   tess_row_size, tess_row_steps,  tess_row_guidance,
  tess_row_sampler, tess_row_seed, tess_row_output, NULL,
};

static const TessSection sections[] = {
  tess_section_begin,
  tess_section_objects,
  tess_section_advanced,
  NULL,
};

static const gchar *const methods[]
    = { "multidiffusion", "shifted", "ring", "ring-1",
        "stitch",         "spot",    "fstd", NULL };

#define SETS                                                                   \
  (TESS_ARGUMENTS_PAINT | TESS_ARGUMENTS_METHOD | TESS_ARGUMENTS_WRAP)

static const TessNamedSize sizes[] = {
  { N_ ("Square"), 512, 512 },
  { N_ ("Landscape"), 768, 512 },
  { N_ ("Portrait"), 512, 768 },
  { N_ ("Wide"), 1024, 512 },
  { N_ ("Panorama"), 1536, 512 },
  { N_ ("Poster"), 2048, 1536 },
  { NULL, 0, 0 },
};

/* All but their names. */
#define STUDIO                                                                 \
  .hint = N_ ("Write what to paint, then press Generate."), .rows = rows,      \
  .sections = sections, .methods = methods, .sizes = sizes

static const TessStudioKind generate_studio = {
  .title = N_ ("Generate"),
  .role = "tessera-generate",
  .instances = TRUE,
  STUDIO,
};

static const TessStudioKind create_studio = {
  .title = N_ ("Create an Image From Text"),
  .role = "tessera-create",
  STUDIO,
};

static const TessPainter generate = {
  .menu_label = N_ ("_Generate..."),
  .menu_path = "<Image>/Filters/Tessera",
  .blurb = N_ ("Paint a new layer from text, of any size"),
  .help = N_ ("Text becomes a picture by a diffusion model; a canvas larger "
              "than the model's window is painted in tiles that agree with "
              "each other. The result is a new layer above the selected one, "
              "or a new image."),
  .sets = SETS | TESS_ARGUMENTS_IMAGE,
  .studio = &generate_studio,
};

static const TessPainter create = {
  .menu_label = N_ ("From _Text..."),
  .menu_path = "<Image>/File/Create",
  .blurb = N_ ("Paint a new image from text, of any size"),
  .help = N_ ("Text becomes a picture by a diffusion model; a canvas larger "
              "than the model's window is painted in tiles that agree with "
              "each other."),
  .sets = SETS,
  .studio = &create_studio,
};

GimpProcedure *
tess_generate_create (GimpPlugIn *plug_in, const gchar *name)
{
  return tess_painter_create (plug_in, name,
                              strcmp (name, TESS_PROC_CREATE) == 0 ? &create
                                                                   : &generate);
}
