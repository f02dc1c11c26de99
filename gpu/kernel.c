/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/kernel.c: what the files of gpu/ops share when they make kernels. */
#include "gpu/kernel.h"

#include <string.h>

#include "gpu/shaders/convert.h"

extern const TessGpuShader tess_shader_convert_f32_f32,
    tess_shader_convert_f32_f16, tess_shader_convert_f16_f32,
    tess_shader_convert_f16_f16;

/* By whether the source, the answer is float16. */
static const TessGpuShader *const convert_shader[2][2] = {
  { &tess_shader_convert_f32_f32, &tess_shader_convert_f32_f16 },
  { &tess_shader_convert_f16_f32, &tess_shader_convert_f16_f16 },
};

const TessGpuOp *const tess_gpu_ops[] = {
  &tess_gpu_conv2d,     &tess_gpu_linear,
  &tess_gpu_attention,  &tess_gpu_grounded_attention,
  &tess_gpu_group_norm, &tess_gpu_group_stats,
  &tess_gpu_layer_norm, &tess_gpu_add,
  &tess_gpu_activate,   &tess_gpu_concat,
  &tess_gpu_crop,       &tess_gpu_embed,
  &tess_gpu_constant,   &tess_gpu_store,
  &tess_gpu_scale,      &tess_gpu_scale_low,
  &tess_gpu_depthwise,  &tess_gpu_gather,
  &tess_gpu_fuse,       &tess_gpu_mix,
  &tess_gpu_rescale,    NULL,
};

const TessGpuOp *
tess_gpu_op_of (const TessOpClass *klass)
{
  for (const TessGpuOp *const *op = tess_gpu_ops; *op != NULL; op++)
    if ((*op)->klass == klass)
      return *op;
  return NULL;
}

TessGpuKernel *
tess_gpu_kernel_new (const TessOp *op,
                     const TessGpuVariant *variant,
                     const TessGpuCaps *caps,
                     TessType storage)
{
  TessGpuKernel *kernel = g_new0 (TessGpuKernel, 1);

  kernel->op = op;
  kernel->variant = variant;
  kernel->caps = caps;
  kernel->storage = storage;
  kernel->dispatches = g_array_new (FALSE, TRUE, sizeof (TessGpuDispatch));
  variant->make (variant, kernel);
  return kernel;
}

void
tess_gpu_kernel_free (TessGpuKernel *kernel)
{
  if (kernel == NULL)
    return;
  for (guint i = 0; i < kernel->n_packs; i++)
    {
      tess_pack_unref (kernel->packs[i]);
      tess_pack_spec_clear (&kernel->specs[i]);
    }
  g_array_unref (kernel->dispatches);
  g_free (kernel);
}

/* Dispatches */

static TessGpuDispatch *
add_dispatch (TessGpuKernel *kernel, const TessGpuShader *shader)
{
  guint n = kernel->dispatches->len;

  g_array_set_size (kernel->dispatches, n + 1);
  g_array_index (kernel->dispatches, TessGpuDispatch, n).shader = shader;
  return &g_array_index (kernel->dispatches, TessGpuDispatch, n);
}

TessGpuDispatch *
tess_gpu_dispatch_new (TessGpuKernel *kernel,
                       const TessGpuShader *const shader[2])
{
  return add_dispatch (kernel, shader[kernel->storage == TESS_F16]);
}

void
tess_gpu_constant_add (TessGpuDispatch *dispatch, guint32 constant)
{
  g_assert (dispatch->n_constants < TESS_GPU_CONSTANTS);
  dispatch->constants[dispatch->n_constants++] = constant;
}

void
tess_gpu_push_bytes (TessGpuDispatch *dispatch,
                     gconstpointer push,
                     gsize n_bytes)
{
  g_assert (n_bytes <= TESS_GPU_PUSH && n_bytes % 4 == 0);
  memcpy (dispatch->push, push, n_bytes);
  dispatch->n_push = n_bytes;
}

void
tess_gpu_groups (TessGpuDispatch *dispatch, gsize x, gsize y, gsize z)
{
  g_assert (x <= 65535 && y <= 65535 && z <= 65535);
  dispatch->groups[0] = (guint32) x;
  dispatch->groups[1] = (guint32) y;
  dispatch->groups[2] = (guint32) z;
}

void
tess_gpu_groups_1d (TessGpuDispatch *dispatch, gsize n, guint32 size)
{
  gsize n_groups = (n + size - 1) / size;
  gsize y = (n_groups + 65534) / 65535;

  tess_gpu_groups (dispatch, (n_groups + y - 1) / y, y, 1);
}

/* Bindings */

void
tess_gpu_bind (TessGpuDispatch *dispatch, TessGpuBinding binding)
{
  g_assert (dispatch->n_bindings < TESS_GPU_BINDINGS);
  dispatch->bindings[dispatch->n_bindings++] = binding;
}

static gsize
value_bytes (const TessValue *value)
{
  return tess_shape_n_elements (&value->shape) * tess_type_size (value->type);
}

/* The bytes before @value that are bound with it, for alignment. */
static gsize
odd_bytes (const TessGpuKernel *kernel, const TessValue *value)
{
  return value->first * tess_type_size (value->type) % kernel->caps->align;
}

static TessGpuBinding
value_binding (const TessGpuKernel *kernel, const TessValue *value)
{
  gsize odd = odd_bytes (kernel, value);

  return (TessGpuBinding) {
    .kind = TESS_GPU_VALUE,
    .value = value,
    .offset = value->first * tess_type_size (value->type) - odd,
    .n_bytes = value_bytes (value) + odd,
  };
}

void
tess_gpu_bind_dst (TessGpuDispatch *dispatch, const TessValue *value)
{
  tess_gpu_bind (dispatch, (TessGpuBinding) {
                               .kind = TESS_GPU_VALUE,
                               .value = value,
                               .n_bytes = value_bytes (value),
                               .written = TRUE,
                           });
}

TessGpuBinding
tess_gpu_scratch_binding (const TessGpuKernel *kernel, guint scratch)
{
  return (TessGpuBinding) {
    .kind = TESS_GPU_SCRATCH,
    .index = scratch,
    .n_bytes = kernel->scratch[scratch],
  };
}

void
tess_gpu_bind_scratch (TessGpuDispatch *dispatch,
                       const TessGpuKernel *kernel,
                       guint scratch,
                       gboolean written)
{
  TessGpuBinding binding = tess_gpu_scratch_binding (kernel, scratch);

  binding.written = written;
  tess_gpu_bind (dispatch, binding);
}

guint
tess_gpu_scratch (TessGpuKernel *kernel, gsize n_bytes)
{
  g_assert (kernel->n_scratch < TESS_GPU_SCRATCHES);
  kernel->scratch[kernel->n_scratch] = n_bytes;
  return kernel->n_scratch++;
}

void
tess_gpu_convert (TessGpuKernel *kernel,
                  const TessValue *src,
                  TessGpuBinding dst,
                  TessType dst_type)
{
  TessGpuDispatch *dispatch = add_dispatch (
      kernel, convert_shader[src->type == TESS_F16][dst_type == TESS_F16]);
  TessConvertPush push = {
    .n = (guint32) tess_shape_n_elements (&src->shape),
    .first = (guint32) (odd_bytes (kernel, src) / tess_type_size (src->type)),
  };

  dst.written = TRUE;
  tess_gpu_bind (dispatch, dst);
  tess_gpu_bind (dispatch, value_binding (kernel, src));
  tess_gpu_push (dispatch, push);
  tess_gpu_groups_1d (dispatch, push.n, TESS_CONVERT_THREADS);
}

TessGpuBinding
tess_gpu_source_typed (TessGpuKernel *kernel,
                       const TessValue *value,
                       TessType type)
{
  TessGpuBinding copy;

  if (value == NULL) /* anything: the answer's own place is always there */
    return (TessGpuBinding) {
      .kind = TESS_GPU_VALUE,
      .value = kernel->op->dst,
      .n_bytes = value_bytes (kernel->op->dst),
      .unread = TRUE,
    };
  if (value->type == type && odd_bytes (kernel, value) == 0)
    return value_binding (kernel, value);
  copy = tess_gpu_scratch_binding (
      kernel, tess_gpu_scratch (kernel, tess_shape_n_elements (&value->shape)
                                            * tess_type_size (type)));
  tess_gpu_convert (kernel, value, copy, type);
  return copy;
}

TessGpuBinding
tess_gpu_source (TessGpuKernel *kernel, const TessValue *value)
{
  return tess_gpu_source_typed (kernel, value, kernel->storage);
}

TessGpuDispatch *
tess_gpu_dispatch_bound (TessGpuKernel *kernel,
                         const TessGpuShader *const shader[2],
                         const TessGpuBinding *src,
                         guint n)
{
  TessGpuDispatch *dispatch = tess_gpu_dispatch_new (kernel, shader);

  tess_gpu_bind_dst (dispatch, kernel->op->dst);
  for (guint i = 0; i < n; i++)
    tess_gpu_bind (dispatch, src[i]);
  return dispatch;
}

/* Weights */

void
tess_gpu_bind_pack (TessGpuDispatch *dispatch,
                    const TessGpuKernel *kernel,
                    gint pack)
{
  if (pack < 0)
    tess_gpu_bind (dispatch, (TessGpuBinding) {
                                 .kind = TESS_GPU_VALUE,
                                 .value = kernel->op->dst,
                                 .n_bytes = value_bytes (kernel->op->dst),
                                 .unread = TRUE,
                             });
  else
    tess_gpu_bind (dispatch, (TessGpuBinding) {
                                 .kind = TESS_GPU_PACK,
                                 .index = (guint) pack,
                                 .n_bytes = kernel->specs[pack].n_bytes,
                             });
}

gint
tess_gpu_pack (TessGpuKernel *kernel, const TessPackSpec *spec)
{
  g_assert (kernel->n_packs < TESS_GPU_PACKS);
  kernel->specs[kernel->n_packs] = *spec;
  return (gint) kernel->n_packs++;
}

/* Rows read at once: about a megabyte. */
static gsize
rows_per_piece (gsize row)
{
  return MAX (1, 262144 / MAX (row, 1));
}

static void
put (TessType type, gpointer dst, gsize at, const gfloat *src, gsize n)
{
  if (type == TESS_F16)
    tess_f32_to_f16 (src, (guint16 *) dst + at, n);
  else
    memcpy ((gfloat *) dst + at, src, n * sizeof *src);
}

static gboolean
fill_rows (const TessPackSpec *spec, gpointer dst, GError **error)
{
  const TessWeight *weight = spec->weights[0];
  TessType type = GPOINTER_TO_INT (spec->data);
  gsize n_rows = tess_weight_n_rows (weight);
  gsize row = tess_weight_row_length (weight), step = rows_per_piece (row);

#pragma omp parallel
  {
    g_autofree gfloat *piece = g_new (gfloat, step * row);

#pragma omp for schedule(dynamic)
    for (gsize i = 0; i < n_rows; i += step)
      {
        gsize n = MIN (n_rows - i, step);

        tess_weight_read (weight, i, n, piece);
        put (type, dst, i * row, piece, n * row);
      }
  }
  return TRUE;
}

/* Rows of the file brought across in squares that stay in the cache. */
#define SQUARE 32

static void
turn_rows (const gfloat *src,
           gpointer dst,
           TessType type,
           gsize first,
           gsize n,
           gsize oc,
           gsize ic,
           gsize k)
{
  gfloat line[SQUARE];

  for (gsize j = 0; j < k; j++)
    for (gsize i = 0; i < ic; i++)
      {
        for (gsize o = 0; o < n; o++)
          line[o] = src[(o * ic + i) * k + j];
        put (type, dst, (j * ic + i) * oc + first, line, n);
      }
}

static gboolean
fill_turned (const TessPackSpec *spec, gpointer dst, GError **error)
{
  const TessWeight *weight = spec->weights[0];
  TessType type = GPOINTER_TO_INT (spec->data);
  gsize oc = tess_weight_n_rows (weight), ic = weight->tensor->dims[1];
  gsize row = tess_weight_row_length (weight), k = row / ic;

#pragma omp parallel
  {
    g_autofree gfloat *piece = g_new (gfloat, SQUARE * row);

#pragma omp for schedule(dynamic)
    for (gsize first = 0; first < oc; first += SQUARE)
      {
        gsize n = MIN (oc - first, SQUARE);

        tess_weight_read (weight, first, n, piece);
        turn_rows (piece, dst, type, first, n, oc, ic, k);
      }
  }
  return TRUE;
}

static gint
add_pack (TessGpuKernel *kernel,
          const TessWeight *weight,
          TessType type,
          const gchar *layout,
          gboolean (*fill) (const TessPackSpec *, gpointer, GError **))
{
  TessPackSpec spec = { 0 };

  if (weight == NULL)
    return -1;
  spec.weights[0] = weight;
  spec.layout = g_strdup_printf ("%s %s", layout, tess_type_name (type));
  spec.n_bytes
      = tess_tensor_n_elements (weight->tensor) * tess_type_size (type);
  spec.fill = fill;
  spec.data = GINT_TO_POINTER (type);
  return tess_gpu_pack (kernel, &spec);
}

gint
tess_gpu_pack_vector (TessGpuKernel *kernel, const TessWeight *weight)
{
  return add_pack (kernel, weight, TESS_F32, "rows", fill_rows);
}

gint
tess_gpu_pack_rows (TessGpuKernel *kernel, const TessWeight *weight)
{
  return add_pack (kernel, weight, kernel->storage, "rows", fill_rows);
}

gint
tess_gpu_pack_turned (TessGpuKernel *kernel, const TessWeight *weight)
{
  return add_pack (kernel, weight, kernel->storage, "turned", fill_turned);
}
