/* SPDX-License-Identifier: GPL-3.0-or-later
 * plugins/tessera-any-size.c: plug-in-tessera-any-size: composed small, at the
 * size that the model knows, then painted large. */
#include <glib/gi18n-lib.h>
#include "plugins/common.h"
#include "plugins/painter.h"
#include "ui/upscale-settings.h"

static gboolean
fill (GObject *config, GimpImage *image, TessRequest *request, GError **error)
{
  request->method = TESS_TILING_ANY_SIZE;
  return TRUE;
}

static void
row_detail (TessStudioSettings *settings, TessTable *table)
{
  static const TessScale range = { 0.05, 1.0, 0.05, 2 };

  tess_table_add_scale (
      table, _ ("Detail"), "detail", &range,
      _ ("How much is painted anew after the small picture was enlarged: 0.3 "
         "stays close to it and soft, 0.5 adds much that is new; beyond that "
         "things may appear twice."));
}

static void
row_refine (TessStudioSettings *settings, TessTable *table)
{
  tess_table_add_choice (
      table, _ ("Tiles"), "refine",
      _ ("How tiles of the large picture lie. Shifting ones need about one "
         "call each and leave no seam; overlapping ones take three times as "
         "long and are smoother still. DemoFusion paints larger and larger in "
         "several pictures: it takes by far the longest, and nothing appears "
         "twice. The others are to compare with."));
}

static const TessRow rows[] = {
  tess_row_model, tess_row_size, tess_row_second, row_detail,
  tess_row_steps, tess_row_seed, tess_row_output, NULL,
};

static const TessRow more_rows[]
    = { row_refine, tess_row_guidance, tess_row_sampler, NULL };

static const TessSection sections[]
    = { tess_section_objects, tess_section_advanced, NULL };

static const TessNamedSize sizes[] = {
  { N_ ("Square"), 1024, 1024 },
  { N_ ("Square, large"), 2048, 2048 },
  { N_ ("Landscape 3:2"), 1536, 1024 },
  { N_ ("Portrait 2:3"), 1024, 1536 },
  { N_ ("Full HD"), 1920, 1080 },
  { N_ ("4K"), 3840, 2160 },
  { N_ ("A4 at 200 per inch"), 1654, 2339 },
  { N_ ("A4 at 300 per inch"), 2480, 3508 },
  { N_ ("Cinema 21:9"), 2560, 1080 },
  { NULL, 0, 0 },
};

static const TessStudioKind studio = {
  .title = N_ ("Any Size"),
  .role = "tessera-any-size",
  .hint = N_ ("Write what to paint, choose how large, then press Generate.\n"
              "It is composed small first, then painted large."),
  .rows = rows,
  .more_rows = more_rows,
  .sections = sections,
  .sizes = sizes,
  .instances = TRUE,
};

static const TessPainter any_size = {
  .menu_label = N_ ("_Any Size..."),
  .menu_path = "<Image>/Filters/Tessera",
  .blurb = N_ ("Paint a large picture that is composed as a whole"),
  .help = N_ ("First a small picture of the right shape, at the size that the "
              "model was trained on, so that nothing appears twice; then the "
              "same large, in tiles that leave no seam: painted anew, or with "
              "StableSR where the model has its weights."),
  .sets = TESS_ARGUMENTS_IMAGE | TESS_ARGUMENTS_PAINT | TESS_ARGUMENTS_REFINE,
  .width = 1536,
  .height = 1024,
  .studio = &studio,
  .read = fill,
};

GimpProcedure *
tess_any_size_create (GimpPlugIn *plug_in, const gchar *name)
{
  return tess_painter_create (plug_in, name, &any_size);
}
