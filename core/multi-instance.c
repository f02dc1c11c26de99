/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/multi-instance.c: instances apart, then their mean. */
#include "core/multi-instance.h"

#include <string.h>

/* The first step of what comes after the mean. */
static gint
meeting (const TessDenoise *job, const TessMultiInstance *apart)
{
  gint n_times = MIN (apart->n_times, tess_sampler_n_times (job->sampler));

  return apart->n > 0 ? tess_sampler_step_of_time (job->sampler, n_times) : 0;
}

/* The job of instance @k alone. */
static TessDenoise
alone (const TessDenoise *job, const TessMultiInstance *apart, gint k)
{
  TessDenoise own = *job;

  own.positive = apart->positive + k;
  own.grounds = apart->grounds + (gsize) k * job->method->plan->n_tiles;
  own.regions = NULL;
  own.end_step = meeting (job, apart);
  own.look = NULL;
  own.stepped = apart->stepped;
  return own;
}

gint64
tess_multi_instance_n_samples (const TessDenoise *job,
                               const TessMultiInstance *apart)
{
  gint64 n = tess_denoise_n_samples (job);

  if (job->first_step >= meeting (job, apart))
    return n;
  for (gint k = 0; k < apart->n; k++)
    {
      TessDenoise own = alone (job, apart, k);

      n += tess_denoise_n_samples (&own);
    }
  return n;
}

/* A sum of canvases and of what they weigh in each cell. */
typedef struct
{
  gfloat *sum, *weights, *cover;
  gsize n, plane;
} Mean;

static void
mean_add (Mean *mean, const gfloat *x)
{
  for (gsize i = 0; i < mean->n; i++)
    mean->sum[i] += mean->cover[i % mean->plane] * x[i];
  for (gsize i = 0; i < mean->plane; i++)
    mean->weights[i] += mean->cover[i];
}

static gboolean
run_alone (const TessDenoise *job,
           const TessMultiInstance *apart,
           gint k,
           const TessRandom *random,
           TessTensor *x,
           Mean *mean,
           GCancellable *cancellable,
           GError **error)
{
  TessDenoise own = alone (job, apart, k);
  TessRandom copy;
  g_autoptr (TessSampler) sampler
      = tess_sampler_new (&apart->diffusion, &apart->settings, error);

  if (sampler == NULL)
    return FALSE;
  if (random)
    {
      copy = *random;
      own.random = &copy;
    }
  own.sampler = sampler;
  if (!tess_denoise_run (&own, x, cancellable, error))
    return FALSE;
  tess_denoise_cover (&own, mean->cover);
  mean_add (mean, tess_tensor_f32 (x));
  return TRUE;
}

static gboolean
run_apart (const TessDenoise *job,
           const TessMultiInstance *apart,
           TessTensor *x,
           Mean *mean,
           GCancellable *cancellable,
           GError **error)
{
  TessDenoise whole = *job;
  g_autoptr (TessTensor) start
      = tess_tensor_new (TESS_F32, x->n_dims, x->dims, error);
  g_autoptr (TessTensor) own
      = start ? tess_tensor_new (TESS_F32, x->n_dims, x->dims, error) : NULL;
  TessRandom random;

  if (own == NULL)
    return FALSE;
  if (job->random)
    random = *job->random;
  memcpy (start->data, x->data, x->n_bytes);
  whole.end_step = meeting (job, apart);
  whole.stepped = apart->stepped;
  if (!tess_denoise_run (&whole, x, cancellable, error))
    return FALSE;
  for (gsize i = 0; i < mean->plane; i++)
    mean->cover[i] = 1.0f;
  mean_add (mean, tess_tensor_f32 (x));
  for (gint k = 0; k < apart->n; k++)
    {
      memcpy (own->data, start->data, x->n_bytes);
      if (!run_alone (job, apart, k, job->random ? &random : NULL, own, mean,
                      cancellable, error))
        return FALSE;
    }
  for (gsize i = 0; i < mean->n; i++)
    tess_tensor_f32 (x)[i] = mean->sum[i] / mean->weights[i % mean->plane];
  return TRUE;
}

gboolean
tess_multi_instance_run (const TessDenoise *job,
                         const TessMultiInstance *apart,
                         TessTensor *x,
                         GCancellable *cancellable,
                         GError **error)
{
  const TessTilePlan *plan = job->method->plan;
  TessDenoise rest = *job;
  gint met = meeting (job, apart);
  Mean mean = { .n = tess_tensor_n_elements (x),
                .plane = (gsize) plan->width * plan->height };
  gboolean ok;

  if (job->first_step >= met)
    return tess_denoise_run (job, x, cancellable, error);
  mean.sum = g_new0 (gfloat, mean.n);
  mean.weights = g_new0 (gfloat, mean.plane);
  mean.cover = g_new (gfloat, mean.plane);
  ok = run_apart (job, apart, x, &mean, cancellable, error);
  g_free (mean.sum);
  g_free (mean.weights);
  g_free (mean.cover);
  rest.first_step = met;
  return ok && tess_denoise_run (&rest, x, cancellable, error);
}
