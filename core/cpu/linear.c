/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/cpu/linear.c: products with a weight by oneDNN, everything that
 * follows fused. GEGLU is two products: the gate through gelu, then the
 * values times the gate. */
#include "core/cpu/cpu-private.h"

enum
{
  PACK_VALUE,
  PACK_BIAS,
  PACK_GATE,
};

typedef struct
{
  TessKernel kernel;
  TessPrimitive value, gate;
  gboolean gated;
  TessType storage;
  gsize n_source, n_gate; /* bytes of scratch: source, gate, the primitives' */
} Product;

static TessDnnlPost
post_of (TessActivation act)
{
  switch (act)
    {
    case TESS_ACT_SILU:
      return (TessDnnlPost) { .eltwise = dnnl_eltwise_swish, .alpha = 1.0f };
    case TESS_ACT_QUICK_GELU:
      return (TessDnnlPost) { .eltwise = dnnl_eltwise_swish, .alpha = 1.702f };
    case TESS_ACT_GELU:
      return (TessDnnlPost) { .eltwise = dnnl_eltwise_gelu_erf };
    case TESS_ACT_RELU:
      return (TessDnnlPost) { .eltwise = dnnl_eltwise_relu };
    case TESS_ACT_LEAKY_RELU:
      return (TessDnnlPost) { .eltwise = dnnl_eltwise_relu, .alpha = 0.2f };
    case TESS_ACT_NONE:
    case TESS_ACT_GEGLU:
      break;
    }
  return (TessDnnlPost) { 0 };
}

/* One product of [rows, ic] with the weight's rows from @first_row on. */
static gboolean
init_product (Product *self,
              TessPrimitive *primitive,
              const TessCpuProduct *args,
              const TessDnnlPost *post,
              gint pack,
              gsize first_row,
              gint n)
{
  dnnl_dim_t src_dims[] = { args->n_rows, args->ic };
  dnnl_dim_t weight_dims[] = { args->ic, n };
  dnnl_dim_t dst_dims[] = { args->n_rows, n };
  const TessWeight *bias = args->op->weights[TESS_SLOT_BIAS];
  dnnl_memory_desc_t src = tess_dnnl_desc (self->storage, 2, src_dims, NULL);
  dnnl_memory_desc_t weight
      = tess_dnnl_desc_any (self->storage, 2, weight_dims);
  dnnl_memory_desc_t dst = tess_dnnl_desc (self->storage, 2, dst_dims, NULL);
  dnnl_memory_desc_t bias_desc
      = bias == NULL
            ? NULL
            : tess_dnnl_desc (TESS_F32, 2, (dnnl_dim_t[]) { 1, n }, NULL);
  dnnl_primitive_attr_t attr = tess_dnnl_attr (post);
  dnnl_primitive_desc_t desc = NULL;
  gboolean ok
      = dnnl_matmul_primitive_desc_create (&desc, tess_dnnl_engine (), src,
                                           weight, bias_desc, dst, attr)
        == dnnl_success;

  if (ok)
    {
      tess_cpu_pack_spec (&self->kernel.specs[pack],
                          &(TessCpuPacking) {
                              .weight = args->op->weights[TESS_SLOT_WEIGHT],
                              .desc = dnnl_primitive_desc_query_md (
                                  desc, dnnl_query_weights_md, 0),
                              .is_product = TRUE,
                              .first_row = first_row,
                          });
      ok = tess_primitive_init (primitive, desc, bias != NULL, post->binary_md);
    }
  dnnl_primitive_attr_destroy (attr);
  tess_dnnl_desc_clear (&src);
  tess_dnnl_desc_clear (&weight);
  tess_dnnl_desc_clear (&dst);
  tess_dnnl_desc_clear (&bias_desc);
  return ok;
}

static void
run_primitive (Product *self,
               TessPrimitive *primitive,
               gpointer src,
               gint pack,
               gsize first_bias,
               gpointer post,
               gpointer dst,
               gpointer scratch)
{
  gfloat *bias = tess_kernel_pack (&self->kernel, PACK_BIAS);

  tess_primitive_set (primitive, DNNL_ARG_SRC, src);
  tess_primitive_set (primitive, DNNL_ARG_WEIGHTS,
                      tess_kernel_pack (&self->kernel, pack));
  if (bias != NULL)
    tess_primitive_set (primitive, DNNL_ARG_BIAS, bias + first_bias);
  tess_primitive_set (primitive, TESS_ARG_POST, post);
  tess_primitive_set (primitive, DNNL_ARG_DST, dst);
  tess_primitive_set (primitive, DNNL_ARG_SCRATCHPAD, scratch);
  tess_primitive_run (primitive);
}

static void
run (TessKernel *kernel, const TessHostRun *run)
{
  Product *self = (Product *) kernel;
  const TessValue *residual = kernel->op->src[TESS_SLOT_RESIDUAL];
  gpointer src = tess_cpu_source (run, kernel->op->src[TESS_SLOT_SRC],
                                  self->storage, run->scratch);
  gpointer dst = tess_host_data (run, kernel->op->dst);
  guint8 *gate = run->scratch + self->n_source;
  guint8 *scratch = gate + self->n_gate;

  if (self->gated)
    run_primitive (self, &self->gate, src, PACK_GATE, kernel->op->dst->shape.c,
                   NULL, gate, scratch);
  run_primitive (self, &self->value, src, PACK_VALUE, 0,
                 self->gated        ? gate
                 : residual != NULL ? tess_host_data (run, residual)
                                    : NULL,
                 dst, scratch);
}

static void
finish (TessKernel *kernel)
{
  Product *self = (Product *) kernel;

  tess_primitive_finish (&self->value);
  tess_primitive_finish (&self->gate);
}

TessKernel *
tess_cpu_product_new (const TessCpuProduct *args)
{
  Product *self = g_new0 (Product, 1);
  const TessOp *op = args->op;
  const TessValue *residual = op->src[TESS_SLOT_RESIDUAL];
  gint n = op->dst->shape.c;
  dnnl_dim_t dims[] = { args->n_rows, n };
  TessDnnlPost post = post_of (args->act);
  dnnl_memory_desc_t other = NULL;
  gboolean ok = TRUE;

  self->storage = op->dst->type;
  self->gated = args->act == TESS_ACT_GEGLU;
  if (self->gated)
    {
      TessDnnlPost gelu = post_of (TESS_ACT_GELU);

      ok = init_product (self, &self->gate, args, &gelu, PACK_GATE, n, n);
      other = tess_dnnl_desc (self->storage, 2, dims, NULL);
      post.binary = dnnl_binary_mul;
    }
  else if (residual != NULL)
    {
      other = tess_dnnl_desc (residual->type, 2, dims, NULL);
      post.binary = dnnl_binary_add;
    }
  post.binary_md = other;
  ok = ok && init_product (self, &self->value, args, &post, PACK_VALUE, 0, n);
  tess_dnnl_desc_clear (&other);
  if (op->weights[TESS_SLOT_BIAS] != NULL)
    tess_pack_spec_plain (&self->kernel.specs[PACK_BIAS],
                          op->weights[TESS_SLOT_BIAS]);
  self->n_source
      = tess_cpu_source_scratch (op->src[TESS_SLOT_SRC], self->storage);
  self->n_gate
      = self->gated
            ? tess_align64 (args->n_rows * n * tess_type_size (self->storage))
            : 0;
  self->kernel.n_scratch = self->n_source + self->n_gate
                           + MAX (self->value.n_scratch, self->gate.n_scratch);
  self->kernel.variant = "onednn matmul";
  self->kernel.run = run;
  self->kernel.finish = finish;
  if (!ok)
    {
      tess_kernel_free (&self->kernel);
      return NULL;
    }
  return &self->kernel;
}

TessKernel *
tess_cpu_linear_new (TessHostBackend *host, const TessOp *op)
{
  const TessLinearOp *linear = (const TessLinearOp *) op;

  if (linear->args.act == TESS_ACT_GEGLU && op->src[TESS_SLOT_RESIDUAL] != NULL)
    return NULL;
  return tess_cpu_product_new (&(TessCpuProduct) {
      .op = op,
      .n_rows
      = tess_shape_n_elements (&op->src[TESS_SLOT_SRC]->shape) / linear->ic,
      .ic = linear->ic,
      .oc = linear->oc,
      .act = linear->args.act,
  });
}
