/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/text-encoder.c: token ids -> what cross attention reads. */
#include "core/text-encoder.h"
#include "core/error.h"
#include "core/net.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

/* One compiled shape: @n chunks through all layers but @skip. */
typedef struct
{
  gint n, skip;
  TessBuffer *ids;   /* i32 [1, 1, 1, n * n_positions] */
  TessBuffer *last;  /* f32, with the final norm */
  TessBuffer *inner; /* f32, one layer earlier without it */
  TessExec *exec;
} Run;

struct _TessTextEncoder
{
  TessModel *model;
  TessBackend *backend;
  const TessTextConfig *config;
  Run *run; /* the one used last, may be NULL */
};

static void
run_free (Run *run)
{
  if (run == NULL)
    return;
  tess_exec_free (run->exec);
  tess_buffer_unref (run->ids);
  tess_buffer_unref (run->last);
  tess_buffer_unref (run->inner);
  g_free (run);
}

TessTextEncoder *
tess_text_encoder_new (TessModel *model, TessBackend *backend, GError **error)
{
  TessTextEncoder *encoder = g_new0 (TessTextEncoder, 1);

  encoder->model = tess_model_ref (model);
  encoder->backend = tess_backend_ref (backend);
  encoder->config = tess_model_text (model);
  return encoder;
}

void
tess_text_encoder_free (TessTextEncoder *encoder)
{
  if (encoder == NULL)
    return;
  run_free (encoder->run);
  tess_backend_unref (encoder->backend);
  tess_model_unref (encoder->model);
  g_free (encoder);
}

/* x + attention (norm1 (x)); then x + mlp (norm2 (x)). */
static TessValue *
record_layer (const TessNet *net,
              const TessTextConfig *config,
              gint layer,
              TessValue *x)
{
  g_autofree gchar *path
      = g_strdup_printf ("text_model.encoder.layers.%d", layer);
  g_autofree gchar *norm1 = g_strconcat (path, ".layer_norm1", NULL);
  g_autofree gchar *norm2 = g_strconcat (path, ".layer_norm2", NULL);
  g_autofree gchar *q = g_strconcat (path, ".self_attn.q_proj", NULL);
  g_autofree gchar *k = g_strconcat (path, ".self_attn.k_proj", NULL);
  g_autofree gchar *v = g_strconcat (path, ".self_attn.v_proj", NULL);
  g_autofree gchar *out = g_strconcat (path, ".self_attn.out_proj", NULL);
  g_autofree gchar *fc1 = g_strconcat (path, ".mlp.fc1", NULL);
  g_autofree gchar *fc2 = g_strconcat (path, ".mlp.fc2", NULL);
  TessAttention attention = { .n_heads = config->n_heads, .causal = TRUE };
  TessValue *h = tess_net_layer_norm (net, norm1, x, config->norm_eps);

  attention.q = tess_net_linear (net, q, h, NULL, TESS_ACT_NONE);
  attention.k = tess_net_linear (net, k, h, NULL, TESS_ACT_NONE);
  attention.v = tess_net_linear (net, v, h, NULL, TESS_ACT_NONE);
  h = tess_attention (net->program, &attention);
  x = tess_net_linear (net, out, h, x, TESS_ACT_NONE);

  h = tess_net_layer_norm (net, norm2, x, config->norm_eps);
  h = tess_net_linear (net, fc1, h, NULL, config->act);
  return tess_net_linear (net, fc2, h, x, TESS_ACT_NONE);
}

static void
record (TessTextEncoder *encoder, TessProgram *program, Run *run)
{
  const TessTextConfig *config = encoder->config;
  const gchar *embeddings = "text_model.embeddings";
  gint n_layers = config->n_layers - run->skip;
  TessNet net = { encoder->model, TESS_PART_TEXT, program, 0 };
  TessShape shape = { run->n, 1, config->n_positions, config->width };
  TessValue *x, *positions;

  x = tess_embed (program,
                  tess_net_weight (&net, embeddings, "token_embedding.weight"),
                  tess_input (program, run->ids));
  positions = tess_constant (
      program, tess_net_weight (&net, embeddings, "position_embedding.weight"));
  x = tess_add (program, tess_view (program, x, 0, &shape), positions);

  for (gint i = 0; i < n_layers; i++)
    {
      if (i == n_layers - 1)
        tess_store (program, x, run->inner);
      x = record_layer (&net, config, i, x);
    }
  x = tess_net_layer_norm (&net, "text_model.final_layer_norm", x,
                           config->norm_eps);
  tess_store (program, x, run->last);
}

/* The compiled shape, from the last time if it is the same. */
static Run *
prepare (TessTextEncoder *encoder, gint n, gint skip, GError **error)
{
  const TessTextConfig *config = encoder->config;
  TessShape ids = { 1, 1, 1, n * config->n_positions };
  TessShape states = { n, 1, config->n_positions, config->width };
  g_autoptr (TessProgram) program = NULL;
  Run *run = encoder->run;

  if (run != NULL && run->n == n && run->skip == skip)
    return run;
  g_clear_pointer (&encoder->run, run_free);
  if (skip < 0 || skip >= config->n_layers)
    {
      g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
                   _ ("Clip skip %d leaves no layer of the text encoder's %d; "
                      "choose 1 to %d."),
                   skip + 1, config->n_layers, config->n_layers);
      return NULL;
    }

  run = g_new0 (Run, 1);
  run->n = n;
  run->skip = skip;
  if ((run->ids = tess_buffer_new (encoder->backend, TESS_I32, &ids, error))
          == NULL
      || (run->last
          = tess_buffer_new (encoder->backend, TESS_F32, &states, error))
             == NULL
      || (run->inner
          = tess_buffer_new (encoder->backend, TESS_F32, &states, error))
             == NULL)
    {
      run_free (run);
      return NULL;
    }
  program = tess_program_new ("text encoder",
                              tess_backend_storage (encoder->backend));
  record (encoder, program, run);
  run->exec = tess_backend_compile (encoder->backend, program, error);
  if (run->exec == NULL)
    {
      run_free (run);
      return NULL;
    }
  encoder->run = run;
  return run;
}

static gboolean
check_ids (TessTextEncoder *encoder, const gint32 *ids, gsize n, GError **error)
{
  for (gsize i = 0; i < n; i++)
    if (ids[i] < 0 || ids[i] >= encoder->config->n_tokens)
      {
        g_set_error (
            error, TESS_ERROR, TESS_ERROR_MODEL,
            _ ("The tokenizer gave word %d, the text encoder knows %d; "
               "its merges belong to another model."),
            ids[i], encoder->config->n_tokens);
        return FALSE;
      }
  return TRUE;
}

static Run *
encode (TessTextEncoder *encoder,
        const gint32 *ids,
        gint n,
        gint skip,
        GError **error)
{
  Run *run;

  if (!check_ids (encoder, ids, (gsize) n * encoder->config->n_positions, error)
      || (run = prepare (encoder, n, skip, error)) == NULL)
    return NULL;
  tess_buffer_write_i32 (run->ids, ids);
  return tess_exec_run (run->exec, NULL, error) ? run : NULL;
}

static TessTensor *
read_states (TessTextEncoder *encoder,
             TessBuffer *buffer,
             gint n,
             GError **error)
{
  TessTensor *states = tess_tensor_new (
      TESS_F32, 3,
      (gint64[]) { n, encoder->config->n_positions, encoder->config->width },
      error);

  if (states != NULL)
    tess_buffer_read (buffer, 0, n, tess_tensor_f32 (states));
  return states;
}

/* Where a text ends: the first end-of-text; the first of the largest id for
 * models whose configuration names another (SD 1's says 2). */
static gint
find_end (const TessTextConfig *config, const gint32 *ids)
{
  gint largest = 0;

  for (gint i = 0; i < config->n_positions; i++)
    {
      if (ids[i] == config->eos_id)
        return i;
      if (ids[i] > ids[largest])
        largest = i;
    }
  return largest;
}

static TessTensor *
pool (TessTextEncoder *encoder,
      const TessTensor *ids,
      const TessTensor *states,
      GError **error)
{
  const TessTextConfig *config = encoder->config;
  gint64 n = ids->dims[0], width = config->width;
  TessTensor *pooled
      = tess_tensor_new (TESS_F32, 2, (gint64[]) { n, width }, error);

  for (gint64 i = 0; pooled != NULL && i < n; i++)
    {
      gint64 first = i * config->n_positions;
      gint end = find_end (config, (const gint32 *) ids->data + first);

      tess_tensor_read_f32 (states, (first + end) * width, width,
                            tess_tensor_f32 (pooled) + i * width);
    }
  return pooled;
}

gboolean
tess_text_encoder_run (TessTextEncoder *encoder,
                       const TessTensor *ids,
                       TessTensor **last,
                       TessTensor **penultimate,
                       TessTensor **pooled,
                       GError **error)
{
  g_autoptr (TessTensor) states = NULL;
  g_autoptr (TessTensor) inner = NULL;
  g_autoptr (TessTensor) ends = NULL;
  Run *run;
  gint n;

  g_return_val_if_fail (ids->type == TESS_I32 && ids->n_dims == 2, FALSE);

  if (ids->dims[0] < 1 || ids->dims[0] > G_MAXINT / encoder->config->n_positions
      || ids->dims[1] != encoder->config->n_positions)
    {
      g_autofree gchar *shape = tess_tensor_shape_string (ids);

      g_set_error (error, TESS_ERROR, TESS_ERROR_SHAPE,
                   _ ("The text encoder reads chunks of %d tokens, got %s."),
                   encoder->config->n_positions, shape);
      return FALSE;
    }
  n = (gint) ids->dims[0];
  run = encode (encoder, ids->data, n, 0, error);
  if (run == NULL
      || (states = read_states (encoder, run->last, n, error)) == NULL
      || (penultimate != NULL
          && (inner = read_states (encoder, run->inner, n, error)) == NULL)
      || (pooled != NULL
          && (ends = pool (encoder, ids, states, error)) == NULL))
    return FALSE;

  if (last != NULL)
    *last = g_steal_pointer (&states);
  if (penultimate != NULL)
    *penultimate = g_steal_pointer (&inner);
  if (pooled != NULL)
    *pooled = g_steal_pointer (&ends);
  return TRUE;
}

static gdouble
mean_of (const gfloat *x, gsize n)
{
  gdouble sum = 0.0;

  for (gsize i = 0; i < n; i++)
    sum += x[i];
  return sum / n;
}

/* Each state times its token's weight, the mean of all as before. */
static void
weigh (gfloat *states, const gfloat *weights, gsize n_tokens, gint width)
{
  gsize n = n_tokens * width;
  gdouble before = mean_of (states, n), after, ratio;

  for (gsize i = 0; i < n; i++)
    states[i] *= weights[i / width];
  after = mean_of (states, n);
  ratio = before / after;
  /* A mean near zero says nothing about the size of the states. */
  if (!isfinite (ratio) || fabs (ratio) > 10.0 || fabs (ratio) < 0.1)
    return;
  for (gsize i = 0; i < n; i++)
    states[i] = (gfloat) (states[i] * ratio);
}

TessTensor *
tess_text_encode (TessTextEncoder *encoder,
                  const TessPrompt *prompt,
                  gint clip_skip,
                  GError **error)
{
  const TessTextConfig *config = encoder->config;
  gint skip = clip_skip > 0 ? clip_skip - 1 : config->clip_skip;
  gint64 n_tokens = (gint64) prompt->n_chunks * prompt->n_positions;
  TessTensor *context;
  Run *run;

  if (prompt->n_positions != config->n_positions)
    {
      g_set_error (error, TESS_ERROR, TESS_ERROR_SHAPE,
                   _ ("The text encoder reads chunks of %d tokens, got %d."),
                   config->n_positions, prompt->n_positions);
      return NULL;
    }
  run = encode (encoder, prompt->ids, prompt->n_chunks, skip, error);
  if (run == NULL)
    return NULL;
  context = tess_tensor_new (TESS_F32, 3,
                             (gint64[]) { 1, n_tokens, config->width }, error);
  if (context == NULL)
    return NULL;
  tess_buffer_read (run->last, 0, prompt->n_chunks, tess_tensor_f32 (context));
  if (!tess_backend_check (encoder->backend, error))
    {
      tess_tensor_unref (context);
      return NULL;
    }
  if (prompt->weighted)
    weigh (tess_tensor_f32 (context), prompt->weights, n_tokens, config->width);
  return context;
}
