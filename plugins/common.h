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
#define TESS_PROC_RESUME "plug-in-tessera-resume"
#define TESS_PROC_REPORT "plug-in-tessera-report"
#define TESS_PROC_PROJECT "plug-in-tessera-project"
#define TESS_PROC_VIEW "plug-in-tessera-view"

/* Each makes the procedure of that name. */
GimpProcedure *tess_generate_create (GimpPlugIn *plug_in, const gchar *name);
GimpProcedure *tess_panorama_create (GimpPlugIn *plug_in, const gchar *name);
GimpProcedure *tess_any_size_create (GimpPlugIn *plug_in, const gchar *name);
GimpProcedure *tess_resume_create (GimpPlugIn *plug_in, const gchar *name);
GimpProcedure *tess_report_create (GimpPlugIn *plug_in, const gchar *name);
GimpProcedure *tess_project_create (GimpPlugIn *plug_in, const gchar *name);
GimpProcedure *tess_view_create (GimpPlugIn *plug_in, const gchar *name);

/* First thing in every run: GEGL before any use of it. */
void tess_common_start (void);

/**
 * tess_common_fail:
 * The return values for an @error (taken over), which is also remembered for
 * the report. Never GIMP_PDB_CANCEL: a script would go on as if all was well.
 */
GimpValueArray *tess_common_fail (GimpProcedure *procedure, GError *error);

G_END_DECLS
