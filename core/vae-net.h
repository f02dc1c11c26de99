/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/vae-net.h: encoder and decoder as a row of units, any stretch of which
 * can be recorded for any rectangle of the canvas.
 *
 * A unit is what lies between two places where the whole state is one map:
 * a residual block, the attention, a change of size, the ends. Map u is what
 * unit u reads. Rectangles are half open, in cells of the map that they
 * belong to, and may reach over the edge where the canvas closes on itself. */
#pragma once

#include "core/backend.h"
#include "core/model.h"

G_BEGIN_DECLS

/* Values stay in float32 whatever the backend's storage, as in the reference
 * ("force_upcast"): in bfloat16 a trained decoder was off by up to 0.067 of
 * its largest value, which is seen; its weights are a tenth of the UNet's. */
#define TESS_VAE_STORAGE TESS_F32

typedef enum
{
  TESS_VAE_IN,        /* (post_quant_conv) conv_in */
  TESS_VAE_RESNET,    /* two norms */
  TESS_VAE_ATTENTION, /* one norm */
  TESS_VAE_UP,        /* sides doubled */
  TESS_VAE_DOWN,      /* sides halved */
  TESS_VAE_OUT,       /* norm, conv_out (quant_conv) */
  TESS_VAE_FUSE,      /* two norms; these three: core/vae-fusion.h */
  TESS_VAE_DENSE,
  TESS_VAE_MERGE, /* two norms */
} TessVaeKind;

/* A residual block inside, which a span may end in. */
static inline gboolean
tess_vae_has_middle (TessVaeKind kind)
{
  return kind == TESS_VAE_RESNET || kind == TESS_VAE_FUSE
         || kind == TESS_VAE_MERGE;
}

typedef struct
{
  TessVaeKind kind;
  gchar *path;
  gint src_channels, channels;
  gint scale; /* side of map u in cells, per latent cell */
  gint norm;  /* number of its first group norm; -1: it has none */
} TessVaeUnit;

typedef struct _TessVaeNet TessVaeNet;
struct _TessVaeNet
{
  TessModel *model; /* borrowed */
  const TessVaeConfig *config;
  gboolean encoder;
  const TessVaeNet *looks; /* a decoder that looks at the picture through
                              this encoder (borrowed); NULL: it does not */
  gint n_units;
  TessVaeUnit *units; /* n_units + 1: the last one only tells what comes out */
  gint n_norms;
};

void tess_vae_net_init (TessVaeNet *net, TessModel *model, gboolean encoder);
/* The decoder with fusions of what @encoder says. */
void tess_vae_net_init_fused (TessVaeNet *net, const TessVaeNet *encoder);
void tess_vae_net_finish (TessVaeNet *net);

typedef struct
{
  gint y0, y1, x0, x1;
} TessVaeRect;

static inline gboolean
tess_vae_rect_equal (const TessVaeRect *a, const TessVaeRect *b)
{
  return a->y0 == b->y0 && a->y1 == b->y1 && a->x0 == b->x0 && a->x1 == b->x1;
}

/* The canvas in latent cells, and which sides meet. */
typedef struct
{
  gint h, w;
  gboolean wrap_x, wrap_y;
} TessVaeCanvas;

/* How attention finds its keys. */
typedef enum
{
  TESS_VAE_KEYS_INLINE, /* the canvas's own, in the same program */
  TESS_VAE_KEYS_GLOBAL, /* given, those of the whole canvas */
  TESS_VAE_KEYS_LOCAL,  /* those of the tile and a margin round it */
} TessVaeKeys;

/* In latent cells; more than what the units after the attention look at. */
#define TESS_VAE_KEYS_MARGIN 24

/* From map @first to map @last, or (@middle) to the state before the second
 * norm of residual block @last; right within @tile, given in latent cells. */
typedef struct
{
  gint first, last;
  gboolean middle;
  TessVaeCanvas canvas;
  TessVaeRect tile;
  TessVaeKeys keys;
  const TessVaeRect *end; /* what of map @last is wanted; NULL: @tile's part */
} TessVaeSpan;

/* The part of @tile in map @unit. */
TessVaeRect
tess_vae_net_owned (const TessVaeNet *net, gint unit, const TessVaeRect *tile);

/* What each unit of the span must read: needs[first .. last]. */
void tess_vae_net_needs (const TessVaeNet *net,
                         const TessVaeSpan *span,
                         TessVaeRect *needs);

/* Operations, and bytes of the largest unit's maps, when that is recorded. */
void tess_vae_net_estimate (const TessVaeNet *net,
                            const TessVaeSpan *span,
                            gdouble *n_flops,
                            gsize *n_bytes);

/**
 * tess_vae_net_record:
 * @src: map @first over needs[first].
 * @stats: per norm, f32 [1, 1, groups, 2], what to normalise by; NULL: each
 * norm takes its statistics over the canvas, which the span must then cover.
 * @taps: per norm, where those statistics are kept, may be NULL.
 * @k, @v: for TESS_VAE_KEYS_GLOBAL.
 * Returns: the last state; @dst_rect: what part of its map it is; @normed (may
 * be NULL): what the first norm of unit @last reads, over the same part.
 */
typedef struct
{
  TessBuffer *fifth;    /* f32 [1, 1, 1, 1]: 0.2 */
  TessBuffer *fidelity; /* the same: how much of the picture is wrapped in */
} TessVaeFactors;

typedef struct
{
  TessValue *src;
  TessBuffer *const *stats;
  TessBuffer *const *taps;
  TessBuffer *k, *v;
  /* For a decoder that looks at the picture: */
  const TessVaeFactors *fusion;
  TessValue *pixels;              /* as tess_vae_fusion_needs tells */
  TessBuffer *const *pixel_stats; /* as @stats, of the encoder */
} TessVaeBinding;
TessValue *tess_vae_net_record (const TessVaeNet *net,
                                TessProgram *program,
                                const TessVaeSpan *span,
                                const TessVaeBinding *binding,
                                TessVaeRect *dst_rect,
                                TessValue **normed);

/* Keys and values of attention @unit from a part of its map. */
void tess_vae_net_record_keys (const TessVaeNet *net,
                               TessProgram *program,
                               gint unit,
                               TessValue *src,
                               TessBuffer *stats,
                               TessValue **k,
                               TessValue **v);

G_END_DECLS
