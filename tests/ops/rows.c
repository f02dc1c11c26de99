/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/ops/rows.c: every op of a backend against the plain answer, each row
 * as tests/ops/row.h says. */
#include "tests/ops/rows.h"
#include "tests/ops/row.h"

typedef struct
{
  gint n, h, w, ic, oc, k, stride, begin, end, up;
  gboolean bias, row, residual, f32_src;
  TessActivation act;
} ConvRow;

/* SD 1.5's by name, then the awkward ones. */
static const ConvRow conv_rows[] = {
  { 1, 8, 8, 320, 640, 3, 1, 1, 1, 1, .bias = 1 },
  { 1, 8, 8, 1280, 640, 3, 1, 1, 1, 1, .bias = 1, .residual = 1 },
  { 2, 8, 8, 320, 320, 3, 2, 1, 1, 1, .bias = 1 },   /* down */
  { 1, 32, 2, 32, 32, 3, 2, 0, 1, 1, .bias = 1 },    /* of a narrow tile */
  { 1, 8, 8, 320, 320, 3, 1, 1, 1, 2, .bias = 1 },   /* up */
  { 2, 16, 8, 4, 320, 3, 1, 1, 1, 1, .bias = 1 },    /* conv_in */
  { 1, 9, 7, 320, 4, 3, 1, 1, 1, 1, .bias = 1 },     /* conv_out */
  { 1, 16, 16, 128, 128, 3, 2, 0, 1, 1, .bias = 1 }, /* VAE down */
  { 1, 8, 8, 320, 320, 3, 1, 1, 1, 1, .row = 1 },    /* time */
  { 2, 5, 5, 64, 96, 3, 1, 1, 1, 1, .bias = 1, .row = 1, .residual = 1 },
  { 1, 8, 8, 640, 320, 1, 1, 0, 0, 1, .bias = 1 }, /* shortcut */
  { 2, 3, 5, 7, 11, 1, 1, 0, 0, 1, .residual = 1 },
  { 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, .bias = 1 },
  { 1, 2, 2, 1, 1, 3, 1, 1, 1, 1, .bias = 1 },
  { 3, 7, 11, 13, 17, 3, 1, 1, 1, 1, .bias = 1 },
  { 1, 7, 11, 13, 17, 3, 1, 1, 1, 2, .bias = 1 },
  { 2, 3, 1, 33, 65, 3, 1, 1, 1, 2 },
  { 1, 5, 7, 3, 5, 5, 1, 2, 2, 1, .bias = 1 },
  { 1, 5, 7, 3, 5, 3, 1, 1, 1, 2, .bias = 1, .residual = 1 },
  { 1, 6, 9, 5, 19, 3, 2, 1, 1, 1, .bias = 1 },
  { 1, 6, 6, 20, 24, 2, 2, 0, 0, 1 },
  { 1, 8, 8, 9, 32, 3, 1, 1, 1, 1, .bias = 1, .f32_src = 1 },
  { 1, 5, 5, 8, 8, 3, 1, 1, 1, 2, .row = 1, .f32_src = 1 },
  { 1, 4, 4, 16, 16, 1, 1, 0, 0, 1, .row = 1, .bias = 1 },
};

static TessValue *
record_conv (TessOpsMaker *maker, gconstpointer data)
{
  const ConvRow *row = data;
  gint h = (row->h * row->up + row->begin + row->end - row->k) / row->stride;
  gint w = (row->w * row->up + row->begin + row->end - row->k) / row->stride;
  const TessWeight *kernel
      = row->k == 1
            ? tess_ops_weight (maker, 2, row->oc, row->ic, 0, 0)
            : tess_ops_weight (maker, 4, row->oc, row->ic, row->k, row->k);
  TessType type
      = row->f32_src ? TESS_F32 : tess_backend_storage (maker->backend);

  return tess_conv2d (
      maker->program,
      &(TessConv2d) {
          .src = tess_ops_source_typed (maker, type, row->n, row->h, row->w,
                                        row->ic),
          .weight = kernel,
          .bias
          = row->bias ? tess_ops_weight (maker, 1, row->oc, 0, 0, 0) : NULL,
          .row = row->row ? tess_ops_source (maker, 1, 1, 1, row->oc) : NULL,
          .residual = row->residual ? tess_ops_source (maker, row->n, h + 1,
                                                       w + 1, row->oc)
                                    : NULL,
          .stride = row->stride,
          .pad_begin = row->begin,
          .pad_end = row->end,
          .upsample = row->up,
          .act = row->act,
      });
}

/* Three rows in four have an activation too; the largest has none. */
START_TEST (conv2d)
{
  static const TessActivation acts[]
      = { TESS_ACT_SILU, TESS_ACT_NONE, TESS_ACT_RELU, TESS_ACT_LEAKY_RELU };
  ConvRow row = conv_rows[_i];

  tess_ops_check_row (record_conv, &row, _i, TRUE);
  row.act = acts[_i % 4];
  if (row.act != TESS_ACT_NONE)
    tess_ops_check_row (record_conv, &row, _i, FALSE);
}
END_TEST

typedef struct
{
  gint n, t, ic, oc;
  TessActivation act;
  gboolean bias, residual, f32_src;
} LinearRow;

static const LinearRow linear_rows[] = {
  { 1, 64, 320, 320, TESS_ACT_NONE, 1, 1 },
  { 2, 64, 320, 2560, TESS_ACT_GEGLU, 1 },
  { 1, 77, 768, 3072, TESS_ACT_QUICK_GELU, 1 },
  { 1, 77, 768, 320, TESS_ACT_NONE },
  { 1, 1, 320, 1280, TESS_ACT_SILU, 1 },
  { 1, 77, 64, 128, TESS_ACT_GELU, 1 },
  { 3, 5, 7, 11, TESS_ACT_NONE, 1, 1 },
  { 1, 13, 17, 10, TESS_ACT_GEGLU, 0 },
  { 1, 1, 1, 1, TESS_ACT_NONE, 1 },
  { 2, 9, 33, 65, TESS_ACT_NONE, 1, 0, 1 },
  { 2, 37, 96, 52, TESS_ACT_GEGLU, 1 }, /* whole steps, parts of tiles */
};

static TessValue *
record_linear (TessOpsMaker *maker, gconstpointer data)
{
  const LinearRow *row = data;
  TessType type
      = row->f32_src ? TESS_F32 : tess_backend_storage (maker->backend);

  return tess_linear (
      maker->program,
      &(TessLinear) {
          .weight = tess_ops_weight (maker, 2, row->oc, row->ic, 0, 0),
          .src
          = tess_ops_source_typed (maker, type, row->n, 1, row->t, row->ic),
          .bias
          = row->bias ? tess_ops_weight (maker, 1, row->oc, 0, 0, 0) : NULL,
          .residual = row->residual
                          ? tess_ops_source (maker, row->n, 1, row->t, row->oc)
                          : NULL,
          .act = row->act,
      });
}

START_TEST (linear)
{
  tess_ops_check_row (record_linear, &linear_rows[_i], _i,
                      linear_rows[_i].act == TESS_ACT_NONE);
}
END_TEST

typedef struct
{
  gint n, m, tq, tk, n_heads, d;
  gboolean causal, rows;
} AttentionRow;

static const AttentionRow attention_rows[] = {
  { 1, 1, 256, 256, 8, 40 },      { 2, 2, 64, 77, 8, 80 },
  { 1, 1, 77, 77, 12, 64, TRUE }, { 3, 2, 64, 77, 5, 64, FALSE, TRUE },
  { 1, 1, 64, 64, 1, 512 },       { 1, 1, 1, 1, 1, 8 },
  { 2, 2, 17, 19, 3, 13 },        { 1, 1, 5, 5, 2, 9, TRUE },
  { 1, 1, 70, 4099, 1, 16 },      { 1, 1, 300, 1024, 2, 160 },
};

static TessValue *
record_attention (TessOpsMaker *maker, gconstpointer data)
{
  const AttentionRow *row = data;
  gint c = row->n_heads * row->d;
  TessValue *v = tess_ops_source (maker, row->m, 1, row->tk, c), *rows = NULL;

  if (row->rows)
    {
      TessShape shape = { 1, 1, 1, row->n };
      g_autoptr (TessBuffer) buffer
          = tess_buffer_new (maker->backend, TESS_I32, &shape, NULL);
      gint32 numbers[8] = { 1, 0, 1 };

      tess_buffer_write_i32 (buffer, numbers);
      rows = tess_input (maker->program, buffer);
    }
  return tess_attention (
      maker->program, &(TessAttention) {
                          .v = v,
                          .q = tess_ops_source (maker, row->n, 1, row->tq, c),
                          .k = tess_ops_source (maker, row->m, 1, row->tk, c),
                          .rows = rows,
                          .n_heads = row->n_heads,
                          .causal = row->causal,
                      });
}

START_TEST (attention)
{
  tess_ops_check_row (record_attention, &attention_rows[_i], _i, FALSE);
}
END_TEST

typedef struct
{
  gint n, h, w, c, n_groups;
  gboolean silu, stats;
} NormRow;

static const NormRow norm_rows[] = {
  { 1, 16, 16, 320, 32, TRUE },      { 2, 8, 8, 2560, 32, TRUE },
  { 1, 40, 33, 128, 32, FALSE },     { 2, 3, 5, 12, 3, TRUE },
  { 1, 1, 1, 6, 1, FALSE },          { 3, 7, 9, 36, 4, TRUE, TRUE },
  { 1, 9, 64, 960, 32, TRUE, TRUE },
};

static TessValue *
record_group_norm (TessOpsMaker *maker, gconstpointer data)
{
  const NormRow *row = data;
  const TessWeight *scale = tess_ops_weight (maker, 1, row->c, 0, 0, 0);
  TessValue *src = tess_ops_source (maker, row->n, row->h, row->w, row->c);
  TessValue *stats = tess_group_stats (
      maker->program, &(TessGroupStats) { .src = src,
                                          .n_groups = row->n_groups,
                                          .y0 = row->h > 2,
                                          .y1 = row->h,
                                          .x0 = row->w > 3 ? 2 : 0,
                                          .x1 = row->w });

  return tess_group_norm (
      maker->program,
      &(TessGroupNorm) { .src = src,
                         .scale = scale,
                         .shift = tess_ops_weight (maker, 1, row->c, 0, 0, 0),
                         .stats = row->stats ? stats : NULL,
                         .n_groups = row->n_groups,
                         .eps = 1e-5f,
                         .act = row->silu ? TESS_ACT_SILU : TESS_ACT_NONE });
}

START_TEST (group_norm)
{
  tess_ops_check_row (record_group_norm, &norm_rows[_i], _i, FALSE);
}
END_TEST

static TessValue *
record_layer_norm (TessOpsMaker *maker, gconstpointer data)
{
  const NormRow *row = data;
  const TessWeight *scale = tess_ops_weight (maker, 1, row->c, 0, 0, 0);

  return tess_layer_norm (
      maker->program,
      &(TessLayerNorm) {
          .src = tess_ops_source (maker, row->n, row->h, row->w, row->c),
          .scale = scale,
          .shift
          = row->silu ? tess_ops_weight (maker, 1, row->c, 0, 0, 0) : NULL,
          .eps = 1e-5f });
}

START_TEST (layer_norm)
{
  if (norm_rows[_i].c > 12)
    tess_ops_check_row (record_layer_norm, &norm_rows[_i], _i, FALSE);
}
END_TEST

/* Copies, sums and activations in one program: [n, h, w, c] -> ... */
static TessValue *
record_rest (TessOpsMaker *maker, gconstpointer data)
{
  const NormRow *row = data;
  TessProgram *program = maker->program;
  TessValue *a = tess_ops_source (maker, row->n, row->h, row->w, row->c);
  TessValue *b = tess_ops_source (maker, 1, row->h, row->w, row->c);
  TessValue *c = tess_ops_source (maker, 1, 1, 1, row->c * 2);
  TessValue *both = tess_concat (program, tess_add (program, a, b), a);

  return tess_crop (program, tess_add (program, both, c), row->h / 2,
                    row->w / 3, row->h - row->h / 2, 1);
}

static TessValue *
record_activate (TessOpsMaker *maker, gconstpointer data)
{
  const NormRow *row = data;
  TessValue *a = tess_ops_source (maker, row->n, row->h, row->w, row->c);
  TessProgram *program = maker->program;

  static const TessActivation acts[] = { TESS_ACT_GELU, TESS_ACT_QUICK_GELU,
                                         TESS_ACT_RELU, TESS_ACT_LEAKY_RELU };
  TessValue *sum = tess_activate (program, a, TESS_ACT_SILU);

  for (guint i = 0; i < G_N_ELEMENTS (acts); i++)
    sum = tess_add (program, tess_activate (program, a, acts[i]), sum);
  return sum;
}

START_TEST (copies_and_sums)
{
  tess_ops_check_row (record_activate, &norm_rows[_i], _i, FALSE);
  if (norm_rows[_i].w / 3 == 0 && norm_rows[_i].h / 2 == 0)
    tess_ops_check_row (record_rest, &norm_rows[_i], _i, TRUE);
}
END_TEST

typedef struct
{
  gint n, m, t, u, n_heads, d;
  gboolean regions;
} GroundedRow;

/* SD 1.5's widest and smallest with 30 instances, then the awkward ones. */
static const GroundedRow grounded_rows[] = { { 2, 2, 256, 184, 8, 40 },
                                             { 1, 1, 64, 68, 8, 160 },
                                             { 2, 3, 96, 80, 8, 40, TRUE },
                                             { 3, 2, 17, 1, 3, 13 },
                                             { 1, 1, 1, 3, 1, 8 },
                                             { 2, 1, 35, 7, 2, 9, TRUE },
                                             { 1, 1, 1024, 184, 1, 16, TRUE } };

static TessValue *
whole_row (TessOpsMaker *maker, gint m, gint t, guint32 first, gint32 shared)
{
  TessShape shape = { m, 1, 1, t };
  g_autoptr (TessBuffer) buffer
      = tess_buffer_new (maker->backend, TESS_I32, &shape, NULL);
  g_autofree gint32 *numbers = g_new (gint32, (gsize) m * t);

  for (gint i = 0; i < m * t; i++)
    {
      first = first * 1664525u + 1013904223u;
      numbers[i] = (first >> 28) == 0 ? shared : (gint32) (first >> 29);
    }
  tess_buffer_write_i32 (buffer, numbers);
  return tess_input (maker->program, buffer);
}

static TessValue *
record_grounded (TessOpsMaker *maker, gconstpointer data)
{
  const GroundedRow *row = data;
  gint c = row->n_heads * row->d;
  TessValue *v = tess_ops_source (maker, row->n, 1, row->t, c);
  TessShape shape = { row->m, 1, 1, row->u };
  g_autoptr (TessBuffer) bias
      = tess_buffer_new (maker->backend, TESS_F32, &shape, NULL);
  g_autofree gfloat *numbers = g_new (gfloat, (gsize) row->m * row->u);

  for (gint i = 0; i < row->m * row->u; i++)
    numbers[i] = i % 5 == 3 ? -INFINITY : logf (1.0f + i % 7);
  tess_buffer_write (bias, 0, row->m, numbers);
  return tess_grounded_attention (
      maker->program,
      &(TessGroundedAttention) {
          .v = v,
          .q = tess_ops_source (maker, row->n, 1, row->t, c),
          .k = tess_ops_source (maker, row->n, 1, row->t, c),
          .ground_k = tess_ops_source (maker, row->m, 1, row->u, c),
          .ground_v = tess_ops_source (maker, row->m, 1, row->u, c),
          .bias = tess_input (maker->program, bias),
          .rows = whole_row (maker, 1, row->n, 5, 0),
          .cells
          = row->regions ? whole_row (maker, row->m, row->t, 3, 0) : NULL,
          .tokens = row->regions
                        ? whole_row (maker, row->m, row->u, 9, TESS_ALL_REGIONS)
                        : NULL,
          .n_heads = row->n_heads,
      });
}

START_TEST (grounded_attention)
{
  tess_ops_check_row (record_grounded, &grounded_rows[_i], _i, FALSE);
}
END_TEST

/* One factor for all, one for each channel, one for each number, with and
 * without a residual. */
static TessValue *
record_scale (TessOpsMaker *maker, gconstpointer data)
{
  const NormRow *row = data;
  TessValue *factor = tess_ops_source_typed (maker, TESS_F32, 1, 1, 1,
                                             row->silu ? row->c : 1);
  TessValue *src = tess_ops_source (maker, row->n, row->h, row->w, row->c);

  return tess_scale (
      maker->program,
      &(TessScale) { .src = src,
                     .factor = factor,
                     .residual = row->stats || row->n > 1
                                     ? tess_ops_source (maker, row->n, row->h,
                                                        row->w, row->c)
                                     : NULL });
}

/* The residual is drawn first: a number of it counts whatever the factor. */
static TessValue *
record_scale_map (TessOpsMaker *maker, gconstpointer data)
{
  const NormRow *row = data;
  TessValue *residual = tess_ops_source (maker, row->n, row->h, row->w, row->c);
  TessValue *src = tess_ops_source (maker, row->n, row->h, row->w, row->c);

  return tess_scale (maker->program,
                     &(TessScale) { .src = src,
                                    .factor = tess_ops_source (
                                        maker, row->n, row->h, row->w, row->c),
                                    .residual = residual });
}

static TessValue *
record_scale_low (TessOpsMaker *maker, gconstpointer data)
{
  const NormRow *row = data;
  TessValue *factor = tess_ops_source_typed (maker, TESS_F32, 1, 1, 1, 1);

  return tess_scale_low (
      maker->program, tess_ops_source (maker, row->n, row->h, row->w, row->c),
      factor);
}

START_TEST (scale)
{
  static const NormRow thin[] = { { 2, 1, 6, 65 }, { 1, 5, 1, 3 } };

  tess_ops_check_row (record_scale, &norm_rows[_i], _i, FALSE);
  tess_ops_check_row (record_scale_map, &norm_rows[_i], _i, FALSE);
  tess_ops_check_row (record_scale_low, &norm_rows[_i], _i, FALSE);
  if (_i < (gint) G_N_ELEMENTS (thin))
    tess_ops_check_row (record_scale_low, &thin[_i], _i, FALSE);
}
END_TEST

typedef struct
{
  gint n, h, w, c, k;
  gboolean bias;
} DepthwiseRow;

static const DepthwiseRow depthwise_rows[] = {
  { 1, 16, 16, 96, 7, TRUE }, { 1, 4, 5, 768, 7, TRUE },
  { 2, 3, 9, 65, 3, FALSE },  { 1, 1, 1, 1, 1, TRUE },
  { 2, 2, 3, 7, 7, TRUE },
};

/* The kernel is float32's alone; other storage takes the plain answer. */
static TessValue *
record_depthwise (TessOpsMaker *maker, gconstpointer data)
{
  const DepthwiseRow *row = data;
  TessValue *src
      = tess_ops_source_typed (maker, TESS_F32, row->n, row->h, row->w, row->c);
  const TessWeight *kernel
      = tess_ops_weight (maker, 4, row->c, 1, row->k, row->k);

  return tess_depthwise (
      maker->program,
      &(TessDepthwise) {
          .src = src,
          .weight = kernel,
          .bias
          = row->bias ? tess_ops_weight (maker, 1, row->c, 0, 0, 0) : NULL });
}

START_TEST (depthwise)
{
  tess_ops_check_row (record_depthwise, &depthwise_rows[_i], _i, TRUE);
}
END_TEST

typedef struct
{
  gint n, h, w, c, height, width;
} CanvasRow;

static const CanvasRow canvas_rows[] = {
  { 4, 64, 64, 4, 64, 160 },
  { 3, 5, 7, 4, 9, 13 },
  { 3, 2, 3, 1, 3, 4 },
  { 7, 3, 6, 5, 3, 6 },
};

/* Places on the whole canvas: tiles that pass its edges; with @sides a
 * smaller one among them. */
static TessValue *
places (TessOpsMaker *maker, const CanvasRow *row, gboolean sides)
{
  gint length = sides ? 4 : 2;
  TessShape shape = { 1, 1, row->n, length };
  g_autoptr (TessBuffer) buffer
      = tess_buffer_new (maker->backend, TESS_I32, &shape, NULL);
  g_autofree gint32 *numbers = g_new (gint32, length * row->n);

  for (gint i = 0; i < row->n; i++)
    {
      gint32 *place = numbers + i * length;

      place[0] = (i * 5 + row->width - 1) % row->width;
      place[1] = (i * 3 + row->height / 2) % row->height;
      if (sides)
        {
          place[2] = row->w - (i == 1 && row->w > 2);
          place[3] = row->h - 2 * (i == 1 && row->h > 2);
        }
    }
  tess_buffer_write_i32 (buffer, numbers);
  return tess_input (maker->program, buffer);
}

static TessValue *
record_gather (TessOpsMaker *maker, gconstpointer data)
{
  const CanvasRow *row = data;
  TessValue *factor = tess_ops_source_typed (maker, TESS_F32, 1, 1, 1, 1);

  return tess_gather (
      maker->program,
      &(TessGather) {
          .canvas = tess_ops_source (maker, 1, row->height, row->width, row->c),
          .places = places (maker, row, FALSE),
          .factor = factor,
          .h = row->h,
          .w = row->w });
}

static TessValue *
fuse (TessOpsMaker *maker, const CanvasRow *row, gboolean shared)
{
  return tess_fuse (
      maker->program,
      &(TessFuse) {
          .tiles = tess_ops_source (maker, row->n, row->h, row->w, row->c),
          .places = places (maker, row, TRUE),
          .weights_x
          = tess_ops_source_typed (maker, TESS_F32, 1, 1, row->n, row->w),
          .weights_y
          = tess_ops_source_typed (maker, TESS_F32, 1, 1, row->n, row->h),
          .shares = shared ? tess_ops_source_typed (maker, TESS_F32, row->n,
                                                    row->h, row->w, 1)
                           : NULL,
          .height = row->height,
          .width = row->width,
      });
}

static TessValue *
record_fuse (TessOpsMaker *maker, gconstpointer row)
{
  return fuse (maker, row, FALSE);
}

static TessValue *
record_shared (TessOpsMaker *maker, gconstpointer row)
{
  return fuse (maker, row, TRUE);
}

static TessValue *
spread (TessOpsMaker *maker, TessValue *src)
{
  return tess_group_stats (maker->program,
                           &(TessGroupStats) { .src = src, .n_groups = 1 });
}

/* The source is drawn first: in 16 bits one number of a spread is not seen. */
static TessValue *
record_rescale (TessOpsMaker *maker, gconstpointer data)
{
  const CanvasRow *row = data;
  TessValue *src = tess_ops_source (maker, 1, row->height, row->width, row->c);
  TessValue *like = tess_ops_source (maker, 1, row->h, row->w, row->c);

  return tess_rescale (maker->program,
                       &(TessRescale) { .src = src,
                                        .stats = spread (maker, src),
                                        .like = spread (maker, like),
                                        .amount = 0.25f * (1 + row->c % 3) });
}

static TessValue *
record_mix (TessOpsMaker *maker, gconstpointer data)
{
  const CanvasRow *row = data;
  TessMix args = {
    .n_src = MIN (row->n + 1, TESS_MIX_MAX),
    .weights = tess_ops_source_typed (maker, TESS_F32, 1, 1, 1, TESS_MIX_MAX),
  };

  for (gint i = 0; i < args.n_src; i++)
    args.src[i] = tess_ops_source (maker, 1, row->height, row->width, row->c);
  return tess_mix (maker->program, &args);
}

START_TEST (canvas)
{
  tess_ops_check_row (record_gather, &canvas_rows[_i], _i, TRUE);
  tess_ops_check_row (record_fuse, &canvas_rows[_i], _i, FALSE);
  tess_ops_check_row (record_shared, &canvas_rows[_i], _i, FALSE);
  tess_ops_check_row (record_mix, &canvas_rows[_i], _i, FALSE);
  tess_ops_check_row (record_rescale, &canvas_rows[_i], _i, FALSE);
}
END_TEST

static const struct
{
  const gchar *name;
  const TTest *const *test;
  gint n_rows;
} cases[] = {
#define ROWS(name, rows) { #name, &name, G_N_ELEMENTS (rows) }
  ROWS (conv2d, conv_rows),
  ROWS (linear, linear_rows),
  ROWS (attention, attention_rows),
  ROWS (group_norm, norm_rows),
  ROWS (layer_norm, norm_rows),
  ROWS (copies_and_sums, norm_rows),
  ROWS (grounded_attention, grounded_rows),
  ROWS (scale, norm_rows),
  ROWS (depthwise, depthwise_rows),
  ROWS (canvas, canvas_rows),
#undef ROWS
};

static TCase *
add_case (Suite *suite, const gchar *name)
{
  TCase *tc = tcase_create (name);

  suite_add_tcase (suite, tc);
  return tc;
}

void
tess_ops_add_rows (Suite *suite)
{
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    tcase_add_loop_test (add_case (suite, cases[i].name), *cases[i].test, 0,
                         cases[i].n_rows);
}

TCase *
tess_ops_add_some (Suite *suite, const gchar *name, const gint *rows)
{
  TCase *tc = add_case (suite, name);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    if (g_str_equal (cases[i].name, name))
      for (; *rows >= 0; rows++)
        tcase_add_loop_test (tc, *cases[i].test, *rows, *rows + 1);
  return tc;
}

TessProgram *
tess_ops_program (TessBackend *backend,
                  GPtrArray *weights,
                  TessBuffer **dst,
                  GError **error)
{
  TessType type = tess_backend_storage (backend);
  TessShape shape = { 2, 5, 5, 64 }, dst_shape = { 2, 5, 5, 96 };
  g_autoptr (TessProgram) program = tess_program_new ("row", type);
  g_autoptr (TessBuffer) src = tess_buffer_new (backend, type, &shape, error);
  TessOpsMaker maker = {
    .backend = backend, .program = program, .state = 7, .weights = weights
  };
  gsize n = tess_shape_n_elements (&shape);
  g_autofree gfloat *numbers = g_new (gfloat, n);
  TessValue *value;

  if (src == NULL)
    return NULL;
  for (gsize i = 0; i < n; i++)
    numbers[i] = tess_ops_next (&maker);
  tess_buffer_write (src, 0, shape.n, numbers);
  value = tess_conv2d (
      program,
      &(TessConv2d) { .src = tess_input (program, src),
                      .weight = tess_ops_weight (&maker, 4, 96, 64, 3, 3),
                      .bias = tess_ops_weight (&maker, 1, 96, 0, 0, 0),
                      .pad_begin = 1,
                      .pad_end = 1 });
  if (dst == NULL)
    return g_steal_pointer (&program);
  *dst = tess_buffer_new (backend, TESS_F32, &dst_shape, error);
  if (*dst == NULL)
    return NULL;
  tess_store (program, value, *dst);
  return g_steal_pointer (&program);
}
