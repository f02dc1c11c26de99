/* SPDX-License-Identifier: GPL-3.0-or-later
 * plugins/common.c: start and failure of every procedure. */
#include "plugins/common.h"

#include <gegl.h>
#include <glib/gi18n-lib.h>
#include "core/error.h"
#include "ui/settings.h"

#define AUTHORS "The Tessera authors"

GimpProcedure *
tess_common_create (GimpPlugIn *plug_in,
                    const gchar *name,
                    const TessProcedureText *text,
                    GimpRunFunc run,
                    gpointer data)
{
  GimpProcedure *procedure = gimp_procedure_new (
      plug_in, name, GIMP_PDB_PROC_TYPE_PLUGIN, run, data, NULL);

  gimp_procedure_set_sensitivity_mask (procedure, text->sensitive);
  gimp_procedure_set_menu_label (procedure, text->menu_label);
  gimp_procedure_add_menu_path (procedure, text->menu_path);
  gimp_procedure_set_documentation (procedure, text->blurb, text->help, NULL);
  gimp_procedure_set_attribution (procedure, AUTHORS, AUTHORS, "2026");
  return procedure;
}

void
tess_common_declare_run (GimpProcedure *procedure)
{
  gimp_procedure_add_enum_argument (procedure, "run-mode", _ ("Run mode"),
                                    _ ("The run mode"), GIMP_TYPE_RUN_MODE,
                                    GIMP_RUN_NONINTERACTIVE, G_PARAM_READWRITE);
}

void
tess_common_declare_image (GimpProcedure *procedure, const gchar *blurb)
{
  tess_common_declare_run (procedure);
  gimp_procedure_add_image_argument (
      procedure, "image", _ ("Image"), blurb, TRUE,
      G_PARAM_READWRITE | GIMP_PARAM_DONT_SERIALIZE);
}

GimpImage *
tess_common_read_image (GimpProcedureConfig *config,
                        GimpRunMode *mode,
                        const gchar *missing,
                        GError **error)
{
  GimpImage *image = NULL;

  g_object_get (config, "run-mode", mode, "image", &image, NULL);
  if (!image)
    g_set_error_literal (error, TESS_ERROR, TESS_ERROR_REQUEST, missing);
  return image;
}

void
tess_common_start (void)
{
  gegl_init (NULL, NULL);
}

GimpValueArray *
tess_common_fail (GimpProcedure *procedure, GError *error)
{
  tess_settings_set_last_error (gimp_procedure_get_name (procedure),
                                error->message);
  return gimp_procedure_new_return_values (procedure, GIMP_PDB_EXECUTION_ERROR,
                                           error);
}
