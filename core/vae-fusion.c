/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/vae-fusion.c: controllable feature wrapping in a decoder. */
#include "core/vae-fusion.h"

#include <stdio.h>
#include <string.h>

static gint
channels_of (const TessVaeNet *net, gint k)
{
  return tess_model_fusion (net->model)->channels[k - 1];
}

/* Which fusion unit @u begins. */
static gint
fusion_of (const TessVaeNet *net, gint u)
{
  gint k = 0;

  sscanf (net->units[u].path, "decoder.fusion_layer_%d.", &k);
  return k;
}

void
tess_vae_fusion_add_units (TessVaeNet *net, GArray *units, gint k)
{
  const TessFusionConfig *config = tess_model_fusion (net->model);
  gint c = config->channels[k - 1];

  tess_vae_net_add_unit (
      net, units, TESS_VAE_FUSE, 2 * c,
      g_strdup_printf ("decoder.fusion_layer_%d.encode_enc_1", k));
  for (gint i = 0; i < config->n_blocks; i++)
    tess_vae_net_add_unit (
        net, units, TESS_VAE_DENSE, 2 * c,
        g_strdup_printf ("decoder.fusion_layer_%d.encode_enc_2.%d", k, i));
  tess_vae_net_add_unit (
      net, units, TESS_VAE_MERGE, c,
      g_strdup_printf ("decoder.fusion_layer_%d.encode_enc_3", k));
}

/* --- the encoder's features ---------------------------------------------- */

/* The encoder's map that fusion @k takes: what the change of size after level
 * k reads. */
static gint
tap_of (const TessVaeNet *encoder, gint k)
{
  for (gint u = 0; u < encoder->n_units; u++)
    if (encoder->units[u].kind == TESS_VAE_DOWN && k-- == 0)
      return u;
  g_return_val_if_reached (0);
}

gint
tess_vae_fusion_deepest (const TessVaeNet *net)
{
  return tap_of (net->looks, tess_model_fusion (net->model)->n_layers);
}

/* The first unit of the span that begins a fusion; -1: none. The lowest comes
 * first. */
static gint
first_fusion (const TessVaeNet *net, const TessVaeSpan *span)
{
  for (gint u = span->first; u <= MIN (span->last, net->n_units - 1); u++)
    if (net->units[u].kind == TESS_VAE_FUSE)
      return u;
  return -1;
}

gint
tess_vae_fusion_needs (const TessVaeNet *net,
                       const TessVaeSpan *span,
                       const TessVaeRect *needs,
                       TessVaeRect *of)
{
  gint u = first_fusion (net, span);
  TessVaeSpan look = { .canvas = span->canvas };

  if (u < 0)
    return 0;
  look.last = tap_of (net->looks, fusion_of (net, u));
  look.end = &needs[u];
  tess_vae_net_needs (net->looks, &look, of);
  return look.last;
}

void
tess_vae_fusion_record_features (TessVaeRecording *r,
                                 const TessVaeRect *needs,
                                 TessValue **features)
{
  const TessVaeNet *encoder = r->net->looks;
  g_autofree TessVaeRect *of = g_new (TessVaeRect, encoder->n_units + 1);
  gint last = tess_vae_fusion_needs (r->net, r->span, needs, of), from = 0;
  TessVaeSpan span = { .last = last, .canvas = r->span->canvas };
  TessVaeBinding binding
      = { .src = r->binding->pixels, .stats = r->binding->pixel_stats };
  TessVaeRecording look = { .layers = r->layers,
                            .net = encoder,
                            .span = &span,
                            .binding = &binding,
                            .rect = of[0] };
  TessValue *x = binding.src;

  if (last == 0)
    return;
  /* From the pixels down, which is the other way round. */
  for (gint u = MIN (r->span->last, r->net->n_units - 1); u >= r->span->first;
       u--)
    if (r->net->units[u].kind == TESS_VAE_FUSE)
      {
        gint k = fusion_of (r->net, u), tap = tap_of (encoder, k);
        TessVaeRecording cut;

        x = tess_vae_net_record_units (&look, of, from, tap, NULL, x);
        from = tap;
        cut = look;
        features[k] = tess_vae_net_cut (&cut, &needs[u], x);
      }
}

/* --- units --------------------------------------------------------------- */

static TessNet
layers_of (const TessVaeRecording *r)
{
  TessNet layers = r->layers;

  layers.part = TESS_PART_FUSION;
  return layers;
}

/* Channels of one half, of the state [h, r]: cells as rows of two. */
static TessValue *
take_half (TessProgram *program, TessValue *x, gint half)
{
  TessShape shape = *tess_value_shape (x);
  TessShape seen = { shape.n, shape.h * shape.w, 2, shape.c / 2 };

  shape.c /= 2;
  x = tess_crop (program, tess_view (program, x, 0, &seen), 0, half, seen.h, 1);
  return tess_view (program, x, 0, &shape);
}

/* norm, conv, norm, conv and what goes round them, which may be shrunk. */
static TessValue *
record_resnet (TessVaeRecording *r, gint u, gboolean middle, TessValue *x)
{
  const TessVaeUnit *unit = &r->net->units[u];
  TessNet layers = layers_of (r);
  g_autofree gchar *norm1 = g_strconcat (unit->path, ".norm1", NULL);
  g_autofree gchar *norm2 = g_strconcat (unit->path, ".norm2", NULL);
  g_autofree gchar *conv1 = g_strconcat (unit->path, ".conv1", NULL);
  g_autofree gchar *conv2 = g_strconcat (unit->path, ".conv2", NULL);
  g_autofree gchar *out = g_strconcat (unit->path, ".conv_out", NULL);
  TessConv2d conv = { .pad_begin = 1, .pad_end = 1, .residual = x };
  TessValue *h = tess_vae_record_norm (r, &layers, u, unit->norm, norm1, x,
                                       TESS_ACT_SILU);

  h = tess_net_conv3 (&layers, conv1, h, TESS_ACT_NONE);
  if (middle)
    return h;
  conv.src = tess_vae_record_norm (r, &layers, u, unit->norm + 1, norm2, h,
                                   TESS_ACT_SILU);
  if (tess_net_optional_weight (&layers, out, "weight") != NULL)
    conv.residual = tess_net_linear (&layers, out, x, NULL, TESS_ACT_NONE);
  conv.weight = tess_net_weight (&layers, conv2, "weight");
  conv.bias = tess_net_weight (&layers, conv2, "bias");
  return tess_conv2d (layers.program, &conv);
}

/* x + 0.2 conv5 (x, and what each of four convolutions made of all before) */
static TessValue *
record_dense (TessVaeRecording *r, const gchar *path, TessValue *x)
{
  TessNet layers = layers_of (r);
  TessValue *all = x, *last = NULL;

  for (gint i = 1; i <= 5; i++)
    {
      g_autofree gchar *name = g_strdup_printf ("%s.conv%d", path, i);

      last = tess_net_conv3 (&layers, name, all,
                             i < 5 ? TESS_ACT_LEAKY_RELU : TESS_ACT_NONE);
      if (i < 5)
        all = tess_concat (layers.program, all, last);
    }
  return tess_scale (
      layers.program,
      &(TessScale) { .src = last,
                     .factor
                     = tess_input (layers.program, r->binding->fusion->fifth),
                     .residual = x });
}

/* Three dense blocks, a fifth of which is added to what they were given. */
static TessValue *
record_block (TessVaeRecording *r, gint u, TessValue *x)
{
  TessProgram *program = r->layers.program;
  TessValue *own = take_half (program, x, 0), *was, *h;

  was = h = take_half (program, x, 1);
  for (gint i = 1; i <= 3; i++)
    {
      g_autofree gchar *path
          = g_strdup_printf ("%s.rdb%d", r->net->units[u].path, i);

      h = record_dense (r, path, h);
    }
  h = tess_scale (
      program,
      &(TessScale) { .src = h,
                     .factor = tess_input (program, r->binding->fusion->fifth),
                     .residual = was });
  return tess_concat (program, own, h);
}

TessValue *
tess_vae_fusion_record (TessVaeRecording *r,
                        gint u,
                        gboolean middle,
                        TessValue *feature,
                        TessValue *x)
{
  TessProgram *program = r->layers.program;
  TessValue *h;

  switch (r->net->units[u].kind)
    {
    case TESS_VAE_DENSE:
      return record_block (r, u, x);
    case TESS_VAE_FUSE:
      h = record_resnet (r, u, middle, tess_concat (program, feature, x));
      return middle ? h : tess_concat (program, x, h);
    default:
      h = record_resnet (r, u, middle, take_half (program, x, 1));
      if (middle)
        return h;
      return tess_scale (
          program, &(TessScale) { .src = h,
                                  .factor = tess_input (
                                      program, r->binding->fusion->fidelity),
                                  .residual = take_half (program, x, 0) });
    }
}

TessValue *
tess_vae_fusion_normed (TessVaeRecording *r,
                        gint u,
                        TessValue *feature,
                        TessValue *x)
{
  if (r->net->units[u].kind == TESS_VAE_FUSE)
    return tess_concat (r->layers.program, feature, x);
  if (r->net->units[u].kind == TESS_VAE_MERGE)
    return take_half (r->layers.program, x, 1);
  return x;
}

void
tess_vae_fusion_estimate (const TessVaeNet *net,
                          gint u,
                          gdouble *n_flops,
                          gdouble *n_numbers)
{
  const TessFusionConfig *config = tess_model_fusion (net->model);
  gdouble c = channels_of (net, fusion_of (net, u)), g = config->growth;

  switch (net->units[u].kind)
    {
    case TESS_VAE_FUSE:
      *n_flops = 18.0 * c * 3 * c + 4.0 * c * c;
      *n_numbers = 9 * c;
      break;
    case TESS_VAE_DENSE:
      *n_flops = 3 * 18.0 * (4 * c * g + 6 * g * g + (c + 4 * g) * c);
      *n_numbers = 6 * c + 8 * g;
      break;
    default:
      *n_flops = 18.0 * 2 * c * c;
      *n_numbers = 6 * c;
      break;
    }
}
