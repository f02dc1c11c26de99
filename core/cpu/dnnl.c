/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/cpu/dnnl.c: oneDNN's primitives as kernels use them. */
#include "core/cpu/dnnl.h"

dnnl_engine_t
tess_dnnl_engine (void)
{
  static gsize once;
  static dnnl_engine_t engine;

  if (g_once_init_enter (&once))
    {
      if (dnnl_engine_create (&engine, dnnl_cpu, 0) != dnnl_success)
        engine = NULL;
      g_once_init_leave (&once, 1);
    }
  return engine;
}

dnnl_data_type_t
tess_dnnl_type (TessType type)
{
  return type == TESS_BF16  ? dnnl_bf16
         : type == TESS_F16 ? dnnl_f16
         : type == TESS_I32 ? dnnl_s32
                            : dnnl_f32;
}

dnnl_memory_desc_t
tess_dnnl_desc (TessType type,
                gint n_dims,
                const dnnl_dim_t *dims,
                const dnnl_dim_t *strides)
{
  dnnl_memory_desc_t desc = NULL;
  dnnl_dims_t dense, sizes;
  dnnl_dim_t stride = 1;

  for (gint i = n_dims - 1; i >= 0; i--)
    {
      dense[i] = strides != NULL ? strides[i] : stride;
      stride *= dims[i];
      sizes[i] = dims[i];
    }
  if (dnnl_memory_desc_create_with_strides (&desc, n_dims, sizes,
                                            tess_dnnl_type (type), dense)
      != dnnl_success)
    return NULL;
  return desc;
}

dnnl_memory_desc_t
tess_dnnl_desc_any (TessType type, gint n_dims, const dnnl_dim_t *dims)
{
  dnnl_memory_desc_t desc = NULL;
  dnnl_dims_t sizes;

  for (gint i = 0; i < n_dims; i++)
    sizes[i] = dims[i];
  if (dnnl_memory_desc_create_with_tag (
          &desc, n_dims, sizes, tess_dnnl_type (type), dnnl_format_tag_any)
      != dnnl_success)
    return NULL;
  return desc;
}

dnnl_memory_desc_t
tess_dnnl_desc_map (TessType type, gint n, gint h, gint w, gint c)
{
  return tess_dnnl_desc (
      type, 4, (dnnl_dim_t[]) { n, c, h, w },
      (dnnl_dim_t[]) { (dnnl_dim_t) h * w * c, 1, (dnnl_dim_t) w * c, c });
}

void
tess_dnnl_desc_clear (dnnl_memory_desc_t *desc)
{
  if (*desc != NULL)
    dnnl_memory_desc_destroy (*desc);
  *desc = NULL;
}

gsize
tess_dnnl_desc_size (const_dnnl_memory_desc_t desc)
{
  return dnnl_memory_desc_get_size (desc);
}

dnnl_primitive_attr_t
tess_dnnl_attr (const TessDnnlPost *post)
{
  dnnl_primitive_attr_t attr = NULL;
  dnnl_post_ops_t ops = NULL;

  if (dnnl_primitive_attr_create (&attr) != dnnl_success)
    return NULL;
  dnnl_primitive_attr_set_scratchpad_mode (attr, dnnl_scratchpad_mode_user);
  if (post != NULL && dnnl_post_ops_create (&ops) == dnnl_success)
    {
      /* The operand of a binary post op is looked for by its place: it comes
       * first in the list only where nothing else does. */
      if (post->eltwise != dnnl_alg_kind_undef)
        dnnl_post_ops_append_eltwise (ops, post->eltwise, post->alpha, 0.0f);
      if (post->binary != dnnl_alg_kind_undef)
        dnnl_post_ops_append_binary (ops, post->binary, post->binary_md);
      dnnl_primitive_attr_set_post_ops (attr, ops);
      dnnl_post_ops_destroy (ops);
    }
  return attr;
}

static gboolean
add_arg (TessPrimitive *primitive, gint arg, const_dnnl_memory_desc_t desc)
{
  dnnl_exec_arg_t *slot = &primitive->args[primitive->n_args];

  g_assert (primitive->n_args < TESS_PRIMITIVE_ARGS);
  slot->arg = arg;
  if (dnnl_memory_create (&slot->memory, desc, tess_dnnl_engine (),
                          DNNL_MEMORY_NONE)
      != dnnl_success)
    return FALSE;
  primitive->n_args++;
  return TRUE;
}

static gint
post_arg (const_dnnl_primitive_desc_t desc)
{
  const_dnnl_primitive_attr_t attr = NULL;
  const_dnnl_post_ops_t ops = NULL;
  gint n = 0;

  if (dnnl_primitive_desc_get_attr (desc, &attr) == dnnl_success
      && dnnl_primitive_attr_get_post_ops (attr, &ops) == dnnl_success)
    n = dnnl_post_ops_len (ops);
  return DNNL_ARG_ATTR_MULTIPLE_POST_OP (MAX (n, 1) - 1) | DNNL_ARG_SRC_1;
}

gboolean
tess_primitive_init (TessPrimitive *primitive,
                     dnnl_primitive_desc_t desc,
                     gboolean has_bias,
                     const_dnnl_memory_desc_t post_desc)
{
  const_dnnl_memory_desc_t scratch
      = dnnl_primitive_desc_query_md (desc, dnnl_query_scratchpad_md, 0);
  gboolean ok
      = dnnl_primitive_create (&primitive->primitive, desc) == dnnl_success
        && dnnl_stream_create (&primitive->stream, tess_dnnl_engine (),
                               dnnl_stream_default_flags)
               == dnnl_success
        && add_arg (primitive, DNNL_ARG_SRC,
                    dnnl_primitive_desc_query_md (desc, dnnl_query_src_md, 0))
        && add_arg (
            primitive, DNNL_ARG_WEIGHTS,
            dnnl_primitive_desc_query_md (desc, dnnl_query_weights_md, 0))
        && add_arg (primitive, DNNL_ARG_DST,
                    dnnl_primitive_desc_query_md (desc, dnnl_query_dst_md, 0))
        && (!has_bias
            || add_arg (
                primitive, DNNL_ARG_BIAS,
                dnnl_primitive_desc_query_md (desc, dnnl_query_weights_md, 1)))
        && (post_desc == NULL
            || add_arg (primitive, post_arg (desc), post_desc));

  if (ok && scratch != NULL && dnnl_memory_desc_get_size (scratch) > 0)
    {
      primitive->n_scratch
          = (dnnl_memory_desc_get_size (scratch) + 63) / 64 * 64;
      ok = add_arg (primitive, DNNL_ARG_SCRATCHPAD, scratch);
    }
  dnnl_primitive_desc_destroy (desc);
  return ok;
}

void
tess_primitive_finish (TessPrimitive *primitive)
{
  for (gint i = 0; i < primitive->n_args; i++)
    dnnl_memory_destroy (primitive->args[i].memory);
  if (primitive->stream != NULL)
    dnnl_stream_destroy (primitive->stream);
  if (primitive->primitive != NULL)
    dnnl_primitive_destroy (primitive->primitive);
  *primitive = (TessPrimitive) { 0 };
}

void
tess_primitive_set (TessPrimitive *primitive, gint arg, gpointer data)
{
  for (gint i = 0; i < primitive->n_args; i++)
    if (primitive->args[i].arg == arg
        || (arg == TESS_ARG_POST
            && primitive->args[i].arg >= DNNL_ARG_ATTR_MULTIPLE_POST_OP_BASE))
      dnnl_memory_set_data_handle (primitive->args[i].memory, data);
}

void
tess_primitive_run (TessPrimitive *primitive)
{
  dnnl_status_t status
      = dnnl_primitive_execute (primitive->primitive, primitive->stream,
                                primitive->n_args, primitive->args);

  if (status != dnnl_success)
    g_critical ("oneDNN failed with status %d", status);
}
