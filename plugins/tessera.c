/* SPDX-License-Identifier: GPL-3.0-or-later
 * plugins/tessera.c: the executable: which procedures it has. GIMP starts it
 * once to ask that, and again for every call. */
#include <string.h>
#include <libgimp/gimp.h>
#include "core/threads.h"
#include "gpu/backend.h"
#include "plugins/common.h"

typedef struct
{
  GimpPlugIn parent;
} TessPlugIn;

typedef struct
{
  GimpPlugInClass parent;
} TessPlugInClass;

GType tess_plug_in_get_type (void) G_GNUC_CONST;

G_DEFINE_TYPE (TessPlugIn, tess_plug_in, GIMP_TYPE_PLUG_IN)
int
main (int argc, char **argv)
{
  /* Not where GIMP only asks what there is. */
  if (g_strv_contains ((const gchar *const *) argv, "-run"))
    tess_threads_init (argv);
  return gimp_main (tess_plug_in_get_type (), argc, argv);
}

static const struct
{
  const gchar *name;
  GimpProcedure *(*create) (GimpPlugIn *plug_in, const gchar *name);
} procedures[] = {
  { TESS_PROC_GENERATE, tess_generate_create },
  { TESS_PROC_CREATE, tess_generate_create },
  { TESS_PROC_PANORAMA, tess_panorama_create },
  { TESS_PROC_CREATE_PANORAMA, tess_panorama_create },
  { TESS_PROC_ANY_SIZE, tess_any_size_create },
  { TESS_PROC_UPSCALE, tess_upscale_create },
  { TESS_PROC_RESUME, tess_resume_create },
  { TESS_PROC_REPORT, tess_report_create },
  { TESS_PROC_PROJECT, tess_project_create },
  { TESS_PROC_VIEW, tess_view_create },
};

static GList *
query_procedures (GimpPlugIn *plug_in)
{
  GList *names = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (procedures); i++)
    names = g_list_append (names, g_strdup (procedures[i].name));
  return names;
}

static GimpProcedure *
create_procedure (GimpPlugIn *plug_in, const gchar *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (procedures); i++)
    if (strcmp (name, procedures[i].name) == 0)
      return procedures[i].create (plug_in, name);
  return NULL;
}

static void
tess_plug_in_class_init (TessPlugInClass *klass)
{
  GimpPlugInClass *plug_in_class = GIMP_PLUG_IN_CLASS (klass);

  plug_in_class->query_procedures = query_procedures;
  plug_in_class->create_procedure = create_procedure;
}

static void
tess_plug_in_init (TessPlugIn *plug_in)
{
  tess_gpu_register ();
}
