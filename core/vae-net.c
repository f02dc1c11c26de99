/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/vae-net.c: encoder and decoder as a row of units. */
#include "core/vae-fusion.h"

#include <stdio.h>

#define NORM_EPS 1e-6f /* of every norm; no configuration names it */

void
tess_vae_net_add_unit (TessVaeNet *net,
                       GArray *units,
                       TessVaeKind kind,
                       gint channels,
                       gchar *path)
{
  TessVaeUnit *before
      = units->len > 0 ? &g_array_index (units, TessVaeUnit, units->len - 1)
                       : NULL;
  TessVaeUnit unit = { .kind = kind, .path = path, .channels = channels };

  if (before == NULL)
    {
      unit.scale = net->encoder ? 1 << (net->config->n_levels - 1) : 1;
      unit.src_channels = net->encoder ? net->config->image_channels
                                       : net->config->latent_channels;
    }
  else
    {
      unit.src_channels = before->channels;
      unit.scale = before->kind == TESS_VAE_UP     ? before->scale * 2
                   : before->kind == TESS_VAE_DOWN ? before->scale / 2
                                                   : before->scale;
    }
  unit.norm = net->n_norms;
  switch (kind)
    {
    case TESS_VAE_RESNET:
    case TESS_VAE_FUSE:
    case TESS_VAE_MERGE:
      net->n_norms += 2;
      break;
    case TESS_VAE_ATTENTION:
    case TESS_VAE_OUT:
      net->n_norms += 1;
      break;
    case TESS_VAE_IN:
    case TESS_VAE_UP:
    case TESS_VAE_DOWN:
    case TESS_VAE_DENSE:
      unit.norm = -1;
      break;
    }
  g_array_append_val (units, unit);
}

static void
add_middle (TessVaeNet *net, GArray *units, const gchar *side, gint channels)
{
  tess_vae_net_add_unit (net, units, TESS_VAE_RESNET, channels,
                         g_strconcat (side, ".mid_block.resnets.0", NULL));
  if (net->config->mid_attention)
    tess_vae_net_add_unit (net, units, TESS_VAE_ATTENTION, channels,
                           g_strconcat (side, ".mid_block.attentions.0", NULL));
  tess_vae_net_add_unit (net, units, TESS_VAE_RESNET, channels,
                         g_strconcat (side, ".mid_block.resnets.1", NULL));
}

static void
add_encoder (TessVaeNet *net, GArray *units)
{
  const TessVaeConfig *config = net->config;
  gint last = config->n_levels - 1;

  tess_vae_net_add_unit (net, units, TESS_VAE_IN, config->channels[0],
                         g_strdup ("encoder"));
  for (gint i = 0; i <= last; i++)
    {
      for (gint j = 0; j < config->layers_per_block; j++)
        tess_vae_net_add_unit (
            net, units, TESS_VAE_RESNET, config->channels[i],
            g_strdup_printf ("encoder.down_blocks.%d.resnets.%d", i, j));
      if (i < last)
        tess_vae_net_add_unit (
            net, units, TESS_VAE_DOWN, config->channels[i],
            g_strdup_printf ("encoder.down_blocks.%d.downsamplers.0.conv", i));
    }
  add_middle (net, units, "encoder", config->channels[last]);
  tess_vae_net_add_unit (net, units, TESS_VAE_OUT, 2 * config->latent_channels,
                         g_strdup ("encoder"));
}

static void
add_decoder (TessVaeNet *net, GArray *units)
{
  const TessVaeConfig *config = net->config;
  gint last = config->n_levels - 1;

  tess_vae_net_add_unit (net, units, TESS_VAE_IN, config->channels[last],
                         g_strdup ("decoder"));
  add_middle (net, units, "decoder", config->channels[last]);
  for (gint i = 0; i <= last; i++)
    {
      gint channels = config->channels[last - i], k = last - i;

      for (gint j = 0; j <= config->layers_per_block; j++)
        tess_vae_net_add_unit (
            net, units, TESS_VAE_RESNET, channels,
            g_strdup_printf ("decoder.up_blocks.%d.resnets.%d", i, j));
      if (net->looks != NULL && k >= 1
          && k <= tess_model_fusion (net->model)->n_layers)
        tess_vae_fusion_add_units (net, units, k);
      if (i < last)
        tess_vae_net_add_unit (
            net, units, TESS_VAE_UP, channels,
            g_strdup_printf ("decoder.up_blocks.%d.upsamplers.0.conv", i));
    }
  tess_vae_net_add_unit (net, units, TESS_VAE_OUT, config->image_channels,
                         g_strdup ("decoder"));
}

static void
init (TessVaeNet *net,
      TessModel *model,
      gboolean encoder,
      const TessVaeNet *looks)
{
  GArray *units = g_array_new (FALSE, FALSE, sizeof (TessVaeUnit));

  *net = (TessVaeNet) { .model = model,
                        .config = tess_model_vae (model),
                        .encoder = encoder,
                        .looks = looks };
  if (encoder)
    add_encoder (net, units);
  else
    add_decoder (net, units);
  net->n_units = (gint) units->len;
  tess_vae_net_add_unit (net, units, TESS_VAE_IN, 0, NULL);
  net->units = (TessVaeUnit *) (gpointer) g_array_free (units, FALSE);
}

void
tess_vae_net_init (TessVaeNet *net, TessModel *model, gboolean encoder)
{
  init (net, model, encoder, NULL);
}

void
tess_vae_net_init_fused (TessVaeNet *net, const TessVaeNet *encoder)
{
  init (net, encoder->model, FALSE, encoder);
}

void
tess_vae_net_finish (TessVaeNet *net)
{
  for (gint i = 0; i < net->n_units; i++)
    g_free (net->units[i].path);
  g_free (net->units);
}

TessVaeRect
tess_vae_net_owned (const TessVaeNet *net, gint unit, const TessVaeRect *tile)
{
  gint scale = net->units[unit].scale;

  return (TessVaeRect) { tile->y0 * scale, tile->y1 * scale, tile->x0 * scale,
                         tile->x1 * scale };
}

static gint
floor_half (gint a)
{
  return a >= 0 ? a / 2 : -((1 - a) / 2);
}

/* Along one axis: what @unit reads for [a, b) of what it gives. */
static void
widen (TessVaeKind kind, gint side, gboolean wrap, gint *a, gint *b)
{
  switch (kind)
    {
    case TESS_VAE_IN:
    case TESS_VAE_OUT:
      *a -= 1;
      *b += 1;
      break;
    case TESS_VAE_RESNET:
    case TESS_VAE_FUSE:
    case TESS_VAE_MERGE:
      *a -= 2;
      *b += 2;
      break;
    case TESS_VAE_DENSE:
      *a -= TESS_VAE_DENSE_HALO;
      *b += TESS_VAE_DENSE_HALO;
      break;
    case TESS_VAE_ATTENTION:
      break;
    case TESS_VAE_UP:
      *a = floor_half (*a - 1);
      *b = floor_half (*b) + 1;
      break;
    case TESS_VAE_DOWN:
      *a = 2 * *a;
      *b = 2 * *b + 1;
      break;
    }
  if (!wrap)
    {
      *a = MAX (*a, 0);
      *b = MIN (*b, side);
    }
}

static void
widen_rect (const TessVaeNet *net,
            gint unit,
            TessVaeKind kind,
            const TessVaeCanvas *canvas,
            TessVaeRect *rect)
{
  gint scale = net->units[unit].scale;

  widen (kind, canvas->h * scale, canvas->wrap_y, &rect->y0, &rect->y1);
  widen (kind, canvas->w * scale, canvas->wrap_x, &rect->x0, &rect->x1);
}

void
tess_vae_net_needs (const TessVaeNet *net,
                    const TessVaeSpan *span,
                    TessVaeRect *needs)
{
  TessVaeRect rect = span->end
                         ? *span->end
                         : tess_vae_net_owned (net, span->last, &span->tile);

  /* Up to the second norm there is one convolution. */
  if (span->middle)
    widen_rect (net, span->last, TESS_VAE_IN, &span->canvas, &rect);
  needs[span->last] = rect;

  for (gint u = span->last - 1; u >= span->first; u--)
    {
      const TessVaeUnit *unit = &net->units[u];

      widen_rect (net, u, unit->kind, &span->canvas, &rect);
      if (unit->kind == TESS_VAE_ATTENTION && span->keys == TESS_VAE_KEYS_LOCAL)
        {
          gint margin = TESS_VAE_KEYS_MARGIN * unit->scale;
          TessVaeRect around = tess_vae_net_owned (net, u, &span->tile);

          around.y0 -= margin;
          around.y1 += margin;
          around.x0 -= margin;
          around.x1 += margin;
          rect.y0 = MIN (rect.y0, around.y0);
          rect.y1 = MAX (rect.y1, around.y1);
          rect.x0 = MIN (rect.x0, around.x0);
          rect.x1 = MAX (rect.x1, around.x1);
          widen_rect (net, u, TESS_VAE_ATTENTION, &span->canvas, &rect);
        }
      needs[u] = rect;
    }
}

static gdouble
area (const TessVaeRect *rect)
{
  return (gdouble) (rect->y1 - rect->y0) * (rect->x1 - rect->x0);
}

/* What unit @u gives when it has read @rect. */
static TessVaeRect
after_unit (const TessVaeNet *net,
            const TessVaeSpan *span,
            gint u,
            const TessVaeRect *rect,
            const TessVaeRect *needs)
{
  switch (net->units[u].kind)
    {
    case TESS_VAE_ATTENTION:
      /* Cells that are there for their keys alone ask for nothing. */
      if (span->keys == TESS_VAE_KEYS_LOCAL)
        return needs[u + 1];
      break;
    case TESS_VAE_UP:
      return (TessVaeRect) { 2 * rect->y0, 2 * rect->y1, 2 * rect->x0,
                             2 * rect->x1 };
    case TESS_VAE_DOWN:
      return needs[u + 1];
    case TESS_VAE_IN:
    case TESS_VAE_RESNET:
    case TESS_VAE_OUT:
    case TESS_VAE_FUSE:
    case TESS_VAE_DENSE:
    case TESS_VAE_MERGE:
      break;
    }
  return *rect;
}

/* Where what is read is cut to what is needed. */
static gboolean
is_cut (const TessVaeUnit *unit)
{
  return unit->kind == TESS_VAE_UP || unit->kind == TESS_VAE_DOWN
         || unit->kind == TESS_VAE_FUSE;
}

void
tess_vae_net_estimate (const TessVaeNet *net,
                       const TessVaeSpan *span,
                       gdouble *n_flops,
                       gsize *n_bytes)
{
  g_autofree TessVaeRect *needs = g_new (TessVaeRect, net->n_units + 1);
  gint end = span->last + (span->middle ? 1 : 0);
  TessVaeRect rect;
  gdouble flops = 0.0, peak = 0.0;

  tess_vae_net_needs (net, span, needs);
  rect = needs[span->first];
  for (gint u = span->first; u < end; u++)
    {
      const TessVaeUnit *unit = &net->units[u];
      gdouble ic = unit->src_channels, oc = unit->channels, n_src, n_dst;

      if (is_cut (unit))
        rect = needs[u];
      n_src = area (&rect);
      rect = after_unit (net, span, u, &rect, needs);
      n_dst = area (&rect);
      switch (unit->kind)
        {
        case TESS_VAE_RESNET:
          flops += 18.0 * n_src * ic * oc;
          if (u < span->last)
            flops += 18.0 * n_src * oc * oc
                     + (ic != oc ? 2.0 * n_src * ic * oc : 0.0);
          peak = MAX (peak, n_src * MAX (2 * ic + oc, ic + 3 * oc));
          break;
        case TESS_VAE_ATTENTION:
          {
            gdouble n_keys = span->keys == TESS_VAE_KEYS_LOCAL
                                 ? n_src
                                 : (gdouble) span->canvas.h * span->canvas.w;

            flops
                += 4.0 * (n_src + n_dst) * ic * ic + 4.0 * n_dst * n_keys * ic;
            peak = MAX (peak, 5 * n_src * ic);
          }
          break;
        case TESS_VAE_FUSE:
        case TESS_VAE_DENSE:
        case TESS_VAE_MERGE:
          {
            gdouble per_cell, numbers;

            tess_vae_fusion_estimate (net, u, &per_cell, &numbers);
            flops += n_src * per_cell;
            peak = MAX (peak, n_src * numbers);
          }
          break;
        case TESS_VAE_IN:
        case TESS_VAE_OUT:
        case TESS_VAE_UP:
        case TESS_VAE_DOWN:
          flops += 18.0 * n_dst * ic * oc;
          peak = MAX (peak, n_src * ic * 2 + n_dst * oc);
          break;
        }
    }
  if (n_flops != NULL)
    *n_flops = flops;
  if (n_bytes != NULL)
    *n_bytes = (gsize) (peak * tess_type_size (TESS_VAE_STORAGE));
}

/* The canvas within the state, in the state's own cells. */
static TessVaeRect
canvas_within (const TessVaeRecording *r, gint unit)
{
  gint scale = r->net->units[unit].scale;
  const TessVaeCanvas *canvas = &r->span->canvas;

  return (TessVaeRect) { -r->rect.y0, canvas->h * scale - r->rect.y0,
                         -r->rect.x0, canvas->w * scale - r->rect.x0 };
}

static gboolean
is_canvas (const TessVaeRecording *r, gint unit)
{
  TessVaeRect within = canvas_within (r, unit);

  return within.y0 == 0 && within.x0 == 0 && within.y1 == r->rect.y1
         && within.x1 == r->rect.x1;
}

TessValue *
tess_vae_record_norm (TessVaeRecording *r,
                      const TessNet *layers,
                      gint unit,
                      gint norm,
                      const gchar *path,
                      TessValue *x,
                      TessActivation act)
{
  TessProgram *program = r->layers.program;
  TessVaeRect within = canvas_within (r, unit);
  TessGroupStats over = { .src = x,
                          .n_groups = r->layers.n_groups,
                          .y0 = within.y0,
                          .y1 = within.y1,
                          .x0 = within.x0,
                          .x1 = within.x1 };
  TessValue *stats = NULL;

  if (r->binding->stats != NULL)
    stats = tess_input (program, r->binding->stats[norm]);
  else if (!is_canvas (r, unit) || r->binding->taps != NULL)
    stats = tess_group_stats (program, &over);
  if (r->binding->taps != NULL)
    tess_store (program, stats, r->binding->taps[norm]);
  return tess_net_group_norm (layers, path, x, stats, NORM_EPS, act);
}

static TessValue *
record_resnet (TessVaeRecording *r, gint u, gboolean middle, TessValue *x)
{
  const TessVaeUnit *unit = &r->net->units[u];
  g_autofree gchar *norm1 = g_strconcat (unit->path, ".norm1", NULL);
  g_autofree gchar *norm2 = g_strconcat (unit->path, ".norm2", NULL);
  g_autofree gchar *conv1 = g_strconcat (unit->path, ".conv1", NULL);
  TessValue *h;

  h = tess_vae_record_norm (r, &r->layers, u, unit->norm, norm1, x,
                            TESS_ACT_SILU);
  h = tess_net_conv3 (&r->layers, conv1, h, TESS_ACT_NONE);
  if (middle)
    return h;
  h = tess_vae_record_norm (r, &r->layers, u, unit->norm + 1, norm2, h,
                            TESS_ACT_SILU);
  return tess_net_resnet_tail (&r->layers, unit->path, x, h);
}

/* A value that lies over @r->rect. */
static TessValue *
crop_to (const TessVaeRecording *r, const TessVaeRect *need, TessValue *x)
{
  if (tess_vae_rect_equal (&r->rect, need))
    return x;
  return tess_crop (r->layers.program, x, need->y0 - r->rect.y0,
                    need->x0 - r->rect.x0, need->y1 - need->y0,
                    need->x1 - need->x0);
}

static TessValue *
as_tokens (TessProgram *program, TessValue *map)
{
  const TessShape *s = tess_value_shape (map);

  return tess_view (program, map, 0,
                    &(TessShape) { s->n, 1, s->h * s->w, s->c });
}

static void
record_key_pair (const TessNet *layers,
                 const gchar *path,
                 TessValue *h,
                 TessValue **k,
                 TessValue **v)
{
  g_autofree gchar *to_k = g_strconcat (path, ".to_k", NULL);
  g_autofree gchar *to_v = g_strconcat (path, ".to_v", NULL);

  *k = tess_net_linear (layers, to_k, h, NULL, TESS_ACT_NONE);
  *v = tess_net_linear (layers, to_v, h, NULL, TESS_ACT_NONE);
  *k = as_tokens (layers->program, *k);
  *v = as_tokens (layers->program, *v);
}

/* @needs: of the unit after it. */
static TessValue *
record_attention (TessVaeRecording *r,
                  gint u,
                  const TessVaeRect *needs,
                  TessValue *x)
{
  const TessVaeUnit *unit = &r->net->units[u];
  TessProgram *program = r->layers.program;
  g_autofree gchar *norm = g_strconcat (unit->path, ".group_norm", NULL);
  g_autofree gchar *to_q = g_strconcat (unit->path, ".to_q", NULL);
  g_autofree gchar *to_out = g_strconcat (unit->path, ".to_out.0", NULL);
  TessAttention attention = { .n_heads = 1 };
  TessValue *h = tess_vae_record_norm (r, &r->layers, u, unit->norm, norm, x,
                                       TESS_ACT_NONE);
  TessValue *keys = h;

  if (r->span->keys == TESS_VAE_KEYS_GLOBAL)
    {
      attention.k = tess_input (program, r->binding->k);
      attention.v = tess_input (program, r->binding->v);
    }
  else
    {
      if (r->span->keys == TESS_VAE_KEYS_INLINE && !is_canvas (r, u))
        {
          TessVaeRect within = canvas_within (r, u);

          keys = tess_crop (program, h, within.y0, within.x0,
                            within.y1 - within.y0, within.x1 - within.x0);
        }
      record_key_pair (&r->layers, unit->path, keys, &attention.k,
                       &attention.v);
    }
  if (r->span->keys == TESS_VAE_KEYS_LOCAL)
    {
      h = crop_to (r, needs, h);
      x = crop_to (r, needs, x);
    }
  attention.q = tess_net_linear (&r->layers, to_q, h, NULL, TESS_ACT_NONE);
  h = tess_attention (program, &attention);
  return tess_net_linear (&r->layers, to_out, h, x, TESS_ACT_NONE);
}

/* A row of 1x1 convolutions beside the network proper. */
static TessValue *
record_quant (TessVaeRecording *r, const gchar *path, TessValue *x)
{
  if (tess_net_optional_weight (&r->layers, path, "weight") == NULL)
    return x;
  return tess_net_linear (&r->layers, path, x, NULL, TESS_ACT_NONE);
}

static TessValue *
record_end (TessVaeRecording *r, gint u, TessValue *x)
{
  const TessVaeUnit *unit = &r->net->units[u];
  g_autofree gchar *norm = g_strconcat (unit->path, ".conv_norm_out", NULL);
  g_autofree gchar *out = g_strconcat (unit->path, ".conv_out", NULL);
  g_autofree gchar *in = g_strconcat (unit->path, ".conv_in", NULL);
  gboolean encoder = r->net->encoder;

  if (unit->kind == TESS_VAE_IN)
    {
      if (!encoder && r->net->config->post_quant_conv)
        x = record_quant (r, "post_quant_conv", x);
      return tess_net_conv3 (&r->layers, in, x, TESS_ACT_NONE);
    }
  x = tess_vae_record_norm (r, &r->layers, u, unit->norm, norm, x,
                            TESS_ACT_SILU);
  x = tess_net_conv3 (&r->layers, out, x, TESS_ACT_NONE);
  if (encoder && r->net->config->quant_conv)
    x = record_quant (r, "quant_conv", x);
  return x;
}

TessValue *
tess_vae_net_cut (TessVaeRecording *r, const TessVaeRect *need, TessValue *x)
{
  x = crop_to (r, need, x);
  r->rect = *need;
  return x;
}

static TessValue *
record_resize (TessVaeRecording *r,
               gint u,
               const TessVaeRect *need,
               TessValue *x)
{
  const TessVaeUnit *unit = &r->net->units[u];
  gboolean up = unit->kind == TESS_VAE_UP;
  TessConv2d conv
      = { .weight = tess_net_weight (&r->layers, unit->path, "weight"),
          .bias = tess_net_optional_weight (&r->layers, unit->path, "bias"),
          .stride = up ? 1 : 2,
          .upsample = up ? 2 : 1,
          .pad_begin = up ? 1 : 0,
          .pad_end = 1 };

  /* Here (and before a fusion, and in attention to the tile alone) the halo
   * that has become wrong is cut off: what is kept must be exact for the next
   * level to start with, and a copy costs less before a map grows than after.
   */
  conv.src = tess_vae_net_cut (r, need, x);
  return tess_conv2d (r->layers.program, &conv);
}

/* A fusion's features where it begins; others need none. */
static TessValue *
feature_of (const TessVaeNet *net, gint u, TessValue *const *features)
{
  gint k = 0;

  if (net->units[u].kind != TESS_VAE_FUSE
      || sscanf (net->units[u].path, "decoder.fusion_layer_%d.", &k) != 1)
    return NULL;
  return features[k];
}

TessValue *
tess_vae_net_record_units (TessVaeRecording *r,
                           const TessVaeRect *needs,
                           gint first,
                           gint last,
                           TessValue *const *features,
                           TessValue *x)
{
  for (gint u = first; u < last; u++)
    {
      switch (r->net->units[u].kind)
        {
        case TESS_VAE_IN:
        case TESS_VAE_OUT:
          x = record_end (r, u, x);
          break;
        case TESS_VAE_RESNET:
          x = record_resnet (r, u, FALSE, x);
          break;
        case TESS_VAE_ATTENTION:
          x = record_attention (r, u, &needs[u + 1], x);
          break;
        case TESS_VAE_UP:
        case TESS_VAE_DOWN:
          x = record_resize (r, u, &needs[u], x);
          break;
        case TESS_VAE_FUSE:
          x = tess_vae_net_cut (r, &needs[u], x);
          x = tess_vae_fusion_record (r, u, FALSE,
                                      feature_of (r->net, u, features), x);
          break;
        case TESS_VAE_DENSE:
        case TESS_VAE_MERGE:
          x = tess_vae_fusion_record (r, u, FALSE, NULL, x);
          break;
        }
      r->rect = after_unit (r->net, r->span, u, &r->rect, needs);
    }
  return x;
}

/* The part of its last unit that a span has. */
static TessValue *
record_last (TessVaeRecording *r,
             const TessVaeRect *needs,
             TessValue *const *features,
             TessValue *x,
             TessValue **normed)
{
  gint u = r->span->last;
  TessVaeKind kind = r->net->units[u].kind;
  TessValue *feature = feature_of (r->net, u, features);

  if (kind == TESS_VAE_FUSE)
    x = tess_vae_net_cut (r, &needs[u], x);
  if (r->span->middle)
    x = kind == TESS_VAE_RESNET
            ? record_resnet (r, u, TRUE, x)
            : tess_vae_fusion_record (r, u, TRUE, feature, x);
  if (normed != NULL)
    *normed = r->span->middle ? x : tess_vae_fusion_normed (r, u, feature, x);
  return x;
}

TessValue *
tess_vae_net_record (const TessVaeNet *net,
                     TessProgram *program,
                     const TessVaeSpan *span,
                     const TessVaeBinding *binding,
                     TessVaeRect *dst_rect,
                     TessValue **normed)
{
  g_autofree TessVaeRect *needs = g_new (TessVaeRect, net->n_units + 1);
  TessVaeRecording r = { .layers = { net->model, TESS_PART_VAE, program,
                                     net->config->norm_groups },
                         .net = net,
                         .span = span,
                         .binding = binding };
  TessValue *features[TESS_MAX_LEVELS + 1] = { NULL };
  TessValue *x;

  tess_vae_net_needs (net, span, needs);
  if (net->looks != NULL)
    tess_vae_fusion_record_features (&r, needs, features);
  r.rect = needs[span->first];
  x = tess_vae_net_record_units (&r, needs, span->first, span->last, features,
                                 binding->src);
  if (span->last < net->n_units)
    x = record_last (&r, needs, features, x, normed);
  else if (normed != NULL)
    *normed = x;
  *dst_rect = r.rect;
  return x;
}

void
tess_vae_net_record_keys (const TessVaeNet *net,
                          TessProgram *program,
                          gint unit,
                          TessValue *src,
                          TessBuffer *stats,
                          TessValue **k,
                          TessValue **v)
{
  const gchar *path = net->units[unit].path;
  g_autofree gchar *norm = g_strconcat (path, ".group_norm", NULL);
  TessNet layers
      = { net->model, TESS_PART_VAE, program, net->config->norm_groups };
  TessValue *h = tess_net_group_norm (
      &layers, norm, src, tess_input (program, stats), NORM_EPS, TESS_ACT_NONE);

  record_key_pair (&layers, path, h, k, v);
}
