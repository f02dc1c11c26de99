/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/cpu/backend.c: which kernels the oneDNN backend has, and which storage
 * suits the processor. */
#include "core/cpu/cpu-private.h"
#include "core/error.h"
#include "core/memory.h"

#include <glib/gi18n-lib.h>

static const TessKernelMaker makers[] = {
  { &tess_conv2d_class, tess_cpu_conv2d_new },
  { &tess_linear_class, tess_cpu_linear_new },
  { &tess_attention_class, tess_cpu_attention_new },
  { &tess_grounded_attention_class, tess_cpu_attention_new },
  { &tess_group_norm_class, tess_cpu_group_norm_new },
  { &tess_group_stats_class, tess_cpu_group_stats_new },
  { &tess_layer_norm_class, tess_cpu_layer_norm_new },
  { &tess_add_class, tess_cpu_add_new },
  { &tess_activate_class, tess_cpu_activate_new },
  { &tess_concat_class, tess_cpu_concat_new },
  { &tess_crop_class, tess_cpu_crop_new },
  { &tess_store_class, tess_cpu_store_new },
  { &tess_scale_class, tess_cpu_scale_new },
  { &tess_scale_low_class, tess_cpu_scale_low_new },
  { &tess_depthwise_class, tess_cpu_depthwise_new },
  { NULL, NULL },
};

gboolean
tess_backend_cpu_has_bf16 (void)
{
  return tess_cpu_has (dnnl_cpu_isa_avx512_core_bf16);
}

TessBackend *
tess_backend_cpu_new (const TessCpuSettings *settings, GError **error)
{
  TessCpuSettings all = settings != NULL ? *settings : (TessCpuSettings) { 0 };

  if (tess_dnnl_engine () == NULL)
    {
      g_set_error (error, TESS_ERROR, TESS_ERROR_DEVICE,
                   _ ("oneDNN does not start on this CPU; choose the plain "
                      "backend."));
      return NULL;
    }
  if (all.storage != TESS_F32
      && (all.storage != TESS_BF16 || !tess_backend_cpu_has_bf16 ()))
    {
      g_set_error (error, TESS_ERROR, TESS_ERROR_UNSUPPORTED,
                   _ ("This CPU does not compute in %s; choose float32."),
                   tess_type_name (all.storage));
      return NULL;
    }
  return tess_host_backend_new (all.storage == TESS_BF16 ? "cpu, bfloat16"
                                                         : "cpu, float32",
                                all.storage, all.n_threads, makers);
}

/* A product such as a UNet's, several times in a row. */
#define SIDE 1024
#define RUNS 3

/* Seconds of the fastest run; G_MAXDOUBLE where it cannot be made. */
static gdouble
time_product (TessType type)
{
  dnnl_dim_t dims[] = { SIDE, SIDE };
  dnnl_memory_desc_t plain = tess_dnnl_desc (type, 2, dims, NULL);
  dnnl_memory_desc_t any = tess_dnnl_desc_any (type, 2, dims);
  dnnl_primitive_attr_t attr = tess_dnnl_attr (NULL);
  dnnl_primitive_desc_t desc = NULL;
  TessPrimitive product = { 0 };
  gdouble best = G_MAXDOUBLE;
  gsize n_bytes = SIDE * SIDE * sizeof (gfloat) * 2; /* padding included */
  guint8 *memory = NULL;

  if (dnnl_matmul_primitive_desc_create (&desc, tess_dnnl_engine (), plain, any,
                                         NULL, plain, attr)
          == dnnl_success
      && tess_primitive_init (&product, desc, FALSE, NULL))
    memory = tess_memory_new (3 * n_bytes + product.n_scratch, "a trial", NULL);
  if (memory != NULL)
    {
      tess_primitive_set (&product, DNNL_ARG_SRC, memory);
      tess_primitive_set (&product, DNNL_ARG_WEIGHTS, memory + n_bytes);
      tess_primitive_set (&product, DNNL_ARG_DST, memory + 2 * n_bytes);
      tess_primitive_set (&product, DNNL_ARG_SCRATCHPAD, memory + 3 * n_bytes);
      for (gint i = 0; i <= RUNS; i++)
        {
          gint64 start = g_get_monotonic_time ();

          tess_primitive_run (&product);
          if (i > 0)
            best = MIN (best, (g_get_monotonic_time () - start) / 1e6);
        }
      tess_memory_free (memory, 3 * n_bytes + product.n_scratch);
    }
  tess_primitive_finish (&product);
  dnnl_primitive_attr_destroy (attr);
  tess_dnnl_desc_clear (&plain);
  tess_dnnl_desc_clear (&any);
  return best;
}

TessType
tess_backend_cpu_best_storage (void)
{
  static gsize once;

  if (g_once_init_enter (&once))
    {
      TessType best = TESS_F32;

      if (tess_dnnl_engine () != NULL && tess_backend_cpu_has_bf16 ())
        {
          gdouble f32 = time_product (TESS_F32);
          gdouble bf16 = time_product (TESS_BF16);

          /* Half the digits must be worth it. */
          best = bf16 < 0.75 * f32 ? TESS_BF16 : TESS_F32;
          g_debug ("a product takes %.2f ms in f32, %.2f ms in bf16: %s",
                   f32 * 1e3, bf16 * 1e3, tess_type_name (best));
        }
      g_once_init_leave (&once, (gsize) best + 1);
    }
  return (TessType) (once - 1);
}
