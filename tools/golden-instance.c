/* SPDX-License-Identifier: GPL-3.0-or-later
 * tools/golden-instance.c: cases of InstanceDiffusion: the tokenizer and its
 * parts, fusers, ScaleU, whole networks. */
#include "core/error.h"
#include "core/grounding-net.h"
#include "core/grounding.h"
#include "core/model-synthetic.h"
#include "core/unet.h"
#include "tools/golden-instance.h"

#include <math.h>
#include <string.h>

/* --- slots --------------------------------------------------------------- */

void
golden_slots_finish (GoldenSlots *slots)
{
  g_clear_pointer (&slots->text, tess_tensor_unref);
  g_clear_pointer (&slots->boxes, tess_tensor_unref);
  g_clear_pointer (&slots->points, tess_tensor_unref);
  g_clear_pointer (&slots->scribbles, tess_tensor_unref);
  g_clear_pointer (&slots->polygons, tess_tensor_unref);
  g_clear_pointer (&slots->masks, g_free);
}

/* Stored masks, each cell for a square of pixels, at their slots' places. */
static gboolean
read_masks (const GoldenCase *c, GoldenSlots *slots, GError **error)
{
  JsonObject *input;
  JsonArray *list;
  g_autoptr (TessTensor) cells = NULL;
  gint side, cell;

  if (!golden_has_input (c, "mask_cells"))
    return TRUE;
  cells = golden_input (c, "mask_cells", error);
  if (cells == NULL)
    return FALSE;
  input = json_object_get_object_member (c->inputs, "mask_cells");
  list = json_object_get_array_member (input, "slots");
  cell = (gint) json_object_get_int_member (input, "cell");
  side = (gint) cells->dims[2] * cell;
  slots->masks = g_new0 (guint8, TESS_MAX_SLOTS * (gsize) side * side);
  for (guint k = 0; k < json_array_get_length (list); k++)
    {
      gint slot = (gint) json_array_get_int_element (list, k);
      guint8 *dst = slots->masks + (gsize) slot * side * side;
      const gfloat *src
          = tess_tensor_f32 (cells) + k * cells->dims[1] * cells->dims[2];

      for (gint y = 0; y < side; y++)
        for (gint x = 0; x < side; x++)
          dst[y * side + x] = src[y / cell * cells->dims[2] + x / cell] != 0.0f;
      slots->slots[slot].mask = dst;
    }
  return TRUE;
}

/* Points of a slot; NULL where all are zero. */
static const gfloat *
points_of (TessTensor *all, gint slot)
{
  gint64 n = all->dims[all->n_dims - 1];
  const gfloat *points = tess_tensor_f32 (all) + slot * n;

  for (gint64 i = 0; i < n; i++)
    if (points[i] != 0.0f)
      return points;
  return NULL;
}

gboolean
golden_slots_read (const GoldenCase *c, GoldenSlots *slots, GError **error)
{
  g_autoptr (TessTensor) used = NULL;
  gint n;

  memset (slots, 0, sizeof *slots);
  slots->text = golden_input (c, "text", error);
  slots->boxes = slots->text ? golden_input (c, "boxes", error) : NULL;
  slots->points = slots->boxes ? golden_input (c, "points", error) : NULL;
  slots->scribbles
      = slots->points ? golden_input (c, "scribbles", error) : NULL;
  slots->polygons
      = slots->scribbles ? golden_input (c, "polygons", error) : NULL;
  if (slots->polygons == NULL)
    return FALSE;
  if (golden_has_input (c, "slot_mask"))
    {
      used = golden_input (c, "slot_mask", error);
      if (used == NULL)
        return FALSE;
    }
  n = (gint) slots->text->dims[slots->text->n_dims - 2];
  slots->n = n;
  for (gint i = 0; i < n; i++)
    {
      TessSlot *slot = &slots->slots[i];

      slot->text = tess_tensor_f32 (slots->text)
                   + i * slots->text->dims[slots->text->n_dims - 1];
      slot->used = used == NULL || tess_tensor_f32 (used)[i] != 0.0f;
      memcpy (slot->box, tess_tensor_f32 (slots->boxes) + 4 * i,
              sizeof slot->box);
      memcpy (slot->point, tess_tensor_f32 (slots->points) + 2 * i,
              sizeof slot->point);
      slot->scribble = points_of (slots->scribbles, i);
      slot->polygon = points_of (slots->polygons, i);
    }
  return read_masks (c, slots, error);
}

TessFormat
golden_formats (const GoldenCase *c)
{
  static const struct
  {
    const gchar *preset;
    TessFormat formats;
  } presets[] = {
    { "box", TESS_FORMAT_BOX | TESS_FORMAT_POINT },
    { "point", TESS_FORMAT_POINT },
    { "mask", TESS_FORMAT_BOX | TESS_FORMAT_POINT | TESS_FORMAT_MASK },
    { "scribble", TESS_FORMAT_BOX | TESS_FORMAT_POINT | TESS_FORMAT_SCRIBBLE
                      | TESS_FORMAT_MASK },
  };
  const gchar *preset = golden_text (c, "preset");

  for (guint i = 0; i < G_N_ELEMENTS (presets); i++)
    if (g_strcmp0 (preset, presets[i].preset) == 0)
      return presets[i].formats;
  return 0;
}

/* --- models -------------------------------------------------------------- */

static gboolean
make_tokenizer (GoldenSet *set, GError **error)
{
  g_autofree gchar *folder = g_path_get_dirname (set->path);
  g_autofree gchar *path
      = g_build_filename (folder, "position_net.tensors.json", NULL);
  g_autoptr (TessTensorFile) file = NULL;

  if (set->model != NULL)
    return TRUE;
  file = tess_formula_file (path, "", error);
  if (file != NULL)
    set->model = tess_model_new_formula_instance (file, error);
  return set->model != NULL;
}

gboolean
golden_make_network (GoldenSet *set, GError **error)
{
  if (set->model == NULL)
    set->model = tess_model_new_formula (set->path, error);
  return set->model != NULL;
}

/* --- the tokenizer's parts ----------------------------------------------- */

static void
check_fourier (const GoldenCase *c)
{
  GError *error = NULL;
  g_autoptr (TessTensor) x = golden_input (c, "x", &error);
  JsonObject *input;
  g_autofree gfloat *y = NULL;
  gint64 n, d;

  if (x == NULL)
    {
      golden_case_fail (c, "y", error);
      return;
    }
  n = x->dims[1];
  d = x->dims[2];
  input = json_object_get_object_member (c->inputs, "x");
  if (json_object_has_member (input, "note")) /* row 0 is 0, row 1 is 1 */
    for (gint64 i = 0; i < 2 * d; i++)
      tess_tensor_f32 (x)[i] = i / d;
  y = g_new (gfloat, n * d * 32);
  for (gint64 i = 0; i < n; i++)
    tess_grounding_fourier (tess_tensor_f32 (x) + i * d, (gint) d,
                            y + i * d * 32);
  golden_compare_numbers (c, "y", y);
}

/* Channels last -> planes. */
static gfloat *
read_planes (TessBuffer *buffer)
{
  gfloat *planes
      = g_new (gfloat, tess_shape_n_elements (tess_buffer_shape (buffer)));

  tess_buffer_read_nchw (buffer, 0, tess_buffer_shape (buffer)->n, planes);
  return planes;
}

/* A buffer that gets @value. */
static TessBuffer *
store (const GoldenCase *c, TessProgram *program, TessValue *value)
{
  TessBuffer *buffer = tess_buffer_new (c->set->golden->backend, TESS_F32,
                                        tess_value_shape (value), NULL);

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

static gboolean
run_trunk (const GoldenCase *c, GoldenSlots *slots, GError **error)
{
  static const gchar *const names[]
      = { "in_conv", "stage0", "stage1", "stage2", "trunk" };
  TessModel *model = c->set->model;
  const TessInstanceConfig *config = tess_model_instance (model);
  gsize n = (gsize) config->mask_side * config->mask_side;
  TessShape shape
      = { 1, config->mask_side, config->mask_side, config->n_slots };
  g_autoptr (TessProgram) program = tess_program_new ("masks", TESS_F32);
  g_autoptr (TessBuffer) src
      = tess_buffer_new (c->set->golden->backend, TESS_F32, &shape, error);
  g_autofree gfloat *planes = g_new0 (gfloat, n * config->n_slots);
  g_autoptr (TessTensor) parts = NULL;
  TessValue *stages[TESS_MAX_LEVELS + 1] = { NULL };
  TessBuffer *buffers[5] = { NULL };
  gboolean ok;

  if (src == NULL)
    return FALSE;
  for (gint i = 0; i < config->n_slots; i++)
    for (gsize k = 0; slots->slots[i].mask != NULL && k < n; k++)
      planes[i * n + k] = slots->slots[i].mask[k];
  tess_buffer_write_nchw (src, 0, 1, planes);
  tess_grounding_record_trunk (model, program, tess_input (program, src),
                               stages);
  for (gint i = 0; i < 5; i++)
    buffers[i] = store (c, program, stages[i]);
  ok = run_program (c, program, error);
  for (gint i = 0; i < 5; i++)
    {
      g_autofree gfloat *values = read_planes (buffers[i]);

      if (ok)
        golden_compare_numbers (c, names[i], values);
      tess_buffer_unref (buffers[i]);
    }
  return ok;
}

/* The parts less the position that is added to them. */
static gboolean
run_parts (const GoldenCase *c,
           GoldenSlots *slots,
           const gchar *name,
           gboolean with_position,
           GError **error)
{
  TessSlots set = { TESS_MAX_SLOTS, slots->slots };
  const TessWeight *position;
  g_autoptr (TessTensor) parts = tess_grounding_parts (
      c->set->model, c->set->golden->backend, &set, NULL, error);
  g_autofree gfloat *values = NULL;
  gsize n;

  if (parts == NULL)
    return FALSE;
  n = tess_tensor_n_elements (parts);
  position = tess_model_weight (c->set->model, TESS_PART_INSTANCE,
                                "position_net.pos_embedding", NULL);
  values = g_new (gfloat, n);
  tess_tensor_read_f32 (position->tensor, 0, n, values);
  for (gsize i = 0; i < n; i++)
    values[i] = tess_tensor_f32 (parts)[i] - (with_position ? 0.0f : values[i]);
  golden_compare_numbers (c, name, values);
  return TRUE;
}

static void
check_trunk (const GoldenCase *c)
{
  GoldenSlots slots = { 0 };
  GError *error = NULL;

  if (!read_masks (c, &slots, &error) || !make_tokenizer (c->set, &error)
      || !run_trunk (c, &slots, &error)
      || !run_parts (c, &slots, "tokens", FALSE, &error))
    golden_case_fail (c, "trunk", error);
  golden_slots_finish (&slots);
}

/* --- the tokenizer ------------------------------------------------------- */

/* As the reference lists them: every slot of a format, filled or empty. */
static TessTensor *
expand (const TessInstanceConfig *config,
        const TessSlots *set,
        const TessGrounds *grounds,
        GError **error)
{
  gint n_parts = tess_grounding_n_parts (config), n_filled = 0, at = 0;
  gsize width = config->token_width;
  TessTensor *all = tess_tensor_new (
      TESS_F32, 3,
      (gint64[]) { 1, 4 * config->n_slots + n_parts, config->token_width },
      error);
  const gfloat *src = grounds->tokens->data;

  for (gint i = 0; i < set->n; i++)
    n_filled += tess_slot_is_filled (&set->slots[i]);
  for (gint kind = 0; all != NULL && kind < 4; kind++)
    {
      gint own = 0;
      gint n_kind = n_filled + (n_filled < config->n_slots);

      for (gint i = 0; i < config->n_slots; i++)
        {
          gboolean filled = i < set->n && tess_slot_is_filled (&set->slots[i]);
          gint row = at + (filled ? own++ : n_filled);

          memcpy (tess_tensor_f32 (all) + (kind * config->n_slots + i) * width,
                  src + row * width, width * sizeof (gfloat));
        }
      at += n_kind;
    }
  if (all != NULL)
    memcpy (tess_tensor_f32 (all) + 4 * config->n_slots * width,
            src + at * width, n_parts * width * sizeof (gfloat));
  return all;
}

static gboolean
run_tokenizer (const GoldenCase *c, GoldenSlots *slots, GError **error)
{
  TessSlots set = { slots->n, slots->slots };
  g_auto (TessGrounds) grounds = { 0 };
  g_autoptr (TessTensor) all = NULL;
  gfloat dropped;

  if (!tess_grounding_run (c->set->model, c->set->golden->backend,
                           golden_formats (c), &set, 1, &grounds, NULL, error))
    return FALSE;
  all = expand (tess_model_instance (c->set->model), &set, &grounds, error);
  if (all == NULL)
    return FALSE;
  golden_compare (c, "tokens", all);
  if (golden_has_output (c, "drop_box_mask"))
    {
      /* Without any format boxes are on after all. */
      TessFormat formats
          = golden_formats (c) != 0 ? golden_formats (c) : TESS_FORMAT_BOX;

      dropped = !(formats & (TESS_FORMAT_BOX | TESS_FORMAT_MASK));
      golden_compare_numbers (c, "drop_box_mask", &dropped);
    }
  return !golden_has_output (c, "segmentation_tokens")
         || run_parts (c, slots, "segmentation_tokens", TRUE, error);
}

static void
check_tokenizer (const GoldenCase *c)
{
  g_auto (GoldenSlots) slots = { 0 };
  GError *error = NULL;

  if (!golden_slots_read (c, &slots, &error) || !make_tokenizer (c->set, &error)
      || !run_tokenizer (c, &slots, &error))
    golden_case_fail (c, "tokens", error);
}

/* --- one fuser ----------------------------------------------------------- */

typedef struct
{
  TessModel *model;
  TessGroundingNet net;
  gint32 *cells, *tokens;
  gint n_cells;
} Fuser;

static void
fuser_finish (Fuser *fuser)
{
  tess_grounding_net_finish (&fuser->net);
  tess_model_unref (fuser->model);
  g_free (fuser->cells);
  g_free (fuser->tokens);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Fuser, fuser_finish)

static gboolean
make_fuser (const GoldenCase *c,
            gint channels,
            gint width,
            Fuser *fuser,
            GError **error)
{
  const struct
  {
    const gchar *name;
    gint rows, columns;
  } weights[] = {
    { "alpha_attn" },
    { "alpha_dense" },
    { "linear.weight", channels, width },
    { "linear.bias", channels },
    { "attn.to_q.weight", channels, channels },
    { "attn.to_k.weight", channels, channels },
    { "attn.to_v.weight", channels, channels },
    { "attn.to_out.0.weight", channels, channels },
    { "attn.to_out.0.bias", channels },
    { "ff.net.0.proj.weight", 8 * channels, channels },
    { "ff.net.0.proj.bias", 8 * channels },
    { "ff.net.2.weight", channels, 4 * channels },
    { "ff.net.2.bias", channels },
    { "norm1.weight", channels },
    { "norm1.bias", channels },
    { "norm2.weight", channels },
    { "norm2.bias", channels },
  };
  const gchar *prefix
      = json_object_get_string_member (c->object, "weight_prefix");
  JsonObject *config = json_object_get_object_member (c->object, "config");
  g_autoptr (TessTensorFile) file = tess_tensor_file_new ("formula");
  TessFuser one = { .path = g_strdup ("block.fuser"), .channels = channels };

  for (guint i = 0; i < G_N_ELEMENTS (weights); i++)
    {
      g_autofree gchar *hashed = g_strconcat (prefix, weights[i].name, NULL);
      g_autofree gchar *name
          = g_strconcat ("block.fuser.", weights[i].name, NULL);
      g_autoptr (TessTensor) tensor = tess_formula_tensor (
          hashed, (weights[i].rows > 0) + (weights[i].columns > 0),
          (gint64[]) { weights[i].rows, weights[i].columns }, error);

      if (tensor == NULL)
        return FALSE;
      tess_tensor_file_add (file, name, tensor);
      if (i < 2)
        one.gates[i] = tanhf (*tess_tensor_f32 (tensor));
    }
  one.n_heads = (gint) json_object_get_int_member (config, "heads");
  fuser->model = tess_model_new_formula_instance (file, error);
  fuser->net.model = fuser->model;
  fuser->net.fusers = g_array_new (FALSE, FALSE, sizeof (TessFuser));
  g_array_append_val (fuser->net.fusers, one);
  return fuser->model != NULL;
}

/* Sets of regions of a square of cells; parity: x and y change places. */
static gboolean
make_regions (const GoldenCase *c,
              gint n_cells,
              gint n_tokens,
              Fuser *fuser,
              GError **error)
{
  const gchar *orientation = golden_text (c, "orientation");
  g_autoptr (TessTensor) boxes = NULL;
  gint side = (gint) lround (sqrt (n_cells));

  if (orientation == NULL || g_str_equal (orientation, "none"))
    return TRUE;
  boxes = golden_input (c, "boxes", error);
  if (boxes == NULL)
    return FALSE;
  fuser->n_cells = n_cells;
  fuser->cells = g_new0 (gint32, n_cells);
  fuser->tokens = g_new0 (gint32, n_tokens);
  for (gint i = 0; i < (gint) boxes->dims[0]; i++)
    tess_grounding_mark (tess_tensor_f32 (boxes) + 4 * i, i,
                         g_str_equal (orientation, "parity"), side, side,
                         fuser->cells);
  for (gint i = 0; i < n_tokens; i++)
    {
      gint kind = i / TESS_MAX_SLOTS, slot = i % TESS_MAX_SLOTS;

      fuser->tokens[i] = kind != TESS_TOKENS_BOX && kind != TESS_TOKENS_POLYGON
                             ? TESS_ALL_REGIONS
                         : slot < (gint) boxes->dims[0] ? 1 << slot
                                                        : 0;
    }
  return TRUE;
}

/* The reference's mask of some rows, and how many each row sees. */
static void
check_visible (const GoldenCase *c, const Fuser *fuser, gint n_tokens)
{
  gint n = fuser->n_cells, all = n + n_tokens;
  g_autofree gfloat *counts = g_new0 (gfloat, all);
  g_autofree gfloat *rows = NULL;
  JsonArray *index
      = json_node_get_array (golden_setting (c, "visible_row_index"));

  rows = g_new0 (gfloat, (gsize) json_array_get_length (index) * all);
  for (gint i = 0; i < all; i++)
    for (gint j = 0; j < all; j++)
      {
        const gint32 *token = fuser->tokens;
        gint32 a = i < n ? fuser->cells[i] : token[i - n];
        gint32 b = j < n ? fuser->cells[j] : token[j - n];
        gboolean sees = i == j || (i >= n && j >= n) || (a & b) != 0
                        || (i < n && j >= n && b == TESS_ALL_REGIONS)
                        || (i >= n && a == TESS_ALL_REGIONS);

        counts[i] += sees;
        for (guint k = 0; k < json_array_get_length (index); k++)
          if (json_array_get_int_element (index, k) == i)
            rows[(gsize) k * all + j] = sees;
      }
  golden_compare_numbers (c, "visible_rows", rows);
  golden_compare_numbers (c, "visible_per_row", counts);
}

static gboolean
run_fuser (const GoldenCase *c,
           const TessTensor *x,
           const TessTensor *objs,
           Fuser *fuser,
           GError **error)
{
  TessBackend *backend = c->set->golden->backend;
  gint t = (gint) objs->dims[1];
  TessShape src_shape = { 1, 1, (gint) x->dims[1], (gint) x->dims[2] };
  TessShape token_shape = { 1, 1, t, (gint) objs->dims[2] };
  TessShape one = { 1, 1, 1, 1 };
  g_autoptr (TessProgram) tokens = tess_program_new ("tokens", TESS_F32);
  g_autoptr (TessProgram) program = tess_program_new ("fuser", TESS_F32);
  g_autoptr (TessBuffer) src = NULL;
  g_autoptr (TessBuffer) token_src = NULL;
  g_autoptr (TessBuffer) rows = NULL;
  g_autoptr (TessBuffer) dst = NULL;
  g_autofree gfloat *zeros = g_new0 (gfloat, t);
  g_autofree gfloat *y = g_new (gfloat, tess_tensor_n_elements (x));
  gint32 zero = 0;

  src = tess_buffer_new (backend, TESS_F32, &src_shape, error);
  token_src
      = src ? tess_buffer_new (backend, TESS_F32, &token_shape, error) : NULL;
  rows = token_src ? tess_buffer_new (backend, TESS_I32, &one, error) : NULL;
  if (rows == NULL
      || !tess_grounding_net_make_buffers (&fuser->net, backend, 1, t,
                                           fuser->n_cells, error))
    return FALSE;
  tess_buffer_write (src, 0, 1, x->data);
  tess_buffer_write (token_src, 0, 1, objs->data);
  tess_buffer_write (fuser->net.bias, 0, 1, zeros);
  tess_buffer_write_i32 (rows, &zero);
  if (fuser->n_cells > 0)
    {
      tess_buffer_write_i32 (fuser->net.cells, fuser->cells);
      tess_buffer_write_i32 (fuser->net.tokens, fuser->tokens);
    }
  tess_grounding_net_write_gates (&fuser->net, golden_number (c, "s", 1.0));
  tess_grounding_net_record_tokens (&fuser->net, tokens, token_src);
  if (!run_program (c, tokens, error))
    return FALSE;
  dst = store (c, program,
               tess_grounding_net_record_fuser (&fuser->net, program, 0,
                                                tess_input (program, rows),
                                                tess_input (program, src)));
  if (!run_program (c, program, error))
    return FALSE;
  tess_buffer_read (dst, 0, 1, y);
  golden_compare_numbers (c, "y", y);
  if (fuser->n_cells > 0 && golden_has_output (c, "visible_rows"))
    check_visible (c, fuser, t);
  return TRUE;
}

static void
check_fuser (const GoldenCase *c)
{
  GError *error = NULL;
  g_autoptr (TessTensor) x = golden_input (c, "x", &error);
  g_autoptr (TessTensor) objs = x ? golden_input (c, "objs", &error) : NULL;
  g_auto (Fuser) fuser = { 0 };

  if (objs == NULL
      || !make_fuser (c, (gint) x->dims[2], (gint) objs->dims[2], &fuser,
                      &error)
      || !make_regions (c, (gint) x->dims[1], (gint) objs->dims[1], &fuser,
                        &error)
      || !run_fuser (c, x, objs, &fuser, &error))
    golden_case_fail (c, "y", error);
}

/* --- ScaleU -------------------------------------------------------------- */

static TessBuffer *
planes_buffer (const GoldenCase *c, const TessTensor *x)
{
  TessShape shape = { (gint) x->dims[0], (gint) x->dims[2], (gint) x->dims[3],
                      (gint) x->dims[1] };
  TessBuffer *buffer
      = tess_buffer_new (c->set->golden->backend, TESS_F32, &shape, NULL);

  tess_buffer_write_nchw (buffer, 0, shape.n, x->data);
  return buffer;
}

/* tanh (w) + 1 of the formula's scaleu_LETTER_index. */
static TessBuffer *
scale_row (const GoldenCase *c, gchar letter, gint64 n)
{
  JsonObject *config = json_object_get_object_member (c->object, "config");
  g_autofree gchar *name
      = g_strdup_printf ("scaleu_%c_%d", letter,
                         (gint) json_object_get_int_member (config, "index"));
  g_autoptr (TessTensor) row = tess_formula_tensor (name, 1, &n, NULL);
  TessShape shape = { 1, 1, 1, (gint) n };
  TessBuffer *buffer
      = tess_buffer_new (c->set->golden->backend, TESS_F32, &shape, NULL);

  for (gint64 i = 0; i < n; i++)
    tess_tensor_f32 (row)[i] = tanhf (tess_tensor_f32 (row)[i]) + 1.0f;
  tess_buffer_write (buffer, 0, 1, row->data);
  return buffer;
}

static void
check_scale (const GoldenCase *c)
{
  GError *error = NULL;
  g_autoptr (TessTensor) h = golden_input (c, "h", &error);
  g_autoptr (TessTensor) hs = h ? golden_input (c, "hs", &error) : NULL;
  g_autoptr (TessProgram) program = tess_program_new ("scaleu", TESS_F32);
  g_autoptr (TessBuffer) a = NULL;
  g_autoptr (TessBuffer) b = NULL;
  g_autoptr (TessBuffer) row = NULL;
  g_autoptr (TessBuffer) low = NULL;
  g_autoptr (TessBuffer) first = NULL;
  g_autoptr (TessBuffer) second = NULL;

  if (hs == NULL)
    {
      golden_case_fail (c, "h", error);
      return;
    }
  a = planes_buffer (c, h);
  b = planes_buffer (c, hs);
  row = scale_row (c, 'b', h->dims[1]);
  low = scale_row (c, 's', 1);
  first = store (c, program,
                 tess_scale (program, &(TessScale) {
                                          .src = tess_input (program, a),
                                          .factor = tess_input (program, row),
                                      }));
  second = store (c, program,
                  tess_scale_low (program, tess_input (program, b),
                                  tess_input (program, low)));
  if (!run_program (c, program, &error))
    {
      golden_case_fail (c, "h", error);
      return;
    }
  g_autofree gfloat *h_planes = read_planes (first);
  g_autofree gfloat *hs_planes = read_planes (second);

  golden_compare_numbers (c, "h", h_planes);
  golden_compare_numbers (c, "hs", hs_planes);
}

/* --- the network --------------------------------------------------------- */

static gboolean
run_network (const GoldenCase *c, GoldenSlots *slots, GError **error)
{
  gdouble timestep = golden_number (c, "timestep", 0);
  gdouble gate = golden_number (c, "s", 1.0);
  gboolean grounded = json_node_get_boolean (golden_setting (c, "grounded"));
  TessSlots set = { grounded ? slots->n : 0, slots->slots };
  g_auto (TessGrounds) grounds = { 0 };
  g_autoptr (TessTensor) x = golden_input (c, "x", error);
  g_autoptr (TessTensor) context
      = x ? golden_input (c, "context", error) : NULL;
  g_autoptr (TessTensor) eps = NULL;
  g_autoptr (TessUnet) unet = NULL;
  g_autoptr (GArray) blocks = NULL;

  if (context == NULL)
    return FALSE;
  unet = tess_unet_new (c->set->model, c->set->golden->backend, error);
  eps = tess_tensor_new (TESS_F32, 4, x->dims, error);
  if (unet != NULL && golden_has_output (c, "trace"))
    tess_unet_keep_blocks (unet);
  if (unet == NULL || eps == NULL
      || !tess_grounding_run (c->set->model, c->set->golden->backend,
                              golden_formats (c), &set, 1, &grounds, NULL,
                              error)
      || !tess_unet_condition (unet, context, &timestep, 1, NULL, error)
      || !tess_unet_ground (unet,
                            &(TessUnetGrounding) { .tokens = grounds.tokens,
                                                   .bias = grounds.bias,
                                                   .gates = &gate },
                            NULL, error)
      || !tess_unet_run (unet,
                         &(TessUnetCall) { .n = 1,
                                           .h = (gint) x->dims[2],
                                           .w = (gint) x->dims[3],
                                           .src = x->data,
                                           .dst = eps->data },
                         NULL, error))
    return FALSE;
  golden_compare (c, "eps", eps);
  blocks = tess_unet_blocks (unet);
  if (blocks != NULL)
    golden_compare_numbers (c, "trace", (const gfloat *) blocks->data);
  return TRUE;
}

static void
check_network (const GoldenCase *c)
{
  g_auto (GoldenSlots) slots = { 0 };
  GError *error = NULL;

  if (!golden_slots_read (c, &slots, &error)
      || !golden_make_network (c->set, &error)
      || !run_network (c, &slots, &error))
    golden_case_fail (c, "eps", error);
}

gboolean
golden_instance (const GoldenCase *c)
{
  if (golden_has_input (c, "objs"))
    check_fuser (c);
  else if (golden_has_output (c, "in_conv"))
    check_trunk (c);
  else if (golden_has_output (c, "tokens") && golden_has_input (c, "preset"))
    check_tokenizer (c);
  else if (golden_has_input (c, "hs"))
    check_scale (c);
  else if (golden_has_input (c, "grounded"))
    check_network (c);
  else if (golden_has_input (c, "x") && golden_has_output (c, "y")
           && json_object_get_size (c->inputs) == 1)
    check_fourier (c);
  else
    return golden_instance_run (c);
  return TRUE;
}
