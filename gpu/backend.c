/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/backend.c: the backend's buffers and weights. */
#include "gpu/backend-private.h"

#include "core/error.h"
#include "core/memory.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* Buffers */

static gboolean
buffer_init (TessBuffer *buffer, GError **error)
{
  TessGpuBackend *gpu = (TessGpuBackend *) buffer->backend;
  TessGpuRange *range = g_new0 (TessGpuRange, 1);

  if (!tess_gpu_range_init (gpu->heap, range, buffer->n_bytes, TESS_GPU_LOCAL,
                            "buffers", error))
    {
      g_free (range);
      return FALSE;
    }
  tess_gpu_queue_zero (gpu->queue, range);
  buffer->data = range;
  return TRUE;
}

static void
buffer_finish (TessBuffer *buffer)
{
  TessGpuBackend *gpu = (TessGpuBackend *) buffer->backend;

  /* Copies that wait may name it. */
  if (((TessGpuRange *) buffer->data)->mapped == NULL)
    tess_gpu_queue_submit (gpu->queue, VK_NULL_HANDLE, 60.0, NULL);
  tess_gpu_range_finish (gpu->heap, buffer->data);
  g_free (buffer->data);
}

static void
buffer_write (TessBuffer *buffer,
              gsize offset,
              gsize n_bytes,
              gconstpointer src)
{
  TessGpuBackend *gpu = (TessGpuBackend *) buffer->backend;

  tess_gpu_queue_write (gpu->queue, buffer->data, offset, n_bytes, src);
}

static void
buffer_read (TessBuffer *buffer, gsize offset, gsize n_bytes, gpointer dst)
{
  TessGpuBackend *gpu = (TessGpuBackend *) buffer->backend;

  tess_gpu_queue_read (gpu->queue, buffer->data, offset, n_bytes, dst);
}

static void
buffer_copy (TessBuffer *dst,
             gsize dst_offset,
             TessBuffer *src,
             gsize src_offset,
             gsize n_bytes)
{
  TessGpuBackend *gpu = (TessGpuBackend *) dst->backend;

  tess_gpu_queue_copy (gpu->queue, dst->data, dst_offset, src->data, src_offset,
                       n_bytes);
}

static gboolean
check (TessBackend *backend, GError **error)
{
  const GError *fault
      = tess_gpu_queue_fault (((TessGpuBackend *) backend)->queue);

  if (fault != NULL && error != NULL)
    *error = g_error_copy (fault);
  return fault == NULL;
}

/* Weights */

/* Made in host memory, then brought over; directly where both are one. */
static gboolean
fill_range (TessGpuBackend *gpu,
            const TessPackSpec *spec,
            const TessGpuRange *range,
            GError **error)
{
  gpointer copy;
  gboolean ok;

  if (range->mapped != NULL)
    return spec->fill (spec, range->mapped, error);
  copy = tess_memory_new (spec->n_bytes, "weights", error);
  if (copy == NULL)
    return FALSE;
  ok = spec->fill (spec, copy, error);
  if (ok)
    tess_gpu_queue_write (gpu->queue, range, 0, spec->n_bytes, copy);
  tess_memory_free (copy, spec->n_bytes);
  if (ok && tess_gpu_queue_fault (gpu->queue) != NULL)
    {
      g_propagate_error (error,
                         g_error_copy (tess_gpu_queue_fault (gpu->queue)));
      return FALSE;
    }
  return ok;
}

static void
pack_free (gpointer pack, gsize n_bytes, gpointer data)
{
  TessGpuBackend *gpu = data;

  /* Copies that wait may name it. */
  if (((TessGpuPack *) pack)->range.mapped == NULL)
    tess_gpu_queue_submit (gpu->queue, VK_NULL_HANDLE, 60.0, NULL);
  tess_gpu_range_finish (gpu->heap, &((TessGpuPack *) pack)->range);
  g_free (pack);
}

static gpointer
pack_make (const TessPackSpec *spec, gpointer data, GError **error)
{
  TessGpuBackend *gpu = data;
  TessGpuPack *pack = g_new0 (TessGpuPack, 1);
  g_autoptr (GError) local = NULL;

  if (!tess_gpu_range_init (gpu->heap, &pack->range, spec->n_bytes,
                            TESS_GPU_LOCAL, "weights", &local))
    {
      if (!g_error_matches (local, TESS_ERROR, TESS_ERROR_MEMORY))
        {
          g_propagate_error (error, g_steal_pointer (&local));
          g_free (pack);
          return NULL;
        }
      g_debug ("%s; it stays in the computer's memory", local->message);
      pack->streamed = TRUE;
      if (!tess_gpu_range_init (gpu->heap, &pack->range, spec->n_bytes,
                                TESS_GPU_HOST, "weights", error))
        {
          g_free (pack);
          return NULL;
        }
    }
  if (!fill_range (gpu, spec, &pack->range, error))
    {
      pack_free (pack, spec->n_bytes, gpu);
      return NULL;
    }
  return pack;
}

static const TessPackStore pack_store = { pack_make, pack_free };

/* The backend */

static void
gpu_trim (TessBackend *backend)
{
  TessGpuBackend *gpu = (TessGpuBackend *) backend;

  tess_packs_trim (gpu->packs);
  if (gpu->n_execs == 0)
    tess_gpu_range_finish (gpu->heap, &gpu->arena);
}

static void
gpu_free (TessBackend *backend)
{
  TessGpuBackend *gpu = (TessGpuBackend *) backend;

  tess_packs_free (gpu->packs);
  if (gpu->heap != NULL)
    tess_gpu_range_finish (gpu->heap, &gpu->arena);
  tess_gpu_queue_free (gpu->queue);
  tess_gpu_pipelines_free (gpu->pipelines);
  tess_gpu_heap_free (gpu->heap);
  tess_gpu_device_free (gpu->device);
  g_strfreev (gpu->forced);
  tess_gpu_proof_free (gpu->proof);
  g_free (gpu);
}

static guint64
n_submits (TessBackend *backend)
{
  return tess_gpu_queue_n_submits (((TessGpuBackend *) backend)->queue);
}

static const TessBackendClass gpu_class = {
  .free = gpu_free,
  .trim = gpu_trim,
  .buffer_init = buffer_init,
  .buffer_finish = buffer_finish,
  .buffer_write = buffer_write,
  .buffer_read = buffer_read,
  .buffer_copy = buffer_copy,
  .compile = tess_gpu_compile,
  .plan = tess_gpu_plan,
  .exec_free = tess_gpu_exec_free,
  .exec_run = tess_gpu_exec_run,
  .run = tess_gpu_run,
  .n_submits = n_submits,
  .check = check,
};

static gboolean
check_storage (const TessGpuDevice *device, TessType storage, GError **error)
{
  if (storage == TESS_F32 || (storage == TESS_F16 && device->caps.f16_storage))
    return TRUE;
  g_set_error (error, TESS_ERROR, TESS_ERROR_UNSUPPORTED,
               _ ("%s cannot keep values as %s; choose float32 storage."),
               device->info.name, tess_type_name (storage));
  return FALSE;
}

TessBackend *
tess_backend_vulkan_new (const TessVulkanSettings *settings, GError **error)
{
  static const TessVulkanSettings defaults;
  TessGpuBackend *gpu = g_new0 (TessGpuBackend, 1);
  const gchar *wanted = g_getenv ("TESSERA_DEVICE"), *forced;

  if (settings == NULL)
    settings = &defaults;
  if (settings->device != NULL)
    wanted = settings->device;
  forced = settings->variants != NULL ? settings->variants
                                      : g_getenv ("TESSERA_GPU_VARIANTS");
  gpu->base.ref_count = 1;
  gpu->base.klass = &gpu_class;
  gpu->base.storage = settings->storage;
  gpu->forced = forced != NULL ? g_strsplit (forced, ",", -1) : NULL;
  gpu->profile = g_getenv ("TESSERA_PROFILE") != NULL;
  gpu->device = tess_gpu_device_new (wanted, settings->no_special, error);
  if (gpu->device == NULL
      || !check_storage (gpu->device, settings->storage, error))
    goto fail;
  gpu->base.n_bytes_value = gpu->device->caps.n_bytes_binding;
  if (!settings->unproven
      && g_strcmp0 (g_getenv ("TESSERA_GPU_PROOF"), "0") != 0)
    {
      gpu->proof = tess_gpu_proof_new (&gpu->device->info, wanted,
                                       settings->storage, error);
      if (gpu->proof == NULL)
        goto fail;
    }
  gpu->heap = tess_gpu_heap_new (gpu->device);
  tess_gpu_heap_limit (gpu->heap, settings->n_bytes);
  if (settings->hidden)
    tess_gpu_heap_hide (gpu->heap);
  gpu->queue = tess_gpu_queue_new (gpu->device, gpu->heap, error);
  if (gpu->queue == NULL)
    goto fail;
  gpu->pipelines = tess_gpu_pipelines_new (gpu->device, error);
  if (gpu->pipelines == NULL)
    goto fail;
  gpu->packs = tess_packs_new (&pack_store, gpu);
  gpu->base.name
      = g_strdup_printf ("%s, %s", gpu->device->info.name,
                         settings->storage == TESS_F16 ? "float16" : "float32");
  return &gpu->base;

fail:
  gpu_free (&gpu->base);
  return NULL;
}

const TessGpuDevice *
tess_backend_vulkan_device (TessBackend *backend)
{
  return backend->klass == &gpu_class ? ((TessGpuBackend *) backend)->device
                                      : NULL;
}

void
tess_backend_vulkan_describe (TessBackend *backend, GString *lines)
{
  if (backend->klass == &gpu_class && ((TessGpuBackend *) backend)->proof)
    tess_gpu_proof_describe (((TessGpuBackend *) backend)->proof, lines);
}
