/* SPDX-License-Identifier: GPL-3.0-or-later
 * plugins/common.h: what the procedures of the one executable share. */
#pragma once

#include <libgimp/gimp.h>

G_BEGIN_DECLS

#define TESS_PROC_GENERATE "plug-in-tessera-generate"
#define TESS_PROC_CREATE "plug-in-tessera-create"
#define TESS_PROC_PANORAMA "plug-in-tessera-panorama"
#define TESS_PROC_CREATE_PANORAMA "plug-in-tessera-create-panorama"
#define TESS_PROC_ANY_SIZE "plug-in-tessera-any-size"
#define TESS_PROC_UPSCALE "plug-in-tessera-upscale"
#define TESS_PROC_RESUME "plug-in-tessera-resume"
#define TESS_PROC_REPORT "plug-in-tessera-report"
#define TESS_PROC_PROJECT "plug-in-tessera-project"
#define TESS_PROC_VIEW "plug-in-tessera-view"

/* Each makes the procedure of that name. */
GimpProcedure *tess_generate_create (GimpPlugIn *plug_in, const gchar *name);
GimpProcedure *tess_panorama_create (GimpPlugIn *plug_in, const gchar *name);
GimpProcedure *tess_any_size_create (GimpPlugIn *plug_in, const gchar *name);
GimpProcedure *tess_upscale_create (GimpPlugIn *plug_in, const gchar *name);
GimpProcedure *tess_resume_create (GimpPlugIn *plug_in, const gchar *name);
GimpProcedure *tess_report_create (GimpPlugIn *plug_in, const gchar *name);
GimpProcedure *tess_project_create (GimpPlugIn *plug_in, const gchar *name);
GimpProcedure *tess_view_create (GimpPlugIn *plug_in, const gchar *name);

/* What every procedure says of itself; translated by who gives it. */
#define TESS_SENSITIVE_IMAGE                                                   \
  (GIMP_PROCEDURE_SENSITIVE_DRAWABLE | GIMP_PROCEDURE_SENSITIVE_DRAWABLES      \
   | GIMP_PROCEDURE_SENSITIVE_NO_DRAWABLES)

typedef struct
{
  const gchar *menu_label, *menu_path;
  const gchar *blurb, *help; /* for the procedure browser */
  guint sensitive;           /* GimpProcedureSensitivityMask */
} TessProcedureText;

/* A plain procedure with these texts and no arguments yet. */
GimpProcedure *tess_common_create (GimpPlugIn *plug_in,
                                   const gchar *name,
                                   const TessProcedureText *text,
                                   GimpRunFunc run,
                                   gpointer data);

/* The first argument of every procedure. */
void tess_common_declare_run (GimpProcedure *procedure);

/* Of a procedure that only looks at an image: run-mode and image. */
void tess_common_declare_image (GimpProcedure *procedure, const gchar *blurb);

/* What those were given. NULL: no image, with @missing as the error; else
 * (transfer full). */
GimpImage *tess_common_read_image (GimpProcedureConfig *config,
                                   GimpRunMode *mode,
                                   const gchar *missing,
                                   GError **error);

/* First thing in every run: GEGL before any use of it. */
void tess_common_start (void);

/**
 * tess_common_fail:
 * The return values for an @error (taken over), which is also remembered for
 * the report. Never GIMP_PDB_CANCEL: a script would go on as if all was well.
 */
GimpValueArray *tess_common_fail (GimpProcedure *procedure, GError *error);

G_END_DECLS
