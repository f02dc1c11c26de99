/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/provider.c: graphics cards as core/devices.h asks for them. */
#include "core/devices.h"
#include "gpu/backend.h"

/* float16 on cards: half the memory, and faster on all of them; a CPU-type
 * device gains nothing by it. */
static TessType
best_storage (const gchar *card, GError **error)
{
  TessGpuDevice *device = tess_gpu_device_new (
      card ? card : g_getenv ("TESSERA_DEVICE"), FALSE, error);
  TessType storage = TESS_F32;

  if (device != NULL && device->caps.f16_storage && !device->caps.is_cpu)
    storage = TESS_F16;
  tess_gpu_device_free (device);
  return storage;
}

static TessBackend *
open_gpu (const gchar *card, gint storage, gsize n_bytes, GError **error)
{
  TessVulkanSettings settings = { .device = card, .n_bytes = n_bytes };
  GError *local = NULL;

  settings.storage
      = storage == 0 ? best_storage (card, &local) : (TessType) (storage - 1);
  if (local != NULL)
    {
      g_propagate_error (error, local);
      return NULL;
    }
  return tess_backend_vulkan_new (&settings, error);
}

/* A card, or whatever was asked for by name. */
static gboolean
present (const gchar *card)
{
  g_autoptr (GPtrArray) infos = NULL;

  if (card != NULL || g_getenv ("TESSERA_DEVICE") != NULL)
    return TRUE;
  infos = tess_gpu_list ();
  for (guint i = 0; i < infos->len; i++)
    {
      const TessGpuInfo *info = infos->pdata[i];

      if (info->kind != TESS_GPU_CPU && info->refused == NULL)
        return TRUE;
    }
  return FALSE;
}

static void
describe (GString *lines)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TessBackend) backend = open_gpu (NULL, 0, 0, &error);

  if (backend == NULL)
    g_string_append_printf (lines, "\tnot used: %s\n", error->message);
  else
    tess_backend_vulkan_describe (backend, lines);
}

static void
list (GString *lines, gboolean details)
{
  g_autoptr (GPtrArray) infos = tess_gpu_list ();

  for (guint i = 0; i < infos->len; i++)
    {
      const TessGpuInfo *info = infos->pdata[i];

      g_string_append_printf (lines, "gpu\t%s\t%s, %s, ", info->name,
                              info->driver, tess_gpu_kind_name (info->kind));
      if (info->refused != NULL)
        g_string_append_printf (lines, "not usable: %s\n", info->refused);
      else
        g_string_append_printf (
            lines, "%.1f GiB, %.1f free%s\n", info->n_bytes / 0x1p30,
            info->n_bytes_free / 0x1p30,
            info->kind == TESS_GPU_CPU ? "; only by name" : "");
    }
  if (details && present (NULL))
    describe (lines);
}

/* By its name, or by its place where another one before it has that too. */
static TessCard *
card_of (const GPtrArray *infos, guint place)
{
  const TessGpuInfo *info = infos->pdata[place];
  TessCard *card = g_new0 (TessCard, 1);
  gboolean is_twin = FALSE;

  for (guint i = 0; i < place; i++)
    is_twin |= g_ascii_strcasecmp (
                   ((const TessGpuInfo *) infos->pdata[i])->name, info->name)
               == 0;
  card->name = is_twin ? g_strdup_printf ("%s (%u)", info->name, place)
                       : g_strdup (info->name);
  card->card = is_twin ? g_strdup_printf ("%u", place) : g_strdup (info->name);
  return card;
}

static void
cards (GPtrArray *cards)
{
  g_autoptr (GPtrArray) infos = tess_gpu_list ();
  gboolean is_named = g_getenv ("TESSERA_DEVICE") != NULL;

  for (guint i = 0; i < infos->len; i++)
    {
      const TessGpuInfo *info = infos->pdata[i];

      if (info->refused == NULL && (info->kind != TESS_GPU_CPU || is_named))
        g_ptr_array_add (cards, card_of (infos, i));
    }
}

static gsize
n_bytes_free (TessBackend *backend)
{
  const TessGpuDevice *device = tess_backend_vulkan_device (backend);

  return device != NULL ? MAX (tess_gpu_device_n_bytes_free (device), 1) : 0;
}

void
tess_gpu_register (void)
{
  static const TessGpuProvider provider
      = { open_gpu, present, list, cards, n_bytes_free };

  tess_devices_set_gpu (&provider);
}
