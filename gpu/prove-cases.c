/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/prove-cases.c: small cases: shapes of real models made smaller, and
 * awkward ones. Numbers are those that float16 has, so that both sides read
 * the same. */
#include "gpu/prove-cases.h"

#include <math.h>

#define CONV &tess_conv2d_class
#define LINEAR &tess_linear_class
#define ATTENTION &tess_attention_class

const TessGpuCase tess_gpu_cases[] = {
  { CONV, 1, 13, 11, 32, 48, 3 },
  { CONV, 2, 9, 8, 64, 64, 3, .more = TRUE },
  { CONV, 1, 10, 8, 32, 32, 3, .stride = 2 },
  { CONV, 1, 7, 5, 16, 32, 3, .up = 2 },
  { CONV, 1, 9, 7, 4, 64, 3 },
  { CONV, 1, 8, 16, 64, 4, 3 },
  { CONV, 2, 12, 11, 64, 96, 1, .more = TRUE },
  { CONV, 1, 3, 5, 7, 11, 3, .more = TRUE },
  { CONV, 1, 32, 32, 128, 128, 3, .timed = TRUE },
  { LINEAR, 2, 1, 35, 64, 128, .more = TRUE },
  { LINEAR, 1, 1, 77, 96, 256, .act = TESS_ACT_GEGLU },
  { LINEAR, 1, 1, 33, 64, 64, .act = TESS_ACT_QUICK_GELU },
  { LINEAR, 1, 1, 1, 320, 640, .act = TESS_ACT_SILU },
  { LINEAR, 3, 1, 5, 7, 11, .act = TESS_ACT_GELU, .more = TRUE },
  { LINEAR, 1, 1, 1024, 320, 320, .timed = TRUE },
  { ATTENTION, 1, 10, 13, 0, 80, .n_heads = 2, .tk = 77 },
  { ATTENTION, 2, 1, 77, 0, 128, .n_heads = 2, .tk = 77, .more = TRUE },
  { ATTENTION, 1, 8, 8, 0, 512, .n_heads = 1, .tk = 64 },
  { ATTENTION, 1, 1, 17, 0, 26, .n_heads = 2, .tk = 19 },
  { ATTENTION, 1, 8, 8, 0, 160, .n_heads = 1, .tk = 300 },
  { ATTENTION, 1, 32, 32, 0, 320, .n_heads = 8, .tk = 1024, .timed = TRUE },
  { &tess_grounded_attention_class, 2, 5, 7, 0, 26, .n_heads = 2, .tk = 9 },
  { &tess_group_norm_class, 2, 9, 7, 64 },
  { &tess_group_stats_class, 2, 40, 33, 64 },
  { &tess_layer_norm_class, 1, 1, 19, 320 },
  { &tess_add_class, 2, 5, 7, 12 },
  { &tess_activate_class, 1, 5, 7, 12 },
  { &tess_concat_class, 2, 5, 7, 12 },
  { &tess_crop_class, 2, 5, 7, 12 },
  { &tess_embed_class, 1, 1, 5, 12 },
  { &tess_constant_class, 1, 1, 5, 12 },
  { &tess_store_class, 2, 5, 7, 12 },
  { &tess_scale_class, 1, 5, 7, 12 },
  { &tess_scale_low_class, 1, 6, 9, 12 },
  { &tess_depthwise_class, 1, 5, 7, 12, .k = 3 },
  { &tess_gather_class, 1, 5, 7, 4 },
  { &tess_fuse_class, 3, 5, 7, 4 },
  { &tess_fuse_class, 3, 5, 7, 4, .more = TRUE },
  { &tess_mix_class, 1, 5, 7, 4 },
  { &tess_rescale_class, 1, 5, 7, 4 },
  { NULL },
};

typedef struct
{
  TessBackend *backend;
  TessProgram *program;
  GPtrArray *weights;
  guint32 state;
} Maker;

static gfloat
next (Maker *maker)
{
  maker->state = maker->state * 1664525u + 1013904223u;
  return (gfloat) (gint) ((maker->state >> 20) % 513) / 256.0f - 1.0f;
}

static const TessWeight *
weight (Maker *maker, gint n_dims, gint a, gint b, gint c, gint d)
{
  g_autoptr (TessTensor) tensor
      = tess_tensor_new (TESS_F32, n_dims, (gint64[]) { a, b, c, d }, NULL);
  gsize n = tess_tensor_n_elements (tensor);

  for (gsize i = 0; i < n; i++)
    tess_tensor_f32 (tensor)[i] = next (maker) * (n_dims > 1 ? 0.25f : 1.0f);
  g_ptr_array_add (maker->weights, tess_weight_new ("case", tensor));
  return maker->weights->pdata[maker->weights->len - 1];
}

/* NULL where there is no memory: the program then fails. */
static TessValue *
source (Maker *maker, TessType type, gint n, gint h, gint w, gint c)
{
  TessShape shape = { n, h, w, c };
  GError *error = NULL;
  g_autoptr (TessBuffer) buffer
      = tess_buffer_new (maker->backend, type, &shape, &error);
  gsize size = tess_shape_n_elements (&shape);
  g_autofree gfloat *numbers = g_new (gfloat, size);
  g_autofree gint32 *whole = g_new (gint32, size);

  if (buffer == NULL)
    {
      tess_program_fail (maker->program, error);
      return tess_value_new_typed (maker->program, type, &shape);
    }
  for (gsize i = 0; i < size; i++)
    {
      numbers[i] = next (maker);
      whole[i] = (gint32) (maker->state >> 30);
    }
  if (type == TESS_I32)
    tess_buffer_write_i32 (buffer, whole);
  else
    tess_buffer_write (buffer, 0, n, numbers);
  return tess_input (maker->program, buffer);
}

static TessValue *
record_conv (Maker *m, const TessGpuCase *c, TessType type)
{
  gint stride = MAX (c->stride, 1), up = MAX (c->up, 1), pad = c->k / 2;
  gint h = (c->h * up + 2 * pad - c->k) / stride + 1;
  gint w = (c->w * up + 2 * pad - c->k) / stride + 1;

  return tess_conv2d (
      m->program,
      &(TessConv2d) {
          .src = source (m, type, c->n, c->h, c->w, c->ic),
          .weight = weight (m, 4, c->oc, c->ic, c->k, c->k),
          .bias = weight (m, 1, c->oc, 0, 0, 0),
          .row = c->more ? source (m, type, 1, 1, 1, c->oc) : NULL,
          .residual = c->more ? source (m, type, c->n, h, w, c->oc) : NULL,
          .stride = stride,
          .upsample = up,
          .pad_begin = pad,
          .pad_end = pad,
      });
}

static TessValue *
record_linear (Maker *m, const TessGpuCase *c, TessType type)
{
  return tess_linear (
      m->program,
      &(TessLinear) {
          .src = source (m, type, c->n, c->h, c->w, c->ic),
          .weight = weight (m, 2, c->oc, c->ic, 0, 0),
          .bias = weight (m, 1, c->oc, 0, 0, 0),
          .residual
          = c->more ? source (m, type, c->n, c->h, c->w, c->oc) : NULL,
          .act = c->act,
      });
}

static TessValue *
record_attention (Maker *m, const TessGpuCase *c, TessType type)
{
  return tess_attention (
      m->program,
      &(TessAttention) {
          .q = source (m, type, c->n, c->h, c->w, c->oc),
          .k = source (m, type, c->n, 1, c->tk, c->oc),
          .v = source (m, type, c->n, 1, c->tk, c->oc),
          .rows = c->more ? source (m, TESS_I32, 1, 1, 1, c->n) : NULL,
          .n_heads = c->n_heads,
          .causal = c->more,
      });
}

static TessValue *
record_grounded (Maker *m, const TessGpuCase *c, TessType type)
{
  gint t = c->h * c->w, u = c->tk;

  return tess_grounded_attention (
      m->program, &(TessGroundedAttention) {
                      .q = source (m, type, c->n, 1, t, c->oc),
                      .k = source (m, type, c->n, 1, t, c->oc),
                      .v = source (m, type, c->n, 1, t, c->oc),
                      .ground_k = source (m, type, 2, 1, u, c->oc),
                      .ground_v = source (m, type, 2, 1, u, c->oc),
                      .bias = source (m, TESS_F32, 2, 1, 1, u),
                      .rows = source (m, TESS_I32, 1, 1, 1, c->n),
                      .cells = source (m, TESS_I32, 2, 1, 1, t),
                      .tokens = source (m, TESS_I32, 2, 1, 1, u),
                      .n_heads = c->n_heads,
                  });
}

static TessValue *
record_norm (Maker *m, const TessGpuCase *c, TessType type)
{
  TessValue *src = source (m, type, c->n, c->h, c->w, c->ic);

  if (c->klass == &tess_group_stats_class)
    return tess_group_stats (
        m->program,
        &(TessGroupStats) {
            .src = src, .n_groups = 4, .y1 = c->h - 1, .x0 = 1, .x1 = c->w });
  if (c->klass == &tess_group_norm_class)
    return tess_group_norm (
        m->program, &(TessGroupNorm) { .src = src,
                                       .scale = weight (m, 1, c->ic, 0, 0, 0),
                                       .shift = weight (m, 1, c->ic, 0, 0, 0),
                                       .n_groups = 4,
                                       .eps = 1e-5f,
                                       .act = TESS_ACT_SILU });
  return tess_layer_norm (
      m->program, &(TessLayerNorm) { .src = src,
                                     .scale = weight (m, 1, c->ic, 0, 0, 0),
                                     .shift = weight (m, 1, c->ic, 0, 0, 0),
                                     .eps = 1e-5f });
}

static TessValue *
record_rescale (Maker *m, TessValue *src, TessValue *like)
{
  TessProgram *p = m->program;

  return tess_rescale (
      p,
      &(TessRescale) { .src = src,
                       .stats = tess_group_stats (
                           p, &(TessGroupStats) { .src = src, .n_groups = 1 }),
                       .like = tess_group_stats (
                           p, &(TessGroupStats) { .src = like, .n_groups = 1 }),
                       .amount = 0.7f });
}

/* The loop's own, with tiles that pass the canvas's edge. */
static TessValue *
record_canvas (Maker *m, const TessGpuCase *c, TessType type)
{
  TessProgram *p = m->program;

  if (c->klass == &tess_gather_class)
    return tess_gather (
        p, &(TessGather) { .canvas = source (m, type, 1, c->h, c->w, c->ic),
                           .places = source (m, TESS_I32, 1, 1, 3, 2),
                           .factor = source (m, TESS_F32, 1, 1, 1, 1),
                           .h = c->h - 1,
                           .w = c->w - 1 });
  if (c->klass == &tess_fuse_class)
    return tess_fuse (
        p, &(TessFuse) { .tiles = source (m, type, c->n, 4, 5, c->ic),
                         .places = source (m, TESS_I32, 1, 1, c->n, 4),
                         .weights_x = source (m, TESS_F32, 1, 1, c->n, 5),
                         .weights_y = source (m, TESS_F32, 1, 1, c->n, 4),
                         .shares
                         = c->more ? source (m, TESS_F32, c->n, 4, 5, 1) : NULL,
                         .height = c->h,
                         .width = c->w });
  if (c->klass == &tess_rescale_class)
    return record_rescale (m, source (m, type, 1, c->h, c->w, c->ic),
                           source (m, type, 1, c->h, c->w, c->ic));
  return tess_mix (p, &(TessMix) {
                          .src = { source (m, type, 1, c->h, c->w, c->ic),
                                   source (m, type, 1, c->h, c->w, c->ic),
                                   source (m, type, 1, c->h, c->w, c->ic) },
                          .n_src = 3,
                          .weights = source (m, TESS_F32, 1, 1, 1, 3),
                      });
}

static TessValue *
record_rest (Maker *m, const TessGpuCase *c, TessType type)
{
  TessProgram *p = m->program;
  TessValue *src
      = c->klass == &tess_embed_class || c->klass == &tess_constant_class
            ? NULL
            : source (m, type, c->n, c->h, c->w, c->ic);

  if (c->klass == &tess_store_class)
    return src; /* which is stored by all */
  if (c->klass == &tess_add_class)
    return tess_add (p, src, source (m, type, 1, c->h, c->w, c->ic));
  if (c->klass == &tess_activate_class)
    return tess_activate (p, src, TESS_ACT_GELU);
  if (c->klass == &tess_concat_class)
    return tess_concat (p, src, source (m, type, c->n, c->h, c->w, 5));
  if (c->klass == &tess_crop_class)
    return tess_crop (p, src, 1, 2, c->h - 2, c->w - 2);
  if (c->klass == &tess_embed_class)
    return tess_embed (p, weight (m, 2, 4, c->ic, 0, 0),
                       source (m, TESS_I32, 1, 1, 1, c->w));
  if (c->klass == &tess_constant_class)
    return tess_constant (p, weight (m, 2, c->w, c->ic, 0, 0));
  if (c->klass == &tess_scale_class)
    return tess_scale (
        p, &(TessScale) {
               .src = src,
               .factor = source (m, TESS_F32, 1, 1, 1, c->ic),
               .residual = source (m, type, c->n, c->h, c->w, c->ic),
           });
  if (c->klass == &tess_scale_low_class)
    return tess_scale_low (p, src, source (m, TESS_F32, 1, 1, 1, 1));
  return tess_depthwise (
      p, &(TessDepthwise) { .src = src,
                            .weight = weight (m, 4, c->ic, 1, c->k, c->k),
                            .bias = weight (m, 1, c->ic, 0, 0, 0) });
}

TessProgram *
tess_gpu_case_record (const TessGpuCase *c,
                      TessBackend *backend,
                      GPtrArray *weights,
                      TessBuffer **dst,
                      GError **error)
{
  TessType type = tess_backend_storage (backend);
  g_autoptr (TessProgram) program = tess_program_new (c->klass->name, type);
  Maker maker = {
    .backend = backend, .program = program, .weights = weights, .state = 7
  };
  TessValue *value;

  if (c->klass == &tess_conv2d_class)
    value = record_conv (&maker, c, type);
  else if (c->klass == &tess_linear_class)
    value = record_linear (&maker, c, type);
  else if (c->klass == &tess_attention_class)
    value = record_attention (&maker, c, type);
  else if (c->klass == &tess_grounded_attention_class)
    value = record_grounded (&maker, c, type);
  else if (c->klass == &tess_group_norm_class
           || c->klass == &tess_group_stats_class
           || c->klass == &tess_layer_norm_class)
    value = record_norm (&maker, c, type);
  else if (c->klass == &tess_gather_class || c->klass == &tess_fuse_class
           || c->klass == &tess_mix_class || c->klass == &tess_rescale_class)
    value = record_canvas (&maker, c, type);
  else
    value = record_rest (&maker, c, type);
  *dst = tess_buffer_new (backend, TESS_F32, tess_value_shape (value), error);
  if (*dst == NULL)
    return NULL;
  tess_store (program, value, *dst);
  return g_steal_pointer (&program);
}

gfloat *
tess_gpu_case_run (const TessGpuCase *c,
                   TessBackend *backend,
                   gsize *n,
                   gdouble *seconds,
                   GError **error)
{
  g_autoptr (GPtrArray) weights
      = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_weight_free);
  g_autoptr (TessBuffer) dst = NULL;
  g_autoptr (TessProgram) program
      = tess_gpu_case_record (c, backend, weights, &dst, error);
  g_autoptr (TessExec) exec
      = program ? tess_backend_compile (backend, program, error) : NULL;
  g_autofree gfloat *numbers = NULL;
  gint64 began;

  if (exec == NULL || !tess_exec_run (exec, NULL, error))
    return NULL;
  if (seconds != NULL)
    {
      began = g_get_monotonic_time ();
      if (!tess_exec_run (exec, NULL, error))
        return NULL;
      *seconds = (g_get_monotonic_time () - began) * 1e-6;
    }
  *n = tess_shape_n_elements (tess_buffer_shape (dst));
  numbers = g_new (gfloat, *n);
  tess_buffer_read (dst, 0, tess_buffer_shape (dst)->n, numbers);
  return g_steal_pointer (&numbers);
}
