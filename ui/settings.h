/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/settings.h: what Tessera remembers by itself, beside what GIMP keeps of
 * each procedure: folders with models, the last prompt (GIMP keeps it only
 * after a run that ended well), the last error for the report.
 *
 * The file is tessera/settings.ini in the user's configuration folder; it is
 * read and written at each call, so that two running plug-ins agree. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

gchar *tess_settings_path (void); /* transfer full */

/* Folders that the user added; NULL-terminated, maybe empty. */
GStrv tess_settings_get_folders (void);
/* Twice the same folder counts once. Errors: G_FILE_ERROR. */
gboolean tess_settings_add_folder (const gchar *folder, GError **error);
gboolean tess_settings_remove_folder (const gchar *folder, GError **error);

/* "" where there is none. */
gchar *tess_settings_get_prompt (void);
gchar *tess_settings_get_negative (void);
/* Failing to write is told by g_debug only: nothing hangs on it. */
void tess_settings_set_prompts (const gchar *prompt, const gchar *negative);

/* "2026-01-31 12:30:00 plug-in-...: message"; NULL where there is none. */
gchar *tess_settings_get_last_error (void);
void
tess_settings_set_last_error (const gchar *procedure, const gchar *message);

G_END_DECLS
