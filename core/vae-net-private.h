/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/vae-net-private.h: a recording of units, for the files that record. */
#pragma once

#include "core/net.h"
#include "core/vae-net.h"

G_BEGIN_DECLS

/* What one recording carries from unit to unit. */
typedef struct
{
  TessNet layers;
  const TessVaeNet *net;
  const TessVaeSpan *span;
  const TessVaeBinding *binding;
  TessVaeRect rect; /* of the state */
} TessVaeRecording;

/* Group norm number @norm of unit @unit over @x. @layers: whose weights. */
TessValue *tess_vae_record_norm (TessVaeRecording *r,
                                 const TessNet *layers,
                                 gint unit,
                                 gint norm,
                                 const gchar *path,
                                 TessValue *x,
                                 TessActivation act);

void tess_vae_net_add_unit (TessVaeNet *net,
                            GArray *units,
                            TessVaeKind kind,
                            gint channels,
                            gchar *path);

/* Records units first .. last of @r's span, whose state becomes @x. */
TessValue *tess_vae_net_record_units (TessVaeRecording *r,
                                      const TessVaeRect *needs,
                                      gint first,
                                      gint last,
                                      TessValue *const *features,
                                      TessValue *x);

/* @x, the state, cut to @need. */
TessValue *
tess_vae_net_cut (TessVaeRecording *r, const TessVaeRect *need, TessValue *x);

G_END_DECLS
