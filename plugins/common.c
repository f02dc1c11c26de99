/* SPDX-License-Identifier: GPL-3.0-or-later
 * plugins/common.c: start and failure of every procedure. */
#include "plugins/common.h"

#include <gegl.h>
#include "ui/settings.h"

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
