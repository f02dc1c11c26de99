/* SPDX-License-Identifier: GPL-3.0-or-later
 * tools/golden-instance.h: what cases of InstanceDiffusion have in common. */
#pragma once

#include "core/grounding.h"
#include "tools/golden-case.h"

G_BEGIN_DECLS

/* Slots that point into what was read. */
typedef struct
{
  TessTensor *text, *boxes, *points, *scribbles, *polygons;
  guint8 *masks;
  TessSlot slots[TESS_MAX_SLOTS];
  gint n;
} GoldenSlots;

gboolean
golden_slots_read (const GoldenCase *c, GoldenSlots *slots, GError **error);
void golden_slots_finish (GoldenSlots *slots);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (GoldenSlots, golden_slots_finish)

/* Cases of samplers and gates; FALSE: not one of them. */
gboolean golden_instance_run (const GoldenCase *c);

/* The network of the set. */
gboolean golden_make_network (GoldenSet *set, GError **error);

/* Those that the case's preset has on. */
TessFormat golden_formats (const GoldenCase *c);

G_END_DECLS
