/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/job-folder.h: a job on disk, so that it survives a cancel, a crash or
 * a power cut.
 *
 * request.json, the pictures and masks that came as buffers, the picture of
 * each phase that is done, and the state after the last step. Every file is
 * written under another name, brought to the disk and renamed, so what is
 * there is whole. A lock keeps a second process out.
 * Errors: G_FILE_ERROR or G_IO_ERROR with the folder's name and what to do. */
#pragma once

#include "core/denoise.h"
#include "core/generate.h"

G_BEGIN_DECLS

/* What the loop needs to go on as if it had not stopped. */
typedef struct
{
  gint phase, step; /* the next */
  TessRandom random;
  TessTensor *x;
  TessTensor *output; /* NULL unless the method holds */
  TessSamplerMemory memory;
  TessTensor *kept[TESS_SAMPLER_MAX_KEPT]; /* owns the memory's canvases */
} TessJobState;

void tess_job_state_clear (TessJobState *state);

/* Where jobs are kept if nothing else is said: a new folder, and the newest
 * one that holds a job and that no process works on (NULL: none). */
gchar *tess_job_folder_fresh (void);
gchar *tess_job_folder_last (void);

/* Begins: @path must not hold a job yet. A seed is chosen where there is
 * none. */
TessJobFolder *
tess_job_folder_new (const gchar *path, TessRequest *request, GError **error);

/* Goes on: @request becomes what was asked for, buffers included. */
TessJobFolder *
tess_job_folder_open (const gchar *path, TessRequest **request, GError **error);

/* Lets go of the lock; the job stays. */
void tess_job_folder_close (TessJobFolder *folder); /* may be NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessJobFolder, tess_job_folder_close)

/* Takes the job off the disk, and closes. */
void tess_job_folder_remove (TessJobFolder *folder); /* may be NULL */

/* A step or a phase of it is done, so that going on is worth while. */
gboolean tess_job_folder_is_begun (const TessJobFolder *folder);

const gchar *tess_job_folder_path (const TessJobFolder *folder);

/* A text of the caller's ("output"); NULL: none. */
gboolean tess_job_folder_note (TessJobFolder *folder,
                               const gchar *name,
                               const gchar *text,
                               GError **error);
gchar *
tess_job_folder_read_note (const TessJobFolder *folder, const gchar *name);

/* State after a step. */
gboolean tess_job_folder_save (TessJobFolder *folder,
                               const TessJobState *state,
                               GError **error);

/* FALSE without an error: none yet. */
gboolean tess_job_folder_load (TessJobFolder *folder,
                               TessJobState *state,
                               GError **error);

/* The picture of a phase that is done, in float32. */
gboolean tess_job_folder_save_picture (TessJobFolder *folder,
                                       const gchar *name,
                                       GeglBuffer *picture,
                                       GError **error);
/* NULL without an error: none. */
GeglBuffer *tess_job_folder_load_picture (TessJobFolder *folder,
                                          const gchar *name,
                                          GError **error);

G_END_DECLS
