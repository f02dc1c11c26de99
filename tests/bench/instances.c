/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/bench/instances.c: what instances cost: a call of SD 1.5's UNet as it
 * is, with its fusers told of nothing, and told of 30 instances; and the
 * tokens of the 30. Random weights. */
#include "core/backend.h"
#include "core/grounding-net.h"
#include "core/grounding.h"
#include "core/model-synthetic.h"
#include "core/unet.h"

#include <stdio.h>
#include <stdlib.h>

#define RUNS 3

/* The published tokenizer's sizes. */
static const TessInstanceConfig published = {
  .n_slots = 30,
  .text_width = 768,
  .token_width = 768,
  .mlp_width = 3072,
  .n_scribble = 20,
  .n_polygon = 256,
  .mask_side = 512,
  .n_stages = 4,
  .trunk_channels = { 96, 192, 384, 768 },
  .trunk_depths = { 3, 3, 9, 3 },
  .formats = TESS_FORMAT_BOX | TESS_FORMAT_POINT | TESS_FORMAT_SCRIBBLE
             | TESS_FORMAT_MASK,
};

static void
die (GError *error)
{
  fprintf (stderr, "bench-instances: %s\n", error->message);
  exit (EXIT_FAILURE);
}

static gdouble
now (void)
{
  return g_get_monotonic_time () / 1e6;
}

/* Seconds of the fastest of some calls after the first. */
static gdouble
time_call (TessUnet *unet, gint side)
{
  gsize n = 4 * (gsize) side * side;
  g_autofree gfloat *src = g_new0 (gfloat, n);
  g_autofree gfloat *dst = g_new0 (gfloat, n);
  const TessUnetCall call
      = { .n = 1, .h = side, .w = side, .src = src, .dst = dst };
  gdouble best = G_MAXDOUBLE;
  GError *error = NULL;

  for (gsize i = 0; i < n; i++)
    src[i] = (gfloat) ((i * 2654435761u >> 8) % 2001) / 1000.0f - 1.0f;
  for (gint i = 0; i <= RUNS; i++)
    {
      gdouble start = now ();

      if (!tess_unet_run (unet, &call, NULL, &error))
        die (error);
      if (i > 0)
        best = MIN (best, now () - start);
    }
  return best;
}

static gdouble
time_grounded (TessModel *model,
               TessBackend *backend,
               TessUnet *unet,
               const TessSlots *set,
               gint side,
               gdouble *tokens)
{
  const gdouble gate = 1.0;
  g_auto (TessGrounds) grounds = { 0 };
  GError *error = NULL;
  gdouble start = now ();

  if (!tess_grounding_run (model, backend, published.formats, set, 1, &grounds,
                           NULL, &error)
      || !tess_unet_ground (unet,
                            &(TessUnetGrounding) { .tokens = grounds.tokens,
                                                   .bias = grounds.bias,
                                                   .gates = &gate },
                            NULL, &error))
    die (error);
  *tokens = now () - start;
  return time_call (unet, side);
}

int
main (int argc, char **argv)
{
  gint side = argc > 1 ? atoi (argv[1]) : 64;
  TessModelConfig config;
  g_autoptr (TessBackend) backend = NULL;
  g_autoptr (TessModel) model = NULL;
  g_autoptr (TessUnet) unet = NULL;
  g_autoptr (TessTensor) context = NULL;
  g_autofree gfloat *text = g_new0 (gfloat, 768);
  TessSlot slots[30] = { 0 };
  TessSlots none = { 0 }, all = { 30, slots };
  gdouble timestep = 500.0, plain, empty, full, tokens;
  GError *error = NULL;

  if (!tess_synthetic_config ("sd15", &config, &error))
    die (error);
  config.instance = published;
  config.text.n_layers = 1; /* neither is used */
  config.vae.layers_per_block = 1;
  model = tess_model_new_random (&config, "sd15 with instances", &error);
  if (model == NULL)
    die (error);
  backend = tess_backend_cpu_new (
      &(TessCpuSettings) { .storage = tess_backend_cpu_best_storage () },
      &error);
  if (backend == NULL)
    die (error);
  context = tess_tensor_new (TESS_F32, 3, (gint64[]) { 1, 77, 768 }, &error);
  unet = tess_unet_new (model, backend, &error);
  if (!tess_unet_condition (unet, context, &timestep, 1, NULL, &error))
    die (error);
  for (gint i = 0; i < 30; i++)
    slots[i] = (TessSlot) { .text = text,
                            .used = TRUE,
                            .box = { 0.1f, 0.1f, 0.5f, 0.5f },
                            .point = { 0.3f, 0.3f } };
  plain = time_call (unet, side);
  empty = time_grounded (model, backend, unet, &none, side, &tokens);
  full = time_grounded (model, backend, unet, &all, side, &tokens);
  printf ("%s, %d x %d cells\n", tess_backend_name (backend), side, side);
  printf ("unet                   %7.3f s\n", plain);
  printf ("with empty fusers      %7.3f s, %.3f of it\n", empty, empty / plain);
  printf ("with 30 instances      %7.3f s, %.3f of it, %.3f of empty fusers\n",
          full, full / plain, full / empty);
  printf ("tokens, once           %7.3f s\n", tokens);
  return EXIT_SUCCESS;
}
