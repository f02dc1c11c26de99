/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/bench/steps.c: the sampling loop on the device that TESSERA_DEVICE
 * names (llvmpipe where it names none): seconds, calls of the network and
 * submits of each step, with the canvas beside the network and here. */
#include "core/denoise.h"
#include "core/model-synthetic.h"
#include "core/multidiffusion.h"
#include "core/vae.h"
#include "gpu/backend.h"

#include <stdio.h>
#include <stdlib.h>

static gchar *kind = "tiny15";
static gint side = 32, width = 56, batch = 4, n_steps = 4;
static gboolean half, visible, decodes;

static const GOptionEntry entries[] = {
  { "kind", 'k', 0, G_OPTION_ARG_STRING, &kind,
    "Sizes of the model: sd15, sd21, tiny15 (default), tiny21", "KIND" },
  { "side", 's', 0, G_OPTION_ARG_INT, &side, "Cells of a tile's side", "N" },
  { "width", 'w', 0, G_OPTION_ARG_INT, &width, "Cells of the canvas", "N" },
  { "batch", 'b', 0, G_OPTION_ARG_INT, &batch, "Samples of a call", "N" },
  { "steps", 'n', 0, G_OPTION_ARG_INT, &n_steps, "Steps; 0: none", "N" },
  { "half", 'f', 0, G_OPTION_ARG_NONE, &half, "float16 storage", NULL },
  { "visible", 'v', 0, G_OPTION_ARG_NONE, &visible,
    "The device's memory as it is; else as a card's, which is not seen", NULL },
  { "decode", 'd', 0, G_OPTION_ARG_NONE, &decodes,
    "Decode a latent as large as a tile too", NULL },
  { NULL }
};

typedef struct
{
  TessUnet *unet;
  gint n_calls;
} Net;

static gboolean
begin (const TessUnetCall *call,
       gpointer data,
       TessUnetBatch *dst,
       GError **error)
{
  ((Net *) data)->n_calls++;
  return tess_unet_begin (((Net *) data)->unet, call, dst, error);
}

static gboolean
run (const TessUnetCall *call,
     gpointer data,
     GCancellable *cancellable,
     GError **error)
{
  ((Net *) data)->n_calls++;
  return tess_unet_run (((Net *) data)->unet, call, cancellable, error);
}

typedef struct
{
  TessBackend *backend;
  Net net;
  gint64 began;
  guint64 n_submits;
} Watch;

static gboolean
on_stepped (const TessDenoiseState *state, gpointer data, GError **error)
{
  Watch *watch = data;
  gint64 now = g_get_monotonic_time ();
  guint64 n = tess_backend_n_submits (watch->backend);

  printf ("  step %d: %7.2f s, calls %d, submits %d\n", state->step,
          (now - watch->began) * 1e-6, watch->net.n_calls,
          (gint) (n - watch->n_submits));
  fflush (stdout);
  watch->began = now;
  watch->n_submits = n;
  watch->net.n_calls = 0;
  return TRUE;
}

static gboolean
bench (Watch *watch, TessModel *model, gboolean there, GError **error)
{
  static const gint32 positive[] = { 1 }, negative[] = { 0 };
  const TessSamplerSettings sampler
      = { .kind = TESS_SAMPLER_DPMPP_2M, .n_steps = n_steps };
  const TessMultidiffusionSettings method
      = { .tiles = { width, side, side, side, side / 2, side / 2, 8 } };
  gint channels = tess_model_unet (model)->in_channels;
  TessRandom random;
  TessDenoise job = {
    .denoiser = run,
    .denoiser_data = &watch->net,
    .backend = there ? watch->backend : NULL,
    .begin = begin,
    .channels = channels,
    .batch = batch,
    .positive = positive,
    .negative = negative,
    .guidance = 7.5,
    .random = &random,
    .stepped = on_stepped,
    .data = watch,
  };
  g_autofree gdouble *timesteps = NULL;
  g_autoptr (TessTensor) contexts = tess_tensor_new (
      TESS_F32, 3, (gint64[]) { 2, 77, tess_model_unet (model)->context_width },
      error);
  g_autoptr (TessTensor) x = NULL;
  gboolean good;

  job.sampler
      = tess_sampler_new (tess_model_diffusion (model), &sampler, error);
  if (contexts == NULL || job.sampler == NULL)
    return FALSE;
  job.method = tess_multidiffusion_new (&method, error);
  if (job.method == NULL)
    return FALSE;
  timesteps = g_new (gdouble, n_steps);
  for (gint i = 0; i < n_steps; i++)
    timesteps[i] = tess_sampler_timestep (job.sampler, i);
  x = tess_tensor_new_nchw (1, channels, job.method->plan->height,
                            job.method->plan->width, error);
  tess_random_init (&random, 1);
  tess_random_normal (&random, tess_tensor_f32 (x), tess_tensor_n_elements (x));
  printf ("the canvas %s:\n", there ? "beside the network" : "here");
  good = tess_unet_condition (watch->net.unet, contexts, timesteps, n_steps,
                              NULL, error);
  watch->began = g_get_monotonic_time ();
  watch->n_submits = tess_backend_n_submits (watch->backend);
  good = good && tess_denoise_run (&job, x, NULL, error);
  tess_sampler_free (job.sampler);
  tess_method_free (job.method);
  return good;
}

static gboolean
take_pixels (gint x,
             gint y,
             gint w,
             gint h,
             const gfloat *planes,
             gpointer data,
             GError **error)
{
  return TRUE;
}

static gboolean
decode (TessBackend *backend, TessModel *model, GError **error)
{
  g_autoptr (TessVae) vae = tess_vae_new (model, backend, error);
  gint channels = tess_model_vae (model)->latent_channels;
  g_autoptr (TessTensor) latent
      = tess_tensor_new_nchw (1, channels, side, side, error);
  const TessVaeSettings settings = { .mode = TESS_VAE_EXACT };
  gint64 began = g_get_monotonic_time ();

  if (vae == NULL || latent == NULL
      || !tess_vae_decode (vae, latent, &settings, take_pixels, NULL, error))
    return FALSE;
  printf ("decode of %d x %d pixels: %.2f s\n", side * tess_vae_factor (vae),
          side * tess_vae_factor (vae),
          (g_get_monotonic_time () - began) * 1e-6);
  return TRUE;
}

int
main (int argc, char **argv)
{
  g_autoptr (GOptionContext) context
      = g_option_context_new ("- count what a step costs on a device");
  TessVulkanSettings settings = { .unproven = TRUE };
  Watch watch = { 0 };
  g_autoptr (GError) error = NULL;
  g_autoptr (TessModel) model = NULL;
  gboolean good;

  g_setenv ("TESSERA_DEVICE", "llvmpipe", FALSE);
  g_option_context_add_main_entries (context, entries, NULL);
  good = g_option_context_parse (context, &argc, &argv, &error);
  settings.storage = half ? TESS_F16 : TESS_F32;
  settings.hidden = !visible;
  good
      = good && (model = tess_model_new_synthetic (kind, &error)) != NULL
        && (watch.backend = tess_backend_vulkan_new (&settings, &error)) != NULL
        && (watch.net.unet = tess_unet_new (model, watch.backend, &error))
               != NULL;
  if (good)
    printf ("%s, %s, tiles of %d on %d x %d cells, %d samples a call\n",
            tess_backend_name (watch.backend), kind, side, width, side, batch);
  good = good
         && (n_steps == 0
             || (bench (&watch, model, TRUE, &error)
                 && bench (&watch, model, FALSE, &error)))
         && (!decodes || decode (watch.backend, model, &error));
  if (!good)
    fprintf (stderr, "bench-steps: %s\n", error->message);
  tess_unet_free (watch.net.unet);
  tess_backend_unref (watch.backend);
  return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
