/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/net.c: layers named as in the model file. */
#include "core/net.h"

const TessWeight *
tess_net_weight (const TessNet *net, const gchar *path, const gchar *name)
{
  g_autofree gchar *full = g_strconcat (path, ".", name, NULL);
  GError *error = NULL;
  const TessWeight *weight
      = tess_model_weight (net->model, net->part, full, &error);

  if (weight == NULL)
    tess_program_fail (net->program, error);
  return weight;
}

const TessWeight *
tess_net_optional_weight (const TessNet *net,
                          const gchar *path,
                          const gchar *name)
{
  g_autofree gchar *full = g_strconcat (path, ".", name, NULL);

  if (!tess_model_has_weight (net->model, net->part, full))
    return NULL;
  return tess_net_weight (net, path, name);
}

TessValue *
tess_net_conv3 (const TessNet *net,
                const gchar *path,
                TessValue *src,
                TessActivation act)
{
  TessConv2d conv = { .src = src,
                      .weight = tess_net_weight (net, path, "weight"),
                      .bias = tess_net_optional_weight (net, path, "bias"),
                      .pad_begin = 1,
                      .pad_end = 1,
                      .act = act };

  return tess_conv2d (net->program, &conv);
}

TessValue *
tess_net_linear (const TessNet *net,
                 const gchar *path,
                 TessValue *src,
                 TessValue *residual,
                 TessActivation act)
{
  TessLinear linear = { .src = src,
                        .weight = tess_net_weight (net, path, "weight"),
                        .bias = tess_net_optional_weight (net, path, "bias"),
                        .residual = residual,
                        .act = act };

  return tess_linear (net->program, &linear);
}

TessValue *
tess_net_layer_norm (const TessNet *net,
                     const gchar *path,
                     TessValue *src,
                     gfloat eps)
{
  TessLayerNorm norm = { .src = src,
                         .scale = tess_net_weight (net, path, "weight"),
                         .shift = tess_net_optional_weight (net, path, "bias"),
                         .eps = eps };

  return tess_layer_norm (net->program, &norm);
}

TessValue *
tess_net_group_norm (const TessNet *net,
                     const gchar *path,
                     TessValue *src,
                     TessValue *stats,
                     gfloat eps,
                     TessActivation act)
{
  TessGroupNorm norm = { .src = src,
                         .scale = tess_net_weight (net, path, "weight"),
                         .shift = tess_net_weight (net, path, "bias"),
                         .stats = stats,
                         .n_groups = net->n_groups,
                         .eps = eps,
                         .act = act };

  return tess_group_norm (net->program, &norm);
}

TessValue *
tess_net_time_row (const TessNet *net, const gchar *path, TessValue *emb)
{
  g_autofree gchar *proj = g_strconcat (path, ".time_emb_proj", NULL);
  const TessWeight *bias = tess_net_weight (net, path, "conv1.bias");
  TessValue *row = tess_net_linear (net, proj, emb, NULL, TESS_ACT_NONE);
  TessShape shape = { 1, 1, 1, tess_value_shape (row)->c };

  return tess_add (
      net->program, row,
      tess_view (net->program, tess_constant (net->program, bias), 0, &shape));
}

TessValue *
tess_net_resnet_head (const TessNet *net,
                      const gchar *path,
                      TessValue *src,
                      TessValue *row,
                      gfloat eps)
{
  g_autofree gchar *norm1 = g_strconcat (path, ".norm1", NULL);
  g_autofree gchar *norm2 = g_strconcat (path, ".norm2", NULL);
  TessConv2d conv = { .row = row, .pad_begin = 1, .pad_end = 1 };

  conv.src = tess_net_group_norm (net, norm1, src, NULL, eps, TESS_ACT_SILU);
  conv.weight = tess_net_weight (net, path, "conv1.weight");
  return tess_net_group_norm (net, norm2, tess_conv2d (net->program, &conv),
                              NULL, eps, TESS_ACT_SILU);
}

TessValue *
tess_net_shortcut (const TessNet *net, const gchar *path, TessValue *src)
{
  g_autofree gchar *shortcut = g_strconcat (path, ".conv_shortcut", NULL);

  if (tess_net_optional_weight (net, shortcut, "weight") == NULL)
    return src;
  return tess_net_linear (net, shortcut, src, NULL, TESS_ACT_NONE);
}

TessValue *
tess_net_resnet_tail (const TessNet *net,
                      const gchar *path,
                      TessValue *src,
                      TessValue *h)
{
  g_autofree gchar *conv2 = g_strconcat (path, ".conv2", NULL);
  TessConv2d conv = { .src = h,
                      .weight = tess_net_weight (net, conv2, "weight"),
                      .bias = tess_net_optional_weight (net, conv2, "bias"),
                      .residual = tess_net_shortcut (net, path, src),
                      .pad_begin = 1,
                      .pad_end = 1 };

  return tess_conv2d (net->program, &conv);
}
