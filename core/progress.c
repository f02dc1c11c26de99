/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/progress.c: the job as seconds, done and to come. */
#include "core/progress.h"

#include "core/speed.h"

#define SECOND ((gdouble) G_USEC_PER_SEC)

/* Where nothing is known, only the shares of a job matter. */
#define ANY_SPEED 1e11
#define LOAD_SHARE 0.01

void
tess_progress_init (TessProgressMeter *meter,
                    const TessJob *job,
                    const TessJobHooks *hooks)
{
  *meter = (TessProgressMeter) {
    .hooks = hooks,
    .device = job->plan.device,
    .model = job->plan.model,
    .n_flops_sample = job->n_flops_sample,
    .n_flops_encode = job->n_flops_encode,
    .n_flops_decode = job->n_flops_decode,
    .n_samples = job->plan.n_calls,
    .sample_speed = tess_speed_get (job->plan.device, "unet", job->plan.model),
    .coder_speed = tess_speed_get (job->plan.device, "vae", job->plan.model),
    .share = 1.0,
    .now = { .n_steps = job->plan.n_steps, .n_tiles = job->plan.n_tiles },
  };
}

static void
tell (TessProgressMeter *meter)
{
  gdouble sample_speed = meter->sample_speed, coder_speed, coded, done, left;
  gdouble known = MAX (meter->sample_speed, meter->coder_speed);

  if (sample_speed <= 0.0)
    sample_speed = known > 0.0 ? known : ANY_SPEED;
  coder_speed = meter->coder_speed > 0.0 ? meter->coder_speed : sample_speed;
  coded = meter->encoded * meter->n_flops_encode
          + meter->decoded * meter->n_flops_decode;
  done = meter->n_done * meter->n_flops_sample / sample_speed
         + coded / coder_speed;
  left
      = (meter->n_samples - meter->n_done) * meter->n_flops_sample
            / sample_speed
        + (meter->n_flops_encode + meter->n_flops_decode - coded) / coder_speed;
  meter->now.seconds_left = known > 0.0 ? left + meter->seconds_after : -1.0;
  meter->now.fraction
      = meter->now.stage == TESS_STAGE_LOAD
            ? 0.0
            : LOAD_SHARE
                  + (1.0 - LOAD_SHARE) * (done / MAX (done + left, 1e-9));
  meter->now.fraction = meter->before + meter->share * meter->now.fraction;
  if (meter->hooks && meter->hooks->progress)
    meter->hooks->progress (&meter->now, meter->hooks->data);
}

void
tess_progress_begin (TessProgressMeter *meter, TessStage stage)
{
  meter->now.stage = stage;
  meter->stage_began = g_get_monotonic_time ();
  meter->pause = 0;
  /* A job that goes on has its canvas and encodes nothing. */
  if (stage > TESS_STAGE_ENCODE)
    meter->encoded = 1.0;
  tell (meter);
}

void
tess_progress_sampled (TessProgressMeter *meter,
                       const TessDenoiseProgress *progress,
                       gint n_tiles)
{
  gint64 now = g_get_monotonic_time ();
  gdouble seconds;

  meter->now.step = progress->step;
  meter->now.n_steps = progress->n_steps;
  meter->now.n_tiles = n_tiles;
  meter->now.tile = (gint) ((gint64) n_tiles * progress->n_done
                            / MAX (progress->n_samples, 1));
  /* A step whose card failed is told of again. */
  meter->n_done = MIN (meter->n_done + progress->n_new, meter->n_samples);
  if (meter->first_done == 0)
    {
      /* The first call compiles; it is not counted. */
      meter->first_done = now;
      meter->n_first = meter->n_done;
      meter->pause = 0;
    }
  seconds = (now - meter->first_done - meter->pause) / SECOND;
  if (meter->n_done > meter->n_first && seconds > 0.0)
    meter->sample_speed
        = (meter->n_done - meter->n_first) * meter->n_flops_sample / seconds;
  tell (meter);
}

void
tess_progress_coded (TessProgressMeter *meter, gdouble fraction)
{
  gdouble seconds = (g_get_monotonic_time () - meter->stage_began) / SECOND;
  gboolean encodes = meter->now.stage == TESS_STAGE_ENCODE;

  if (fraction > 0.1 && seconds > 0.0)
    meter->coder_speed
        = fraction * (encodes ? meter->n_flops_encode : meter->n_flops_decode)
          / seconds;
  if (encodes)
    meter->encoded = fraction;
  else
    meter->decoded = fraction;
  tell (meter);
}

void
tess_progress_keep (TessProgressMeter *meter)
{
  if (meter->n_done > meter->n_first && meter->sample_speed > 0.0)
    tess_speed_put (meter->device, "unet", meter->model, meter->sample_speed,
                    1.0);
  if (meter->now.stage == TESS_STAGE_DECODE && meter->coder_speed > 0.0)
    tess_speed_put (meter->device, "vae", meter->model, meter->coder_speed,
                    1.0);
}
