/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/core/colour-hold.c: whatever was painted, no region's mean colour, as
 * it is seen, is far from that of the picture that it came from. */
#include "core/colour-fix.h"
#include "core/colour-hold.h"
#include "core/random.h"
#include "core/tensor.h"
#include "tests/harness.h"

#include <math.h>
#include <string.h>

#define W 200 /* three regions and a half cell */
#define H 330
#define MOST (2.0 * TESS_HOLD_MOST) /* of -1..1 */

/* Hills of light with black and white among them, [2, H / 2, W / 2], and the
 * same enlarged. */
static TessTensor *
new_style (TessEnlarged *style)
{
  TessTensor *src = tess_tensor_new_nchw (1, 2, H / 2, W / 2, NULL);
  gfloat *cells = tess_tensor_f32 (src);

  for (gint i = 0; i < 2 * (H / 2) * (W / 2); i++)
    {
      gint x = i % (W / 2), y = i / (W / 2) % (H / 2);
      gfloat v = 1.6f * sinf (0.11f * x) * cosf (0.07f * y + i / (W * H / 4));

      cells[i] = CLAMP (v, -1.0f, 1.0f);
    }
  *style = (TessEnlarged) { .src = cells,
                            .channels = 2,
                            .src_w = W / 2,
                            .src_h = H / 2,
                            .width = W,
                            .height = H,
                            .padded_w = W,
                            .padded_h = H,
                            .low = -1.0f,
                            .high = 1.0f };
  return src;
}

/* What somebody may paint from it: 0: nearly it; 1: paler and darker below;
 * 2: a place of its own; 3: noise as strong as the whole range; 4: more
 * contrast, much of it cut off. */
static TessTensor *
paint (const TessEnlarged *style, gint kind)
{
  TessTensor *painted = tess_tensor_new_nchw (1, 2, H, W, NULL);
  gfloat *planes = tess_tensor_f32 (painted);
  g_autofree gfloat *noise = g_new (gfloat, 2 * H * W);
  TessRandom random;

  tess_random_init (&random, 3);
  tess_random_normal (&random, noise, 2 * H * W);
  tess_enlarged_read (style, 0, 0, W, H, planes);
  for (gint i = 0; i < 2 * H * W; i++)
    {
      gint x = i % W, y = i / W % H;

      if (kind == 0)
        planes[i] += 0.01f * noise[i];
      else if (kind == 1)
        planes[i] = 0.8f * planes[i] - 0.2f * y / H;
      else if (kind == 2)
        planes[i] += x > 90 && x < 120 && y > 150 && y < 190 ? 0.5f : 0.0f;
      else if (kind == 3)
        planes[i] += noise[i];
      else
        planes[i] = 1.7f * planes[i] + 0.2f;
    }
  return painted;
}

/* Of the region at (x, y), cut off. */
static gdouble
mean_of (const gfloat *plane, gint x, gint y)
{
  gdouble sum = 0.0;
  gint n = 0;

  for (gint i = y; i < MIN (y + TESS_HOLD_SIDE, H); i++)
    for (gint j = x; j < MIN (x + TESS_HOLD_SIDE, W); j++, n++)
      sum += CLAMP (plane[i * W + j], -1.0f, 1.0f);
  return sum / n;
}

static gdouble
farthest (const gfloat *a, const gfloat *b)
{
  gdouble most = 0.0;

  for (gint c = 0; c < 2; c++)
    for (gint y = 0; y < H - TESS_HOLD_SIDE + 16; y += 16)
      for (gint x = 0; x < W - TESS_HOLD_SIDE + 16; x += 16)
        most = MAX (most, fabs (mean_of (a + c * H * W, x, y)
                                - mean_of (b + c * H * W, x, y)));
  return most;
}

/* The steepest of what was added, a pixel. */
static gdouble
steepest (const gfloat *a, const gfloat *b)
{
  gdouble most = 0.0;

  for (gint i = 0; i < 2 * H * W; i++)
    {
      if (i % W > 0)
        most = MAX (most, fabs (a[i] - b[i] - a[i - 1] + b[i - 1]));
      if (i / W % H > 0)
        most = MAX (most, fabs (a[i] - b[i] - a[i - W] + b[i - W]));
    }
  return most;
}

/* Also where most of it is cut off, and however the bands lie. */
START_TEST (regions_are_held)
{
  TessEnlarged style;
  g_autoptr (TessTensor) src = new_style (&style);
  g_autoptr (TessTensor) was = paint (&style, _i);
  g_autoptr (TessTensor) held = paint (&style, _i);
  g_autoptr (TessTensor) other = paint (&style, _i);
  g_autofree gfloat *wanted = g_new (gfloat, 2 * H * W);

  tess_enlarged_read (&style, 0, 0, W, H, wanted);
  ck_assert_double_gt (farthest (was->data, wanted), _i == 0 ? 0.0 : MOST);
  ck_assert (tess_colour_hold (held->data, W, H, &style, 0, NULL, NULL));
  ck_assert (tess_colour_hold (other->data, W, H, &style, 20, NULL, NULL));
  ck_assert_double_le (farthest (held->data, wanted), MOST + 1e-6);
  ck_assert_mem_eq (held->data, other->data, held->n_bytes);
  if (_i == 0)
    ck_assert_mem_eq (held->data, was->data, held->n_bytes);
}
END_TEST

/* What is added is soft, and far from where it is needed it is next to
 * nothing. */
START_TEST (what_is_added_is_soft)
{
  TessEnlarged style;
  g_autoptr (TessTensor) src = new_style (&style);
  g_autoptr (TessTensor) was = paint (&style, 2);
  g_autoptr (TessTensor) held = paint (&style, 2);
  const gfloat *a = was->data, *b = held->data;

  ck_assert (tess_colour_hold (held->data, W, H, &style, 0, NULL, NULL));
  ck_assert_double_lt (steepest (a, b), 0.02);
  for (gint i = 0; i < 2 * H * W; i++)
    if (i / W % H < 16 || i / W % H > 320)
      ck_assert_float_eq_tol (a[i], b[i], 1e-3f);
}
END_TEST

/* A picture smaller than a region is one; a pixel is too. */
START_TEST (small_pictures)
{
  const gint sizes[][2] = { { 1, 1 }, { 1, 300 }, { 63, 17 }, { 15, 16 } };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      gint w = sizes[i][0], h = sizes[i][1];
      TessEnlarged style;
      g_autoptr (TessTensor) src = new_style (&style);
      g_autofree gfloat *planes = g_new (gfloat, 2 * w * h);
      gdouble sum = 0.0;

      style.width = style.padded_w = w;
      style.height = style.padded_h = h;
      tess_enlarged_read (&style, 0, 0, w, h, planes);
      for (gint k = 0; k < 2 * w * h; k++)
        planes[k] = -0.9f;
      ck_assert (tess_colour_hold (planes, w, h, &style, 0, NULL, NULL));
      tess_enlarged_read (&style, 0, 0, w, h, planes);
      for (gint k = 0; k < w * h; k++)
        sum += planes[k];
      for (gint k = 0; k < w * h; k++)
        planes[k] = -0.9f;
      ck_assert (tess_colour_hold (planes, w, h, &style, 0, NULL, NULL));
      for (gint k = 0; k < w * h; k++)
        sum -= CLAMP (planes[k], -1.0f, 1.0f);
      ck_assert_double_lt (fabs (sum) / (w * h), MOST + 1e-6);
    }
}
END_TEST

START_TEST (cancelled)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  TessEnlarged style;
  g_autoptr (TessTensor) src = new_style (&style);
  g_autoptr (TessTensor) x = paint (&style, 1);
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (cancellable);
  ck_assert (!tess_colour_hold (x->data, W, H, &style, 0, cancellable, &error));
  ck_assert (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
}
END_TEST

Suite *
tess_test_suite (void)
{
  Suite *suite = suite_create ("colour-hold");
  TCase *tcase = tcase_create ("colour-hold");

  tcase_add_loop_test (tcase, regions_are_held, 0, 5);
  tcase_add_test (tcase, what_is_added_is_soft);
  tcase_add_test (tcase, small_pictures);
  tcase_add_test (tcase, cancelled);
  suite_add_tcase (suite, tcase);
  return suite;
}
