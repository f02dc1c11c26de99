/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/cpu/conv2d.c: convolution by oneDNN, channels last.
 *
 * After doubling, a 3x3 kernel is four 2x2 kernels on the map itself, one for
 * each place of the result's cells within a doubled cell: exactly the same
 * sums with 2.25 times fewer products. */
#include "core/cpu/cpu-private.h"

enum
{
  PACK_WEIGHT,
  PACK_BIAS,
};

typedef struct
{
  TessKernel kernel;
  TessPrimitive primitives[4]; /* one, or one per phase */
  gsize phase_size;            /* of the packed weight; 0: no phases */
  gboolean doubled;            /* the source is doubled into scratch */
  TessType storage;
  gsize n_row, n_source, n_phase; /* bytes of scratch, in this order, then
                                     the primitive's; n_phase is one of 4 */
} Conv;

typedef struct
{
  TessShape src, dst;
  gint kh, kw, stride;
  gint top, left, bottom, right;
} Geometry;

static gboolean
is_amx (const_dnnl_primitive_desc_t desc)
{
  const gchar *name = NULL;

  return dnnl_primitive_desc_query (desc, dnnl_query_impl_info_str, 0, &name)
             == dnnl_success
         && strstr (name, "amx") != NULL;
}

static gboolean
init_primitive (Conv *self,
                TessPrimitive *primitive,
                const TessConv2dOp *op,
                const Geometry *g,
                const TessDnnlPost *post,
                gboolean phases)
{
  gboolean has_bias = op->args.bias != NULL || op->args.row != NULL;
  dnnl_dim_t weight_dims[] = { op->oc, op->ic, g->kh, g->kw };
  dnnl_dims_t strides = { g->stride, g->stride }, none = { 0, 0 };
  dnnl_dims_t begin = { g->top, g->left }, end = { g->bottom, g->right };
  dnnl_memory_desc_t src = tess_dnnl_desc_map (self->storage, g->src.n,
                                               g->src.h, g->src.w, g->src.c);
  dnnl_memory_desc_t weight
      = tess_dnnl_desc_any (self->storage, 4, weight_dims);
  dnnl_memory_desc_t dst = tess_dnnl_desc_map (self->storage, g->dst.n,
                                               g->dst.h, g->dst.w, g->dst.c);
  dnnl_memory_desc_t bias
      = has_bias ? tess_dnnl_desc (TESS_F32, 1, (dnnl_dim_t[]) { op->oc }, NULL)
                 : NULL;
  dnnl_primitive_attr_t attr = tess_dnnl_attr (post);
  dnnl_primitive_desc_t desc = NULL;
  gboolean ok = dnnl_convolution_forward_primitive_desc_create (
                    &desc, tess_dnnl_engine (), dnnl_forward_inference,
                    dnnl_convolution_direct, src, weight, bias, dst, strides,
                    none, begin, end, attr)
                == dnnl_success;

  /* With AMX oneDNN (seen in 3.12) reads what it has not written where a stride
   * of 2 leaves a single column; its other ways are right. */
  while (ok && g->stride > 1 && g->dst.w == 1 && is_amx (desc))
    ok = dnnl_primitive_desc_next_impl (desc) == dnnl_success;
  if (ok)
    {
      const_dnnl_memory_desc_t layout
          = dnnl_primitive_desc_query_md (desc, dnnl_query_weights_md, 0);

      if (self->kernel.specs[PACK_WEIGHT].layout == NULL)
        tess_cpu_pack_spec (&self->kernel.specs[PACK_WEIGHT],
                            &(TessCpuPacking) { .weight = op->args.weight,
                                                .desc = layout,
                                                .phases = phases });
      if (phases)
        self->phase_size = tess_cpu_phase_size (layout);
      ok = tess_primitive_init (primitive, desc, has_bias, post->binary_md);
    }
  dnnl_primitive_attr_destroy (attr);
  tess_dnnl_desc_clear (&src);
  tess_dnnl_desc_clear (&weight);
  tess_dnnl_desc_clear (&dst);
  tess_dnnl_desc_clear (&bias);
  return ok;
}

/* The addresses of rows of cells are all that these two need. */
static void
double_map (const TessShape *src, gsize cell, const guint8 *from, guint8 *to)
{
  gsize row = src->w * cell;

#pragma omp parallel for
  for (gint y = 0; y < src->n * src->h; y++)
    {
      guint8 *dst = to + y * row * 4;

      for (gint x = 0; x < src->w; x++)
        {
          memcpy (dst + x * 2 * cell, from + y * row + x * cell, cell);
          memcpy (dst + (x * 2 + 1) * cell, from + y * row + x * cell, cell);
        }
      memcpy (dst + row * 2, dst, row * 2);
    }
}

/* Cell (y, x) of one phase -> (2y + py, 2x + px) of the result, with what the
 * primitive did not do: the residual. */
static void
spread_phase (const TessShape *src,
              gsize cell,
              const guint8 *from,
              guint8 *to,
              gint phase)
{
  gsize row = src->w * cell;

#pragma omp parallel for
  for (gint y = 0; y < src->n * src->h; y++)
    for (gint x = 0; x < src->w; x++)
      memcpy (to + (2 * y + phase / 2) * row * 2 + (2 * x + phase % 2) * cell,
              from + y * row + x * cell, cell);
}

static void
run_primitive (Conv *self,
               TessPrimitive *primitive,
               gpointer src,
               guint8 *weight,
               gpointer bias,
               gpointer residual,
               gpointer dst,
               gpointer scratch)
{
  tess_primitive_set (primitive, DNNL_ARG_SRC, src);
  tess_primitive_set (primitive, DNNL_ARG_WEIGHTS, weight);
  tess_primitive_set (primitive, DNNL_ARG_BIAS, bias);
  tess_primitive_set (primitive, TESS_ARG_POST, residual);
  tess_primitive_set (primitive, DNNL_ARG_DST, dst);
  tess_primitive_set (primitive, DNNL_ARG_SCRATCHPAD, scratch);
  tess_primitive_run (primitive);
}

static void
run (TessKernel *kernel, const TessHostRun *run)
{
  Conv *self = (Conv *) kernel;
  const TessOp *op = kernel->op;
  const TessShape *shape = &op->src[TESS_SLOT_SRC]->shape;
  const TessValue *residual = op->src[TESS_SLOT_RESIDUAL];
  const TessValue *row = op->src[TESS_SLOT_ROW];
  gsize cell = tess_type_size (self->storage);
  guint8 *source = run->scratch + self->n_row;
  guint8 *phase = source + self->n_source;
  guint8 *scratch = phase + self->n_phase;
  guint8 *weight = tess_kernel_pack (kernel, PACK_WEIGHT);
  gpointer bias = tess_kernel_pack (kernel, PACK_BIAS);
  gpointer dst = tess_host_data (run, op->dst);
  gpointer src = tess_cpu_source (run, op->src[TESS_SLOT_SRC], self->storage,
                                  self->doubled ? phase : source);

  if (row != NULL)
    {
      tess_cpu_row (run, row, bias, op->dst->shape.c, (gfloat *) run->scratch);
      bias = run->scratch;
    }
  if (self->doubled)
    {
      double_map (shape, shape->c * cell, src, source);
      src = source;
    }
  if (self->phase_size == 0)
    run_primitive (self, &self->primitives[0], src, weight, bias,
                   residual != NULL ? tess_host_data (run, residual) : NULL,
                   dst, scratch);
  for (gint i = 0; i < 4 && self->phase_size > 0; i++)
    {
      run_primitive (self, &self->primitives[i], src,
                     weight + i * self->phase_size, bias, NULL, phase, scratch);
      spread_phase (shape, op->dst->shape.c * cell, phase, dst, i);
    }
}

static void
finish (TessKernel *kernel)
{
  for (gint i = 0; i < 4; i++)
    tess_primitive_finish (&((Conv *) kernel)->primitives[i]);
}

static gboolean
init_phases (Conv *self, const TessConv2dOp *op, const TessDnnlPost *post)
{
  for (gint i = 0; i < 4; i++)
    {
      Geometry g = {
        .src = op->op.src[TESS_SLOT_SRC]->shape,
        .kh = 2,
        .kw = 2,
        .stride = 1,
        .top = i < 2,
        .bottom = i >= 2,
        .left = i % 2 == 0,
        .right = i % 2 == 1,
      };

      g.dst = g.src;
      g.dst.c = op->oc;
      if (!init_primitive (self, &self->primitives[i], op, &g, post, TRUE))
        return FALSE;
    }
  self->n_phase = tess_align64 (tess_shape_n_elements (&op->op.dst->shape) / 4
                                * tess_type_size (self->storage));
  return TRUE;
}

static gboolean
init_whole (Conv *self, const TessConv2dOp *op, const TessDnnlPost *post)
{
  const TessConv2d *args = &op->args;
  Geometry g = {
    .src = args->src->shape,
    .dst = op->op.dst->shape,
    .kh = op->kh,
    .kw = op->kw,
    .stride = args->stride,
    .top = args->pad_begin,
    .left = args->pad_begin,
    .bottom = args->pad_end,
    .right = args->pad_end,
  };

  /* oneDNN wants no cells at the end that no kernel reaches. */
  g.src.h *= args->upsample;
  g.src.w *= args->upsample;
  g.bottom = (g.dst.h - 1) * g.stride + g.kh - g.src.h - g.top;
  g.right = (g.dst.w - 1) * g.stride + g.kw - g.src.w - g.left;
  self->doubled = args->upsample == 2;
  if (self->doubled)
    {
      self->n_phase = self->n_source; /* where a source is converted */
      self->n_source = tess_align64 (tess_shape_n_elements (&g.src)
                                     * tess_type_size (self->storage));
    }
  return init_primitive (self, &self->primitives[0], op, &g, post, FALSE);
}

TessKernel *
tess_cpu_conv2d_new (TessHostBackend *host, const TessOp *base)
{
  const TessConv2dOp *op = (const TessConv2dOp *) base;
  const TessConv2d *args = &op->args;
  const TessShape *dst = &base->dst->shape;
  TessDnnlPost post = { 0 };
  dnnl_memory_desc_t other = NULL;
  gboolean is_product = op->kh == 1 && op->kw == 1 && args->stride == 1
                        && args->pad_begin == 0 && args->pad_end == 0
                        && args->upsample == 1 && args->row == NULL;
  gboolean phases = args->upsample == 2 && op->kh == 3 && op->kw == 3
                    && args->stride == 1 && args->pad_begin == 1
                    && args->pad_end == 1 && args->residual == NULL;
  Conv *self;
  gboolean ok;

  if (is_product)
    return tess_cpu_product_new (&(TessCpuProduct) {
        .op = base,
        .n_rows = tess_shape_n_elements (dst) / op->oc,
        .ic = op->ic,
        .oc = op->oc,
        .act = args->act,
    });
  if (args->upsample > 2)
    return NULL;

  self = g_new0 (Conv, 1);
  self->storage = base->dst->type;
  self->n_row = args->row != NULL ? tess_align64 (op->oc * sizeof (gfloat)) : 0;
  self->n_source = tess_cpu_source_scratch (args->src, self->storage);
  if (args->act == TESS_ACT_SILU)
    post = (TessDnnlPost) { .eltwise = dnnl_eltwise_swish, .alpha = 1.0f };
  else if (args->act == TESS_ACT_RELU)
    post = (TessDnnlPost) { .eltwise = dnnl_eltwise_relu };
  else if (args->act == TESS_ACT_LEAKY_RELU)
    post = (TessDnnlPost) { .eltwise = dnnl_eltwise_relu, .alpha = 0.2f };
  if (args->residual != NULL)
    {
      other = tess_dnnl_desc_map (args->residual->type, dst->n, dst->h, dst->w,
                                  dst->c);
      post.binary = dnnl_binary_add;
      post.binary_md = other;
    }
  ok = phases ? init_phases (self, op, &post) : init_whole (self, op, &post);
  tess_dnnl_desc_clear (&other);
  if (args->bias != NULL)
    tess_pack_spec_plain (&self->kernel.specs[PACK_BIAS], args->bias);
  for (gint i = 0; i < 4; i++)
    self->kernel.n_scratch
        = MAX (self->kernel.n_scratch, self->primitives[i].n_scratch);
  self->kernel.n_scratch += self->n_row + self->n_source + self->n_phase;
  self->kernel.variant = phases ? "onednn conv, four phases" : "onednn conv";
  self->kernel.run = run;
  self->kernel.finish = finish;
  if (!ok)
    {
      tess_kernel_free (&self->kernel);
      return NULL;
    }
  return &self->kernel;
}
