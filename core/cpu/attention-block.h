/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/cpu/attention-block.h: one head's attention for a block of queries,
 * piece by piece of the keys. */
#pragma once

#include "core/cpu/cpu-private.h"

G_BEGIN_DECLS

typedef struct _TessAttentionBlock TessAttentionBlock;

typedef struct
{
  TessType type; /* f32 or bf16 */
  gconstpointer src;
  gsize stride;
  gint first, n;
} TessAttentionTokens;

/* What grounded attention adds for one sample; zeroed: plain attention. */
typedef struct
{
  gint n;                       /* keys from elsewhere, the last of tk */
  const gfloat *bias;           /* [n] */
  const gint32 *cells, *tokens; /* [tk - n], [n]; both NULL: no regions */
} TessAttentionGround;

/* How a processor does it. Sizes are of one head; @d is its width. */
typedef struct
{
  const gchar *name;
  gint n_queries;                       /* of a block */
  gsize (*key_bytes) (gint tk, gint d); /* of its keys; and of its values */
  gsize (*value_bytes) (gint tk, gint d);
  gsize (*scratch_bytes) (gint d); /* of a thread */
  /* Keys or values of @type, @stride numbers from one to the next, into place
   * @first and following; what is never filled is zeroed by the caller. */
  void (*pack_keys) (const TessAttentionTokens *src, gint d, gpointer dst);
  void (*pack_values) (const TessAttentionTokens *src, gint d, gpointer dst);
  void (*run) (const TessAttentionBlock *block);
} TessAttentionWay;

struct _TessAttentionBlock
{
  TessType type;      /* of q and dst: f32 or bf16 */
  gconstpointer q;    /* [n][stride] */
  gpointer dst;       /* as q */
  gconstpointer k, v; /* packed */
  gpointer scratch;   /* 64-byte aligned */
  gint n, first;      /* queries here, and which comes first */
  gint tk, d;
  gsize stride;    /* of q and dst, in numbers */
  gfloat scale;    /* of the scores */
  gboolean causal; /* query i sees keys 0 .. i */
  TessAttentionGround ground;
};

/* Vectors of four, eight and sixteen; the last two where the processor is of
 * that level of x86-64. */
extern const TessAttentionWay tess_attention_way_any;
extern const TessAttentionWay tess_attention_way_v3;
extern const TessAttentionWay tess_attention_way_v4;

/* bfloat16 in the processor's matrix unit. */
extern const TessAttentionWay tess_attention_way_amx;

/* The fastest that this processor and this build have. */
const TessAttentionWay *tess_attention_way (TessType storage);

/* The score of a key that a query does not see: low enough to weigh nothing,
 * and finite, so that a piece may have no other. */
#define TESS_HIDDEN -1e30f

/* Hides what fills the last group, what a causal query does not see and what
 * lies in other regions; adds the bias. @scores is [n_keys][n_queries], from
 * key @first on; @unit brings a bias to their scale. */
void tess_block_mask (const TessAttentionBlock *block,
                      gfloat *scores,
                      gint first,
                      gint n_keys,
                      gint n_queries,
                      gfloat unit);

/* Numbers of @type as float32; @buffer has place for @n where they are not. */
static inline const gfloat *
tess_block_numbers (TessType type, gconstpointer src, gint n, gfloat *buffer)
{
  if (type == TESS_F32)
    return src;
  tess_bf16_to_f32 (src, buffer, n);
  return buffer;
}

static inline gconstpointer
tess_block_at (TessType type, gconstpointer data, gsize n)
{
  return (const guint8 *) data + n * tess_type_size (type);
}

G_END_DECLS
