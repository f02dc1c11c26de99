/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/studio.h: what is kept between pictures: the opened model, its weights
 * in the device's layout, compiled programs. Inside of core/generate.h. */
#pragma once

#include "core/generate.h"
#include "core/text-encoder.h"
#include "core/unet.h"

G_BEGIN_DECLS

struct _TessStudio
{
  GMutex lock; /* one job at a time */
  gchar *device_key;
  gboolean gpu_failed;
  TessBackend *left; /* the card that failed: plans still have its name */
  gchar *model_key;
  TessBackend *backend;
  TessModel *model;
  TessTokenizer *tokenizer;
  TessTextEncoder *text;
  TessUnet *unet;
  TessVae *vae;
};

/* Makes everything above fit @request; keeps what already does.
 * Errors: TESS_ERROR_MODEL, TESS_ERROR_DEVICE. */
gboolean tess_studio_open (TessStudio *studio,
                           const TessRequest *request,
                           GError **error);

/**
 * tess_studio_leave_gpu:
 * The graphics card failed: its networks are dropped and made anew on the
 * processor, for the same model, with the storage, threads and memory that
 * @request asks for. FALSE, @error not set, where no card is in use.
 */
gboolean tess_studio_leave_gpu (TessStudio *studio,
                                const TessRequest *request,
                                GError **error);

G_END_DECLS
