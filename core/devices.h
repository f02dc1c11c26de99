/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/devices.h: what computes: which backends there are, and opening one.
 * core does not know Vulkan: the program says at its start how graphics cards
 * are opened (tess_gpu_register of gpu/backend.h). */
#pragma once

#include "core/backend.h"
#include "core/request.h"

G_BEGIN_DECLS

/* A graphics card that can be chosen. */
typedef struct
{
  gchar *name; /* as its driver says */
  gchar *card; /* what TessRequest calls it */
} TessCard;

typedef struct
{
  /* Opens @card (part of its name, or its place), or where that is NULL the one
   * that TESSERA_DEVICE names, or the preferred one; @storage: 0: the card's
   * best, else 1 + TessType. @n_bytes: of its memory, 0: what is
   * free.  Errors: TESS_ERROR_DEVICE, TESS_ERROR_UNSUPPORTED. */
  TessBackend *(*open) (const gchar *card,
                        gint storage,
                        gsize n_bytes,
                        GError **error);
  /* TRUE where open would find one, by the name of it alone. */
  gboolean (*present) (const gchar *card);
  /* Appends one line per card: "gpu\tname\tdriver, memory ...\n"; with
   * @details for the one that open takes what it found out about it. */
  void (*list) (GString *lines, gboolean details);
  /* Appends a TessCard for each that can be used, the best first; those that
   * are the processor only where TESSERA_DEVICE is set. */
  void (*cards) (GPtrArray *cards);
  /* Bytes of the card's own memory that are free; 0 for a backend that is no
   * card's. */
  gsize (*n_bytes_free) (TessBackend *backend);
} TessGpuProvider;

/* Before the first studio is made; NULL: none. */
void tess_devices_set_gpu (const TessGpuProvider *provider);

/**
 * tess_device_open:
 * What @request asks for: device, storage, threads, memory.
 * AUTO takes a card where there is one that can be opened, then oneDNN, then
 * plain C. TESSERA_DEVICE=cpu or plain counts as AUTO's answer.
 * Errors: TESS_ERROR_DEVICE, TESS_ERROR_UNSUPPORTED.
 */
TessBackend *tess_device_open (const TessRequest *request, GError **error);

/* TRUE where it is a card. */
gboolean tess_device_is_gpu (TessBackend *backend);
/* Bytes free to compute with: the card's; 0: the computer's. */
gsize tess_device_n_bytes_free (TessBackend *backend);

/* TessCard of those to choose from, the best first; (transfer full). Threads:
 * any. */
GPtrArray *tess_devices_cards (void);

/* One line per device: "cpu\tfloat32\tcpu, float32 (the faster one)\n"; with
 * @details what a card was found to do rightly, which may take a while. */
gchar *tess_devices_list (gint n_threads, gboolean details);

G_END_DECLS
