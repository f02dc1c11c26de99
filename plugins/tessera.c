/* SPDX-License-Identifier: GPL-3.0-or-later
 * plugins/tessera.c: the executable: which procedures it has. GIMP starts it
 * once to ask that, and again for every call. */
#include <string.h>
#include <libgimp/gimp.h>
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
GIMP_MAIN (tess_plug_in_get_type ())

static GList *
query_procedures (GimpPlugIn *plug_in)
{
  GList *names = NULL;

  names = g_list_append (names, g_strdup (TESS_PROC_GENERATE));
  names = g_list_append (names, g_strdup (TESS_PROC_CREATE));
  names = g_list_append (names, g_strdup (TESS_PROC_REPORT));
  return names;
}

static GimpProcedure *
create_procedure (GimpPlugIn *plug_in, const gchar *name)
{
  if (strcmp (name, TESS_PROC_REPORT) == 0)
    return tess_report_create (plug_in, name);
  return tess_generate_create (plug_in, name);
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
}
