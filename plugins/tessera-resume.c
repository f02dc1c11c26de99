/* SPDX-License-Identifier: GPL-3.0-or-later
 * plugins/tessera-resume.c: plug-in-tessera-resume: goes on with the job that
 * was stopped or cut off last, whichever procedure began it. */
#include <glib/gi18n-lib.h>
#include "plugins/common.h"
#include "plugins/painter.h"

static const TessRow rows[] = { tess_row_output, NULL };
static const TessSection sections[] = { NULL };
static const TessNamedSize sizes[] = { { NULL, 0, 0 } };

static const TessStudioKind studio = {
  .title = N_ ("Resume Last Job"),
  .role = "tessera-resume",
  .hint = N_ ("There is nothing to go on with."),
  .rows = rows,
  .sections = sections,
  .sizes = sizes,
  .resumes = TRUE,
  .all_around = TRUE,
};

static const TessPainter resume = {
  .menu_label = N_ ("Resume Last _Job..."),
  .menu_path = "<Image>/Filters/Tessera",
  .blurb = N_ ("Go on with the picture that was stopped or cut off last"),
  .help = N_ ("Every step of a picture is written down. After a stop, a crash "
              "or a power cut this goes on from the last step, to the same "
              "picture."),
  .sets = TESS_ARGUMENTS_IMAGE,
  .resumes = TRUE,
  .studio = &studio,
};

GimpProcedure *
tess_resume_create (GimpPlugIn *plug_in, const gchar *name)
{
  return tess_painter_create (plug_in, name, &resume);
}
