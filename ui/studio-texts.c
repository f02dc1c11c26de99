/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/studio-texts.c: a job in one line. */
#include "ui/studio-texts.h"

#include <glib/gi18n-lib.h>

static gchar *
time_text (gdouble seconds)
{
  if (seconds < 90)
    return g_strdup_printf (_ ("%d s"), (gint) (seconds + 0.5));
  return g_strdup_printf (_ ("%d min"), (gint) (seconds / 60 + 0.5));
}

gchar *
tess_studio_plan_text (const TessJobPlan *plan, gint width, gint height)
{
  GString *line = g_string_new (NULL);
  g_autofree gchar *bytes
      = g_format_size_full (plan->n_bytes, G_FORMAT_SIZE_IEC_UNITS);
  g_autofree gchar *free_bytes
      = g_format_size_full (plan->n_bytes_free, G_FORMAT_SIZE_IEC_UNITS);

  g_string_append_printf (line, "%d × %d", width, height);
  g_string_append (line, " · ");
  g_string_append_printf (
      line, g_dngettext (GETTEXT_PACKAGE, "%d tile", "%d tiles", plan->n_tiles),
      plan->n_tiles);
  g_string_append (line, " · ");
  g_string_append_printf (line, _ ("%s of %s"), bytes, free_bytes);
  if (plan->seconds > 0)
    {
      g_autofree gchar *seconds = time_text (plan->seconds);

      g_string_append (line, " · ");
      g_string_append_printf (line, _ ("about %s"), seconds);
    }
  if (plan->device)
    g_string_append_printf (line, " · %s", plan->device);
  return g_string_free (line, FALSE);
}

gchar *
tess_studio_progress_text (const TessProgress *progress)
{
  GString *text = g_string_new (NULL);

  switch (progress->stage)
    {
    case TESS_STAGE_LOAD:
      g_string_append (text, _ ("Reading the model"));
      break;
    case TESS_STAGE_ENCODE:
      g_string_append (text, _ ("Reading the picture"));
      break;
    case TESS_STAGE_SAMPLE:
      if (progress->n_phases > 1)
        {
          g_string_append_printf (text, _ ("Picture %d of %d"),
                                  progress->phase + 1, progress->n_phases);
          g_string_append (text, ", ");
        }
      g_string_append_printf (text, _ ("Step %d of %d"),
                              MIN (progress->step + 1, progress->n_steps),
                              progress->n_steps);
      if (progress->n_tiles > 1)
        {
          g_string_append (text, ", ");
          g_string_append_printf (text, _ ("tile %d of %d"), progress->tile,
                                  progress->n_tiles);
        }
      break;
    case TESS_STAGE_DECODE:
      g_string_append (text, _ ("Making pixels"));
      break;
    }
  if (progress->seconds_left >= 0)
    {
      g_autofree gchar *seconds = time_text (progress->seconds_left);

      g_string_append (text, " · ");
      g_string_append_printf (text, _ ("%s left"), seconds);
    }
  return g_string_free (text, FALSE);
}
