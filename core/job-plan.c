/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/job-plan.c: memory and time, from what the networks declare.
 *
 *   sampling:  weights + arena of the UNet at work + the loop's canvases, of
 *              which a card has its own
 *   decoding:  weights + what the decoder takes + latent + the picture
 *
 * What is told adds what the process holds before it begins; whether it fits
 * is asked of the rest, since that much is not free any more. The arena is
 * one, so the larger of both counts. The picture's 12 bytes per pixel lie in a
 * GeglBuffer, which moves to disk what exceeds its cache. */
#include "core/job-plan.h"

#include "core/denoise-backend.h"
#include "core/devices.h"
#include "core/error.h"
#include "core/speed.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

/* Samples at once beyond which a CPU gains nothing: its caches are full. */
#define MAX_SAMPLES 4
#define LOAD_SECONDS 1.0

static gsize
read_number (const gchar *path)
{
  g_autofree gchar *text = NULL;
  gchar *end;
  guint64 value;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return G_MAXSIZE;
  value = g_ascii_strtoull (text, &end, 10);
  return end == text ? G_MAXSIZE : (gsize) value;
}

gsize
tess_free_memory (void)
{
  gsize limit = read_number ("/sys/fs/cgroup/memory.max");
  gsize used = read_number ("/sys/fs/cgroup/memory.current");
  gsize bytes = G_MAXSIZE;
  g_autofree gchar *text = NULL;
  const gchar *line;

  if (g_file_get_contents ("/proc/meminfo", &text, NULL, NULL)
      && (line = strstr (text, "MemAvailable:")) != NULL)
    bytes = (gsize) g_ascii_strtoull (line + strlen ("MemAvailable:"), NULL, 10)
            * 1024;
  if (limit != G_MAXSIZE && used != G_MAXSIZE)
    bytes = MIN (bytes, limit > used ? limit - used : 0);
  return bytes;
}

/* What a job brings along beside what is planned: the kernels' code, the
 * libraries' pages and caches that are first wanted then. Measured: 36 to 51
 * MiB. */
#define COMPANY ((gsize) 56 << 20)

/* What this process holds already: the program, its libraries, and weights
 * kept from the picture before. 0: not known. */
static gsize
resident_memory (void)
{
  g_autofree gchar *text = NULL;
  const gchar *pages;

  if (!g_file_get_contents ("/proc/self/statm", &text, NULL, NULL)
      || (pages = strchr (text, ' ')) == NULL)
    return 0;
  return (gsize) g_ascii_strtoull (pages, NULL, 10) * sysconf (_SC_PAGESIZE);
}

typedef struct
{
  gsize weights, arena, loop, decode, latent, picture;
  gsize canvas; /* of loop, what lies on the card */
} Bytes;

static gsize
peak (const Bytes *bytes)
{
  return bytes->weights
         + MAX (bytes->arena + bytes->loop,
                MAX (bytes->arena, bytes->decode) + bytes->picture)
         + bytes->latent;
}

static gint
n_tokens (const TessJob *job)
{
  const TessPrompt *prompt = job->prompts->pdata[0];

  return prompt->n_chunks * prompt->n_positions;
}

/* Tokens of a tile's instances, 0: no instances. */
static gint
n_ground (const TessJob *job)
{
  return job->instances ? tess_grounding_n_tokens (
                              tess_model_instance (job->studio->model),
                              job->instances->n_most)
                        : 0;
}

/* The largest number of samples up to @limit that leaves the last call of a
 * step as full as the others, if one is not much smaller; so that the network
 * is compiled for one batch. */
static gint
even_batch (gint64 n_samples, gint limit)
{
  for (gint batch = limit; batch > limit / 2; batch--)
    if (n_samples % batch == 0)
      return batch;
  return limit;
}

/* The same for the method's other tiles: the most of memory, of the work the
 * mean. */
static gboolean
cost_wide (const TessJob *job,
           gint n_samples,
           TessUnetCost *cost,
           GError **error)
{
  const TessTilePlan *wide = job->method->wide;
  gint n = job->method->plan->n_tiles;
  TessUnetCost other;

  if (wide == NULL)
    return TRUE;
  if (!tess_unet_cost (job->studio->unet, n_samples, wide->tile_h, wide->tile_w,
                       n_tokens (job), n_ground (job), job->upscale != NULL,
                       &other, error))
    return FALSE;
  cost->arena = MAX (cost->arena, other.arena);
  cost->n_flops = (n * cost->n_flops + wide->n_tiles * other.n_flops)
                  / (n + wide->n_tiles);
  return TRUE;
}

static gboolean
cost_batch (TessJob *job, gint n_samples, Bytes *bytes, GError **error)
{
  const TessTilePlan *tiles = job->method->plan;
  TessDenoise denoise;
  TessDenoiseCost there;
  TessUnetCost cost;

  if (!tess_unet_cost (job->studio->unet, n_samples, tiles->tile_h,
                       tiles->tile_w, n_tokens (job), n_ground (job),
                       job->upscale != NULL, &cost, error)
      || !cost_wide (job, n_samples, &cost, error))
    return FALSE;
  tess_job_denoise (job, &denoise);
  denoise.batch = n_samples;
  tess_denoise_backend_cost (&denoise, job->request->close > 0, &there);
  bytes->arena = MAX (cost.arena, there.arena);
  bytes->canvas = there.held;
  bytes->loop = tess_denoise_n_bytes (&denoise) + there.held;
  bytes->weights = cost.weights + tess_job_instance_bytes (job, cost.set);
  job->n_flops_sample = cost.n_flops / n_samples;
  return TRUE;
}

/* Of a picture in a GeglBuffer, three floats a pixel, what stays in memory. */
static gsize
picture_bytes (gsize n_pixels)
{
  guint64 cache = 0;

  g_object_get (gegl_config (), "tile-cache-size", &cache, NULL);
  return MIN (n_pixels * 3 * sizeof (gfloat), cache);
}

/* Of the picture that the canvas begins with, or that is enlarged. */
static gboolean
cost_encoder (TessJob *job, Bytes *bytes, gsize *weights, GError **error)
{
  const TessTilePlan *tiles = job->method->plan;
  gsize n_bytes, needed;

  job->n_flops_encode = 0.0;
  if (job->init == NULL)
    return TRUE;
  if (!tess_vae_cost (job->studio->vae, tiles->height, tiles->width,
                      TESS_VAE_ENCODES, &job->vae, &n_bytes, &needed,
                      &job->n_flops_encode, error))
    return FALSE;
  bytes->decode = MAX (bytes->decode, n_bytes);
  *weights += needed;
  return TRUE;
}

static gboolean
cost_decoder (TessJob *job, Bytes *bytes, GError **error)
{
  const TessTilePlan *tiles = job->method->plan;
  const TessUnetConfig *unet = tess_model_unet (job->studio->model);
  gsize vae_weights, cells = (gsize) tiles->width * tiles->height;
  TessType storage = tess_backend_storage (job->studio->backend);

  if (!tess_vae_cost (
          job->studio->vae, tiles->height, tiles->width,
          job->fidelity > 0.0 ? TESS_VAE_DECODES_FUSED : TESS_VAE_DECODES,
          &job->vae, &bytes->decode, &vae_weights, &job->n_flops_decode, error)
      || !cost_encoder (job, bytes, &vae_weights, error))
    return FALSE;
  bytes->weights = vae_weights
                   + tess_model_n_params (job->studio->model, TESS_PART_TEXT)
                         * tess_type_size (storage)
                   + (gsize) job->prompts->len * n_tokens (job)
                         * unet->context_width * sizeof (gfloat);
  /* the canvas, what is written down of it, and what regions or a kept
   * picture need of it */
  bytes->latent = cells * job->channels * sizeof (gfloat)
                  * (2 + (job->regions != NULL)
                     + 2 * (job->request->close > 0 || job->method->follows));
  if (job->regions)
    bytes->latent += cells * job->regions->n_prompts * 2 * sizeof (gfloat);
  bytes->picture
      = picture_bytes ((gsize) job->request->width * job->request->height);
  if (job->upscale)
    {
      bytes->latent += cells * job->channels * sizeof (gfloat);
      bytes->picture += tess_upscale_n_bytes (job->upscale);
    }
  return TRUE;
}

/* Less memory for the decoder, more passes: the first that fits, else the
 * last. 0: its own default. What is kept of a canvas of 8192 x 8192 pixels
 * fits into the first: its encoder then need not estimate any statistics. */
static gboolean
fit_decoder (TessJob *job, Bytes *bytes, gsize free, GError **error)
{
  static const struct
  {
    gsize tile, kept;
  } limits[] = { { 0, 1200 << 20 },
                 { 0, 0 },
                 { 192 << 20, 192 << 20 },
                 { 96 << 20, 96 << 20 },
                 { 48 << 20, 48 << 20 } };
  gsize other = bytes->weights;

  for (guint i = 0; i < G_N_ELEMENTS (limits); i++)
    {
      tess_vae_set_limits (job->studio->vae, limits[i].tile, limits[i].kept);
      if (!cost_decoder (job, bytes, error))
        return FALSE;
      bytes->weights += other;
      if (peak (bytes) <= free)
        break;
    }
  return TRUE;
}

static gdouble
gib (gsize n_bytes)
{
  return n_bytes / 0x1p30;
}

/* One sentence with the numbers and the first setting that helps. */
static void
refuse (const TessJob *job, const Bytes *bytes, gsize free, GError **error)
{
  const TessRequest *request = job->request;
  gdouble area = (gdouble) request->width * request->height;
  gdouble canvas = (gdouble) MAX (bytes->loop, bytes->picture) + bytes->latent;
  gdouble fixed = (gdouble) peak (bytes) - canvas;
  g_autofree gchar *advice = NULL;

  if (fixed + 0.1 * canvas < free)
    {
      gdouble scale = sqrt ((free - fixed) / canvas) * 0.98;

      advice = g_strdup_printf ("a canvas of %d x %d pixels would fit",
                                (gint) (request->width * scale) / 64 * 64,
                                (gint) (request->height * scale) / 64 * 64);
      if (area * scale * scale < 64.0 * 64.0)
        g_clear_pointer (&advice, g_free);
    }
  if (advice == NULL && bytes->arena > fixed / 3
      && MAX (job->plan.tile_w, job->plan.tile_h)
             > 2 * tess_unet_align (job->studio->unet))
    advice = g_strdup_printf ("take a tile smaller than %d cells",
                              MAX (job->plan.tile_w, job->plan.tile_h));
  if (advice == NULL && 0.6 * fixed + canvas < free
      && tess_backend_cpu_has_bf16 ()
      && tess_backend_storage (job->studio->backend) == TESS_F32
      && request->device != TESS_DEVICE_PLAIN)
    advice = g_strdup ("take bfloat16 storage");
  g_set_error (
      error, TESS_ERROR, TESS_ERROR_MEMORY,
      _ ("the picture needs %.2f GiB (%.2f for weights, %.2f for tiles, "
         "%.2f for the canvas) and %.2f GiB are free; %s"),
      gib (peak (bytes)), gib (bytes->weights),
      gib (MAX (bytes->arena, bytes->decode)), canvas / 0x1p30, gib (free),
      advice ? advice : "take a smaller canvas, or free memory");
}

static void
estimate_time (TessJob *job)
{
  TessJobPlan *plan = &job->plan;
  gdouble unet = tess_speed_get (plan->device, "unet", plan->model);
  gdouble vae = tess_speed_get (plan->device, "vae", plan->model);
  gdouble coded = job->n_flops_encode + job->n_flops_decode;

  plan->n_flops = plan->n_calls * job->n_flops_sample + coded;
  plan->seconds = 0.0;
  if (unet > 0.0)
    plan->seconds = plan->n_calls * job->n_flops_sample / unet
                    + coded / (vae > 0.0 ? vae : unet) + LOAD_SECONDS;
}

gboolean
tess_job_make_plan (TessJob *job, GError **error)
{
  const TessTilePlan *tiles = job->method->plan;
  const TessInstanceConfig *instance = tess_model_instance (job->studio->model);
  TessJobPlan *plan = &job->plan;
  gint branches = job->negative ? 2 : 1;
  gint64 n_first, n_samples;
  gsize free, resident = resident_memory (),
              card = tess_device_n_bytes_free (job->studio->backend);
  Bytes bytes = { 0 };
  TessDenoise denoise;
  GError *local = NULL;
  gint limit;

  tess_job_denoise (job, &denoise);
  n_samples = tess_job_n_samples (job, &denoise);
  plan->width = tiles->width * job->factor;
  plan->height = tiles->height * job->factor;
  plan->cells_w = tiles->width;
  plan->cells_h = tiles->height;
  plan->n_tiles = tiles->n_tiles;
  plan->tile_w = tiles->tile_w;
  plan->tile_h = tiles->tile_h;
  plan->n_steps = tess_sampler_n_steps (job->sampler);
  plan->samples_per_cell = tess_denoise_cells (&denoise);
  plan->n_calls = (gint) MIN (n_samples, G_MAXINT);
  plan->device = tess_backend_name (job->studio->backend);
  plan->model = g_strdup (tess_model_name (job->studio->model));
  plan->prediction_guessed
      = tess_model_diffusion (job->studio->model)->prediction_guessed;
  if (instance != NULL && instance->names[0])
    plan->names = g_strdup (instance->names);

  free = job->n_bytes_free ? job->n_bytes_free : tess_free_memory ();
  if (job->request->memory)
    free = job->request->memory;
  plan->n_bytes_free = free;
  n_first = MAX (tess_denoise_n_samples (&denoise) / plan->n_steps, 1);
  limit
      = job->request->batch > 0 ? job->request->batch * branches : MAX_SAMPLES;
  limit = (gint) MIN (limit, n_first);
  for (;; limit = (limit + 1) / 2)
    {
      plan->batch = even_batch (n_first, limit);
      if (!cost_batch (job, plan->batch, &bytes, &local))
        {
          /* Too much at once for the device: fewer may do. */
          if (limit > 1
              && g_error_matches (local, TESS_ERROR, TESS_ERROR_MEMORY))
            {
              g_clear_error (&local);
              continue;
            }
          g_propagate_error (error, local);
          return FALSE;
        }
      if ((bytes.weights + bytes.arena + bytes.loop <= free
           && (card == 0 || bytes.arena + bytes.canvas <= card / 2))
          || limit == 1)
        break;
    }
  if (!fit_decoder (job, &bytes, free, error))
    return FALSE;
  plan->n_bytes = resident + COMPANY + peak (&bytes);
  plan->n_bytes_weights = bytes.weights;
  estimate_time (job);
  if (peak (&bytes) <= free)
    return TRUE;
  refuse (job, &bytes, free, error);
  return FALSE;
}
