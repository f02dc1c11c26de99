/* SPDX-License-Identifier: GPL-3.0-or-later
 * tools/golden-synthetic.c: JSON files of cases whose numbers come from a
 * formula (core/model-synthetic.h): lists of windows, panoramas and region
 * control of MultiDiffusion, StitchDiffusion's ring. Cases are told apart by
 * what they are given. */
#include "core/error.h"
#include "core/multidiffusion.h"
#include "core/model-config.h"
#include "core/model-synthetic.h"
#include "core/stitch.h"
#include "tools/golden-case.h"

#include <math.h>
#include <string.h>

/* The part of an axis that upstream's windows cover: what is beyond the last
 * whole stride it leaves at zero. */
static gint
covered (gint side, gint window, gint stride)
{
  return side < window ? side : (side - window) / stride * stride + window;
}

static TessTileSettings
tile_settings (const GoldenCase *c, gint height, gint width)
{
  gint window = (gint) golden_number (c, "window", 64);
  gint stride = (gint) golden_number (c, "stride", 8);

  return (TessTileSettings) { .width = covered (width, window, stride),
                              .height = covered (height, window, stride),
                              .tile_w = window,
                              .tile_h = window,
                              .overlap_x = window - stride,
                              .overlap_y = window - stride,
                              .grid_x = TESS_GRID_EVEN,
                              .grid_y = TESS_GRID_EVEN };
}

/* Windows as rows of top, bottom, left, right. */
static void
check_views (const GoldenCase *c)
{
  JsonObject *output = json_object_get_object_member (c->outputs, "views");
  TessTileSettings settings
      = tile_settings (c, (gint) golden_number (c, "height", 0),
                       (gint) golden_number (c, "width", 0));
  g_autofree gchar *full = golden_title (c, "views");
  GError *error = NULL;
  g_autoptr (TessTilePlan) plan = tess_tile_plan_new (&settings, &error);
  gsize n = 0;
  g_autofree gfloat *views = golden_read (
      c->set->file, json_object_get_string_member (output, "tensor"), &n);
  gint n_wrong = 0;

  g_hash_table_add (c->set->seen, "views");
  if (plan == NULL)
    {
      golden_fail (c->set->golden, full, error);
      return;
    }
  if (views == NULL || n != 4 * (gsize) plan->n_tiles)
    n_wrong = plan->n_tiles;
  else
    for (gint i = 0; i < plan->n_tiles; i++)
      {
        TessTile tile = tess_tile_plan_tile (plan, i);
        const gfloat *view = views + 4 * i;

        n_wrong += view[0] != tile.y || view[1] != tile.y + plan->tile_h
                   || view[2] != tile.x || view[3] != tile.x + plan->tile_w;
      }
  golden_result (c->set->golden, full, n_wrong, 0.0);
}

/* The stand-in denoiser: a formula in place of a network. */
typedef struct
{
  gdouble a[2], b[2], c[2]; /* of negative and positive */
  gint n_prompts;           /* rows 0.. negative, n_prompts.. positive */
} StandIn;

static gboolean
parse_three (const gchar *text, const gchar *mark, StandIn *stand_in, gint i)
{
  const gchar *at = strstr (text, mark);
  gdouble values[3];
  gchar *end;

  if (at == NULL)
    return FALSE;
  end = (gchar *) at + strlen (mark);
  for (gint k = 0; k < 3; k++)
    {
      const gchar *from = end + (k > 0 && *end == ',' ? 1 : 0);

      values[k] = g_ascii_strtod (from, &end);
      if (end == from)
        return FALSE;
    }
  stand_in->a[i] = values[0];
  stand_in->b[i] = values[1];
  stand_in->c[i] = values[2];
  return TRUE;
}

/* Only the formula that is known here. */
static gboolean
parse_stand_in (const gchar *text, StandIn *stand_in)
{
  return g_str_has_prefix (text,
                           "stand-in: eps = a x + b tanh((left + right)/2) + c "
                           "(column of the window)/(window width)")
         && parse_three (text, "negative a,b,c = ", stand_in, 0)
         && parse_three (text, "positive = ", stand_in, 1);
}

static gboolean
stand_in (const TessUnetCall *call,
          gpointer data,
          GCancellable *cancellable,
          GError **error)
{
  const StandIn *f = data;
  gsize n_rows = (gsize) call->h * 4;

  for (gint i = 0; i < call->n; i++)
    {
      gboolean positive = call->rows[i] >= f->n_prompts;
      gint prompt = call->rows[i] - (positive ? f->n_prompts : 0);

      for (gsize row = i * n_rows; row < (i + 1) * n_rows; row++)
        {
          const gfloat *x = call->src + row * call->w;

          for (gint col = 0; col < call->w; col++)
            {
              gdouble left = x[MAX (col - 1, 0)];
              gdouble right = x[MIN (col + 1, call->w - 1)];

              call->dst[row * call->w + col]
                  = (gfloat) (f->a[positive] * x[col]
                              + f->b[positive] * tanh ((left + right) / 2.0)
                              + f->c[positive] * col / call->w + 0.05 * prompt);
            }
        }
    }
  return TRUE;
}

static gboolean
network (const TessUnetCall *call,
         gpointer data,
         GCancellable *cancellable,
         GError **error)
{
  return tess_unet_run (data, call, cancellable, error);
}

static gboolean
begin (const TessUnetCall *call,
       gpointer data,
       TessUnetBatch *batch,
       GError **error)
{
  return tess_unet_begin (data, call, batch, error);
}

static gboolean
make_model (GoldenSet *set, GError **error)
{
  if (set->model == NULL)
    set->model = tess_model_new_formula (set->path, error);
  return set->model != NULL;
}

static gboolean
read_scheduler (const GoldenSet *set,
                TessDiffusionConfig *diffusion,
                GError **error)
{
  JsonObject *config = json_object_get_object_member (set->root, "config");

  tess_config_default_diffusion (diffusion);
  return tess_config_read_scheduler (
      json_object_get_object_member (config, "scheduler"), set->label,
      diffusion, error);
}

/* The draws that upstream made: per step and window, per prompt from 1. */
static gint
recorded_pick (gint step, gint tile, gint prompt, gpointer data)
{
  const struct
  {
    JsonArray *picks;
    gint n_tiles;
  } *recorded = data;
  JsonArray *row = json_array_get_array_element (
      recorded->picks, (guint) (step * recorded->n_tiles + tile));

  return (gint) json_array_get_int_element (row, (guint) prompt - 1);
}

/* One run of the job's own loop. */
typedef struct
{
  TessDiffusionConfig diffusion;
  TessTensor *noise; /* as large as what is covered */
  TessTensor *x;
  TessTensor *contexts;
  TessTensor *masks, *backgrounds;
  TessRegions *regions;
  TessMethod *method;
  TessSampler *sampler;
  TessUnet *unet;
  StandIn stand_in;
} Run;

static void
run_finish (Run *run)
{
  tess_tensor_unref (run->noise);
  tess_tensor_unref (run->x);
  tess_tensor_unref (run->contexts);
  tess_tensor_unref (run->masks);
  tess_tensor_unref (run->backgrounds);
  tess_regions_free (run->regions);
  tess_method_free (run->method);
  tess_sampler_free (run->sampler);
  tess_unet_free (run->unet);
}

/* The top left part of @src, [1, c, h, w]. */
static TessTensor *
crop (const TessTensor *src, gint h, gint w, GError **error)
{
  TessTensor *dst = tess_tensor_new_nchw (1, src->dims[1], h, w, error);

  for (gint64 c = 0; dst != NULL && c < src->dims[1]; c++)
    for (gint y = 0; y < h; y++)
      tess_tensor_read_f32 (src, (gsize) (c * src->dims[2] + y) * src->dims[3],
                            w, tess_tensor_f32 (dst) + ((gsize) c * h + y) * w);
  return dst;
}

/* Bootstrapping: masks from the second on, backgrounds, recorded draws. */
static gboolean
prepare_regions (const GoldenCase *c, Run *run, GError **error)
{
  const TessTilePlan *plan = run->method->plan;
  gsize plane = (gsize) plan->width * plan->height;

  if (!json_object_has_member (c->inputs, "masks"))
    return TRUE;
  run->masks = golden_input (c, "masks", error);
  if (run->masks == NULL)
    return FALSE;
  if (run->masks->dims[2] != plan->height || run->masks->dims[3] != plan->width)
    {
      g_set_error (error, TESS_ERROR, TESS_ERROR_UNSUPPORTED,
                   "the windows do not cover the masks");
      return FALSE;
    }
  run->regions = tess_regions_new ((gint) run->masks->dims[0] - 1, plan->width,
                                   plan->height,
                                   tess_tensor_f32 (run->masks) + plane, error);
  if (run->regions == NULL)
    return FALSE;
  run->regions->n_steps = (gint) golden_number (c, "bootstrapping", 0);
  if (run->regions->n_steps == 0)
    return TRUE;
  run->backgrounds = golden_input (c, "backgrounds", error);
  if (run->backgrounds == NULL)
    return FALSE;
  run->regions->n_backgrounds = (gint) run->backgrounds->dims[0];
  run->regions->backgrounds = tess_tensor_f32 (run->backgrounds);
  run->regions->noise = tess_tensor_f32 (run->noise);
  run->regions->pick = recorded_pick;
  return TRUE;
}

static gboolean
prepare (const GoldenCase *c, Run *run, GError **error)
{
  TessSamplerSettings settings
      = { .kind = TESS_SAMPLER_DDIM,
          .n_steps = (gint) golden_number (c, "steps", 0) };
  TessMultidiffusionSettings method = { .weight = TESS_WEIGHT_UNIFORM };
  JsonNode *denoiser = golden_setting (c, "denoiser");
  g_autoptr (TessTensor) noise = golden_input (c, "noise", error);

  if (noise == NULL || !read_scheduler (c->set, &run->diffusion, error))
    return FALSE;
  method.tiles
      = tile_settings (c, (gint) noise->dims[2], (gint) noise->dims[3]);
  run->method = tess_multidiffusion_new (&method, error);
  run->sampler = tess_sampler_new (&run->diffusion, &settings, error);
  if (run->method == NULL || run->sampler == NULL)
    return FALSE;
  run->noise = crop (noise, method.tiles.height, method.tiles.width, error);
  run->x = crop (noise, method.tiles.height, method.tiles.width, error);
  if (run->noise == NULL || run->x == NULL || !prepare_regions (c, run, error))
    return FALSE;

  if (denoiser != NULL)
    {
      if (parse_stand_in (json_node_get_string (denoiser), &run->stand_in))
        return TRUE;
      g_set_error (error, TESS_ERROR, TESS_ERROR_UNSUPPORTED,
                   "a stand-in that is not known here");
      return FALSE;
    }
  run->contexts = golden_input (c, "contexts", error);
  if (run->contexts == NULL || !make_model (c->set, error))
    return FALSE;
  run->unet = tess_unet_new (c->set->model, c->set->golden->backend, error);
  return run->unet != NULL;
}

static gboolean
run_loop (const GoldenCase *c, Run *run, GError **error)
{
  gint n_prompts = run->regions != NULL ? run->regions->n_prompts : 1;
  gint n_steps = tess_sampler_n_steps (run->sampler);
  g_autofree gdouble *timesteps = g_new (gdouble, n_steps);
  gint32 negative[TESS_MAX_PROMPTS], positive[TESS_MAX_PROMPTS];
  JsonNode *picks = golden_setting (c, "picks");
  struct
  {
    JsonArray *picks;
    gint n_tiles;
  } recorded = { NULL, run->method->plan->n_tiles };
  TessDenoise job = { .method = run->method,
                      .sampler = run->sampler,
                      .denoiser = run->unet != NULL ? network : stand_in,
                      .denoiser_data = run->unet,
                      .backend = run->unet ? golden_card (c) : NULL,
                      .begin = begin,
                      .channels = (gint) run->x->dims[1],
                      .batch = 2,
                      .positive = positive,
                      .negative = negative,
                      .guidance = golden_number (c, "guidance", 7.5),
                      .regions = run->regions };

  if (picks != NULL && run->regions != NULL)
    {
      recorded.picks = json_node_get_array (picks);
      run->regions->pick_data = &recorded;
    }
  for (gint i = 0; i < n_prompts; i++)
    {
      negative[i] = i;
      positive[i] = n_prompts + i;
    }
  for (gint i = 0; i < n_steps; i++)
    timesteps[i] = tess_sampler_timestep (run->sampler, i);
  if (run->unet == NULL)
    {
      run->stand_in.n_prompts = n_prompts;
      job.denoiser_data = &run->stand_in;
    }
  else if (!tess_unet_condition (run->unet, run->contexts, timesteps, n_steps,
                                 NULL, error))
    return FALSE;
  return tess_denoise_run (&job, run->x, NULL, error);
}

static void
check_timesteps (const GoldenCase *c, const TessSampler *sampler)
{
  g_autofree gchar *full = golden_title (c, "timesteps");
  JsonNode *node = golden_setting (c, "timesteps");
  JsonArray *timesteps;
  gint n_wrong = 0;

  if (node == NULL || !JSON_NODE_HOLDS_ARRAY (node))
    return;
  timesteps = json_node_get_array (node);
  if ((gint) json_array_get_length (timesteps)
      != tess_sampler_n_steps (sampler))
    n_wrong = 1;
  for (gint i = 0; n_wrong == 0 && i < tess_sampler_n_steps (sampler); i++)
    n_wrong += tess_sampler_timestep (sampler, i)
               != json_array_get_double_element (timesteps, (guint) i);
  golden_result (c->set->golden, full, n_wrong, 0.0);
}

static void
check_latent (const GoldenCase *c)
{
  g_autofree gchar *full = golden_title (c, "latent");
  g_autoptr (TessTensor) whole = NULL;
  g_autoptr (TessTensor) noise = NULL;
  GError *error = NULL;
  Run run = { 0 };

  if (!prepare (c, &run, &error) || !run_loop (c, &run, &error))
    {
      if (g_error_matches (error, TESS_ERROR, TESS_ERROR_UNSUPPORTED))
        {
          golden_skip (c->set->golden, full, error->message);
          g_error_free (error);
        }
      else
        golden_fail (c->set->golden, full, error);
      run_finish (&run);
      return;
    }
  check_timesteps (c, run.sampler);

  /* Cells that upstream leaves uncovered are zero there. */
  noise = golden_input (c, "noise", NULL);
  whole = tess_tensor_new (TESS_F32, noise->n_dims, noise->dims, NULL);
  for (gint64 i = 0; i < run.x->dims[1] * run.x->dims[2]; i++)
    {
      gint64 channel = i / run.x->dims[2], y = i % run.x->dims[2];

      memcpy (tess_tensor_f32 (whole)
                  + (channel * noise->dims[2] + y) * noise->dims[3],
              tess_tensor_f32 (run.x) + i * run.x->dims[3],
              run.x->dims[3] * sizeof (gfloat));
    }
  golden_compare (c, "latent", whole);
  run_finish (&run);
}

/* StitchDiffusion's published canvas is [L | R | L | R], R to the left of L in
 * the picture cut out; the ring here is that picture. */
typedef struct
{
  TessMethod method;
  TessMethod *stitch;
  gboolean last; /* step with the weights of the last one */
  TessTensor *rings;
  const TessDenoise *job;
  gint64 n_calls;
} StitchRun;

static void
stitch_begin_step (TessMethod *method, gint step, gint n_steps)
{
  StitchRun *run = (StitchRun *) method;

  run->stitch->begin_step (run->stitch, step, n_steps + !run->last);
}

static void
keep_nothing (TessMethod *method)
{
}

static gboolean
keep_ring (const TessDenoiseState *state, gpointer data, GError **error)
{
  StitchRun *run = data;
  TessTensor *rings = run->rings;
  gsize n_rows = (gsize) rings->dims[1] * rings->dims[2], w = rings->dims[3];
  gfloat *dst = tess_tensor_f32 (rings) + (state->step - 1) * n_rows * w;

  for (gsize row = 0; row < n_rows; row++)
    for (gsize x = 0; x < w; x++)
      dst[row * w + x] = state->x[row * w + (x + w / 2) % w];
  return TRUE;
}

static gboolean
count_calls (const TessUnetCall *call,
             gpointer data,
             GCancellable *cancellable,
             GError **error)
{
  StitchRun *run = data;

  run->n_calls += call->n;
  return run->job->denoiser (call, run->job->denoiser_data, cancellable, error);
}

/* @x: the picture at the end; @rings (may be NULL): [L | R] after each step,
 * the last one's as if another followed, which is what the published canvas's
 * ends have. */
static gboolean
run_stitch (const GoldenCase *c,
            TessTensor *x,
            TessTensor *rings,
            gint64 *n_calls,
            GError **error)
{
  const TessSamplerSettings settings
      = { .kind = TESS_SAMPLER_DDIM,
          .n_steps = (gint) golden_number (c, "steps", 0) };
  gint w = (gint) x->dims[3], h = (gint) x->dims[2];
  g_autoptr (TessMethod) stitch = tess_stitch_new (w, h, 8, error);
  g_autoptr (TessSampler) sampler = NULL;
  TessDiffusionConfig diffusion;
  StandIn formula = { .n_prompts = 1 };
  const gint32 rows[] = { 0, 1 };
  TessDenoise inner = { .denoiser = stand_in, .denoiser_data = &formula };
  TessDenoise job;
  StitchRun run;

  if (stitch == NULL || !read_scheduler (c->set, &diffusion, error))
    return FALSE;
  sampler = tess_sampler_new (&diffusion, &settings, error);
  if (sampler == NULL)
    return FALSE;
  if (!parse_stand_in (json_node_get_string (golden_setting (c, "denoiser")),
                       &formula))
    {
      g_set_error (error, TESS_ERROR, TESS_ERROR_UNSUPPORTED,
                   "a stand-in that is not known here");
      return FALSE;
    }
  run = (StitchRun) { .method = *stitch,
                      .stitch = stitch,
                      .last = rings == NULL,
                      .rings = rings,
                      .job = &inner };
  run.method.begin_step = stitch_begin_step;
  run.method.free = keep_nothing;
  job = (TessDenoise) { .method = &run.method,
                        .sampler = sampler,
                        .denoiser = count_calls,
                        .denoiser_data = &run,
                        .channels = (gint) x->dims[1],
                        .batch = 2,
                        .positive = rows + 1,
                        .negative = rows,
                        .guidance = golden_number (c, "guidance", 7.5),
                        .stepped = rings ? keep_ring : NULL,
                        .data = &run };
  if (!tess_denoise_run (&job, x, NULL, error))
    return FALSE;
  *n_calls = run.n_calls / 2;
  return TRUE;
}

/* The ring in the order of the picture, from the published canvas's noise. */
static TessTensor *
stitch_start (TessTensor *noise, GError **error)
{
  gint64 w = noise->dims[3] / 2, half = w / 2;
  TessTensor *x
      = tess_tensor_new_nchw (1, noise->dims[1], noise->dims[2], w, error);

  for (gint64 row = 0; x && row < noise->dims[1] * noise->dims[2]; row++)
    for (gint64 q = 0; q < w; q++)
      tess_tensor_f32 (x)[row * w + q] = tess_tensor_f32 (
          noise)[row * 2 * w + (q < half ? q + 3 * half : q - half)];
  return x;
}

static void
check_stitch (const GoldenCase *c)
{
  g_autofree gchar *full = golden_title (c, "calls");
  GError *error = NULL;
  gint n_steps = (gint) golden_number (c, "steps", 0);
  g_autoptr (TessTensor) noise = golden_input (c, "noise", &error);
  g_autoptr (TessTensor) x = noise ? stitch_start (noise, &error) : NULL;
  g_autoptr (TessTensor) crop = noise ? stitch_start (noise, &error) : NULL;
  g_autoptr (TessTensor) canvas = NULL;
  g_autoptr (TessTensor) rings = NULL;
  gint64 dims[4], n_calls = 0, w;

  if (crop != NULL)
    {
      memcpy (dims, crop->dims, sizeof dims);
      dims[0] = n_steps;
      rings = tess_tensor_new (TESS_F32, 4, dims, &error);
      canvas = tess_tensor_new (TESS_F32, 4, noise->dims, &error);
    }
  if (rings == NULL || canvas == NULL
      || !run_stitch (c, x, rings, &n_calls, &error)
      || !run_stitch (c, crop, NULL, &n_calls, &error))
    {
      golden_fail (c->set->golden, full, error);
      return;
    }
  /* Published: 11 a step, of which 8 differ. */
  golden_result (
      c->set->golden, full,
      fabs ((gdouble) n_calls
            - golden_number (c, "network_calls", 0) * TESS_STITCH_VIEWS / 11.0),
      0.0);
  golden_compare (c, "rings", rings);
  golden_compare (c, "crop", crop);
  w = crop->dims[3];
  for (gint64 row = 0; row < noise->dims[1] * noise->dims[2]; row++)
    for (gint64 k = 0; k < 2 * w; k++)
      {
        TessTensor *from = k >= w / 2 && k < w / 2 + w ? crop : x;

        tess_tensor_f32 (canvas)[row * 2 * w + k]
            = tess_tensor_f32 (from)[row * w + (k + w / 2) % w];
      }
  golden_compare (c, "canvas", canvas);
}

/* What is known and nobody looked at is said. */
static void
name_unseen (const GoldenCase *c)
{
  g_autoptr (GList) names = json_object_get_members (c->outputs);

  for (GList *name = names; name != NULL; name = name->next)
    {
      g_autofree gchar *full = golden_title (c, name->data);

      if (!g_hash_table_contains (c->set->seen, name->data))
        golden_skip (c->set->golden, full, "nothing compares it");
    }
}

static void
check_case (GoldenSet *set, JsonObject *object)
{
  GoldenCase c
      = { .set = set,
          .name = json_object_get_string_member_with_default (object, "name",
                                                              "(no name)"),
          .object = object,
          .inputs = json_object_get_object_member (object, "inputs"),
          .outputs = json_object_get_object_member (object, "outputs") };
  g_autofree gchar *full = g_strdup_printf ("%s %s", set->label, c.name);
  gboolean known = TRUE;

  if (!golden_wants (set->golden, full))
    return;
  if (c.inputs == NULL || c.outputs == NULL)
    {
      golden_skip (set->golden, full, "no inputs or outputs");
      return;
    }
  set->seen = g_hash_table_new (g_str_hash, g_str_equal);
  if (json_object_has_member (c.outputs, "views"))
    check_views (&c);
  else if (json_object_has_member (c.outputs, "latent")
           && json_object_has_member (c.inputs, "window")
           && json_object_has_member (c.inputs, "stride"))
    check_latent (&c);
  else if (json_object_has_member (c.outputs, "rings"))
    check_stitch (&c);
  else if (!golden_stablesr (&c) && !golden_instance (&c))
    {
      golden_skip (set->golden, full, "a family that is not built yet");
      known = FALSE;
    }
  if (known)
    name_unseen (&c);
  g_clear_pointer (&set->seen, g_hash_table_unref);
}

static JsonObject *
root_of (JsonParser *parser)
{
  JsonNode *node = json_parser_get_root (parser);

  return node != NULL && JSON_NODE_HOLDS_OBJECT (node)
             ? json_node_get_object (node)
             : NULL;
}

void
golden_synthetic (Golden *golden, const gchar *path)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autofree gchar *folder = g_path_get_dirname (path);
  g_autofree gchar *label = g_path_get_basename (path);
  g_autofree gchar *tensors = NULL;
  g_autoptr (TessTensorFile) file = NULL;
  GError *error = NULL;
  GoldenSet set = { .golden = golden, .path = path, .label = label };
  JsonArray *cases;

  *strrchr (label, '.') = '\0';
  if (!json_parser_load_from_file (parser, path, &error))
    {
      golden_fail (golden, label, error);
      return;
    }
  set.root = root_of (parser);
  if (set.root == NULL || !json_object_has_member (set.root, "cases")
      || !json_object_has_member (set.root, "file"))
    return; /* not a file of cases */
  tensors = g_build_filename (
      folder, json_object_get_string_member (set.root, "file"), NULL);
  file = tess_tensor_file_open (tensors, &error);
  if (file == NULL)
    {
      golden_fail (golden, label, error);
      return;
    }
  set.file = file;
  cases = json_object_get_array_member (set.root, "cases");
  for (guint i = 0; i < json_array_get_length (cases); i++)
    check_case (&set, json_array_get_object_element (cases, i));
  tess_model_unref (set.model);
}
