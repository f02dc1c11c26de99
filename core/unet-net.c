/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/unet-net.c: the denoiser as programs. */
#include "core/unet-net.h"
#include "core/net.h"

#include <math.h>

/* Of the group norm before a transformer and the layer norms in it; no
 * configuration names them. */
#define TRANSFORMER_NORM_EPS 1e-6f
#define LAYER_NORM_EPS 1e-5f

static void
add_block (TessUnetNet *net, gint channels, const gchar *format, ...)
    G_GNUC_PRINTF (3, 4);

static void
add_block (TessUnetNet *net, gint channels, const gchar *format, ...)
{
  TessUnetBlock block = { .first = net->row_size, .channels = channels };
  va_list args;

  va_start (args, format);
  block.path = g_strdup_vprintf (format, args);
  va_end (args);
  net->row_size += channels;
  g_array_append_val (net->blocks, block);
}

static void
add_crosses (TessUnetNet *net, gint level, const gchar *path)
{
  for (gint i = 0; i < net->config->depth[level]; i++)
    {
      TessUnetCross cross = { .channels = net->config->channels[level] };

      cross.path = g_strdup_printf ("%s.transformer_blocks.%d.attn2", path, i);
      g_array_append_val (net->crosses, cross);
    }
}

void
tess_unet_net_init (TessUnetNet *net, TessModel *model)
{
  const TessUnetConfig *config = tess_model_unet (model);
  gint last = config->n_levels - 1;

  *net = (TessUnetNet) { .model = model, .config = config };
  net->blocks = g_array_new (FALSE, FALSE, sizeof (TessUnetBlock));
  net->crosses = g_array_new (FALSE, FALSE, sizeof (TessUnetCross));

  for (gint i = 0; i <= last; i++)
    for (gint j = 0; j < config->layers_per_block; j++)
      {
        g_autofree gchar *path
            = g_strdup_printf ("down_blocks.%d.attentions.%d", i, j);

        add_block (net, config->channels[i], "down_blocks.%d.resnets.%d", i, j);
        if (config->attention_down[i])
          add_crosses (net, i, path);
      }
  add_block (net, config->channels[last], "mid_block.resnets.0");
  if (config->mid_attention)
    add_crosses (net, last, "mid_block.attentions.0");
  add_block (net, config->channels[last], "mid_block.resnets.1");
  for (gint i = 0; i <= last; i++)
    for (gint j = 0; j <= config->layers_per_block; j++)
      {
        g_autofree gchar *path
            = g_strdup_printf ("up_blocks.%d.attentions.%d", i, j);

        add_block (net, config->channels[last - i], "up_blocks.%d.resnets.%d",
                   i, j);
        if (config->attention_up[i])
          add_crosses (net, last - i, path);
      }
}

void
tess_unet_net_drop_buffers (TessUnetNet *net)
{
  for (guint i = 0; i < net->crosses->len; i++)
    {
      TessUnetCross *cross = &g_array_index (net->crosses, TessUnetCross, i);

      g_clear_pointer (&cross->k, tess_buffer_unref);
      g_clear_pointer (&cross->v, tess_buffer_unref);
    }
}

void
tess_unet_net_finish (TessUnetNet *net)
{
  tess_unet_net_drop_buffers (net);
  for (guint i = 0; i < net->blocks->len; i++)
    g_free (g_array_index (net->blocks, TessUnetBlock, i).path);
  for (guint i = 0; i < net->crosses->len; i++)
    g_free (g_array_index (net->crosses, TessUnetCross, i).path);
  g_array_unref (net->blocks);
  g_array_unref (net->crosses);
}

gboolean
tess_unet_net_make_buffers (TessUnetNet *net,
                            TessBackend *backend,
                            gint m,
                            gint n_tokens,
                            GError **error)
{
  TessType type = tess_backend_storage (backend);

  tess_unet_net_drop_buffers (net);
  for (guint i = 0; i < net->crosses->len; i++)
    {
      TessUnetCross *cross = &g_array_index (net->crosses, TessUnetCross, i);
      TessShape shape = { m, 1, n_tokens, cross->channels };

      cross->k = tess_buffer_new (backend, type, &shape, error);
      if (cross->k == NULL)
        return FALSE;
      cross->v = tess_buffer_new (backend, type, &shape, error);
      if (cross->v == NULL)
        return FALSE;
    }
  return TRUE;
}

static TessNet
begin (const TessUnetNet *net, TessProgram *program)
{
  return (TessNet) { net->model, TESS_PART_UNET, program,
                     net->config->norm_groups };
}

void
tess_unet_net_record_contexts (const TessUnetNet *net,
                               TessProgram *program,
                               TessBuffer *contexts)
{
  TessNet layers = begin (net, program);
  TessValue *src = tess_input (program, contexts);

  for (guint i = 0; i < net->crosses->len; i++)
    {
      TessUnetCross *cross = &g_array_index (net->crosses, TessUnetCross, i);
      g_autofree gchar *k = g_strconcat (cross->path, ".to_k", NULL);
      g_autofree gchar *v = g_strconcat (cross->path, ".to_v", NULL);

      tess_store (program,
                  tess_net_linear (&layers, k, src, NULL, TESS_ACT_NONE),
                  cross->k);
      tess_store (program,
                  tess_net_linear (&layers, v, src, NULL, TESS_ACT_NONE),
                  cross->v);
    }
}

void
tess_unet_net_record_times (const TessUnetNet *net,
                            TessProgram *program,
                            TessBuffer *waves,
                            TessBuffer *table)
{
  TessNet layers = begin (net, program);
  TessValue *emb = tess_input (program, waves);
  TessValue *joined = NULL;

  emb = tess_net_linear (&layers, "time_embedding.linear_1", emb, NULL,
                         TESS_ACT_SILU);
  emb = tess_net_linear (&layers, "time_embedding.linear_2", emb, NULL,
                         TESS_ACT_SILU);
  for (guint i = 0; i < net->blocks->len; i++)
    {
      TessUnetBlock *block = &g_array_index (net->blocks, TessUnetBlock, i);
      TessValue *part = tess_net_time_row (&layers, block->path, emb);

      joined = joined ? tess_concat (program, joined, part) : part;
    }
  tess_store (program, joined, table);
}

/* In float32 step by step, as the reference does it. */
void
tess_unet_net_waves (const TessUnetConfig *config,
                     gdouble timestep,
                     gfloat *dst)
{
  gint half = config->channels[0] / 2;
  gfloat t = (gfloat) timestep;

  for (gint i = 0; i < half; i++)
    {
      gfloat power = (gfloat) -log (10000.0) * (gfloat) i;
      gfloat angle = t * expf (power / ((gfloat) half - config->freq_shift));
      gint cosine = config->flip_sin_to_cos ? i : half + i;
      gint sine = config->flip_sin_to_cos ? half + i : i;

      dst[cosine] = cosf (angle);
      dst[sine] = sinf (angle);
    }
  if (config->channels[0] % 2 == 1)
    dst[config->channels[0] - 1] = 0.0f;
}

/* What one recording of the network carries from block to block. */
typedef struct
{
  TessNet layers;
  const TessUnetNet *net;
  TessValue *row;                    /* the step's */
  TessValue *rows;                   /* which text */
  const TessGroundingNet *grounding; /* may be NULL */
  TessValue *grounds;                /* NULL: no fusers */
  TessValue *maps[TESS_MAX_LEVELS];  /* StableSR's; NULL: without */
  guint next_block;                  /* recorded in the order of the lists */
  guint next_cross;                  /* fusers are as many */
  gint next_up;
  GPtrArray *blocks; /* may be NULL */
} Recording;

static TessValue *
note (Recording *r, TessValue *block)
{
  if (r->blocks != NULL)
    g_ptr_array_add (r->blocks, block);
  return block;
}

static TessValue *
record_resnet (Recording *r, const gchar *path, gint level, TessValue *src)
{
  TessUnetBlock *block
      = &g_array_index (r->net->blocks, TessUnetBlock, r->next_block++);
  TessShape shape = { 1, 1, 1, block->channels };
  TessProgram *program = r->layers.program;
  TessValue *row = tess_view (program, r->row, block->first, &shape);
  TessValue *h;

  g_assert (g_str_equal (block->path, path));
  h = tess_net_resnet_head (&r->layers, path, src, row,
                            r->net->config->norm_eps);
  if (r->maps[level] == NULL)
    return tess_net_resnet_tail (&r->layers, path, src, h);
  return tess_structure_record_tail (&r->layers, path, src, h, r->maps[level]);
}

/* x + to_out (attention (norm (x))); keys and values from @cross or from x. */
static TessValue *
record_attention (Recording *r,
                  const gchar *path,
                  const gchar *norm,
                  gint n_heads,
                  TessUnetCross *cross,
                  TessValue *x)
{
  g_autofree gchar *q = g_strconcat (path, ".to_q", NULL);
  g_autofree gchar *k = g_strconcat (path, ".to_k", NULL);
  g_autofree gchar *v = g_strconcat (path, ".to_v", NULL);
  g_autofree gchar *out = g_strconcat (path, ".to_out.0", NULL);
  TessAttention attention = { .n_heads = n_heads };
  TessValue *h = tess_net_layer_norm (&r->layers, norm, x, LAYER_NORM_EPS);

  attention.q = tess_net_linear (&r->layers, q, h, NULL, TESS_ACT_NONE);
  if (cross != NULL)
    {
      g_assert (g_str_equal (cross->path, path));
      attention.k = tess_input (r->layers.program, cross->k);
      attention.v = tess_input (r->layers.program, cross->v);
      attention.rows = r->rows;
    }
  else
    {
      attention.k = tess_net_linear (&r->layers, k, h, NULL, TESS_ACT_NONE);
      attention.v = tess_net_linear (&r->layers, v, h, NULL, TESS_ACT_NONE);
    }
  h = tess_attention (r->layers.program, &attention);
  return tess_net_linear (&r->layers, out, h, x, TESS_ACT_NONE);
}

static TessValue *
record_transformer (Recording *r, const gchar *path, gint level, TessValue *src)
{
  const TessUnetConfig *config = r->net->config;
  g_autofree gchar *norm = g_strconcat (path, ".norm", NULL);
  g_autofree gchar *proj_in = g_strconcat (path, ".proj_in", NULL);
  g_autofree gchar *proj_out = g_strconcat (path, ".proj_out", NULL);
  TessValue *x;

  /* A projection by 1x1 convolution is the same product as a linear one. */
  x = tess_net_group_norm (&r->layers, norm, src, NULL, TRANSFORMER_NORM_EPS,
                           TESS_ACT_NONE);
  x = tess_net_linear (&r->layers, proj_in, x, NULL, TESS_ACT_NONE);
  for (gint i = 0; i < config->depth[level]; i++)
    {
      g_autofree gchar *block
          = g_strdup_printf ("%s.transformer_blocks.%d", path, i);
      g_autofree gchar *norm1 = g_strconcat (block, ".norm1", NULL);
      g_autofree gchar *norm2 = g_strconcat (block, ".norm2", NULL);
      g_autofree gchar *norm3 = g_strconcat (block, ".norm3", NULL);
      g_autofree gchar *attn1 = g_strconcat (block, ".attn1", NULL);
      g_autofree gchar *attn2 = g_strconcat (block, ".attn2", NULL);
      g_autofree gchar *ff_in = g_strconcat (block, ".ff.net.0.proj", NULL);
      g_autofree gchar *ff_out = g_strconcat (block, ".ff.net.2", NULL);
      gint which = (gint) r->next_cross++;
      TessUnetCross *cross
          = &g_array_index (r->net->crosses, TessUnetCross, which);
      TessValue *h;

      x = record_attention (r, attn1, norm1, config->n_heads[level], NULL, x);
      if (r->grounds != NULL)
        x = tess_grounding_net_record_fuser (r->grounding, r->layers.program,
                                             which, r->grounds, x);
      x = record_attention (r, attn2, norm2, config->n_heads[level], cross, x);
      h = tess_net_layer_norm (&r->layers, norm3, x, LAYER_NORM_EPS);
      h = tess_net_linear (&r->layers, ff_in, h, NULL, TESS_ACT_GEGLU);
      x = tess_net_linear (&r->layers, ff_out, h, x, TESS_ACT_NONE);
    }
  return tess_net_linear (&r->layers, proj_out, x, src, TESS_ACT_NONE);
}

/* resnets.J and attentions.J of the block at @path. */
static TessValue *
record_pair (Recording *r,
             const gchar *path,
             gint j,
             gboolean attention,
             gint level,
             TessValue *x)
{
  g_autofree gchar *resnet = g_strdup_printf ("%s.resnets.%d", path, j);
  g_autofree gchar *attn = g_strdup_printf ("%s.attentions.%d", path, j);

  x = record_resnet (r, resnet, level, x);
  return attention ? record_transformer (r, attn, level, x) : x;
}

static TessValue *
record_resize (Recording *r,
               const gchar *path,
               const gchar *name,
               gint stride,
               gint upsample,
               TessValue *x)
{
  g_autofree gchar *full = g_strconcat (path, ".", name, NULL);
  TessConv2d conv
      = { .src = x,
          .weight = tess_net_weight (&r->layers, full, "weight"),
          .bias = tess_net_optional_weight (&r->layers, full, "bias"),
          .stride = stride,
          .pad_begin = 1,
          .pad_end = 1,
          .upsample = upsample };

  return tess_conv2d (r->layers.program, &conv);
}

/* What comes from below and what was kept on the way down. */
static TessValue *
join (Recording *r, TessValue *x, TessValue *skip)
{
  gint i = r->next_up++;

  if (r->grounding == NULL)
    return tess_concat (r->layers.program, x, skip);
  return tess_grounding_net_record_scale (r->grounding, r->layers.program, i, x,
                                          skip);
}

void
tess_unet_net_record (const TessUnetNet *net,
                      TessProgram *program,
                      const TessUnetNetCall *call)
{
  const TessUnetConfig *config = net->config;
  gint last = config->n_levels - 1;
  Recording r = { .layers = begin (net, program),
                  .net = net,
                  .row = tess_input (program, call->row),
                  .rows = tess_input (program, call->rows),
                  .grounding = call->grounding,
                  .blocks = call->blocks };
  g_autoptr (GPtrArray) skips = g_ptr_array_new ();
  TessValue *x = tess_input (program, call->src);

  if (call->grounding != NULL && call->grounds != NULL)
    r.grounds = tess_input (program, call->grounds);
  if (call->structure != NULL)
    tess_structure_net_record_maps (
        call->structure, program, tess_input (program, call->structure_src),
        tess_input (program, call->structure_row), r.maps);
  x = note (&r, tess_net_conv3 (&r.layers, "conv_in", x, TESS_ACT_NONE));
  g_ptr_array_add (skips, x);
  for (gint i = 0; i <= last; i++)
    {
      g_autofree gchar *path = g_strdup_printf ("down_blocks.%d", i);

      for (gint j = 0; j < config->layers_per_block; j++)
        {
          x = note (&r,
                    record_pair (&r, path, j, config->attention_down[i], i, x));
          g_ptr_array_add (skips, x);
        }
      if (i < last)
        {
          x = note (&r,
                    record_resize (&r, path, "downsamplers.0.conv", 2, 1, x));
          g_ptr_array_add (skips, x);
        }
    }

  x = record_pair (&r, "mid_block", 0, config->mid_attention, last, x);
  x = note (&r, record_pair (&r, "mid_block", 1, FALSE, last, x));

  for (gint i = 0; i <= last; i++)
    {
      g_autofree gchar *path = g_strdup_printf ("up_blocks.%d", i);

      for (gint j = 0; j <= config->layers_per_block; j++)
        {
          TessValue *skip = g_ptr_array_steal_index (skips, skips->len - 1);

          x = join (&r, x, skip);
          x = record_pair (&r, path, j, config->attention_up[i], last - i, x);
          if (i < last && j == config->layers_per_block)
            x = record_resize (&r, path, "upsamplers.0.conv", 1, 2, x);
          note (&r, x);
        }
    }

  x = tess_net_group_norm (&r.layers, "conv_norm_out", x, NULL,
                           config->norm_eps, TESS_ACT_SILU);
  x = tess_net_conv3 (&r.layers, "conv_out", x, TESS_ACT_NONE);
  tess_store (program, x, call->dst);
}
