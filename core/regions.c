/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/regions.c: masks and what prompts see while bootstrapping. */
#include "core/regions.h"

#include "core/error.h"
#include "core/random.h"

#include <glib/gi18n-lib.h>
#include <string.h>

TessRegions *
tess_regions_new (
    gint n_masks, gint width, gint height, const gfloat *masks, GError **error)
{
  gsize plane = (gsize) width * height;
  gint n = n_masks + 1;
  TessRegions *regions;

  if (n > TESS_MAX_PROMPTS)
    {
      g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
                   _ ("%d regions are too many; take %d at most"), n_masks,
                   TESS_MAX_PROMPTS - 1);
      return NULL;
    }
  regions = g_new0 (TessRegions, 1);
  regions->n_prompts = n;
  regions->width = width;
  regions->height = height;
  regions->masks = g_try_new (gfloat, n * plane);
  regions->shares = g_try_new (gfloat, n * plane);
  if (regions->masks == NULL || regions->shares == NULL)
    {
      g_set_error (error, TESS_ERROR, TESS_ERROR_MEMORY,
                   _ ("no memory for %d masks of %d x %d cells; use fewer "
                      "regions or a smaller canvas"),
                   n, width, height);
      tess_regions_free (regions);
      return NULL;
    }
  memcpy (regions->masks + plane, masks, n_masks * plane * sizeof *masks);
  for (gsize i = 0; i < plane; i++)
    {
      gfloat sum = 0.0f, all;

      for (gint k = 1; k < n; k++)
        sum += regions->masks[k * plane + i];
      regions->masks[i] = MAX (0.0f, 1.0f - sum);
      all = sum + regions->masks[i];
      for (gint k = 0; k < n; k++)
        regions->shares[k * plane + i] = regions->masks[k * plane + i] / all;
    }
  return regions;
}

void
tess_regions_free (TessRegions *regions)
{
  if (regions == NULL)
    return;
  g_free (regions->masks);
  g_free (regions->shares);
  g_free (regions);
}

/* The row of a prompt's plane under row @y of a tile. */
static const gfloat *
canvas_row (const gfloat *planes,
            const TessTilePlan *plan,
            TessTile tile,
            gint prompt,
            gint y)
{
  return planes
         + ((gsize) prompt * plan->height + tess_tile_plan_row (plan, tile, y))
               * plan->width;
}

TessPrompts
tess_regions_present (const TessRegions *regions,
                      const TessTilePlan *plan,
                      gint i)
{
  TessTile tile = tess_tile_plan_tile (plan, i);
  TessPrompts present = 0;

  for (gint n = 0; n < regions->n_prompts; n++)
    for (gint y = 0; y < tile.h && !(present & TESS_PROMPT (n)); y++)
      {
        const gfloat *row = canvas_row (regions->masks, plan, tile, n, y);

        for (gint x = 0; x < tile.w; x++)
          if (row[tess_tile_plan_column (plan, tile, x)] > 0.0f)
            {
              present |= TESS_PROMPT (n);
              break;
            }
      }
  return present;
}

gint
tess_regions_pick (const TessRegions *regions,
                   gint step,
                   gint tile,
                   gint prompt)
{
  guint64 place = (guint64) step << 40 ^ (guint64) tile << 8 ^ (guint64) prompt;

  if (regions->pick)
    return regions->pick (step, tile, prompt, regions->pick_data);
  return (gint) (tess_random_hash (regions->seed, place)
                 % (guint64) regions->n_backgrounds);
}

void
tess_regions_mask (const TessRegions *regions,
                   const TessTilePlan *plan,
                   gint i,
                   gint prompt,
                   gint channels,
                   const gfloat *background,
                   gfloat *src)
{
  TessTile tile = tess_tile_plan_tile (plan, i);

  for (gint c = 0; c < channels; c++)
    for (gint y = 0; y < tile.h; y++)
      {
        const gfloat *row = canvas_row (regions->masks, plan, tile, prompt, y);

        for (gint x = 0; x < tile.w; x++, src++, background++)
          {
            gfloat m = row[tess_tile_plan_column (plan, tile, x)];

            *src = m * *src + (1.0f - m) * *background;
          }
      }
}

void
tess_regions_share (const TessRegions *regions,
                    const TessTilePlan *plan,
                    gint i,
                    TessPrompts prompts,
                    gfloat *dst)
{
  TessTile tile = tess_tile_plan_tile (plan, i);

  memset (dst, 0, (gsize) tile.h * tile.w * sizeof *dst);
  for (gint n = 0; n < regions->n_prompts; n++)
    for (gint y = 0; y < tile.h && prompts & TESS_PROMPT (n); y++)
      {
        const gfloat *row = canvas_row (regions->shares, plan, tile, n, y);

        for (gint x = 0; x < tile.w; x++)
          dst[y * tile.w + x] += row[tess_tile_plan_column (plan, tile, x)];
      }
}
