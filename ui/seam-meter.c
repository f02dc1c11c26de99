/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/seam-meter.c: numbers to sentences. */
#include "ui/seam-meter.h"

#include <glib/gi18n-lib.h>

#define SPACE 6

/* Where the period of the tiles is not known. */
static const gint common_periods[] = { 256, 512, 1024 };

gboolean
tess_seam_report (GeglBuffer *picture,
                  gint period_px,
                  GCancellable *cancellable,
                  TessSeamReport *report,
                  GError **error)
{
  const TessSeamSettings settings = { .sphere = TRUE };
  g_autoptr (TessSeamProfile) profile
      = tess_seam_profile_new (picture, &settings, cancellable, error);
  gint n = period_px > 0 ? 1 : (gint) G_N_ELEMENTS (common_periods);

  if (!profile)
    return FALSE;
  *report = (TessSeamReport) { 0 };
  tess_seam_closing (profile, &report->closing);
  for (gint i = 0; i < n; i++)
    {
      gint period = period_px > 0 ? period_px : common_periods[i];
      gdouble energy;

      if (period * 3 > profile->n)
        continue;
      energy = tess_seam_period (profile, profile->n, period);
      if (energy > report->period)
        {
          report->period = energy;
          report->period_px = period;
        }
    }
  return TRUE;
}

TessSeamVerdict
tess_seam_report_verdict (const TessSeamReport *report)
{
  TessSeamVerdict verdict = tess_seam_judge_line (&report->closing);

  verdict = MAX (verdict, tess_seam_judge_tone (&report->closing));
  return MAX (verdict, tess_seam_judge_period (report->period));
}

gchar *
tess_seam_report_headline (const TessSeamReport *report)
{
  TessSeamVerdict closing = MAX (tess_seam_judge_line (&report->closing),
                                 tess_seam_judge_tone (&report->closing));

  if (closing == TESS_SEAM_CLEAR)
    return g_strdup (_ ("A seam shows where left and right edge meet."));
  if (closing == TESS_SEAM_FAINT)
    return g_strdup (_ ("A faint seam can be found where left and right edge "
                        "meet."));
  if (tess_seam_judge_period (report->period) != TESS_SEAM_NONE)
    return g_strdup (_ ("It closes, but the picture repeats at even "
                        "distances, as tiles do."));
  return g_strdup (_ ("It closes: no seam can be measured."));
}

gchar *
tess_seam_report_line (const TessSeamReport *report)
{
  switch (tess_seam_judge_line (&report->closing))
    {
    case TESS_SEAM_NONE:
      return g_strdup (_ ("Line: none that stands out from the picture"));
    case TESS_SEAM_FAINT:
    case TESS_SEAM_CLEAR:
    default:
      return g_strdup_printf (
          _ ("Line: the edges differ %.1f times as much as columns elsewhere"),
          report->closing.line);
    }
}

gchar *
tess_seam_report_tone (const TessSeamReport *report)
{
  if (tess_seam_judge_tone (&report->closing) == TESS_SEAM_NONE)
    return g_strdup (_ ("Tone: the same on both sides"));
  return g_strdup_printf (_ ("Tone: a step of %.1f %% in brightness or color"),
                          report->closing.tone_step * 100.0);
}

gchar *
tess_seam_report_tiles (const TessSeamReport *report)
{
  if (tess_seam_judge_period (report->period) == TESS_SEAM_NONE)
    return g_strdup (_ ("Tiles: no pattern"));
  return g_strdup_printf (_ ("Tiles: a pattern that repeats every %d pixels"),
                          report->period_px);
}

struct _TessSeamMeter
{
  GtkBox parent;
  GtkWidget *sign; /* label: good or bad at a glance */
  GtkWidget *headline;
  GtkWidget *details; /* expander */
  GtkWidget *lines[3];
  GCancellable *cancellable;
};

G_DEFINE_TYPE (TessSeamMeter, tess_seam_meter, GTK_TYPE_BOX)

typedef struct
{
  GeglBuffer *picture;
  gint period_px;
} Measure;

static void
measure_free (Measure *measure)
{
  g_object_unref (measure->picture);
  g_free (measure);
}

static void
measure_thread (GTask *task,
                gpointer source,
                gpointer data,
                GCancellable *cancellable)
{
  Measure *measure = data;
  g_autofree TessSeamReport *report = g_new0 (TessSeamReport, 1);
  GError *error = NULL;

  if (tess_seam_report (measure->picture, measure->period_px, cancellable,
                        report, &error))
    g_task_return_pointer (task, g_steal_pointer (&report), g_free);
  else
    g_task_return_error (task, error);
}

static void
show_report (TessSeamMeter *meter, const TessSeamReport *report)
{
  static const gchar *const signs[] = { "✓", "•", "⚠" };
  g_autofree gchar *headline = tess_seam_report_headline (report);
  gchar *lines[]
      = { tess_seam_report_line (report), tess_seam_report_tone (report),
          tess_seam_report_tiles (report) };

  g_debug ("seam: line %.3f (%.0f %%) tone %.3f (%.0f %%) tiles %.2f",
           report->closing.line, report->closing.line_percent,
           report->closing.tone, report->closing.tone_percent, report->period);
  gtk_label_set_text (GTK_LABEL (meter->sign),
                      signs[tess_seam_report_verdict (report)]);
  gtk_label_set_text (GTK_LABEL (meter->headline), headline);
  for (gsize i = 0; i < G_N_ELEMENTS (lines); i++)
    {
      gtk_label_set_text (GTK_LABEL (meter->lines[i]), lines[i]);
      g_free (lines[i]);
    }
  gtk_widget_show (meter->sign);
  gtk_widget_set_sensitive (meter->details, TRUE);
}

static void
on_measured (GObject *source, GAsyncResult *result, gpointer data)
{
  TessSeamMeter *meter = TESS_SEAM_METER (source);
  g_autoptr (GError) error = NULL;
  g_autofree TessSeamReport *report
      = g_task_propagate_pointer (G_TASK (result), &error);

  if (report)
    show_report (meter, report);
  else if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    tess_seam_meter_clear (meter, error->message);
}

static void
cancel (TessSeamMeter *meter)
{
  g_cancellable_cancel (meter->cancellable);
  g_clear_object (&meter->cancellable);
}

void
tess_seam_meter_clear (TessSeamMeter *meter, const gchar *why)
{
  cancel (meter);
  gtk_widget_hide (meter->sign);
  gtk_label_set_text (GTK_LABEL (meter->headline), why ? why : "");
  gtk_expander_set_expanded (GTK_EXPANDER (meter->details), FALSE);
  gtk_widget_set_sensitive (meter->details, FALSE);
}

void
tess_seam_meter_measure (TessSeamMeter *meter,
                         GeglBuffer *picture,
                         gint period_px)
{
  Measure *measure = g_new (Measure, 1);
  g_autoptr (GTask) task = NULL;

  cancel (meter);
  meter->cancellable = g_cancellable_new ();
  task = g_task_new (meter, meter->cancellable, on_measured, NULL);
  measure->picture = g_object_ref (picture);
  measure->period_px = period_px;
  g_task_set_task_data (task, measure, (GDestroyNotify) measure_free);
  g_task_run_in_thread (task, measure_thread);
}

static void
tess_seam_meter_dispose (GObject *object)
{
  cancel (TESS_SEAM_METER (object));
  G_OBJECT_CLASS (tess_seam_meter_parent_class)->dispose (object);
}

static void
tess_seam_meter_class_init (TessSeamMeterClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = tess_seam_meter_dispose;
}

static GtkWidget *
line_new (void)
{
  GtkWidget *label = gtk_label_new (NULL);

  gtk_label_set_xalign (GTK_LABEL (label), 0.0);
  gtk_style_context_add_class (gtk_widget_get_style_context (label),
                               "dim-label");
  return label;
}

static void
tess_seam_meter_init (TessSeamMeter *meter)
{
  GtkWidget *head = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, SPACE);
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 2);

  gtk_orientable_set_orientation (GTK_ORIENTABLE (meter),
                                  GTK_ORIENTATION_VERTICAL);
  gtk_box_set_spacing (GTK_BOX (meter), SPACE);
  meter->sign = gtk_label_new (NULL);
  meter->headline = gtk_label_new (NULL);
  gtk_label_set_xalign (GTK_LABEL (meter->headline), 0.0);
  gtk_label_set_ellipsize (GTK_LABEL (meter->headline), PANGO_ELLIPSIZE_END);
  gtk_box_pack_start (GTK_BOX (head), meter->sign, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (head), meter->headline, TRUE, TRUE, 0);

  for (gsize i = 0; i < G_N_ELEMENTS (meter->lines); i++)
    {
      meter->lines[i] = line_new ();
      gtk_box_pack_start (GTK_BOX (box), meter->lines[i], FALSE, FALSE, 0);
    }
  gtk_widget_set_margin_start (box, 3 * SPACE);
  meter->details = gtk_expander_new_with_mnemonic (_ ("What was _measured"));
  gtk_widget_set_tooltip_text (
      meter->details,
      _ ("Line: how much the columns at the two edges differ, beside how much "
         "neighboring columns differ elsewhere. Tone: whether brightness or "
         "color jumps. Tiles: whether something repeats at the distance of "
         "tiles."));
  gtk_container_add (GTK_CONTAINER (meter->details), box);
  gtk_box_pack_start (GTK_BOX (meter), head, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (meter), meter->details, FALSE, FALSE, 0);
  gtk_widget_show_all (head);
  gtk_widget_show_all (meter->details);
  gtk_widget_set_no_show_all (meter->sign, TRUE);
  tess_seam_meter_clear (meter, NULL);
}

GtkWidget *
tess_seam_meter_new (void)
{
  return g_object_new (tess_seam_meter_get_type (), NULL);
}
