/* SPDX-License-Identifier: GPL-3.0-or-later
 * tools/golden-stablesr.c: cases of StableSR: its modules, the wrapped
 * decoder, what is done to pictures. */
#include "core/colour-fix.h"
#include "core/error.h"
#include "core/model-synthetic.h"
#include "core/multidiffusion.h"
#include "core/structure-net.h"
#include "core/vae-fusion.h"
#include "core/vae.h"
#include "tools/golden-stablesr.h"

#include <math.h>
#include <string.h>

TessBuffer *
golden_map (const GoldenCase *c, const gchar *name, GError **error)
{
  g_autoptr (TessTensor) x = golden_input (c, name, error);
  TessShape shape;
  TessBuffer *buffer;

  if (x == NULL)
    return NULL;
  shape = (TessShape) { (gint) x->dims[0], (gint) x->dims[2], (gint) x->dims[3],
                        (gint) x->dims[1] };
  buffer = tess_buffer_new (c->set->golden->backend, TESS_F32, &shape, error);
  if (buffer != NULL)
    tess_buffer_write_nchw (buffer, 0, shape.n, x->data);
  return buffer;
}

static TessBuffer *
store (const GoldenCase *c,
       TessProgram *program,
       TessValue *value,
       GError **error)
{
  TessBuffer *buffer = tess_buffer_new (c->set->golden->backend, TESS_F32,
                                        tess_value_shape (value), error);

  if (buffer != NULL)
    tess_store (program, value, buffer);
  return buffer;
}

static gboolean
run_program (const GoldenCase *c, TessProgram *program, GError **error)
{
  g_autoptr (TessExec) exec
      = tess_backend_compile (c->set->golden->backend, program, error);

  return exec != NULL && tess_exec_run (exec, NULL, error);
}

static void
compare_buffer (const GoldenCase *c, const gchar *name, TessBuffer *buffer)
{
  const TessShape *shape = tess_buffer_shape (buffer);
  g_autofree gfloat *planes = g_new (gfloat, tess_shape_n_elements (shape));

  tess_buffer_read_nchw (buffer, 0, shape->n, planes);
  golden_compare_numbers (c, name, planes);
}

gboolean
golden_run_value (const GoldenCase *c,
                  TessProgram *program,
                  TessValue *value,
                  const gchar *name,
                  GError **error)
{
  g_autoptr (TessBuffer) buffer = store (c, program, value, error);

  if (buffer == NULL || !run_program (c, program, error))
    return FALSE;
  compare_buffer (c, name, buffer);
  return TRUE;
}

/* --- modulation, residual block ------------------------------------------ */

typedef struct
{
  const gchar *then, *now; /* upstream's name, Tessera's */
  TessPart part;
  gint64 dims[4];
} Weight;

/* Formula weights under the case's prefix, as Tessera calls them. */
static TessModel *
make_block (const GoldenCase *c, const Weight *weights, gsize n, GError **error)
{
  const gchar *prefix
      = json_object_get_string_member (c->object, "weight_prefix");
  g_autoptr (TessModel) model = NULL;

  for (gsize i = 0; i < n; i++)
    {
      g_autofree gchar *hashed = g_strconcat (prefix, weights[i].then, NULL);
      g_autoptr (TessTensorFile) file = tess_tensor_file_new ("formula");
      g_autoptr (TessTensor) tensor = NULL;
      gint n_dims = 0;

      while (n_dims < 4 && weights[i].dims[n_dims] > 0)
        n_dims++;
      if (n_dims == 0)
        continue;
      tensor = tess_formula_tensor (hashed, n_dims, weights[i].dims, error);
      if (tensor == NULL)
        return NULL;
      tess_tensor_file_add (file, weights[i].now, tensor);
      if (model == NULL)
        model = tess_model_add_formula (NULL, weights[i].part, file, error);
      else if (tess_model_add_formula (model, weights[i].part, file, error)
               == NULL)
        return NULL;
    }
  return g_steal_pointer (&model);
}

#define HIDDEN 128
#define SPADE(prefix, ch, map)                                                 \
  { prefix "param_free_norm.weight",                                           \
    "block.spade.param_free_norm.weight",                                      \
    TESS_PART_STRUCTURE,                                                       \
    { ch } },                                                                  \
      { prefix "param_free_norm.bias",                                         \
        "block.spade.param_free_norm.bias",                                    \
        TESS_PART_STRUCTURE,                                                   \
        { ch } },                                                              \
      { prefix "mlp_shared.0.weight",                                          \
        "block.spade.mlp_shared.0.weight",                                     \
        TESS_PART_STRUCTURE,                                                   \
        { HIDDEN, map, 3, 3 } },                                               \
      { prefix "mlp_shared.0.bias",                                            \
        "block.spade.mlp_shared.0.bias",                                       \
        TESS_PART_STRUCTURE,                                                   \
        { HIDDEN } },                                                          \
      { prefix "mlp_gamma.weight",                                             \
        "block.spade.mlp_gamma.weight",                                        \
        TESS_PART_STRUCTURE,                                                   \
        { ch, HIDDEN, 3, 3 } },                                                \
      { prefix "mlp_gamma.bias",                                               \
        "block.spade.mlp_gamma.bias",                                          \
        TESS_PART_STRUCTURE,                                                   \
        { ch } },                                                              \
      { prefix "mlp_beta.weight",                                              \
        "block.spade.mlp_beta.weight",                                         \
        TESS_PART_STRUCTURE,                                                   \
        { ch, HIDDEN, 3, 3 } },                                                \
  {                                                                            \
    prefix "mlp_beta.bias", "block.spade.mlp_beta.bias", TESS_PART_STRUCTURE,  \
    {                                                                          \
      ch                                                                       \
    }                                                                          \
  }

static gint64
config_number (const GoldenCase *c, const gchar *name)
{
  return json_object_get_int_member (
      json_object_get_object_member (c->object, "config"), name);
}

static gboolean
run_modulation (const GoldenCase *c, GError **error)
{
  gint64 ch = config_number (c, "C"),
         map_ch = config_number (c, "map_channels");
  const Weight weights[] = { SPADE ("", ch, map_ch) };
  g_autoptr (TessModel) model
      = make_block (c, weights, G_N_ELEMENTS (weights), error);
  g_autoptr (TessProgram) program = tess_program_new ("spade", TESS_F32);
  g_autoptr (TessBuffer) h = NULL;
  g_autoptr (TessBuffer) map = NULL;

  h = model ? golden_map (c, "h", error) : NULL;
  map = h ? golden_map (c, "map", error) : NULL;
  return map != NULL
         && golden_run_value (
             c, program,
             tess_structure_record_modulation (model, program, "block",
                                               tess_input (program, h),
                                               tess_input (program, map), NULL),
             "y", error);
}

static gboolean
run_resblock (const GoldenCase *c, GError **error)
{
  gint64 ci = config_number (c, "ci"), co = config_number (c, "co");
  gint64 time = config_number (c, "emb");
  gint64 map_ch = config_number (c, "map_channels"), skip = ci != co ? co : 0;
  const Weight weights[] = {
    { "in_layers.0.weight", "block.norm1.weight", TESS_PART_UNET, { ci } },
    { "in_layers.0.bias", "block.norm1.bias", TESS_PART_UNET, { ci } },
    { "in_layers.2.weight",
      "block.conv1.weight",
      TESS_PART_UNET,
      { co, ci, 3, 3 } },
    { "in_layers.2.bias", "block.conv1.bias", TESS_PART_UNET, { co } },
    { "emb_layers.1.weight",
      "block.time_emb_proj.weight",
      TESS_PART_UNET,
      { co, time } },
    { "emb_layers.1.bias", "block.time_emb_proj.bias", TESS_PART_UNET, { co } },
    { "out_layers.0.weight", "block.norm2.weight", TESS_PART_UNET, { co } },
    { "out_layers.0.bias", "block.norm2.bias", TESS_PART_UNET, { co } },
    { "out_layers.3.weight",
      "block.conv2.weight",
      TESS_PART_UNET,
      { co, co, 3, 3 } },
    { "out_layers.3.bias", "block.conv2.bias", TESS_PART_UNET, { co } },
    { "skip_connection.weight",
      "block.conv_shortcut.weight",
      TESS_PART_UNET,
      { skip, ci, 1, 1 } },
    { "skip_connection.bias",
      "block.conv_shortcut.bias",
      TESS_PART_UNET,
      { skip } },
    SPADE ("spade.", co, map_ch),
  };
  g_autoptr (TessModel) model
      = make_block (c, weights, G_N_ELEMENTS (weights), error);
  g_autoptr (TessTensor) emb = model ? golden_input (c, "emb", error) : NULL;
  g_autoptr (TessProgram) program = tess_program_new ("block", TESS_F32);
  TessNet net = { model, TESS_PART_UNET, program, 32 };
  TessShape shape = { 1, 1, 1, (gint) time };
  g_autoptr (TessBuffer) x = NULL;
  g_autoptr (TessBuffer) map = NULL;
  g_autoptr (TessBuffer) row = NULL;
  TessValue *src, *h;

  x = emb ? golden_map (c, "x", error) : NULL;
  map = x ? golden_map (c, "map", error) : NULL;
  row = map ? tess_buffer_new (c->set->golden->backend, TESS_F32, &shape, error)
            : NULL;
  if (row == NULL)
    return FALSE;
  tess_buffer_write (row, 0, 1, emb->data);
  src = tess_input (program, x);
  h = tess_activate (program, tess_input (program, row), TESS_ACT_SILU);
  h = tess_net_time_row (&net, "block", h);
  h = tess_net_resnet_head (&net, "block", src, h, 1e-5f);
  h = tess_structure_record_tail (&net, "block", src, h,
                                  tess_input (program, map));
  return golden_run_value (c, program, h, "y", error);
}

/* --- the structure's encoder --------------------------------------------- */

static TessModel *
make_encoder (const GoldenCase *c, GError **error)
{
  g_autofree gchar *folder = g_path_get_dirname (c->set->path);
  g_autofree gchar *path = g_build_filename (
      folder, json_object_get_string_member (c->object, "tensors"), NULL);
  g_autoptr (TessTensorFile) file = tess_formula_file (path, "", error);

  return file != NULL
             ? tess_model_add_formula (NULL, TESS_PART_STRUCTURE, file, error)
             : NULL;
}

static TessBuffer *
make_row (const GoldenCase *c, gint n, GError **error)
{
  TessShape shape = { 1, 1, 1, n };

  return tess_buffer_new (c->set->golden->backend, TESS_F32, &shape, error);
}

static gboolean
run_maps (const GoldenCase *c, TessStructureNet *net, GError **error)
{
  g_autoptr (TessProgram) times = tess_program_new ("times", TESS_F32);
  g_autoptr (TessProgram) program = tess_program_new ("maps", TESS_F32);
  g_autofree gfloat *numbers = g_new (gfloat, net->config->width);
  g_autoptr (TessBuffer) waves = make_row (c, net->config->width, error);
  g_autoptr (TessBuffer) row
      = waves ? make_row (c, net->row_size, error) : NULL;
  g_autoptr (TessBuffer) z = row ? golden_map (c, "z", error) : NULL;
  TessBuffer *buffers[TESS_MAX_LEVELS] = { NULL };
  TessValue *maps[TESS_MAX_LEVELS];
  gboolean ok;

  if (z == NULL)
    return FALSE;
  tess_structure_net_waves (net, golden_number (c, "timestep", 0), numbers);
  tess_buffer_write (waves, 0, 1, numbers);
  tess_structure_net_record_times (net, times, waves, row);
  if (!run_program (c, times, error))
    return FALSE;
  tess_structure_net_record_maps (net, program, tess_input (program, z),
                                  tess_input (program, row), maps);
  for (gint i = 0; i < net->config->n_levels; i++)
    buffers[i] = store (c, program, maps[i], NULL);
  ok = run_program (c, program, error);
  for (gint i = 0; i < net->config->n_levels; i++)
    {
      g_autofree gchar *name
          = g_strdup_printf ("map%d", tess_value_shape (maps[i])->w);

      if (ok)
        compare_buffer (c, name, buffers[i]);
      tess_buffer_unref (buffers[i]);
    }
  return ok;
}

static gboolean
run_encoder (const GoldenCase *c, GError **error)
{
  g_autoptr (TessModel) model = make_encoder (c, error);
  TessStructureNet net;
  gboolean ok;

  if (model == NULL)
    return FALSE;
  tess_structure_net_init (&net, model);
  ok = run_maps (c, &net, error);
  tess_structure_net_finish (&net);
  return ok;
}

/* --- fusions ------------------------------------------------------------- */

static TessModel *
make_fusions (gint growth, gint n_blocks, GError **error)
{
  const TessFusionConfig published = { .n_layers = 2,
                                       .channels = { 256, 512 },
                                       .n_blocks = n_blocks,
                                       .growth = growth };
  g_autoptr (GArray) layout = tess_layout_fusion (&published);
  g_autoptr (TessTensorFile) file = tess_tensor_file_new ("formula");

  for (guint i = 0; i < layout->len; i++)
    {
      const TessLayoutEntry *entry
          = &g_array_index (layout, TessLayoutEntry, i);
      g_autoptr (TessTensor) tensor = tess_formula_tensor (
          entry->name, entry->n_dims, entry->dims, error);

      if (tensor == NULL)
        return NULL;
      tess_tensor_file_add (file, entry->name, tensor);
    }
  return tess_model_add_formula (NULL, TESS_PART_FUSION, file, error);
}

static TessBuffer *
make_number (const GoldenCase *c, gdouble number, GError **error)
{
  TessBuffer *buffer = make_row (c, 1, error);
  gfloat value = (gfloat) number;

  if (buffer != NULL)
    tess_buffer_write (buffer, 0, 1, &value);
  return buffer;
}

static gboolean
run_fusion (const GoldenCase *c, GError **error)
{
  gint k = config_number (c, "C") == 256 ? 1 : 2;
  g_autoptr (TessModel) model
      = make_fusions ((gint) config_number (c, "growth"),
                      (gint) config_number (c, "num_block"), error);
  g_autoptr (TessProgram) program = tess_program_new ("fusion", TESS_F32);
  g_autoptr (TessBuffer) feature
      = model ? golden_map (c, "encoder", error) : NULL;
  g_autoptr (TessBuffer) state
      = feature ? golden_map (c, "decoder", error) : NULL;
  g_autoptr (TessBuffer) fifth = make_number (c, 0.2, NULL);
  g_autoptr (TessBuffer) fidelity
      = make_number (c, golden_number (c, "w", 0), NULL);
  GArray *units = g_array_new (FALSE, FALSE, sizeof (TessVaeUnit));
  const TessVaeConfig config = { .norm_groups = 32 };
  TessVaeNet net = { .model = model, .config = &config };
  const TessVaeFactors factors = { fifth, fidelity };
  const TessVaeBinding binding = { .fusion = &factors };
  TessVaeSpan span = { 0 };
  TessVaeRecording r = { .layers = { model, TESS_PART_VAE, program, 32 },
                         .net = &net,
                         .span = &span,
                         .binding = &binding };
  TessValue *x;
  gboolean ok;

  if (state == NULL)
    {
      g_array_unref (units);
      return FALSE;
    }
  tess_vae_fusion_add_units (&net, units, k);
  net.n_units = (gint) units->len;
  net.units = (TessVaeUnit *) (gpointer) units->data;
  x = tess_input (program, state);
  span.canvas.h = r.rect.y1 = tess_value_shape (x)->h;
  span.canvas.w = r.rect.x1 = tess_value_shape (x)->w;
  for (gint u = 0; u < net.n_units; u++)
    x = tess_vae_fusion_record (&r, u, FALSE, tess_input (program, feature), x);
  ok = golden_run_value (c, program, x, "y", error);
  for (gint u = 0; u < net.n_units; u++)
    g_free (net.units[u].path);
  g_array_unref (units);
  return ok;
}

/* --- encoder and decoder ------------------------------------------------- */

static gboolean
read_rect (gint x,
           gint y,
           gint w,
           gint h,
           gfloat *planes,
           gpointer data,
           GError **error)
{
  const TessTensor *tensor = data;

  for (gint k = 0; k < (gint) tensor->dims[1]; k++)
    for (gint row = 0; row < h; row++, planes += w)
      tess_tensor_read_f32 (
          tensor, ((gsize) k * tensor->dims[2] + y + row) * tensor->dims[3] + x,
          w, planes);
  return TRUE;
}

static gboolean
write_rect (gint x,
            gint y,
            gint w,
            gint h,
            const gfloat *planes,
            gpointer data,
            GError **error)
{
  TessTensor *tensor = data;

  for (gint k = 0; k < (gint) tensor->dims[1]; k++)
    for (gint row = 0; row < h; row++, planes += w)
      memcpy (tess_tensor_f32 (tensor)
                  + ((gsize) k * tensor->dims[2] + y + row) * tensor->dims[3]
                  + x,
              planes, w * sizeof *planes);
  return TRUE;
}

/* The encoder's map that the change of size after level @k reads. */
static gboolean
run_feature (const GoldenCase *c, TessModel *model, gint k, GError **error)
{
  g_autofree gchar *name = g_strdup_printf ("E%d", k);
  g_autoptr (TessProgram) program = tess_program_new ("feature", TESS_F32);
  g_autoptr (TessBuffer) image = golden_map (c, "image", error);
  TessVaeSpan span = { 0 };
  TessVaeBinding binding = { 0 };
  TessVaeRect rect;
  TessVaeNet net;
  TessValue *x;
  gboolean ok;

  if (image == NULL)
    return FALSE;
  tess_vae_net_init (&net, model, TRUE);
  binding.src = tess_input (program, image);
  span.canvas.h = span.tile.y1 = tess_buffer_shape (image)->h / 8;
  span.canvas.w = span.tile.x1 = tess_buffer_shape (image)->w / 8;
  for (gint seen = 0; seen <= k; span.last++)
    seen += net.units[span.last].kind == TESS_VAE_DOWN;
  span.last--;
  x = tess_vae_net_record (&net, program, &span, &binding, &rect, NULL);
  ok = golden_run_value (c, program, x, name, error);
  tess_vae_net_finish (&net);
  return ok;
}

static gboolean
run_vae (const GoldenCase *c, GError **error)
{
  g_autofree gchar *folder = g_path_get_dirname (c->set->path);
  g_autofree gchar *path = g_build_filename (
      folder, json_object_get_string_member (c->object, "tensors"), NULL);
  g_autoptr (TessModel) model = tess_model_new_formula_vae (path, error);
  g_autoptr (TessTensor) image
      = model ? golden_input (c, "image", error) : NULL;
  g_autoptr (TessTensor) z = image ? golden_input (c, "z", error) : NULL;
  g_autoptr (TessTensor) mean = NULL;
  g_autoptr (TessTensor) logvar = NULL;
  g_autoptr (TessTensor) painted = NULL;
  g_autoptr (TessVae) vae = NULL;
  const TessVaeLook look = { golden_number (c, "w", 0), read_rect, image };
  const TessVaeSettings settings = { 0 };

  if (z == NULL)
    return FALSE;
  vae = tess_vae_new (model, c->set->golden->backend, error);
  painted = tess_tensor_new (TESS_F32, 4, image->dims, error);
  if (vae == NULL || painted == NULL
      || !tess_vae_encode (vae, (gint) image->dims[3], (gint) image->dims[2],
                           read_rect, image, &settings, &mean, &logvar, error))
    return FALSE;
  golden_compare (c, "mean", mean);
  golden_compare (c, "logvar", logvar);
  if (!run_feature (c, model, 1, error) || !run_feature (c, model, 2, error)
      || !tess_vae_decode_fused (vae, z, &look, &settings, write_rect, painted,
                                 error))
    return FALSE;
  golden_compare (c, "image", painted);
  return TRUE;
}

/* --- pictures ------------------------------------------------------------ */

/* A picture as large as itself. */
static TessEnlarged
as_it_is (TessTensor *x)
{
  gint w = (gint) x->dims[3], h = (gint) x->dims[2];

  return (TessEnlarged) { .src = tess_tensor_f32 (x),
                          .channels = (gint) x->dims[1],
                          .src_w = w,
                          .src_h = h,
                          .width = w,
                          .height = h,
                          .padded_w = w,
                          .padded_h = h };
}

/* What the case's note does to the style. */
static void
tilt (TessTensor *x)
{
  gint w = (gint) x->dims[3], h = (gint) x->dims[2];
  gfloat *numbers = tess_tensor_f32 (x);

  for (gsize i = 0; i < tess_tensor_n_elements (x); i++)
    {
      gdouble across = i % w * 2.0 / (w - 1) - 1.0;
      gdouble down = i / w % h * 2.0 / (h - 1) - 1.0;

      numbers[i] = (gfloat) (0.3 * numbers[i] + 0.4 * down - 0.2 * across);
    }
}

static gboolean
run_colours (const GoldenCase *c, GError **error)
{
  gboolean wavelet = golden_has_output (c, "low5");
  g_autoptr (TessTensor) content = golden_input (c, "content", error);
  g_autoptr (TessTensor) style
      = content ? golden_input (c, "style", error) : NULL;
  g_autoptr (TessTensor) low
      = wavelet ? golden_input (c, "content", NULL) : NULL;
  TessEnlarged whole;

  if (style == NULL)
    return FALSE;
  tilt (style);
  whole = as_it_is (style);
  /* A height of bands that divides nothing. */
  if (!tess_colour_fix (wavelet ? TESS_COLOUR_WAVELET : TESS_COLOUR_ADAIN,
                        tess_tensor_f32 (content), whole.width, whole.height,
                        &whole, 13, NULL, error))
    return FALSE;
  golden_compare (c, "y", content);
  for (gint k = 0; low != NULL && k < (gint) low->dims[1]; k++)
    tess_wavelet_low (tess_tensor_f32 (low)
                          + (gsize) k * whole.width * whole.height,
                      whole.width, whole.height);
  if (low != NULL)
    golden_compare (c, "low5", low);
  return TRUE;
}

static gboolean
run_weights (const GoldenCase *c, GError **error)
{
  gint w = (gint) golden_number (c, "tile_width", 1);
  gint h = (gint) golden_number (c, "tile_height", 1);
  g_autofree gfloat *all = g_new (gfloat, (gsize) w * h);
  g_autofree gfloat *column = g_new (gfloat, h);
  g_autofree gfloat *row = g_new (gfloat, w);
  gdouble scale = 1.0 / sqrt (2.0 * G_PI * 0.01);

  for (gint y = 0; y < h; y++)
    for (gint x = 0; x < w; x++)
      {
        gdouble g_y
            = scale * tess_tile_weight (TESS_WEIGHT_GAUSSIAN, y, h, 0.5);
        gdouble g_x
            = scale * tess_tile_weight (TESS_WEIGHT_GAUSSIAN, x, w, 0.0);

        all[y * w + x] = (gfloat) (g_y * g_x);
      }
  for (gint y = 0; y < h; y++)
    column[y] = all[y * w + w / 2];
  memcpy (row, all + h / 2 * w, w * sizeof *row);
  golden_compare_numbers (c, "weights", all);
  golden_compare_numbers (c, "column", column);
  golden_compare_numbers (c, "row", row);
  return TRUE;
}

/* Tiles of pixels, each changed by a formula, put together by weights. */
static gboolean
run_split (const GoldenCase *c, GError **error)
{
  gint size = (gint) golden_number (c, "size", 0);
  gint stride = (gint) golden_number (c, "stride", 0), n;
  g_autoptr (TessTensor) image = golden_input (c, "image", error);
  TessTileSettings settings = { .tile_w = size,
                                .tile_h = size,
                                .overlap_x = size - stride,
                                .overlap_y = size - stride,
                                .grid_x = TESS_GRID_ANCHORED,
                                .grid_y = TESS_GRID_ANCHORED };
  g_autoptr (TessTilePlan) plan = NULL;
  g_autofree gint64 *sum = NULL;
  g_autofree gfloat *starts = NULL;
  g_autofree gfloat *tile = NULL;
  TessBlend *blend;

  if (image == NULL)
    return FALSE;
  n = (gint) tess_tensor_n_elements (image);
  settings.width = (gint) image->dims[3];
  settings.height = (gint) image->dims[2];
  plan = tess_tile_plan_new (&settings, error);
  if (plan == NULL)
    return FALSE;
  blend = tess_blend_new (plan, TESS_WEIGHT_GAUSSIAN, 0.5);
  sum = g_new0 (gint64, n);
  tile = g_new (gfloat, (gsize) image->dims[1] * size * size);
  starts = g_new (gfloat, 4 * plan->n_tiles);
  for (gint k = 0; k < plan->n_tiles; k++)
    {
      /* There columns run fastest. */
      gint i = k % plan->n_y * plan->n_x + k / plan->n_y;
      TessTile at = tess_tile_plan_tile (plan, i);

      tess_blend_gather (plan, i, (gint) image->dims[1],
                         tess_tensor_f32 (image), tile);
      for (gint j = 0; j < (gint) image->dims[1] * size * size; j++)
        tile[j] = (gfloat) (tile[j] * (0.5 + 0.25 * (k % 5)) + 0.01 * k);
      tess_blend_add (blend, plan, i, (gint) image->dims[1], tile, NULL, sum);
      starts[4 * k] = (gfloat) at.y;
      starts[4 * k + 1] = (gfloat) (at.y + at.h);
      starts[4 * k + 2] = (gfloat) at.x;
      starts[4 * k + 3] = (gfloat) (at.x + at.w);
    }
  tess_blend_read (sum, tess_tensor_f32 (image), n);
  tess_blend_free (blend);
  golden_compare_numbers (c, "starts", starts);
  golden_compare (c, "y", image);
  return TRUE;
}

static void
compare_enlarged (const GoldenCase *c,
                  const gchar *name,
                  const TessEnlarged *e,
                  gint w,
                  gint h)
{
  g_autofree gfloat *planes = g_new (gfloat, (gsize) e->channels * w * h);
  gint half = h / 2;

  /* In two parts, as tiles ask for it. */
  for (gint part = 0; part < 2; part++)
    {
      gint y = part * half, rows = part ? h - half : half;
      g_autofree gfloat *some
          = g_new (gfloat, (gsize) e->channels * w * MAX (rows, 1));

      tess_enlarged_read (e, 0, y, w, rows, some);
      for (gint k = 0; k < e->channels; k++)
        memcpy (planes + ((gsize) k * h + y) * w, some + (gsize) k * rows * w,
                (gsize) rows * w * sizeof *some);
    }
  golden_compare_numbers (c, name, planes);
}

static gboolean
run_enlarge (const GoldenCase *c, GError **error)
{
  g_autoptr (TessTensor) image = golden_input (c, "image", error);
  JsonNode *size = golden_setting (c, "size");
  TessEnlarged e;

  if (image == NULL)
    return FALSE;
  e = as_it_is (image);
  if (size != NULL)
    {
      JsonArray *sides = json_node_get_array (size);

      e.height = e.padded_h = (gint) json_array_get_int_element (sides, 0);
      e.width = e.padded_w = (gint) json_array_get_int_element (sides, 1);
      e.high = 1.0f;
      compare_enlarged (c, "y", &e, e.width, e.height);
      return TRUE;
    }
  e.low = -1.0f;
  e.high = 1.0f;
  if (!tess_enlarged_sizes (&e, golden_number (c, "upscale", 1),
                            (gint) golden_number (c, "input_size", 1), 32))
    {
      g_set_error (error, TESS_ERROR, TESS_ERROR_SHAPE, "sizes do not fit");
      return FALSE;
    }
  compare_enlarged (c, "resized", &e, e.width, e.height);
  compare_enlarged (c, "padded", &e, e.padded_w, e.padded_h);
  return TRUE;
}

gboolean
golden_stablesr (const GoldenCase *c)
{
  const struct
  {
    gboolean here;
    gboolean (*run) (const GoldenCase *c, GError **error);
  } kinds[] = {
    { golden_has_input (c, "h") && golden_has_input (c, "map"),
      run_modulation },
    { golden_has_input (c, "emb") && golden_has_input (c, "map"),
      run_resblock },
    { golden_has_input (c, "timestep") && golden_has_input (c, "z")
          && !golden_has_input (c, "x"),
      run_encoder },
    { golden_has_input (c, "encoder") && golden_has_input (c, "decoder"),
      run_fusion },
    { golden_has_output (c, "E1"), run_vae },
    { golden_has_input (c, "content") && golden_has_input (c, "style"),
      run_colours },
    { golden_has_input (c, "tile_width"), run_weights },
    { golden_has_input (c, "tile_function"), run_split },
    { golden_has_output (c, "padded") || g_str_equal (c->name, "shrink"),
      run_enlarge },
  };

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (kinds[i].here)
      {
        GError *error = NULL;

        if (!kinds[i].run (c, &error))
          golden_case_fail (c, "run", error);
        return TRUE;
      }
  return golden_stablesr_run (c);
}
