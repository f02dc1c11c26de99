/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/devices.c: choosing what computes. */
#include "core/devices.h"

#include "core/error.h"

#include <glib/gi18n-lib.h>

static const TessGpuProvider *gpu;

void
tess_devices_set_gpu (const TessGpuProvider *provider)
{
  gpu = provider;
}

gboolean
tess_device_is_gpu (TessBackend *backend)
{
  return tess_device_n_bytes_free (backend) > 0;
}

gsize
tess_device_n_bytes_free (TessBackend *backend)
{
  return gpu != NULL && backend != NULL ? gpu->n_bytes_free (backend) : 0;
}

/* What AUTO means here. */
static TessDevice
wanted_device (const TessRequest *request)
{
  const gchar *named = g_getenv ("TESSERA_DEVICE");

  if (request->device != TESS_DEVICE_AUTO)
    return request->device;
  if (g_strcmp0 (named, "cpu") == 0)
    return TESS_DEVICE_CPU;
  if (g_strcmp0 (named, "plain") == 0)
    return TESS_DEVICE_PLAIN;
  return TESS_DEVICE_AUTO;
}

static const gchar *
card_of (const TessRequest *request)
{
  return request->card != NULL && *request->card ? request->card : NULL;
}

static TessBackend *
open_gpu (const TessRequest *request, GError **error)
{
  if (gpu == NULL)
    {
      g_set_error (error, TESS_ERROR, TESS_ERROR_UNSUPPORTED,
                   _ ("this program does not use graphics cards; choose the "
                      "processor."));
      return NULL;
    }
  return gpu->open (card_of (request), request->storage, request->memory,
                    error);
}

static TessBackend *
open_cpu (const TessRequest *request, GError **error)
{
  TessCpuSettings settings = { .n_threads = request->n_threads };

  /* float16 is what a card would have taken: a job begun on one goes on. */
  settings.storage = request->storage == 0 || request->storage == 1 + TESS_F16
                         ? tess_backend_cpu_best_storage ()
                         : (TessType) (request->storage - 1);
  return tess_backend_cpu_new (&settings, error);
}

/* A card that is there and does not work is worth a word; none is not. */
static TessBackend *
open_auto (const TessRequest *request)
{
  g_autoptr (GError) error = NULL;
  TessBackend *backend = NULL;

  if (gpu != NULL && gpu->present (card_of (request)))
    {
      backend = open_gpu (request, &error);
      if (backend != NULL)
        return backend;
      g_message ("%s Going on with the processor.", error->message);
      g_clear_error (&error);
    }
  backend = open_cpu (request, &error);
  if (backend != NULL)
    return backend;
  g_warning ("%s; going on in plain C, which is slow", error->message);
  return tess_backend_plain_new ();
}

TessBackend *
tess_device_open (const TessRequest *request, GError **error)
{
  switch (wanted_device (request))
    {
    case TESS_DEVICE_PLAIN:
      return tess_backend_plain_new ();
    case TESS_DEVICE_CPU:
      return open_cpu (request, error);
    case TESS_DEVICE_GPU:
      return open_gpu (request, error);
    case TESS_DEVICE_AUTO:
      break;
    }
  return open_auto (request);
}

static void
card_free (gpointer data)
{
  TessCard *card = data;

  g_free (card->name);
  g_free (card->card);
  g_free (card);
}

GPtrArray *
tess_devices_cards (void)
{
  GPtrArray *cards = g_ptr_array_new_with_free_func (card_free);

  if (gpu != NULL)
    gpu->cards (cards);
  return cards;
}

gchar *
tess_devices_list (gint n_threads, gboolean details)
{
  static const TessType storages[] = { TESS_F32, TESS_BF16 };
  GString *lines = g_string_new (NULL);

  if (gpu != NULL)
    gpu->list (lines, details);
  for (guint i = 0; i < G_N_ELEMENTS (storages); i++)
    {
      const TessCpuSettings settings
          = { .n_threads = n_threads, .storage = storages[i] };
      g_autoptr (GError) error = NULL;
      g_autoptr (TessBackend) backend
          = tess_backend_cpu_new (&settings, &error);

      g_string_append_printf (
          lines, "cpu\t%s\t%s%s\n",
          storages[i] == TESS_F32 ? "float32" : "bfloat16",
          backend ? tess_backend_name (backend) : error->message,
          backend && storages[i] == tess_backend_cpu_best_storage ()
              ? " (the faster one)"
              : "");
    }
  g_string_append (lines, "plain\tfloat32\tplain C, for checking\n");
  return g_string_free (lines, FALSE);
}
