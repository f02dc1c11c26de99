/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/card-row.h: the row that says which graphics card computes, where there
 * are several. */
#pragma once

#include "ui/setting-table.h"

G_BEGIN_DECLS

/**
 * tess_card_row_add:
 * A row for the setting "card", hidden until the table is first seen: only then
 * are the cards looked for, in a thread of its own, and the row appears where
 * there is a choice, or where one was made already. Nothing where the procedure
 * has no such setting.
 */
void tess_card_row_add (TessTable *table);

G_END_DECLS
