/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/ops/ops-private.h: the recorded form of each op, for backends, and
 * what the plain answers share. Checks are done when an op is recorded: all
 * shapes fit here. */
#pragma once

#include "core/ops/ops.h"
#include "core/program-private.h"

G_BEGIN_DECLS

/* Slots of TessOp.src and TessOp.weights. */
enum
{
  TESS_SLOT_SRC = 0,
  TESS_SLOT_RESIDUAL = 1,
  TESS_SLOT_ROW = 2, /* conv2d */
  TESS_SLOT_K = 1,   /* attention; q is the source */
  TESS_SLOT_V = 2,
  TESS_SLOT_ROWS = 3,
  TESS_SLOT_GROUND_K = 4, /* grounded attention; the others as above */
  TESS_SLOT_GROUND_V = 5,
  TESS_SLOT_GROUND_BIAS = 6,
  TESS_SLOT_CELLS = 7,
  TESS_SLOT_TOKENS = 8,
  TESS_SLOT_STATS = 1,  /* group norm */
  TESS_SLOT_B = 1,      /* add, concat */
  TESS_SLOT_FACTOR = 2, /* scale, scale-low, gather */
  TESS_SLOT_PLACES = 1, /* gather, fuse */
  TESS_SLOT_WEIGHTS_X = 2,
  TESS_SLOT_WEIGHTS_Y = 3,
  TESS_SLOT_SHARES = 4,             /* fuse */
  TESS_SLOT_LIKE = 2,               /* rescale; its own are STATS */
  TESS_SLOT_WEIGHTS = TESS_MIX_MAX, /* mix; its maps are 0 .. 7 */
};
enum
{
  TESS_SLOT_WEIGHT = 0,
  TESS_SLOT_BIAS = 1,
};

typedef struct
{
  TessOp op;
  TessConv2d args; /* stride, upsample never 0 */
  gint kh, kw, ic, oc;
} TessConv2dOp;

typedef struct
{
  TessOp op;
  TessLinear args;
  gint ic, oc; /* oc: rows of the weight, twice dst's for GEGLU */
} TessLinearOp;

typedef struct
{
  TessOp op;
  gint n_heads, d, tq, tk;
  gint n_ground; /* of tk, the last: from elsewhere; 0 in plain attention */
  gfloat scale;
  gboolean causal;
} TessAttentionOp; /* grounded attention too */

typedef struct
{
  TessOp op;
  gint n_groups;
  gfloat eps;
  TessActivation act;
} TessGroupNormOp;

typedef struct
{
  TessOp op;
  gint n_groups, y0, y1, x0, x1; /* y1, x1 never 0 */
} TessGroupStatsOp;

typedef struct
{
  TessOp op;
  gfloat eps;
} TessLayerNormOp;

typedef struct
{
  TessOp op;
  TessActivation act;
} TessActivateOp;

typedef struct
{
  TessOp op;
  gint y0, x0;
} TessCropOp;

typedef struct
{
  TessOp op;
  gint k;
} TessDepthwiseOp;

typedef struct
{
  TessOp op;
  gfloat amount;
} TessRescaleOp;

extern const TessOpClass tess_conv2d_class;
extern const TessOpClass tess_linear_class;
extern const TessOpClass tess_attention_class;
extern const TessOpClass tess_group_norm_class;
extern const TessOpClass tess_group_stats_class;
extern const TessOpClass tess_layer_norm_class;
extern const TessOpClass tess_add_class; /* TessOp */
extern const TessOpClass tess_activate_class;
extern const TessOpClass tess_concat_class; /* TessOp */
extern const TessOpClass tess_crop_class;
extern const TessOpClass tess_embed_class;              /* TessOp */
extern const TessOpClass tess_constant_class;           /* TessOp */
extern const TessOpClass tess_store_class;              /* TessOp */
extern const TessOpClass tess_grounded_attention_class; /* TessAttentionOp */
extern const TessOpClass tess_scale_class;              /* TessOp */
extern const TessOpClass tess_scale_low_class;          /* TessOp */
extern const TessOpClass tess_depthwise_class;
extern const TessOpClass tess_gather_class; /* TessOp */
extern const TessOpClass tess_fuse_class;   /* TessOp */
extern const TessOpClass tess_mix_class;    /* TessOp */
extern const TessOpClass tess_rescale_class;

/* Width of a head that attention takes at most. */
#define TESS_MAX_HEAD 1024

/* The waves of scale-low along an axis of @n cells: dst[i] = 2 pi i / n as
 * cosine, then as sine; zeros where the axis has one cell. */
void tess_scale_low_waves (gint n, gfloat *cosines, gfloat *sines);

/* Elements of a weight, 0 for NULL. */
gsize tess_weight_n_elements (const TessWeight *weight);

/* FALSE, with the program's fault set, when @weight (named @what) is not a
 * vector of @n. */
gboolean tess_check_vector (TessProgram *program,
                            const TessOpClass *klass,
                            const gchar *what,
                            const TessWeight *weight,
                            gint n);

/* dst[o] += sum over i of src[i] * weight[i][o] */
void tess_plain_row (gfloat *dst,
                     const gfloat *src,
                     gsize n_src,
                     const gfloat *weight,
                     gsize n_dst);

/* One number through an activation that has one argument. */
gfloat tess_plain_activate (TessActivation act, gfloat x);

G_END_DECLS
