/* SPDX-License-Identifier: GPL-3.0-or-later
 * tools/golden-instance-run.c: InstanceDiffusion's samplers: PLMS, the
 * Multi-instance Sampler, schedules of gates; on the network, and on a
 * denoiser that is a formula. */
#include "core/error.h"
#include "core/instance-formats.h"
#include "core/model-config.h"
#include "core/multi-instance.h"
#include "core/multidiffusion.h"
#include "core/unet.h"
#include "tools/golden-instance.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One canvas that is one tile. Texts and sets: the negative's, then the whole
 * picture's, then each instance's. */
typedef struct
{
  const GoldenCase *c;
  gint n; /* instances */
  TessDiffusionConfig diffusion;
  TessSamplerSettings settings;
  TessSampler *sampler;
  TessMethod *method;
  TessTensor *x;
  gdouble *gates, *timesteps; /* of each step */
  TessUnet *unet;             /* NULL: the formula */
  gdouble p[3], q[3];         /* negative, whole, instance */
  gint n_calls;
  /* In the order run, without the trial of the first step: the canvas, when
   * it was asked about, and how strong fusers were. */
  GArray *steps, *visited, *strengths; /* of gfloat */
} Run;

static void
run_finish (Run *run)
{
  tess_sampler_free (run->sampler);
  tess_method_free (run->method);
  tess_tensor_unref (run->x);
  tess_unet_free (run->unet);
  g_free (run->gates);
  g_free (run->timesteps);
  g_clear_pointer (&run->steps, g_array_unref);
  g_clear_pointer (&run->visited, g_array_unref);
  g_clear_pointer (&run->strengths, g_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Run, run_finish)

static void
alphas (const GoldenCase *c, gdouble dst[3])
{
  JsonArray *list = json_node_get_array (golden_setting (c, "alpha_type"));

  for (guint i = 0; i < 3; i++)
    dst[i] = json_array_get_double_element (list, i);
}

static void
check_gates (const GoldenCase *c, gint n_times)
{
  gdouble alpha[3];
  g_autofree gdouble *gates = g_new (gdouble, n_times);
  g_autofree gfloat *values = g_new (gfloat, n_times);

  alphas (c, alpha);
  tess_grounding_gates (n_times, alpha[0], alpha[1], gates);
  for (gint i = 0; i < n_times; i++)
    values[i] = (gfloat) gates[i];
  golden_compare_numbers (c, "gates", values);
}

static gboolean
prepare (const GoldenCase *c, Run *run, GError **error)
{
  JsonObject *config = json_object_get_object_member (c->set->root, "config");
  TessMultidiffusionSettings method = { .weight = TESS_WEIGHT_UNIFORM };
  gint n_steps;
  gdouble alpha[3];
  g_autofree gdouble *gates = NULL;

  run->c = c;
  tess_config_default_diffusion (&run->diffusion);
  run->diffusion.spacing = TESS_SPACING_LEADING;
  run->diffusion.steps_offset = 1;
  run->diffusion.set_alpha_to_one = FALSE;
  run->diffusion.beta_start
      = json_object_get_double_member (config, "linear_start");
  run->diffusion.beta_end
      = json_object_get_double_member (config, "linear_end");
  run->settings
      = (TessSamplerSettings) { .kind = TESS_SAMPLER_PLMS,
                                .n_steps = (gint) golden_number (c, "S", 0) };
  run->x = golden_input (c, "noise", error);
  if (run->x == NULL)
    return FALSE;
  method.tiles.width = method.tiles.tile_w = (gint) run->x->dims[3];
  method.tiles.height = method.tiles.tile_h = (gint) run->x->dims[2];
  run->method = tess_multidiffusion_new (&method, error);
  run->sampler = run->method
                     ? tess_sampler_new (&run->diffusion, &run->settings, error)
                     : NULL;
  if (run->sampler == NULL)
    return FALSE;
  n_steps = tess_sampler_n_steps (run->sampler);
  run->gates = g_new (gdouble, n_steps);
  run->timesteps = g_new (gdouble, n_steps);
  gates = g_new (gdouble, n_steps);
  alphas (c, alpha);
  tess_grounding_gates (tess_sampler_n_times (run->sampler), alpha[0], alpha[1],
                        gates);
  for (gint i = 0; i < n_steps; i++)
    {
      run->timesteps[i] = tess_sampler_timestep (run->sampler, i);
      run->gates[i] = gates[tess_sampler_time (run->sampler, i)];
    }
  return TRUE;
}

static gboolean
read_pair (const gchar *text, const gchar *mark, gdouble *p, gdouble *q)
{
  const gchar *at = strstr (text, mark);
  gchar *end;

  if (at == NULL)
    return FALSE;
  *p = g_ascii_strtod (at + strlen (mark), &end);
  *q = g_ascii_strtod (*end == ',' ? end + 1 : end, &end);
  return TRUE;
}

/* Only the formula that is known here. */
static gboolean
parse_formula (Run *run, GError **error)
{
  const gchar *note = json_object_get_string_member_with_default (
      run->c->set->root, "note", "");

  if (g_str_has_prefix (note, "stand-in: eps = p x + 0.2 (t/1000) tanh(x) + q "
                              "+ 0.03 s x, s the gate of the step; ")
      && read_pair (note, "negative branch p, q = ", &run->p[0], &run->q[0])
      && read_pair (note, "global ", &run->p[1], &run->q[1])
      && read_pair (note, "instance k = 1.. ", &run->p[2], &run->q[2]))
    return TRUE;
  g_set_error (error, TESS_ERROR, TESS_ERROR_UNSUPPORTED,
               "a stand-in that is not known here");
  return FALSE;
}

static gboolean
formula (const TessUnetCall *call,
         gpointer data,
         GCancellable *cancellable,
         GError **error)
{
  Run *run = data;
  gsize n = (gsize) call->h * call->w * 4;
  gdouble t = run->timesteps[call->step], s = run->gates[call->step];

  for (gint i = 0; i < call->n; i++)
    {
      gint row = call->rows[i], kind = MIN (row, 2);

      for (gsize k = i * n; k < (i + 1) * n; k++)
        {
          gdouble x = call->src[k];
          gdouble q = run->q[kind] * (kind == 2 ? row - 1 : 1);

          call->dst[k]
              = (gfloat) (run->p[kind] * x + 0.2 * (t / 1000.0) * tanh (x) + q
                          + 0.03 * s * x);
        }
    }
  run->n_calls += call->n;
  return TRUE;
}

static gboolean
network (const TessUnetCall *call,
         gpointer data,
         GCancellable *cancellable,
         GError **error)
{
  Run *run = data;

  run->n_calls += call->n;
  return tess_unet_run (run->unet, call, cancellable, error);
}

static gboolean
begin (const TessUnetCall *call,
       gpointer data,
       TessUnetBatch *batch,
       GError **error)
{
  Run *run = data;

  run->n_calls += call->n;
  return tess_unet_begin (run->unet, call, batch, error);
}

/* Contexts and tokens of the network. */
static gboolean
condition (Run *run, GoldenSlots *slots, GError **error)
{
  const GoldenCase *c = run->c;
  g_autoptr (TessTensor) whole = golden_input (c, "context", error);
  g_autoptr (TessTensor) negative
      = whole ? golden_input (c, "context_negative", error) : NULL;
  g_autoptr (TessTensor) own
      = negative ? golden_input (c, "instance_contexts", error) : NULL;
  g_autoptr (TessTensor) all = NULL;
  g_autofree TessSlots *sets = g_new0 (TessSlots, 2 + slots->n);
  g_auto (TessGrounds) grounds = { 0 };

  if (own == NULL)
    return FALSE;
  all = tess_tensor_new (
      TESS_F32, 3, (gint64[]) { 2 + slots->n, whole->dims[1], whole->dims[2] },
      error);
  if (all == NULL)
    return FALSE;
  memcpy (all->data, negative->data, negative->n_bytes);
  memcpy ((guint8 *) all->data + whole->n_bytes, whole->data, whole->n_bytes);
  memcpy ((guint8 *) all->data + 2 * whole->n_bytes, own->data, own->n_bytes);
  sets[1] = (TessSlots) { slots->n, slots->slots };
  for (gint k = 0; k < slots->n; k++)
    sets[2 + k] = (TessSlots) { 1, slots->slots + k };
  run->unet = tess_unet_new (c->set->model, c->set->golden->backend, error);
  return run->unet != NULL
         && tess_unet_condition (run->unet, all, run->timesteps,
                                 tess_sampler_n_steps (run->sampler), NULL,
                                 error)
         && tess_grounding_run (c->set->model, c->set->golden->backend,
                                golden_formats (c), sets, 2 + slots->n,
                                &grounds, NULL, error)
         && tess_unet_ground (run->unet,
                              &(TessUnetGrounding) { .tokens = grounds.tokens,
                                                     .bias = grounds.bias,
                                                     .gates = run->gates },
                              NULL, error);
}

/* A step that is tried first belongs to the time of the one that counts. */
static gboolean
keep_step (const TessDenoiseState *state, gpointer data, GError **error)
{
  Run *run = data;
  gint next = state->step, done = next - 1;
  gint time = tess_sampler_time (run->sampler, done);
  gfloat timestep, gate;

  if (next < tess_sampler_n_steps (run->sampler)
      && tess_sampler_time (run->sampler, next) == time)
    return TRUE;
  timestep = (gfloat) tess_sampler_timestep (
      run->sampler, tess_sampler_step_of_time (run->sampler, time));
  gate = (gfloat) run->gates[done];
  g_array_append_vals (run->steps, state->x,
                       (guint) tess_tensor_n_elements (run->x));
  g_array_append_val (run->visited, timestep);
  g_array_append_val (run->strengths, gate);
  return TRUE;
}

/* What was kept, where the case has it; other lengths are a failure. */
static void
compare_kept (const GoldenCase *c, const gchar *name, const GArray *values)
{
  gint64 dims[TESS_MAX_DIMS];
  gint n_dims;
  gsize n;

  if (!golden_has_output (c, name))
    return;
  n = golden_shape (json_object_get_object_member (c->outputs, name), "shape",
                    &n_dims, dims);
  if (n == values->len)
    golden_compare_numbers (c, name, (const gfloat *) values->data);
  else
    golden_case_fail (
        c, name,
        g_error_new (TESS_ERROR, TESS_ERROR_SHAPE,
                     "%u values were run through, %" G_GSIZE_FORMAT
                     " are known",
                     values->len, n));
}

/* From the last time to the first, as the reference lists them. */
static void
compare_levels (Run *run)
{
  g_autoptr (GArray) now = g_array_new (FALSE, FALSE, sizeof (gfloat));
  g_autoptr (GArray) next = g_array_new (FALSE, FALSE, sizeof (gfloat));

  for (gint time = tess_sampler_n_times (run->sampler) - 1; time >= 0; time--)
    {
      gdouble a, b;
      gfloat values[2];

      tess_sampler_abar (
          run->sampler, tess_sampler_step_of_time (run->sampler, time), &a, &b);
      values[0] = (gfloat) a;
      values[1] = (gfloat) b;
      g_array_append_val (now, values[0]);
      g_array_append_val (next, values[1]);
    }
  compare_kept (run->c, "a", now);
  compare_kept (run->c, "a_prev", next);
}

static gboolean
go (Run *run, GError **error)
{
  const gint32 negative = 0, positive = 1, ground = 1;
  gdouble guidance = golden_number (run->c, "guidance", 7.5);
  gint32 rows[TESS_MAX_SLOTS];
  gint n_times = tess_sampler_n_times (run->sampler);
  TessMultiInstance apart
      = { .n = run->n,
          .n_times = (gint) (n_times * golden_number (run->c, "mis", 0.0)),
          .positive = rows,
          .grounds = rows,
          .diffusion = run->diffusion,
          .settings = run->settings,
          .stepped = keep_step };
  TessDenoise job = { .method = run->method,
                      .sampler = run->sampler,
                      .denoiser = run->unet ? network : formula,
                      .denoiser_data = run,
                      .backend = run->unet ? golden_card (run->c) : NULL,
                      .begin = begin,
                      .channels = 4,
                      .batch = 2,
                      .positive = &positive,
                      .negative = guidance == 1.0 ? NULL : &negative,
                      .guidance = guidance,
                      .grounds = &ground,
                      .stepped = keep_step,
                      .data = run };
  gint64 n_planned;

  run->steps = g_array_new (FALSE, FALSE, sizeof (gfloat));
  run->visited = g_array_new (FALSE, FALSE, sizeof (gfloat));
  run->strengths = g_array_new (FALSE, FALSE, sizeof (gfloat));
  for (gint k = 0; k < run->n; k++)
    rows[k] = 2 + k;
  n_planned = tess_multi_instance_n_samples (&job, &apart);
  if (!tess_multi_instance_run (&job, &apart, run->x, NULL, error))
    return FALSE;
  golden_compare (run->c, "latent", run->x);
  compare_kept (run->c, "steps", run->steps);
  compare_kept (run->c, "timesteps", run->visited);
  compare_kept (run->c, "gates", run->strengths);
  compare_levels (run);
  if (golden_has_input (run->c, "calls"))
    {
      g_autofree gchar *full = golden_title (run->c, "calls");

      golden_result (run->c->set->golden, full,
                     fabs (golden_number (run->c, "calls", 0) - run->n_calls)
                         + llabs (n_planned - run->n_calls),
                     0.0);
    }
  return TRUE;
}

static gboolean
run_case (const GoldenCase *c, GError **error)
{
  g_auto (Run) run = { 0 };
  g_auto (GoldenSlots) slots = { 0 };

  if (!prepare (c, &run, error))
    return FALSE;
  if (golden_has_input (c, "instances"))
    {
      run.n = (gint) golden_number (c, "instances", 0);
      return parse_formula (&run, error) && go (&run, error);
    }
  if (!golden_slots_read (c, &slots, error)
      || !golden_make_network (c->set, error)
      || !condition (&run, &slots, error))
    return FALSE;
  run.n = slots.n;
  return go (&run, error);
}

/* --- formats ------------------------------------------------------------- */

static gint
recorded_pick (gint i, gint n, gpointer data)
{
  JsonArray *picks = data;

  return i < (gint) json_array_get_length (picks)
             ? (gint) json_array_get_int_element (picks, (guint) i) % n
             : 0;
}

/* Points and, in shares of the mask's sides, the same. */
static void
compare_points (const GoldenCase *c,
                gfloat *points,
                gint n,
                const TessMask *mask)
{
  golden_compare_numbers (c, "points", points);
  for (gint i = 0; i < 2 * n; i++)
    points[i] = MIN (points[i] / (i % 2 == 0 ? mask->w : mask->h), 1.0f);
  if (golden_has_output (c, "normalised"))
    golden_compare_numbers (c, "normalised", points);
}

/* @which of each pair -> floats. */
static void
compare_whole (const GoldenCase *c, const gchar *name, const GArray *numbers)
{
  g_autofree gfloat *values = g_new (gfloat, MAX (numbers->len, 1));

  for (guint i = 0; i < numbers->len; i++)
    values[i] = (gfloat) g_array_index (numbers, gint, i);
  if (golden_has_output (c, name))
    golden_compare_numbers (c, name, values);
}

static void
check_mask (const GoldenCase *c, const TessTensor *tensor)
{
  gsize n = tess_tensor_n_elements (tensor);
  g_autofree guint8 *cells = g_new (guint8, n);
  TessMask mask = { (gint) tensor->dims[1], (gint) tensor->dims[0], cells };
  JsonNode *node = golden_setting (c, "picks");
  JsonArray *picks = node ? json_node_get_array (node) : NULL;
  TessPick pick = picks ? recorded_pick : NULL;
  gint64 dims[TESS_MAX_DIMS];
  gint n_dims;
  g_autofree gfloat *points = NULL;

  for (gsize i = 0; i < n; i++)
    cells[i] = ((const gfloat *) tensor->data)[i] != 0.0f;
  golden_shape (json_object_get_object_member (c->outputs, "points"), "shape",
                &n_dims, dims);
  points = g_new (gfloat, 2 * dims[0]);
  if (g_str_has_prefix (c->name, "scribble"))
    tess_mask_scribble (&mask, (gint) dims[0], pick, picks, points);
  else
    {
      g_autoptr (GArray) lengths = NULL;
      g_autoptr (GArray) outlines = tess_mask_outlines (&mask, &lengths);

      compare_whole (c, "contour", outlines);
      compare_whole (c, "contour_lengths", lengths);
      tess_mask_interior (&mask, (gint) dims[0] / 2, pick, picks, points);
      if (golden_has_output (c, "interior"))
        golden_compare_numbers (c, "interior", points);
      tess_mask_polygon (&mask, (gint) dims[0], pick, picks, points);
    }
  compare_points (c, points, (gint) dims[0], &mask);
}

static void
check_stroke (const GoldenCase *c, const TessTensor *stroke)
{
  gint64 dims[TESS_MAX_DIMS];
  gint n_dims;
  g_autofree gfloat *points = NULL;

  golden_shape (json_object_get_object_member (c->outputs, "points"), "shape",
                &n_dims, dims);
  points = g_new (gfloat, 2 * dims[0]);
  tess_stroke_resample (stroke->data, (gint) stroke->dims[0], (gint) dims[0],
                        points);
  golden_compare_numbers (c, "points", points);
}

static void
check_formats (const GoldenCase *c)
{
  gboolean is_mask = golden_has_input (c, "mask");
  GError *error = NULL;
  g_autoptr (TessTensor) given
      = golden_input (c, is_mask ? "mask" : "points", &error);

  if (given == NULL)
    golden_case_fail (c, "points", error);
  else if (is_mask)
    check_mask (c, given);
  else
    check_stroke (c, given);
}

gboolean
golden_instance_run (const GoldenCase *c)
{
  GError *error = NULL;

  if (golden_has_output (c, "points"))
    {
      check_formats (c);
      return TRUE;
    }

  if (!golden_has_input (c, "alpha_type"))
    return FALSE;
  if (!golden_has_output (c, "latent"))
    check_gates (c, (gint) golden_number (c, "steps", 0));
  else if (!run_case (c, &error))
    golden_case_fail (c, "latent", error);
  return TRUE;
}
