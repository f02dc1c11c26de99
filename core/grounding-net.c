/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/grounding-net.c: InstanceDiffusion as programs. */
#include "core/grounding-net.h"
#include "core/model-layout.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define NET "position_net."
#define TRUNK NET "convnext_tiny_backbone."
#define TRUNK_EPS 1e-6f
#define FUSER_EPS 1e-5f

/* --- the tokenizer ------------------------------------------------------- */

gint
tess_grounding_n_coordinates (const TessInstanceConfig *config, gint kind)
{
  switch (kind)
    {
    case TESS_TOKENS_BOX:
      return 4;
    case TESS_TOKENS_POINT:
      return 2;
    case TESS_TOKENS_SCRIBBLE:
      return 2 * config->n_scribble;
    default:
      return 2 * config->n_polygon;
    }
}

gint
tess_grounding_n_parts (const TessInstanceConfig *config)
{
  return config->mask_side / 32 * (config->mask_side / 32) / 4;
}

gint
tess_grounding_part_width (const TessInstanceConfig *config)
{
  return 4 * config->trunk_channels[config->n_stages - 1];
}

void
tess_grounding_fourier (const gfloat *x, gint n, gfloat *dst)
{
  for (gint i = 0; i < TESS_FOURIER / 2; i++)
    {
      gfloat frequency = powf (100.0f, (gfloat) i / (TESS_FOURIER / 2));

      for (gint k = 0; k < n; k++)
        {
          dst[i * 2 * n + k] = sinf (frequency * x[k]);
          dst[i * 2 * n + n + k] = cosf (frequency * x[k]);
        }
    }
}

static TessNet
begin (TessModel *model, TessProgram *program)
{
  return (TessNet) { model, TESS_PART_INSTANCE, program, 0 };
}

static TessValue *
record_conv (const TessNet *net,
             const gchar *path,
             gint stride,
             gint pad,
             TessValue *src)
{
  return tess_conv2d (net->program,
                      &(TessConv2d) {
                          .src = src,
                          .weight = tess_net_weight (net, path, "weight"),
                          .bias = tess_net_weight (net, path, "bias"),
                          .stride = stride,
                          .pad_begin = pad,
                          .pad_end = pad,
                      });
}

/* src + gamma * mlp (norm (depthwise (src))) */
static TessValue *
record_block (const TessNet *net, const gchar *path, TessValue *src)
{
  g_autofree gchar *conv = g_strconcat (path, ".dwconv", NULL);
  g_autofree gchar *norm = g_strconcat (path, ".norm", NULL);
  g_autofree gchar *wide = g_strconcat (path, ".pwconv1", NULL);
  g_autofree gchar *thin = g_strconcat (path, ".pwconv2", NULL);
  const TessWeight *gamma = tess_net_weight (net, path, "gamma");
  TessShape row = { 1, 1, 1, tess_value_shape (src)->c };
  TessValue *factor, *h;

  h = tess_depthwise (net->program,
                      &(TessDepthwise) {
                          .src = src,
                          .weight = tess_net_weight (net, conv, "weight"),
                          .bias = tess_net_weight (net, conv, "bias"),
                      });
  h = tess_net_layer_norm (net, norm, h, TRUNK_EPS);
  h = tess_net_linear (net, wide, h, NULL, TESS_ACT_GELU);
  h = tess_net_linear (net, thin, h, NULL, TESS_ACT_NONE);
  factor
      = tess_view (net->program, tess_constant (net->program, gamma), 0, &row);
  return tess_scale (
      net->program,
      &(TessScale) { .src = h, .factor = factor, .residual = src });
}

TessValue *
tess_grounding_record_trunk (TessModel *model,
                             TessProgram *program,
                             TessValue *src,
                             TessValue **stages)
{
  const TessInstanceConfig *config = tess_model_instance (model);
  TessNet net = begin (model, program);
  TessValue *x = record_conv (&net, NET "in_conv", 1, 1, src);
  gchar path[96];

  if (stages != NULL)
    stages[0] = x;
#define PATH(...) (g_snprintf (path, sizeof path, TRUNK __VA_ARGS__), path)
  for (gint s = 0; s < config->n_stages; s++)
    {
      if (s > 0)
        x = tess_net_layer_norm (&net, PATH ("downsample_layers.%d.0", s), x,
                                 TRUNK_EPS);
      x = record_conv (&net, PATH ("downsample_layers.%d.%d", s, s > 0),
                       s == 0 ? 4 : 2, 0, x);
      if (s == 0)
        x = tess_net_layer_norm (&net, PATH ("downsample_layers.0.1"), x,
                                 TRUNK_EPS);
      for (gint i = 0; i < config->trunk_depths[s]; i++)
        x = record_block (&net, PATH ("stages.%d.%d", s, i), x);
      if (stages != NULL)
        stages[s + 1] = x;
    }
#undef PATH
  return x;
}

TessValue *
tess_grounding_record_mlp (TessModel *model,
                           TessProgram *program,
                           gint kind,
                           TessValue *src)
{
  TessNet net = begin (model, program);

  for (gint i = 0; i < 5; i += 2)
    {
      g_autofree gchar *path
          = g_strdup_printf (NET "linears_list.%d.%d", kind, i);

      src = tess_net_linear (&net, path, src, NULL,
                             i < 4 ? TESS_ACT_SILU : TESS_ACT_NONE);
    }
  return src;
}

/* --- in the UNet --------------------------------------------------------- */

static gint
heads_of (const TessUnetConfig *config, const gchar *block)
{
  gint level;

  if (sscanf (block, "down_blocks.%d.", &level) == 1)
    return config->n_heads[level];
  if (sscanf (block, "up_blocks.%d.", &level) == 1)
    return config->n_heads[config->n_levels - 1 - level];
  return config->n_heads[config->n_levels - 1];
}

static gfloat
read_gate (const TessGroundingNet *net, const gchar *path, const gchar *name)
{
  g_autofree gchar *full = g_strconcat (path, ".", name, NULL);
  const TessWeight *weight
      = tess_model_weight (net->model, TESS_PART_INSTANCE, full, NULL);
  gfloat alpha = 0.0f;

  if (weight != NULL)
    tess_tensor_read_f32 (weight->tensor, 0, 1, &alpha);
  return tanhf (alpha);
}

/* The layout lists blocks in the order of running: down, mid, up. */
void
tess_grounding_net_init (TessGroundingNet *net, TessModel *model)
{
  const TessUnetConfig *config = tess_model_unet (model);
  g_autoptr (GArray) layout = tess_layout_unet (config);

  *net = (TessGroundingNet) {
    .model = model,
    .fusers = g_array_new (FALSE, FALSE, sizeof (TessFuser)),
    .n_up = config->n_levels * (config->layers_per_block + 1),
  };
  for (guint i = 0; i < layout->len; i++)
    {
      const TessLayoutEntry *entry
          = &g_array_index (layout, TessLayoutEntry, i);
      TessFuser fuser = { .channels = (gint) entry->dims[0] };
      g_autofree gchar *block = NULL;

      if (!g_str_has_suffix (entry->name, TESS_TRANSFORMER_MARK))
        continue;
      block = g_strndup (entry->name,
                         strlen (entry->name) - strlen (TESS_TRANSFORMER_MARK));
      fuser.path = g_strconcat (block, ".fuser", NULL);
      fuser.n_heads = heads_of (config, block);
      fuser.gates[0] = read_gate (net, fuser.path, "alpha_attn");
      fuser.gates[1] = read_gate (net, fuser.path, "alpha_dense");
      g_array_append_val (net->fusers, fuser);
    }
}

static void
drop_buffers (TessGroundingNet *net)
{
  for (guint i = 0; i < net->fusers->len; i++)
    {
      TessFuser *fuser = &g_array_index (net->fusers, TessFuser, i);

      g_clear_pointer (&fuser->k, tess_buffer_unref);
      g_clear_pointer (&fuser->v, tess_buffer_unref);
    }
  g_clear_pointer (&net->bias, tess_buffer_unref);
  g_clear_pointer (&net->cells, tess_buffer_unref);
  g_clear_pointer (&net->tokens, tess_buffer_unref);
  g_clear_pointer (&net->gates, tess_buffer_unref);
  g_clear_pointer (&net->scales, tess_buffer_unref);
  net->m = net->t = net->n_cells = 0;
}

void
tess_grounding_net_finish (TessGroundingNet *net)
{
  if (net->fusers == NULL)
    return;
  drop_buffers (net);
  for (guint i = 0; i < net->fusers->len; i++)
    g_free (g_array_index (net->fusers, TessFuser, i).path);
  g_clear_pointer (&net->fusers, g_array_unref);
}

/* Where block @i's part of the row of scales begins; of n_up: where the
 * skips' numbers begin. */
static gsize
scale_first (const TessGroundingNet *net, gint i)
{
  const TessUnetConfig *config = tess_model_unet (net->model);
  gsize first = 0;

  for (gint k = 0; k < i; k++)
    first += tess_layout_up_channels (config, k);
  return first;
}

static void
read_scales (const TessGroundingNet *net, gfloat *dst)
{
  const TessUnetConfig *config = tess_model_unet (net->model);
  gsize n_rows = scale_first (net, net->n_up);

  for (gint i = 0; i < net->n_up; i++)
    for (gint skip = 0; skip < 2; skip++)
      {
        gsize first = skip ? n_rows + i : scale_first (net, i);
        gsize n = skip ? 1 : tess_layout_up_channels (config, i);
        gchar name[32];
        const TessWeight *weight;

        g_snprintf (name, sizeof name, "scaleu_%c_%d", skip ? 's' : 'b', i);
        weight = tess_model_weight (net->model, TESS_PART_INSTANCE, name, NULL);
        if (weight == NULL || tess_tensor_n_elements (weight->tensor) != n)
          continue;
        tess_tensor_read_f32 (weight->tensor, 0, n, dst + first);
      }
  for (gsize i = 0; i < n_rows + net->n_up; i++)
    dst[i] = tanhf (dst[i]) + 1.0f;
}

static TessBuffer *
new_row (TessBackend *backend, TessType type, gint m, gint n, GError **error)
{
  TessShape shape = { m, 1, 1, n };

  return tess_buffer_new (backend, type, &shape, error);
}

static gboolean
make_rows (TessGroundingNet *net, TessBackend *backend, GError **error)
{
  gint n_scales = (gint) scale_first (net, net->n_up) + net->n_up;
  g_autofree gfloat *scales = g_new0 (gfloat, MAX (n_scales, 1));

  net->bias = new_row (backend, TESS_F32, net->m, net->t, error);
  if (net->bias == NULL)
    return FALSE;
  net->gates
      = new_row (backend, TESS_F32, 1, 2 * (gint) net->fusers->len, error);
  if (net->gates == NULL)
    return FALSE;
  net->scales = new_row (backend, TESS_F32, 1, MAX (n_scales, 1), error);
  if (net->scales == NULL)
    return FALSE;
  read_scales (net, scales);
  tess_buffer_write (net->scales, 0, 1, scales);
  if (net->n_cells == 0)
    return TRUE;
  net->cells = new_row (backend, TESS_I32, net->m, net->n_cells, error);
  if (net->cells == NULL)
    return FALSE;
  net->tokens = new_row (backend, TESS_I32, net->m, net->t, error);
  return net->tokens != NULL;
}

gboolean
tess_grounding_net_make_buffers (TessGroundingNet *net,
                                 TessBackend *backend,
                                 gint m,
                                 gint t,
                                 gint n_cells,
                                 GError **error)
{
  TessType type = tess_backend_storage (backend);

  drop_buffers (net);
  net->m = m;
  net->t = t;
  net->n_cells = n_cells;
  for (guint i = 0; i < net->fusers->len; i++)
    {
      TessFuser *fuser = &g_array_index (net->fusers, TessFuser, i);
      TessShape shape = { m, 1, t, fuser->channels };

      fuser->k = tess_buffer_new (backend, type, &shape, error);
      if (fuser->k == NULL)
        return FALSE;
      fuser->v = tess_buffer_new (backend, type, &shape, error);
      if (fuser->v == NULL)
        return FALSE;
    }
  return make_rows (net, backend, error);
}

void
tess_grounding_net_write_gates (TessGroundingNet *net, gdouble strength)
{
  g_autofree gfloat *gates = g_new (gfloat, 2 * net->fusers->len);

  for (guint i = 0; i < 2 * net->fusers->len; i++)
    gates[i] = (gfloat) strength
               * g_array_index (net->fusers, TessFuser, i / 2).gates[i % 2];
  tess_buffer_write (net->gates, 0, 1, gates);
}

void
tess_grounding_net_record_tokens (const TessGroundingNet *net,
                                  TessProgram *program,
                                  TessBuffer *tokens)
{
  TessNet layers = begin (net->model, program);
  TessValue *src = tess_input (program, tokens);

  for (guint i = 0; i < net->fusers->len; i++)
    {
      const TessFuser *fuser = &g_array_index (net->fusers, TessFuser, i);
      g_autofree gchar *linear = g_strconcat (fuser->path, ".linear", NULL);
      g_autofree gchar *norm = g_strconcat (fuser->path, ".norm1", NULL);
      g_autofree gchar *k = g_strconcat (fuser->path, ".attn.to_k", NULL);
      g_autofree gchar *v = g_strconcat (fuser->path, ".attn.to_v", NULL);
      TessValue *x
          = tess_net_linear (&layers, linear, src, NULL, TESS_ACT_NONE);

      x = tess_net_layer_norm (&layers, norm, x, FUSER_EPS);
      tess_store (program, tess_net_linear (&layers, k, x, NULL, TESS_ACT_NONE),
                  fuser->k);
      tess_store (program, tess_net_linear (&layers, v, x, NULL, TESS_ACT_NONE),
                  fuser->v);
    }
}

/* x + gate * h; the fuser's @which of two gates. */
static TessValue *
record_gate (const TessGroundingNet *net,
             TessProgram *program,
             gint i,
             gint which,
             TessValue *h,
             TessValue *x)
{
  TessShape one = { 1, 1, 1, 1 };
  TessValue *gates = tess_input (program, net->gates);

  return tess_scale (
      program, &(TessScale) {
                   .src = h,
                   .factor = tess_view (program, gates, 2 * i + which, &one),
                   .residual = x,
               });
}

TessValue *
tess_grounding_net_record_fuser (const TessGroundingNet *net,
                                 TessProgram *program,
                                 gint i,
                                 TessValue *rows,
                                 TessValue *x)
{
  const TessFuser *fuser = &g_array_index (net->fusers, TessFuser, i);
  const TessShape *shape = tess_value_shape (x);
  TessNet layers = begin (net->model, program);
  g_autofree gchar *norm1 = g_strconcat (fuser->path, ".norm1", NULL);
  g_autofree gchar *norm2 = g_strconcat (fuser->path, ".norm2", NULL);
  g_autofree gchar *q = g_strconcat (fuser->path, ".attn.to_q", NULL);
  g_autofree gchar *k = g_strconcat (fuser->path, ".attn.to_k", NULL);
  g_autofree gchar *v = g_strconcat (fuser->path, ".attn.to_v", NULL);
  g_autofree gchar *out = g_strconcat (fuser->path, ".attn.to_out.0", NULL);
  g_autofree gchar *ff_in = g_strconcat (fuser->path, ".ff.net.0.proj", NULL);
  g_autofree gchar *ff_out = g_strconcat (fuser->path, ".ff.net.2", NULL);
  TessValue *h = tess_net_layer_norm (&layers, norm1, x, FUSER_EPS);
  TessGroundedAttention attention = {
    .q = tess_net_linear (&layers, q, h, NULL, TESS_ACT_NONE),
    .k = tess_net_linear (&layers, k, h, NULL, TESS_ACT_NONE),
    .v = tess_net_linear (&layers, v, h, NULL, TESS_ACT_NONE),
    .ground_k = tess_input (program, fuser->k),
    .ground_v = tess_input (program, fuser->v),
    .bias = tess_input (program, net->bias),
    .rows = rows,
    .n_heads = fuser->n_heads,
  };

  /* Regions are those of the finest cells; coarser ones see everything. */
  if (net->n_cells > 0 && shape->h * shape->w == net->n_cells)
    {
      attention.cells = tess_input (program, net->cells);
      attention.tokens = tess_input (program, net->tokens);
    }
  h = tess_grounded_attention (program, &attention);
  h = tess_net_linear (&layers, out, h, NULL, TESS_ACT_NONE);
  x = record_gate (net, program, i, 0, h, x);
  h = tess_net_layer_norm (&layers, norm2, x, FUSER_EPS);
  h = tess_net_linear (&layers, ff_in, h, NULL, TESS_ACT_GEGLU);
  h = tess_net_linear (&layers, ff_out, h, NULL, TESS_ACT_NONE);
  return record_gate (net, program, i, 1, h, x);
}

TessValue *
tess_grounding_net_record_scale (const TessGroundingNet *net,
                                 TessProgram *program,
                                 gint i,
                                 TessValue *x,
                                 TessValue *skip)
{
  TessValue *scales = tess_input (program, net->scales);
  TessShape row = { 1, 1, 1, tess_value_shape (x)->c }, one = { 1, 1, 1, 1 };
  gsize n_rows = scale_first (net, net->n_up);

  x = tess_scale (program, &(TessScale) {
                               .src = x,
                               .factor = tess_view (program, scales,
                                                    scale_first (net, i), &row),
                           });
  skip = tess_scale_low (program, skip,
                         tess_view (program, scales, n_rows + i, &one));
  return tess_concat (program, x, skip);
}
