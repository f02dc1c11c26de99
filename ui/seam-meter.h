/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/seam-meter.h: says in plain words whether an edge can be found where the
 * ends of a panorama meet (core/seam.h). Measured in a thread of its own; the
 * picture must be a private buffer that nobody changes. */
#pragma once

#include <gtk/gtk.h>
#include "core/seam.h"

G_BEGIN_DECLS

/* What was measured. */
typedef struct
{
  TessSeamClosing closing;
  gint period_px; /* of the tiles, 0: not known */
  gdouble period;
} TessSeamReport;

/* How wide tiles of a picture are apart, in pixels; 0 where that is not known:
 * common ones are looked for. */
gboolean tess_seam_report (GeglBuffer *picture,
                           gint period_px,
                           GCancellable *cancellable,
                           TessSeamReport *report,
                           GError **error);

/* The worst of the three. */
TessSeamVerdict tess_seam_report_verdict (const TessSeamReport *report);
/* One sentence; then one each for line, tone and tiles. (transfer full) */
gchar *tess_seam_report_headline (const TessSeamReport *report);
gchar *tess_seam_report_line (const TessSeamReport *report);
gchar *tess_seam_report_tone (const TessSeamReport *report);
gchar *tess_seam_report_tiles (const TessSeamReport *report);

G_DECLARE_FINAL_TYPE (TessSeamMeter, tess_seam_meter, TESS, SEAM_METER, GtkBox)

GtkWidget *tess_seam_meter_new (void);

/* Measures @picture; NULL: there is none yet, @why says so (may be NULL). */
void tess_seam_meter_measure (TessSeamMeter *meter,
                              GeglBuffer *picture,
                              gint period_px);
void tess_seam_meter_clear (TessSeamMeter *meter, const gchar *why);

G_END_DECLS
