/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/job-regions.c: prompts that hold for a part of a job's canvas. */
#include "core/job.h"

#include "core/canvas.h"
#include "core/error.h"
#include "core/png-file.h"

#include <glib/gi18n-lib.h>
#include <math.h>

/* Flat colours that regions are bootstrapped on. */
#define MAX_BACKGROUNDS 8

/* A point or a stroke is no place that could be filled. */
static gboolean
has_area (const TessInstance *instance)
{
  return instance->mask || instance->mask_path || instance->has_box;
}

static gboolean
wants_prompts (const TessJob *job)
{
  const TessInstanceConfig *config = tess_model_instance (job->studio->model);
  gint wanted = job->request->instance_prompts;

  return wanted ? wanted > 0 : config != NULL && config->prompts;
}

/* Instances that have the same text share a part: they are asked together. */
static void
add_instance (TessJob *job, const TessInstance *instance)
{
  const TessJobPart part
      = { .prompt = instance->text, .negative = job->request->negative };

  for (guint i = 0; i < job->parts->len; i++)
    {
      const TessJobPart *other = &g_array_index (job->parts, TessJobPart, i);

      if (other->region == NULL && g_str_equal (other->prompt, part.prompt))
        return;
    }
  g_array_append_val (job->parts, part);
}

gboolean
tess_job_make_parts (TessJob *job, GError **error)
{
  const TessRequest *request = job->request;

  job->parts = g_array_new (FALSE, FALSE, sizeof (TessJobPart));
  for (guint i = 0; i < request->regions->len; i++)
    {
      const TessRegion *region = request->regions->pdata[i];
      const TessJobPart part
          = { .prompt = region->prompt,
              .negative
              = region->negative ? region->negative : request->negative,
              .region = region };

      g_array_append_val (job->parts, part);
    }
  for (guint i = 0; wants_prompts (job) && i < request->instances->len; i++)
    {
      const TessInstance *instance = request->instances->pdata[i];

      if (instance->text != NULL && has_area (instance))
        add_instance (job, instance);
    }
  if (job->parts->len < TESS_MAX_PROMPTS)
    return TRUE;
  if (request->regions->len < TESS_MAX_PROMPTS)
    g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
                 _ ("%u regions and texts of instances are too many; take %d "
                    "at most, or instance-prompts no"),
                 job->parts->len, TESS_MAX_PROMPTS - 1);
  else
    g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
                 _ ("%u regions are too many; take %d at most"),
                 request->regions->len, TESS_MAX_PROMPTS - 1);
  return FALSE;
}

gboolean
tess_job_has_own_prompts (const TessJob *job)
{
  return job->parts->len > job->request->regions->len;
}

static gboolean
read_mask (const TessJob *job,
           GeglBuffer *given,
           const gchar *path,
           gfloat *dst,
           GError **error)
{
  const TessTilePlan *tiles = job->method->plan;
  g_autoptr (GeglBuffer) mask
      = given ? g_object_ref (given)
              : tess_png_load (path, TESS_PNG_MASK, error);

  return mask
         && tess_canvas_read_mask (mask, job->request->width,
                                   job->request->height, job->factor,
                                   tiles->width, tiles->height, dst, error);
}

/* How much of cell @i lies between two pixels of an axis, which may be those
 * of a canvas that repeats every so many @cells. */
static gdouble
covered (
    gint i, gint factor, gdouble from, gdouble to, gint cells, gboolean wraps)
{
  gdouble sum = 0.0;

  for (gint turn = wraps ? -1 : 0; turn <= (wraps ? 1 : 0); turn++)
    {
      gdouble start = (gdouble) (i + turn * cells) * factor;

      sum += MAX (MIN (to, start + factor) - MAX (from, start), 0.0);
    }
  return MIN (sum / factor, 1.0);
}

static void
cover_box (const TessJob *job, const gdouble *box, gfloat *dst)
{
  const TessTilePlan *plan = job->method->plan;

  for (gint y = 0; y < plan->height; y++)
    {
      gdouble of_y = covered (y, job->factor, box[1], box[3], plan->height,
                              plan->wrap_y);

      for (gint x = 0; x < plan->width; x++)
        dst[(gsize) y * plan->width + x]
            = (gfloat) (of_y
                        * covered (x, job->factor, box[0], box[2], plan->width,
                                   plan->wrap_x));
    }
}

/* Where the instances of one text are. */
static gboolean
cover_instances (const TessJob *job,
                 const gchar *text,
                 gfloat *dst,
                 GError **error)
{
  const GPtrArray *instances = job->request->instances;
  gsize n = (gsize) job->method->plan->width * job->method->plan->height;
  g_autofree gfloat *own = g_new (gfloat, n);

  for (gsize i = 0; i < n; i++)
    dst[i] = 0.0f;
  for (guint k = 0; k < instances->len; k++)
    {
      const TessInstance *instance = instances->pdata[k];

      if (!has_area (instance) || g_strcmp0 (instance->text, text) != 0)
        continue;
      if (instance->mask == NULL && instance->mask_path == NULL)
        cover_box (job, instance->box, own);
      else if (!read_mask (job, instance->mask, instance->mask_path, own,
                           error))
        return FALSE;
      for (gsize i = 0; i < n; i++)
        dst[i] = MAX (dst[i], own[i]);
    }
  return TRUE;
}

/* Instances lie before regions, which come first among the masks. */
static void
make_way (const TessJob *job, gsize plane, gfloat *masks)
{
  guint n_regions = job->request->regions->len;

  for (guint k = n_regions; k < job->parts->len; k++)
    for (gsize i = 0; i < n_regions * plane; i++)
      masks[i] *= 1.0f - masks[k * plane + i % plane];
}

gboolean
tess_job_make_regions (TessJob *job, GError **error)
{
  const TessTilePlan *tiles = job->method->plan;
  gsize plane = (gsize) tiles->width * tiles->height;
  gint n_steps = tess_sampler_n_steps (job->sampler);
  g_autofree gfloat *masks = NULL;

  if (job->parts->len == 0)
    return TRUE;
  masks = g_new (gfloat, job->parts->len * plane);
  for (guint i = 0; i < job->parts->len; i++)
    {
      const TessJobPart *part = &g_array_index (job->parts, TessJobPart, i);
      const TessRegion *region = part->region;
      gfloat *dst = masks + i * plane;

      if (region ? !read_mask (job, region->mask, region->mask_path, dst, error)
                 : !cover_instances (job, part->prompt, dst, error))
        return FALSE;
    }
  make_way (job, plane, masks);
  job->regions = tess_regions_new ((gint) job->parts->len, tiles->width,
                                   tiles->height, masks, error);
  if (job->regions == NULL)
    return FALSE;
  if (job->method->wide == NULL)
    job->regions->n_steps = (gint) lround (job->request->bootstrap * n_steps);
  job->regions->n_backgrounds = MIN (job->regions->n_steps, MAX_BACKGROUNDS);
  return TRUE;
}
