/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/structure-net.c: StableSR in a UNet, as programs. */
#include "core/structure-net.h"
#include "core/model-names.h"
#include "core/unet-net.h"

#define ENCODER TESS_STRUCTURE_ENCODER
#define PER_LEVEL 3 /* blocks of the encoder: two and a change of size */
#define NORM_EPS 1e-5f

G_GNUC_PRINTF (3, 4)
static void
add_block (TessStructureNet *net, gint channels, const gchar *format, ...)
{
  TessStructureBlock block = { .first = net->row_size, .channels = channels };
  va_list args;

  va_start (args, format);
  block.path = g_strdup_vprintf (format, args);
  va_end (args);
  net->row_size += channels;
  g_array_append_val (net->blocks, block);
}

/* Maps are made last, from what was kept of each level. */
void
tess_structure_net_init (TessStructureNet *net, TessModel *model)
{
  const TessStructureConfig *config = tess_model_structure (model);
  gint last = config->n_levels - 1;

  *net = (TessStructureNet) {
    .model = model,
    .config = config,
    .blocks = g_array_new (FALSE, FALSE, sizeof (TessStructureBlock)),
  };
  for (gint i = 0; i <= last; i++)
    for (gint j = 1; j < PER_LEVEL; j++)
      add_block (net, config->channels[i], ENCODER "input_blocks.%d.0",
                 i * PER_LEVEL + j);
  for (gint j = 0; j <= 2; j += 2)
    add_block (net, config->channels[last], ENCODER "middle_block.%d", j);
  for (gint i = 0; i <= last; i++)
    add_block (net, config->map_channels, ENCODER "fea_tran.%d", i);
}

void
tess_structure_net_finish (TessStructureNet *net)
{
  if (net->blocks == NULL)
    return;
  for (guint i = 0; i < net->blocks->len; i++)
    g_free (g_array_index (net->blocks, TessStructureBlock, i).path);
  g_clear_pointer (&net->blocks, g_array_unref);
}

void
tess_structure_net_waves (const TessStructureNet *net,
                          gdouble timestep,
                          gfloat *dst)
{
  const TessUnetConfig like
      = { .channels = { net->config->width }, .flip_sin_to_cos = TRUE };

  tess_unet_net_waves (&like, timestep, dst);
}

static TessNet
begin (TessModel *model, TessProgram *program)
{
  const TessStructureConfig *config = tess_model_structure (model);

  /* A modulation may come without an encoder. */
  return (TessNet) { model, TESS_PART_STRUCTURE, program,
                     config ? config->n_groups : TESS_STRUCTURE_GROUPS };
}

void
tess_structure_net_record_times (const TessStructureNet *net,
                                 TessProgram *program,
                                 TessBuffer *waves,
                                 TessBuffer *table)
{
  TessNet layers = begin (net->model, program);
  TessValue *emb = tess_input (program, waves);
  TessValue *joined = NULL;

  emb = tess_net_linear (&layers, ENCODER "time_embed.0", emb, NULL,
                         TESS_ACT_SILU);
  emb = tess_net_linear (&layers, ENCODER "time_embed.2", emb, NULL,
                         TESS_ACT_SILU);
  for (guint i = 0; i < net->blocks->len; i++)
    {
      const gchar *path
          = g_array_index (net->blocks, TessStructureBlock, i).path;
      TessValue *part = tess_net_time_row (&layers, path, emb);

      joined = joined ? tess_concat (program, joined, part) : part;
    }
  tess_store (program, joined, table);
}

/* What one recording carries from block to block. */
typedef struct
{
  TessNet layers;
  const TessStructureNet *net;
  TessValue *row;
  guint next_block;
} Recording;

static TessValue *
record_resnet (Recording *r, TessValue *src)
{
  const TessStructureBlock *block
      = &g_array_index (r->net->blocks, TessStructureBlock, r->next_block++);
  TessShape shape = { 1, 1, 1, block->channels };
  TessValue *row = tess_view (r->layers.program, r->row, block->first, &shape);
  TessValue *h
      = tess_net_resnet_head (&r->layers, block->path, src, row, NORM_EPS);

  return tess_net_resnet_tail (&r->layers, block->path, src, h);
}

/* @joined has, of every cell and head, d numbers of q, then k, then v: cells
 * and heads as rows of three, of which a column is cut out. */
static TessValue *
take_third (TessProgram *program, TessValue *joined, gint n_heads, gint third)
{
  const TessShape *s = tess_value_shape (joined);
  gint rows = s->h * s->w * n_heads, d = s->c / 3 / n_heads;
  TessShape seen = { s->n, rows, 3, d };
  TessShape tokens = { s->n, 1, s->h * s->w, n_heads * d };
  TessValue *column = tess_view (program, joined, 0, &seen);

  column = tess_crop (program, column, 0, third, rows, 1);
  return tess_view (program, column, 0, &tokens);
}

static TessValue *
record_attention (Recording *r, const gchar *path, TessValue *src)
{
  g_autofree gchar *norm = g_strconcat (path, ".norm", NULL);
  g_autofree gchar *qkv = g_strconcat (path, ".qkv", NULL);
  g_autofree gchar *out = g_strconcat (path, ".proj_out", NULL);
  TessProgram *program = r->layers.program;
  TessAttention attention = { .n_heads = r->net->config->n_heads };
  TessValue *h = tess_net_group_norm (&r->layers, norm, src, NULL, NORM_EPS,
                                      TESS_ACT_NONE);

  h = tess_net_linear (&r->layers, qkv, h, NULL, TESS_ACT_NONE);
  attention.q = take_third (program, h, attention.n_heads, 0);
  attention.k = take_third (program, h, attention.n_heads, 1);
  attention.v = take_third (program, h, attention.n_heads, 2);
  h = tess_attention (program, &attention);
  h = tess_view (program, h, 0, tess_value_shape (src));
  return tess_net_linear (&r->layers, out, h, src, TESS_ACT_NONE);
}

static TessValue *
record_down (Recording *r, const gchar *path, TessValue *src)
{
  TessConv2d conv = { .src = src,
                      .weight = tess_net_weight (&r->layers, path, "weight"),
                      .bias = tess_net_weight (&r->layers, path, "bias"),
                      .stride = 2,
                      .pad_begin = 1,
                      .pad_end = 1 };

  return tess_conv2d (r->layers.program, &conv);
}

void
tess_structure_net_record_maps (const TessStructureNet *net,
                                TessProgram *program,
                                TessValue *src,
                                TessValue *row,
                                TessValue **maps)
{
  const TessStructureConfig *config = net->config;
  Recording r = { begin (net->model, program), net, row, 0 };
  TessValue *x = tess_net_conv3 (&r.layers, ENCODER "input_blocks.0.0", src,
                                 TESS_ACT_NONE);
  gint last = config->n_levels - 1;
  gchar path[64];

#define PATH(...) (g_snprintf (path, sizeof path, ENCODER __VA_ARGS__), path)
  for (gint i = 0; i <= last; i++)
    {
      for (gint j = 1; j < PER_LEVEL; j++)
        {
          x = record_resnet (&r, x);
          if (config->attention[i])
            x = record_attention (
                &r, PATH ("input_blocks.%d.1", i * PER_LEVEL + j), x);
        }
      maps[i] = x;
      if (i < last)
        x = record_down (&r, PATH ("input_blocks.%d.0.op", (i + 1) * PER_LEVEL),
                         x);
    }
  x = record_resnet (&r, x);
  x = record_attention (&r, PATH ("middle_block.1"), x);
  maps[last] = record_resnet (&r, x);
  for (gint i = 0; i <= last; i++)
    maps[i] = record_resnet (&r, maps[i]);
#undef PATH
}

TessValue *
tess_structure_record_modulation (TessModel *model,
                                  TessProgram *program,
                                  const gchar *path,
                                  TessValue *h,
                                  TessValue *map,
                                  TessValue *residual)
{
  g_autofree gchar *norm = g_strconcat (path, ".spade.param_free_norm", NULL);
  g_autofree gchar *shared = g_strconcat (path, ".spade.mlp_shared.0", NULL);
  g_autofree gchar *gamma = g_strconcat (path, ".spade.mlp_gamma", NULL);
  g_autofree gchar *beta = g_strconcat (path, ".spade.mlp_beta", NULL);
  TessNet net = begin (model, program);
  TessConv2d conv = { .weight = tess_net_weight (&net, beta, "weight"),
                      .bias = tess_net_weight (&net, beta, "bias"),
                      .pad_begin = 1,
                      .pad_end = 1 };
  TessValue *a = tess_net_conv3 (&net, shared, map, TESS_ACT_RELU), *factor;

  h = tess_net_group_norm (&net, norm, h, NULL, NORM_EPS, TESS_ACT_NONE);
  factor = tess_net_conv3 (&net, gamma, a, TESS_ACT_NONE);
  conv.src = a;
  conv.residual = h;
  a = tess_conv2d (program, &conv);
  if (residual != NULL)
    a = tess_add (program, a, residual);
  return tess_scale (
      program, &(TessScale) { .src = h, .factor = factor, .residual = a });
}

TessValue *
tess_structure_record_tail (const TessNet *net,
                            const gchar *path,
                            TessValue *src,
                            TessValue *h,
                            TessValue *map)
{
  g_autofree gchar *conv2 = g_strconcat (path, ".conv2", NULL);

  h = tess_net_conv3 (net, conv2, h, TESS_ACT_NONE);
  return tess_structure_record_modulation (net->model, net->program, path, h,
                                           map,
                                           tess_net_shortcut (net, path, src));
}
