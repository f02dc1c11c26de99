/* SPDX-License-Identifier: GPL-3.0-or-later
 * plugins/tessera-report.c: what a maintainer asks first, in a form that can be
 * pasted: versions, machine, models found, the last error. The home folder is
 * written as ~ and no prompt is told. */
#include <stdio.h>
#include <string.h>
#include <glib/gi18n-lib.h>
#include <libgimp/gimp.h>
#include <libgimp/gimpui.h>
#include "core/devices.h"
#include "plugins/common.h"
#include "ui/models.h"
#include "ui/settings.h"

static gchar *
without_home (const gchar *path)
{
  const gchar *home = g_get_home_dir ();
  gsize length = strlen (home);

  if (length > 1 && g_str_has_prefix (path, home) && path[length] == '/')
    return g_strconcat ("~", path + length, NULL);
  return g_strdup (path);
}

/* The first "key : value" line of a file in /proc. */
static gchar *
proc_value (const gchar *file, const gchar *key)
{
  g_autofree gchar *text = NULL;
  g_auto (GStrv) lines = NULL;

  if (!g_file_get_contents (file, &text, NULL, NULL))
    return g_strdup ("unknown");
  lines = g_strsplit (text, "\n", -1);
  for (gint i = 0; lines[i]; i++)
    if (g_str_has_prefix (lines[i], key))
      {
        const gchar *colon = strchr (lines[i], ':');

        if (colon)
          return g_strstrip (g_strdup (colon + 1));
      }
  return g_strdup ("unknown");
}

static void
add_versions (GString *report)
{
  gint babl[3], gegl[3];

  babl_get_version (&babl[0], &babl[1], &babl[2]);
  gegl_get_version (&gegl[0], &gegl[1], &gegl[2]);
  g_string_append_printf (report, "Tessera %s\n", TESS_VERSION);
  g_string_append_printf (report,
                          "GIMP %s, GEGL %d.%d.%d, babl %d.%d.%d, "
                          "GLib %u.%u.%u\n",
                          gimp_version (), gegl[0], gegl[1], gegl[2], babl[0],
                          babl[1], babl[2], glib_major_version,
                          glib_minor_version, glib_micro_version);
}

static void
add_machine (GString *report)
{
  g_autofree gchar *os = g_get_os_info (G_OS_INFO_KEY_PRETTY_NAME);
  g_autofree gchar *cpu = proc_value ("/proc/cpuinfo", "model name");
  g_autofree gchar *total = proc_value ("/proc/meminfo", "MemTotal");
  g_autofree gchar *available = proc_value ("/proc/meminfo", "MemAvailable");

  g_string_append_printf (report, "System: %s\n", os ? os : "unknown");
  g_string_append_printf (report, "Processor: %s, %u threads, GIMP uses %d\n",
                          cpu, g_get_num_processors (),
                          gimp_get_num_processors ());
  g_string_append_printf (report, "Memory: %s, free %s\n", total, available);
}

static void
add_devices (GString *report)
{
  g_autofree gchar *lines
      = tess_devices_list (gimp_get_num_processors (), FALSE);
  g_auto (GStrv) list = g_strsplit (lines, "\n", -1);

  g_string_append (report, "Devices:\n");
  for (gint i = 0; list[i] && *list[i]; i++)
    {
      g_strdelimit (list[i], "\t", ' ');
      g_string_append_printf (report, "  %s\n", list[i]);
    }
}

static void
add_models (GString *report)
{
  g_autoptr (GPtrArray) models = tess_models_list ();
  g_auto (GStrv) folders = tess_settings_get_folders ();

  g_string_append (report, "Models:\n");
  for (guint i = 0; i < models->len; i++)
    {
      const TessModelEntry *entry = models->pdata[i];
      g_autofree gchar *path = without_home (entry->path);

      g_string_append_printf (report, "  %s: %s\n", entry->name, path);
    }
  if (models->len == 0)
    g_string_append (report, "  none\n");
  for (gint i = 0; folders[i]; i++)
    {
      g_autofree gchar *path = without_home (folders[i]);

      g_string_append_printf (report, "  added folder: %s\n", path);
    }
}

static gchar *
make_report (void)
{
  GString *report = g_string_new (NULL);
  g_autofree gchar *last = tess_settings_get_last_error ();
  g_autofree gchar *folder = g_path_get_dirname (gimp_get_progname ());
  g_autofree gchar *installed = without_home (folder);

  add_versions (report);
  g_string_append_printf (report, "Installed in: %s\n", installed);
  add_machine (report);
  add_devices (report);
  add_models (report);
  g_string_append_printf (report, "Last error: %s\n", last ? last : "none");
  return g_string_free (report, FALSE);
}

static void
show_report (const gchar *text)
{
  enum
  {
    RESPONSE_COPY = 1
  };
  GtkWidget *dialog, *scrolled, *view;

  gimp_ui_init ("tessera");
  dialog = gimp_dialog_new (_ ("Tessera Report"), "tessera-report", NULL, 0,
                            NULL, NULL, _ ("_Copy"), RESPONSE_COPY,
                            _ ("C_lose"), GTK_RESPONSE_CLOSE, NULL);
  view = gtk_text_view_new ();
  gtk_text_buffer_set_text (gtk_text_view_get_buffer (GTK_TEXT_VIEW (view)),
                            text, -1);
  gtk_text_view_set_editable (GTK_TEXT_VIEW (view), FALSE);
  gtk_text_view_set_monospace (GTK_TEXT_VIEW (view), TRUE);
  gtk_text_view_set_wrap_mode (GTK_TEXT_VIEW (view), GTK_WRAP_WORD_CHAR);
  gtk_text_view_set_left_margin (GTK_TEXT_VIEW (view), 8);
  gtk_text_view_set_top_margin (GTK_TEXT_VIEW (view), 8);
  scrolled = gtk_scrolled_window_new (NULL, NULL);
  gtk_scrolled_window_set_shadow_type (GTK_SCROLLED_WINDOW (scrolled),
                                       GTK_SHADOW_IN);
  gtk_container_add (GTK_CONTAINER (scrolled), view);
  gtk_container_set_border_width (GTK_CONTAINER (scrolled), 12);
  gtk_box_pack_start (
      GTK_BOX (gtk_dialog_get_content_area (GTK_DIALOG (dialog))), scrolled,
      TRUE, TRUE, 0);
  gtk_window_set_default_size (GTK_WINDOW (dialog), 720, 440);
  gtk_widget_show_all (dialog);
  while (gimp_dialog_run (GIMP_DIALOG (dialog)) == RESPONSE_COPY)
    {
      GtkClipboard *clipboard = gtk_clipboard_get (GDK_SELECTION_CLIPBOARD);

      gtk_clipboard_set_text (clipboard, text, -1);
      gtk_clipboard_store (clipboard);
    }
  gtk_widget_destroy (dialog);
}

static GimpValueArray *
run (GimpProcedure *procedure, GimpProcedureConfig *config, gpointer data)
{
  g_autofree gchar *report = NULL;
  GimpValueArray *values;
  GimpRunMode mode;

  tess_common_start ();
  g_object_get (config, "run-mode", &mode, NULL);
  report = make_report ();
  if (mode == GIMP_RUN_INTERACTIVE)
    show_report (report);
  values = gimp_procedure_new_return_values (procedure, GIMP_PDB_SUCCESS, NULL);
  GIMP_VALUES_SET_STRING (values, 1, report);
  return values;
}

GimpProcedure *
tess_report_create (GimpPlugIn *plug_in, const gchar *name)
{
  const TessProcedureText text = {
    .menu_label = _ ("_Report..."),
    .menu_path = "<Image>/Filters/Tessera",
    .blurb = _ ("Show versions, devices, models found, the last error"),
    .help = _ ("A text to paste when you ask for help."),
    .sensitive = TESS_SENSITIVE_IMAGE | GIMP_PROCEDURE_SENSITIVE_NO_IMAGE,
  };
  GimpProcedure *procedure
      = tess_common_create (plug_in, name, &text, run, NULL);

  tess_common_declare_run (procedure);
  gimp_procedure_add_string_return_value (procedure, "report", _ ("Report"),
                                          _ ("The text"), NULL,
                                          G_PARAM_READWRITE);
  return procedure;
}
