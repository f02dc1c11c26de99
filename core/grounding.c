/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/grounding.c: what is where in a tile -> tokens. Every MLP is run once,
 * over the rows of all tiles; the trunk once for each picture of masks. */
#include "core/grounding.h"
#include "core/error.h"
#include "core/grounding-net.h"
#include "core/model-layout.h"
#include "core/ops/ops.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

static const TessFormat format_of[TESS_N_TOKENS]
    = { TESS_FORMAT_BOX, TESS_FORMAT_POINT, TESS_FORMAT_SCRIBBLE,
        TESS_FORMAT_MASK };

typedef struct
{
  TessModel *model;
  TessBackend *backend;
  const TessInstanceConfig *config;
  TessFormat formats;
  const TessSlots *sets;
  gint n_sets;
  GCancellable *cancellable;
  GError **error;
} Job;

void
tess_grounds_clear (TessGrounds *grounds)
{
  g_clear_pointer (&grounds->tokens, tess_tensor_unref);
  g_clear_pointer (&grounds->bias, tess_tensor_unref);
  g_clear_pointer (&grounds->regions, g_free);
}

gboolean
tess_slot_is_filled (const TessSlot *slot)
{
  return slot->used || slot->scribble != NULL || slot->polygon != NULL;
}

static gint
count_filled (const TessSlots *set)
{
  gint n = 0;

  for (gint i = 0; i < set->n; i++)
    n += tess_slot_is_filled (&set->slots[i]);
  return n;
}

gint
tess_grounding_n_tokens (const TessInstanceConfig *config, gint n_filled)
{
  return TESS_N_TOKENS * (n_filled + (n_filled < config->n_slots))
         + tess_grounding_n_parts (config);
}

void
tess_grounding_gates (gint n_steps, gdouble full, gdouble fading, gdouble *dst)
{
  gint n_full = (gint) (full * n_steps), n_fading = (gint) (fading * n_steps);

  for (gint i = 0; i < n_steps; i++)
    {
      gint k = i - n_full;

      dst[i] = k < 0          ? 1.0
               : k < n_fading ? (n_fading - 1.0 - k) / n_fading
                              : 0.0;
    }
}

void
tess_grounding_mark (const gfloat box[4],
                     gint slot,
                     gboolean turned,
                     gint h,
                     gint w,
                     gint32 *cells)
{
  gint x0 = (gint) rint (box[turned] * w);
  gint x1 = (gint) rint (box[2 + turned] * w);
  gint y0 = (gint) rint (box[!turned] * h);
  gint y1 = (gint) rint (box[2 + !turned] * h);

  for (gint y = MAX (y0, 0); y < MIN (y1, h); y++)
    for (gint x = MAX (x0, 0); x < MIN (x1, w); x++)
      cells[y * w + x] |= 1 << slot;
}

/* The cells that @mask, a picture of @side, touches. */
static void
mark_mask (
    const guint8 *mask, gint side, gint slot, gint h, gint w, gint32 *cells)
{
  for (gint y = 0; y < h; y++)
    for (gint x = 0; x < w; x++)
      {
        gint y1 = ((y + 1) * side + h - 1) / h,
             x1 = ((x + 1) * side + w - 1) / w;
        gboolean any = FALSE;

        for (gint sy = y * side / h; sy < y1; sy++)
          for (gint sx = x * side / w; sx < x1; sx++)
            any |= mask[sy * side + sx];
        if (any)
          cells[y * w + x] |= 1 << slot;
      }
}

static void
mark_box (const gfloat box[4], gint slot, gint h, gint w, gint32 *cells)
{
  gint x = (gint) (0.5f * (box[0] + box[2]) * w);
  gint y = (gint) (0.5f * (box[1] + box[3]) * h);

  tess_grounding_mark (box, slot, FALSE, h, w, cells);
  cells[CLAMP (y, 0, h - 1) * w + CLAMP (x, 0, w - 1)] |= 1 << slot;
}

void
tess_grounding_cells (const TessInstanceConfig *config,
                      TessFormat formats,
                      const TessSlots *set,
                      gint h,
                      gint w,
                      gint32 *cells)
{
  gboolean any = FALSE;

  if (formats == 0)
    formats = TESS_FORMAT_BOX;
  memset (cells, 0, (gsize) h * w * sizeof *cells);
  for (gint i = 0; i < set->n; i++)
    {
      const TessSlot *slot = &set->slots[i];
      TessFormat has = formats & ~slot->without;

      if (slot->mask != NULL && (has & TESS_FORMAT_MASK))
        mark_mask (slot->mask, config->mask_side, i, h, w, cells);
      else if (slot->used && (has & TESS_FORMAT_BOX))
        mark_box (slot->box, i, h, w, cells);
      else
        continue;
      any = TRUE;
    }
  for (gint i = 0; i < h * w && !any; i++)
    cells[i] = TESS_ALL_REGIONS;
}

/* --- rows of the MLPs ---------------------------------------------------- */

static void
read_vector (const Job *job, const gchar *name, gfloat *dst)
{
  const TessWeight *weight
      = tess_model_weight (job->model, TESS_PART_INSTANCE, name, NULL);

  tess_tensor_read_f32 (weight->tensor, 0,
                        tess_tensor_n_elements (weight->tensor), dst);
}

/* What a slot says in one format: text, then the place. */
static void
fill_row (const Job *job, const TessSlot *slot, gint kind, gfloat *dst)
{
  static const gchar *const names[TESS_N_TOKENS] = {
    "position_net.null_position_feature", "position_net.null_point_feature",
    "position_net.null_scribble_feature", "position_net.null_polygon_feature"
  };
  gint n = tess_grounding_n_coordinates (job->config, kind);
  g_autofree gfloat *zeros = g_new0 (gfloat, n);
  const gfloat *x = zeros;
  gfloat *place = dst + job->config->text_width;
  gboolean given = slot->used, on = job->formats & format_of[kind];

  if (kind == TESS_TOKENS_BOX)
    x = slot->box;
  else if (kind == TESS_TOKENS_POINT)
    x = slot->point;
  else
    {
      const gfloat *points
          = kind == TESS_TOKENS_SCRIBBLE ? slot->scribble : slot->polygon;

      given |= points != NULL;
      x = points != NULL ? points : zeros;
    }
  if (slot->used && slot->text != NULL)
    memcpy (dst, slot->text, job->config->text_width * sizeof *dst);
  else
    read_vector (job, "position_net.null_positive_feature", dst);
  if (given && on && !(slot->without & format_of[kind]))
    tess_grounding_fourier (x, n, place);
  else
    read_vector (job, names[kind], place);
}

/* Runs rows [1, 1, n_rows, width] through an MLP. */
static gboolean
run_mlp (const Job *job,
         gint kind,
         gint n_rows,
         gint width,
         const gfloat *rows,
         gfloat *dst)
{
  TessShape src_shape = { 1, 1, n_rows, width };
  TessShape dst_shape = { 1, 1, n_rows, job->config->token_width };
  g_autoptr (TessProgram) program = tess_program_new ("instances", TESS_F32);
  g_autoptr (TessBuffer) src = NULL;
  g_autoptr (TessBuffer) result = NULL;
  g_autoptr (TessExec) exec = NULL;

  src = tess_buffer_new (job->backend, TESS_F32, &src_shape, job->error);
  if (src == NULL)
    return FALSE;
  result = tess_buffer_new (job->backend, TESS_F32, &dst_shape, job->error);
  if (result == NULL)
    return FALSE;
  tess_store (program,
              tess_grounding_record_mlp (job->model, program, kind,
                                         tess_input (program, src)),
              result);
  exec = tess_backend_compile (job->backend, program, job->error);
  if (exec == NULL)
    return FALSE;
  tess_buffer_write (src, 0, 1, rows);
  if (!tess_exec_run (exec, job->cancellable, job->error))
    return FALSE;
  tess_buffer_read (result, 0, 1, dst);
  return tess_backend_check (job->backend, job->error);
}

/* Tokens of one format: those of every filled slot of every set in order, then
 * an empty slot's. (transfer full) */
static gfloat *
make_tokens (const Job *job, gint kind, gint n_filled)
{
  static const TessSlot empty = { 0 };
  gsize width
      = job->config->text_width
        + TESS_FOURIER * tess_grounding_n_coordinates (job->config, kind);
  g_autofree gfloat *rows = g_new (gfloat, (n_filled + 1) * width);
  g_autofree gfloat *tokens
      = g_new (gfloat, (gsize) (n_filled + 1) * job->config->token_width);
  gfloat *row = rows;

  for (gint s = 0; s < job->n_sets; s++)
    for (gint i = 0; i < job->sets[s].n; i++)
      if (tess_slot_is_filled (&job->sets[s].slots[i]))
        {
          fill_row (job, &job->sets[s].slots[i], kind, row);
          row += width;
        }
  fill_row (job, &empty, kind, row);
  return run_mlp (job, kind, n_filled + 1, (gint) width, rows, tokens)
             ? g_steal_pointer (&tokens)
             : NULL;
}

/* --- the picture of masks ------------------------------------------------ */

static gboolean
has_mask (const Job *job, const TessSlots *set)
{
  gsize n = (gsize) job->config->mask_side * job->config->mask_side;

  for (gint i = 0; i < set->n && (job->formats & TESS_FORMAT_MASK); i++)
    if (set->slots[i].mask != NULL
        && !(set->slots[i].without & TESS_FORMAT_MASK)
        && memchr (set->slots[i].mask, 1, n) != NULL)
      return TRUE;
  return FALSE;
}

static void
paint (const Job *job, const TessSlots *set, gfloat *dst)
{
  gsize n = (gsize) job->config->mask_side * job->config->mask_side;
  gint n_slots = job->config->n_slots;

  memset (dst, 0, n * n_slots * sizeof *dst);
  for (gint i = 0; i < set->n; i++)
    if (set->slots[i].mask != NULL
        && !(set->slots[i].without & TESS_FORMAT_MASK))
      {
        gfloat inside = MIN (expf (set->slots[i].bias), 1.0f);

        for (gsize k = 0; k < n; k++)
          dst[k * n_slots + i] = set->slots[i].mask[k] ? inside : 0.0f;
      }
}

/* @dst: [side/32][side/32][c] */
static gboolean
run_trunk (const Job *job, const TessSlots *set, gfloat *dst)
{
  const TessInstanceConfig *config = job->config;
  gint side = config->mask_side, cells = side / 32;
  TessShape src_shape = { 1, side, side, config->n_slots };
  TessShape dst_shape
      = { 1, cells, cells, config->trunk_channels[config->n_stages - 1] };
  g_autoptr (TessProgram) program = tess_program_new ("masks", TESS_F32);
  g_autoptr (TessBuffer) src = NULL;
  g_autoptr (TessBuffer) result = NULL;
  g_autoptr (TessExec) exec = NULL;
  g_autofree gfloat *picture = NULL;

  src = tess_buffer_new (job->backend, TESS_F32, &src_shape, job->error);
  if (src == NULL)
    return FALSE;
  result = tess_buffer_new (job->backend, TESS_F32, &dst_shape, job->error);
  if (result == NULL)
    return FALSE;
  tess_store (program,
              tess_grounding_record_trunk (job->model, program,
                                           tess_input (program, src), NULL),
              result);
  exec = tess_backend_compile (job->backend, program, job->error);
  if (exec == NULL)
    return FALSE;
  picture = g_new (gfloat, tess_shape_n_elements (&src_shape));
  paint (job, set, picture);
  tess_buffer_write (src, 0, 1, picture);
  if (!tess_exec_run (exec, job->cancellable, job->error))
    return FALSE;
  tess_buffer_read (result, 0, 1, dst);
  return tess_backend_check (job->backend, job->error);
}

/* The reference looks at the memory of planes [c, cells, cells] as
 * [width, parts]: part p has numbers p, p + parts, p + 2 parts ... */
static void
cut_parts (const Job *job, const gfloat *maps, gfloat *dst)
{
  gint n_parts = tess_grounding_n_parts (job->config);
  gint width = tess_grounding_part_width (job->config);
  gint n_cells = 4 * n_parts, c = width / 4;

  for (gint p = 0; p < n_parts; p++)
    for (gint f = 0; f < width; f++)
      {
        gint at = f * n_parts + p;

        dst[p * width + f] = maps[at % n_cells * c + at / n_cells];
      }
}

/* [n_parts][width] with the position; no masks: the null vector. */
static gboolean
make_parts (const Job *job, const TessSlots *set, gfloat *dst)
{
  gint n_parts = tess_grounding_n_parts (job->config);
  gint width = tess_grounding_part_width (job->config);
  gsize n = (gsize) n_parts * width;
  g_autofree gfloat *other = g_new (gfloat, n);

  if (set != NULL && has_mask (job, set))
    {
      if (!run_trunk (job, set, other))
        return FALSE;
      cut_parts (job, other, dst);
    }
  else
    for (gint p = 0; p < n_parts; p++)
      read_vector (job, "position_net.null_seg_feature", dst + p * width);
  read_vector (job, "position_net.pos_embedding", other);
  for (gsize i = 0; i < n; i++)
    dst[i] += other[i];
  return TRUE;
}

/* Tokens of the pictures of all sets, and which of them each set has; sets
 * without masks share one. (transfer full) */
static gfloat *
make_part_tokens (const Job *job, gint *which)
{
  gint n_parts = tess_grounding_n_parts (job->config), n = 0;
  gint width = tess_grounding_part_width (job->config), none = -1;
  gsize n_set = (gsize) n_parts * width;
  g_autofree gfloat *rows = NULL;
  g_autofree gfloat *tokens = NULL;

  for (gint s = 0; s < job->n_sets; s++)
    if (has_mask (job, &job->sets[s]))
      which[s] = n++;
    else
      which[s] = none = none >= 0 ? none : n++;
  rows = g_new (gfloat, n * n_set);
  for (gint s = 0, made = 0; s < job->n_sets; s++)
    if (which[s] == made)
      if (!make_parts (job, &job->sets[s], rows + n_set * made++))
        return NULL;
  tokens = g_new (gfloat, (gsize) n * n_parts * job->config->token_width);
  return run_mlp (job, TESS_N_TOKENS, n * n_parts, width, rows, tokens)
             ? g_steal_pointer (&tokens)
             : NULL;
}

/* --- all together -------------------------------------------------------- */

/* The list of one set that is being written. */
typedef struct
{
  gfloat *tokens, *bias;
  gint32 *regions;
  gsize width;
  gint n;
} List;

static void
append (List *list, const gfloat *token, gfloat bias, gint32 region)
{
  memcpy (list->tokens + list->n * list->width, token,
          list->width * sizeof *token);
  list->bias[list->n] = bias;
  list->regions[list->n++] = region;
}

static void
write_set (const Job *job,
           gint set,
           gint first,
           gint n_filled_all,
           gfloat *const *tokens,
           const gfloat *parts,
           List *list)
{
  const TessSlots *slots = &job->sets[set];
  gint n_filled = count_filled (slots);
  gint n_empty = job->config->n_slots - n_filled;

  for (gint kind = 0; kind < TESS_N_TOKENS; kind++)
    {
      gboolean own = kind == TESS_TOKENS_BOX || kind == TESS_TOKENS_POLYGON;
      gint row = first;

      for (gint i = 0; i < slots->n; i++)
        if (tess_slot_is_filled (&slots->slots[i]))
          append (list, tokens[kind] + list->width * row++,
                  slots->slots[i].bias, own ? 1 << i : TESS_ALL_REGIONS);
      /* An empty slot's region has no cell. */
      if (n_empty > 0)
        append (list, tokens[kind] + list->width * n_filled_all,
                logf ((gfloat) n_empty),
                own && n_filled > 0 ? 0 : TESS_ALL_REGIONS);
    }
  for (gint p = 0; p < tess_grounding_n_parts (job->config); p++)
    append (list, parts + list->width * p, 0.0f, TESS_ALL_REGIONS);
}

static gboolean
new_grounds (const Job *job, gint n_most, TessGrounds *grounds)
{
  gint64 dims[] = { job->n_sets, tess_grounding_n_tokens (job->config, n_most),
                    job->config->token_width };

  /* A set with all slots filled has no token of an empty one. */
  if (n_most == job->config->n_slots)
    dims[1] = MAX (dims[1], tess_grounding_n_tokens (job->config, n_most - 1));
  grounds->n_sets = job->n_sets;
  grounds->n_tokens = (gint) dims[1];
  grounds->tokens = tess_tensor_new (TESS_F32, 3, dims, job->error);
  if (grounds->tokens == NULL)
    return FALSE;
  grounds->bias = tess_tensor_new (TESS_F32, 2, dims, job->error);
  if (grounds->bias == NULL)
    return FALSE;
  grounds->regions = g_new0 (gint32, dims[0] * dims[1]);
  for (gint64 i = 0; i < dims[0] * dims[1]; i++)
    tess_tensor_f32 (grounds->bias)[i] = -INFINITY;
  return TRUE;
}

static gboolean
write_all (const Job *job, gint n_filled, gint n_most, TessGrounds *grounds)
{
  gfloat *tokens[TESS_N_TOKENS] = { NULL };
  g_autofree gfloat *parts = NULL;
  g_autofree gint *which = g_new (gint, job->n_sets);
  gsize width = job->config->token_width;
  gboolean ok = new_grounds (job, n_most, grounds);
  gint first = 0;

  for (gint kind = 0; kind < TESS_N_TOKENS && ok; kind++)
    ok = (tokens[kind] = make_tokens (job, kind, n_filled)) != NULL;
  ok = ok && (parts = make_part_tokens (job, which)) != NULL;
  for (gint s = 0; s < job->n_sets && ok; s++)
    {
      gsize at = (gsize) s * grounds->n_tokens;
      List list = { .tokens = tess_tensor_f32 (grounds->tokens) + at * width,
                    .bias = tess_tensor_f32 (grounds->bias) + at,
                    .regions = grounds->regions + at,
                    .width = width };

      write_set (job, s, first, n_filled, tokens,
                 parts
                     + width * which[s] * tess_grounding_n_parts (job->config),
                 &list);
      first += count_filled (&job->sets[s]);
    }
  for (gint kind = 0; kind < TESS_N_TOKENS; kind++)
    g_free (tokens[kind]);
  return ok;
}

static gboolean
job_init (Job *job)
{
  job->config = tess_model_instance (job->model);
  if (job->config == NULL)
    {
      g_set_error (
          job->error, TESS_ERROR, TESS_ERROR_MODEL,
          _ ("%s cannot put instances in places; add InstanceDiffusion's "
             "weights to it."),
          tess_model_name (job->model));
      return FALSE;
    }
  for (gint s = 0; s < job->n_sets; s++)
    if (job->sets[s].n > job->config->n_slots)
      {
        g_set_error (
            job->error, TESS_ERROR, TESS_ERROR_REQUEST,
            _ ("A tile has %d instances, the model takes %d; place fewer "
               "there, or take smaller tiles."),
            job->sets[s].n, job->config->n_slots);
        return FALSE;
      }
  if (job->formats == 0)
    job->formats = TESS_FORMAT_BOX;
  return TRUE;
}

gboolean
tess_grounding_run (TessModel *model,
                    TessBackend *backend,
                    TessFormat formats,
                    const TessSlots *sets,
                    gint n_sets,
                    TessGrounds *grounds,
                    GCancellable *cancellable,
                    GError **error)
{
  Job job = { model, backend, NULL, formats, sets, n_sets, cancellable, error };
  gint n_filled = 0, n_most = 0;

  *grounds = (TessGrounds) { 0 };
  if (!job_init (&job))
    return FALSE;
  for (gint s = 0; s < n_sets; s++)
    {
      n_filled += count_filled (&sets[s]);
      n_most = MAX (n_most, count_filled (&sets[s]));
    }
  if (write_all (&job, n_filled, n_most, grounds))
    return TRUE;
  tess_grounds_clear (grounds);
  return FALSE;
}

TessTensor *
tess_grounding_parts (TessModel *model,
                      TessBackend *backend,
                      const TessSlots *set,
                      GCancellable *cancellable,
                      GError **error)
{
  Job job
      = { model, backend, NULL, TESS_FORMAT_MASK, set, 1, cancellable, error };
  g_autoptr (TessTensor) parts = NULL;

  if (!job_init (&job))
    return NULL;
  parts
      = tess_tensor_new (TESS_F32, 3,
                         (gint64[]) { 1, tess_grounding_n_parts (job.config),
                                      tess_grounding_part_width (job.config) },
                         error);
  if (parts == NULL || !make_parts (&job, set, tess_tensor_f32 (parts)))
    return NULL;
  return g_steal_pointer (&parts);
}
