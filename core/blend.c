/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/blend.c: weights of a tile, gathering and summing. */
#include "core/blend.h"

#include "core/simd.h"

#include <math.h>
#include <string.h>

#define ONE 0x1p40
#define LARGEST 0x1p20f /* 2^20 * 2^40 leaves room for the sum */

gdouble
tess_tile_weight (TessTileWeight weight, gint i, gint n, gdouble bias)
{
  gdouble u;

  switch (weight)
    {
    case TESS_WEIGHT_UNIFORM:
      return 1.0;
    case TESS_WEIGHT_QUARTIC:
      u = n == 1 ? 0.0 : 0.995 * (2.0 * i / (n - 1) - 1.0);
      return (1.0 - u * u) * (1.0 - u * u);
    case TESS_WEIGHT_GAUSSIAN:
      break;
    }
  u = (i - 0.5 * (n - 1) - bias) / n;
  return exp (-u * u / (2.0 * 0.1 * 0.1));
}

static gdouble *
axis_weights (TessTileWeight weight,
              gint length,
              gint tile,
              gint n,
              const gint *starts,
              const gint *sizes, /* may be NULL */
              gdouble bias,
              gint *gap)
{
  g_autofree gdouble *sums = g_new0 (gdouble, length);
  gdouble *weights = g_new0 (gdouble, (gsize) n * tile);

  for (gint j = 0; j < n; j++)
    for (gint i = 0; i < (sizes ? sizes[j] : tile); i++)
      {
        gdouble w = tess_tile_weight (weight, i, sizes ? sizes[j] : tile, bias);

        weights[(gsize) j * tile + i] = w;
        sums[(starts[j] + i) % length] += w;
      }
  for (gint j = 0; j < n; j++)
    for (gint i = 0; i < (sizes ? sizes[j] : tile); i++)
      weights[(gsize) j * tile + i] /= sums[(starts[j] + i) % length];
  for (*gap = 0; *gap < length && sums[*gap] == 0.0;)
    ++*gap;
  return weights;
}

TessBlend *
tess_blend_new (const TessTilePlan *plan,
                TessTileWeight weight,
                gdouble seam_bias)
{
  TessBlend *blend = g_new (TessBlend, 1);

  blend->x = axis_weights (weight, plan->width, plan->tile_w, plan->n_x,
                           plan->starts_x, plan->sizes_x, 0.0, &blend->gap_x);
  blend->y
      = axis_weights (weight, plan->height, plan->tile_h, plan->n_y,
                      plan->starts_y, plan->sizes_y, seam_bias, &blend->gap_y);
  return blend;
}

void
tess_blend_free (TessBlend *blend)
{
  if (blend == NULL)
    return;
  g_free (blend->x);
  g_free (blend->y);
  g_free (blend);
}

/* Cells of a tile's row that lie side by side on the canvas, from its cell @x
 * on, which is there in @column. */
static gint
run_length (const TessTilePlan *plan, TessTile tile, gint x, gint column)
{
  return plan->apart > 1 ? 1 : MIN (tile.w - x, plan->width - column);
}

void
tess_blend_gather (const TessTilePlan *plan,
                   gint i,
                   gint channels,
                   const gfloat *canvas,
                   gfloat *dst)
{
  TessTile tile = tess_tile_plan_tile (plan, i);
  gsize plane = (gsize) plan->width * plan->height;

  for (gint c = 0; c < channels; c++)
    for (gint y = 0; y < tile.h; y++)
      {
        const gfloat *row
            = canvas + c * plane
              + (gsize) tess_tile_plan_row (plan, tile, y) * plan->width;

        for (gint x = 0, n; x < tile.w; x += n, dst += n)
          {
            gint column = tess_tile_plan_column (plan, tile, x);

            n = run_length (plan, tile, x, column);
            memcpy (dst, row + column, n * sizeof *dst);
          }
      }
}

/* Rounding to a whole number by hand: adding 1.5 * 2^52 leaves it in the low
 * bits, good to 2^51, and vectorises everywhere; a bigger value takes the slow
 * way. FALSE: not a number that can be summed. */
TESS_SIMD static gboolean
add_row (const gfloat *src,
         const gdouble *weight_x,
         const gfloat *share,
         gdouble weight_y,
         gint64 *sum,
         gint n)
{
  gfloat largest = 0.0f;
  gboolean finite = TRUE;

  for (gint i = 0; i < n; i++)
    {
      gfloat size = fabsf (src[i]);

      finite &= size <= LARGEST; /* FALSE for NaN too */
      largest = size > largest ? size : largest;
    }
  if (!finite)
    return FALSE;
  if (largest < 0x1p10f)
    for (gint i = 0; i < n; i++)
      {
        gdouble w = weight_y * weight_x[i] * (share ? share[i] : 1.0f);
        gdouble magic = w * src[i] * ONE + 0x1.8p52;
        gint64 bits;

        memcpy (&bits, &magic, sizeof bits);
        sum[i] += bits - 0x4338000000000000;
      }
  else
    for (gint i = 0; i < n; i++)
      {
        gdouble w = weight_y * weight_x[i] * (share ? share[i] : 1.0f);

        sum[i] += llrint (w * src[i] * ONE);
      }
  return TRUE;
}

gboolean
tess_blend_add (const TessBlend *blend,
                const TessTilePlan *plan,
                gint i,
                gint channels,
                const gfloat *src,
                const gfloat *share,
                gint64 *sum)
{
  TessTile tile = tess_tile_plan_tile (plan, i);
  const gdouble *weight_x = blend->x + (gsize) (i % plan->n_x) * plan->tile_w;
  const gdouble *weight_y = blend->y + (gsize) (i / plan->n_x) * plan->tile_h;
  gsize plane = (gsize) plan->width * plan->height;

  for (gint c = 0; c < channels; c++)
    for (gint y = 0; y < tile.h; y++)
      {
        const gfloat *part = share ? share + (gsize) y * tile.w : NULL;
        gint64 *row
            = sum + c * plane
              + (gsize) tess_tile_plan_row (plan, tile, y) * plan->width;

        for (gint x = 0, n; x < tile.w; x += n, src += n)
          {
            gint column = tess_tile_plan_column (plan, tile, x);

            n = run_length (plan, tile, x, column);
            if (!add_row (src, weight_x + x, part ? part + x : NULL,
                          weight_y[y], row + column, n))
              return FALSE;
          }
      }
  return TRUE;
}

void
tess_blend_read (const gint64 *sum, gfloat *dst, gsize n)
{
  for (gsize i = 0; i < n; i++)
    dst[i] = (gfloat) (sum[i] * (1.0 / ONE));
}
