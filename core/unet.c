/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/unet.c: the denoiser, one batch of tiles per call. */
#include "core/unet-private.h"
#include "core/error.h"

#include <glib/gi18n-lib.h>
#include <math.h>

void
tess_unet_compiled_free (TessUnetCompiled *batch)
{
  if (batch == NULL)
    return;
  tess_exec_free (batch->exec);
  tess_buffer_unref (batch->src);
  tess_buffer_unref (batch->dst);
  tess_buffer_unref (batch->rows);
  tess_buffer_unref (batch->grounds);
  tess_buffer_unref (batch->structure);
  g_clear_pointer (&batch->blocks, g_ptr_array_unref);
  g_free (batch);
}

static void
drop_batches (TessUnet *unet)
{
  g_ptr_array_set_size (unet->batches, 0);
  unet->last = NULL;
}

TessUnet *
tess_unet_new (TessModel *model, TessBackend *backend, GError **error)
{
  TessUnet *unet = g_new0 (TessUnet, 1);

  unet->model = tess_model_ref (model);
  unet->backend = tess_backend_ref (backend);
  unet->config = tess_model_unet (model);
  unet->step = -1;
  unet->batches = g_ptr_array_new_with_free_func (
      (GDestroyNotify) tess_unet_compiled_free);
  tess_unet_net_init (&unet->net, model);
  return unet;
}

void
tess_unet_free (TessUnet *unet)
{
  if (unet == NULL)
    return;
  g_ptr_array_unref (unet->batches);
  tess_unet_net_finish (&unet->net);
  tess_grounding_net_finish (&unet->grounding);
  tess_structure_net_finish (&unet->structure);
  tess_buffer_unref (unet->structure_table);
  tess_buffer_unref (unet->structure_row);
  g_free (unet->gates);
  g_free (unet->timesteps);
  tess_buffer_unref (unet->table);
  tess_buffer_unref (unet->row);
  tess_backend_unref (unet->backend);
  tess_model_unref (unet->model);
  g_free (unet);
}

gint
tess_unet_align (const TessUnet *unet)
{
  return 1 << (unet->config->n_levels - 1);
}

TessProgram *
tess_unet_new_program (TessUnet *unet, const gchar *name)
{
  return tess_program_new (name, tess_backend_storage (unet->backend));
}

TessBuffer *
tess_unet_new_buffer (
    TessUnet *unet, gint n, gint h, gint w, gint c, GError **error)
{
  TessShape shape = { n, h, w, c };

  return tess_buffer_new (unet->backend, tess_backend_storage (unet->backend),
                          &shape, error);
}

static gboolean
run_once (TessUnet *unet,
          TessProgram *program,
          GCancellable *cancellable,
          GError **error)
{
  g_autoptr (TessExec) exec
      = tess_backend_compile (unet->backend, program, error);

  return exec != NULL && tess_exec_run (exec, cancellable, error);
}

static gboolean
condition_texts (TessUnet *unet,
                 const TessTensor *contexts,
                 GCancellable *cancellable,
                 GError **error)
{
  gint m = (gint) contexts->dims[0], n_tokens = (gint) contexts->dims[1];
  g_autoptr (TessProgram) program
      = tess_unet_new_program (unet, "unet contexts");
  g_autoptr (TessBuffer) src = NULL;
  g_autofree gfloat *values = NULL;

  /* Programs read these buffers, so other sizes need other programs. */
  if (m != unet->m || n_tokens != unet->n_tokens)
    {
      drop_batches (unet);
      unet->m = unet->n_tokens = 0;
      if (!tess_unet_net_make_buffers (&unet->net, unet->backend, m, n_tokens,
                                       error))
        return FALSE;
    }
  if (unet->net.crosses->len > 0)
    {
      gsize n = tess_tensor_n_elements (contexts);

      src = tess_unet_new_buffer (unet, m, 1, n_tokens,
                                  unet->config->context_width, error);
      if (src == NULL)
        return FALSE;
      values = g_new (gfloat, n);
      tess_tensor_read_f32 (contexts, 0, n, values);
      tess_buffer_write (src, 0, m, values);
      tess_unet_net_record_contexts (&unet->net, program, src);
      if (!run_once (unet, program, cancellable, error))
        return FALSE;
    }
  unet->m = m;
  unet->n_tokens = n_tokens;
  return TRUE;
}

/* The table of the structure's encoder, a row per timestep. */
static gboolean
condition_structure (TessUnet *unet, GCancellable *cancellable, GError **error)
{
  const TessStructureNet *net = &unet->structure;
  gint width = net->config->width;
  g_autoptr (TessProgram) program
      = tess_unet_new_program (unet, "structure times");
  g_autoptr (TessBuffer) waves = NULL;
  g_autofree gfloat *values = g_new (gfloat, (gsize) unet->n_steps * width);

  unet->step = -1;
  g_clear_pointer (&unet->structure_table, tess_buffer_unref);
  unet->structure_table
      = tess_unet_new_buffer (unet, 1, 1, unet->n_steps, net->row_size, error);
  waves = tess_unet_new_buffer (unet, 1, 1, unet->n_steps, width, error);
  if (unet->structure_table == NULL || waves == NULL)
    return FALSE;
  if (unet->structure_row == NULL)
    {
      unet->structure_row
          = tess_unet_new_buffer (unet, 1, 1, 1, net->row_size, error);
      if (unet->structure_row == NULL)
        return FALSE;
    }
  for (gint i = 0; i < unet->n_steps; i++)
    tess_structure_net_waves (net, unet->timesteps[i],
                              values + (gsize) i * width);
  tess_buffer_write (waves, 0, 1, values);
  tess_structure_net_record_times (net, program, waves, unet->structure_table);
  return run_once (unet, program, cancellable, error);
}

static gboolean
condition_times (TessUnet *unet,
                 const gdouble *timesteps,
                 gint n_steps,
                 GCancellable *cancellable,
                 GError **error)
{
  gint width = unet->config->channels[0];
  g_autoptr (TessProgram) program = tess_unet_new_program (unet, "unet times");
  g_autoptr (TessBuffer) waves = NULL;
  g_autofree gfloat *values = g_new (gfloat, (gsize) n_steps * width);

  unet->step = -1;
  unet->n_steps = 0;
  g_clear_pointer (&unet->table, tess_buffer_unref);
  unet->table
      = tess_unet_new_buffer (unet, 1, 1, n_steps, unet->net.row_size, error);
  waves = tess_unet_new_buffer (unet, 1, 1, n_steps, width, error);
  if (unet->table == NULL || waves == NULL)
    return FALSE;
  if (unet->row == NULL)
    {
      unet->row
          = tess_unet_new_buffer (unet, 1, 1, 1, unet->net.row_size, error);
      if (unet->row == NULL)
        return FALSE;
    }

  for (gint i = 0; i < n_steps; i++)
    tess_unet_net_waves (unet->config, timesteps[i],
                         values + (gsize) i * width);
  tess_buffer_write (waves, 0, 1, values);
  tess_unet_net_record_times (&unet->net, program, waves, unet->table);
  if (!run_once (unet, program, cancellable, error))
    return FALSE;
  unet->n_steps = n_steps;
  g_free (unet->timesteps);
  unet->timesteps = g_memdup2 (timesteps, n_steps * sizeof *timesteps);
  /* Its table is of the timesteps before. */
  return unet->structure.blocks == NULL
         || condition_structure (unet, cancellable, error);
}

gboolean
tess_unet_condition (TessUnet *unet,
                     const TessTensor *contexts,
                     const gdouble *timesteps,
                     gint n_steps,
                     GCancellable *cancellable,
                     GError **error)
{
  g_return_val_if_fail (n_steps > 0, FALSE);

  if (contexts->n_dims != 3 || contexts->dims[0] < 1 || contexts->dims[1] < 1
      || contexts->dims[2] != unet->config->context_width)
    {
      g_autofree gchar *shape = tess_tensor_shape_string (contexts);

      g_set_error (error, TESS_ERROR, TESS_ERROR_SHAPE,
                   _ ("The text encoder gives %s, the denoiser reads states of "
                      "%d; the two belong to different models."),
                   shape, unet->config->context_width);
      return FALSE;
    }
  return condition_texts (unet, contexts, cancellable, error)
         && condition_times (unet, timesteps, n_steps, cancellable, error);
}

static gboolean
check_grounding (TessUnet *unet,
                 const TessUnetGrounding *grounding,
                 GError **error)
{
  const TessInstanceConfig *config = tess_model_instance (unet->model);

  if (config == NULL)
    g_set_error (
        error, TESS_ERROR, TESS_ERROR_MODEL,
        _ ("%s cannot put instances in places; add InstanceDiffusion's "
           "weights to it."),
        tess_model_name (unet->model));
  else if (grounding->tokens->n_dims != 3 || grounding->bias->n_dims != 2
           || grounding->tokens->dims[2] != config->token_width
           || grounding->bias->dims[0] != grounding->tokens->dims[0]
           || grounding->bias->dims[1] != grounding->tokens->dims[1])
    g_set_error (error, TESS_ERROR, TESS_ERROR_SHAPE,
                 _ ("Tokens of instances do not fit the model's width of %d."),
                 config->token_width);
  else
    return TRUE;
  return FALSE;
}

static gboolean
write_tokens (TessUnet *unet,
              const TessUnetGrounding *grounding,
              GCancellable *cancellable,
              GError **error)
{
  gint m = (gint) grounding->tokens->dims[0];
  gint t = (gint) grounding->tokens->dims[1];
  g_autoptr (TessProgram) program = tess_unet_new_program (unet, "unet tokens");
  g_autoptr (TessBuffer) src = NULL;

  src = tess_unet_new_buffer (unet, m, 1, t, (gint) grounding->tokens->dims[2],
                              error);
  if (src == NULL)
    return FALSE;
  tess_buffer_write (src, 0, m, grounding->tokens->data);
  tess_buffer_write (unet->grounding.bias, 0, m, grounding->bias->data);
  if (grounding->cells != NULL)
    {
      tess_buffer_write_i32 (unet->grounding.cells, grounding->cells);
      tess_buffer_write_i32 (unet->grounding.tokens, grounding->regions);
    }
  tess_grounding_net_record_tokens (&unet->grounding, program, src);
  return run_once (unet, program, cancellable, error);
}

gboolean
tess_unet_ground (TessUnet *unet,
                  const TessUnetGrounding *grounding,
                  GCancellable *cancellable,
                  GError **error)
{
  gboolean was = unet->grounded;
  gint m, t, n_cells;

  unet->grounded = FALSE;
  unet->step = -1;
  if (grounding == NULL)
    {
      if (was)
        {
          drop_batches (unet);
          tess_grounding_net_finish (&unet->grounding);
        }
      return TRUE;
    }
  g_return_val_if_fail (unet->n_steps > 0, FALSE);
  if (!check_grounding (unet, grounding, error))
    return FALSE;
  m = (gint) grounding->tokens->dims[0];
  t = (gint) grounding->tokens->dims[1];
  n_cells = grounding->cells != NULL ? grounding->n_cells : 0;

  /* Programs read these buffers, so other sizes need other programs. */
  if (!was || m != unet->grounding.m || t != unet->grounding.t
      || n_cells != unet->grounding.n_cells)
    {
      drop_batches (unet);
      tess_grounding_net_finish (&unet->grounding);
      tess_grounding_net_init (&unet->grounding, unet->model);
      if (!tess_grounding_net_make_buffers (&unet->grounding, unet->backend, m,
                                            t, n_cells, error))
        {
          tess_grounding_net_finish (&unet->grounding);
          return FALSE;
        }
    }
  unet->grounded = TRUE;
  g_free (unet->gates);
  unet->gates
      = g_memdup2 (grounding->gates, unet->n_steps * sizeof *grounding->gates);
  unet->n_gates = unet->n_steps;
  return write_tokens (unet, grounding, cancellable, error);
}

gboolean
tess_unet_structure (TessUnet *unet,
                     gboolean on,
                     GCancellable *cancellable,
                     GError **error)
{
  gboolean was = unet->structure.blocks != NULL;

  g_return_val_if_fail (!on || unet->n_steps > 0, FALSE);
  if (on == was)
    return TRUE;
  drop_batches (unet);
  tess_structure_net_finish (&unet->structure);
  if (!on)
    return TRUE;
  if (tess_model_structure (unet->model) == NULL)
    {
      g_set_error (
          error, TESS_ERROR, TESS_ERROR_MODEL,
          _ ("%s cannot enlarge pictures; add StableSR's weights to it."),
          tess_model_name (unet->model));
      return FALSE;
    }
  tess_structure_net_init (&unet->structure, unet->model);
  if (condition_structure (unet, cancellable, error))
    return TRUE;
  tess_structure_net_finish (&unet->structure);
  return FALSE;
}

gboolean
tess_unet_check_sides (
    const TessUnet *unet, gint n, gint h, gint w, GError **error)
{
  gint align = tess_unet_align (unet);

  if (n >= 1 && h >= align && w >= align && h % align == 0 && w % align == 0)
    return TRUE;
  g_set_error (error, TESS_ERROR, TESS_ERROR_SHAPE,
               _ ("A tile of %d x %d cells was asked for; the model works on "
                  "multiples of %d."),
               w, h, align);
  return FALSE;
}

static gboolean
store_blocks (TessUnet *unet,
              const GPtrArray *blocks,
              TessUnetCompiled *batch,
              TessProgram *program,
              GError **error)
{
  batch->blocks
      = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_buffer_unref);
  for (guint i = 0; i < blocks->len; i++)
    {
      TessBuffer *buffer = tess_buffer_new (
          unet->backend, TESS_F32, tess_value_shape (blocks->pdata[i]), error);

      if (buffer == NULL)
        return FALSE;
      g_ptr_array_add (batch->blocks, buffer);
      tess_store (program, blocks->pdata[i], buffer);
    }
  return TRUE;
}

gboolean
tess_unet_record_batch (TessUnet *unet,
                        const TessUnetNet *net,
                        const TessGroundingNet *grounding,
                        const TessStructureNet *structure,
                        TessBuffer *row,
                        TessBuffer *structure_row,
                        TessUnetCompiled *batch,
                        TessProgram *program,
                        GError **error)
{
  TessShape rows = { 1, 1, 1, batch->n };
  TessShape dst = { batch->n, batch->h, batch->w, unet->config->out_channels };
  g_autoptr (GPtrArray) blocks = unet->keeps_blocks ? g_ptr_array_new () : NULL;

  batch->src = tess_unet_new_buffer (unet, batch->n, batch->h, batch->w,
                                     unet->config->in_channels, error);
  if (batch->src == NULL)
    return FALSE;
  batch->rows = tess_buffer_new (unet->backend, TESS_I32, &rows, error);
  if (batch->rows == NULL)
    return FALSE;
  if (batch->fused)
    {
      batch->grounds = tess_buffer_new (unet->backend, TESS_I32, &rows, error);
      if (batch->grounds == NULL)
        return FALSE;
    }
  if (structure != NULL)
    {
      batch->structure = tess_unet_new_buffer (
          unet, batch->n, batch->h, batch->w, unet->config->in_channels, error);
      if (batch->structure == NULL)
        return FALSE;
    }
  batch->dst = tess_buffer_new (unet->backend, TESS_F32, &dst, error);
  if (batch->dst == NULL)
    return FALSE;
  tess_unet_net_record (net, program,
                        &(TessUnetNetCall) { .src = batch->src,
                                             .rows = batch->rows,
                                             .row = row,
                                             .dst = batch->dst,
                                             .grounding = grounding,
                                             .grounds = batch->grounds,
                                             .structure = structure,
                                             .structure_src = batch->structure,
                                             .structure_row = structure_row,
                                             .blocks = blocks });
  return blocks == NULL || store_blocks (unet, blocks, batch, program, error);
}

static TessUnetCompiled *
prepare (TessUnet *unet, gint n, gint h, gint w, gboolean fused, GError **error)
{
  g_autoptr (TessProgram) program = NULL;
  TessUnetCompiled *batch;

  for (guint i = 0; i < unet->batches->len; i++)
    {
      batch = g_ptr_array_index (unet->batches, i);
      if (batch->n == n && batch->h == h && batch->w == w
          && batch->fused == fused)
        return batch;
    }
  if (!tess_unet_check_sides (unet, n, h, w, error))
    return NULL;

  program = tess_unet_new_program (unet, "unet");
  batch = g_new0 (TessUnetCompiled, 1);
  batch->n = n;
  batch->h = h;
  batch->w = w;
  batch->fused = fused;
  if (!tess_unet_record_batch (
          unet, &unet->net, unet->grounded ? &unet->grounding : NULL,
          unet->structure.blocks != NULL ? &unet->structure : NULL, unet->row,
          unet->structure_row, batch, program, error)
      || (batch->exec = tess_backend_compile (unet->backend, program, error))
             == NULL)
    {
      tess_unet_compiled_free (batch);
      return NULL;
    }
  g_ptr_array_add (unet->batches, batch);
  return batch;
}

/* Which of @n_sets each sample takes; all the first where @rows is NULL. */
static gboolean
write_rows (TessBuffer *buffer, const gint32 *rows, gint n, gint n_sets)
{
  g_autofree gint32 *zeros = rows == NULL ? g_new0 (gint32, n) : NULL;

  for (gint i = 0; rows != NULL && i < n; i++)
    g_return_val_if_fail (rows[i] >= 0 && rows[i] < n_sets, FALSE);
  tess_buffer_write_i32 (buffer, rows != NULL ? rows : zeros);
  return TRUE;
}

static void
go_to_step (TessUnet *unet, gint step)
{
  gsize row_bytes = unet->net.row_size
                    * tess_type_size (tess_backend_storage (unet->backend));

  if (unet->step == step)
    return;
  tess_buffer_copy (unet->row, 0, unet->table, step * row_bytes, row_bytes);
  if (unet->structure.blocks != NULL)
    {
      row_bytes = unet->structure.row_size
                  * tess_type_size (tess_backend_storage (unet->backend));
      tess_buffer_copy (unet->structure_row, 0, unet->structure_table,
                        step * row_bytes, row_bytes);
    }
  if (unet->grounded)
    tess_grounding_net_write_gates (&unet->grounding, unet->gates[step]);
  unet->step = step;
}

/* A call's batch, told of everything but its source. */
static TessUnetCompiled *
begin (TessUnet *unet, const TessUnetCall *call, GError **error)
{
  gboolean fused = FALSE;
  TessUnetCompiled *batch;

  g_return_val_if_fail (unet->m > 0, NULL);
  g_return_val_if_fail (call->step >= 0 && call->step < unet->n_steps, NULL);
  if (unet->grounded)
    {
      g_return_val_if_fail (call->step < unet->n_gates, NULL);
      fused = unet->gates[call->step] != 0.0;
    }

  batch = prepare (unet, call->n, call->h, call->w, fused, error);
  if (batch == NULL || !write_rows (batch->rows, call->rows, call->n, unet->m)
      || (fused
          && !write_rows (batch->grounds, call->grounds, call->n,
                          unet->grounding.m)))
    return NULL;
  if (batch->structure != NULL)
    {
      g_return_val_if_fail (call->structure != NULL, NULL);
      tess_buffer_write_nchw (batch->structure, 0, call->n, call->structure);
    }
  go_to_step (unet, call->step);
  return batch;
}

gboolean
tess_unet_begin (TessUnet *unet,
                 const TessUnetCall *call,
                 TessUnetBatch *dst,
                 GError **error)
{
  TessUnetCompiled *batch = begin (unet, call, error);

  if (batch == NULL)
    return FALSE;
  *dst = (TessUnetBatch) { batch->src, batch->dst, batch->exec };
  return TRUE;
}

gboolean
tess_unet_run (TessUnet *unet,
               const TessUnetCall *call,
               GCancellable *cancellable,
               GError **error)
{
  TessUnetCompiled *batch = begin (unet, call, error);

  if (batch == NULL)
    return FALSE;
  unet->last = batch;
  tess_buffer_write_nchw (batch->src, 0, call->n, call->src);
  if (!tess_exec_run (batch->exec, cancellable, error))
    return FALSE;
  tess_buffer_read_nchw (batch->dst, 0, call->n, call->dst);
  return tess_backend_check (unet->backend, error);
}

void
tess_unet_keep_blocks (TessUnet *unet)
{
  unet->keeps_blocks = TRUE;
}

GArray *
tess_unet_blocks (TessUnet *unet)
{
  const GPtrArray *blocks = unet->last ? unet->last->blocks : NULL;
  GArray *sums;

  if (blocks == NULL)
    return NULL;
  sums = g_array_new (FALSE, FALSE, sizeof (gfloat));
  for (guint i = 0; i < blocks->len; i++)
    {
      const TessShape *shape = tess_buffer_shape (blocks->pdata[i]);
      gsize n = tess_shape_n_elements (shape);
      g_autofree gfloat *values = g_new (gfloat, n);
      gdouble sum = 0.0, squares = 0.0;
      gfloat pair[2];

      tess_buffer_read_nchw (blocks->pdata[i], 0, shape->n, values);
      for (gsize k = 0; k < n; k++)
        {
          sum += values[k];
          squares += (gdouble) values[k] * values[k];
        }
      pair[0] = (gfloat) (sum / n);
      pair[1] = (gfloat) sqrt (squares / n);
      g_array_append_vals (sums, pair, 2);
    }
  return sums;
}
