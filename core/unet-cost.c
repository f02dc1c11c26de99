/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/unet-cost.c: what a call of the denoiser takes, before anything of it
 * is made. */
#include "core/unet-private.h"

/* Programs of contexts and times take weights that the network does not. */
static gboolean
plan_conditions (TessUnet *unet,
                 const TessUnetNet *net,
                 gint n_tokens,
                 TessUnetCost *cost,
                 GError **error)
{
  const TessUnetConfig *config = unet->config;
  g_autoptr (TessProgram) contexts
      = tess_unet_new_program (unet, "unet contexts");
  g_autoptr (TessProgram) times = tess_unet_new_program (unet, "unet times");
  g_autoptr (TessBuffer) src = NULL;
  g_autoptr (TessBuffer) waves = NULL;
  g_autoptr (TessBuffer) table = NULL;
  TessPlan plan;

  src = tess_unet_new_buffer (unet, 1, 1, n_tokens, config->context_width,
                              error);
  waves = tess_unet_new_buffer (unet, 1, 1, 1, config->channels[0], error);
  table = tess_unet_new_buffer (unet, 1, 1, 1, net->row_size, error);
  if (src == NULL || waves == NULL || table == NULL)
    return FALSE;
  if (net->crosses->len > 0)
    {
      tess_unet_net_record_contexts (net, contexts, src);
      if (!tess_backend_plan (unet->backend, contexts, &plan, error))
        return FALSE;
      cost->weights += plan.weights;
    }
  tess_unet_net_record_times (net, times, waves, table);
  if (!tess_backend_plan (unet->backend, times, &plan, error))
    return FALSE;
  cost->weights += plan.weights;
  return TRUE;
}

/* Programs of tokens too, and what a set of them keeps. */
static gboolean
plan_tokens (TessUnet *unet,
             const TessGroundingNet *grounding,
             TessUnetCost *cost,
             GError **error)
{
  gint width = tess_model_instance (unet->model)->token_width;
  g_autoptr (TessProgram) program = tess_unet_new_program (unet, "unet tokens");
  g_autoptr (TessBuffer) src
      = tess_unet_new_buffer (unet, 1, 1, grounding->t, width, error);
  TessPlan plan;

  if (src == NULL)
    return FALSE;
  tess_grounding_net_record_tokens (grounding, program, src);
  if (!tess_backend_plan (unet->backend, program, &plan, error))
    return FALSE;
  cost->weights += plan.weights;
  for (guint i = 0; i < grounding->fusers->len; i++)
    cost->set += 2 * (gsize) grounding->t
                 * g_array_index (grounding->fusers, TessFuser, i).channels
                 * tess_type_size (tess_backend_storage (unet->backend));
  return TRUE;
}

/* The program of the structure's times. */
static gboolean
plan_structure (TessUnet *unet,
                const TessStructureNet *net,
                TessUnetCost *cost,
                GError **error)
{
  g_autoptr (TessProgram) program
      = tess_unet_new_program (unet, "structure times");
  g_autoptr (TessBuffer) waves
      = tess_unet_new_buffer (unet, 1, 1, 1, net->config->width, error);
  g_autoptr (TessBuffer) table = NULL;
  TessPlan plan;

  if (waves == NULL)
    return FALSE;
  table = tess_unet_new_buffer (unet, 1, 1, 1, net->row_size, error);
  if (table == NULL)
    return FALSE;
  tess_structure_net_record_times (net, program, waves, table);
  if (!tess_backend_plan (unet->backend, program, &plan, error))
    return FALSE;
  cost->weights += plan.weights;
  return TRUE;
}

static gboolean
plan_batch (TessUnet *unet,
            TessUnetCompiled *batch,
            TessUnetNet *net,
            TessGroundingNet *grounding,
            TessStructureNet *structure,
            gint n_tokens,
            gint n_ground,
            TessUnetCost *cost,
            GError **error)
{
  g_autoptr (TessProgram) program = tess_unet_new_program (unet, "unet");
  g_autoptr (TessBuffer) structure_row = NULL;
  g_autoptr (TessBuffer) row
      = tess_unet_new_buffer (unet, 1, 1, 1, unet->net.row_size, error);
  TessPlan plan;

  if (row == NULL
      || !tess_unet_net_make_buffers (net, unet->backend, 1, n_tokens, error)
      || (n_ground > 0
          && !tess_grounding_net_make_buffers (grounding, unet->backend, 1,
                                               n_ground, 0, error))
      || (structure->blocks != NULL
          && (structure_row = tess_unet_new_buffer (unet, 1, 1, 1,
                                                    structure->row_size, error))
                 == NULL)
      || !tess_unet_record_batch (unet, net, n_ground > 0 ? grounding : NULL,
                                  structure->blocks != NULL ? structure : NULL,
                                  row, structure_row, batch, program, error)
      || !tess_backend_plan (unet->backend, program, &plan, error))
    return FALSE;
  cost->arena = plan.arena;
  cost->weights = plan.weights;
  cost->n_flops = tess_program_n_flops (program);
  return plan_conditions (unet, net, n_tokens, cost, error)
         && (n_ground == 0 || plan_tokens (unet, grounding, cost, error))
         && (structure->blocks == NULL
             || plan_structure (unet, structure, cost, error));
}

gboolean
tess_unet_cost (TessUnet *unet,
                gint n,
                gint h,
                gint w,
                gint n_tokens,
                gint n_ground,
                gboolean structured,
                TessUnetCost *cost,
                GError **error)
{
  TessGroundingNet grounding = { 0 };
  TessStructureNet structure = { 0 };
  TessUnetCompiled *batch;
  TessUnetNet net;
  gboolean ok;

  *cost = (TessUnetCost) { 0 };
  if (!tess_unet_check_sides (unet, n, h, w, error))
    return FALSE;
  g_return_val_if_fail (
      n_ground == 0 || tess_model_instance (unet->model) != NULL, FALSE);
  g_return_val_if_fail (
      !structured || tess_model_structure (unet->model) != NULL, FALSE);

  /* Buffers of its own: nothing of what is compiled is touched. */
  tess_unet_net_init (&net, unet->model);
  if (n_ground > 0)
    tess_grounding_net_init (&grounding, unet->model);
  if (structured)
    tess_structure_net_init (&structure, unet->model);
  batch = g_new0 (TessUnetCompiled, 1);
  batch->n = n;
  batch->h = h;
  batch->w = w;
  batch->fused = n_ground > 0;
  ok = plan_batch (unet, batch, &net, &grounding, &structure, n_tokens,
                   n_ground, cost, error);
  tess_unet_compiled_free (batch);
  tess_unet_net_finish (&net);
  tess_grounding_net_finish (&grounding);
  tess_structure_net_finish (&structure);
  return ok;
}
