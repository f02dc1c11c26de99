/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/quality.c: presets of an enlarged picture. */
#include "core/quality.h"

static const TessChoice words[] = {
  { "reference", TESS_QUALITY_REFERENCE },
  { "good", TESS_QUALITY_GOOD },
  { "quick", TESS_QUALITY_QUICK },
  { "fast", TESS_QUALITY_FAST },
  { NULL },
};

static const struct
{
  gint steps;
  TessRefine refine;
} presets[] = {
  [TESS_QUALITY_REFERENCE] = { 200, TESS_REFINE_AUTO },
  [TESS_QUALITY_GOOD] = { 50, TESS_REFINE_AUTO },
  [TESS_QUALITY_QUICK] = { 20, TESS_REFINE_AUTO },
  [TESS_QUALITY_FAST] = { 20, TESS_REFINE_SHIFTED },
};

const TessChoice *
tess_qualities (void)
{
  return words;
}

void
tess_quality_apply (TessQuality quality, TessRequest *request)
{
  g_return_if_fail ((guint) quality < G_N_ELEMENTS (presets));

  request->steps = presets[quality].steps;
  request->refine = presets[quality].refine;
}
